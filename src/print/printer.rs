//! Selects what is printed, and finds the bytes that no window holds.

use std::io;

use super::base::{self, Key, Library};
use super::out::Out;
use super::printed::{LeftOut, Printed, Unprinted};
use super::templates::Templates;
use crate::aof::{Arguments, Damage, Event, RdbItem};
use crate::command::{self, CommandId};
use crate::disk::Source;
use crate::error::Result;
use crate::format::rdb::{Checksum, Entry, Opcode};
use crate::format::resp::{self, Outline, Record};
use crate::limits;
use crate::scan::{Context, Depth, Filter, Observer, Wants};

/// How things are written. Everything comes in the order of the set.
pub trait Form {
    /// What it writes is for a server, which learns nothing else.
    const FEEDS: bool = false;

    /// A record that was selected, met in the state `at`.
    ///
    /// # Errors
    /// When its bytes cannot be read.
    fn record(
        &mut self,
        at: &Context,
        record: &Record<'_>,
        id: Option<CommandId>,
        arguments: Arguments<'_>,
        out: &mut Out<'_>,
    ) -> Result<()>;

    /// A key of a base that was selected. Answers whether this form can write it.
    ///
    /// # Errors
    /// When its bytes cannot be read.
    fn key(&mut self, at: &Context, key: Key<'_>, out: &mut Out<'_>) -> Result<bool>;

    /// A library of functions in a base.
    fn library(&mut self, at: &Context, library: &Library<'_>, out: &mut Out<'_>);

    /// A record that was not selected.
    #[inline]
    fn left(&mut self, id: Option<CommandId>, out: &mut Out<'_>) {
        let _ = (id, out);
    }

    /// Bytes that make no sense.
    fn gap(&mut self, at: &Context, damage: &Damage, out: &mut Out<'_>) {
        let _ = (at, damage, out);
    }

    /// A file ended.
    fn end(&mut self, out: &mut Out<'_>) {
        let _ = out;
    }

    /// Entries of streams of which a server will not remember that their producer sent them.
    fn forgotten(&self) -> u64 {
        0
    }

    /// Nothing more will be printed, although there is more.
    fn cut(&mut self, out: &mut Out<'_>) {
        let _ = out;
    }
}

/// What to print.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// What to select. Of a base, its databases and keys count, and commands of a base that is a log.
    pub filter: Filter,
    /// Also the keys and libraries of RDB parts. Whether a base that is a log is read is for the scan to
    /// say.
    pub with_base: bool,
    /// At most so many records and keys.
    pub limit: Option<u64>,
}

/// Something of an RDB part whose bytes are still to be read.
#[derive(Clone, Debug)]
enum Found {
    Key(Entry<'static>),
    Library(std::ops::Range<u64>),
    /// A command that stands among the keys.
    Command(Opcode),
    /// The template of hashes that follow.
    Template(Opcode),
}

/// Prints what a filter takes.
pub struct Printer<'w, F> {
    form: F,
    out: Out<'w>,
    filter: Filter,
    is_all: bool,
    base_filter: Filter,
    with_base: bool,
    left: u64,
    /// The filter takes nothing any more, and no transaction is open.
    is_past: bool,
    outlined: Option<(Context, Outline, Option<CommandId>)>,
    found: Vec<Found>,
    templates: Templates,
    text: Vec<u8>,
    printed: Printed,
}

impl<'w, F: Form> Printer<'w, F> {
    /// Prints in `form` to `to`.
    pub fn new(form: F, options: Options, to: &'w mut dyn io::Write) -> Self {
        let Options { filter, with_base, limit } = options;
        Self {
            form,
            out: Out::new(to),
            is_all: filter.is_all(),
            base_filter: filter.anywhere(),
            filter,
            with_base,
            left: limit.unwrap_or(u64::MAX),
            is_past: false,
            outlined: None,
            found: Vec::new(),
            templates: Templates::default(),
            text: Vec::new(),
            printed: Printed {
                records: 0,
                keys: 0,
                undated: 0,
                damaged_ranges: 0,
                damaged_bytes: 0,
                not_understood: 0,
                open_transactions: 0,
                bad_checksums: 0,
                unprinted: Unprinted::default(),
                not_in_form: Vec::new(),
                written: Ok(()),
            },
        }
    }

