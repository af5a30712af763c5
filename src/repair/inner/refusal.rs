//! Why nothing honest can be done about inner damage.

use std::fmt;

use crate::format::rdb;
use crate::limits;
use crate::rules::Target;
use crate::text;

/// Why nothing honest can be done about inner damage, and what to do instead. In words by `Display`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Refusal {
    /// This file is packed or a stream.
    Packed(Vec<u8>),
    /// The first file is wrong from its beginning: a cut would leave nothing.
    WrongFromTheBeginning(Vec<u8>),
    /// The manifest cannot be read, and nothing provable can be done about it, for this reason.
    Manifest(String),
    /// The manifest can be repaired with another base than the one that is damaged.
    OtherBase,
    /// So much would have to go of this file, or of the one that an error names, that it is no log any more.
    TooManyPlaces(Option<Vec<u8>>),
    /// No record begins where one is to be dropped that the target does not take.
    NoSuchRecord {
        /// The file's name.
        file: Vec<u8>,
        /// Where it is to begin.
        offset: u64,
        /// The server.
        target: Target,
    },
    /// Of the RDB part of this file.
    Rdb(Vec<u8>, OfRdb),
}

/// What is wrong with an RDB part of which nothing can be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OfRdb {
    /// Its checksum does not fit, and more than one key has a broken structure, or it cannot be told which; such as this.
    Flaws(String),
    /// Nothing whole is left of it.
    NothingWhole,
    /// It does not begin as the RDB it was.
    Beginning,
    /// It is no RDB.
    NoRdb,
    /// Something in it is not understood, and may be sound.
    NotUnderstood(u64, rdb::Reason),
    /// It is broken before its first whole key.
    NoWholeKey(u64, rdb::Reason),
    /// Its header is wrong.
    Header(rdb::Reason),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Packed(file) => {
                write!(f, "{} is packed or a stream: unpack it first", text::name(file))
            }
            Self::WrongFromTheBeginning(file) => write!(
                f,
                "{} is wrong from its beginning: nothing would be left of the set. Use --salvage, or restore it from a \
                 backup",
                text::name(file)
            ),
            Self::Manifest(why) => write!(f, "manifest: {why}"),
            Self::OtherBase => f.write_str(
                "the manifest can be repaired with another base: first run `aofkit repair` without --salvage or \
                 --truncate",
            ),
            Self::TooManyPlaces(file) => {
                let name = file.as_ref().map_or_else(|| "it".to_owned(), |file| text::name(file));
                let most = text::thousands(limits::RANGES as u64);
                write!(
                    f,
                    "{name}: more than {most} places would have to go: this is no log any more, or one of another \
                     server (--target)"
                )
            }
            Self::NoSuchRecord { file, offset, target } => write!(
                f,
                "no record begins at byte {offset} of {} that {target} does not take: nothing is dropped there",
                text::name(file)
            ),
            Self::Rdb(file, why) => write!(f, "{}: {why}", text::name(file)),
        }
    }
}

impl fmt::Display for OfRdb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flaws(why) => write!(
                f,
                "the checksum of its RDB does not fit, and servers may die of what is in it ({why}): restore the base \
                 from a backup"
            ),
            Self::NothingWhole => {
                f.write_str("nothing whole is left of its RDB: restore it from a backup")
            }
            Self::Beginning => {
                f.write_str("it does not begin as the RDB it was: restore it from a backup")
            }
            Self::NoRdb => f.write_str("it is no RDB"),
            Self::NotUnderstood(at, reason) => write!(
                f,
                "byte {at}: {reason}: that may be sound and only unknown here; use the server that wrote it"
            ),
            Self::NoWholeKey(at, reason) => write!(
                f,
                "the RDB is broken before its first whole key (byte {at}: {reason}), and the increments are no whole data \
                 set without it: restore the base from a backup"
            ),
            Self::Header(reason) => write!(f, "{reason}: restore the base from a backup"),
        }
    }
}
