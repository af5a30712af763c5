//! Looks at one set: all that is told of it comes from one pass over its files.

use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::aof::{Aof, Layout, Role};
use crate::backup::Entry;
use crate::check::{Check, Report, Wording, judge};
use crate::disk;
use crate::error::Result;
use crate::growth::{Growth, GrowthOptions, Outlook, Surroundings};
use crate::neighbours::{Answer, Neighbours, Sizes, keys_alive, survey};
use crate::progress::{Progress, Silent};
use crate::scan::{Pace, scan};
use crate::server::{ServerState, Whose};
use crate::stats::Mix;

use super::cluster::nodes_in;
use super::row::{FilesOfRole, State};
use super::source::{Backed, Candidates, Source};

/// What is known beside the sets, the same for all of them.
#[derive(Clone, Debug, Default)]
pub struct Around {
    /// Unix milliseconds.
    pub now_ms: i64,
    /// How fast to read each set.
    pub pace: Pace,
    /// How to tell of problems.
    pub wording: Wording,
    /// The sources of the repository that was named.
    sources: Option<(Vec<Source>, Vec<Entry>)>,
    /// The running server that was asked: its address, and what it said.
    pub server: Option<(String, ServerState)>,
}

impl Around {
    /// As of this time, in Unix milliseconds.
    pub fn at(now_ms: i64) -> Self {
        Self { now_ms, ..Self::default() }
    }

    /// With the sources of a repository.
    #[must_use]
    pub fn with_sources(mut self, sources: Vec<Source>) -> Self {
        let is_backup = |source: &&Source| !source.is_as_is();
        let newest = sources.iter().filter(is_backup).filter_map(|source| source.newest.clone());
        let newest = newest.collect();
        self.sources = Some((sources, newest));
        self
    }

    /// Whether a repository was named.
    pub fn has_sources(&self) -> bool {
        self.sources.is_some()
    }

    /// These sources.
    pub fn sources(&self) -> &[Source] {
        self.sources.as_ref().map_or(&[], |(sources, _)| sources)
    }
}

/// The state of a set. Which source of a repository it is depends on the other sets: [`super::join`] says it.
///
/// # Errors
/// When the set cannot be read.
pub fn look(aof: &Aof, around: &Around, progress: &dyn Progress) -> Result<State> {
    let own = around.server.as_ref().filter(|(_, said)| said.owns(&aof.dir()) == Whose::Its);
    let mut options = GrowthOptions::at(around.now_ms);
    options.follows_values = false;
    let observer = (Check::new(aof), (Growth::new(aof, options), Mix::default()));
    let (facts, (grown, mix)) = scan(aof, observer, &around.pace, progress)?;
    let damaged = facts.damaged_inside();
    let facts = facts.with_neighbours(beside(aof, damaged, around, own)?);
    let report = judge(aof, facts, &around.wording)?;
    let surroundings = Surroundings {
        now: around.now_ms / 1000,
        // A stream lies on no file system, and a snapshot on another one than its set.
        disk: disk::room(&aof.path).ok(),
        rules: Vec::new(),
        server: own.map(|(_, said)| said.clone()),
    };
    let outlook = Outlook::new(aof, &grown, &surroundings);
    let candidates = match &around.sources {
        None => Candidates::default(),
        Some((_, newest)) => Candidates::of(aof, newest)?,
    };
    let commands = report.segments.iter().filter_map(|one| one.facts.as_ref());
    Ok(State {
        path: aof.path.clone(),
        dir: aof.dir(),
        manifest: aof.manifest.as_ref().map(|manifest| manifest.path.clone()),
        layout: aof.layout,
        is_configured: aof.configured,
        seen_ms: around.now_ms,
        files: files(&report),
        commands: commands.map(|facts| facts.commands).sum(),
        mix,
        outlook,
        leftovers: aof.leftovers.len() as u64,
        written_at: written_at(aof),
        backed: Backed::NotAsked,
        candidates,
        cluster: server_dir(aof).and_then(|dir| nodes_in(&dir).ok().flatten()),
        server: own.cloned(),
        report: report.without_files(),
    })
}

/// What lies beside the set, with the answer of its own server.
fn beside(
    aof: &Aof,
    damaged: Option<(usize, u64)>,
    around: &Around,
    own: Option<&(String, ServerState)>,
) -> Result<Neighbours> {
    let mut found = survey(aof, around.now_ms, &around.pace, &Silent)?;
    if let Some((position, at)) = damaged {
        let segment = &aof.segments[position];
        found.writing.tell_damage(&segment.name, at, segment.len().unwrap_or(0));
    }
    if let (Some(running), Some((address, said))) = (&mut found.writing.running, own)
        && let Ok(keys_left) = keys_alive(aof, around.now_ms, &around.pace, &Silent)
    {
        let (address, keys) = (address.clone(), said.keys.values().sum());
        let sizes = Sizes::of(aof, said);
        running.answer = Some(Answer { address, keys, keys_left, sizes });
    }
    Ok(found)
}

fn files(report: &Report) -> Vec<(Role, FilesOfRole)> {
    let mut all: Vec<(Role, FilesOfRole)> = Vec::new();
    for segment in &report.segments {
        let place = all.iter().position(|(role, _)| *role == segment.role);
        let place = place.unwrap_or_else(|| {
            all.push((segment.role, FilesOfRole::default()));
            all.len() - 1
        });
        let of_role = &mut all[place].1;
        match segment.size_bytes {
            Some(bytes) => {
                of_role.files += 1;
                of_role.bytes += bytes;
            }
            None => of_role.missing += 1,
        }
    }
    all
}

/// The directory that a set's server works in.
pub fn server_dir(aof: &Aof) -> Option<PathBuf> {
    match aof.layout {
        Layout::MultiPart => Some(aof.dir().join("..")),
        Layout::SingleFile => Some(aof.dir()),
        Layout::Stream => None,
    }
}

fn written_at(aof: &Aof) -> Option<i64> {
    let times = aof.live().filter_map(|(_, segment)| segment.file()?.modified());
    let seconds =
        |at: SystemTime| i64::try_from(at.duration_since(UNIX_EPOCH).ok()?.as_secs()).ok();
    times.filter_map(seconds).max()
}