    /// One thing was printed.
    #[inline]
    fn count(&mut self) {
        self.left -= 1;
        if self.left == 0 {
            self.form.cut(&mut self.out);
        }
    }

    #[inline]
    fn record(&mut self, at: &Context, record: &Record<'_>, id: Option<CommandId>) {
        let filter = if at.in_base { &self.base_filter } else { &self.filter };
        if !self.is_all && !filter.takes(at, record, id) {
            self.printed.undated += u64::from(filter.misses_time(at, record, id));
            self.form.left(id, &mut self.out);
            self.is_past =
                at.transaction.is_none() && filter.ends_before((at.segment, record.start));
            return;
        }
        if let Some(outline) = record.outline() {
            self.outlined = Some((*at, outline, id));
            return;
        }
        // What lies in a window needs no reading, so nothing can fail.
        let _ = self.form.record(at, record, id, Arguments::Here(record), &mut self.out);
        self.printed.records += 1;
        self.count();
    }

    /// Prints a record that is larger than a window, or not canonical.
    fn outlined(&mut self, source: &mut dyn Source) -> Result<()> {
        let Some((at, outline, id)) = self.outlined.take() else { return Ok(()) };
        let record = outline.record();
        let arguments = Arguments::There { source, start: record.start, argc: record.argc };
        self.form.record(&at, &record, id, arguments, &mut self.out)?;
        self.printed.records += 1;
        self.count();
        Ok(())
    }

    /// Prints what one window of an RDB part held.
    fn found(&mut self, at: &Context, source: &mut dyn Source) -> Result<()> {
        let found = std::mem::take(&mut self.found);
        for one in &found {
            if self.left == 0 || self.out.has_failed() {
                break;
            }
            let is_printed = match one {
                Found::Key(entry) => self.key(at, *entry, source)?,
                Found::Library(span) => self.library(at, span, source)?,
                Found::Command(opcode) => {
                    self.command(at, opcode, source)?;
                    false
                }
                Found::Template(opcode) => {
                    self.templates.declare(source, opcode)?;
                    false
                }
            };
            if is_printed {
                self.printed.keys += 1;
                self.count();
            }
        }
        self.found = found;
        self.found.clear();
        Ok(())
    }

    fn key(
        &mut self,
        at: &Context,
        entry: Entry<'static>,
        source: &mut dyn Source,
    ) -> Result<bool> {
        let Some(key) = base::key(source, entry, &self.templates, &mut self.text)? else {
            self.printed.unprinted.unreadable += 1;
            return Ok(false);
        };
        // Only now is a long key known as a whole.
        if !self.is_all && !self.base_filter.takes_entry(&key.entry) {
            return Ok(false);
        }
        let is_printed = self.form.key(at, key, &mut self.out)?;
        if !is_printed {
            self.leave_out(&entry);
        }
        let is_less = F::FEEDS && is_printed && !entry.beside.is_none();
        self.printed.unprinted.beside += u64::from(is_less);
        Ok(is_printed)
    }

    fn leave_out(&mut self, entry: &Entry<'static>) {
        self.printed.unprinted.not_in_form += 1;
        if self.printed.not_in_form.len() < LeftOut::MOST {
            let key = self.text[..self.text.len().min(LeftOut::KEY)].to_vec();
            let (db, at, number) = (entry.db, entry.at, entry.row.number);
            self.printed.not_in_form.push(LeftOut { db, key, at, number });
        }
    }

