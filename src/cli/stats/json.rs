//! `stats` for scripts, in the order of the contract. What was not asked for is `null`.

use std::collections::BTreeMap;
use std::path::Path;

use aofkit::fleet::{Coverage, Place, outliers};
use aofkit::stats::{
    DatabaseRow, GroupRow, KeyReport, KeyRow, KeySpaceReport, MixReport, PrefixRow, RewriteRow,
    SlotRow, Written,
};
use serde::Serialize;

use super::args::By;
use super::commands_json::{CommandJson, TotalsJson, command, totals_json};
use super::deletes_json::{DeletesJson, deletes};
use super::key_space_json::{BigKeyJson, KeySpaceJson, TypeJson, big_key, key_space, type_row};
use super::report::{Counted, InTotal};
use super::sets::measured;
use crate::cli::common::json::{self, VERSION, needs_modules, pretty, source};
use crate::cli::common::members::{KeyText, PrefixText, text};
use crate::cli::common::sets::names;
use crate::cli::common::threshold::Exceeded;
use crate::cli::common::units::{ratio, time};
use crate::cli::common::wire::{CoverageJson, NeededJson, OutlierJson, SlotsJson, Source};

const STATS: &str = "aofkit.stats/1";

#[derive(Serialize)]
struct StatsJson {
    schema: &'static str,
    tool_version: &'static str,
    source: Source,
    selected: Option<SelectedJson>,
    totals: TotalsJson,
    needs_modules: Vec<NeededJson>,
    write_amplification: Option<f64>,
    exceeded: Vec<Exceeded>,
    deletes: DeletesJson,
    keys_estimate: Option<u64>,
    rewrites: Option<Vec<RewriteJson>>,
    commands: Option<Vec<CommandJson>>,
    groups: Option<Vec<GroupJson>>,
    databases: Option<Vec<DatabaseJson>>,
    prefixes: Option<Vec<PrefixJson>>,
    keys: Option<Vec<KeyJson>>,
    most_often: Option<Vec<KeyJson>>,
    base_biggest: Option<Vec<BigKeyJson>>,
    base_most_memory: Option<Vec<BigKeyJson>>,
    types: Option<Vec<TypeJson>>,
    slots: Option<Vec<SlotJson>>,
    base: Option<KeySpaceJson>,
}

#[derive(Serialize)]
struct RewriteJson {
    times_from: u64,
    times_to: Option<u64>,
    keys: u64,
    error_keys: u64,
}

#[derive(Serialize)]
struct GroupJson {
    group: Option<&'static str>,
    count: u64,
    bytes: u64,
    share: f64,
}

#[derive(Serialize)]
struct SelectedJson {
    commands: u64,
    of_commands: u64,
    undated: u64,
}

#[derive(Serialize)]
struct DatabaseJson {
    db: u64,
    commands: u64,
    bytes: u64,
    base_keys: Option<u64>,
}

#[derive(Serialize)]
pub struct PrefixJson {
    #[serde(flatten)]
    prefix: PrefixText,
    depth: Option<usize>,
    commands: u64,
    bytes: u64,
    keys_estimate: u64,
    base_keys: Option<u64>,
    base_bytes: Option<u64>,
    #[serde(flatten)]
    written: WrittenJson,
}

/// When the first and the last record were written.
#[derive(Serialize)]
pub struct WrittenJson {
    first_write_at: Option<String>,
    last_write_at: Option<String>,
}

#[derive(Serialize)]
pub struct KeyJson {
    #[serde(flatten)]
    key: KeyText,
    cut: bool,
    db: u64,
    commands: u64,
    bytes: u64,
    error_bytes: u64,
    error_commands: u64,
    base_bytes: Option<u64>,
    #[serde(flatten)]
    written: WrittenJson,
}

#[derive(Serialize)]
struct SlotJson {
    slot: u16,
    commands: u64,
    bytes: u64,
}

