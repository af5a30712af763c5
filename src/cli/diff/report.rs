//! What a comparison found.

use aofkit::diff::{Diff, Differences};

use super::operand::Operand;

/// Two sets, and what comes of them.
pub struct Compared {
    pub a: Operand,
    pub b: Operand,
    pub diff: Diff,
    pub loaded: Option<ByServer>,
    pub top: usize,
}

/// What a server has of both.
pub struct ByServer {
    pub by: String,
    pub keys: (u64, u64),
    /// Whether keys whose time has passed were counted.
    pub with_passed: bool,
    pub differences: Differences,
}
