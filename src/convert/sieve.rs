//! An RDB with the keys that are taken, and everything else it has: made while it is written, so that its size
//! does not matter.
//!
//! | what stands in it | what becomes of it |
//! |---|---|
//! | header, auxiliary fields | stay |
//! | a database and its sizes | with new sizes; goes where none of its keys is left |
//! | sizes of a slot: an opcode of Redis, an auxiliary field `slot-info` of Valkey | the same |
//! | a key, with expiry, idle time, frequency, metadata | every byte stays, or goes |
//! | libraries of functions, templates of hashes, what modules keep beside keys | stay: they belong to no key |
//! | slots on their way from another node, commands in between (Valkey) | refused: whose they are is not known |
//! | checksum | new, or off where it was |
//!
//! Two walks: one counts, for sizes stand before the keys; one writes. Where nothing goes, every byte is the same.

use super::filter::Picks;
use super::refusal::Refusal;
use crate::change::Sift;
use crate::disk::{Access, FrozenFile, Source};
use crate::error::{Error, ErrorKind, Result};
use crate::format::rdb::{self, Crc64, Family, Pass, Progress, Walker, length};
use crate::limits;
use crate::print;

/// Databases and slots whose sizes are told apart at most: some 60 MiB of them.
const SIZES: usize = 1 << 20;

const SLOT_SIZES: u8 = 244;
/// In Valkey an auxiliary field says it: slot, keys, expiries, from 9.0 on keys with fields that expire.
const SLOT_INFO: &[u8] = b"slot-info";
/// Longer than any such field.
const SLOT_INFO_LEN: u64 = 128;
const MODULE_DATA: u8 = 247;
const AUXILIARY: u8 = 250;
const LIBRARIES: [u8; 2] = [245, 246];
const DATABASE_SIZES: u8 = 251;
const DATABASE: u8 = 254;
const END: u8 = 0xFF;

/// An opcode that is written anew.
#[derive(Clone, Debug)]
struct Edit {
    number: u8,
    /// Where it stands.
    span: (u64, u64),
    /// What is written in its place.
    new: Vec<u8>,
    db: u64,
    /// Keys behind it, and those that are taken, with an expiry or not.
    seen: u64,
    kept: u64,
    expires: u64,
    /// Those that are taken and have fields that expire.
    volatile: u64,
}

/// What is written of one RDB.
#[derive(Debug)]
pub(super) struct Sieve {
    picks: Picks,
    /// In the order of the file.
    edits: Vec<Edit>,
    has_checksum: bool,
}

/// What a sieve will do.
#[derive(Debug)]
pub(super) struct Sifted {
    pub(super) sieve: Sieve,
    /// Length of what is written.
    pub(super) len: u64,
    pub(super) keys: u64,
    pub(super) kept: u64,
    pub(super) has_libraries: bool,
    pub(super) has_module_data: bool,
}

/// One thing of an RDB.
#[derive(Clone, Copy, Debug)]
enum Thing {
    /// A key, and whether it is taken.
    Key { takes: bool, expires: bool, is_volatile: bool },
    /// A number of the format.
    Opcode(u8, u64),
}

/// A thing, where it stands, and, of a key too long to be shown, its database and offset: it is told once it
/// is read.
type Heard = (u64, u64, Thing, Option<(u64, u64)>);

/// Listens to one window of a walk.
struct Ear<'p> {
    picks: &'p Picks,
    things: Vec<Heard>,
}

impl rdb::Sink for Ear<'_> {
    const ENTRIES: bool = true;

    fn entry(&mut self, entry: &rdb::Entry<'_>) {
        let is_whole = entry.key.len() as u64 == entry.key_len;
        let takes = is_whole && self.picks.takes(entry.db, entry.key);
        let is_volatile = entry.field_ttls.is_some_and(|fields| fields > 0);
        let key = Thing::Key { takes, expires: entry.expire_ms.is_some(), is_volatile };
        let unread = (!is_whole).then_some((entry.db, entry.at + 1));
        self.things.push((entry.start, entry.end, key, unread));
    }

    fn opcode(&mut self, opcode: &rdb::Opcode) {
        let thing = Thing::Opcode(opcode.row.number, opcode.db);
        self.things.push((opcode.at, opcode.end, thing, None));
    }
}

