//! Which records, and which keys of a base, are wanted.
//!
//! Every criterion that was given has to be met; of several values for one criterion, any will do.

use regex::bytes::Regex;

use super::Context;
use crate::command::{self, CommandId, Glob};
use crate::format::rdb;
use crate::format::resp::Record;

/// What to select. Without any criterion it takes everything.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    dbs: Vec<u64>,
    globs: Vec<Glob>,
    regexes: Vec<Regex>,
    commands: Option<Commands>,
    since: Option<i64>,
    until: Option<i64>,
    from: Option<Position>,
    to: Option<Position>,
    reaches: bool,
}

/// A place in a set: the segment's position, and an offset in it. Places are ordered as a server reads.
pub type Position = (usize, u64);

impl Filter {
    /// Only what runs in this database.
    pub fn add_db(&mut self, db: u64) {
        self.dbs.push(db);
    }

    /// Only what names a key that fits this pattern.
    pub fn add_key_pattern(&mut self, pattern: &[u8]) {
        self.globs.push(Glob::new(pattern));
    }

    /// Only what names a key in which this expression is found. It looks at bytes; Unicode classes take
    /// UTF-8.
    ///
    /// # Errors
    /// When it is no regular expression, and why.
    pub fn add_key_regex(&mut self, expression: &str) -> Result<(), String> {
        self.regexes.push(Regex::new(expression).map_err(|e| e.to_string())?);
        Ok(())
    }

    /// Only this command: `SET`, `XGROUP` with all its subcommands, or `XGROUP|CREATE` alone, in any case, whatever a
    /// configuration calls it. Answers whether a known server has it; others are matched by their names.
    pub fn add_command(&mut self, name: &[u8]) -> bool {
        self.commands.get_or_insert_default().add(name)
    }

    /// Only what was logged at this second or later, by annotations. What stands before any annotation
    /// has no time and is not taken.
    pub fn since(&mut self, seconds: i64) {
        self.since = Some(seconds);
    }

    /// Only what was logged at this second or earlier, by annotations.
    pub fn until(&mut self, seconds: i64) {
        self.until = Some(seconds);
    }

    /// Only what begins at this place or later.
    pub fn from(&mut self, place: Position) {
        self.from = Some(place);
    }

    /// Only what begins before this place.
    pub fn to(&mut self, place: Position) {
        self.to = Some(place);
    }

    /// Also takes what changes a selected key or database from elsewhere: FLUSHALL, FLUSHDB, SWAPDB, and
    /// MOVE and COPY into the database. A history of a key needs that; sums by database would count it
    /// twice.
    #[must_use]
    pub fn with_reach(self) -> Self {
        Self { reaches: true, ..self }
    }

    /// The same databases, keys and commands, whenever and wherever.
    #[must_use]
    pub fn anywhere(&self) -> Self {
        Self { since: None, until: None, from: None, to: None, ..self.clone() }
    }

    /// Whether it takes everything.
    pub fn is_all(&self) -> bool {
        self.dbs.is_empty()
            && !self.is_by_key()
            && self.commands.is_none()
            && !self.by_time()
            && self.from.is_none()
            && self.to.is_none()
    }

    /// Whether it takes nothing from this place on.
    pub fn ends_before(&self, place: Position) -> bool {
        self.to.is_some_and(|to| place >= to)
    }

    /// Whether it asks for times.
    pub fn by_time(&self) -> bool {
        self.since.is_some() || self.until.is_some()
    }

    /// Whether it asks for keys.
    pub fn is_by_key(&self) -> bool {
        !self.globs.is_empty() || !self.regexes.is_empty()
    }

    /// Whether it takes a record that is met in the state `at`. Of a record larger than a window only the
    /// first arguments are known; where these cannot tell, it is taken.
    #[inline]
    pub fn takes(&self, at: &Context, record: &Record<'_>, id: Option<CommandId>) -> bool {
        self.takes_time(at.time) && self.takes_timeless(at, record, id)
    }

    /// Whether only its time is missing: it would be taken if it had a time that fits.
    pub fn misses_time(&self, at: &Context, record: &Record<'_>, id: Option<CommandId>) -> bool {
        self.by_time() && at.time.is_none() && self.takes_timeless(at, record, id)
    }

    #[inline]
    fn takes_timeless(&self, at: &Context, record: &Record<'_>, id: Option<CommandId>) -> bool {
        self.takes_place((at.segment, record.start))
            && self.commands.as_ref().is_none_or(|commands| commands.take(record, id))
            && self.takes_db(at.db, record, id)
            && (!self.is_by_key() || self.takes_key_of(record, id))
    }

