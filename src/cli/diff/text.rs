//! `diff` for people.

use std::fmt::Write;

use aofkit::aof::Aof;
use aofkit::diff::{
    Alone, BaseForm, Bases, Break, Common, Differences, Different, NamedKey, Place, Proof, Seen,
    Side, Verdict,
};
use aofkit::redact::hidden;
use aofkit::text::{count, escape, name, path, size, thousands};

use super::operand::Operand;
use super::report::{ByServer, Compared};
use crate::cli::common::context::Context;
use crate::cli::common::layout::wrap;
use crate::cli::common::units::{time, time_ms};

/// What is written, in lines that fit the screen.
struct Page<'c> {
    context: &'c Context,
    text: String,
    top: usize,
}

/// The comparison, for people.
pub fn diff(compared: &Compared, context: &Context) -> String {
    let mut page = Page { context, text: String::new(), top: compared.top };
    let sets = (compared.a.seen(), compared.b.seen());
    page.line(&format!("A  {}", named(&compared.a)), "");
    page.line(&format!("B  {}", named(&compared.b)), "");
    page.line("", "");
    page.verdict(compared, sets);
    page.bases(&compared.diff.bases, compared.diff.common.as_ref());
    let whole = compared.diff.common.is_none();
    page.alone("A", &compared.diff.alone.0, whole);
    page.alone("B", &compared.diff.alone.1, whole);
    page.keys(compared);
    if let Some(loaded) = &compared.loaded {
        page.loaded(loaded);
    }
    page.text
}

fn named(operand: &Operand) -> String {
    let at = operand.typed().map(|at| format!(", as it stood at {at}")).unwrap_or_default();
    format!("{}{at}", path(&operand.seen().path))
}

fn place(place: Place, aof: &Aof) -> String {
    let file = aof.segments.get(place.segment).map_or(String::new(), |s| name(&s.name));
    let when = place.time.map(|at| format!(" ({})", time(at))).unwrap_or_default();
    format!("byte {} of {file}{when}", place.offset)
}

fn letter(side: Side) -> &'static str {
    match side {
        Side::A => "A",
        Side::B => "B",
    }
}

