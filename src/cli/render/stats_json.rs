//! `stats` for scripts, in the order of the contract. What was not asked for is `null`.

use std::path::Path;

use aofkit::aof::{Aof, Layout};
use std::collections::BTreeMap;

use aofkit::stats::{
    BigKey, DatabaseRow, GroupRow, KeyRow, KeySpaceReport, MixReport, PrefixRow, SlotRow,
};
use serde::Serialize;

use super::json::{VERSION, command, path_text, pretty, text, totals_json};
use super::key_space_json::{BigKeyJson, KeySpaceJson, TypeJson, big_key, key_space, type_row};
use super::units::ratio;
use super::wire::{CommandJson, Source, SourceOfSeveral, TotalsJson};
use crate::cli::stats::{By, Counted};
use crate::cli::threshold::Exceeded;

const STATS: &str = "aofkit.stats/1";

#[derive(Serialize)]
struct StatsJson {
    schema: &'static str,
    tool_version: &'static str,
    source: Source,
    selected: Option<SelectedJson>,
    totals: TotalsJson,
    write_amplification: Option<f64>,
    exceeded: Vec<Exceeded>,
    keys_estimate: Option<u64>,
    commands: Option<Vec<CommandJson>>,
    groups: Option<Vec<GroupJson>>,
    databases: Option<Vec<DatabaseJson>>,
    prefixes: Option<Vec<PrefixJson>>,
    keys: Option<Vec<KeyJson>>,
    base_biggest: Option<Vec<BigKeyJson>>,
    types: Option<Vec<TypeJson>>,
    slots: Option<Vec<SlotJson>>,
    base: Option<KeySpaceJson>,
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
struct PrefixJson {
    prefix: Option<String>,
    prefix_b64: Option<String>,
    depth: Option<usize>,
    commands: u64,
    bytes: u64,
    keys_estimate: u64,
    base_keys: Option<u64>,
    base_bytes: Option<u64>,
}

#[derive(Serialize)]
struct KeyJson {
    key: Option<String>,
    key_b64: Option<String>,
    cut: bool,
    db: u64,
    commands: u64,
    bytes: u64,
    error_bytes: u64,
    base_bytes: Option<u64>,
}

#[derive(Serialize)]
struct SlotJson {
    slot: u16,
    commands: u64,
    bytes: u64,
}

#[derive(Serialize)]
struct SeveralJson {
    schema: &'static str,
    tool_version: &'static str,
    source: SourceOfSeveral,
    sets: Vec<StatsJson>,
    total: TotalJson,
}

#[derive(Serialize)]
struct TotalJson {
    sets: usize,
    totals: TotalsJson,
}

/// One set.
pub fn stats(one: &Counted) -> String {
    pretty(&stats_json(one))
}

/// Several sets.
pub fn several(path: &Path, all: &[Counted]) -> String {
    let path = path_text(path);
    let source =
        SourceOfSeveral { path: path.plain, path_b64: path.b64, layout: "several", manifest: None };
    let mut totals = aofkit::stats::Totals::default();
    for one in all {
        totals.add(&one.mix.totals);
    }
    pretty(&SeveralJson {
        schema: STATS,
        tool_version: VERSION,
        source,
        sets: all.iter().map(stats_json).collect(),
        total: TotalJson { sets: all.len(), totals: totals_json(&totals) },
    })
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
        write_amplification: one.write_amplification(),
        exceeded: one.exceeded.clone(),
        keys_estimate: keys.map(|keys| keys.keys_estimate),
        commands: one.is_by(By::Command).then(commands),
        groups: one.is_by(By::Command).then(|| groups(&one.mix)),
        databases: one.is_by(By::Db).then(|| databases(&one.mix, base)),
        prefixes: keys.and_then(|k| Some(k.prefixes.as_ref()?.iter().map(prefix).collect())),
        keys: keys.and_then(|k| Some(k.keys.as_ref()?.iter().map(|row| key(row, base)).collect())),
        base_biggest: base.filter(|_| one.is_by(By::Key)).map(biggest),
        types: base.filter(|_| one.is_by(By::Type)).map(types),
        slots: keys.and_then(|k| Some(k.slots.as_ref()?.iter().map(slot).collect())),
        base: base.map(|base| key_space(base, false)),
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

/// What a path turned out to be.
pub fn source(aof: &Aof, is_rdb: bool) -> Source {
    let path = path_text(&aof.path);
    let manifest = aof.manifest.as_ref().map(|m| path_text(&m.path));
    let (manifest, manifest_b64) = manifest.map_or((None, None), |m| (m.plain, m.b64));
    let layout = match aof.layout {
        Layout::MultiPart => "multi-part",
        Layout::SingleFile if is_rdb => "rdb",
        Layout::SingleFile => "single-file",
        Layout::Stream => "stream",
    };
    Source { path: path.plain, path_b64: path.b64, layout, manifest, manifest_b64 }
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

fn prefix(row: &PrefixRow) -> PrefixJson {
    let name = text(&row.prefix);
    PrefixJson {
        prefix: name.plain,
        prefix_b64: name.b64,
        depth: row.depth,
        commands: row.commands,
        bytes: row.bytes,
        keys_estimate: row.keys_estimate,
        base_keys: None,
        base_bytes: None,
    }
}

// Keys were hashed before, where that was asked for.

fn types(base: &KeySpaceReport) -> Vec<TypeJson> {
    base.types.iter().map(|row| type_row(row, false)).collect()
}

fn biggest(base: &KeySpaceReport) -> Vec<BigKeyJson> {
    base.biggest_by_bytes.iter().map(|big| big_key(big, false)).collect()
}

/// What a key takes in the base: known for the biggest keys, and for all when the biggest are all.
fn base_bytes(row: &KeyRow, base: &KeySpaceReport) -> Option<u64> {
    let same = |big: &&BigKey| big.db == row.db && big.key == row.key && !row.is_cut;
    let found = base.biggest_by_bytes.iter().find(same).map(|big| big.bytes);
    let all_are_listed = base.biggest_by_bytes.len() as u64 == base.keys;
    found.or(all_are_listed.then_some(0))
}

fn key(row: &KeyRow, base: Option<&KeySpaceReport>) -> KeyJson {
    let name = text(&row.key);
    KeyJson {
        key: name.plain,
        key_b64: name.b64,
        cut: row.is_cut,
        db: row.db,
        commands: row.commands,
        bytes: row.bytes,
        error_bytes: row.error_bytes,
        base_bytes: base.filter(|base| base.keys > 0).and_then(|base| base_bytes(row, base)),
    }
}

fn slot(row: &SlotRow) -> SlotJson {
    SlotJson { slot: row.slot, commands: row.commands, bytes: row.bytes }
}