/// Walks the RDB at the start of `source`, and tells `visit` of each thing in it by its span.
fn walk(
    source: &mut dyn Source,
    file: &FrozenFile,
    picks: &Picks,
    visit: &mut dyn FnMut((u64, u64), Thing) -> Result<()>,
) -> Result<rdb::Outcome> {
    let changed = || Error::new(ErrorKind::Stale("it is not what it was".to_owned()), &file.path());
    let mut pass = Pass::new(Walker::new(0).with_end(file.len()));
    let mut ear = Ear { picks, things: Vec::new() };
    let (mut need, mut room) = (1, Vec::new());
    loop {
        let window = source.window(pass.offset(), need)?;
        let window = &window[..window.len().min(limits::WINDOW)];
        if window.len() < need {
            return Err(changed());
        }
        let pushed = pass.push_with(window, &mut ear).map_err(|_| changed())?;
        for (from, to, mut thing, unread) in ear.things.drain(..) {
            if let (Thing::Key { takes, .. }, Some((db, at))) = (&mut thing, unread) {
                if !print::text(source, at, &mut room)? {
                    return Err(refused(file, at, Refusal::LongKey));
                }
                *takes = picks.takes(db, &room);
            }
            if let Thing::Opcode(number @ AUXILIARY, _) = &mut thing
                && to - from < SLOT_INFO_LEN
                && print::text(source, from + 1, &mut room)?
                && room == SLOT_INFO
            {
                *number = SLOT_SIZES;
            }
            visit((from, to), thing)?;
        }
        match pushed {
            Progress::More { need: more, .. } => need = more,
            Progress::Done { .. } => break,
        }
    }
    source.settle()?;
    pass.outcome().map(|walked| walked.outcome).ok_or_else(changed)
}

fn refused(file: &FrozenFile, at: u64, why: Refusal) -> Error {
    Error::refused(why, &file.path()).at(at)
}

/// Counts what is taken.
#[derive(Default)]
struct Count {
    edits: Vec<Edit>,
    /// Positions in `edits` of the opcodes the next keys belong to: database, its sizes, slot.
    open: [Option<usize>; 3],
    /// Bytes that stay as they are.
    len: u64,
    keys: u64,
    kept: u64,
    libraries: u64,
    module_data: u64,
    /// Where the last thing ends.
    at: u64,
}

impl Count {
    fn opcode(&mut self, number: u8, db: u64, span: (u64, u64)) {
        let level = match number {
            DATABASE => 0,
            DATABASE_SIZES => 1,
            SLOT_SIZES => 2,
            _ => {
                self.libraries += u64::from(LIBRARIES.contains(&number));
                self.module_data += u64::from(number == MODULE_DATA);
                self.len += span.1 - span.0;
                return;
            }
        };
        if level == 0 {
            self.open = [None; 3];
        }
        self.open[level] = Some(self.edits.len());
        let new = Vec::new();
        let (seen, kept, expires, volatile) = (0, 0, 0, 0);
        self.edits.push(Edit { number, span, new, db, seen, kept, expires, volatile });
    }

    fn key(&mut self, takes: bool, expires: bool, is_volatile: bool, len: u64) {
        self.keys += 1;
        self.kept += u64::from(takes);
        self.len += if takes { len } else { 0 };
        for edit in self.open.into_iter().flatten() {
            let edit = &mut self.edits[edit];
            edit.seen += 1;
            edit.kept += u64::from(takes);
            edit.expires += u64::from(takes && expires);
            edit.volatile += u64::from(takes && is_volatile);
        }
    }
}

/// Looks at the RDB at the start of `file`, and answers how it is sifted.
///
/// # Errors
/// When it has something that cannot be sifted rightly, or cannot be read.
pub(super) fn plan(file: &FrozenFile, picks: &Picks) -> Result<Sifted> {
    let mut source = file.source(Access::ReadAndKeep);
    let mut count = Count { len: rdb::HEADER_LEN as u64, ..Count::default() };
    let family = rdb::sniff(&file.head(rdb::HEADER_LEN)?).unwrap_or(Family::Redis);
    let outcome = walk(&mut *source, file, picks, &mut |(from, to), thing| {
        if from < std::mem::replace(&mut count.at, to) {
            return Err(refused(file, from, Refusal::Between));
        }
        match thing {
            Thing::Key { takes, expires, is_volatile } => {
                count.key(takes, expires, is_volatile, to - from);
            }
            Thing::Opcode(243, _) if family == Family::Valkey => {
                return Err(refused(file, from, Refusal::SlotsOnTheirWay));
            }
            Thing::Opcode(242, _) if family == Family::Valkey => {
                return Err(refused(file, from, Refusal::CommandsAmongKeys));
            }
            Thing::Opcode(number, db) => count.opcode(number, db, (from, to)),
        }
        match count.edits.len() > SIZES {
            true => Err(refused(file, from, Refusal::ManyDatabases)),
            false => Ok(()),
        }
    })?;
    for edit in &mut count.edits {
        edit.new = edit.written(&mut *source, picks)?;
    }
    let edited: u64 = count.edits.iter().map(|edit| edit.new.len() as u64).sum();
    let len = count.len + edited + 1 + outcome.header.trailer_len() as u64;
    let has_checksum = outcome.stored_checksum.is_some_and(|stored| stored != 0);
    let sieve = Sieve { picks: picks.clone(), edits: count.edits, has_checksum };
    Ok(Sifted {
        sieve,
        len,
        keys: count.keys,
        kept: count.kept,
        has_libraries: count.libraries > 0,
        has_module_data: count.module_data > 0,
    })
}