    /// Whether it takes a key of a base, for which only databases and keys count.
    pub fn takes_base_key(&self, db: u64, key: &[u8]) -> bool {
        (self.dbs.is_empty() || self.dbs.contains(&db))
            && (!self.is_by_key() || self.takes_key(key))
    }

    /// [`Self::takes_base_key`] of an entry, by as much of its key as it shows.
    #[inline]
    pub fn takes_entry(&self, entry: &rdb::Entry<'_>) -> bool {
        self.takes_base_key(entry.db, entry.key)
    }

    /// Whether it takes the libraries of functions in a base, which belong to no key and no database.
    pub fn takes_libraries(&self) -> bool {
        self.dbs.is_empty() && !self.is_by_key()
    }

    fn takes_place(&self, place: Position) -> bool {
        self.from.is_none_or(|from| place >= from) && self.to.is_none_or(|to| place < to)
    }

    fn takes_time(&self, time: Option<i64>) -> bool {
        match time {
            Some(time) => {
                self.since.is_none_or(|since| time >= since)
                    && self.until.is_none_or(|until| time <= until)
            }
            None => !self.by_time(),
        }
    }

    fn takes_db(&self, db: u64, record: &Record<'_>, id: Option<CommandId>) -> bool {
        if self.dbs.is_empty() || self.dbs.contains(&db) {
            return true;
        }
        let Some(id) = id.filter(|_| self.reaches) else { return false };
        let has = |db: u64| self.dbs.contains(&db);
        match reach(id, record) {
            Reach::Everything => true,
            Reach::Databases(a, b) => has(a) || has(b),
            Reach::OwnDatabase => false,
            Reach::Keys => command::other_db(id, record).is_some_and(has),
        }
    }

    fn takes_key_of(&self, record: &Record<'_>, id: Option<CommandId>) -> bool {
        let Some(id) = id else { return false };
        let mut keys = command::keys(id, record);
        keys.any(|key| !key.arg.is_whole() || self.takes_key(key.arg.head))
            || keys.ran_out()
            || self.reaches && reach(id, record) != Reach::Keys
    }

    fn takes_key(&self, key: &[u8]) -> bool {
        self.globs.iter().any(|glob| glob.matches(key))
            || self.regexes.iter().any(|regex| regex.is_match(key))
    }
}

/// How far a command reaches beyond the keys it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    /// Not at all.
    Keys,
    /// To every key of the database it runs in.
    OwnDatabase,
    /// To every key of two databases.
    Databases(u64, u64),
    /// To every key.
    Everything,
}

fn reach(id: CommandId, record: &Record<'_>) -> Reach {
    match id.command().name.as_str() {
        "FLUSHALL" => Reach::Everything,
        "FLUSHDB" => Reach::OwnDatabase,
        "SWAPDB" => match command::swapped(id, record) {
            Some((a, b)) => Reach::Databases(a, b),
            None => Reach::Keys,
        },
        _ => Reach::Keys,
    }
}

/// Names of commands that are wanted.
#[derive(Clone, Debug, Default)]
struct Commands {
    /// By place in the command table: all of this command.
    whole: Vec<bool>,
    /// The same for containers of which only some subcommands are wanted: name and subcommand in capitals.
    parts: Vec<(CommandId, Vec<u8>)>,
    /// What the table does not have, in capitals.
    foreign: Vec<Vec<u8>>,
}

impl Commands {
    fn add(&mut self, name: &[u8]) -> bool {
        let name = name.to_ascii_uppercase();
        let split = name.iter().position(|byte| b"| ".contains(byte));
        let (head, sub) =
            split.map_or((&name[..], None), |at| (&name[..at], Some(&name[at + 1..])));
        match (command::lookup(head), sub) {
            (Some(id), None) => {
                self.whole.resize(command::all().len(), false);
                self.whole[id.index()] = true;
                true
            }
            (Some(id), Some(sub)) => {
                self.parts.push((id, sub.to_vec()));
                command::lookup_sub(id, sub).is_some()
            }
            (None, _) => {
                self.foreign.push(name);
                false
            }
        }
    }

    fn take(&self, record: &Record<'_>, id: Option<CommandId>) -> bool {
        if self.foreign.iter().any(|name| name.eq_ignore_ascii_case(record.name)) {
            return true;
        }
        let Some(id) = id else { return false };
        if self.whole.get(id.index()) == Some(&true) {
            return true;
        }
        let mut wanted = self.parts.iter().filter(|(container, _)| *container == id);
        wanted.any(|(_, sub)| {
            record.args().nth(1).is_some_and(|arg| arg.head.eq_ignore_ascii_case(sub))
        })
    }
}
