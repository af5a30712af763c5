//! Walks the RDB part of a segment, and looks into it as deep as the sink wants.

use super::event::{Event, RdbPart};
use super::pulse::Pulse;
use super::rdb_stop::rdb_damage;
use super::sink::{Again, Depth, Sink};
use crate::disk::Source;
use crate::error::Result;
use crate::format::fault::Fault;
use crate::format::rdb;
use crate::limits;

/// The RDB part at `start`. Answers where RESP may begin.
pub(super) fn walk(
    source: &mut dyn Source,
    start: u64,
    pulse: &mut impl Pulse,
    sink: &mut impl Sink,
) -> Result<u64> {
    let mut walker = rdb::Walker::new(start);
    if let Some(len) = source.length() {
        walker = walker.with_end(len);
    }
    let mut pass = rdb::Pass::new(walker);
    let passed = match sink.depth() {
        Depth::Structure => pass_over(source, &mut pass, pulse, &mut ())?,
        Depth::Entries => pass_over(source, &mut pass, pulse, &mut Entries(sink))?,
        Depth::Contents => {
            let contents = rdb::Contents::default();
            pass_over(source, &mut pass, pulse, &mut Opened { contents, sink: Asked(sink) })?
        }
        Depth::Values => into_values(source, start, &mut pass, pulse, sink)?,
    };
    source.keep_from(None);
    if let Err(fault) = passed {
        return rdb_damage(source, start, fault, &pass, sink);
    }
    // Of a walk that ended early there is no outcome.
    let end = pass.offset();
    source.settle()?;
    if let Some(walked) = pass.outcome() {
        look_again(source, start, &walked, sink)?;
        sink.event(Event::Rdb(&RdbPart { start, end, walked }));
    }
    Ok(end)
}

/// Listens to the walk of an RDB part.
trait Ear: rdb::Sink {
    fn again(&mut self, source: &mut dyn Source) -> Result<()> {
        let _ = source;
        Ok(())
    }

    fn reads_again(&self) -> bool {
        false
    }

    fn is_done(&self) -> bool {
        false
    }
}

impl Ear for () {}
impl Ear for rdb::Deep {}
impl<S: Sink> Ear for Opened<'_, S> {}
impl<S: Sink> Ear for Values<'_, S> {}

impl<S: Sink> Ear for Entries<'_, S> {
    fn again(&mut self, source: &mut dyn Source) -> Result<()> {
        self.0.again(source)
    }

    fn reads_again(&self) -> bool {
        self.0.reads_again()
    }

    fn is_done(&self) -> bool {
        self.0.is_done()
    }
}

/// Gives entries to a sink of the walk over a set.
struct Entries<'s, S>(&'s mut S);

impl<S: Sink> rdb::Sink for Entries<'_, S> {
    const ENTRIES: bool = true;

    #[inline]
    fn entry(&mut self, entry: &rdb::Entry<'_>) {
        self.0.entry(entry);
    }

    fn library(&mut self, library: &rdb::Library<'_>) {
        self.0.library(library);
    }

    fn opcode(&mut self, opcode: &rdb::Opcode) {
        self.0.opcode(opcode);
    }
}

/// Asks a sink which values to open, and gives it what is inside.
struct Opened<'s, S> {
    contents: rdb::Contents,
    sink: Asked<'s, S>,
}

/// A sink as the reader of contents.
struct Asked<'s, S>(&'s mut S);

impl<S: Sink> rdb::Reader for Asked<'_, S> {
    fn opens(&mut self, value: &rdb::Opening<'_>) -> bool {
        self.0.opens(value)
    }

    fn piece(&mut self, piece: &rdb::Piece<'_>) {
        self.0.piece(piece);
    }
}

impl<S: Sink> rdb::Sink for Opened<'_, S> {
    const ENTRIES: bool = true;
    const TOKENS: bool = true;

    fn entry(&mut self, entry: &rdb::Entry<'_>) {
        self.sink.0.entry(entry);
    }

    fn library(&mut self, library: &rdb::Library<'_>) {
        self.sink.0.library(library);
    }

    fn opcode(&mut self, opcode: &rdb::Opcode) {
        self.sink.0.opcode(opcode);
    }

    fn token(&mut self, token: &rdb::Token<'_>) {
        self.contents.token(token, &mut self.sink);
    }

    fn more(&mut self, bytes: &[u8]) {
        self.contents.more(bytes, &mut self.sink);
    }
}

