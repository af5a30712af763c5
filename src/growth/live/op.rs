//! What each command does to values, by its name.

use super::kind::Kind;
use super::value::Fresh;
use crate::command;

/// Kinds of effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// Changes no value.
    Nothing,
    /// Changes keys that it names, in a way that is not followed.
    Unknown,
    /// May change any key.
    Anything,
    Set,
    /// The value is the last argument, the time the one before.
    SetFor,
    GetSet,
    Append,
    SetRange,
    SetBit,
    BitFields,
    Increment(i64),
    IncrementFloat,
    MultiSet,
    MultiSetFor,
    Delete,
    GetDelete,
    ExpireAt(i64),
    ExpireIn,
    GetExpire,
    Persist,
    Rename,
    Copy,
    Move,
    Restore,
    FlushAll,
    FlushDatabase,
    SwapDatabases,
    Push(bool),
    Pop(bool),
    ListTrim,
    ListRemove,
    ListSet,
    ListInsert,
    PopPush,
    ListMove,
    SetAdd,
    Remove(Kind),
    SetMove,
    SortedAdd,
    AddTo(Kind),
    SortedPop(bool),
    RemoveByRank,
    RemoveByScore,
    RemoveByName,
    FieldsSet,
    FieldsSetFor,
    FieldsExpire(bool),
    StreamAdd,
    StreamTrim,
    StreamDelete,
    /// The same, with options and a count before the identifiers.
    StreamDeleteFrom,
    StreamGroup,
    StreamClaim,
    StreamAcknowledge,
    /// Changes what a stream remembers, by no more bytes than the record has.
    StreamNote,
    VectorAdd,
    VectorRemove,
    VectorAttributes,
    Sketch,
    Function,
    BitOperation,
    SketchMerge,
    SetStore(Join),
    SortedStore(Join),
    RangeStore,
    PlacesStore,
    PlacesAdd,
    Sort,
}

impl Op {
    /// Whether it changes the one key that stands first.
    pub fn is_of_one_key(self) -> bool {
        !matches!(
            self,
            Self::Nothing
                | Self::FlushAll
                | Self::FlushDatabase
                | Self::SwapDatabases
                | Self::Delete
                | Self::MultiSet
                | Self::MultiSetFor
                | Self::Rename
                | Self::Copy
                | Self::Move
                | Self::SetMove
                | Self::PopPush
                | Self::ListMove
                | Self::BitOperation
                | Self::SketchMerge
                | Self::SetStore(_)
                | Self::SortedStore(_)
                | Self::RangeStore
                | Self::PlacesStore
                | Self::Sort
        )
    }

    /// What it makes of a key that is not there, when it is of one key: `None` where it makes nothing.
    pub fn makes(self) -> Option<Fresh> {
        match self {
            Self::Set
            | Self::SetFor
            | Self::GetSet
            | Self::Append
            | Self::SetRange
            | Self::SetBit
            | Self::BitFields
            | Self::Increment(_)
            | Self::IncrementFloat
            | Self::Sketch
            | Self::Restore => Some(Fresh::Text),
            Self::Push(_) => Some(Fresh::List),
            Self::SetAdd => Some(Fresh::Members(Kind::Set)),
            Self::SortedAdd | Self::PlacesAdd => Some(Fresh::Members(Kind::Zset)),
            Self::FieldsSet | Self::FieldsSetFor => Some(Fresh::Members(Kind::Hash)),
            Self::AddTo(kind) => Some(Fresh::Members(kind)),
            Self::StreamAdd => Some(Fresh::Stream),
            Self::VectorAdd => Some(Fresh::Vectors),
            _ => None,
        }
    }
}

/// What every command of the table does, by its place there.
pub fn table() -> Vec<Op> {
    command::all()
        .iter()
        .map(|command| match of(&command.name) {
            Some(op) => op,
            None if command.writes => Op::Unknown,
            None => Op::Nothing,
        })
        .collect()
}

fn of(name: &str) -> Option<Op> {
    of_keys(name).or_else(|| of_collections(name)).or_else(|| of_several(name))
}

/// Commands that make a value out of other keys'.
fn of_several(name: &str) -> Option<Op> {
    Some(match name {
        "BITOP" => Op::BitOperation,
        "PFMERGE" => Op::SketchMerge,
        "SUNIONSTORE" => Op::SetStore(Join::Union),
        "SINTERSTORE" => Op::SetStore(Join::Intersection),
        "SDIFFSTORE" => Op::SetStore(Join::Difference),
        "ZUNIONSTORE" => Op::SortedStore(Join::Union),
        "ZINTERSTORE" => Op::SortedStore(Join::Intersection),
        "ZDIFFSTORE" => Op::SortedStore(Join::Difference),
        "ZRANGESTORE" => Op::RangeStore,
        "GEOSEARCHSTORE" => Op::PlacesStore,
        "SORT" => Op::Sort,
        _ => return None,
    })
}

