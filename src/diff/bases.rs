//! The bases of two sets, compared by keys: types, expiries and values.
//!
//! A value is compared by what it holds, not by its bytes: two servers store the same set in another order, or in another
//! encoding. Streams, values of modules, fields that expire by themselves and values above 1 MiB are not opened so far: of
//! these it is only known that they are equal where all bytes of both bases are.

use std::collections::HashMap;

use sha2::{Digest, Sha256};

use super::hash::{Hash, of_key};
use super::rows::{Differences, Kind, NEVER, Row, is_in, passes};
use crate::aof::{Aof, Event, Pulse, RdbItem, Role, Segment};
use crate::disk::pieces;
use crate::error::Result;
use crate::format::rdb::{Checksum, Entry, Opening, Piece};
use crate::progress::{Progress, Silent};
use crate::scan::{Context, Depth, Meter, Observer, Pace, Wants, scan_some};

/// In which form a set has its base.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BaseForm {
    /// There is none.
    #[default]
    None,
    /// An RDB.
    Rdb,
    /// Commands, which are compared as a whole alone.
    Commands,
}

impl BaseForm {
    /// Its name in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Rdb => "rdb",
            Self::Commands => "commands",
        }
    }
}

/// The base of one set.
#[derive(Clone, Copy, Debug, Default)]
pub struct BaseSide {
    /// In which form it is.
    pub form: BaseForm,
    /// Keys in it, where it is an RDB.
    pub keys: u64,
    /// Values and libraries in it that are not compared.
    pub not_compared: u64,
    /// It is damaged, its checksum does not fit, or its file is missing.
    pub is_damaged: bool,
    /// One number for all that was read.
    sum: u128,
}

impl BaseSide {
    /// Nothing is in it.
    fn is_empty(&self) -> bool {
        self.form != BaseForm::Commands && self.keys == 0 && self.not_compared == 0
    }
}

/// Two bases.
#[derive(Clone, Debug)]
pub struct Bases {
    /// Of the first set.
    pub a: BaseSide,
    /// Of the second.
    pub b: BaseSide,
    /// Whether both are proven to be equal; `None` where that is not known.
    pub equal: Option<bool>,
    /// By keys, where both could be read and differ.
    pub differences: Option<Differences>,
}

impl Bases {
    /// Whether neither set has a key before its log begins.
    pub(super) fn begin_empty(&self) -> bool {
        self.a.is_empty() && self.b.is_empty()
    }

    /// Whether both sets begin with the same keys, and with some.
    pub(super) fn prove_a_state(&self) -> bool {
        self.equal == Some(true) && (self.a.keys > 0 || self.a.form == BaseForm::Commands)
    }
}

/// Compares the bases of two sets.
pub(super) fn bases(
    a: &Aof,
    b: &Aof,
    most: usize,
    pace: &Pace,
    progress: &dyn Progress,
) -> Result<Bases> {
    let one = read(a, pace, progress, &mut |_, _, _| {})?;
    let two = read(b, pace, progress, &mut |_, _, _| {})?;
    let mut bases = Bases { a: one, b: two, equal: None, differences: None };
    if one.is_damaged || two.is_damaged {
        return Ok(bases);
    }
    let is_comparable = one.form == two.form || one.is_empty() || two.is_empty();
    if one.sum == two.sum && (one.form == two.form || (one.is_empty() && two.is_empty())) {
        let is_whole = one.not_compared == 0 && two.not_compared == 0;
        bases.equal = (is_whole || same_bytes(a, b, pace)?).then_some(true);
        if bases.equal.is_some() || one.form != BaseForm::Rdb {
            return Ok(bases);
        }
    }
    let has_commands = [one, two].iter().any(|side| side.form == BaseForm::Commands);
    if has_commands || !is_comparable {
        return Ok(bases);
    }
    let differences = differences(a, b, one.keys.max(two.keys), most, pace, progress)?;
    if differences.total() > 0 {
        bases.equal = Some(false);
    }
    bases.differences = Some(differences);
    Ok(bases)
}

