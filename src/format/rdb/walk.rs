//! The walker: explains an RDB byte by byte, over windows of any size.
//!
//! Push, not pull: the caller shows a window, the walker says how much of it is explained and what it
//! wants to see next. Between two calls it keeps a few hundred bytes: the open loops, two short copies
//! of keys, the auxiliary fields. What each number means is in [`super::layout`]; how it is read, in
//! `machine`. Offsets are file offsets.
//!
//! | state | reads |
//! |---|---|
//! | header | 9 bytes |
//! | records | a number, then what its row lists |
//! | trailer | 8 bytes, from version 5 |
//! | done | nothing |

use std::collections::BTreeMap;

use super::cursor::Cursor;
use super::entry::{KEY_SHOWN, Sink};
use super::fields::{self, Fields};
use super::found::Found;
use super::header::{Family, HEADER_LEN, Header};
use super::key::KeyState;
use super::layout::{Kind, Row, Rows};
use super::outcome::{Outcome, Remarks};
use super::place::KEY_KEPT;
use super::reason::Reason;
use super::stack::Stack;
use super::string;
use super::tables::rows;
use super::window::{Stop, Window};
use crate::format::fault::Fault;

/// The most bytes [`Next::Need`] ever asks for. The longest token is an auxiliary field that is kept,
/// in LZF; keys need less.
pub const NEED_MAX: usize = 64 + 2 * fields::VALUE_KEPT;

const _: () = assert!(NEED_MAX >= 64 + 2 * KEY_KEPT && NEED_MAX <= 64 * 1024);

/// What the walker wants after a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// At least so many bytes from the new position, never more than [`NEED_MAX`].
    Need(usize),
    /// So many bytes carry no structure: the next window starts behind them. The checksum covers them.
    Skip(u64),
    /// Nothing: the RDB ends at the new position.
    Done,
}

/// What one step did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Bytes of the window that are explained.
    pub consumed: usize,
    /// What to show next.
    pub next: Next,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Header,
    Records,
    Trailer,
    Done,
}

/// Walks the structure of one RDB.
#[derive(Clone, Debug)]
pub struct Walker {
    pub(super) header: Header,
    pub(super) rows: &'static Rows,
    pub(super) state: State,
    pub(super) cursor: Cursor,
    pub(super) stack: Stack,
    /// The open record, or the last one.
    pub(super) row: Option<&'static Row>,
    /// Where it begins.
    pub(super) record_at: u64,
    pub(super) key: KeyState,
    pub(super) found: Found,
    /// A number that a later item of the same record needs.
    pub(super) held: u64,
    /// Fields of hash templates, by the identifier of the template.
    pub(super) templates: BTreeMap<u64, u64>,
    /// The auxiliary field whose value comes next, if it is wanted.
    pub(super) field_name: Option<Vec<u8>>,
    /// The value that comes next names a slot.
    pub(super) is_slot_next: bool,
    pub(super) failed: Option<Fault<Reason>>,
}

impl Walker {
    /// A walker for an RDB whose header is at file offset `base`.
    pub const fn new(base: u64) -> Self {
        Self {
            header: Header { family: Family::Redis, version: 0 },
            rows: rows(Header { family: Family::Redis, version: 0 }),
            state: State::Header,
            cursor: Cursor::new(base),
            stack: Stack::EMPTY,
            row: None,
            record_at: base,
            key: KeyState::NONE,
            found: Found::NOTHING,
            held: 0,
            templates: BTreeMap::new(),
            field_name: None,
            is_slot_next: false,
            failed: None,
        }
    }

    /// Tells where the data end, as a file offset: counts and strings that run past it are faults at
    /// once, before anything is read for them.
    #[must_use]
    pub const fn with_end(mut self, end: u64) -> Self {
        self.cursor.limit = Some(end);
        self
    }

    /// Explains as much of `input` as can be; `input[0]` is the byte at [`Self::offset`].
    ///
    /// After [`Next::Skip`] the offset is already behind the skipped bytes. A walker that failed answers
    /// the same fault again.
    pub fn step(&mut self, input: &[u8]) -> Result<Step, Fault<Reason>> {
        self.step_with(input, &mut ())
    }

