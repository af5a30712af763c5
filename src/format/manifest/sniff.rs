//! Whether bytes look like a manifest.

use super::line::lines;

/// Whether `bytes` look like a manifest to us: the first line that is no comment begins with `file `.
pub fn looks_like(bytes: &[u8]) -> bool {
    first_line(bytes).starts_with(b"file ")
}

/// Whether `redis-check-aof` 7.2.5 and later, and `valkey-check-aof`, would take `bytes` for a
/// manifest: the first line that is no comment begins with lower-case `file`. If not, they read a
/// RESP log, and `--fix` cuts the manifest to 0 bytes.
pub fn redis_check_aof_recognises(bytes: &[u8]) -> bool {
    first_line(bytes).starts_with(b"file")
}

/// The first line that is no comment, as the loader's buffer cuts lines.
fn first_line(bytes: &[u8]) -> &[u8] {
    lines(bytes).find(|line| !line.is_comment()).map_or(&[], |line| line.bytes)
}