/// Compares keys in as many passes as memory asks for, and finds the names of those that are told.
fn differences(
    a: &Aof,
    b: &Aof,
    keys: u64,
    most: usize,
    pace: &Pace,
    progress: &dyn Progress,
) -> Result<Differences> {
    let mut differences = Differences::new(most);
    let passes = passes(keys);
    for pass in 0..passes {
        let rows = |aof: &Aof| {
            let mut rows = Vec::new();
            read(aof, pace, progress, &mut |row, _, _| {
                if is_in(row.key, pass, passes) {
                    rows.push(row);
                }
            })
            .map(|_| rows)
        };
        differences.add(rows(a)?, rows(b)?, 0);
    }
    let mut names = HashMap::with_capacity(differences.rows.len());
    let wanted: std::collections::HashSet<_> = differences.rows.iter().map(|r| r.hash).collect();
    for aof in [a, b] {
        read(aof, pace, progress, &mut |row, db, name| {
            if wanted.contains(&row.key) {
                names.entry(row.key).or_insert_with(|| (db, name.to_vec()));
            }
        })?;
    }
    differences.name(&names);
    Ok(differences)
}

/// What is told of each key: its row, database and name.
type Each<'e> = &'e mut dyn FnMut(Row, u64, &[u8]);

fn holds_base(segment: &Segment) -> bool {
    !matches!(segment.role, Role::Increment | Role::History)
}

fn read(aof: &Aof, pace: &Pace, progress: &dyn Progress, each: Each<'_>) -> Result<BaseSide> {
    let is_gone = |s: &Segment| s.role == Role::Base && (s.is_missing() || s.is_directory());
    let is_missing = aof.live().any(|(_, segment)| is_gone(segment));
    let reader = Reader {
        each,
        side: BaseSide { is_damaged: is_missing, ..BaseSide::default() },
        value: None,
        commands: Hash::default(),
        is_done: false,
    };
    scan_some(aof, holds_base, reader, pace, progress)
}

/// Whether the bases have the same bytes.
fn same_bytes(a: &Aof, b: &Aof, pace: &Pace) -> Result<bool> {
    let bases = |aof: &Aof| -> Result<Vec<(Option<u64>, [u8; 32])>> {
        let mut all = Vec::new();
        for (_, segment) in aof.live().filter(|(_, s)| s.role == Role::Base || is_whole_rdb(aof, s))
        {
            let mut source = segment.source()?;
            let mut hash = Sha256::new();
            let end = segment.len().unwrap_or(u64::MAX);
            let (mut meter, mut read) = (Meter::new(&Silent, pace), 0);
            pieces(&mut *source, 0, end, &mut |piece| {
                hash.update(piece);
                read += piece.len() as u64;
                meter.reached(read);
                Ok(())
            })?;
            source.settle()?;
            all.push((segment.len(), hash.finalize().into()));
        }
        Ok(all)
    };
    let (one, two) = (bases(a)?, bases(b)?);
    Ok(!one.is_empty() && one == two)
}

/// A file by itself: its log is compared with it then, which is more than is asked for.
fn is_whole_rdb(aof: &Aof, segment: &Segment) -> bool {
    segment.role == Role::Single && aof.live().count() == 1
}

/// A value that is being read.
#[derive(Default)]
struct Value {
    in_order: Hash,
    /// The sum of what comes in no order.
    sum: u128,
    pieces: u64,
    is_unread: bool,
}

impl Value {
    fn piece(&mut self, piece: &Piece<'_>) {
        self.pieces += 1;
        let parts = match piece {
            Piece::Text(one) | Piece::Element(one) => {
                self.is_unread |= one.bytes.len() as u64 != one.len;
                self.in_order.add(one.bytes);
                return;
            }
            Piece::Member(one) => (one, &b""[..], None),
            Piece::Scored(one, score) => (one, &b""[..], Some(score.to_bits().to_le_bytes())),
            Piece::Field(one, value, expires) => {
                self.is_unread |= *expires || value.bytes.len() as u64 != value.len;
                (one, value.bytes, None)
            }
            Piece::Node { .. } => {
                self.is_unread = true;
                return;
            }
        };
        let (one, value, score) = parts;
        self.is_unread |= one.bytes.len() as u64 != one.len;
        let score = score.as_ref().map_or(&b""[..], |score| score);
        self.sum = self.sum.wrapping_add(Hash::of(&[one.bytes, value, score]));
    }

