//! Laws: what holds for any bytes whatever. Plain functions of bytes that panic when a law is broken,
//! called by tests and fuzz targets alike.

// Each caller is a crate of its own and uses a part of this.
#![allow(dead_code)]

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::time::{Duration, SystemTime};

use aofkit::aof::{self, Aof, Damage, Event, OpenOptions};
use aofkit::backup::{self, Depth, Listed, Repository};
use aofkit::check::{self, Check, Report, Wording};
use aofkit::disk::{self, Access, FrozenFile, Source};
use aofkit::error::Result;
use aofkit::format::fault::Fault;
use aofkit::format::manifest::{self, Dialect, Kind};
use aofkit::format::rdb;
use aofkit::format::rdb::checksum::crc64;
use aofkit::format::resp::{self, Record, lenient, resync};
use aofkit::limits;
use aofkit::print::{Options, Printer, Resp};
use aofkit::progress::Silent;
use aofkit::scan::{self, Context, Merge, Observer, Pace};
use aofkit::stats::Mix;
use aofkit::store::MemoryStore;

/// Records follow one another without a gap, each is what its arguments spell, and a fault lies behind
/// the last of them.
pub fn records_are_what_their_arguments_spell(bytes: &[u8]) {
    const BASE: u64 = 1 << 40;
    let mut at = BASE;
    let mut records = resp::records(bytes, BASE);
    for outcome in records.by_ref() {
        match outcome {
            Ok(record) => {
                assert_eq!(record.start, at, "records follow one another");
                assert!(!record.oddities.any(), "canonical: {record:?}");
                let from = (record.start - BASE) as usize;
                let own = &bytes[from..from + record.len as usize];
                assert_eq!(spelled(&record), own, "print of parse is the identity");
                at = record.end();
            }
            Err(fault) => {
                assert!(fault.at >= at && fault.at <= BASE + bytes.len() as u64, "{fault} at {at}");
                at = BASE + bytes.len() as u64;
            }
        }
    }
    assert_eq!(at, BASE + bytes.len() as u64, "records end with the bytes, or with a fault");
    assert!(records.next().is_none(), "the iterator is fused");
}

fn spelled(record: &Record<'_>) -> Vec<u8> {
    let mut out = format!("*{}\r\n", record.argc).into_bytes();
    for (place, argument) in record.args().enumerate() {
        assert!(argument.is_whole());
        assert!(place > 0 || argument.head == record.name, "the first argument is the name");
        out.extend_from_slice(format!("${}\r\n", argument.len).as_bytes());
        out.extend_from_slice(argument.head);
        out.extend_from_slice(b"\r\n");
    }
    out
}

/// A header line as the servers' C code reads it: whatever the bytes are, it takes at most what a
/// loader's buffer holds and never more than there is. Look-alikes are in bounds, too.
pub fn header_lines_stay_in_bounds(bytes: &[u8]) {
    let markers = bytes.iter().enumerate().filter(|(_, b)| matches!(b, b'*' | b'$'));
    for at in markers.map(|(at, _)| at).take(200).chain([0, bytes.len()]) {
        let rest = &bytes[at..];
        let line = lenient::line(rest);
        assert!(line.len <= rest.len().min(limits::LOADER_LINE), "{line:?}");
        assert!(line.digits || line.value == 0, "{line:?}");
    }
    let mut last = None;
    for at in resync::candidates(bytes) {
        assert!(bytes[at] == b'*' && last.is_none_or(|last| last < at));
        last = Some(at);
    }
}