/// What all sets make together; null what was not asked for.
#[derive(Serialize)]
struct TotalJson {
    sets: usize,
    totals: TotalsJson,
    keys_estimate: Option<u64>,
    commands: Option<Vec<CommandJson>>,
    databases: Option<Vec<DatabaseJson>>,
    prefixes: Option<Vec<PrefixJson>>,
    keys: Option<Vec<KeyJson>>,
    types: Option<Vec<TypeJson>>,
    slots: Option<Vec<SlotJson>>,
    nodes: Option<Vec<SlotsOfNodeJson>>,
    cluster: Option<CoverageJson>,
    outliers: Vec<OutlierJson>,
}

/// The slots of one node.
#[derive(Serialize)]
struct SlotsOfNodeJson {
    name: String,
    #[serde(flatten)]
    slots: SlotsJson,
}

/// One set.
pub fn stats(one: &Counted) -> String {
    pretty(&stats_json(one))
}

/// Several sets.
pub fn several(
    path: &Path,
    all: &[Counted],
    total: Option<&InTotal>,
    coverage: Option<&Coverage>,
) -> String {
    let mut totals = aofkit::stats::Totals::default();
    for one in all {
        totals.add(&one.mix.totals);
    }
    let is_by = |by| all.first().is_some_and(|one| one.is_by(by));
    let places: Vec<_> = all.iter().map(|one| Place::of(&one.aof)).collect();
    let names = names(places.iter().cloned(), path);
    let keys = total.and_then(|total| total.keys.as_ref());
    let base = total.and_then(|total| total.base.as_ref());
    let of = |by| total.filter(|_| is_by(by));
    let slots = |keys: &KeyReport| Some(keys.slots.as_ref()?.iter().map(slot).collect());
    let commands = |total: &InTotal| {
        total.mix.commands.iter().map(|row| command(row, &total.mix.totals)).collect()
    };
    let total = TotalJson {
        sets: all.len(),
        totals: totals_json(&totals),
        keys_estimate: keys.map(|keys| keys.keys_estimate),
        commands: of(By::Command).map(commands),
        databases: of(By::Db).map(|total| databases(&total.mix, base)),
        prefixes: keys.and_then(prefixes),
        keys: keys.and_then(self::keys),
        types: base.filter(|_| is_by(By::Type)).map(types),
        slots: keys.and_then(slots),
        nodes: is_by(By::Slot).then(|| nodes(all, &names)),
        cluster: coverage.map(|coverage| CoverageJson::new(coverage, &names)),
        outliers: OutlierJson::all(&outliers(&measured(all)), &names),
    };
    let sets = all.iter().map(stats_json).collect();
    pretty(&json::several(STATS, path, &places, sets, total))
}

fn nodes(all: &[Counted], names: &[String]) -> Vec<SlotsOfNodeJson> {
    let row = |(one, name): (&Counted, &String)| {
        let slots = SlotsJson::new(&one.slots.unwrap_or_default());
        SlotsOfNodeJson { name: name.clone(), slots }
    };
    all.iter().zip(names).map(row).collect()
}

fn stats_json(one: &Counted) -> StatsJson {
    let totals = &one.mix.totals;
    let keys = one.keys.as_ref();
    let commands = || one.mix.commands.iter().map(|row| command(row, totals)).collect();
    let base = one.base.as_ref();
    StatsJson {
        schema: STATS,
        tool_version: VERSION,
        source: source(&one.aof, one.is_rdb()),
        selected: one.selected.map(|selected| SelectedJson {
            commands: selected.records,
            of_commands: selected.of_records,
            undated: selected.undated,
        }),
        totals: totals_json(totals),
        needs_modules: needs_modules(&one.mix.needs_modules),
        write_amplification: one.write_amplification(),
        exceeded: one.exceeded.clone(),
        deletes: deletes(&one.deletes, &one.aof),
        keys_estimate: keys.map(|keys| keys.keys_estimate),
        rewrites: keys.map(|keys| keys.rewrites.iter().map(rewrite).collect()),
        commands: one.is_by(By::Command).then(commands),
        groups: one.is_by(By::Command).then(|| groups(&one.mix)),
        databases: one.is_by(By::Db).then(|| databases(&one.mix, base)),
        prefixes: keys.and_then(prefixes),
        keys: keys.and_then(self::keys),
        most_often: keys.and_then(|k| Some(k.most_often.as_ref()?.iter().map(key).collect())),
        base_biggest: base.filter(|_| one.is_by(By::Key)).map(biggest),
        base_most_memory: base
            .filter(|base| one.is_by(By::Key) && base.memory_server.is_some())
            .map(most_memory),
        types: base.filter(|_| one.is_by(By::Type)).map(types),
        slots: keys.and_then(|k| Some(k.slots.as_ref()?.iter().map(slot).collect())),
        base: base.map(|base| key_space(base, false)),
    }
}