fn of_keys(name: &str) -> Option<Op> {
    Some(match name {
        "SET" => Op::Set,
        "SETEX" | "PSETEX" => Op::SetFor,
        "SETNX" | "GETSET" => Op::GetSet,
        "APPEND" => Op::Append,
        "SETRANGE" => Op::SetRange,
        "SETBIT" => Op::SetBit,
        "BITFIELD" => Op::BitFields,
        "INCR" | "INCRBY" => Op::Increment(1),
        "DECR" | "DECRBY" => Op::Increment(-1),
        "INCRBYFLOAT" => Op::IncrementFloat,
        "MSET" | "MSETNX" => Op::MultiSet,
        "MSETEX" => Op::MultiSetFor,
        "DEL" | "UNLINK" => Op::Delete,
        "GETDEL" | "DELIFEQ" | "DELEX" => Op::GetDelete,
        "EXPIREAT" => Op::ExpireAt(1000),
        "PEXPIREAT" => Op::ExpireAt(1),
        "EXPIRE" | "PEXPIRE" => Op::ExpireIn,
        "GETEX" => Op::GetExpire,
        "PERSIST" => Op::Persist,
        "RENAME" | "RENAMENX" => Op::Rename,
        "COPY" => Op::Copy,
        "MOVE" => Op::Move,
        "RESTORE" | "RESTORE-ASKING" => Op::Restore,
        "FLUSHALL" => Op::FlushAll,
        "FLUSHDB" => Op::FlushDatabase,
        "SWAPDB" => Op::SwapDatabases,
        "PFADD" => Op::Sketch,
        "FUNCTION" => Op::Function,
        // What a script does is known to nobody who does not run it; of a slot or a class of keys no names are kept.
        "EVAL" | "EVALSHA" | "FCALL" | "TRIMSLOTS" | "CLUSTER" => Op::Anything,
        // Transactions, scripts that are only stored and messages hold no values.
        "MULTI" | "EXEC" | "SELECT" | "PUBLISH" | "SPUBLISH" | "SCRIPT" | "PFCOUNT" => Op::Nothing,
        _ => return None,
    })
}

fn of_collections(name: &str) -> Option<Op> {
    Some(match name {
        "LPUSH" | "LPUSHX" => Op::Push(true),
        "RPUSH" | "RPUSHX" => Op::Push(false),
        "LPOP" => Op::Pop(true),
        "RPOP" => Op::Pop(false),
        "LTRIM" => Op::ListTrim,
        "LREM" => Op::ListRemove,
        "LSET" => Op::ListSet,
        "LINSERT" => Op::ListInsert,
        "RPOPLPUSH" => Op::PopPush,
        "LMOVE" => Op::ListMove,
        "SADD" => Op::SetAdd,
        "SREM" => Op::Remove(Kind::Set),
        "SMOVE" => Op::SetMove,
        "ZADD" => Op::SortedAdd,
        "GEOADD" => Op::PlacesAdd,
        "ZREM" => Op::Remove(Kind::Zset),
        "ZINCRBY" => Op::AddTo(Kind::Zset),
        "ZPOPMIN" => Op::SortedPop(true),
        "ZPOPMAX" => Op::SortedPop(false),
        "ZREMRANGEBYRANK" => Op::RemoveByRank,
        "ZREMRANGEBYSCORE" => Op::RemoveByScore,
        "ZREMRANGEBYLEX" => Op::RemoveByName,
        "HSET" | "HMSET" | "HSETNX" => Op::FieldsSet,
        "HSETEX" => Op::FieldsSetFor,
        "HDEL" | "HGETDEL" => Op::Remove(Kind::Hash),
        "HINCRBY" | "HINCRBYFLOAT" => Op::AddTo(Kind::Hash),
        "HEXPIREAT" | "HPEXPIREAT" | "HEXPIRE" | "HPEXPIRE" => Op::FieldsExpire(true),
        "HPERSIST" => Op::FieldsExpire(false),
        "XADD" => Op::StreamAdd,
        "XTRIM" => Op::StreamTrim,
        "XDEL" => Op::StreamDelete,
        "XDELEX" | "XACKDEL" => Op::StreamDeleteFrom,
        "XCFGSET" | "XIDMPRECORD" | "XNACK" => Op::StreamNote,
        "XGROUP" => Op::StreamGroup,
        "XCLAIM" => Op::StreamClaim,
        "XACK" => Op::StreamAcknowledge,
        "VADD" => Op::VectorAdd,
        "VREM" => Op::VectorRemove,
        "VSETATTR" => Op::VectorAttributes,
        // An identifier more or less.
        "XSETID" => Op::Nothing,
        _ => return None,
    })
}

/// How sets are put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Join {
    Union,
    Intersection,
    Difference,
}