    /// One number for it; 0 where not all of it was read.
    fn end(self, entry: &Entry<'_>) -> u128 {
        if self.is_unread || entry.elements != Some(self.pieces) {
            return 0;
        }
        Hash::of(&[&self.in_order.end().to_le_bytes(), &self.sum.to_le_bytes()]).max(1)
    }
}

struct Reader<'e> {
    each: Each<'e>,
    side: BaseSide,
    value: Option<Value>,
    commands: Hash,
    is_done: bool,
}

impl Reader<'_> {
    fn key(&mut self, entry: &Entry<'_>) {
        let value = self.value.take().map_or(0, |value| value.end(entry));
        let is_whole = entry.key_len == entry.key.len() as u64 && entry.beside.is_none();
        let value = if is_whole { value } else { 0 };
        let len = entry.key_len.to_le_bytes();
        let key = match is_whole || entry.key_len == entry.key.len() as u64 {
            true => of_key(entry.db, entry.key),
            false => Hash::of(&[&entry.db.to_le_bytes(), entry.key, &len]),
        };
        let kind = Kind::of(entry.type_name());
        let row = Row { key, value, expires: entry.expire_ms.unwrap_or(NEVER), kind };
        self.side.keys += 1;
        self.side.not_compared += u64::from(value == 0);
        let words = [key.to_le_bytes(), value.to_le_bytes()].concat();
        let hash = Hash::of(&[&words, &row.expires.to_le_bytes(), kind.as_str().as_bytes()]);
        self.side.sum = self.side.sum.wrapping_add(hash);
        (self.each)(row, entry.db, entry.key);
    }
}

impl Observer for Reader<'_> {
    type Report = BaseSide;

    fn wants(&self) -> Wants {
        Depth::Contents.into()
    }

    fn opens(&mut self, _: &Context, _: &Opening<'_>) -> bool {
        self.value = Some(Value::default());
        true
    }

    fn item(&mut self, _: &Context, item: &RdbItem<'_>) {
        match item {
            RdbItem::Piece(piece) => {
                if let Some(value) = &mut self.value {
                    value.piece(piece);
                }
            }
            RdbItem::Key(entry) => self.key(entry),
            RdbItem::Library(_) => self.side.not_compared += 1,
            RdbItem::Opcode(_) | RdbItem::Flaws(_) => {}
        }
    }

    fn observe(&mut self, at: &Context, event: &Event<'_>) {
        match event {
            Event::Rdb(part) => {
                self.side.form = BaseForm::Rdb;
                self.side.is_damaged |= matches!(part.walked.checksum, Checksum::Mismatch { .. });
            }
            Event::Record(record, _) if at.in_base => {
                if self.side.form != BaseForm::Rdb {
                    self.side.form = BaseForm::Commands;
                }
                // Records larger than a window are not read whole: then only the bytes of both files can tell.
                for arg in record.args() {
                    self.side.not_compared += u64::from(!arg.is_whole());
                    self.commands.add(arg.head);
                }
                self.side.not_compared += u64::from(self.side.form == BaseForm::Rdb);
            }
            Event::Damage(damage) => self.side.is_damaged |= at.in_base || damage.rdb.is_some(),
            Event::Record(..) => self.is_done = true,
            _ => {}
        }
    }

    fn is_done(&self) -> bool {
        self.is_done
    }

    fn finish(self) -> BaseSide {
        let mut side = self.side;
        if side.form == BaseForm::Commands {
            side.sum = self.commands.end();
        }
        side
    }
}
