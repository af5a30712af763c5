//! How the log is written and read again.

use crate::cases::Case;

pub const CASES: &[Case] = &[
    Case::lines("appendonly-off", "appendonly no", "appendonly YES"),
    Case::lines("appendfsync", "appendfsync no", "appendfsync everysec"),
];
