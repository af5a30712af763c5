//! `aofkit stats`

use aofkit::aof::Aof;
use aofkit::command::has_module_form;
use aofkit::error::Result;
use aofkit::limits;
use aofkit::scan::{Filter, Filtered, Selected, scan};
use aofkit::stats::{
    CommandRow, DeleteReport, Deletes, Faults, Grouping, KeyOptions, KeyReport, KeySpace,
    KeySpaceOptions, KeySpaceReport, KeyTraffic, Mix, MixReport, PrefixRow,
};
use aofkit::text::{count, hidden, name};
use clap::{Args as ClapArgs, ValueEnum};

use crate::cli::common::context::{Context, Format};
use crate::cli::common::reading::Reading;
use crate::cli::common::filters::{FilterArgs, note_undated};
use crate::cli::common::outcome::Outcome;
use crate::cli::common::progress::Bar;
use crate::cli::stats::{csv, folded, json, text};
use crate::cli::common::threshold::{Exceeded, Threshold};
use crate::cli::common::troubles;

/// What to break the log down by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum By {
    /// Commands, a container's subcommands apart
    Command,
    /// Databases
    Db,
    /// Families of keys: by --depth, or with what looks like an identifier as *
    Prefix,
    /// Single keys, the heaviest first
    Key,
    /// Hash slots of a cluster
    Slot,
    /// Types of the values in the base
    Type,
}

impl By {
    /// Its name as it is typed.
    pub fn name(self) -> &'static str {
        match self {
            Self::Command => "command",
            Self::Db => "db",
            Self::Prefix => "prefix",
            Self::Key => "key",
            Self::Slot => "slot",
            Self::Type => "type",
        }
    }
}

#[derive(Debug, ClapArgs)]
pub struct StatsArgs {
    #[command(flatten)]
    pub reading: Reading,
    /// What to break it down by; may be given several times [default: command]
    #[arg(long, value_enum, value_name = "WHAT", env = "AOFKIT_BY", value_delimiter = ',')]
    by: Vec<By>,
    /// Rows of keys, prefixes and slots at most, up to 40,000; commands are never cut
    #[arg(long, value_name = "N", default_value_t = 20, env = "AOFKIT_TOP")]
    top: usize,
    /// Words of a key that make a prefix, instead of recognised identifiers; may be given several times
    #[arg(long, value_name = "N", env = "AOFKIT_DEPTH", value_delimiter = ',',
        value_parser = clap::value_parser!(u8).range(1..=32))]
    depth: Vec<u8>,
    /// Characters that end a word of a key, each of them
    #[arg(long, value_name = "S", default_value = ":", env = "AOFKIT_SEPARATOR")]
    separator: String,
    /// Exit with 30 when a figure is above a value: a number, a size or a percentage; may be given several
    /// times. Figures: resp_bytes, rdb_bytes, unparsed_bytes, commands, largest_bytes, command_share,
    /// prefix_share, key_share, keys_estimate, write_amplification, deletes, deletes_per_second, flushes
    #[arg(long, value_name = "NAME=VALUE", env = "AOFKIT_FAIL_ABOVE", value_delimiter = ',',
        value_parser = |text: &str| Threshold::parse(text, &FIGURES))]
    fail_above: Vec<Threshold>,
    #[command(flatten)]
    pub filters: FilterArgs,
}

/// Figures that `--fail-above` can watch.
const FIGURES: [&str; 13] = [
    "resp_bytes",
    "rdb_bytes",
    "unparsed_bytes",
    "commands",
    "largest_bytes",
    "command_share",
    "prefix_share",
    "key_share",
    "keys_estimate",
    "write_amplification",
    "deletes",
    "deletes_per_second",
    "flushes",
];

/// The `--by` without which a figure is not known.
const NEEDED: [(&str, &[By]); 3] = [
    ("prefix_share", &[By::Prefix]),
    ("key_share", &[By::Key]),
    ("keys_estimate", &[By::Prefix, By::Key, By::Slot]),
];

impl StatsArgs {
    fn wanted(&self) -> Vec<By> {
        let mut wanted = self.by.clone();
        wanted.sort_unstable();
        wanted.dedup();
        if wanted.is_empty() { vec![By::Command] } else { wanted }
    }

