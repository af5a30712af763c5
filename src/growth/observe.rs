//! One pass over a set: what was appended when, and what of it is alive.

use std::collections::HashMap;

use crate::aof::{Aof, Event, Layout, RdbItem, Role, Writer};
use crate::command::{self, CommandId, Version};
use crate::format::annotation;
use crate::format::conf::PackedLimits;
use crate::format::rdb;
use crate::format::resp::Record;
use crate::scan::{Context, Depth, Observer, Wants};
use crate::stats::Grouping;

use super::families::FamilyLine;
use super::live::{BUDGET, Live, LiveEstimate, Writing};
use super::recorder::{Clock, Rate, Recorder};
use super::timeline::{Peak, Timeline};

/// How to look.
#[derive(Clone, Debug)]
pub struct GrowthOptions {
    /// Unix milliseconds: keys that expire before are gone.
    pub now_ms: i64,
    /// How keys are put into families.
    pub grouping: Grouping,
    /// Memory for what is alive, bytes.
    pub budget: usize,
    /// What chooses the keys to follow when not all of them fit; something else each time when there is none.
    pub seed: Option<u64>,
    /// Who will write the next base, and its version; who wrote the last one when it is not given.
    pub writer: Option<(rdb::Family, Version)>,
    /// Up to which size values will be packed in it, as its server says; the configuration of the set when not given.
    pub packed: Option<PackedLimits>,
    /// Tell apart what was written to so many of the heaviest families; slower, for every key is looked at.
    pub families: Option<usize>,
    /// Whether it will be compressed (`rdbcompression`); as the last base shows when it is not given.
    pub is_compressed: Option<bool>,
    /// Whether to follow what is alive, which is most of the work; where not, nothing is known of what a rewrite would
    /// write.
    pub follows_values: bool,
}

impl GrowthOptions {
    /// As of this time in Unix milliseconds.
    pub fn at(now_ms: i64) -> Self {
        Self {
            now_ms,
            grouping: Grouping::default(),
            budget: BUDGET,
            seed: None,
            writer: None,
            packed: None,
            is_compressed: None,
            families: None,
            follows_values: true,
        }
    }
}

/// Writers that are told apart: commands and families of keys.
const WRITERS: usize = 4096;

/// Sees how a set grew.
#[derive(Debug)]
pub struct Growth {
    options: GrowthOptions,
    /// By segment: whether it is what a rewrite wrote, not what was appended.
    is_base: Vec<bool>,
    in_base: bool,
    /// A file of old: what a rewrite wrote and what was appended stand in one.
    is_single: bool,
    recorder: Recorder,
    writers: HashMap<(Option<CommandId>, Vec<u8>), u32>,
    pattern: Vec<u8>,
    live: Option<Live>,
    commands: u64,
    /// Damage was met, and nothing after it yet.
    is_behind_damage: bool,
    report: GrowthReport,
}

/// What a [`Growth`] answers.
#[derive(Clone, Debug)]
pub struct GrowthReport {
    /// What was appended, over time where that is known.
    pub timeline: Timeline,
    /// How the clock ran.
    pub clock: Clock,
    /// Bytes a second by the annotations.
    pub rate: Option<Rate>,
    /// When much more than usual was written, the most first.
    pub peaks: Vec<Peak>,
    /// The command and family that wrote most of all, and its part.
    pub heaviest: Option<(String, Vec<u8>, f64)>,
    /// What was written to families of keys, the heaviest first, where that was asked for: in each bucket of the timeline
    /// they add up to its bytes.
    pub families: Option<Vec<FamilyLine>>,
    /// What a rewrite would write.
    pub live: LiveEstimate,
    /// Records of all parts.
    pub commands: u64,
    /// Damage stands before something else: no server loads it, whatever it cuts from the end.
    pub is_damaged_inside: bool,
    /// Bytes outside RDB parts.
    pub resp_bytes: u64,
    /// Bytes of RDB parts.
    pub rdb_bytes: u64,
    /// Keys in them.
    pub rdb_keys: u64,
    /// Bytes of bases and of what was appended, as they were read.
    pub base_bytes: u64,
    /// See `base_bytes`.
    pub appended_bytes: u64,
    /// When the base says that it was begun, Unix seconds.
    pub began_at: Option<i64>,
    /// Bytes appended up to each second that was told, in order, as far as they were kept.
    pub told: Vec<(i64, u64)>,
}

/// Times told that are kept, so that a size at a time can be looked up.
const TOLD: usize = 4096;

impl Growth {
    /// For this set.
    pub fn new(aof: &Aof, options: GrowthOptions) -> Self {
        let packed = options.packed.or(aof.configured.then_some(aof.settings.packed));
        let (timeline, _) = Recorder::new(None).finish();
        let writer = || aof.writer.as_ref().and_then(Writer::release);
        let writing = Writing {
            server: options.writer.or_else(writer),
            is_compressed: options.is_compressed.or(aof.settings.rdb_compression),
        };
        let live = options
            .follows_values
            .then(|| Live::new(options.budget, options.seed, packed.as_ref(), writing));
        Self {
            is_base: aof.segments.iter().map(|segment| segment.role == Role::Base).collect(),
            in_base: false,
            is_single: aof.layout != Layout::MultiPart,
            recorder: Recorder::new(options.families.map(|_| options.grouping.clone())),
            writers: HashMap::new(),
            pattern: Vec::new(),
            live,
            commands: 0,
            is_behind_damage: false,
            report: GrowthReport {
                timeline,
                clock: Clock::default(),
                rate: None,
                peaks: Vec::new(),
                heaviest: None,
                families: None,
                live: LiveEstimate::default(),
                commands: 0,
                is_damaged_inside: false,
                resp_bytes: 0,
                rdb_bytes: 0,
                rdb_keys: 0,
                base_bytes: 0,
                appended_bytes: 0,
                began_at: None,
                told: Vec::new(),
            },
            options,
        }
    }

