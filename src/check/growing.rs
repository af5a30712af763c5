//! Shows a file that may still grow, and keeps apart what more bytes may change.

use crate::aof::{Ending, Event, RdbItem, Start};
use crate::disk::Source;
use crate::error::Result;
use crate::format::rdb;
use crate::scan::{Again, Context, Observer, Wants};

/// An observer as it was before the first thing that more bytes may change, and where that begins.
#[derive(Clone, Debug)]
pub(super) struct Sure<O> {
    pub(super) observer: O,
    pub(super) at: Context,
    pub(super) from: Start,
}

/// Hands everything on. A record that is torn now may be whole later, so the observer is copied before it hears of one.
pub(super) struct Growing<'o, O> {
    pub(super) observer: &'o mut O,
    pub(super) sure: Option<Sure<O>>,
    /// The state after what came so far, and where that ends.
    pub(super) at: Context,
    pub(super) from: Start,
    /// Of damage behind which records follow, while more bytes may still move the place where they begin: how many
    /// records of known names have followed.
    proving: Option<u8>,
    /// Copies made so far.
    copies: u32,
    /// As it was before the RDB part, whose items come before anybody knows whether it is whole.
    before_rdb: Option<Box<O>>,
}

/// So many records of known names prove the place where they begin, whatever comes behind them. Fewer do only where the
/// data ends.
const PROOF: u8 = 3;

/// Damage is weighed so often at most; what stands behind it then is read again when the file grows. A copy may be large.
const COPIES: u32 = 256;

impl<'o, O: Observer + Clone> Growing<'o, O> {
    pub(super) fn new(observer: &'o mut O, at: Context, from: Start) -> Self {
        Self { observer, sure: None, at, from, proving: None, copies: 0, before_rdb: None }
    }

    /// Takes note of what more bytes may make something else of.
    fn weigh(&mut self, at: &Context, event: &Event<'_>) {
        match event {
            Event::Record(record, id) => self.prove(id.is_some() && !record.oddities.any()),
            // Where a length is doubtful the end of the data decides, and that moves; where the search for sound records met
            // it, more bytes may make sound what was passed over.
            Event::Damage(damage) => {
                self.proving = match (damage.ending, damage.is_doubtful || damage.met_end) {
                    (Ending::Resumes, false) if self.sure.is_none() => Some(0),
                    _ => None,
                };
                self.keep(at, event);
            }
            Event::Annotation { is_open: true, .. } => {
                self.proving = None;
                self.keep(at, event);
            }
            _ => {}
        }
    }

    /// A record has come, which may prove that the damage before it is what it seems.
    #[inline]
    fn prove(&mut self, is_known: bool) {
        let Some(proven) = self.proving else { return };
        self.proving = Some(if is_known { proven.saturating_add(1) } else { 0 });
        if self.proving == Some(PROOF) && self.copies < COPIES {
            (self.proving, self.sure) = (None, None);
        }
    }

    fn keep(&mut self, at: &Context, event: &Event<'_>) {
        if self.sure.is_some() {
            return;
        }
        self.copies += 1;
        let (start, _) = event.span();
        let is_rdb = matches!(event, Event::Damage(damage) if damage.rdb.is_some());
        let before = self.before_rdb.take().filter(|_| is_rdb);
        let observer = before.map_or_else(|| self.observer.clone(), |before| *before);
        let from = Start { offset: start, last_record: self.from.last_record };
        self.sure = Some(Sure { observer, at: *at, from });
    }
}

impl<O: Observer + Clone> Observer for Growing<'_, O> {
    type Report = ();

    fn observe(&mut self, at: &Context, event: &Event<'_>) {
        self.weigh(at, event);
        let (start, end) = event.span();
        self.from.offset = end;
        match event {
            Event::Record(..) => self.from.last_record = Some(start),
            Event::Damage(_) => self.from.last_record = None,
            _ => {}
        }
        self.at = *at;
        self.at.follow(event);
        self.observer.observe(at, event);
    }

    fn finish(self) {}

    fn wants(&self) -> Wants {
        self.observer.wants()
    }

    fn item(&mut self, at: &Context, item: &RdbItem<'_>) {
        if self.before_rdb.is_none() && self.sure.is_none() && self.from.offset == 0 {
            self.before_rdb = Some(Box::new(self.observer.clone()));
        }
        self.observer.item(at, item);
    }

    fn opens(&mut self, at: &Context, value: &rdb::Opening<'_>) -> bool {
        self.observer.opens(at, value)
    }

    fn again(&mut self, at: &Context, source: &mut dyn Source) -> Result<()> {
        self.observer.again(at, source)
    }

    fn looks_again(&self, walked: &rdb::Walked) -> Again {
        self.observer.looks_again(walked)
    }

    fn is_done(&self) -> bool {
        self.observer.is_done()
    }
}
