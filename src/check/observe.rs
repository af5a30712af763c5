//! The observer that gathers facts, and shows every event to both judges.

use std::sync::Arc;

use super::checker::Checker;
use super::facts::{Ends, Facts, RdbFacts, SegmentFacts, SegmentFormat};
use super::imports;
use super::listing::{Alike, Listing};
use super::loader::Loader;
use super::objections::Objections;
use super::opinions::Opinions;
use super::raw::Raw;
use super::seen::{NonCanonical, Seen, What};
use super::unseen::Inside;
use super::watched::{Watch, Watched};
use crate::aof::{Aof, Damage, Event, RdbItem, Role};
use crate::command::{self, CommandId, Kind};
use crate::disk::Source;
use crate::error::Result;
use crate::format::annotation;
use crate::format::rdb::{self, Checksum};
use crate::format::resp::{Outline, Record};
use crate::limits;
use crate::rules::{Needs, Target};
use crate::scan::{self, Again, Around, Context, Depth, Merge, Observer, Wants};

/// Gathers [`Facts`] about every segment it is shown.
#[derive(Clone, Debug)]
pub struct Check {
    pub(super) roles: Vec<Role>,
    pub(super) thorough: bool,
    pub(super) loader: Loader,
    pub(super) checker: Checker,
    pub(super) now: SegmentFacts,
    /// Records up to the loader's last safe cut, and that cut.
    pub(super) safe: (u64, u64),
    pub(super) around: Around,
    /// Records since the open MULTI, itself included.
    pub(super) in_transaction: u64,
    pub(super) watch: Watch,
    pub(super) listing: Listing,
    /// Traps that the open transaction will run.
    pub(super) queued_traps: Vec<(usize, u64)>,
    /// Something was seen that is judged by what came before it in the file.
    pub(super) is_bound: bool,
    /// A record with a payload that no window holds, until it is read again.
    pub(super) outlined: Option<Outline>,
    /// What was seen inside of the RDB part that is walked.
    pub(super) inside: Option<Inside>,
    pub(super) facts: Facts,
}

impl Check {
    /// Facts about `aof`, by the rules of every server that may be its target, or that would do in its place.
    pub fn new(aof: &Aof) -> Self {
        let mut targets = aof.candidates();
        if aof.target_given {
            targets.insert(0, aof.target());
        }
        Self::of(aof, targets, |_| aof.is_target_named())
    }

    /// Facts about `aof`, by the rules of these servers; it is judged as one of them. Where nobody named the target, the
    /// first stands for the server that wrote it.
    pub fn by(aof: &Aof, targets: Vec<Target>) -> Self {
        Self::of(aof, targets, |place| aof.is_target_named() || place > 0)
    }

    fn of(aof: &Aof, mut targets: Vec<Target>, named: impl Fn(usize) -> bool) -> Self {
        targets.truncate(Opinions::MOST);
        Self {
            roles: aof.segments.iter().map(|s| s.role).collect(),
            thorough: false,
            loader: Loader::of(&targets, aof, &named),
            checker: Checker::default(),
            now: SegmentFacts::of(0),
            safe: (0, 0),
            around: Around::default(),
            in_transaction: 0,
            watch: Watch::new(aof.configured),
            listing: Listing::default(),
            queued_traps: Vec::new(),
            is_bound: false,
            outlined: None,
            inside: None,
            facts: Facts::by(targets, named),
        }
    }

    /// Looks into the values of RDB parts as well.
    #[must_use]
    pub fn thorough(mut self, thorough: bool) -> Self {
        self.thorough = thorough;
        self
    }

    #[inline]
    fn record(&mut self, at: &Context, record: &Record<'_>, id: Option<CommandId>) {
        if at.transaction.is_none() {
            self.safe = (self.now.commands, record.start);
        }
        self.around.record(record.len);
        let opinions = self.loader.opinions(record, id);
        if opinions != Opinions::FINE {
            self.note_call(record, id, opinions);
        }
        if record.oddities.any() {
            self.note_oddities(record);
        }
        match self.watch.of(id) {
            Watched::Not => {}
            Watched::Module => self.watch.count(id, record.name),
            Watched::Trap => {
                self.look_for_trap(record, id);
                self.is_bound |= imports::look(&mut self.now, record);
            }
            Watched::Payload => self.payload(record),
            Watched::Database => self.look_for_database(record, id),
            Watched::Stranger => {
                self.watch.count(id, record.name);
                self.look_for_trap(record, id);
            }
        }
        let kind = id.map_or(Kind::Plain, CommandId::kind);
        if kind != Kind::Plain {
            self.structural(at, record, kind);
        }
        self.loader.record(record, id, opinions);
        self.checker.record(record, id);
        self.now.commands += 1;
        self.in_transaction += 1;
    }