    #[inline]
    fn appended(&mut self, record: &Record<'_>, id: Option<CommandId>) {
        if self.recorder.record(record.len) {
            self.ask(record, id);
        }
        if self.recorder.wants_families() {
            let key = id.and_then(|id| command::first_key(id, record));
            self.recorder.family(key.map(|key| key.head), record.len);
        }
    }

    /// Finds out who wrote a record.
    fn ask(&mut self, record: &Record<'_>, id: Option<CommandId>) {
        self.pattern.clear();
        if let Some(key) = id.and_then(|id| command::first_key(id, record)) {
            self.options.grouping.pattern(key.head, &mut self.pattern);
        }
        let next = self.writers.len() as u32;
        let writer = (id, std::mem::take(&mut self.pattern));
        let number = match self.writers.get(&writer) {
            Some(number) => *number,
            // All others are one.
            None if self.writers.len() >= WRITERS => u32::MAX,
            None => *self.writers.entry(writer.clone()).or_insert(next),
        };
        self.pattern = writer.1;
        self.recorder.credit(number);
    }

    fn tell(&mut self, seconds: i64) {
        self.recorder.tell(seconds);
        let told = &mut self.report.told;
        if told.len() >= TOLD {
            let mut place = 0;
            told.retain(|_| {
                place += 1;
                place % 2 == 1
            });
        }
        told.push((seconds, self.report.appended_bytes));
    }
}

impl Observer for Growth {
    type Report = GrowthReport;

    fn begin(&mut self, segment: usize) {
        self.in_base = self.is_base.get(segment).copied().unwrap_or(false);
        if let Some(live) = &mut self.live {
            live.begin(self.in_base || self.is_single);
        }
    }

    #[inline]
    fn observe(&mut self, at: &Context, event: &Event<'_>) {
        let (start, end) = event.span();
        let is_rdb = match event {
            Event::Record(record, id) => {
                self.commands += 1;
                if let Some(live) = &mut self.live {
                    live.record(at.db, record, *id);
                }
                if !self.in_base {
                    self.appended(record, *id);
                }
                false
            }
            Event::Annotation { kind: annotation::Kind::Timestamp(seconds), .. } => {
                match self.in_base {
                    true => self.recorder.begins(*seconds),
                    false => self.tell(*seconds),
                }
                false
            }
            Event::Rdb(part) => {
                if let Some(live) = &mut self.live {
                    live.base(part.end - part.start);
                }
                self.report.rdb_keys += part.walked.outcome.keys;
                if let Some(born) = part.walked.outcome.fields.created_s() {
                    self.recorder.begins(born);
                    self.report.began_at = Some(born);
                }
                true
            }
            Event::Damage(damage) if damage.rdb.is_some() => {
                if let Some(live) = &mut self.live {
                    live.broken_base();
                }
                true
            }
            _ => false,
        };
        let bytes = end - start;
        let report = &mut self.report;
        report.is_damaged_inside |= self.is_behind_damage;
        self.is_behind_damage |=
            matches!(event, Event::Damage(damage) if !damage.is_not_understood());
        if is_rdb {
            report.rdb_bytes += bytes;
        } else {
            report.resp_bytes += bytes;
        }
        // An RDB in front of a pre-7.0 log is what its last rewrite wrote.
        if self.in_base || is_rdb {
            report.base_bytes += bytes;
        } else {
            report.appended_bytes += bytes;
        }
    }

    fn wants(&self) -> Wants {
        match self.live {
            Some(_) => Depth::Contents.into(),
            None => Wants::default(),
        }
    }

    fn item(&mut self, _: &Context, item: &RdbItem<'_>) {
        let Some(live) = &mut self.live else { return };
        match item {
            RdbItem::Key(entry) => live.entry(entry),
            RdbItem::Library(library) => live.library(library),
            RdbItem::Opcode(opcode) if opcode.row.is_command() => live.unread_command(),
            RdbItem::Piece(piece) => live.piece(piece),
            RdbItem::Opcode(_) | RdbItem::Flaws(_) => {}
        }
    }

    fn opens(&mut self, _: &Context, value: &rdb::Opening<'_>) -> bool {
        self.live.as_mut().is_some_and(|live| live.opens(value))
    }

    fn finish(self) -> GrowthReport {
        let mut report = self.report;
        report.clock = self.recorder.clock;
        report.commands = self.commands;
        report.live = self.live.map(|live| live.finish(self.options.now_ms)).unwrap_or_default();
        let mut names: Vec<_> =
            self.writers.into_iter().map(|(who, number)| (number, who)).collect();
        names.sort_unstable_by_key(|(number, _)| *number);
        let writer = |number: u32| match names.get(number as usize) {
            Some((_, (id, pattern))) => {
                let name = id.map_or("?".to_owned(), |id| id.command().name.clone());
                (name, pattern.clone())
            }
            None => ("others".to_owned(), Vec::new()),
        };
        let top = self.options.families.unwrap_or(0);
        (report.families, (report.timeline, report.rate)) = self.recorder.finish_with_families(top);
        report.peaks = report.timeline.coarse(PEAK_BUCKETS).peaks(writer);
        report.heaviest = report.timeline.heaviest().map(|(number, share)| {
            let (command, prefix) = writer(number);
            (command, prefix, share)
        });
        report
    }
}

/// Buckets in which peaks are looked for: as many as a screen shows.
const PEAK_BUCKETS: usize = 120;