impl Edit {
    /// What is written in its place.
    fn written(&self, source: &mut dyn Source, picks: &Picks) -> Result<Vec<u8>> {
        if self.kept == 0 && (self.seen > 0 || !picks.takes_db(self.db)) {
            return Ok(Vec::new());
        }
        let (from, to) = self.span;
        let len = usize::try_from(to - from).unwrap_or(usize::MAX);
        let old = source.window(from, len)?.get(..len).unwrap_or_default().to_vec();
        if self.number == DATABASE || self.kept == self.seen {
            return Ok(old);
        }
        if old.first() == Some(&AUXILIARY) {
            return self.slot_info(source);
        }
        let sizes = [length::encode(self.kept), length::encode(self.expires)].concat();
        // The slot's own number stands first.
        let slot = length::number(&old[1..]).ok().filter(|_| self.number == SLOT_SIZES);
        let head = &old[..1 + slot.map_or(0, |(_, taken)| taken)];
        Ok([head, &sizes].concat())
    }

    /// The field with new numbers behind that of the slot.
    fn slot_info(&self, source: &mut dyn Source) -> Result<Vec<u8>> {
        let string = |text: &[u8]| [&length::encode(text.len() as u64)[..], text].concat();
        let (name, mut old) = (string(SLOT_INFO), Vec::new());
        print::text(source, self.span.0 + 1 + name.len() as u64, &mut old)?;
        let sizes = [self.kept, self.expires, self.volatile].map(|n| n.to_string().into_bytes());
        let mut fields: Vec<&[u8]> = old.split(|byte| *byte == b',').collect();
        for (field, size) in fields.iter_mut().skip(1).zip(&sizes) {
            *field = size;
        }
        Ok([vec![AUXILIARY], name, string(&fields.join(&b','))].concat())
    }
}

/// Where what is taken is written to, with its checksum. What is taken may be many small pieces, so they are
/// gathered first.
struct Taken<'o> {
    out: &'o mut dyn FnMut(&[u8]) -> Result<()>,
    crc: Crc64,
    gathered: Vec<u8>,
    /// Bytes that are to be copied.
    pending: (u64, u64),
}

impl Taken<'_> {
    fn put(&mut self, bytes: &[u8]) -> Result<()> {
        self.gathered.extend_from_slice(bytes);
        if self.gathered.len() >= limits::WINDOW { self.pass_on() } else { Ok(()) }
    }

    fn pass_on(&mut self) -> Result<()> {
        self.crc.update(&self.gathered);
        (self.out)(&self.gathered)?;
        self.gathered.clear();
        Ok(())
    }

    /// These bytes stay; what continues the last ones goes with them.
    fn keep(&mut self, source: &mut dyn Source, (from, to): (u64, u64)) -> Result<()> {
        if self.pending.1 == from && to - self.pending.0 <= limits::WINDOW as u64 {
            self.pending.1 = to;
            return Ok(());
        }
        self.flush(source)?;
        self.pending = (from, to);
        Ok(())
    }

    fn flush(&mut self, source: &mut dyn Source) -> Result<()> {
        let (mut at, to) = self.pending;
        while at < to {
            let need = usize::try_from(to - at).unwrap_or(usize::MAX).min(limits::WINDOW);
            let window = source.window(at, need)?;
            let piece = &window[..window.len().min(need)];
            if piece.is_empty() {
                // Nothing is written that is not there: the length is compared in the end.
                return source.settle();
            }
            at += piece.len() as u64;
            self.put(piece)?;
        }
        self.pending = (to, to);
        Ok(())
    }
}

impl Sift for Sieve {
    fn sift(&self, file: &FrozenFile, out: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
        let mut source = file.source(Access::Read);
        // Of its own, so that the walk does not lose its place.
        let mut copied = file.source(Access::Read);
        let header = (0, rdb::HEADER_LEN as u64);
        let mut taken = Taken { out, crc: Crc64::new(), gathered: Vec::new(), pending: header };
        let mut edits = self.edits.iter();
        let outcome = walk(&mut *source, file, &self.picks, &mut |span, thing| match thing {
            Thing::Key { takes: false, .. } => Ok(()),
            Thing::Opcode(SLOT_SIZES | DATABASE_SIZES | DATABASE, _) => {
                taken.flush(&mut *copied)?;
                edits.next().map_or(Ok(()), |edit| taken.put(&edit.new))
            }
            Thing::Key { .. } | Thing::Opcode(..) => taken.keep(&mut *copied, span),
        })?;
        taken.flush(&mut *copied)?;
        taken.put(&[END])?;
        taken.pass_on()?;
        let checksum = if self.has_checksum { taken.crc.value() } else { 0 };
        let trailer = checksum.to_le_bytes();
        (taken.out)(&trailer[..outcome.header.trailer_len().min(trailer.len())])
    }
}
