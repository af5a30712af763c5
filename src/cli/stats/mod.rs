//! `aofkit stats`

pub mod args;
pub mod base;
pub mod columns;
pub mod commands_json;
pub mod csv;
pub mod deletes;
pub mod deletes_json;
pub mod folded;
pub mod json;
pub mod key_space;
pub mod key_space_json;
pub mod keys;
pub mod report;
pub mod sets;
pub mod text;

use aofkit::aof::{Aof, Writer};
use aofkit::command::has_module_form;
use aofkit::error::Result;
use aofkit::fleet::{SlotsOfNode, Together, Unfinished, coverage, nodes_in, server_dir};
use aofkit::redact::hidden;
use aofkit::scan::{Filter, Filtered, Observer, scan};
use aofkit::stats::{
    CommandRow, DeleteReport, Deletes, Faults, Grouping, KeyOptions, KeyReport, KeySpace,
    KeySpaceOptions, KeySpaceReport, KeyTraffic, MemoryServer, Mix, PrefixRow,
};
use aofkit::text::{count, name};

use self::args::{By, FIGURES, StatsArgs};
use self::report::{Counted, InTotal};
use crate::cli::common::context::{Context, Format, Turn};
use crate::cli::common::filters::note_undated;
use crate::cli::common::outcome::Outcome;
use crate::cli::common::threshold::Threshold;
use crate::cli::common::troubles;

/// Counts what fills every set at the path. A set in trouble that could be read is no error, but a
/// warning.
pub fn run(args: &StatsArgs, filter: &Filter, context: &Context) -> Result<(String, Outcome)> {
    let path = args.reading.path();
    let counting = Counting::new(args, filter);
    let (mut counted, failed) =
        context.each_set(path, |aof, turn| count_set(aof, &counting, turn, context))?;
    let mut total = counting.together.finish().map(|seen| in_total(seen, context));
    if let Some(slots) = total.as_mut().and_then(|all| all.keys.as_mut()?.slots.as_mut()) {
        slots.truncate(args.rows());
    }
    let mut outcome = failed;
    for one in &mut counted {
        warn(one, context);
        one.exceeded = Threshold::tell(&args.fail_above, &figures(one), &one.aof, context);
        if !one.exceeded.is_empty() {
            outcome = outcome.or(Some(Outcome::Findings));
        }
        if let Some(slots) = one.keys.as_mut().and_then(|keys| keys.slots.as_mut()) {
            slots.truncate(args.rows());
        }
        if context.redact {
            redact(one);
        }
    }
    let clusters = || counted.iter().map(|one| one.cluster.as_ref());
    let text = match (context.format, &counted[..]) {
        (Format::Json, [one]) if failed.is_none() => json::stats(one),
        (Format::Json, several) => {
            json::several(path, several, total.as_ref(), coverage(clusters()).as_ref())
        }
        (Format::Csv, all) => csv::stats(all),
        (Format::Folded, all) => folded::stats(all),
        (_, [one]) => text::stats(one, context),
        (_, all) => {
            let (total, coverage) = (total.as_ref(), coverage(clusters()));
            sets::several(path, all, total, coverage.as_ref(), args.nodes(), context)
        }
    };
    Ok((text, outcome.unwrap_or(Outcome::Done)))
}

/// What is counted in each set.
type Seen = Filtered<((Mix, Deletes), (Option<KeyTraffic>, Option<KeySpace>))>;

/// How to count, the same for all sets.
struct Counting<'a> {
    args: &'a StatsArgs,
    by: Vec<By>,
    filter: &'a Filter,
    keys: Option<KeyOptions>,
    base: Option<KeySpaceOptions>,
    together: Together<Seen>,
}