/// Events tile the bytes, and are the same however the bytes are fetched: from a mapped file, a file
/// that is read, memory in the smallest windows allowed, and streams.
pub fn every_source_gives_the_same_events(bytes: &[u8]) {
    let file = file_of(bytes);
    let frozen = FrozenFile::open(file.path()).expect("open a temporary file");
    let read = seen_in(&mut *frozen.source(Access::Read), bytes.len());
    let mapped = seen_in(&mut *frozen.source(Access::Map), bytes.len());
    assert_eq!(read, mapped, "read and mapped");
    for more in [0, 1, 700] {
        let tiny = seen_in(&mut Memory::file(bytes, more), bytes.len());
        assert_eq!(read, tiny, "read and windows of {more} bytes more than asked for");
    }
    // A stream learns late how long it is, and cannot go back further than it remembers.
    if bytes.len() < limits::STREAM_BACK && !read.iter().any(|seen| seen.knows_the_length) {
        let read = without_ends(read);
        let stream = without_ends(seen_in(&mut Memory::stream(bytes), bytes.len()));
        assert_eq!(read, stream, "read and a stream");
        let packed = file_of(&zstd::bulk::compress(bytes, 1).expect("compress"));
        let frozen = FrozenFile::open(packed.path()).expect("open a temporary file");
        let mut source = disk::open_zstd(&frozen).expect("set up a decoder");
        let stream = without_ends(seen_in(&mut *source, bytes.len()));
        assert_eq!(read, stream, "read and a compressed stream");
    }
}

/// Without what only a source tells that knows from the beginning where it ends.
fn without_ends(seen: Vec<Seen>) -> Vec<Seen> {
    seen.into_iter().map(|seen| Seen { met_end: false, ..seen }).collect()
}

/// One event, owned.
#[derive(Debug, PartialEq)]
struct Seen {
    span: (u64, u64),
    what: String,
    met_end: bool,
    knows_the_length: bool,
}

impl Seen {
    fn new(event: &Event<'_>) -> Self {
        let what = match event {
            Event::Record(record, id) => {
                // Of a record larger than a window, only the first bytes of the first arguments are kept.
                let head = |bytes: &[u8]| {
                    bytes[..bytes.len().min(limits::OUTLINE_HEAD)].escape_ascii().to_string()
                };
                let arguments = record.args().take(limits::OUTLINE_ARGUMENTS);
                let arguments: Vec<_> = arguments.map(|a| (a.len, head(a.head))).collect();
                assert_eq!(arguments.len(), limits::OUTLINE_ARGUMENTS.min(record.argc as usize));
                let name = head(record.name);
                format!("{name} {id:?} {} {:?} {arguments:?}", record.argc, record.oddities)
            }
            Event::Damage(damage) => {
                let damage = Damage { met_end: false, ..(*damage).clone() };
                format!("{:?}", Event::Damage(&damage))
            }
            other => format!("{other:?}"),
        };
        let met_end = matches!(event, Event::Damage(damage) if damage.met_end);
        let knows_the_length = match event {
            // How much is left bounds what an RDB may declare, and its checksum is the last it has.
            Event::Damage(damage) => damage.rdb.is_some(),
            _ => false,
        };
        Self { span: event.span(), what, met_end, knows_the_length }
    }
}

/// All events of a source of `len` bytes, which they tile.
fn seen_in(source: &mut dyn Source, len: usize) -> Vec<Seen> {
    let mut seen: Vec<Seen> = Vec::new();
    let mut tiled = 0;
    let end = aof::walk(source, &mut (), &mut |event: Event<'_>| {
        let (start, end) = event.span();
        assert_eq!(start, tiled, "no gap, no overlap: {event:?}");
        assert!(end > start, "no empty event: {event:?}");
        tiled = end;
        seen.push(Seen::new(&event));
    });
    assert_eq!(end.expect("every byte can be read"), len as u64);
    assert_eq!(tiled, len as u64, "events cover everything");
    seen
}

/// Bytes in memory, handed out in windows as small as the contract allows.
struct Memory<'b> {
    bytes: &'b [u8],
    /// Bytes given beyond those asked for.
    more: usize,
    /// As a stream, the length is known only once the end was met.
    met_end: bool,
}

impl<'b> Memory<'b> {
    fn file(bytes: &'b [u8], more: usize) -> Self {
        Self { bytes, more, met_end: true }
    }

    fn stream(bytes: &'b [u8]) -> Self {
        Self { bytes, more: 0, met_end: false }
    }

    fn from(&mut self, at: u64, need: usize) -> &[u8] {
        let len = self.bytes.len();
        let start = usize::try_from(at).unwrap_or(len).min(len);
        self.met_end |= at.saturating_add(need as u64) > len as u64;
        &self.bytes[start..len.min(start + need + self.more)]
    }
}