    /// Whether the result can be printed in this form and holds what is to be watched, or why not.
    pub fn can_print(&self, format: Format) -> std::result::Result<(), String> {
        for (name, by) in NEEDED {
            let is_watched = self.fail_above.iter().any(|limit| limit.name == name);
            if is_watched && !self.wanted().iter().any(|one| by.contains(one)) {
                return Err(format!("--fail-above {name} needs --by {}", by[0].name()));
            }
        }
        match format {
            Format::Folded if self.wanted().len() > 1 || self.depth.len() > 1 => {
                Err("--format folded takes one --by and one --depth: stacks of several would \
                     count every byte several times"
                    .to_owned())
            }
            _ => Ok(()),
        }
    }

    /// Rows that are answered at most.
    fn rows(&self) -> usize {
        self.top.min(limits::TOP)
    }

    fn key_options(&self, by: &[By]) -> Option<KeyOptions> {
        if ![By::Key, By::Prefix, By::Slot].iter().any(|one| by.contains(one)) {
            return None;
        }
        let depths: Vec<_> = self.depth.iter().copied().map(usize::from).collect();
        let grouping = Grouping::new(self.separator.as_bytes(), &depths);
        let mut options = KeyOptions::default();
        options.keys = by.contains(&By::Key);
        options.prefixes = by.contains(&By::Prefix).then_some(grouping);
        options.slots = by.contains(&By::Slot);
        options.top = self.rows();
        Some(options)
    }
}

/// What was counted in one set.
pub struct Counted {
    pub aof: Aof,
    pub by: Vec<By>,
    pub separators: Vec<u8>,
    pub mix: MixReport,
    pub keys: Option<KeyReport>,
    /// What the base holds, when types, databases or keys were asked for.
    pub base: Option<KeySpaceReport>,
    pub deletes: DeleteReport,
    pub faults: Faults,
    /// Figures above their threshold.
    pub exceeded: Vec<Exceeded>,
    /// How much was selected, when there was a filter.
    pub selected: Option<Selected>,
}

impl Counted {
    /// Whether this was asked for.
    pub fn is_by(&self, by: By) -> bool {
        self.by.contains(&by)
    }

    /// Bytes logged per live byte of the base; a selection has none.
    pub fn write_amplification(&self) -> Option<f64> {
        self.mix.totals.write_amplification().filter(|_| self.selected.is_none())
    }

    /// Whether there is nothing but an RDB.
    pub fn is_rdb(&self) -> bool {
        self.mix.totals.resp_bytes == 0 && self.mix.totals.rdb_bytes > 0
    }
}

/// Counts what fills every set at the path. A set in trouble that could be read is no error, but a
/// warning.
pub fn run(args: &StatsArgs, filter: &Filter, context: &Context) -> Result<(String, Outcome)> {
    let path = args.reading.path();
    let count = |aof| count_set(aof, args, filter, context);
    let (mut counted, failed) = context.each_set(path, count)?;
    let mut outcome = failed;
    for one in &mut counted {
        warn(one, context);
        one.exceeded = Threshold::tell(&args.fail_above, &figures(one), &one.aof, context);
        if !one.exceeded.is_empty() {
            outcome = outcome.or(Some(Outcome::Findings));
        }
        if context.redact {
            redact(one);
        }
    }
    let text = match (context.format, &counted[..]) {
        (Format::Json, [one]) if failed.is_none() => json::stats(one),
        (Format::Json, several) => json::several(path, several),
        (Format::Csv, all) => csv::stats(all),
        (Format::Folded, all) => folded::stats(all),
        (_, all) => {
            all.iter().map(|one| text::stats(one, context)).collect::<Vec<_>>().join("\n")
        }
    };
    Ok((text, outcome.unwrap_or(Outcome::Done)))
}

fn count_set(aof: Aof, args: &StatsArgs, filter: &Filter, context: &Context) -> Result<Counted> {
    let by = args.wanted();
    let keys = args.key_options(&by).map(KeyTraffic::new);
    let of_base = [By::Type, By::Db, By::Key].iter().any(|one| by.contains(one));
    let now_ms = jiff::Timestamp::now().as_millisecond();
    let options = KeySpaceOptions { top: args.rows(), now_ms: Some(now_ms) };
    let base = of_base.then(|| KeySpace::new(options));
    let deletes = Deletes::new(Grouping::new(args.separator.as_bytes(), &[]), args.rows());
    let filtered = Filtered::new(((Mix::default(), deletes), (keys, base)), filter.clone());
    let bar = Bar::new(context.bar);
    let ((((mix, deletes), (keys, base)), selected), faults) =
        scan(&aof, (filtered, Faults::default()), &context.pace, &bar)?;
    let separators = args.separator.as_bytes().to_vec();
    let exceeded = Vec::new();
    Ok(Counted { aof, by, separators, mix, keys, base, deletes, faults, exceeded, selected })
}

