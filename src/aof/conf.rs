//! Reads a server's configuration with everything it includes.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::disk;
use crate::error::{Error, ErrorKind, Result};
use crate::format::conf::{self, Directive, Settings};
use crate::format::fault::Fault;
use crate::limits;
use crate::text;

/// What a server's configuration says, with everything it includes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Configuration {
    /// The file that was named.
    pub path: PathBuf,
    /// What its lines leave in force; those that no server takes are passed over.
    pub settings: Settings,
    /// All lines that say something, in the order a server reads them.
    pub lines: Vec<Line>,
}

/// A line of a configuration, or of a file it includes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The file it stands in.
    pub file: Arc<Path>,
    /// Its number, from 1.
    pub number: u64,
    /// Byte offset in the file where it begins.
    pub at: u64,
    /// What it says; `None` where it cannot be cut into words.
    pub directive: Option<Directive>,
    /// Why no server takes it.
    pub refused: Option<String>,
}

impl Line {
    /// Whether it may be what says where a server has its files.
    fn may_say_where(&self) -> bool {
        const WHERE: [&[u8]; 5] =
            [b"dir", b"appenddirname", b"appendfilename", b"dbfilename", b"include"];
        let name = self.directive.as_ref().map(|directive| directive.name.as_slice());
        name.is_none_or(|name| WHERE.contains(&name))
    }
}

impl Configuration {
    /// What `path` and all that it includes say.
    ///
    /// # Errors
    /// When a file cannot be read; also when its includes are no configuration any more but a trap: too deep, too many, too
    /// large, or patterns for half of the file system.
    pub fn read(path: &Path) -> Result<Self> {
        let mut reading = Reading::default();
        reading.feed(path, 0)?;
        let Reading { settings, lines, .. } = reading;
        Ok(Self { path: path.to_owned(), settings, lines })
    }

    /// Where a server has its files by this is told only when it takes every line that may say so.
    pub(super) fn says_where(&self) -> Result<()> {
        let is_lost = |line: &&Line| line.refused.is_some() && line.may_say_where();
        let Some(line) = self.lines.iter().find(is_lost) else { return Ok(()) };
        let why = line.refused.as_deref().unwrap_or_default();
        let why = format!("line {}: {why}; name the set itself, too", line.number);
        Err(Error::new(ErrorKind::Conf(why), &line.file).at(line.at))
    }
}

/// What was read, and how much it was: includes may name the same files again and again.
#[derive(Default)]
struct Reading {
    settings: Settings,
    lines: Vec<Line>,
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
            return Err(refuse(format!("with this file the configuration exceeds {limit} bytes")));
        }
        let file: Arc<Path> = path.into();
        for read in conf::lines(&bytes) {
            self.line(&file, read, depth)?;
        }
        Ok(())
    }

    fn line(
        &mut self,
        file: &Arc<Path>,
        read: std::result::Result<Directive, Fault<conf::Reason>>,
        depth: usize,
    ) -> Result<()> {
        let file = Arc::clone(file);
        let directive = match read {
            Ok(directive) => directive,
            Err(Fault { at, reason }) => {
                let refused = Some(reason.kind.to_string());
                let number = reason.line;
                self.lines.push(Line { file, number, at, directive: None, refused });
                return Ok(());
            }
        };
        let (number, at) = (directive.line, directive.at);
        let (included, refused) = match directive.include() {
            Some(pattern) => match self.files_named(&file, pattern) {
                Ok(files) => (files, None),
                Err(Include::Absent(why)) => (Vec::new(), Some(why)),
                Err(Include::TooMuch(why)) => {
                    let why = format!("line {number}: include: {why}");
                    return Err(Error::new(ErrorKind::Conf(why), &file));
                }
            },
            None => {
                let applied = self.settings.apply(&directive);
                (Vec::new(), applied.err().map(|fault| fault.reason.kind.to_string()))
            }
        };
        self.lines.push(Line { file, number, at, directive: Some(directive), refused });
        included.iter().try_for_each(|file| self.feed(file, depth + 1))
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
        Err(Include::Absent(format!("{} does not exist", text::name(pattern))))
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
            let not_text = || Include::TooMuch("a pattern that is not UTF-8".to_owned());
            let text = part.to_str().ok_or_else(not_text)?;
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
                    let why = format!("{most} names were looked at, and there are more");
                    return Err(Include::TooMuch(why));
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

/// Why an include leads to no files.
enum Include {
    /// What it names is not there: a server does not start.
    Absent(String),
    /// It asks for more than is looked at, or is not understood.
    TooMuch(String),
}

type Answer<T> = std::result::Result<T, Include>;

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
    let pattern = glob::Pattern::new(&pattern).map_err(|e| Include::TooMuch(e.to_string()))?;
    let options =
        glob::MatchOptions { require_literal_leading_dot: true, ..glob::MatchOptions::default() };
    Ok(move |name: &OsStr| name.to_str().is_some_and(|name| pattern.matches_with(name, options)))
}
