//! A key that would be lost, as it is shown.

use aofkit::change::LostKey;
use aofkit::redact::hidden;
use aofkit::text::escape;

/// A key as it is shown: `"user:1"`, and its database where it is not 0.
pub fn key_name(key: &LostKey, redact: bool) -> String {
    let shown = match redact {
        true => hidden(&key.name),
        false => format!("\"{}\"", escape(&key.name)),
    };
    match key.db {
        Some(0) => shown,
        Some(db) => format!("{shown} (db {db})"),
        None => format!("{shown} (db unknown)"),
    }
}