/// What can be watched, as far as it is known.
fn figures(one: &Counted) -> Vec<(&'static str, Option<f64>)> {
    let (mix, totals) = (&one.mix, &one.mix.totals);
    let keys = one.keys.as_ref();
    let share =
        |bytes: Option<u64>| bytes.map(|bytes| bytes as f64 / totals.command_bytes.max(1) as f64);
    let number = |n: u64| Some(n as f64);
    let named = |row: &&PrefixRow| row.prefix != b"*";
    let prefix = |k: &KeyReport| k.prefixes.iter().flatten().filter(named).map(|p| p.bytes).max();
    let key = |k: &KeyReport| k.keys.iter().flatten().map(|k| k.bytes - k.error_bytes).max();
    let values = [
        number(totals.resp_bytes),
        number(totals.rdb_bytes),
        number(totals.unparsed_bytes),
        number(totals.commands),
        number(mix.commands.iter().map(|row| row.largest_bytes).max().unwrap_or(0)),
        share(mix.commands.iter().map(|row| row.bytes).max()),
        share(keys.and_then(prefix)),
        share(keys.and_then(key)),
        keys.map(|keys| keys.keys_estimate as f64),
        one.write_amplification(),
        number(one.deletes.keys),
        one.deletes.most_a_second().map(|keys| keys as f64),
        number(one.deletes.flushes),
    ];
    FIGURES.into_iter().zip(values).collect()
}

fn warn(one: &Counted, context: &Context) {
    if let Some(selected) = one.selected {
        note_undated(&one.aof.path, selected, context);
    }
    troubles::note(&one.aof, &troubles::of(&one.aof, &one.faults), context);
    note_strangers(one, context);
}

/// Names that nobody knows may be those that a configuration gives: it is not looked for, but asked for.
fn note_strangers(one: &Counted, context: &Context) {
    let is_strange = |row: &&CommandRow| row.group.is_none() && !has_module_form(&row.name);
    let strange = one.mix.commands.iter().filter(is_strange).count();
    if strange > 0 && !one.aof.configured {
        let path = name(one.aof.path.as_os_str().as_encoded_bytes());
        let what = count(strange as u64, "command name");
        context.note(&format!(
            "{path}: {what} that no known server has; if its server renames commands (rename-command), name its \
             configuration with --conf FILE"
        ));
    }
}

/// Replaces keys, and the words of keys in prefixes, by hashes: the same for the same key, and only in
/// this run, so that nobody can try out names.
fn redact(one: &mut Counted) {
    let hashed = |bytes: &[u8]| hidden(bytes).into_bytes();
    if let Some(base) = &mut one.base {
        for big in base.biggest_by_bytes.iter_mut().chain(&mut base.biggest_by_elements) {
            big.key = hashed(&big.key);
        }
    }
    for row in one.base.iter_mut().flat_map(|base| &mut base.types) {
        row.largest_key = hashed(&row.largest_key);
    }
    for line in one.base.iter_mut().flat_map(|base| &mut base.libraries) {
        *line = hashed(line);
    }
    redact_written(one.keys.as_mut(), &mut one.deletes);
}

/// The same in what was written to and deleted.
pub fn redact_written(keys: Option<&mut KeyReport>, deletes: &mut DeleteReport) {
    let hashed = |bytes: &[u8]| hidden(bytes).into_bytes();
    let mut prefixes: Vec<_> = deletes.prefixes.iter_mut().map(|row| &mut row.prefix).collect();
    if let Some(report) = keys {
        for row in report.keys.iter_mut().chain(&mut report.most_often).flatten() {
            row.key = hashed(&row.key);
        }
        prefixes.extend(report.prefixes.iter_mut().flatten().map(|row| &mut row.prefix));
    }
    for prefix in prefixes.into_iter().filter(|prefix| *prefix != b"*") {
        *prefix = hashed(prefix);
    }
}
