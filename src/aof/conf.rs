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
/// When a file cannot be read, or a server would refuse it; also when its includes are no configuration any more but a
/// trap: too deep, too many, too large, or patterns for half of the file system.
pub fn read_conf(path: &Path) -> Result<Settings> {
    let mut reading = Reading::default();
    reading.feed(path, 0)?;
    Ok(reading.settings)
}

/// What was read, and how much it was: includes may name the same files again and again.
#[derive(Default)]
struct Reading {
    settings: Settings,
    files: usize,
    bytes: u64,
    /// Names of files that were compared with patterns.
    names: usize,
}

impl Reading {
    fn feed(&mut self, path: &Path, depth: usize) -> Result<()> {
        let refuse = |why: String| Error::new(ErrorKind::Conf(why), path);
        if depth > limits::CONF_DEPTH {
            return Err(refuse("includes itself, or includes are nested too deeply".to_owned()));
        }
        self.files += 1;
        if self.files > limits::CONF_FILES {
            let most = text::thousands(limits::CONF_FILES as u64);
            return Err(refuse(format!("with this one more than {most} files are included")));
        }
        let bytes = disk::read_small(path, limits::CONF)?;
        self.bytes += bytes.len() as u64;
        if self.bytes > limits::CONF {
            let limit = limits::CONF;
            return Err(refuse(format!("with this file, what is included exceeds {limit} bytes")));
        }
        let directives = conf::parse(&bytes).map_err(|f| refuse(f.reason.to_string()).at(f.at))?;
        for directive in directives {
            let Some(pattern) = directive.include() else {
                let applied = self.settings.apply(&directive);
                applied.map_err(|f| refuse(f.reason.to_string()).at(f.at))?;
                continue;
            };
            let included = self.files_named(path, pattern);
            let line = directive.line;
            for file in included.map_err(|why| refuse(format!("line {line}: include: {why}")))? {
                self.feed(&file, depth + 1)?;
            }
        }
        Ok(())
    }

    /// The files an `include` names. A relative pattern is tried from where aofkit runs, as the server would
    /// from where it was started, and then from beside the file that includes it.
    fn files_named(&mut self, from: &Path, pattern: &[u8]) -> Answer<Vec<PathBuf>> {
        let given = Path::new(OsStr::from_bytes(pattern));
        let beside = from.parent().unwrap_or(Path::new(".")).join(given);
        for path in [given, &beside] {
            let found = self.expand(path)?;
            if !found.is_empty() {
                return Ok(found);
            }
        }
        if is_pattern(pattern) {
            return Ok(Vec::new());
        }
        Err(format!("{} does not exist", text::name(pattern)))
    }

    /// The paths that fit a pattern, sorted, as glob(3) finds them: `**` is no more than `*`, and what begins with a dot
    /// is meant only by a pattern that does.
    fn expand(&mut self, path: &Path) -> Answer<Vec<PathBuf>> {
        let mut found = vec![PathBuf::new()];
        for part in path.components() {
            let part = part.as_os_str();
            if !is_pattern(part.as_bytes()) {
                found.iter_mut().for_each(|path| path.push(part));
                continue;
            }
            let text = part.to_str().ok_or("a pattern that is not UTF-8")?;
            let fits = fitting(text)?;
            let mut deeper = Vec::new();
            for dir in found {
                let listed = if dir.as_os_str().is_empty() { Path::new(".") } else { &dir };
                // What cannot be listed holds nothing that fits.
                let left = limits::CONF_NAMES - self.names;
                let names = disk::names(listed, left).unwrap_or_default();
                self.names += names.len();
                if self.names >= limits::CONF_NAMES {
                    let most = text::thousands(limits::CONF_NAMES as u64);
                    return Err(format!("{most} names were looked at, and there are more"));
                }
                deeper.extend(names.into_iter().filter(|n| fits(n)).map(|name| dir.join(name)));
            }
            found = deeper;
        }
        found.retain(|path| disk::exists(path));
        found.sort();
        Ok(found)
    }
}

type Answer<T> = std::result::Result<T, String>;

fn is_pattern(text: &[u8]) -> bool {
    text.iter().any(|b| b"*?[".contains(b))
}

/// Which names fit one part of a path.
fn fitting(text: &str) -> Answer<impl Fn(&OsStr) -> bool> {
    let mut pattern = String::with_capacity(text.len());
    for c in text.chars() {
        if c != '*' || !pattern.ends_with('*') {
            pattern.push(c);
        }
    }
    let pattern = glob::Pattern::new(&pattern).map_err(|e| e.to_string())?;
    let options =
        glob::MatchOptions { require_literal_leading_dot: true, ..glob::MatchOptions::default() };
    Ok(move |name: &OsStr| name.to_str().is_some_and(|name| pattern.matches_with(name, options)))
}