impl<'a> Counting<'a> {
    fn new(args: &'a StatsArgs, filter: &'a Filter) -> Self {
        let by = args.wanted();
        let of_base = [By::Type, By::Db, By::Key].iter().any(|one| by.contains(one));
        let now_ms = jiff::Timestamp::now().as_millisecond();
        let base = KeySpaceOptions { top: args.rows(), now_ms: Some(now_ms), memory: None };
        let (keys, base) = (args.key_options(&by), of_base.then_some(base));
        Self { args, by, filter, keys, base, together: Together::default() }
    }

    fn begin(&self, aof: &Aof, seed: u64) -> Seen {
        let grouping = Grouping::new(self.args.separator.as_bytes(), &[]);
        let deletes = Deletes::new(grouping, self.args.rows());
        let keys = self.keys.clone();
        let keys = keys.map(|options| KeyTraffic::new(options.with_seed(seed)));
        let memory = self.args.memory.then(|| memory_server(aof)).flatten();
        let base = self.base.map(|base| KeySpace::new(KeySpaceOptions { memory, ..base }));
        Filtered::new(((Mix::default(), deletes), (keys, base)), self.filter.clone())
    }
}

fn count_set(aof: Aof, counting: &Counting<'_>, turn: &Turn, context: &Context) -> Result<Counted> {
    let observer = (Unfinished(counting.begin(&aof, turn.seed)), Faults::default());
    let (seen, faults) = scan(&aof, observer, &context.pace, &turn.bar)?;
    if !turn.is_alone {
        counting.together.add(seen.clone());
    }
    let (((mix, deletes), (keys, base)), selected) = seen.finish();
    let separators = counting.args.separator.as_bytes().to_vec();
    let (exceeded, by) = (Vec::new(), counting.by.clone());
    let used = keys.as_ref().and_then(|keys| keys.slots.as_deref()).filter(|_| !turn.is_alone);
    let dir = used.and_then(|_| server_dir(&aof));
    let cluster = dir.and_then(|dir| nodes_in(&dir).ok().flatten());
    let slots = used.map(|used| SlotsOfNode::new(used, cluster.as_ref()));
    Ok(Counted {
        aof,
        by,
        separators,
        mix,
        keys,
        base,
        deletes,
        faults,
        exceeded,
        selected,
        slots,
        cluster,
    })
}

/// What all sets make together, without names of keys where they are hidden.
fn in_total(seen: <Seen as Observer>::Report, context: &Context) -> InTotal {
    let (((mix, deletes), (keys, base)), _) = seen;
    let mut total = InTotal { mix, keys, base, deletes };
    if context.redact {
        redact_parts(total.base.as_mut(), total.keys.as_mut(), &mut total.deletes);
    }
    total
}

/// The server whose memory is estimated: the one that was asked for, else the one that wrote the base.
fn memory_server(aof: &Aof) -> Option<MemoryServer> {
    let named = aof.is_target_named().then(|| aof.target());
    let named = named.map(|target| (target.family, target.version));
    let (family, version) = named.or_else(|| aof.writer.as_ref().and_then(Writer::release))?;
    let packed = aof.configured.then_some(aof.settings.packed);
    Some(MemoryServer { family, version, packed })
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
    redact_parts(one.base.as_mut(), one.keys.as_mut(), &mut one.deletes);
}

/// The same in the parts of what was counted.
pub fn redact_parts(
    base: Option<&mut KeySpaceReport>,
    keys: Option<&mut KeyReport>,
    deletes: &mut DeleteReport,
) {
    let hashed = |bytes: &[u8]| hidden(bytes).into_bytes();
    if let Some(base) = base {
        for big in base
            .biggest_by_bytes
            .iter_mut()
            .chain(&mut base.biggest_by_elements)
            .chain(&mut base.biggest_by_memory)
        {
            big.key = hashed(&big.key);
        }
        for row in &mut base.types {
            row.largest_key = hashed(&row.largest_key);
        }
        for line in &mut base.libraries {
            *line = hashed(line);
        }
    }
    redact_written(keys, deletes);
}

/// The same in families of keys alone.
pub fn redact_prefixes(keys: &mut KeyReport) {
    redact_written(Some(keys), &mut DeleteReport::default());
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
