//! The moment to which a snapshot is restored, as it is typed.

use std::path::Path;

use aofkit::backup::Entry;
use aofkit::error::{Error, ErrorKind, Result};
use aofkit::moment::{Moment, Which};
use aofkit::scan::Filter;
use aofkit::text::name;
use clap::Args as ClapArgs;
use jiff::Timestamp;

use super::times;

#[derive(Debug, ClapArgs)]
#[group(multiple = false)]
pub struct MomentArgs {
    /// Only what was logged at this time or earlier, by #TS annotations: 2026-11-24T03:00:00Z,
    /// @1764000000, or 2h for two hours ago; of REPO::latest the newest snapshot that reaches so far back
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Only what stands before this byte of this file of the snapshot
    #[arg(long, value_name = "FILE:OFFSET")]
    at: Option<String>,
    /// Only what stands before this command: FLUSHALL, FLUSHALL:first; the last one where nothing is said
    #[arg(long, value_name = "NAME[:first|:last]")]
    before_command: Option<String>,
}

impl MomentArgs {
    /// The second given by `--until`.
    pub fn until(&self) -> Result<Option<i64>> {
        let parse = |text: &String| times::parse(text, Timestamp::now());
        let at = self.until.as_ref().map(parse).transpose();
        let at = at.map_err(|why| refused(Path::new("--until"), why))?;
        Ok(at.map(Timestamp::as_second))
    }

    /// The moment; `None` when none was given.
    pub fn moment(&self, entry: &Entry, path: &Path) -> Result<Option<Moment>> {
        if let Some(until) = self.until()? {
            return Ok(Some(Moment::Until(until)));
        }
        if let Some(text) = &self.at {
            return place(text, entry).map(Some).map_err(|why| refused(path, why));
        }
        let Some(text) = &self.before_command else { return Ok(None) };
        let (command, which) = match text.rsplit_once(':') {
            Some((command, "first")) => (command, Which::First),
            Some((command, "last")) => (command, Which::Last),
            _ => (text.as_str(), Which::Last),
        };
        let mut filter = Filter::default();
        filter.add_command(command.as_bytes());
        Ok(Some(Moment::Before(Box::new(filter), which)))
    }
}

fn refused(path: &Path, why: String) -> Error {
    Error::new(ErrorKind::Refused(why), path)
}

/// `FILE:OFFSET`; a name may hold colons.
fn place(text: &str, entry: &Entry) -> std::result::Result<Moment, String> {
    let names: Vec<_> =
        entry.files.iter().map(|f| name(&f.name.bytes().unwrap_or_default())).collect();
    let parts = text.rsplit_once(':').and_then(|(file, at)| Some((file, at.parse().ok()?)));
    let place = parts.and_then(|(file, offset)| {
        let position = names.iter().position(|name| name == file)?;
        Some(Moment::At((position, offset)))
    });
    place.ok_or_else(|| format!("'{text}' is no place FILE:OFFSET in {}", names.join(", ")))
}
