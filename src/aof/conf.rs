//! Reads a server's configuration with everything it includes.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::disk;
use crate::error::{Error, ErrorKind, Result};
use crate::format::conf::{self, Settings};
use crate::limits;
use crate::text;

/// The settings a server would have after reading `path`.
///
/// # Errors
/// When a file cannot be read, or a server would refuse it.
pub fn read_conf(path: &Path) -> Result<Settings> {
    let mut settings = Settings::default();
    feed(path, &mut settings, 0)?;
    Ok(settings)
}

fn feed(path: &Path, settings: &mut Settings, depth: usize) -> Result<()> {
    let refuse = |why: String| Error::new(ErrorKind::Conf(why), path);
    if depth > limits::CONF_DEPTH {
        return Err(refuse("includes itself, or includes are nested too deeply".to_owned()));
    }
    let bytes = disk::read_small(path, limits::CONF)?;
    let directives = conf::parse(&bytes).map_err(|f| refuse(f.reason.to_string()).at(f.at))?;
    for directive in directives {
        let Some(pattern) = directive.include() else {
            settings.apply(&directive).map_err(|f| refuse(f.reason.to_string()).at(f.at))?;
            continue;
        };
        for included in files_named(path, pattern)
            .map_err(|why| refuse(format!("line {}: include: {why}", directive.line)))?
        {
            feed(&included, settings, depth + 1)?;
        }
    }
    Ok(())
}

/// The files an `include` names. A relative pattern is tried from where aofkit runs, as the server would
/// from where it was started, and then from beside the file that includes it.
fn files_named(from: &Path, pattern: &[u8]) -> std::result::Result<Vec<PathBuf>, String> {
    let given = Path::new(OsStr::from_bytes(pattern));
    let beside = from.parent().unwrap_or(Path::new(".")).join(given);
    for path in [given, &beside] {
        let text = path.to_str().ok_or("a pattern that is not UTF-8")?;
        let names = glob::glob(text).map_err(|e| e.to_string())?;
        let found: Vec<PathBuf> = names.filter_map(std::result::Result::ok).collect();
        if !found.is_empty() {
            return Ok(found);
        }
    }
    if pattern.iter().any(|b| b"*?[".contains(b)) {
        return Ok(Vec::new());
    }
    Err(format!("{} does not exist", text::name(pattern)))
}
