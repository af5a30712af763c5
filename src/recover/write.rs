//! Writes the wanted keys to the target: new ones without REPLACE, so that none is harmed that has come to be meanwhile.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, Hasher};
use std::path::{Path, PathBuf};

use super::by_commands::commands_of;
use super::compare::{Comparison, Standing, by_node, standings};
use super::kept::Kept;
use super::listed::{KeyNamed, List};
use super::source::{Selected, Source, Wish, parts};
use super::target::{Node, Target};
use super::words::{Words, words};
use crate::error::{Error, ErrorKind, Result};
use crate::format::slot::{slot, tag};
use crate::server::Answer;
use crate::trial::Held;

/// Keys that are written together.
const BATCH: usize = 256;

/// What was written, and what was not.
#[derive(Debug, Default)]
pub struct Written {
    /// Keys that the target did not have.
    pub new: u64,
    /// Keys that it had otherwise, and whose old values are kept.
    pub replaced: u64,
    /// How many of both were written by commands, because the target refuses the version of the values.
    pub by_commands: u64,
    /// Keys that it had already.
    pub equal: u64,
    /// Keys that it has otherwise, and that were to stay.
    pub left: List,
    /// Keys that came to be while this was done; they stay.
    pub appeared: List,
    /// Keys that others kept changing while they were to be replaced; they stay.
    pub changed: List,
    /// Keys whose time has passed.
    pub passed: List,
    /// Keys that the target refuses, and why.
    pub refused: List,
    /// The file with the old values, and how many there are in it.
    pub kept: Option<(PathBuf, u64)>,
    /// Why this ended before all was done.
    pub stopped: Option<Error>,
}

/// Whether a key is written, and what was said.
pub(super) enum Fate {
    Written,
    Appeared,
    Changed,
    Refused(String),
    /// Its slot is served by another node.
    Moved(String),
}

pub(super) struct Writer<'w, 'c> {
    pub target: &'w mut Target<'c>,
    pub kept: Option<Kept>,
    pub written: Written,
}

/// Writes all wanted keys. Where `keep` names a file, those that the target has otherwise are replaced, after their old
/// values were put there. What was planned is looked at again: which server it is, its memory, and every key.
///
/// # Errors
/// When something hinders it from the beginning; afterwards [`Written::stopped`] tells.
pub fn write(
    held: &Held,
    wish: &Wish<'_>,
    target: &mut Target<'_>,
    planned: &Comparison,
    keep: Option<&Path>,
) -> Result<Written> {
    for (at, node) in target.nodes.iter_mut().enumerate() {
        let needed = planned.needed_by_node.get(&at).copied().unwrap_or(0);
        if needed > 0
            && let Some(why) = node.hindrance(needed)?
        {
            let path = node.address.to_string();
            return Err(Error::refused(why, Path::new(&path)));
        }
    }
    let mut writer = Writer { target, kept: keep.map(Kept::at), written: Written::default() };
    let done = wish.each(held, &mut |mut selected| writer.batch(&mut selected));
    let Writer { kept, mut written, .. } = writer;
    written.kept = kept.and_then(|kept| kept.told());
    written.stopped = done.err();
    Ok(written)
}

impl Writer<'_, '_> {
    fn batch(&mut self, selected: &mut Selected<'_>) -> Result<()> {
        let (db, keys) = (selected.db, selected.sources()?);
        let mut hindered = BTreeMap::new();
        let divided = by_node(self.target, keys, &mut hindered);
        if let Some((_, why)) = hindered.into_iter().next() {
            return Err(stop(&self.target.nodes[0], &why.to_string()));
        }
        for (at, keys) in divided {
            if !self.target.nodes[at].select(db)? {
                return Err(stop(&self.target.nodes[at], &format!("it has no database {db}")));
            }
            let (mut new, mut different) = (Vec::new(), Vec::new());
            for (key, standing) in standings(selected, &mut self.target.nodes[at], keys)? {
                match standing {
                    Standing::Equal => self.written.equal += 1,
                    Standing::Different if self.kept.is_none() => {
                        self.written.left.add(|| key.named(db));
                    }
                    _ if self.target.nodes[at].is_passed(key.seen.expires_ms) => {
                        self.written.passed.add(|| key.named(db));
                    }
                    Standing::New => new.push(key),
                    Standing::Different => different.push(key),
                }
            }
            // Keys of one transaction are of one slot.
            let together = if self.target.is_cluster() { 1 } else { BATCH };
            for part in parts(new, BATCH) {
                self.ensure_room(at, &part)?;
                self.write_new(selected, at, part)?;
            }
            for part in parts(different, together) {
                self.ensure_room(at, &part)?;
                self.replace(selected, at, part)?;
            }
        }
        Ok(())
    }