    /// Commands that no server logs, wherever they stand.
    #[cold]
    fn look_for_trap(&mut self, record: &Record<'_>, id: Option<CommandId>) {
        if self.loader.is_taken_away(record.name) {
            return;
        }
        let first = record.args().nth(1).map(|argument| argument.head);
        let called = id.map_or(record.name, |id| id.command().name.as_bytes());
        let Some(trap) = command::trap(called, first) else { return };
        self.is_bound = true;
        let mut name = record.name.to_ascii_uppercase();
        if let Some(first) = first.filter(|_| command::has_subcommands(called)) {
            name.push(b' ');
            name.extend(first.iter().take(limits::CONTEXT).map(u8::to_ascii_uppercase));
        }
        let alike = Alike::Trap(name.clone());
        let place = self.note_alike(alike, record.start, record.len, Raw::trap(name).into());
        let (now, later) = self.loader.meets(record, id, trap);
        if let Some(place) = place {
            self.listing.mark_fatal(place, now);
            if later != 0 {
                self.queued_traps.push((place, later));
            }
        }
    }

    /// A database that the configuration does not give, named by anything but SELECT.
    #[cold]
    fn look_for_database(&mut self, record: &Record<'_>, id: Option<CommandId>) {
        let Some(id) = id else { return };
        let swapped = command::swapped(id, record).map(|(a, b)| a.max(b));
        if let Some(db) = swapped.or_else(|| command::other_db(id, record)) {
            self.note_database(record, db);
        }
    }

    fn note_database(&mut self, record: &Record<'_>, db: u64) {
        let lack = self.loader.that_lack_database(db);
        if lack != 0 {
            let what = Raw::database(db, false, lack).into();
            self.note_alike(Alike::Database(db), record.start, record.len, what);
        }
    }

    /// A call that not every target takes: a log may be full of them.
    fn note_call(&mut self, record: &Record<'_>, id: Option<CommandId>, opinions: Opinions) {
        let alone = id.filter(|id| self.goes_by_one_name(*id));
        if !alone.is_some_and(|id| self.listing.is_call_again(id, opinions, record.len)) {
            self.note_new_call(record, id, opinions);
        }
    }

    /// Whether all of its records are told under one name.
    fn goes_by_one_name(&self, id: CommandId) -> bool {
        !id.command().container && !self.loader.is_renamed(id)
    }

    #[cold]
    fn note_new_call(&mut self, record: &Record<'_>, id: Option<CommandId>, opinions: Opinions) {
        // What the configuration takes away every server lacks, and that is known.
        let is_taken = self.loader.is_taken_away(record.name);
        if !is_taken {
            let count = self.facts.targets.len();
            self.facts.learn(opinions.ignorant(count));
            self.facts.learn(opinions.unsure(count));
        }
        let name = full_name(record, id);
        let alike = Alike::Call(opinions, name.to_ascii_uppercase());
        let what = Raw::call(name, (record.argc, is_taken), opinions).into();
        let place = self.note_alike(alike, record.start, record.len, what);
        let alone = id.filter(|id| self.goes_by_one_name(*id));
        if let (Some(id), Some(place)) = (alone, place) {
            self.listing.call_is_at(id, opinions, place);
        }
    }

    #[cold]
    fn note_oddities(&mut self, record: &Record<'_>) {
        let odd = record.oddities;
        let kinds = [
            (odd.loose_line, NonCanonical::LooseLine),
            (odd.long_line, NonCanonical::LongLine),
            (odd.wrapped_count, NonCanonical::WrappedCount),
            (odd.bad_terminator, NonCanonical::BadTerminator),
        ];
        for (_, kind) in kinds.into_iter().filter(|(there, _)| *there) {
            self.note_non_canonical(kind, record.start, record.len);
        }
    }

    pub(super) fn note_non_canonical(&mut self, kind: NonCanonical, offset: u64, len: u64) {
        self.note_alike(Alike::NonCanonical(kind), offset, len, What::NonCanonical(kind));
    }

