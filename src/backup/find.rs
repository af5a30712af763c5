//! Finds the snapshot that was asked for.

use super::entry::Entry;
use super::name::{Which, is_as_is};
use super::repository::{Listed, Repository};
use crate::error::{Error, ErrorKind, Result};

impl Repository {
    /// The snapshot that was asked for, of this source where there are several.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when there is none; when more than one fits.
    pub fn find(&self, which: &Which, source: Option<&str>) -> Result<Listed> {
        let mut all = self.list()?;
        all.retain(|listed| source.is_none_or(|source| listed.source == source));
        match which {
            Which::Latest(back) => {
                all.retain(|listed| has_latest(listed, source));
                let mut names: Vec<_> = all.iter().map(|l| l.source.clone()).collect();
                names.dedup();
                if names.len() > 1 {
                    let why = format!("say which source by --source: {}", names.join(", "));
                    return Err(self.refused(why));
                }
                let at = all.len().checked_sub(back + 1);
                let found = at.map(|at| all.swap_remove(at));
                let held = crate::text::count(all.len() as u64, "snapshot");
                found.ok_or_else(|| self.none(format!("it holds {held} of that source")))
            }
            Which::Id(id) => {
                all.retain(|listed| listed.id.starts_with(id.as_str()));
                // A whole number before one that only begins with it.
                let whole = |listed: &Listed| {
                    let rest = listed.id.strip_prefix(id.as_str());
                    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
                };
                if all.iter().any(whole) {
                    all.retain(whole);
                }
                match all.len() {
                    0 => Err(self.none(format!("no snapshot '{id}'"))),
                    1 => Ok(all.swap_remove(0)),
                    n => Err(self.refused(format!("{n} snapshots begin with '{id}'"))),
                }
            }
        }
    }

    /// The newest snapshot of this source, or of each that has one without being named.
    ///
    /// # Errors
    /// When they cannot be listed.
    pub fn newest_of_each(&self, source: Option<&str>) -> Result<Vec<Listed>> {
        let mut all = self.list()?;
        all.retain(|listed| has_latest(listed, source));
        let of_one = all.chunk_by(|one, next| one.source == next.source);
        Ok(of_one.filter_map(|all| all.last().cloned()).collect())
    }

    fn refused(&self, why: String) -> Error {
        Error::new(ErrorKind::Refused(why.into()), self.store().name())
    }

    fn none(&self, why: String) -> Error {
        let none = std::io::Error::new(std::io::ErrorKind::NotFound, why);
        Error::io(self.store().name(), none)
    }
}

/// Whether the newest snapshot of its source is what is meant where this source is named, or none: files as they were
/// found are nobody's newest, unless their own source is named.
fn has_latest(listed: &Listed, source: Option<&str>) -> bool {
    source.map_or(!is_as_is(&listed.source), |source| listed.source == source)
}

/// The newest entry that can be read, and the names of those after it.
pub(super) fn newest_readable(
    repository: &Repository,
    listed: &[Listed],
) -> Result<(Option<Entry>, Vec<String>)> {
    let mut unreadable = Vec::new();
    for one in listed.iter().rev() {
        match repository.entry(one) {
            Ok(entry) => return Ok((Some(entry), unreadable)),
            Err(e) if matches!(e.kind(), ErrorKind::BadBackup(_)) => {
                unreadable.push(one.id.clone())
            }
            Err(e) => return Err(e),
        }
    }
    Ok((None, unreadable))
}
