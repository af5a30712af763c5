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

use super::census::Census;
use super::entry::{Draft, KEY_SHOWN, Sink};
use super::fields::{self, Fields};
use super::header::{Family, HEADER_LEN, Header};
use super::layout::{DEPTH, Item, Kind, Row, Rows, rows};
use super::met::Tallies;
use super::outcome::{Outcome, Remarks};
use super::place::{KEY_KEPT, KeptKey};
use super::reason::Reason;
use super::string;
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

/// A list of items being read, and how many rounds are left, this one included.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    pub(super) items: &'static [Item],
    pub(super) next: usize,
    pub(super) rounds: u64,
}

/// Counters of the current database.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sizes {
    pub(super) announced: Option<(u64, u64, u64)>,
    pub(super) keys: u64,
    pub(super) expires: u64,
}

/// Walks the structure of one RDB.
#[derive(Clone, Debug)]
pub struct Walker {
    pub(super) header: Header,
    pub(super) rows: &'static Rows,
    pub(super) state: State,
    pub(super) frames: [Frame; DEPTH],
    pub(super) depth: usize,
    pub(super) row: Option<&'static Row>,
    /// Where that record begins.
    pub(super) row_at: u64,
    /// End of the data, when it is known.
    pub(super) limit: Option<u64>,
    pub(super) held: u64,
    pub(super) templates: BTreeMap<u64, u64>,
    pub(super) kept: [KeptKey; 2],
    /// Which of `kept` belongs to the open value, or will.
    pub(super) open: usize,
    pub(super) is_open: bool,
    pub(super) db: u64,
    pub(super) sizes: Sizes,
    pub(super) prefix_at: Option<u64>,
    pub(super) has_expiry: bool,
    pub(super) is_key_due: bool,
    pub(super) field_name: Option<Vec<u8>>,
    pub(super) draft: Draft,
    /// The packed encoding whose entries are being counted.
    pub(super) census: Option<Box<Census>>,
    pub(super) fields: Fields,
    pub(super) keys: u64,
    pub(super) expires: u64,
    pub(super) databases: u64,
    pub(super) highest_db: u64,
    pub(super) functions: u64,
    pub(super) remarks: Remarks,
    pub(super) tallies: Tallies,
    pub(super) stored_checksum: Option<u64>,
    pub(super) proven: u64,
    start: u64,
    pub(super) at: u64,
    token_at: u64,
    wanted_end: u64,
    pub(super) failed: Option<Fault<Reason>>,
}

impl Walker {
    /// A walker for an RDB whose header is at file offset `base`.
    pub const fn new(base: u64) -> Self {
        Self {
            header: Header { family: Family::Redis, version: 0 },
            rows: rows(Header { family: Family::Redis, version: 0 }),
            state: State::Header,
            frames: [Frame { items: &[], next: 0, rounds: 1 }; DEPTH],
            depth: 0,
            row: None,
            row_at: base,
            limit: None,
            held: 0,
            templates: BTreeMap::new(),
            kept: [KeptKey::NONE; 2],
            open: 0,
            is_open: false,
            db: 0,
            sizes: Sizes { announced: None, keys: 0, expires: 0 },
            prefix_at: None,
            has_expiry: false,
            is_key_due: false,
            field_name: None,
            draft: Draft::NEW,
            census: None,
            fields: Fields::EMPTY,
            keys: 0,
            expires: 0,
            databases: 0,
            highest_db: 0,
            functions: 0,
            remarks: Remarks::NONE,
            tallies: Tallies::NONE,
            stored_checksum: None,
            proven: base,
            start: base,
            at: base,
            token_at: base,
            wanted_end: base,
            failed: None,
        }
    }