    /// MULTI, EXEC, DISCARD and SELECT.
    fn structural(&mut self, at: &Context, record: &Record<'_>, kind: Kind) {
        let open = self.loader.transaction().or(at.transaction);
        match kind {
            Kind::Multi if open.is_some() => {
                self.note_non_canonical(NonCanonical::NestedMulti, record.start, record.len);
            }
            Kind::Multi => self.in_transaction = 0,
            Kind::Exec if at.transaction.is_none() => {
                self.is_bound = true;
                // Right after damage, its MULTI may be in the damaged range.
                if self.now.damaged_bytes == 0 {
                    self.note_non_canonical(NonCanonical::StrayExec, record.start, record.len);
                }
            }
            Kind::Exec if self.loader.frees_itself() => {
                self.note(record.start, record.len, What::DiscardInTransaction);
                self.now.transactions += 1;
            }
            Kind::Exec => {
                self.now.transactions += 1;
                for (place, whom) in std::mem::take(&mut self.queued_traps) {
                    self.listing.mark_fatal(place, whom);
                }
            }
            Kind::Select => {
                if let Some(db) = scan::selected(record) {
                    self.now.max_db = self.now.max_db.max(db);
                    self.note_database(record, db);
                }
            }
            Kind::Plain | Kind::Discard => {}
        }
    }

    #[cold]
    fn other(&mut self, at: &Context, event: &Event<'_>) {
        let (start, end) = event.span();
        if at.transaction.is_none() {
            self.safe = (self.now.commands, start);
        }
        match event {
            Event::Rdb(part) => {
                self.rdb(at, part);
                self.now.rdb = Some(RdbFacts::Whole(Box::new(part.walked.clone())));
                self.now.format = SegmentFormat::Rdb;
            }
            Event::Annotation { kind, is_open, .. } => {
                self.now.annotations += 1;
                let refuse = self.loader.that_refuse_annotations();
                if refuse != 0 {
                    self.facts.learn(refuse);
                    let what = Raw::annotation(refuse).into();
                    self.note_alike(Alike::Annotation, start, end - start, what);
                }
                match kind {
                    _ if *is_open => {
                        self.note(start, end - start, What::OpenAnnotation);
                    }
                    annotation::Kind::Timestamp(seconds) => {
                        self.now.date(*seconds);
                    }
                    annotation::Kind::BadTimestamp => {
                        self.note_alike(
                            Alike::BadTimestamp,
                            start,
                            end - start,
                            What::BadTimestamp,
                        );
                    }
                    _ => self.now.unknown_annotations += 1,
                }
            }
            Event::Damage(damage) => self.damage(damage),
            Event::Hollow { .. } => {
                self.now.damaged_bytes += end - start;
                self.note_alike(Alike::Hollow, start, end - start, What::Hollow);
            }
            Event::Record(..) => {}
        }
        self.loader.other(event);
        self.checker.other(event);
    }

    fn damage(&mut self, damage: &Damage) {
        let len = damage.end - damage.start;
        self.now.damaged_bytes += if damage.is_intact() { 0 } else { len };
        if let Some(stop) = &damage.rdb {
            self.modules(&stop.modules);
            self.now.rdb = Some(RdbFacts::Broken(stop.clone()));
            let inside = self.inside.take();
            self.now.unseen.rdb(stop.place.keys, inside);
            self.now.format = SegmentFormat::Rdb;
        }
        self.note(damage.start, len, What::Damage(Box::new(damage.clone())));
    }

    /// Where it is counted together with those that are alike.
    fn note_alike(&mut self, alike: Alike, offset: u64, len: u64, what: What) -> Option<usize> {
        let seen = self.seen(offset, len, what);
        self.listing.add_alike(alike, seen)
    }

    pub(super) fn note(&mut self, offset: u64, len: u64, what: What) {
        let seen = self.seen(offset, len, what);
        self.listing.add(seen);
    }

    fn seen(&self, offset: u64, len: u64, what: What) -> Seen {
        let (commands_before, cut_before) = self.safe;
        let likely = match &what {
            What::Damage(damage) => self.around.likely_in(damage),
            _ => Some(0),
        };
        Seen { offset, len, count: 1, bytes: len, commands_before, cut_before, likely, what }
    }

