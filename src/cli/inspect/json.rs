//! `inspect` for scripts.

use std::io;
use std::path::Path;

use aofkit::aof::Leftover;
use aofkit::growth::Trigger;
use aofkit::stats::DatabaseRow;

use super::report::{InTotal, Inspected};
use super::wire::{DatabaseJson, GrownJson, InTotalJson, InspectJson, LeftoverJson};
use crate::cli::check::json::{head, problems, several};
use crate::cli::check::wire::Total;
use crate::cli::common::json::{modified, rule};
use crate::cli::common::members::path_text;
use crate::cli::common::output::Paper;
use crate::cli::common::wire::SlotsJson;
use crate::cli::stats::commands_json::{command, totals_json};
use crate::cli::stats::key_space_json::key_space;
use crate::cli::stats::{deletes_json, json as stats_json};

const INSPECT: &str = "aofkit.inspect/1";

/// `inspect` of one set.
pub fn inspect(paper: &mut Paper<'_>, one: &Inspected) -> io::Result<()> {
    paper.json(&inspect_json(one))
}

/// `inspect` of several sets.
pub fn inspects(
    paper: &mut Paper<'_>,
    path: &Path,
    all: &[Inspected],
    total: Option<&InTotal>,
) -> io::Result<()> {
    let sets = all.iter().map(inspect_json).collect();
    let rows: Vec<_> = all.iter().map(Inspected::row).collect();
    let several = several(INSPECT, path, sets, &rows);
    let totals = total.map(|total| &total.mix.totals);
    let commands = |total: &InTotal| {
        total.mix.commands.iter().map(|row| command(row, &total.mix.totals)).collect()
    };
    paper.json(&several.with_total(|checked| InTotalJson {
        checked: Total { commands: None, ..checked },
        totals: totals.map(totals_json),
        commands: total.map(commands),
        prefixes: total.and_then(|total| stats_json::prefixes(&total.keys)),
    }))
}

fn inspect_json(one: &Inspected) -> InspectJson<'_> {
    let totals = &one.mix.totals;
    InspectJson {
        head: head(INSPECT, &one.aof, &one.report),
        growth: one.growth.as_ref().map(|growth| growth_json(growth, one.aof.configured)),
        key_space: one.has_base_keys().then(|| key_space(&one.key_space, one.redact)),
        totals: totals_json(totals),
        commands: one.mix.commands.iter().map(|row| command(row, totals)).collect(),
        databases: one.mix.databases.iter().map(database).collect(),
        prefixes: stats_json::prefixes(&one.keys),
        keys: stats_json::keys(&one.keys),
        slots: one.slots.as_ref().map(SlotsJson::new),
        deletes: deletes_json::deletes(&one.deletes, &one.aof),
        leftovers: one.aof.leftovers.iter().map(leftover).collect(),
        leftover_bytes: one.aof.leftovers.iter().map(|l| l.len).sum(),
        problems: problems(&one.report),
    }
}

fn growth_json(growth: &Trigger, configured: bool) -> GrownJson {
    GrownJson {
        base_bytes: growth.base_bytes,
        increment_bytes: growth.current_bytes - growth.base_bytes,
        current_bytes: growth.current_bytes,
        growth_percent: growth.percent(),
        trigger: rule(growth, if configured { "conf" } else { "default" }),
    }
}

fn database(row: &DatabaseRow) -> DatabaseJson {
    DatabaseJson { db: row.db, commands: row.commands, bytes: row.bytes }
}

fn leftover(leftover: &Leftover) -> LeftoverJson {
    let path = path_text(&leftover.path);
    LeftoverJson {
        path: path.into(),
        kind: leftover.kind.as_str(),
        size_bytes: leftover.len,
        modified_at: leftover.modified.and_then(modified),
    }
}
