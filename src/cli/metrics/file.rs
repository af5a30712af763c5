//! Writes the file that others read at any time: they see the old text or the new one, never a part.

use std::path::Path;

use aofkit::disk::{Dir, NewFile, parent};
use aofkit::error::{Error, Result};

/// Whoever reads metrics is another user.
const MODE: u32 = 0o644;

/// Puts `text` at `path`, by a temporary file beside it, whose name no collector takes.
///
/// # Errors
/// When it cannot be written. What stood there stays.
pub fn write(path: &Path, text: &str) -> Result<()> {
    let dir = Dir::open(parent(path))?;
    let Some(name) = path.file_name() else {
        return Err(Error::io(path, std::io::Error::other("names no file")));
    };
    let temporary = format!(".aofkit-{}.tmp", std::process::id());
    // One of a process of the same number that was killed.
    dir.remove_file(&temporary)?;
    let written = NewFile::create_in(&dir, &temporary, MODE).and_then(|file| {
        file.write_at(text.as_bytes(), 0)?;
        file.sync()?;
        dir.rename(&temporary, &dir, name)
    });
    if written.is_err() {
        // The first error is the one to tell.
        let _ = dir.remove_file(&temporary);
    }
    written
}