    /// What was found inside of the values of an RDB part.
    fn inside(&mut self, report: &rdb::deep::Report) {
        self.inside = Some(Inside::of(report));
        for flaw in &report.flaws {
            self.loader.flaw(flaw);
            self.note(flaw.at, 0, What::RdbFlaw(Box::new(flaw.clone())));
        }
        self.listing.leave_out(report.flaws_seen - report.flaws.len() as u64);
        let leaves_out = report.unopened > 0 || report.uncompared > 0;
        if leaves_out || self.thorough && report.leaves_out() {
            let rest = rdb::deep::Report { flaws: Vec::new(), ..report.clone() };
            self.note(report.first_unopened_at.unwrap_or(0), 0, What::RdbLeftOut(Box::new(rest)));
        }
    }
}

/// The name as the log has it, with the subcommand where the command has some.
fn full_name(record: &Record<'_>, id: Option<CommandId>) -> Vec<u8> {
    let mut name = record.name[..record.name.len().min(limits::NAME)].to_vec();
    let container = id.is_some_and(|id| id.command().container);
    if let Some(sub) = record.args().nth(1).filter(|_| container) {
        name.push(b'|');
        name.extend_from_slice(&sub.head[..sub.head.len().min(limits::NAME)]);
    }
    name
}

impl Observer for Check {
    type Report = Facts;

    fn begin(&mut self, segment: usize) {
        self.now = SegmentFacts::of(segment);
        self.safe = (0, 0);
        self.around = Around::default();
        self.in_transaction = 0;
        self.listing.begin();
        self.queued_traps.clear();
        self.loader.begin();
        self.checker.begin(self.roles.get(segment) != Some(&Role::Increment));
    }

    #[inline]
    fn observe(&mut self, at: &Context, event: &Event<'_>) {
        match event {
            Event::Record(record, id) => self.record(at, record, *id),
            other => self.other(at, other),
        }
    }

    fn wants(&self) -> Wants {
        Wants::from(if self.thorough { Depth::Values } else { Depth::Structure })
    }

    fn item(&mut self, _: &Context, item: &RdbItem<'_>) {
        if let RdbItem::Flaws(report) = item {
            self.inside(report);
        }
    }

    fn looks_again(&self, walked: &rdb::Walked) -> Again {
        let is_guarded = matches!(walked.checksum, Checksum::Match(_) | Checksum::Mismatch { .. });
        match self.thorough {
            true => Again::Nothing,
            // Nothing else guards its values.
            false if !is_guarded => Again::Values,
            false if walked.outcome.strays.seen > 0 => Again::Strays,
            false => Again::Nothing,
        }
    }

    fn again(&mut self, _: &Context, source: &mut dyn Source) -> Result<()> {
        self.outlined(source)
    }

    fn end(&mut self, at: &Context, len: u64) {
        self.now.max_db = self.now.max_db.max(at.db);
        if let Some(multi) = at.transaction {
            let commands = self.in_transaction;
            self.note(multi, len - multi, What::OpenTransaction { commands });
        } else if self.listing.is_empty() {
            self.safe = (self.now.commands, len);
        }
        self.loader.end(len);
        self.checker.end(len);
        let mut now = std::mem::replace(&mut self.now, SegmentFacts::of(0));
        now.len = len;
        let mut needs = Needs::NONE;
        self.watch.take(&mut needs);
        if !needs.is_empty() {
            now.needs.merge(&needs);
        }
        let state = self.loader.state();
        let (reached, ok_up_to) = (state.reached, self.checker.ok_up_to);
        let (seen, unlisted) = self.listing.take();
        if !seen.is_empty() || unlisted > 0 {
            (now.seen, now.unlisted) = (seen, unlisted);
        }
        now.end_at(Ends { loader: reached, sound: reached, ok_up_to });
        now.format = now.consists_of();
        let objections = Objections::of(&self.loader, self.facts.targets.len());
        let refusal = self.checker.refusal;
        if !objections.is_empty() || state.halt.is_some() || refusal.is_some() || !now.is_plain() {
            (now.objections, now.broken, now.refusal) = (objections, state.halt, refusal);
        }
        self.facts.segments.push(Arc::new(now));
    }

    fn finish(self) -> Facts {
        self.facts
    }
}

impl Merge for Check {
    /// Whole segments only: a loader's state does not survive a cut inside a file.
    fn merge(&mut self, later: Self) {
        self.facts.add(later.facts);
    }
}
