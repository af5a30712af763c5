//! Writes the file that others read at any time: they see the old text or the new one, never a part.

use std::path::Path;

use aofkit::disk::{self, Dir, Unpublished, parent};
use aofkit::error::{Error, ErrorKind, Result};

/// Whoever reads metrics is another user.
const MODE: u32 = 0o644;

/// Whether metrics may be put there: what has the name already is a plain file. A pipe or a link would be replaced by one,
/// and whoever reads at its other end would never hear of it.
///
/// # Errors
/// When it is something else.
pub fn must_be_plain(path: &Path) -> Result<()> {
    if !disk::exists(path) || disk::is_file(path) && !disk::is_link(path) {
        return Ok(());
    }
    let why = match disk::is_link(path) {
        true => "a symbolic link, which the new file would replace; name the file that it leads to",
        false => "not a plain file, and the new file would replace it; name another path",
    };
    Err(Error::new(ErrorKind::Refused(why.to_owned().into()), path))
}

/// Puts `text` at `path`, by a temporary file beside it, whose name no collector takes.
///
/// # Errors
/// When it cannot be written. What stood there stays.
pub fn write(path: &Path, text: &str) -> Result<()> {
    must_be_plain(path)?;
    let dir = Dir::open(parent(path))?;
    let Some(name) = path.file_name() else {
        return Err(Error::io(path, std::io::Error::other("names no file")));
    };
    let unpublished = Unpublished::create_in(dir, MODE)?;
    unpublished.file.write_at(text.as_bytes(), 0)?;
    unpublished.replace(name)
}
