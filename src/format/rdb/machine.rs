//! The stack machine: reads the items of a [`layout`](super::layout) for the [`Walker`].
//!
//! Every item is one token, read whole or not at all, so the walk can stop at any byte. Two rules keep
//! that true: state changes only after the last read of a token, and a skip comes last of all.

use super::burst;
use super::entry::{Library, Opcode, Sink};
use super::layout::{self, Body, Item, Kind, Part};
use super::met::Need;
use super::reason::Reason;
use super::string::{self, Form, Head};
use super::tables;
use super::walk::Walker;
use super::window::{Stop, Window};

impl Walker {
    /// Reads one item, or closes a body that has none left. Only called with an open frame.
    #[inline]
    pub(super) fn item<S: Sink>(
        &mut self,
        window: &mut Window<'_>,
        sink: &mut S,
    ) -> Result<(), Stop> {
        let frame = self.stack.top();
        let Some(item) = frame.items.get(frame.next) else {
            return self.close_round(window, sink);
        };
        match item {
            Item::Str => {
                let head = window.head()?;
                frame.next += 1;
                window.skip(head.body_len)
            }
            Item::Fixed(n) => {
                // Whole, although nothing is done with it here: listeners read it.
                window.peek(usize::from(*n))?;
                frame.next += 1;
                window.skip(u64::from(*n))
            }
            Item::Len => {
                window.number()?;
                frame.next += 1;
                Ok(())
            }
            Item::FieldTtl => {
                let ttl = window.number()?;
                frame.next += 1;
                self.key.draft.field_ttls += u64::from(ttl != 0);
                Ok(())
            }
            Item::FieldExpiry => {
                let at = i64::from_le_bytes(window.array()?);
                frame.next += 1;
                self.key.draft.field_ttls += u64::from(at != -1);
                Ok(())
            }
            Item::Loop(body) => {
                let count = window.number()?;
                self.enter(count, body, window)
            }
            Item::Elements(body) => {
                let count = window.number()?;
                if count == 0 {
                    self.found.remarks.empty_values.note(window.mark_at());
                }
                if !matches!(body.items, [.., Item::Blob(_) | Item::Node]) {
                    self.key.draft.elements = Some(count);
                }
                self.enter(count, body, window)
            }
            Item::ExpireMs => {
                self.key.draft.expire_ms = i64::from_le_bytes(window.array()?);
                frame.next += 1;
                self.key.has_expiry = true;
                Ok(())
            }
            Item::Blob(_) | Item::Node => self.packed::<S>(*item, window),
            other => self.value_item(other, window),
        }
    }

    /// The current item is done.
    pub(super) fn advance(&mut self) {
        self.stack.advance();
    }

    /// Opens a loop in place of the current item.
    pub(super) fn enter(
        &mut self,
        count: u64,
        body: &Body,
        window: &Window<'_>,
    ) -> Result<(), Stop> {
        self.advance();
        self.cursor.ensure_room(count, body.least, window.at())?;
        if count > 0 {
            self.stack.push(body.items, count);
        }
        Ok(())
    }

    /// The items of the innermost body are used up: another round, or the body is done.
    #[inline]
    fn close_round<S: Sink>(&mut self, window: &mut Window<'_>, sink: &mut S) -> Result<(), Stop> {
        let frame = self.stack.top();
        if frame.rounds > 1 {
            frame.rounds -= 1;
            frame.next = 0;
            if !S::TOKENS {
                self.key.draft.field_ttls += burst::rounds(frame, window);
            }
            return Ok(());
        }
        self.stack.pop();
        if self.stack.is_empty() {
            self.close_record(window, sink);
        }
        Ok(())
    }

    #[inline]
    fn close_record<S: Sink>(&mut self, window: &Window<'_>, sink: &mut S) {
        match self.row.map(|row| row.kind) {
            Some(Kind::Value) => {
                if S::ENTRIES {
                    self.tell_entry(window.at(), sink);
                }
                self.found.add_keys(1, self.key.has_expiry.into());
                self.key.close();
                self.cursor.proven = window.at();
            }
            Some(Kind::Prefix) => self.key.draft.beside.is_kept |= self.is_kept_from_eviction(),
            _ => {
                if self.key.prefix_at.is_none() {
                    self.cursor.proven = window.at();
                }
                if self.row.is_some_and(|row| row.number == 245) {
                    self.found.functions += 1;
                    if S::ENTRIES {
                        let (first_line, at) = (&self.key.draft.library, self.key.draft.library_at);
                        sink.library(&Library { first_line, at, end: window.at() });
                    }
                }
                if S::ENTRIES
                    && let Some(row) = self.row
                {
                    sink.opcode(&Opcode {
                        row,
                        db: self.found.db,
                        at: self.record_at,
                        end: window.at(),
                    });
                }
            }
        }
    }

