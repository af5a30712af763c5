//! What a repository has of each source.

use std::collections::BTreeMap;

use crate::aof::Aof;
use crate::backup::{Entry, Fits, Look, Mark, Moment, Repository, goes_on, is_as_is};
use crate::error::{ErrorKind, Result};

/// What a repository has of a source.
#[derive(Clone, Debug)]
pub struct Source {
    /// Its name.
    pub name: String,
    /// Snapshots of it.
    pub snapshots: u64,
    /// The newest that can be read.
    pub newest: Option<Entry>,
    /// Newer ones that cannot be read.
    pub unreadable: Vec<String>,
    /// When it was verified, as far as that was written down; the latest first.
    pub looks: Vec<Look>,
}

/// What is known of a set's backups.
#[derive(Clone, Debug)]
pub enum Backed {
    /// No repository was looked at.
    NotAsked,
    /// The repository has no snapshot of it.
    Never,
    /// It is this source.
    By {
        /// The source.
        source: Box<Source>,
        /// Whether the newest snapshot has all that lies in the set's files now.
        is_current: bool,
    },
}

impl Backed {
    /// The source, where there is one.
    pub fn source(&self) -> Option<&Source> {
        match self {
            Self::By { source, .. } => Some(source),
            Self::NotAsked | Self::Never => None,
        }
    }
}

impl Source {
    /// When its newest snapshot was taken, Unix milliseconds.
    pub fn taken_ms(&self) -> Option<i64> {
        let newest = self.newest.as_ref()?;
        Moment::parse(&newest.taken).map(Moment::milliseconds)
    }

    /// Seconds since then, at a time in Unix milliseconds; 0 where a clock says that it is to come.
    pub fn age_seconds(&self, now_ms: i64) -> Option<i64> {
        self.taken_ms().map(|taken| now_ms.saturating_sub(taken).max(0) / 1000)
    }

    /// The last look at it that was written down.
    pub fn last_look(&self) -> Option<&Look> {
        self.looks.first()
    }

    /// Seconds since that look began.
    pub fn look_age_seconds(&self, now_ms: i64) -> Option<i64> {
        let at = Moment::parse(&self.last_look()?.at)?.milliseconds();
        Some(now_ms.saturating_sub(at).max(0) / 1000)
    }

    /// Whether the last look saw the newest snapshot.
    pub fn has_seen_newest(&self) -> Option<bool> {
        let newest = self.newest.as_ref()?;
        self.last_look().map(|look| look.newest == newest.id && self.unreadable.is_empty())
    }

    /// The mark that the set had shrunk when the newest snapshot was taken.
    pub fn shrunk(&self) -> Option<&Mark> {
        self.newest.as_ref()?.marks.iter().find(|mark| mark.kind == Mark::SHRUNK)
    }

    /// Whether it keeps files as they were found, which is no backup of a set.
    pub fn is_as_is(&self) -> bool {
        is_as_is(&self.name)
    }
}

/// What a repository has of every source; of one of them where its name is given.
///
/// # Errors
/// When the repository cannot be read. An entry that is damaged is told, and the one before it counts.
pub fn sources(repository: &Repository, name: Option<&str>) -> Result<Vec<Source>> {
    let mut listed = repository.list()?;
    listed.retain(|one| name.is_none_or(|name| one.source == name));
    let mut found = Vec::new();
    for all in listed.chunk_by(|one, next| one.source == next.source) {
        let Some(last) = all.last() else { continue };
        let mut source = Source {
            name: last.source.clone(),
            snapshots: all.len() as u64,
            newest: None,
            unreadable: Vec::new(),
            looks: repository.looks(&last.source)?,
        };
        for one in all.iter().rev() {
            match repository.entry(one) {
                Ok(entry) => {
                    source.newest = Some(entry);
                    break;
                }
                Err(e) if matches!(e.kind(), ErrorKind::BadBackup(_)) => {
                    source.unreadable.push(one.id.clone());
                }
                Err(e) => return Err(e),
            }
        }
        found.push(source);
    }
    Ok(found)
}

/// The sources that a set may be.
#[derive(Clone, Debug, Default)]
pub(super) struct Candidates {
    pub(super) fits: Fits,
    /// Of each, whether its newest snapshot has all that lies in the set's files now.
    pub(super) current: BTreeMap<String, bool>,
}

impl Candidates {
    /// Among the sources with these newest snapshots.
    pub(super) fn of(aof: &Aof, newest: &[Entry]) -> Result<Self> {
        let fits = match Fits::of(aof, newest) {
            Ok(fits) => fits,
            // What lies in no file system, such as a snapshot, is no source of its own.
            Err(e) if *e.kind() == ErrorKind::NotFound => return Ok(Self::default()),
            Err(e) => return Err(e),
        };
        let of_set: u64 = aof.live().filter_map(|(_, segment)| segment.len()).sum();
        let files = aof.live().filter(|(_, segment)| !segment.is_missing()).count();
        let mut current = BTreeMap::new();
        for name in fits.sources() {
            let Some(entry) = newest.iter().find(|entry| entry.source == name) else { continue };
            let of_entry: u64 = entry.files.iter().map(|file| file.size).sum();
            let is_current =
                of_set == of_entry && files == entry.files.len() && goes_on(aof, entry)?;
            current.insert(name.to_owned(), is_current);
        }
        Ok(Self { fits, current })
    }
}