    /// Tells where the data end, as a file offset: counts and strings that run past it are faults at
    /// once, before anything is read for them.
    #[must_use]
    pub const fn with_end(mut self, end: u64) -> Self {
        self.limit = Some(end);
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
        let mut window = Window::new(input, self.at);
        let stop = loop {
            window.mark();
            let item = if S::TOKENS { self.current() } else { None };
            let is_more = self.census.is_some();
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
        self.token_at = window.mark_at();
        if !matches!(stop, Stop::Skip(_) | Stop::Done) {
            window.rewind();
        }
        let consumed = window.taken();
        self.at = window.at();
        let next = match stop {
            Stop::Bad(reason) => return Err(self.fail(Fault::new(self.token_at, reason))),
            Stop::Done => Next::Done,
            Stop::Need(n) => {
                self.wanted_end = self.at.saturating_add(n as u64);
                if let Some(census) = &self.census {
                    // One token, although it is taken piece by piece.
                    (self.token_at, self.wanted_end) = (census.at, census.end);
                }
                Next::Need(n)
            }
            Stop::Skip(n) if n > (i64::MAX as u64).saturating_sub(self.at) => {
                return Err(self.fail(Fault::new(self.token_at, Reason::StringImpossible)));
            }
            Stop::Skip(n) => {
                self.wanted_end = self.at.saturating_add(n);
                Next::Skip(n)
            }
        };
        if let Some(limit) = self.limit
            && self.wanted_end > limit
            && next != Next::Done
        {
            return Err(self.torn(limit));
        }
        if let Next::Skip(n) = next {
            self.at = self.at.saturating_add(n);
        }
        Ok(Step { consumed, next })
    }

    /// The data end at file offset `end`, before the walker got what it asked for: the fault that is.
    pub fn torn(&mut self, end: u64) -> Fault<Reason> {
        if let Some(fault) = self.failed {
            return fault;
        }
        let missing = self.wanted_end.saturating_sub(end).max(1);
        self.fail(Fault::new(self.token_at, Reason::Torn { missing }))
    }

    fn fail(&mut self, fault: Fault<Reason>) -> Fault<Reason> {
        self.failed = Some(fault);
        fault
    }

    /// File offset of the next byte to show.
    pub const fn offset(&self) -> u64 {
        self.at
    }

    /// File offset after the last thing that was read whole: what is still open begins there or later.
    pub const fn proven(&self) -> u64 {
        self.proven
    }

    /// The header, once it was read.
    pub fn header(&self) -> Option<Header> {
        (self.state != State::Header).then_some(self.header)
    }

    /// Auxiliary fields so far.
    pub const fn fields(&self) -> &Fields {
        &self.fields
    }

    /// Oddities so far.
    pub const fn remarks(&self) -> &Remarks {
        &self.remarks
    }

    /// What was found, once the walk is done.
    pub fn outcome(&self) -> Option<Outcome> {
        (self.state == State::Done).then(|| Outcome {
            header: self.header,
            start: self.start,
            end: self.at,
            stored_checksum: self.stored_checksum,
            fields: self.fields.clone(),
            keys: self.keys,
            expires: self.expires,
            databases: self.databases,
            last_db: self.db,
            highest_db: self.highest_db,
            functions: self.functions,
            met: self.met(),
            modules: self.modules(),
            remarks: self.remarks.clone(),
        })
    }

    /// One token: whole, or put back by [`Self::step`].
    #[inline]
    fn token<S: Sink>(&mut self, window: &mut Window<'_>, sink: &mut S) -> Result<(), Stop> {
        if self.depth > 0 {
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
        self.remarks.is_newer_version = self.header.is_newer_than_known();
        self.proven = window.at();
        self.state = State::Records;
        Ok(())
    }

    fn read_trailer(&mut self, window: &mut Window<'_>) -> Result<(), Stop> {
        if self.header.trailer_len() > 0 {
            self.stored_checksum = Some(u64::from_le_bytes(window.array()?));
        }
        self.proven = window.at();
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
        if self.is_key_due {
            return Err(Reason::MetadataWithoutKey(number).into());
        }
        let at = window.mark_at();
        if row.kind == Kind::Prefix {
            self.prefix_at.get_or_insert(at);
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
        let wanted = if S::ENTRIES { KEY_SHOWN } else { KEY_KEPT };
        let body = window.peek(head.body_needed(wanted))?;
        let at = window.mark_at();
        let kept = &mut self.kept[self.open & 1];
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
                self.remarks.bad_lzf.note(at);
            }
        }
        (kept.at, kept.db, kept.kind) = (at, self.db, row.number);
        if S::ENTRIES {
            self.draft.open(head, body, at, window.at());
        }
        self.is_open = true;
        self.is_key_due = false;
        self.open_row(row, at);
        window.skip(head.body_len)
    }

    #[inline]
    fn open_row(&mut self, row: &'static Row, at: u64) {
        if row.since > self.header.version {
            self.remarks.too_new_numbers.note(at);
        }
        self.tallies.number(row.number, at);
        (self.row, self.row_at) = (Some(row), at);
        self.frames[0] = Frame { items: row.items, next: 0, rounds: 1 };
        self.depth = 1;
    }
}