    /// Prints a command that stands among the keys of an RDB, behind its opcode, as one of a log.
    fn command(&mut self, at: &Context, opcode: &Opcode, source: &mut dyn Source) -> Result<()> {
        let start = opcode.at + 1;
        let len = usize::try_from(opcode.end - start).unwrap_or(usize::MAX);
        if len > limits::WINDOW {
            self.printed.unprinted.unreadable += 1;
            return Ok(());
        }
        let bytes = source.window(start, len)?;
        let Ok(shape) = resp::record(bytes) else {
            self.printed.unprinted.unreadable += 1;
            return Ok(());
        };
        let record = Record::canonical(shape, bytes, start);
        let at = Context { in_base: true, db: opcode.db, transaction: None, ..*at };
        self.record(&at, &record, command::lookup(shape.name));
        Ok(())
    }

    fn library(
        &mut self,
        at: &Context,
        span: &std::ops::Range<u64>,
        source: &mut dyn Source,
    ) -> Result<bool> {
        let Some(library) = base::library(source, span, &mut self.text)? else {
            self.printed.unprinted.unreadable += 1;
            return Ok(false);
        };
        self.form.library(at, &library, &mut self.out);
        Ok(true)
    }

    fn see_key(&mut self, entry: &Entry<'_>) {
        let is_known = entry.key_len == entry.key.len() as u64;
        if self.is_all || !is_known || self.base_filter.takes_entry(entry) {
            self.found.push(Found::Key(entry.with_key(&[])));
        }
    }

    fn see_opcode(&mut self, opcode: &Opcode) {
        if opcode.row.is_command() {
            self.found.push(Found::Command(*opcode));
        } else if Templates::is_declared_by(opcode) {
            self.found.push(Found::Template(*opcode));
        } else if F::FEEDS && opcode.row.is_module_data() && self.base_filter.takes_libraries() {
            self.printed.unprinted.module_data += 1;
        }
    }
}

impl<F: Form> Observer for Printer<'_, F> {
    type Report = Printed;

    #[inline]
    fn observe(&mut self, at: &Context, event: &Event<'_>) {
        if self.left == 0 {
            return;
        }
        match event {
            Event::Record(record, id) => self.record(at, record, *id),
            Event::Damage(damage) => {
                match damage.is_not_understood() {
                    true => self.printed.not_understood += 1,
                    false => {
                        self.printed.damaged_ranges += 1;
                        self.printed.damaged_bytes += damage.end - damage.start;
                    }
                }
                self.form.gap(at, damage, &mut self.out);
            }
            Event::Rdb(part) => {
                let mismatch = matches!(part.walked.checksum, Checksum::Mismatch { .. });
                self.printed.bad_checksums += u64::from(self.with_base && mismatch);
            }
            Event::Hollow { .. } | Event::Annotation { .. } => {}
        }
    }

    fn begin(&mut self, _: usize) {
        self.templates.clear();
    }

    fn wants(&self) -> Wants {
        let depth = if self.with_base { Depth::Entries } else { Depth::Structure };
        Wants { depth, reads_again: true }
    }

    fn item(&mut self, _: &Context, item: &RdbItem<'_>) {
        match item {
            RdbItem::Key(entry) => self.see_key(entry),
            RdbItem::Library(library) if self.base_filter.takes_libraries() => {
                self.found.push(Found::Library(library.at..library.end));
            }
            RdbItem::Opcode(opcode) => self.see_opcode(opcode),
            RdbItem::Library(_) | RdbItem::Piece(_) | RdbItem::Flaws(_) => {}
        }
    }

    fn again(&mut self, at: &Context, source: &mut dyn Source) -> Result<()> {
        self.outlined(source)?;
        self.found(at, source)
    }

    fn is_done(&self) -> bool {
        self.left == 0 || self.is_past || self.out.has_failed()
    }

    fn end(&mut self, at: &Context, _: u64) {
        if self.left > 0 && !self.is_past {
            self.printed.open_transactions += u64::from(at.transaction.is_some());
            self.form.end(&mut self.out);
        }
    }

    fn finish(self) -> Printed {
        let unprinted = Unprinted { hashes: self.form.forgotten(), ..self.printed.unprinted };
        Printed { written: self.out.finish(), unprinted, ..self.printed }
    }
}
