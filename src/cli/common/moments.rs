//! Moments as they are typed: to which a set is rewound, or a snapshot is restored.

use std::path::Path;

use aofkit::aof::Aof;
use aofkit::backup::Entry;
use aofkit::command::Renames;
use aofkit::error::{Error, Result};
use aofkit::moment::{Moment, Which};
use aofkit::scan::{Filter, Position};
use aofkit::text::name;
use clap::Args as ClapArgs;
use jiff::Timestamp;

use super::output::asks_for_json;
use super::times;

#[derive(Debug, ClapArgs)]
#[group(multiple = false)]
pub struct MomentArgs {
    /// Only commands logged at this time or earlier: 2026-11-24T03:00:00Z, @1764000000, or 2h (ago).
    ///
    /// Of REPO::latest, the newest snapshot is taken that reaches so far back
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Only what precedes this byte of this file of the snapshot
    #[arg(long, value_name = "FILE:OFFSET")]
    at: Option<String>,
    /// Only what precedes this command: FLUSHALL, FLUSHALL:first; default: the last one
    #[arg(long, value_name = "NAME")]
    before_command: Option<String>,
}

impl MomentArgs {
    /// The second given by `--until`.
    pub fn until(&self) -> Result<Option<i64>> {
        let at = self.until.as_deref().map(until).transpose();
        at.map_err(|why| refused(Path::new("--until"), why))
    }

    /// The moment in a set; `None` when none was given. Or why it makes no sense there.
    pub fn of_set(&self, aof: &Aof) -> std::result::Result<Option<Moment>, String> {
        if let Some(text) = &self.until {
            let until = until(text).map_err(|why| format!("--until: {why}"))?;
            return Ok(Some(Moment::Until(until)));
        }
        if let Some(text) = &self.at {
            let files = aof.live().map(|(position, segment)| (position, segment.name.to_vec()));
            let place = place(text, &files.collect::<Vec<_>>());
            return place.map(Moment::At).map(Some).map_err(|why| format!("--at: {why}"));
        }
        let Some(text) = &self.before_command else { return Ok(None) };
        let moment = before(text, &[], &aof.names);
        moment.map(Some).map_err(|why| format!("--before-command: {why}"))
    }

    /// The moment as it was typed, in words; `None` when none was given.
    pub fn told(&self) -> Option<String> {
        let told = |word: &str, text: &Option<String>| {
            text.as_ref().map(|text| format!("{word} {}", aofkit::text::escape(text.as_bytes())))
        };
        let until = told("at", &self.until);
        until.or(told("before byte", &self.at)).or(told("before", &self.before_command))
    }

    /// The moment, by these names of commands; `None` when none was given.
    pub fn moment(&self, entry: &Entry, path: &Path, names: &Renames) -> Result<Option<Moment>> {
        if let Some(until) = self.until()? {
            return Ok(Some(Moment::Until(until)));
        }
        let moment = match (&self.at, &self.before_command) {
            (Some(text), _) => {
                let names = entry.files.iter().map(|f| f.name.bytes().unwrap_or_default());
                place(text, &names.enumerate().collect::<Vec<_>>()).map(Moment::At)
            }
            (None, Some(text)) => before(text, &[], names),
            (None, None) => return Ok(None),
        };
        moment.map(Some).map_err(|why| refused(path, why))
    }
}

fn refused(path: &Path, why: String) -> Error {
    Error::refused(why, path)
}

/// A time, in Unix seconds.
pub fn until(text: &str) -> std::result::Result<i64, String> {
    times::parse(text, Timestamp::now()).map(Timestamp::as_second)
}

/// `NAME[:first|:last]`, and patterns of which its keys must fit one; `renames` gives commands other names.
pub fn before(
    text: &str,
    keys: &[String],
    renames: &Renames,
) -> std::result::Result<Moment, String> {
    let (command, which) = match text.rsplit_once(':') {
        Some((command, "first")) => (command, Which::First),
        Some((command, "last")) => (command, Which::Last),
        Some((_, other)) => return Err(format!("':{other}' is neither :first nor :last")),
        None => (text, Which::Last),
    };
    let mut filter = Filter::default();
    if !filter.add_command(command.as_bytes()) && !renames.has_given(command.as_bytes()) {
        // A note, and JSON has none beside it.
        if !asks_for_json() {
            crate::cli::common::output::complain(&format!(
                "aofkit: no known server has a command '{command}'"
            ));
        }
    }
    keys.iter().for_each(|pattern| filter.add_key_pattern(pattern.as_bytes()));
    Ok(Moment::Before(Box::new(filter), which))
}

/// `FILE:OFFSET` in one of these files, by their positions; a name may hold colons.
pub fn place(text: &str, files: &[(usize, Vec<u8>)]) -> std::result::Result<Position, String> {
    let wrong = || format!("'{text}' is not a place such as appendonly.aof.1.incr.aof:1996");
    let (file, offset) = text.rsplit_once(':').ok_or_else(wrong)?;
    let offset = offset.parse().map_err(|_| wrong())?;
    let file_name = Path::new(file).file_name().unwrap_or_default().as_encoded_bytes();
    let found = files.iter().find(|(_, name)| name == file_name);
    let (position, _) = found.ok_or_else(|| {
        let names: Vec<_> = files.iter().map(|(_, file)| name(file)).collect();
        format!("no file '{file}' in this set, which has {}", names.join(", "))
    })?;
    Ok((*position, offset))
}