impl Source for Memory<'_> {
    fn window(&mut self, at: u64, need: usize) -> Result<&[u8]> {
        assert!(need <= limits::WINDOW, "a window of {need} bytes was asked for");
        Ok(self.from(at, need))
    }

    fn peek(&mut self, at: u64, need: usize) -> Result<&[u8]> {
        assert!(need <= limits::PEEK, "a look at {need} bytes was asked for");
        Ok(self.from(at, need))
    }

    fn length(&self) -> Option<u64> {
        self.met_end.then_some(self.bytes.len() as u64)
    }

    fn oldest(&self) -> u64 {
        0
    }

    fn settle(&mut self) -> Result<()> {
        Ok(())
    }
}

/// The mix of the whole is the merge of the mixes of two parts, wherever a record begins.
pub fn a_split_mix_merges_to_the_whole(bytes: &[u8]) {
    let mut whole = Mix::default();
    let mut context = Context::default();
    let mut starts = Vec::new();
    walk_memory(bytes, 0, &mut |event| {
        if let Event::Record(record, _) = &event {
            starts.push((record.start, context));
        }
        whole.observe(&context, &event);
        context.follow(&event);
    });
    let whole = whole.finish();
    let totals = whole.totals;
    assert_eq!(totals.resp_bytes + totals.rdb_bytes, bytes.len() as u64, "sums add up");
    let places = [starts.len() / 3, starts.len() / 2, starts.len().saturating_sub(1)];
    for (split, mut context) in places.into_iter().filter_map(|at| starts.get(at).copied()) {
        let (mut first, mut second) = (Mix::default(), Mix::default());
        let mut before = Context::default();
        let (mut has_told_names, mut has_damage_behind) = (false, false);
        walk_memory(bytes, 0, &mut |event| {
            if event.span().0 < split {
                has_told_names |= matches!(event, Event::Record(_, None));
                first.observe(&before, &event);
                before.follow(&event);
            } else {
                has_damage_behind |= matches!(event, Event::Damage(_));
            }
        });
        assert_eq!(before, context);
        // Names that no table has count behind damage where they stood before, which a walk from here on has not seen.
        if has_told_names && has_damage_behind {
            continue;
        }
        walk_memory(bytes, split, &mut |event| {
            second.observe(&context, &event);
            context.follow(&event);
        });
        first.merge(second);
        assert_eq!(first.finish(), whole, "split at {split}");
    }
}

