//! Which commands are taken, and which can be taken only in part or not be told apart.

use super::refusal::{OfCommand, Refusal};
use crate::command::{self, CommandId};
use crate::format::resp::{self, Record};
use crate::scan::Filter;
use crate::stats::slot;

/// Databases, keys and slots that are taken; without any, everything is.
#[derive(Clone, Debug, Default)]
pub struct Picks {
    /// By database and key.
    pub filter: Filter,
    /// Databases, as they were given to `filter`.
    pub databases: Vec<u64>,
    /// First and last slots of ranges; none for all.
    pub slots: Vec<(u16, u16)>,
}

/// What becomes of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Choice {
    Take,
    Leave,
    /// Of its keys some are taken: it is written with those.
    Part(Vec<u8>),
    Refuse(Refusal),
}

impl Picks {
    /// Whether everything is taken.
    pub fn is_all(&self) -> bool {
        self.filter.is_all() && self.slots.is_empty()
    }

    /// Whether of one database some keys may be taken and others not.
    fn is_by_key(&self) -> bool {
        self.filter.is_by_key() || !self.slots.is_empty()
    }

    pub(super) fn takes(&self, db: u64, key: &[u8]) -> bool {
        let slot = slot(key);
        let fits = |&(first, last): &(u16, u16)| (first..=last).contains(&slot);
        self.filter.takes_base_key(db, key)
            && (self.slots.is_empty() || self.slots.iter().any(fits))
    }

    pub(super) fn takes_db(&self, db: u64) -> bool {
        self.databases.is_empty() || self.databases.contains(&db)
    }

    /// What becomes of a record that runs in this database.
    pub(super) fn choose(&self, db: u64, record: &Record<'_>, id: Option<CommandId>) -> Choice {
        if self.is_all() {
            return Choice::Take;
        }
        let Some(id) = id else {
            return Choice::Refuse(Refusal::UnknownCommand);
        };
        let name = id.command().name.as_str();
        if let Some(choice) = self.of_databases(id, db, record) {
            return choice;
        }
        if name == "SORT" && self.is_by_key() && looks_up(record) {
            return Choice::Refuse(Refusal::SortByPattern);
        }
        let (mut taken, mut left) = (Vec::new(), 0_usize);
        let mut last = 0;
        for key in command::keys(id, record) {
            if !key.arg.is_whole() {
                return refuse(name, OfCommand::LongKey);
            }
            last = key.position;
            if self.takes(db, key.arg.head) { taken.push(key.position) } else { left += 1 }
        }
        let seen = record.args().count();
        if seen < record.argc as usize && last + 1 == seen {
            return refuse(name, OfCommand::ManyKeys);
        }
        match (taken.len(), left) {
            (0, 0) if is_script(name) => refuse(name, OfCommand::NoKeys),
            // Functions, scripts and messages belong to no key.
            (0, 0) => Choice::Take,
            (0, _) => Choice::Leave,
            (_, 0) => Choice::Take,
            _ => part(name, record, &taken),
        }
    }

    /// Commands that speak of whole databases, or of two.
    fn of_databases(&self, id: CommandId, db: u64, record: &Record<'_>) -> Option<Choice> {
        let name = id.command().name.as_str();
        let taken = |db: u64| if self.takes_db(db) { Choice::Take } else { Choice::Leave };
        let torn = || refuse(name, OfCommand::TwoDatabases);
        if let Some((a, b)) = command::swapped(id, record) {
            return Some(if self.takes_db(a) == self.takes_db(b) { taken(a) } else { torn() });
        }
        if command::other_db(id, record).is_some_and(|to| self.takes_db(to) != self.takes_db(db)) {
            return Some(torn());
        }
        match name {
            "FLUSHALL" => Some(Choice::Take),
            "FLUSHDB" => Some(taken(db)),
            _ => None,
        }
    }
}

fn refuse(name: &str, why: OfCommand) -> Choice {
    Choice::Refuse(Refusal::Command(name.to_owned(), why))
}

/// Whether a SORT reads other keys than the one it sorts: BY or GET with a pattern.
fn looks_up(record: &Record<'_>) -> bool {
    let args: Vec<_> = record.args().skip(2).collect();
    args.windows(2).any(|two| {
        let is_word = |word: &[u8]| two[0].head.eq_ignore_ascii_case(word);
        (is_word(b"BY") || is_word(b"GET")) && two[1].head.contains(&b'*')
    })
}

fn is_script(name: &str) -> bool {
    name.starts_with("EVAL") || name.starts_with("FCALL")
}

/// The record with these keys alone, where that is what it would have done to them.
fn part(name: &str, record: &Record<'_>, taken: &[usize]) -> Choice {
    let with_value = match name {
        "DEL" | "UNLINK" => false,
        "MSET" => true,
        _ => return refuse(name, OfCommand::Unsplittable),
    };
    let args: Vec<_> = record.args().collect();
    let mut words = vec![args[0].head];
    for &position in taken {
        let value = with_value.then(|| args.get(position + 1)).flatten();
        for arg in args.get(position).into_iter().chain(value) {
            if !arg.is_whole() {
                return refuse(name, OfCommand::TooLarge);
            }
            words.push(arg.head);
        }
    }
    Choice::Part(resp::spelled(&words))
}
