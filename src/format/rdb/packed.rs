//! Packed encodings: passed over by their length, and counted by their header or entry by entry.
//!
//! Only listeners that want entries pay for counts; the walk itself is the same for all.

use super::census::Census;
use super::entry::{self, Sink};
use super::layout::{Item, Packed};
use super::string::Head;
use super::walk::Walker;
use super::window::{Stop, Window};

impl Walker {
    /// A packed encoding, or a list node that may be one.
    #[inline]
    pub(super) fn packed<S: Sink>(
        &mut self,
        item: Item,
        window: &mut Window<'_>,
    ) -> Result<(), Stop> {
        if S::ENTRIES && self.key.census.is_some() {
            return self.take_census(window);
        }
        let head = window.head()?;
        if let Item::Blob(packed) = item
            && head.expanded_len().is_none_or(|len| len < u64::from(packed.least()))
        {
            self.found.remarks.bad_blobs.note(window.mark_at());
        }
        if S::ENTRIES {
            let body = window.peek(head.body_needed(entry::COUNT_LEN))?;
            let packed = match item {
                Item::Blob(packed) => Some(packed),
                _ => (!self.key.draft.is_plain_node).then_some(Packed::Listpack),
            };
            let told = packed.map_or(Some(1), |packed| entry::count(packed, head, body));
            if let Some(packed) = packed.filter(|_| told.is_none())
                && self.open_census(packed, head, window)
            {
                return Ok(());
            }
            self.key.draft.add(told);
        }
        self.advance();
        window.skip(head.body_len)
    }

    /// Begins to count the entries of the encoding whose header was read, if it can be whole.
    #[cold]
    fn open_census(&mut self, packed: Packed, head: Head, window: &Window<'_>) -> bool {
        let most = self.cursor.limit.unwrap_or(i64::MAX as u64);
        let fits = window.at().checked_add(head.body_len).is_some_and(|end| end <= most);
        if packed == Packed::Intset || !fits {
            return false;
        }
        let census = Census::new(packed, head, window.mark_at(), window.at());
        self.key.census = Some(Box::new(census));
        true
    }

    /// Shows the open census what is there.
    fn take_census(&mut self, window: &mut Window<'_>) -> Result<(), Stop> {
        let Some(census) = &mut self.key.census else { return Ok(()) };
        if census.left > 0 {
            window.peek(1)?;
        }
        let bytes = window.peek_all();
        let bytes = &bytes[..usize::try_from(census.left).unwrap_or(usize::MAX).min(bytes.len())];
        census.take(bytes);
        window.advance(bytes.len());
        if census.left == 0 {
            let (counted, hides_ttls) = (census.counted(), census.has_expiries());
            self.key.census = None;
            self.key.draft.add_counted(counted, hides_ttls);
            self.advance();
        }
        Ok(())
    }
}