    /// As [`Self::step`], and tells `sink` what it sees. Skipped bytes are the caller's to show.
    pub fn step_with<S: Sink>(
        &mut self,
        input: &[u8],
        sink: &mut S,
    ) -> Result<Step, Fault<Reason>> {
        if let Some(fault) = self.failed {
            return Err(fault);
        }
        let mut window = Window::new(input, self.cursor.at);
        let stop = loop {
            window.mark();
            let item = if S::TOKENS { self.stack.current() } else { None };
            let is_more = self.key.census.is_some();
            let read = self.token(&mut window, sink);
            if S::TOKENS && is_more {
                sink.more(window.marked());
            } else if S::TOKENS {
                self.tell_token(item, &read, &window, sink);
            }
            if let Err(stop) = read {
                break stop;
            }
        };
        self.cursor.token_at = window.mark_at();
        if !matches!(stop, Stop::Skip(_) | Stop::Done) {
            window.rewind();
        }
        let consumed = window.taken();
        self.cursor.at = window.at();
        let next = match stop {
            Stop::Bad(reason) => return Err(self.fail(Fault::new(self.cursor.token_at, reason))),
            Stop::Done => Next::Done,
            Stop::Need(n) => {
                self.cursor.wanted_end = self.cursor.at.saturating_add(n as u64);
                if let Some(census) = &self.key.census {
                    // One token, although it is taken piece by piece.
                    (self.cursor.token_at, self.cursor.wanted_end) = (census.at, census.end);
                }
                Next::Need(n)
            }
            Stop::Skip(n) if n > (i64::MAX as u64).saturating_sub(self.cursor.at) => {
                return Err(self.fail(Fault::new(self.cursor.token_at, Reason::StringImpossible)));
            }
            Stop::Skip(n) => {
                self.cursor.wanted_end = self.cursor.at.saturating_add(n);
                Next::Skip(n)
            }
        };
        if let Some(limit) = self.cursor.passed_limit()
            && next != Next::Done
        {
            return Err(self.torn(limit));
        }
        if let Next::Skip(n) = next {
            self.cursor.at = self.cursor.at.saturating_add(n);
        }
        Ok(Step { consumed, next })
    }

    /// The data end at file offset `end`, before the walker got what it asked for: the fault that is.
    pub fn torn(&mut self, end: u64) -> Fault<Reason> {
        if let Some(fault) = self.failed {
            return fault;
        }
        self.fail(self.cursor.torn(end))
    }

    fn fail(&mut self, fault: Fault<Reason>) -> Fault<Reason> {
        self.failed = Some(fault);
        fault
    }

    /// File offset of the next byte to show.
    pub const fn offset(&self) -> u64 {
        self.cursor.at
    }

    /// File offset after the last thing that was read whole: what is still open begins there or later.
    pub const fn proven(&self) -> u64 {
        self.cursor.proven
    }

    /// The header, once it was read.
    pub fn header(&self) -> Option<Header> {
        (self.state != State::Header).then_some(self.header)
    }

    /// Auxiliary fields so far.
    pub const fn fields(&self) -> &Fields {
        &self.found.fields
    }

    /// Oddities so far.
    pub const fn remarks(&self) -> &Remarks {
        &self.found.remarks
    }

    /// What was found, once the walk is done.
    pub fn outcome(&self) -> Option<Outcome> {
        (self.state == State::Done).then(|| Outcome {
            header: self.header,
            start: self.cursor.start,
            end: self.cursor.at,
            stored_checksum: self.found.stored_checksum,
            fields: self.found.fields.clone(),
            keys: self.found.keys,
            expires: self.found.expires,
            databases: self.found.databases,
            last_db: self.found.db,
            highest_db: self.found.highest_db,
            functions: self.found.functions,
            met: self.met(),
            modules: self.modules(),
            strays: self.found.strays.clone(),
            remarks: self.found.remarks.clone(),
        })
    }

