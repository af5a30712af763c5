//! Walks the RDB part of a segment, and looks into it as deep as the observer wants.

use super::context::Context;
use super::event::{Event, RdbItem, RdbPart};
use super::observer::{Again, Depth, Each, Observer};
use super::pulse::Pulse;
use super::rdb_stop::rdb_damage;
use super::stream::Stream;
use crate::disk::Source;
use crate::error::Result;
use crate::format::fault::Fault;
use crate::format::rdb;
use crate::limits;

/// The fault that stops a walk, if there is one.
type Passed = std::result::Result<(), Fault<rdb::Reason>>;

/// The RDB part at `start`. Answers where RESP may begin.
pub(super) fn walk<O: Observer>(
    source: &mut dyn Source,
    start: u64,
    pulse: &mut impl Pulse,
    stream: &mut Stream<'_, O>,
) -> Result<u64> {
    let mut walker = rdb::Walker::new(start);
    if let Some(len) = source.length() {
        walker = walker.with_end(len);
    }
    let mut pass = rdb::Pass::new(walker);
    let passed = match stream.wants().depth {
        Depth::Structure => {
            let mut ear = Ear::<O, false, false> { stream, within: Within::Nothing };
            pass_over(source, &mut pass, pulse, &mut ear)?
        }
        Depth::Entries => {
            let mut ear = Ear::<O, true, false> { stream, within: Within::Nothing };
            pass_over(source, &mut pass, pulse, &mut ear)?
        }
        Depth::Contents => {
            let within = Within::Contents(&mut rdb::Contents::default());
            pass_over(source, &mut pass, pulse, &mut Ear::<O, true, true> { stream, within })?
        }
        Depth::Values => into_values(source, start, &mut pass, pulse, stream)?,
    };
    source.keep_from(None);
    if let Err(fault) = passed {
        return rdb_damage(source, start, fault, &pass, stream);
    }
    // Of a walk that ended early there is no outcome.
    let end = pass.offset();
    source.settle()?;
    if let Some(walked) = pass.outcome() {
        look_again(source, start, &walked, stream)?;
        stream.tell(Event::Rdb(&RdbPart { start, end, walked }));
    }
    Ok(end)
}

/// What follows the tokens of a walk, to see into values.
enum Within<'w> {
    Nothing,
    Contents(&'w mut rdb::Contents),
    Flaws(&'w mut rdb::Deep),
}

/// Listens to the walk of an RDB part: for the entries in it, or its tokens as well.
struct Ear<'e, 'o, O, const ENTRIES: bool, const TOKENS: bool> {
    stream: &'e mut Stream<'o, O>,
    within: Within<'e>,
}

impl<O: Observer, const ENTRIES: bool, const TOKENS: bool> rdb::Sink
    for Ear<'_, '_, O, ENTRIES, TOKENS>
{
    const ENTRIES: bool = ENTRIES;
    const TOKENS: bool = TOKENS;

    #[inline]
    fn entry(&mut self, entry: &rdb::Entry<'_>) {
        if let Within::Flaws(deep) = &mut self.within {
            deep.entry(entry);
        }
        self.stream.item(&RdbItem::Key(entry));
    }

    fn library(&mut self, library: &rdb::Library<'_>) {
        self.stream.item(&RdbItem::Library(library));
    }

    fn opcode(&mut self, opcode: &rdb::Opcode) {
        self.stream.item(&RdbItem::Opcode(opcode));
    }

    #[inline]
    fn token(&mut self, token: &rdb::Token<'_>) {
        match &mut self.within {
            Within::Nothing => {}
            Within::Contents(contents) => contents.token(token, self.stream),
            Within::Flaws(deep) => deep.token(token),
        }
    }

    #[inline]
    fn more(&mut self, bytes: &[u8]) {
        match &mut self.within {
            Within::Nothing => {}
            Within::Contents(contents) => contents.more(bytes, self.stream),
            Within::Flaws(deep) => deep.more(bytes),
        }
    }
}

/// One walk that looks into values, and as many more as it takes to compare all keys.
fn into_values<O: Observer>(
    source: &mut dyn Source,
    start: u64,
    pass: &mut rdb::Pass,
    pulse: &mut impl Pulse,
    stream: &mut Stream<'_, O>,
) -> Result<Passed> {
    let again = pass.clone();
    let mut deep = rdb::Deep::new();
    let within = Within::Flaws(&mut deep);
    let passed = pass_over(source, pass, pulse, &mut Ear::<O, true, true> { stream, within })?;
    // A stream cannot be read again; the report says that keys were left.
    while passed.is_ok() && source.oldest() <= start && deep.next_walk() {
        once_more(source, &mut again.clone(), &mut deep)?;
    }
    stream.item(&RdbItem::Flaws(&deep.finish()));
    Ok(passed)
}

/// Looks once more at what the observer asks for, unless a stream has passed.
fn look_again(
    source: &mut dyn Source,
    start: u64,
    walked: &rdb::Walked,
    stream: &mut Stream<'_, impl Observer>,
) -> Result<()> {
    let strays = &walked.outcome.strays;
    let mut deep = match stream.looks_again(walked) {
        Again::Nothing => return Ok(()),
        Again::Strays => rdb::Deep::of_strays(strays),
        Again::Values => rdb::Deep::of_values(strays),
    };
    if source.oldest() > start {
        return Ok(());
    }
    let mut pass = rdb::Pass::new(rdb::Walker::new(start).with_end(walked.outcome.end));
    once_more(source, &mut pass, &mut deep)?;
    stream.item(&RdbItem::Flaws(&deep.finish()));
    Ok(())
}

/// Shows `deep` alone the same bytes as before: the walk cannot stop elsewhere.
fn once_more(source: &mut dyn Source, pass: &mut rdb::Pass, deep: &mut rdb::Deep) -> Result<()> {
    let mut nobody = Each(|_: Event<'_>| {});
    let stream = &mut Stream::new(&mut nobody, Context::default(), pass.offset());
    let mut ear = Ear::<_, true, true> { stream, within: Within::Flaws(deep) };
    let _ = pass_over(source, pass, &mut (), &mut ear)?;
    Ok(())
}

/// Shows all of an RDB to `pass`; answers the fault that stops it.
fn pass_over<O: Observer, const ENTRIES: bool, const TOKENS: bool>(
    source: &mut dyn Source,
    pass: &mut rdb::Pass,
    pulse: &mut impl Pulse,
    ear: &mut Ear<'_, '_, O, ENTRIES, TOKENS>,
) -> Result<Passed> {
    let mut need = 1;
    loop {
        let at = pass.offset();
        let window = source.window(at, need)?;
        if window.len() < need {
            return Ok(Err(pass.torn(at + window.len() as u64)));
        }
        // A mapped file shows a whole region: what an observer keeps of one window is bounded by this.
        let window = &window[..window.len().min(limits::WINDOW)];
        let pushed = pass.push_with(window, ear);
        // Whoever sees no entries has nothing of them to read again.
        if ENTRIES {
            ear.stream.again(source)?;
            if ear.stream.wants().reads_again {
                source.keep_from(Some(pass.walker().proven()));
            }
        }
        match pushed {
            Ok(rdb::Progress::More { need: more, .. }) if !(ENTRIES && ear.stream.is_done()) => {
                need = more;
            }
            Ok(_) => {
                pulse.reached(pass.offset());
                return Ok(Ok(()));
            }
            Err(fault) => return Ok(Err(fault)),
        }
        pulse.reached(pass.offset());
    }
}