    /// Items that only few values have.
    fn value_item(&mut self, item: &Item, window: &mut Window<'_>) -> Result<(), Stop> {
        match item {
            Item::Score => {
                let len = window.byte()?;
                let len = if len >= 253 { 0 } else { usize::from(len) };
                window.peek(len)?;
                self.advance();
                window.skip(len as u64)
            }
            Item::Container => match window.number()? {
                container @ (1 | 2) => {
                    self.key.draft.is_plain_node = container == 1;
                    self.done()
                }
                other => Err(Reason::Container(other).into()),
            },
            Item::NodeId => {
                let head = window.head()?;
                if head.expanded_len() != Some(16) {
                    return Err(Reason::NodeId(head.expanded_len().unwrap_or(head.body_len)).into());
                }
                self.advance();
                window.skip(head.body_len)
            }
            Item::ModuleOps => self.module_operation(window),
            Item::Live => {
                self.key.draft.elements = Some(window.number()?);
                self.done()
            }
            Item::Counted(part, body) => {
                let count = window.number()?;
                let stream = &mut self.key.draft.stream;
                let tally = match part {
                    Part::Groups => &mut stream.groups,
                    Part::Pending => &mut stream.pending,
                    Part::Consumers => &mut stream.consumers,
                };
                *tally = tally.saturating_add(count);
                self.enter(count, body, window)
            }
            Item::Held(body) => self.enter(self.held, body, window),
            other => self.newer_item(other, window),
        }
    }

    /// Items of modules and of what came later.
    fn newer_item(&mut self, item: &Item, window: &mut Window<'_>) -> Result<(), Stop> {
        match item {
            Item::Hold => {
                self.held = window.number()?;
                self.key.draft.held = self.held;
                let need = match self.row.map(|row| row.number) {
                    Some(7) => Some(Need::Value),
                    Some(247) => Some(Need::Auxiliary),
                    _ => None,
                };
                if let Some(need) = need {
                    self.found.tallies.module(self.held, need, self.record_at);
                }
                self.done()
            }
            Item::MetadataClass => {
                let spec = u32::from_le_bytes(window.array()?);
                self.found.tallies.module(spec.into(), Need::Metadata, self.record_at);
                self.done()
            }
            Item::BitmapLength => self.bitmap_or_counter(window),
            Item::ArrayElement => match window.number()? {
                0 | 3 => {
                    let head = window.head()?;
                    self.advance();
                    window.skip(head.body_len)
                }
                1 | 2 => {
                    self.advance();
                    window.skip(8)
                }
                other => Err(Reason::ArrayTag(other).into()),
            },
            Item::TemplateNames => self.template_names(window),
            Item::TemplateValues(body) => {
                let id = window.number()?;
                match self.templates.get(&id) {
                    Some(&count) => {
                        self.key.draft.elements = Some(count);
                        self.enter(count, body, window)
                    }
                    None => Err(Reason::TemplateUnknown(id).into()),
                }
            }
            Item::Unwalkable => Err(Reason::ModulePreRelease.into()),
            other => self.opcode_item(other, window),
        }
    }

    pub(super) fn done(&mut self) -> Result<(), Stop> {
        self.advance();
        Ok(())
    }

    /// Whether the open record is the opcode that says so.
    fn is_kept_from_eviction(&self) -> bool {
        self.row.is_some_and(|row| row.number == 241)
    }

    /// The first number of type 33 from version 16 on: of a bitmap, whose string follows, or all of a rate counter,
    /// which another record follows. No counter is followed by what fits a bitmap: its first eight bytes are how
    /// many parts it has, and each part takes bytes.
    fn bitmap_or_counter(&mut self, window: &mut Window<'_>) -> Result<(), Stop> {
        /// A part: the high half of its numbers, and a bitmap that is at least a header.
        const PART: u64 = 4 + 8;
        window.number()?;
        let lead = *window.peek(1)?.first().unwrap_or(&0);
        let is_record = self.rows[usize::from(lead)].is_some();
        let is_bitmap = match Head::decode(window.peek_all()) {
            // What begins no other record must be its string.
            _ if !is_record => true,
            Ok(head @ Head { form: Form::Raw, body_len: 8.., .. }) => {
                let start = window.peek(head.head_len + 8)?;
                let parts = start.get(head.head_len..).and_then(|start| start.first_chunk());
                let parts = parts.map_or(u64::MAX, |parts| u64::from_le_bytes(*parts));
                let rest = head.body_len - 8;
                (parts == 0) == (rest == 0) && parts <= rest / PART
            }
            _ => false,
        };
        if !is_bitmap {
            self.row = Some(&tables::COUNTER);
            self.advance();
        }
        self.done()
    }

    /// One operation of a module value; the item is done at its end mark.
    fn module_operation(&mut self, window: &mut Window<'_>) -> Result<(), Stop> {
        match window.number()? {
            0 => self.done(),
            1 | 2 => window.number().map(|_| ()),
            3 => window.skip(4),
            4 => window.skip(8),
            5 => {
                let head = window.head()?;
                window.skip(head.body_len)
            }
            other => Err(Reason::ModuleOperation(other).into()),
        }
    }

    /// Field names in front of a hash: a listpack (0), whose header has their count, or strings (1).
    fn template_names(&mut self, window: &mut Window<'_>) -> Result<(), Stop> {
        match window.number()? {
            0 => {
                let head = window.head()?;
                let body = window.peek(head.body_needed(6))?;
                let text = string::first_bytes(head, body, 6);
                let count = match (head.form, &*text.bytes) {
                    (Form::Integer, _) => None,
                    (_, &[_, _, _, _, low, high]) => Some(u16::from_le_bytes([low, high])),
                    _ => None,
                };
                // The largest count stands for "many"; nobody makes templates that wide.
                let Some(count) = count.filter(|count| *count != u16::MAX) else {
                    return Err(Reason::TemplateNames.into());
                };
                self.held = u64::from(count);
                self.advance();
                window.skip(head.body_len)
            }
            1 => {
                self.held = window.number()?;
                self.enter(self.held, &layout::NAMES, window)
            }
            other => Err(Reason::TemplateForm(other).into()),
        }
    }
}