impl Page<'_> {
    fn line(&mut self, text: &str, indent: &str) {
        let width = self.context.style.width;
        let _ = writeln!(self.text, "{}", wrap(text, width, indent).trim_end());
    }

    fn key(&self, key: &[u8]) -> String {
        match self.context.redact {
            true => hidden(key),
            false => format!("\"{}\"", escape(key)),
        }
    }

    fn verdict(&mut self, compared: &Compared, sets: (&Aof, &Aof)) {
        let diff = &compared.diff;
        let said = match diff.verdict {
            Verdict::Equal if diff.proof == Proof::Empty => {
                "The two are equal: both begin empty, and have the same records."
            }
            Verdict::Equal => "The two are equal: the same base and the same records.",
            Verdict::Parted => "The histories part: each log goes on alone.",
            Verdict::ABehind => "A ends where B goes on: A has nothing in its log that B lacks.",
            Verdict::BBehind => "B ends where A goes on: B has nothing in its log that A lacks.",
            Verdict::SameEnd => {
                "Both logs end with the same records. The bases are not proven to be equal: \
                                 --load PROGRAM compares the keys."
            }
            Verdict::Different => "The two hold different keys, and no log says how that came.",
            Verdict::Unknown if diff.common.is_some() => {
                "Where the histories part is not known: a log is damaged there."
            }
            Verdict::Unknown => {
                "No common stretch is proven: what follows counts the whole of both logs. \
                                 --load PROGRAM compares the keys."
            }
        };
        self.line(said, "");
        match &diff.common {
            Some(common) => self.common(common, sets, diff.proof),
            None if diff.unproven > 0 => {
                let fit = count(diff.unproven, "record");
                self.line(
                    &format!("{fit} in a row fit, which is too little, or fits in several places."),
                    "  ",
                );
            }
            None => {}
        }
    }

    fn common(&mut self, common: &Common, (a, b): (&Aof, &Aof), proof: Proof) {
        let by = match proof {
            Proof::Bases => "both begin with the same base",
            Proof::Empty => "both begin empty",
            Proof::Records => "proven by the records",
        };
        self.line(&format!("Common: {}; {by}", count(common.records, "record")), "  ");
        if common.other_clocks > 0 {
            let of = format!("{} of these:", common.other_clocks);
            self.line(&format!("{of} the expiries differ by less than 10 seconds"), "  ");
        }
        for (side, aof, own) in [("A", a, common.goes_on.0), ("B", b, common.goes_on.1)] {
            let own = own.map_or("ends there".to_owned(), |at| {
                format!("goes on alone at {}", place(at, aof))
            });
            self.line(&format!("{side} {own}"), "  ");
        }
        if let Break::Damaged(side) = common.ends {
            let side = letter(side);
            self.line(
                &format!("{side} is damaged there; nothing proves where it goes on in the other."),
                "  ",
            );
        }
        for (side, range, instead) in &common.damaged {
            let aof = if *side == Side::A { a } else { b };
            let what = match range.bytes {
                Some(bytes) => format!("{bytes} damaged bytes at {}", place(range.place, aof)),
                None => format!("the file of {} is missing", place(range.place, aof)),
            };
            let then = match instead {
                Some(0) => "; the other log has no record in their place".to_owned(),
                Some(n) => format!("; the other log has {} in their place", count(*n, "record")),
                None => String::new(),
            };
            self.line(&format!("{}: {what}{then}", letter(*side)), "  ");
        }
    }

    fn bases(&mut self, bases: &Bases, common: Option<&Common>) {
        if bases.a.form == BaseForm::None && bases.b.form == BaseForm::None {
            return;
        }
        let side = |side: &aofkit::diff::BaseSide| match side.form {
            _ if side.is_damaged => "damaged".to_owned(),
            BaseForm::None => "none".to_owned(),
            BaseForm::Commands => "commands".to_owned(),
            BaseForm::Rdb => count(side.keys, "key"),
        };
        let ahead = common.map_or(0, |common| common.ahead);
        if ahead != 0 {
            let (first, second) = if ahead > 0 { ("A", "B") } else { ("B", "A") };
            let records = count(ahead.unsigned_abs(), "record");
            let (a, b) = (side(&bases.a), side(&bases.b));
            let bases = format!("\nBases: of different moments (A: {a}, B: {b})");
            self.line(&bases, "");
            let why = format!(
                "The log of {first} begins {records} before that of {second}, so the bases are not compared here."
            );
            return self.line(&why, "  ");
        }
        let equal = match bases.equal {
            Some(true) => "equal",
            Some(false) => "different",
            None => "not proven to be equal",
        };
        self.line(&format!("\nBases: {equal} (A: {}, B: {})", side(&bases.a), side(&bases.b)), "");
        if let Some(found) = &bases.differences {
            self.differences(found);
        }
    }

    fn differences(&mut self, found: &Differences) {
        self.line(
            &format!(
                "only in A {}, only in B {}, different {}, other expiry {}, the same {}",
                thousands(found.only_a),
                thousands(found.only_b),
                thousands(found.different),
                thousands(found.expiry),
                thousands(found.same)
            ),
            "  ",
        );
        if found.not_compared > 0 {
            let keys = count(found.not_compared, "value");
            self.line(
                &format!(
                    "{keys} not compared: their type is not opened in files, or they are too long"
                ),
                "  ",
            );
        }
        for row in found.rows.iter().take(self.top) {
            let line = self.different(row);
            self.line(&line, "    ");
        }
        self.more(found.total(), found.rows.len());
    }

    fn different(&self, row: &Different) -> String {
        let key = match &row.key {
            Some((0, key)) => self.key(key),
            Some((db, key)) => format!("db {db} {}", self.key(key)),
            None => "(a key whose name was not found again)".to_owned(),
        };
        let seen = |seen: &Seen| {
            let expires = seen.expires_ms.map(|at| format!(", expires {}", time_ms(at)));
            format!("{}{}", seen.kind.as_str(), expires.unwrap_or_default())
        };
        match (&row.a, &row.b) {
            (Some(a), None) => format!("only in A  {key}  {}", seen(a)),
            (None, Some(b)) => format!("only in B  {key}  {}", seen(b)),
            (Some(a), Some(b)) if a == b => format!("different  {key}  {}", seen(a)),
            (Some(a), Some(b)) => {
                let what =
                    if row.value_differs == Some(false) { "expiry    " } else { "different " };
                format!("{what} {key}  A: {}; B: {}", seen(a), seen(b))
            }
            (None, None) => key,
        }
    }

    fn more(&mut self, all: u64, shown: usize) {
        let more = all.saturating_sub(shown.min(self.top) as u64);
        if more > 0 {
            self.line(&format!("and {} (--top shows more)", count(more, "more key")), "    ");
        }
    }

    fn alone(&mut self, side: &str, alone: &Alone, whole: bool) {
        if alone.records == 0 && alone.damaged.0 == 0 {
            return;
        }
        let what = if whole { "the whole log" } else { "alone" };
        let (records, bytes) = (count(alone.records, "record"), size(alone.bytes));
        self.line(&format!("\n{side}, {what}: {records}, {bytes}"), "");
        if let Some((first, last)) = alone.times {
            self.line(&format!("written {} to {}", time(first), time(last)), "  ");
        }
        let top = self.top;
        let commands = alone.commands.iter().take(top);
        let commands: Vec<_> =
            commands.map(|one| format!("{} {}", name(&one.name), thousands(one.count))).collect();
        self.line(&format!("commands: {}", commands.join(", ")), "  ");
        let prefix = |one: &aofkit::diff::PrefixCount| match one.prefix.is_empty() {
            true => format!("other {}", thousands(one.count)),
            false => format!("{} {}", self.key(&one.prefix), thousands(one.count)),
        };
        let prefixes: Vec<_> = alone.prefixes.iter().take(top).map(prefix).collect();
        self.line(&format!("keys begin with: {}", prefixes.join(", ")), "  ");
        if alone.reach_far > 0 {
            let commands = count(alone.reach_far, "command");
            self.line(
                &format!("{commands} changed keys without naming them (FLUSHALL, FLUSHDB, SWAPDB)"),
                "  ",
            );
        }
        if alone.unknown > 0 {
            let commands = count(alone.unknown, "command");
            self.line(
                &format!("{commands} of unknown names: which keys they change is not known"),
                "  ",
            );
        }
        if alone.damaged.0 > 0 {
            let ranges = count(alone.damaged.0, "damaged range");
            self.line(&format!("{ranges}, {} bytes, not counted", alone.damaged.1), "  ");
        }
    }

    fn keys(&mut self, compared: &Compared) {
        let keys = &compared.diff.keys;
        if keys.rows.is_empty() && keys.is_complete {
            return;
        }
        let least = if keys.is_complete { "" } else { "at least " };
        self.line(
            &format!(
                "\nKeys that these commands name: {least}{} by A alone, {least}{} by B alone, {least}{} by both",
                thousands(keys.only_a),
                thousands(keys.only_b),
                thousands(keys.both)
            ),
            "",
        );
        for row in keys.rows.iter().take(self.top) {
            let line = self.named_key(row);
            self.line(&line, "    ");
        }
        self.more(keys.only_a + keys.only_b + keys.both, keys.rows.len());
    }

    fn named_key(&self, row: &NamedKey) -> String {
        let by = match (row.a, row.b) {
            (_, 0) => "A   ",
            (0, _) => "B   ",
            _ => "both",
        };
        let db = if row.db == 0 { String::new() } else { format!("db {} ", row.db) };
        format!("{by}  {db}{}", self.key(&row.key))
    }

    fn loaded(&mut self, loaded: &ByServer) {
        let equal = match loaded.differences.is_equal() {
            Some(true) => "all keys are equal",
            Some(false) => "the keys differ",
            None => "no difference was found, and not all values could be read",
        };
        let (a, b) = loaded.keys;
        self.line(
            &format!(
                "\nLoaded by {}: {equal} (A: {}, B: {})",
                loaded.by,
                count(a, "key"),
                count(b, "key")
            ),
            "",
        );
        self.differences(&loaded.differences);
    }
}