fn rewrite(row: &RewriteRow) -> RewriteJson {
    RewriteJson {
        times_from: row.times_from,
        times_to: row.times_to,
        keys: row.keys,
        error_keys: row.error_keys,
    }
}

fn groups(mix: &MixReport) -> Vec<GroupJson> {
    let of = mix.totals.command_bytes;
    let told = |row: GroupRow| GroupJson {
        group: row.group,
        count: row.count,
        bytes: row.bytes,
        share: ratio(row.bytes, of),
    };
    mix.groups().into_iter().map(told).collect()
}

/// Databases that commands ran in or that the base has keys in.
fn databases(mix: &MixReport, base: Option<&KeySpaceReport>) -> Vec<DatabaseJson> {
    let empty = |db| DatabaseJson { db, commands: 0, bytes: 0, base_keys: base.map(|_| 0) };
    let mut rows = BTreeMap::new();
    for &DatabaseRow { db, commands, bytes } in &mix.databases {
        rows.insert(db, DatabaseJson { commands, bytes, ..empty(db) });
    }
    for row in base.iter().flat_map(|base| &base.databases) {
        // Those beyond the ones counted apart have no number, and no row.
        if let Some(db) = row.db {
            rows.entry(db).or_insert_with(|| empty(db)).base_keys = Some(row.keys);
        }
    }
    rows.into_values().collect()
}

/// Families of keys, where they were asked for.
pub fn prefixes(keys: &KeyReport) -> Option<Vec<PrefixJson>> {
    Some(keys.prefixes.as_ref()?.iter().map(prefix).collect())
}

/// The keys most written to, where they were asked for.
pub fn keys(keys: &KeyReport) -> Option<Vec<KeyJson>> {
    Some(keys.keys.as_ref()?.iter().map(key).collect())
}

fn prefix(row: &PrefixRow) -> PrefixJson {
    let name = text(&row.prefix);
    PrefixJson {
        prefix: name.into(),
        depth: row.depth,
        commands: row.commands,
        bytes: row.bytes,
        keys_estimate: row.keys_estimate,
        base_keys: Some(row.base_keys),
        base_bytes: Some(row.base_bytes),
        written: written(row.written),
    }
}

/// As JSON has it.
pub fn written(written: Written) -> WrittenJson {
    WrittenJson {
        first_write_at: written.first().map(time),
        last_write_at: written.last().map(time),
    }
}

// Keys were hashed before, where that was asked for.

fn types(base: &KeySpaceReport) -> Vec<TypeJson> {
    base.types.iter().map(|row| type_row(row, false)).collect()
}

fn biggest(base: &KeySpaceReport) -> Vec<BigKeyJson> {
    base.biggest_by_bytes.iter().map(|big| big_key(big, false)).collect()
}

fn most_memory(base: &KeySpaceReport) -> Vec<BigKeyJson> {
    base.biggest_by_memory.iter().map(|big| big_key(big, false)).collect()
}

fn key(row: &KeyRow) -> KeyJson {
    let name = text(&row.key);
    KeyJson {
        key: name.into(),
        cut: row.is_cut,
        db: row.db,
        commands: row.commands,
        bytes: row.bytes,
        error_bytes: row.error_bytes,
        error_commands: row.error_commands,
        base_bytes: row.base_bytes,
        written: written(row.written),
    }
}

fn slot(row: &SlotRow) -> SlotJson {
    SlotJson { slot: row.slot, commands: row.commands, bytes: row.bytes }
}