fn walk_memory(bytes: &[u8], from: u64, sink: &mut impl FnMut(Event<'_>)) {
    let mut source = Memory::file(bytes, limits::WINDOW);
    aof::walk_from(&mut source, from, &mut (), sink).expect("memory can be read");
}

/// What is read as a manifest means the same after it was printed and read again, in both dialects.
pub fn a_printed_manifest_means_the_same(bytes: &[u8]) {
    let _ = (manifest::looks_like(bytes), manifest::redis_check_aof_recognises(bytes));
    for dialect in [Dialect::Strict, Dialect::Concatenating] {
        let read = match manifest::parse(bytes, dialect) {
            Ok(read) => read,
            Err(fault) => {
                assert!(fault.at <= bytes.len() as u64, "{fault}");
                continue;
            }
        };
        for entry in read.entries.iter().filter(|entry| entry.line > 0) {
            assert!(entry.span.end <= bytes.len() as u64 && entry.span.start < entry.span.end);
        }
        for hazard in manifest::hazards(&read) {
            assert!(hazard.at <= bytes.len() as u64, "{}", hazard.kind);
        }
        let printed = manifest::print(&read);
        match manifest::parse(&printed, dialect) {
            Ok(again) => {
                assert!(again.same_meaning(&read), "{again:?} is not {read:?}");
                assert_eq!(manifest::print(&again), printed, "printing once is enough");
            }
            // A line can need more escapes than its length leaves room for; comments alone print to
            // nothing, which no loader takes.
            Err(fault) => {
                let excused = matches!(fault.reason.kind, Kind::TooLong(_) | Kind::Empty);
                assert!(excused, "{fault} after printing {read:?}");
                let comments_only = read.entries.is_empty();
                assert_eq!(comments_only, fault.reason.kind == Kind::Empty);
            }
        }
    }
}

/// Whatever lies in a directory, opening and checking it ends, without a panic, and the sums hold. What
/// lies there is written as [`packed_set`] writes it.
pub fn a_checked_set_adds_up(bytes: &[u8]) {
    let dir = tempfile::tempdir().expect("make a temporary directory");
    let path = unpack_set(bytes, dir.path());
    let open = OpenOptions::default();
    // What cannot be opened is an answer, too.
    let path = dir.path().join(path);
    let Ok(aof) = Aof::open(&path, &open) else { return };
    let observer = (Check::new(&aof), Mix::default());
    let Ok((facts, mix)) = scan::scan(&aof, observer, &Pace::default(), &Silent) else { return };
    let judge = |redact| check::judge(&aof, facts.clone(), &Wording { redact });
    let report = judge(false).expect("nobody writes to these files");
    report_adds_up(&report);
    let redacted = judge(true).expect("nobody writes to these files");
    assert_eq!((report.verdict, report.loads), (redacted.verdict, redacted.loads));
    let totals = mix.totals;
    assert_eq!(totals.resp_bytes + totals.rdb_bytes, report.size_bytes);
    let commands = report.segments.iter().filter_map(|s| s.facts.as_ref()).map(|f| f.commands);
    assert_eq!(commands.sum::<u64>(), totals.commands);
}

/// Any bytes as the records of an RDB: the walk ends without a panic and says the same in windows of any
/// size, with and without a listener; a check of it, thorough or not, adds up. The first byte chooses the windows' size.
/// Both pictures of redis-check-aof end at the same place: the one that reads tokens up to the first it
/// refuses, and the one that watches a pass over everything.
pub fn both_pictures_of_redis_check_aof_agree(bytes: &[u8]) {
    // One reads no RDB by itself. And a count below any 32 bits is an empty record to the program, but
    // what its low half says to loaders, by which the pass goes: only one of both can be shown.
    let is_far_below =
        |at: &[u8]| at.starts_with(b"*") && lenient::number(&at[1..]).value < -(1 << 31);
    if rdb::sniff(bytes).is_some() || (0..bytes.len()).any(|at| is_far_below(&bytes[at..])) {
        return;
    }
    let file = file_of(bytes);
    let frozen = FrozenFile::open(file.path()).expect("open a file");
    let mut source = frozen.source(Access::Read);
    let strict = check::strict::Strict::new(None).read(&mut *source, 0).expect("read a file");
    let aof = Aof::open(file.path(), &OpenOptions::default());
    // A packed file and a manifest are no segment.
    let Ok(aof) = aof else { return };
    if aof.manifest.is_some() || !aof.segments[0].is_plain() {
        return;
    }
    let facts = scan::scan(&aof, Check::new(&aof), &Pace::default(), &Silent).expect("read a set");
    let facts = &facts.segments[0];
    assert_eq!(strict.ok_up_to, facts.ok_up_to(), "{strict:?}");
    assert_eq!(strict.refused.is_some(), facts.refusal.is_some(), "{strict:?} {facts:?}");
}

pub fn an_rdb_is_the_same_in_any_window(bytes: &[u8]) {
    let Some((&size, body)) = bytes.split_first() else { return };
    let magic: &[u8] = if rdb::sniff(body).is_some() { b"" } else { b"REDIS0012" };
    let file = [magic, body].concat();
    let whole = rdb::walk_slice(&file, 0);
    let mut heard = Heard::default();
    let listened = rdb::walk_slice_with(&file, 0, &mut heard);
    match (&whole, &listened) {
        // Who listens wants to see more of a key, so more may be missing of a torn one.
        (Err(a), Err(b)) => {
            assert_eq!((a.fault.at, a.fault.reason.class()), (b.fault.at, b.fault.reason.class()));
        }
        (a, b) => assert_eq!(format!("{a:?}"), format!("{b:?}"), "a listener changes the walk"),
    }
    let mut again = Heard::default();
    let windows = in_windows(&file, usize::from(size) + rdb::NEED_MAX, &mut again);
    assert_eq!(heard.0, again.0, "windows change what is heard");
    match (&listened, &windows) {
        (Ok(a), Ok(b)) => {
            assert_eq!((a.outcome.end, a.checksum), (b.outcome.end, b.checksum));
            assert_eq!((a.outcome.keys, a.outcome.expires), (b.outcome.keys, b.outcome.expires));
        }
        (Err(a), Err(b)) => assert_eq!(a.fault, *b),
        (a, b) => panic!("whole: {a:?}, in windows of {size} more bytes than needed: {b:?}"),
    }
    let dir = tempfile::tempdir().expect("make a temporary directory");
    let path = dir.path().join("dump.rdb");
    fs::write(&path, &file).expect("write a file");
    let aof = Aof::open(&path, &OpenOptions::default()).expect("a regular file can be opened");
    for thorough in [false, true] {
        let observer = Check::new(&aof).thorough(thorough);
        let facts = scan::scan(&aof, observer, &Pace::default(), &Silent).expect("it can be read");
        report_adds_up(&check::judge(&aof, facts, &Wording::default()).expect("nobody writes it"));
    }
}

/// Whatever bytes a file has, what is printed of it as RESP is canonical, leaves no transaction open, and
/// carries values whose checksum fits; and printed again it is the same.
pub fn what_is_printed_can_be_fed_to_a_server(bytes: &[u8]) {
    // What begins like zstd is unpacked first, which is another matter; what begins like an archive or another product's
    // log is refused as that.
    if aofkit::disk::zstd_magic(bytes) || is_foreign(bytes) {
        return;
    }
    for pattern in [None, Some(&b"*[0-9k]*"[..])] {
        let (records, keys, printed) = printed(bytes, pattern);
        let (mut in_transaction, mut wrote, mut restored) = (false, 0, 0);
        for record in resp::records(&printed, 0) {
            let record = record.unwrap_or_else(|fault| panic!("{fault:?} in what was printed"));
            wrote += 1;
            match record.name.to_ascii_uppercase().as_slice() {
                b"MULTI" => in_transaction = true,
                b"EXEC" | b"DISCARD" => in_transaction = false,
                b"RESTORE" if record.argc >= 6 => {
                    let dump = record.args().nth(3).map_or(&b""[..], |arg| arg.head);
                    let sum = dump.split_last_chunk::<8>().map(|(body, sum)| (crc64(body), *sum));
                    let fits = sum.is_some_and(|(crc, sum)| crc == u64::from_le_bytes(sum));
                    restored += u64::from(fits);
                }
                _ => {}
            }
        }
        assert!(!in_transaction, "a transaction is left open");
        assert!(wrote >= records && restored + wrote - records >= keys, "{wrote} {records} {keys}");
        if pattern.is_none() && keys == 0 {
            let (_, _, again) = self::printed(&printed, None);
            let has_discard = printed.windows(7).any(|word| word.eq_ignore_ascii_case(b"DISCARD"));
            assert!(again == printed || has_discard, "printed again it is another");
        }
    }
}

fn is_foreign(bytes: &[u8]) -> bool {
    use aofkit::format::foreign;
    foreign::recognise(bytes, foreign::Extent::Whole, b"x.aof").is_some()
}

/// Records and keys that were printed, and the bytes.
fn printed(bytes: &[u8], pattern: Option<&[u8]>) -> (u64, u64, Vec<u8>) {
    let file = file_of(bytes);
    let aof = Aof::open(file.path(), &OpenOptions::default()).expect("open a regular file");
    let mut filter = scan::Filter::default();
    pattern.iter().for_each(|pattern| filter.add_key_pattern(pattern));
    let mut out = Vec::new();
    let options = Options { filter: filter.with_reach(), with_base: true, limit: None };
    let printer = Printer::new(Resp::default(), options, &mut out);
    let told = scan::scan(&aof, printer, &Pace::default(), &Silent).expect("it can be read");
    told.written.expect("memory can be written");
    (told.records, told.keys, out)
}

/// What a walk tells of its keys.
#[derive(Default)]
struct Heard(Vec<String>);

impl rdb::Sink for Heard {
    const ENTRIES: bool = true;

    fn entry(&mut self, entry: &rdb::Entry<'_>) {
        self.0.push(format!("{entry:?}"));
    }
}

fn in_windows(
    file: &[u8],
    size: usize,
    ear: &mut impl rdb::Sink,
) -> Result<rdb::Walked, Fault<rdb::Reason>> {
    let end = file.len() as u64;
    let mut pass = rdb::Pass::new(rdb::Walker::new(0).with_end(end));
    let mut need = 1;
    loop {
        let at = pass.offset() as usize;
        let window = &file[at..file.len().min(at + size.max(need))];
        if window.len() < need {
            return Err(pass.torn(end));
        }
        match pass.push_with(window, ear)? {
            rdb::Progress::More { need: more, .. } => need = more,
            rdb::Progress::Done { .. } => {
                return Ok(pass.outcome().expect("a pass that is done has an outcome"));
            }
        }
    }
}

fn report_adds_up(report: &Report) {
    assert!(report.ok_bytes <= report.size_bytes, "{report:?}");
    for facts in report.segments.iter().filter_map(|segment| segment.facts.as_ref()) {
        assert!(facts.safe_cut() <= facts.proven() && facts.proven() <= facts.len, "{facts:?}");
        assert!(facts.ok_up_to() <= facts.len, "{facts:?}");
        assert!(facts.damaged_bytes <= facts.len, "{facts:?}");
        assert!(facts.commands_to_cut() <= facts.commands, "{facts:?}");
        assert!(facts.own_cut.is_none_or(|cut| cut <= facts.len), "{facts:?}");
        assert!(facts.seen.len() <= 3 * limits::PROBLEMS, "{} problems", facts.seen.len());
        if facts.halt.is_none() && facts.doubt.is_none() && facts.refusal.is_none() {
            assert_eq!((facts.proven(), facts.ok_up_to()), (facts.len, facts.len), "{facts:?}");
        }
    }
    for problem in &report.problems {
        assert!(!problem.message.is_empty(), "{problem:?}");
    }
}

/// How the parts of a packed set are to lie on disk.
#[derive(Clone, Copy, Debug)]
pub enum Packing {
    /// The first part is the manifest, the others are base and increments.
    OwnManifest,
    /// A sound manifest names all parts: base and increments.
    SoundManifest,
    /// No manifest lies beside base and increments.
    LostManifest,
    /// The first part is a file by itself.
    SingleFile,
}

const PACKINGS: [Packing; 4] =
    [Packing::OwnManifest, Packing::SoundManifest, Packing::LostManifest, Packing::SingleFile];

const NAMES: [&str; 4] = [
    "appendonly.aof.1.base.rdb",
    "appendonly.aof.1.incr.aof",
    "appendonly.aof.2.incr.aof",
    "appendonly.aof.3.incr.aof",
];

/// One byte string for [`a_checked_set_adds_up`]: how the parts lie, how many there are, and each with
/// its length in two bytes before it. Parts are cut to what two bytes can say.
pub fn packed_set(packing: Packing, parts: &[&[u8]]) -> Vec<u8> {
    let how = PACKINGS.iter().position(|p| *p as u8 == packing as u8).unwrap_or_default();
    let mut packed = vec![how as u8, parts.len() as u8];
    for part in parts {
        let part = &part[..part.len().min(usize::from(u16::MAX))];
        packed.extend_from_slice(&(part.len() as u16).to_le_bytes());
        packed.extend_from_slice(part);
    }
    packed
}

/// Writes the files of a packed set. Answers the path to open, inside `dir`.
fn unpack_set(bytes: &[u8], dir: &Path) -> &'static str {
    let (how, rest) = bytes.split_first().unwrap_or((&0, &[]));
    let (count, mut rest) = rest.split_first().unwrap_or((&0, &[]));
    let mut parts = Vec::new();
    for _ in 0..usize::from(*count) % (NAMES.len() + 2) {
        let Some((len, after)) = rest.split_first_chunk::<2>() else { break };
        let len = usize::from(u16::from_le_bytes(*len)).min(after.len());
        let (part, left) = after.split_at(len);
        parts.push(part);
        rest = left;
    }
    let mut parts = parts.into_iter();
    let packing = PACKINGS[usize::from(*how) % PACKINGS.len()];
    match packing {
        Packing::SingleFile => {
            write_old(&dir.join("appendonly.aof"), parts.next().unwrap_or_default());
            return "appendonly.aof";
        }
        Packing::OwnManifest => {
            write_old(&dir.join("appendonly.aof.manifest"), parts.next().unwrap_or_default());
        }
        Packing::SoundManifest | Packing::LostManifest => {}
    }
    let mut manifest = String::new();
    for (place, (name, part)) in NAMES.iter().zip(parts).enumerate() {
        write_old(&dir.join(name), part);
        let letter = if place == 0 { 'b' } else { 'i' };
        manifest.push_str(&format!("file {name} seq {} type {letter}\n", place.max(1)));
    }
    if let Packing::SoundManifest = packing {
        write_old(&dir.join("appendonly.aof.manifest"), manifest.as_bytes());
    }
    ""
}