/// Looks into values as well.
struct Values<'s, S> {
    deep: rdb::Deep,
    sink: &'s mut S,
}

impl<S: Sink> rdb::Sink for Values<'_, S> {
    const ENTRIES: bool = true;
    const TOKENS: bool = true;

    fn entry(&mut self, entry: &rdb::Entry<'_>) {
        self.deep.entry(entry);
        self.sink.entry(entry);
    }

    fn library(&mut self, library: &rdb::Library<'_>) {
        self.sink.library(library);
    }

    fn opcode(&mut self, opcode: &rdb::Opcode) {
        self.sink.opcode(opcode);
    }

    fn token(&mut self, token: &rdb::Token<'_>) {
        self.deep.token(token);
    }

    fn more(&mut self, bytes: &[u8]) {
        self.deep.more(bytes);
    }
}

/// One walk that looks into values, and as many more as it takes to compare all keys.
fn into_values<S: Sink>(
    source: &mut dyn Source,
    start: u64,
    pass: &mut rdb::Pass,
    pulse: &mut impl Pulse,
    sink: &mut S,
) -> Result<std::result::Result<(), Fault<rdb::Reason>>> {
    let again = pass.clone();
    let mut ear = Values { deep: rdb::Deep::new(), sink };
    let passed = pass_over(source, pass, pulse, &mut ear)?;
    let Values { mut deep, sink } = ear;
    // A stream cannot be read again; the report says that keys were left.
    while passed.is_ok() && source.oldest() <= start && deep.next_walk() {
        // The same bytes as before: it cannot stop elsewhere.
        let _ = pass_over(source, &mut again.clone(), &mut (), &mut deep)?;
    }
    sink.inside(&deep.finish());
    Ok(passed)
}

/// Looks once more at what the sink asks for, unless a stream has passed.
fn look_again(
    source: &mut dyn Source,
    start: u64,
    walked: &rdb::Walked,
    sink: &mut impl Sink,
) -> Result<()> {
    let strays = &walked.outcome.strays;
    let mut deep = match sink.looks_again(walked) {
        Again::Nothing => return Ok(()),
        Again::Strays => rdb::Deep::of_strays(strays),
        Again::Values => rdb::Deep::of_values(strays),
    };
    if source.oldest() > start {
        return Ok(());
    }
    let mut pass = rdb::Pass::new(rdb::Walker::new(start).with_end(walked.outcome.end));
    // The same bytes as before: it cannot stop elsewhere.
    let _ = pass_over(source, &mut pass, &mut (), &mut deep)?;
    sink.inside(&deep.finish());
    Ok(())
}

/// Shows all of an RDB to `pass`; answers the fault that stops it.
fn pass_over<S: Ear>(
    source: &mut dyn Source,
    pass: &mut rdb::Pass,
    pulse: &mut impl Pulse,
    ear: &mut S,
) -> Result<std::result::Result<(), Fault<rdb::Reason>>> {
    let mut need = 1;
    loop {
        let at = pass.offset();
        let window = source.window(at, need)?;
        if window.len() < need {
            return Ok(Err(pass.torn(at + window.len() as u64)));
        }
        // A mapped file shows a whole region: what a listener keeps of one window is bounded by this.
        let window = &window[..window.len().min(limits::WINDOW)];
        let pushed = pass.push_with(window, ear);
        ear.again(source)?;
        if ear.reads_again() {
            source.keep_from(Some(pass.walker().proven()));
        }
        match pushed {
            Ok(rdb::Progress::More { need: more, .. }) if !ear.is_done() => need = more,
            Ok(_) => {
                pulse.reached(pass.offset());
                return Ok(Ok(()));
            }
            Err(fault) => return Ok(Err(fault)),
        }
        pulse.reached(pass.offset());
    }
}