    /// Others write to it as well: room that was there may be gone.
    fn ensure_room(&mut self, at: usize, part: &[Source]) -> Result<()> {
        let needed: u64 = part.iter().map(|key| key.bytes).sum();
        let node = &mut self.target.nodes[at];
        match node.memory()? {
            Some((used, most)) if used.saturating_add(needed) >= most => {
                let why = super::Hindrance::NoRoom { needed, used, most };
                Err(stop(node, &why.to_string()))
            }
            _ => Ok(()),
        }
    }

    fn write_new(
        &mut self,
        selected: &mut Selected<'_>,
        at: usize,
        part: Vec<Source>,
    ) -> Result<()> {
        let there = selected.with_payloads(part)?;
        if !self.takes_payloads(at, selected.db, &there)? {
            for (key, _) in &there {
                let fate = self.new_by_commands(selected, at, key)?;
                self.note(selected, key, fate, false);
            }
            return Ok(());
        }
        let asked: Vec<Words> =
            there.iter().map(|(key, payload)| restore(key, payload, false)).collect();
        let answers = self.target.nodes[at].server.call(&asked)?;
        let mut fatal = None;
        for ((key, payload), answer) in there.iter().zip(answers) {
            let fate = match fate_of(&answer) {
                Ok(Fate::Refused(why)) if is_unreadable(&why) => {
                    self.new_by_commands(selected, at, key)?
                }
                Ok(Fate::Moved(_)) => self.elsewhere(key, payload)?,
                Ok(fate) => fate,
                Err(why) => {
                    fatal.get_or_insert(why);
                    continue;
                }
            };
            self.note(selected, key, fate, false);
        }
        fatal.map_or(Ok(()), |why| Err(stop(&self.target.nodes[at], &why)))
    }

    /// Writes a new key to the node that has its slot by now, if that one was part of the plan.
    fn elsewhere(&mut self, key: &Source, payload: &[u8]) -> Result<Fate> {
        let planned = self.target.nodes.len();
        self.target.ask_for_slots()?;
        let at = match self.target.node_of(&key.name) {
            Ok(at) if at < planned => at,
            Ok(_) => {
                let why = "its slot has gone to a node that was not looked at: make a new plan";
                return Ok(Fate::Refused(why.to_owned()));
            }
            Err(why) => return Ok(Fate::Refused(why.to_string())),
        };
        if let Some(why) = self.target.nodes[at].hindrance(key.bytes)? {
            return Ok(Fate::Refused(why.to_string()));
        }
        let answers = self.target.nodes[at].server.call(&[restore(key, payload, false)])?;
        let answer = answers.into_iter().next().unwrap_or(Answer::Nil);
        Ok(match fate_of(&answer) {
            Ok(Fate::Moved(why)) | Err(why) => Fate::Refused(why),
            Ok(fate) => fate,
        })
    }

    /// Counts and lists what became of a key.
    pub(super) fn note(&mut self, selected: &Selected<'_>, key: &Source, fate: Fate, was: bool) {
        let named = || key.named(selected.db);
        // What follows there are words of the command, the key's name among them.
        let brief = |why: String| why.split(", with args").next().map(str::to_owned);
        let noted = |why: String| KeyNamed { note: brief(why), ..named() };
        match fate {
            Fate::Written if was => self.written.replaced += 1,
            Fate::Written => self.written.new += 1,
            Fate::Appeared => self.written.appeared.add(named),
            Fate::Changed => self.written.changed.add(named),
            Fate::Refused(why) | Fate::Moved(why) => self.written.refused.add(|| noted(why)),
        }
    }

    /// Makes a key by commands, if there is none by then.
    fn new_by_commands(
        &mut self,
        selected: &mut Selected<'_>,
        at: usize,
        key: &Source,
    ) -> Result<Fate> {
        let node = &mut self.target.nodes[at];
        let Some(commands) = commands_of(selected.server, key, node.is_of_seven())? else {
            return Ok(Fate::Refused(no_commands(key)));
        };
        let asked = [words(&[b"WATCH", &key.name]), words(&[b"EXISTS", &key.name])];
        let answers = node.server.call(&asked)?;
        if answers.iter().any(|answer| answer.number() == Some(1)) {
            node.one(&[b"UNWATCH"])?;
            return Ok(Fate::Appeared);
        }
        let fate = match transaction(node, commands)? {
            Done::All => Fate::Written,
            Done::Not => Fate::Appeared,
            Done::Refused(why) => Fate::Refused(why),
            Done::Partly(why) => Fate::Refused(in_part(&why)),
        };
        if matches!(fate, Fate::Written) {
            self.written.by_commands += 1;
        }
        Ok(fate)
    }