/// Writes a file that looks as if nobody had touched it for an hour: what was written just now, a check
/// would watch for a while.
fn write_old(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).expect("write a temporary file");
    let file = File::options().write(true).open(path).expect("open a temporary file");
    let hour_ago = SystemTime::now() - Duration::from_secs(3600);
    file.set_modified(hour_ago).expect("set a file's time");
}

fn file_of(bytes: &[u8]) -> tempfile::NamedTempFile {
    // Text is a damaged log under such a name, and just a text otherwise.
    let mut file =
        tempfile::Builder::new().suffix(".aof").tempfile().expect("make a temporary file");
    file.write_all(bytes).expect("write a temporary file");
    file
}

const ID: &str = "20260101T000000Z-1-0123456789abcdef";

/// An entry with a list, its name left open.
pub const ENTRY: &str = r#"{"format":1,"id":"20260101T000000Z-1-0123456789abcdef","source":"s","seq":1,"parent":null,
"taken":"2026-01-01T00:00:00.000Z","host":"h","path":"/p","tool":"0","server":null,"method":"offline-directory","manifest":null,
"files":[{"name":"a.aof","seq":null,"type":"single","size":7,"sha256":null,"closed":false,"mode":420,
"head":{"bytes":0,"sha256":""},"tail":{"bytes":0,"sha256":""},"torn_bytes_dropped":0,"commands":0,"ts":null,"created":null,
"lists":[{"list":"LIST","segments":1}],"segments":[]}],
"extras":[],"covers":[],"gaps":[],"tags":[],"new_bytes":0,"reused_bytes":0,"diverged":[],"script_sha256":""}"#;

