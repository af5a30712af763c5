//! What a walk tells while it goes on: where it is, what it has met, and each entry and token.

use super::entry::{Entry, Sink, Token, elements};
use super::header::Family;
use super::layout::{Item, Row};
use super::met::{Met, Module};
use super::place::Place;
use super::walk::Walker;
use super::window::{Stop, Window};

impl Walker {
    /// Where the walk is: for messages about a fault, and for progress.
    pub fn place(&self) -> Place {
        Place {
            at: self.failed.map_or(self.cursor.at, |fault| fault.at),
            proven: self.cursor.proven,
            row: if self.stack.is_empty() { None } else { self.row },
            db: self.found.db,
            key: self.key.open_key(),
            last_key: (self.found.keys > 0).then(|| self.key.last_key()),
            keys: self.found.keys,
        }
    }

    /// Types and opcodes so far, the open one included.
    pub fn met(&self) -> Vec<Met> {
        self.found.tallies.met(|number| self.rows[usize::from(number)])
    }

    /// Modules so far.
    pub fn modules(&self) -> Vec<Module> {
        self.found.tallies.modules()
    }

    /// Tells of the value that ends at `end`.
    pub(super) fn tell_entry<S: Sink>(&self, end: u64, sink: &mut S) {
        let (Some(row), draft) = (self.row, &self.key.draft) else { return };
        let family = self.header.family;
        let elements = match (family, row.number) {
            _ if is_single(row) => Some(1),
            (Family::Redis, 28 | 31) => Some(self.held),
            _ => draft.elements.map(|count| elements(row, family, count)),
        };
        let entry = Entry {
            db: self.found.db,
            key: &draft.key,
            key_len: draft.key_len,
            row,
            family,
            version: self.header.version,
            expire_ms: self.key.has_expiry.then_some(draft.expire_ms),
            idle_s: draft.idle_s,
            frequency: draft.frequency,
            elements,
            field_ttls: (!draft.has_unseen_ttls).then_some(draft.field_ttls),
            stream: None,
            module: (row.number == 7).then_some(draft.held),
            beside: draft.beside,
            start: self.key.prefix_at.unwrap_or(draft.at),
            at: draft.at,
            value_bytes: end.saturating_sub(draft.value_at),
            end,
        };
        let is_stream = row.type_name == "stream";
        sink.entry(&Entry { stream: is_stream.then_some(draft.stream), ..entry });
    }

    /// Tells of the token at the mark, if it is whole.
    pub(super) fn tell_token<S: Sink>(
        &self,
        item: Option<&'static Item>,
        read: &Result<(), Stop>,
        window: &Window<'_>,
        sink: &mut S,
    ) {
        let rest = match read {
            Ok(()) => self.key.census.as_ref().map_or(0, |census| census.left),
            Err(Stop::Skip(n)) => *n,
            Err(_) => return,
        };
        let bytes = window.marked();
        if !bytes.is_empty() {
            let at = window.mark_at();
            sink.token(&Token { at, row: self.row, item, bytes, rest, db: self.found.db });
        }
    }
}

/// Whether a value is one thing, or one as far as can be told.
fn is_single(row: &Row) -> bool {
    matches!(row.type_name, "string" | "module" | "bitmap" | "rate counter")
}
