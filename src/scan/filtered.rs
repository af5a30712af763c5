//! An observer that sees only what a filter takes.

use super::{Again, Context, Filter, Merge, Observer, Wants};
use crate::aof::{Event, RdbItem};
use crate::disk::Source;
use crate::error::Result;
use crate::format::rdb;

/// Wraps an observer. With a filter that takes everything the observer sees everything. Otherwise, of
/// the log it sees the records that are taken and nothing else: annotations and damage belong to no key
/// and no command, so what it counts adds up to what was selected. Of an RDB part it sees the keys that
/// are taken, and where the part lies.
#[derive(Clone, Debug)]
pub struct Filtered<O> {
    inner: O,
    filter: Filter,
    is_all: bool,
    selected: Selected,
}

/// What a filter took of the records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Selected {
    /// Records taken.
    pub records: u64,
    /// Records seen.
    pub of_records: u64,
    /// Records left out only because no annotation stands before them and a time was asked for.
    pub undated: u64,
}

impl<O> Filtered<O> {
    /// Lets `inner` see only what `filter` takes.
    pub fn new(inner: O, filter: Filter) -> Self {
        let is_all = filter.is_all();
        Self { inner, filter, is_all, selected: Selected::default() }
    }
}

impl<O: Observer> Filtered<O> {
    #[inline(never)]
    fn select(&mut self, at: &Context, event: &Event<'_>) {
        let (record, id) = match event {
            Event::Record(record, id) => (record, id),
            Event::Rdb(_) => return self.inner.observe(at, event),
            Event::Damage(damage) if damage.rdb.is_some() => return self.inner.observe(at, event),
            _ => return,
        };
        self.selected.of_records += 1;
        if self.filter.takes(at, record, *id) {
            self.selected.records += 1;
            self.inner.observe(at, event);
        } else if at.time.is_none() && self.filter.misses_time(at, record, *id) {
            self.selected.undated += 1;
        }
    }
}

impl<O> Filtered<O> {
    /// Whether the filter takes something in an RDB part.
    fn takes(&self, item: &RdbItem<'_>) -> bool {
        match item {
            RdbItem::Key(entry) => self.filter.takes_entry(entry),
            RdbItem::Library(_) => self.filter.takes_libraries(),
            // Like an annotation it belongs to no key.
            RdbItem::Opcode(_) => false,
            // Pieces come only of a value that was opened.
            RdbItem::Piece(_) | RdbItem::Flaws(_) => true,
        }
    }
}

impl<O: Observer> Observer for Filtered<O> {
    /// What the observer answers; what was selected, where there was a filter.
    type Report = (O::Report, Option<Selected>);

    fn begin(&mut self, segment: usize) {
        self.inner.begin(segment);
    }

    #[inline(always)]
    fn observe(&mut self, at: &Context, event: &Event<'_>) {
        if self.is_all {
            self.inner.observe(at, event);
        } else {
            self.select(at, event);
        }
    }

    fn wants(&self) -> Wants {
        self.inner.wants()
    }

    #[inline]
    fn item(&mut self, at: &Context, item: &RdbItem<'_>) {
        if self.is_all || self.takes(item) {
            self.inner.item(at, item);
        }
    }

    fn opens(&mut self, at: &Context, value: &rdb::Opening<'_>) -> bool {
        // Of keys that are not taken nothing is opened, so no piece of them comes.
        (self.is_all || self.filter.takes_base_key(value.db, value.key))
            && self.inner.opens(at, value)
    }

    fn again(&mut self, at: &Context, source: &mut dyn Source) -> Result<()> {
        self.inner.again(at, source)
    }

    fn looks_again(&self, walked: &rdb::Walked) -> Again {
        self.inner.looks_again(walked)
    }

    fn is_done(&self) -> bool {
        self.inner.is_done()
    }

    fn end(&mut self, at: &Context, len: u64) {
        self.inner.end(at, len);
    }

    fn finish(self) -> Self::Report {
        (self.inner.finish(), (!self.is_all).then_some(self.selected))
    }
}

impl<O: Merge> Merge for Filtered<O> {
    fn merge(&mut self, later: Self) {
        self.inner.merge(later.inner);
        self.selected.records += later.selected.records;
        self.selected.of_records += later.selected.of_records;
        self.selected.undated += later.selected.undated;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::rdb::{Family, Header, Opcode, Opening, Piece, row};

    /// Opens every value, and counts what it is shown.
    #[derive(Default)]
    struct Curious {
        opened: u64,
        pieces: u64,
        opcodes: u64,
    }

    impl Observer for Curious {
        type Report = [u64; 3];

        fn observe(&mut self, _: &Context, _: &Event<'_>) {}

        fn opens(&mut self, _: &Context, _: &Opening<'_>) -> bool {
            self.opened += 1;
            true
        }

        fn item(&mut self, _: &Context, item: &RdbItem<'_>) {
            match item {
                RdbItem::Piece(_) => self.pieces += 1,
                RdbItem::Opcode(_) => self.opcodes += 1,
                _ => {}
            }
        }

        fn finish(self) -> [u64; 3] {
            [self.opened, self.pieces, self.opcodes]
        }
    }

    /// A value of this database is announced, a piece of it follows where it is opened, and then an opcode.
    fn shown<O: Observer>(mut observer: O, db: u64) -> (bool, O::Report) {
        let row = row(Header { family: Family::Redis, version: 11 }, 0).unwrap();
        let at = Context::default();
        let value = Opening {
            db,
            key: b"k",
            key_len: 1,
            row,
            least_bytes: 1,
            nodes: None,
            is_compressed: false,
        };
        let is_open = observer.opens(&at, &value);
        if is_open {
            observer.item(&at, &RdbItem::Piece(&Piece::Node { id: (0, 0), listpack: b"" }));
        }
        observer.item(&at, &RdbItem::Opcode(&Opcode { row, db, at: 0, end: 0 }));
        (is_open, observer.finish())
    }

    #[test]
    fn whoever_wants_to_see_into_values_may_do_so_behind_a_filter() {
        let all = Filtered::new(Curious::default(), Filter::default());
        assert_eq!(shown(all, 3), (true, ([1, 1, 1], None)));
        let third = || {
            let mut filter = Filter::default();
            filter.add_db(3);
            filter
        };
        let (is_open, (seen, _)) = shown(Filtered::new(Curious::default(), third()), 3);
        assert_eq!((is_open, seen), (true, [1, 1, 0]));
        let (is_open, (seen, _)) = shown(Filtered::new(Curious::default(), third()), 4);
        assert_eq!((is_open, seen), (false, [0, 0, 0]));
    }

    #[test]
    fn observers_in_a_row_are_all_shown_what_one_is() {
        let both = (Curious::default(), Curious::default());
        assert_eq!(shown(both, 0), (true, ([1, 1, 1], [1, 1, 1])));
        assert_eq!(shown(Some(Curious::default()), 0), (true, Some([1, 1, 1])));
    }
}