/// Any JSON as the entry of a snapshot: refused, or within the bounds of an entry. Nothing that comes of it panics.
pub fn an_entry_is_refused_or_within_bounds(json: &str, list: &[u8]) {
    let repository =
        Repository::open_or_create(Box::new(MemoryStore::default())).expect("in memory");
    let store = repository.store();
    let listed = Listed { source: "s".to_owned(), seq: 1, id: ID.to_owned() };
    store.put(&listed.key(), &backup::document(json)).expect("in memory");
    store.put(&backup::key_of_list(list), list).expect("in memory");
    if let Ok(entry) = repository.entry(&listed) {
        assert_eq!(entry.contradiction(), None);
        let mut segments = 0_u64;
        for file in entry.all_files() {
            let name = file.name.bytes().expect("it can be decoded");
            assert!(disk::is_plain_name(&name), "{name:?}");
            segments += file.segments.len() as u64;
            let sizes: u64 = file.segments.iter().map(|segment| segment.size).sum();
            assert_eq!(sizes, file.size, "segments follow each other");
        }
        assert!(segments <= limits::BACKUP_SEGMENTS && entry.logical_bytes() <= limits::BACKUP_SUM);
        assert!(entry.segments().all(|one| one.stored <= limits::BACKUP_OBJECT));
        let _ = (entry.stored_bytes(), entry.commands(), entry.cut_bytes());
    }
    let verified = backup::verify(&repository, Depth::Objects, 1, &Silent).expect("in memory");
    assert!(!verified.is_good(), "it has neither script nor objects");
}

/// Any bytes as a list of segments.
pub fn a_list_is_refused_or_within_bounds(list: &[u8]) {
    let entry = ENTRY.replace("LIST", &backup::key_of_list(list));
    an_entry_is_refused_or_within_bounds(&entry, list);
}