    /// One token: whole, or put back by [`Self::step`].
    #[inline]
    fn token<S: Sink>(&mut self, window: &mut Window<'_>, sink: &mut S) -> Result<(), Stop> {
        if !self.stack.is_empty() {
            return self.item(window, sink);
        }
        match self.state {
            State::Records => self.record(window, sink),
            State::Header => self.read_header(window),
            State::Trailer => self.read_trailer(window),
            State::Done => Err(Stop::Done),
        }
    }

    fn read_header(&mut self, window: &mut Window<'_>) -> Result<(), Stop> {
        self.header = match Header::parse(window.peek_all()) {
            Ok(header) => header,
            Err(Fault { reason: Reason::Torn { missing }, .. }) => {
                let there = window.peek_all().len();
                return window.peek(there + missing as usize).map(|_| ());
            }
            Err(fault) => {
                window.advance(fault.at as usize);
                window.mark();
                return Err(fault.reason.into());
            }
        };
        window.skip(HEADER_LEN as u64)?;
        self.rows = rows(self.header);
        self.found.remarks.is_newer_version = self.header.is_newer_than_known();
        self.cursor.proven = window.at();
        self.state = State::Records;
        Ok(())
    }

    fn read_trailer(&mut self, window: &mut Window<'_>) -> Result<(), Stop> {
        if self.header.trailer_len() > 0 {
            self.found.stored_checksum = Some(u64::from_le_bytes(window.array()?));
        }
        self.cursor.proven = window.at();
        self.state = State::Done;
        Err(Stop::Done)
    }

    /// The start of a record: its number, and the key of a value.
    fn record<S: Sink>(&mut self, window: &mut Window<'_>, sink: &mut S) -> Result<(), Stop> {
        if !S::TOKENS {
            self.burst(window, sink);
        }
        window.mark();
        let number = window.byte()?;
        let Some(row) = self.rows[usize::from(number)] else {
            return Err(Reason::UnknownNumber(number).into());
        };
        if row.kind == Kind::Value {
            return self.open_value::<S>(row, window);
        }
        if self.key.is_due {
            return Err(Reason::MetadataWithoutKey(number).into());
        }
        let at = window.mark_at();
        if row.kind == Kind::Prefix {
            self.key.prefix_at.get_or_insert(at);
        }
        self.open_row(row, at);
        Ok(())
    }

    #[inline]
    fn open_value<S: Sink>(
        &mut self,
        row: &'static Row,
        window: &mut Window<'_>,
    ) -> Result<(), Stop> {
        let head = window.head()?;
        let is_whole = S::ENTRIES || self.found.slot.is_some();
        let wanted = if is_whole { KEY_SHOWN } else { KEY_KEPT };
        let body = window.peek(head.body_needed(wanted))?;
        let at = window.mark_at();
        let kept = self.key.kept();
        if head.form == string::Form::Raw {
            kept.keep(body);
            kept.is_cut = head.body_len > KEY_KEPT as u64;
        } else {
            // As many bytes as without a listener, so that both remark the same.
            let start = body.get(..head.body_needed(KEY_KEPT)).unwrap_or(body);
            let text = string::first_bytes(head, start, KEY_KEPT);
            kept.keep(&text.bytes);
            kept.is_cut = head.expanded_len().is_some_and(|len| len > KEY_KEPT as u64);
            if text.is_broken {
                self.found.remarks.bad_lzf.note(at);
            }
        }
        (kept.at, kept.db, kept.kind) = (at, self.found.db, row.number);
        if let Some(slot) = self.found.slot {
            let text = string::first_bytes(head, body, KEY_SHOWN).bytes;
            let is_whole = head.expanded_len().is_none_or(|len| len <= KEY_SHOWN as u64);
            self.found.strays.look((slot, self.found.db), &text, is_whole, at);
        }
        if S::ENTRIES {
            self.key.draft.open(head, body, at, window.at());
        }
        self.key.is_open = true;
        self.key.is_due = false;
        self.open_row(row, at);
        window.skip(head.body_len)
    }

    #[inline]
    fn open_row(&mut self, row: &'static Row, at: u64) {
        if row.since > self.header.version {
            self.found.remarks.too_new_numbers.note(at);
        }
        self.found.tallies.number(row.number, at);
        (self.row, self.record_at) = (Some(row), at);
        self.stack.begin(row.items);
    }
}