    /// Whether a node takes payloads of this version. That is found out by a value that would have expired long ago: the
    /// node reads it and makes no key. Its name is one that nobody has, and without REPLACE none could come to harm.
    pub(super) fn takes_payloads(
        &mut self,
        at: usize,
        db: u64,
        some: &[(Source, Vec<u8>)],
    ) -> Result<bool> {
        let is_cluster = self.target.is_cluster();
        let node = &mut self.target.nodes[at];
        if let Some(takes) = node.takes_payloads {
            return Ok(takes);
        }
        let Some((name, payload)) =
            some.iter().find_map(|(key, payload)| Some((probe(&key.name, is_cluster)?, payload)))
        else {
            return Ok(true);
        };
        node.select(db)?;
        let answer = node.one(&[b"RESTORE", &name, b"1", payload, b"ABSTTL"])?;
        let takes = match answer.refusal() {
            None => {
                // A server that is being filled by others keeps even what has expired.
                node.one(&[b"DEL", &name])?;
                true
            }
            Some(why) if why.contains("DUMP payload version") => false,
            // Of this value alone; the next ones will tell.
            Some(why) if is_unreadable(why) || why.starts_with("BUSYKEY") => return Ok(true),
            Some(why) if moved(why) => return Ok(true),
            Some(why) => return Err(stop(node, why)),
        };
        node.takes_payloads = Some(takes);
        Ok(takes)
    }
}

/// A name for the probe that nobody has; of the slot of a key, where that matters. `None` where no name can be made for it.
fn probe(key: &[u8], is_cluster: bool) -> Option<Vec<u8>> {
    let mut random = std::collections::hash_map::RandomState::new().build_hasher();
    random.write(key);
    let rest = format!("aofkit:probe:{:016x}:{}", random.finish(), std::process::id());
    if !is_cluster {
        return Some(rest.into_bytes());
    }
    let name = [b"{", tag(key).unwrap_or(key), b"}", rest.as_bytes()].concat();
    (slot(&name) == slot(key)).then_some(name)
}

/// The command that makes a key of a payload.
pub(super) fn restore(key: &Source, payload: &[u8], replaces: bool) -> Words {
    let time = key.seen.expires_ms.unwrap_or(0).to_string();
    let mut one = words(&[b"RESTORE", &key.name, time.as_bytes(), payload, b"ABSTTL"]);
    if replaces {
        one.push(b"REPLACE".to_vec());
    }
    one
}

/// Refusals that concern one key, and no other.
pub(super) fn is_unreadable(why: &str) -> bool {
    why.contains("DUMP payload version") || why.contains("Bad data format")
}

fn moved(why: &str) -> bool {
    ["MOVED", "ASK", "TRYAGAIN"].iter().any(|code| why.starts_with(code))
}

/// What an answer to RESTORE says of a key; or why all ends here.
pub(super) fn fate_of(answer: &Answer) -> Result<Fate, String> {
    const FATAL: [&str; 9] = [
        "OOM",
        "READONLY",
        "MISCONF",
        "NOREPLICAS",
        "NOPERM",
        "NOAUTH",
        "LOADING",
        "CLUSTERDOWN",
        "MASTERDOWN",
    ];
    match answer.refusal() {
        None => Ok(Fate::Written),
        Some(why) if why.starts_with("BUSYKEY") => Ok(Fate::Appeared),
        Some(why) if moved(why) => Ok(Fate::Moved(why.to_owned())),
        Some(why) if FATAL.iter().any(|code| why.starts_with(code)) => Err(why.to_owned()),
        Some(why) => Ok(Fate::Refused(why.to_owned())),
    }
}

pub(super) fn no_commands(key: &Source) -> String {
    format!("it takes no values of this version, and no commands make a {}", key.seen.kind)
}

/// What is said of a key of which a part was written. It stays: others may have written to it since, and nothing would tell
/// their part from ours.
pub(super) fn in_part(why: &str) -> String {
    format!("only a part of it was written: {why}")
}

/// Why the work ends here.
pub(super) fn stop(node: &Node, why: &str) -> Error {
    let path = node.address.to_string();
    Error::new(ErrorKind::Server(why.to_owned()), Path::new(&path))
}

/// What became of a transaction.
pub(super) enum Done {
    All,
    /// What it watched was changed.
    Not,
    /// A command was refused before any was carried out.
    Refused(String),
    /// A command failed among the others.
    Partly(String),
}

/// Carries out commands as one transaction.
pub(super) fn transaction(node: &mut Node, commands: Vec<Words>) -> Result<Done> {
    let mut asked = vec![words(&[b"MULTI"])];
    asked.extend(commands);
    asked.push(words(&[b"EXEC"]));
    let mut answers = node.server.call(&asked)?;
    let end = answers.pop().unwrap_or(Answer::Nil);
    let refusal =
        |answers: &[Answer]| answers.iter().find_map(|answer| answer.refusal().map(str::to_owned));
    Ok(match end {
        Answer::Nil => Done::Not,
        Answer::Refused(why) => Done::Refused(refusal(&answers).unwrap_or(why)),
        Answer::List(all) => match refusal(&all) {
            Some(why) => Done::Partly(why),
            None => Done::All,
        },
        _ => Done::Refused("its answer cannot be understood".to_owned()),
    })
}
