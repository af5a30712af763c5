//! Which keys a record names, and whether it may reach others.

use super::touched::Name;
use super::unit::Does;
use crate::command::{self, CommandId, Effect, Kind};
use crate::format::resp::{Arg, Record};
use crate::scan::{Context, selected};

/// What hinders to take a command out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hindrance {
    /// No command begins at that place.
    NoCommand,
    /// Nobody knows which keys this command names, or whether it changes others.
    UnknownKeys(Vec<u8>),
    /// This command behind it changes keys that it does not name: a database, or all.
    ReachesFar(Vec<u8>),
    /// This command behind it changes functions.
    ChangesFunctions(Vec<u8>),
    /// It cannot be divided from the rest: it exchanges databases.
    Exchanges(Vec<u8>),
    /// Bytes there are damaged: what they said is not known.
    Damaged,
    /// The transaction that it is a part of does not end.
    OpenTransaction,
    /// Its transaction is larger than is looked at.
    TooLarge,
    /// Later records name more keys than are kept in memory.
    TooManyNames,
    /// Later records name all keys that it changed: for all of them it stays in force.
    AllNamedLater,
}

type Known<T> = std::result::Result<T, Hindrance>;

/// What a record of the unit does, and the keys that it names.
pub(super) fn read_member(
    at: &Context,
    record: &Record<'_>,
    id: Option<CommandId>,
) -> Known<(Does, Vec<Name>)> {
    let unknown = || Hindrance::UnknownKeys(record.name.to_vec());
    let id = id.ok_or_else(unknown)?;
    let does = match (id.kind(), id.command().name.as_str()) {
        (Kind::Multi | Kind::Exec, _) => Does::Brackets,
        (Kind::Select, _) => Does::Selects(selected(record).unwrap_or(at.db)),
        (Kind::Discard, _) => return Err(unknown()),
        (_, "FLUSHALL") => Does::Flushes(None),
        (_, "FLUSHDB") => Does::Flushes(Some(at.db)),
        (_, "SWAPDB") => return Err(Hindrance::Exchanges(record.name.to_vec())),
        (_, "DEL" | "UNLINK") => Does::Removes,
        _ => Does::Else,
    };
    let keys = match does {
        Does::Removes | Does::Else if !changes_functions(id) => keys(at, record, id)?,
        _ => Vec::new(),
    };
    Ok((does, keys))
}

/// The keys that a record behind the unit names.
pub(super) fn named_later(
    at: &Context,
    record: &Record<'_>,
    id: Option<CommandId>,
) -> Known<Vec<Name>> {
    let name = || record.name.to_vec();
    let id = id.ok_or_else(|| Hindrance::UnknownKeys(name()))?;
    match id.kind() {
        Kind::Multi | Kind::Exec | Kind::Select => return Ok(Vec::new()),
        Kind::Plain | Kind::Discard => {}
    }
    let command = id.command();
    if command.effect == Effect::Flushes || matches!(command.name.as_str(), "SWAPDB" | "MOVE") {
        return Err(Hindrance::ReachesFar(name()));
    }
    if changes_functions(id) {
        return Err(Hindrance::ChangesFunctions(name()));
    }
    keys(at, record, id)
}

pub(super) fn changes_functions(id: CommandId) -> bool {
    id.command().name.split('|').next() == Some("FUNCTION")
}

/// All keys that a record reads or writes.
fn keys(at: &Context, record: &Record<'_>, id: CommandId) -> Known<Vec<Name>> {
    let unknown = || Hindrance::UnknownKeys(record.name.to_vec());
    if reaches_unnamed_keys(record, id) {
        return Err(unknown());
    }
    let mut named = command::keys(id, record);
    let mut keys: Vec<Name> = Vec::new();
    for key in named.by_ref() {
        if !key.arg.is_whole() {
            return Err(unknown());
        }
        keys.push((at.db, key.arg.head.into()));
    }
    // A record without keys changes none only where its command is none that writes.
    if named.ran_out() || keys.is_empty() && id.command().writes {
        return Err(unknown());
    }
    // COPY and MOVE write to a key of the same name, or of their own, in another database.
    let other = command::other_db(id, record);
    let target = keys.last().map(|(_, name)| name.clone());
    keys.extend(other.zip(target));
    Ok(keys)
}

/// Whether a record may read or write keys beside those that it names.
pub(super) fn reaches_unnamed_keys(record: &Record<'_>, id: CommandId) -> bool {
    let name = id.command().name.as_str();
    let is = |arg: Arg<'_>, word: &str| arg.head.eq_ignore_ascii_case(word.as_bytes());
    match name {
        // What they sort by lies in other keys, by a pattern.
        "SORT" | "SORT_RO" => record.args().skip(2).any(|arg| is(arg, "BY") || is(arg, "GET")),
        // Old servers log scripts, which do what they want; slots are no names.
        "EVAL" | "EVALSHA" | "FCALL" | "TRIMSLOTS" => true,
        // A rule of compaction writes into another series.
        "TS.ADD" | "TS.MADD" | "TS.INCRBY" | "TS.DECRBY" | "TS.DEL" => true,
        _ => name.starts_with("CLUSTER|"),
    }
}
