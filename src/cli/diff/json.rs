//! `diff --json`

use aofkit::aof::Aof;
use aofkit::diff::{
    Alone, BaseSide, Break, Common, Damaged, Differences, Different, KeysAlone, Place, Proof, Seen,
    Side,
};
use aofkit::redact::hidden;

use super::operand::Operand;
use super::report::{ByServer, Compared};
use super::wire::{
    AloneJson, BaseJson, BaseSideJson, Both, CommandJson, CommonJson, DamagedJson, DiffJson,
    DifferencesJson, DifferentJson, KeyRowJson, KeysJson, LoadedJson, OperandJson, PlaceJson,
    PrefixJson, SeenJson,
};
use crate::cli::common::context::Context;
use crate::cli::common::json::{VERSION, pretty, source};
use crate::cli::common::members::{Text, text};
use crate::cli::common::units::{time, time_ms};

const DIFF: &str = "aofkit.diff/1";

/// The comparison, for scripts.
pub fn diff(compared: &Compared, context: &Context) -> String {
    let (diff, redact, top) = (&compared.diff, context.redact, compared.top);
    let sets = (compared.a.seen(), compared.b.seen());
    let met = diff.common.iter().flat_map(|common| &common.damaged);
    pretty(&DiffJson {
        schema: DIFF,
        tool_version: VERSION,
        a: operand(&compared.a),
        b: operand(&compared.b),
        verdict: diff.verdict.as_str(),
        common: diff.common.as_ref().map(|common| stretch(common, sets, diff.proof)),
        unproven_records: diff.unproven,
        damaged: met.map(|one| damaged(one, sets)).collect(),
        base: BaseJson {
            equal: diff.bases.equal,
            a: base(&diff.bases.a),
            b: base(&diff.bases.b),
            keys: diff.bases.differences.as_ref().map(|found| differences(found, redact)),
        },
        a_alone: alone(&diff.alone.0, top, redact),
        b_alone: alone(&diff.alone.1, top, redact),
        keys: keys(&diff.keys, top, redact),
        loaded: compared.loaded.as_ref().map(|loaded| by_server(loaded, redact)),
    })
}

fn operand(operand: &Operand) -> OperandJson {
    OperandJson { source: source(operand.seen(), false), at: operand.typed().map(str::to_owned) }
}

/// A name in bytes, or its hash.
fn named(bytes: &[u8], redact: bool) -> Text {
    match redact {
        true => text(hidden(bytes).as_bytes()),
        false => text(bytes),
    }
}

fn place(place: Place, aof: &Aof) -> PlaceJson {
    let name = aof.segments.get(place.segment).map_or(&b""[..], |segment| &segment.name);
    PlaceJson { file: text(name).into(), offset: place.offset, time: place.time.map(time) }
}

fn stretch(common: &Common, (a, b): (&Aof, &Aof), proof: Proof) -> CommonJson {
    CommonJson {
        records: common.records,
        other_clocks: common.other_clocks,
        proven_by: proof.as_str(),
        begins: Both { a: place(common.begins.0, a), b: place(common.begins.1, b) },
        ends: match common.ends {
            Break::BothEnd => "both-end",
            Break::Ends(Side::A) => "a-ends",
            Break::Ends(Side::B) => "b-ends",
            Break::Parts => "parts",
            Break::Damaged(Side::A) => "a-damaged",
            Break::Damaged(Side::B) => "b-damaged",
        },
        goes_on: Both {
            a: common.goes_on.0.map(|at| place(at, a)),
            b: common.goes_on.1.map(|at| place(at, b)),
        },
    }
}

fn damaged(
    (side, range, instead): &(Side, Damaged, Option<u64>),
    (a, b): (&Aof, &Aof),
) -> DamagedJson {
    let (name, aof) = match side {
        Side::A => ("a", a),
        Side::B => ("b", b),
    };
    DamagedJson {
        place: place(range.place, aof),
        side: name,
        length_bytes: range.bytes,
        passed_over_records: *instead,
    }
}

fn base(base: &BaseSide) -> BaseSideJson {
    BaseSideJson {
        form: base.form.as_str(),
        keys: base.keys,
        not_compared: base.not_compared,
        damaged: base.is_damaged,
    }
}

fn differences(found: &Differences, redact: bool) -> DifferencesJson {
    DifferencesJson {
        only_a: found.only_a,
        only_b: found.only_b,
        different: found.different,
        expiry: found.expiry,
        same: found.same,
        not_compared: found.not_compared,
        rows: found.rows.iter().map(|row| different(row, redact)).collect(),
    }
}

fn different(row: &Different, redact: bool) -> DifferentJson {
    let seen = |seen: &Seen| SeenJson {
        r#type: seen.kind.as_str(),
        expires_at: seen.expires_ms.map(time_ms),
    };
    DifferentJson {
        db: row.key.as_ref().map(|(db, _)| *db),
        key: row.key.as_ref().map(|(_, name)| named(name, redact)).into(),
        a: row.a.as_ref().map(seen),
        b: row.b.as_ref().map(seen),
        value_differs: row.value_differs,
    }
}

fn alone(alone: &Alone, top: usize, redact: bool) -> AloneJson {
    let command = |row: &aofkit::diff::CommandCount| CommandJson {
        name: text(&row.name).into(),
        count: row.count,
        bytes: row.bytes,
    };
    let prefix = |row: &aofkit::diff::PrefixCount| PrefixJson {
        prefix: match row.prefix.is_empty() {
            true => text(b"*").into(),
            false => named(&row.prefix, redact).into(),
        },
        count: row.count,
        bytes: row.bytes,
    };
    AloneJson {
        records: alone.records,
        bytes: alone.bytes,
        commands: alone.commands.iter().map(command).collect(),
        prefixes: alone.prefixes.iter().take(top).map(prefix).collect(),
        unknown_keys: alone.unknown,
        reach_far: alone.reach_far,
        first_at: alone.times.map(|(first, _)| time(first)),
        last_at: alone.times.map(|(_, last)| time(last)),
        damaged_ranges: alone.damaged.0,
        damaged_bytes: alone.damaged.1,
    }
}

fn keys(keys: &KeysAlone, top: usize, redact: bool) -> KeysJson {
    let row = |row: &aofkit::diff::NamedKey| KeyRowJson {
        db: row.db,
        key: named(&row.key, redact).into(),
        a_commands: row.a,
        b_commands: row.b,
    };
    KeysJson {
        only_a: keys.only_a,
        only_b: keys.only_b,
        both: keys.both,
        complete: keys.is_complete,
        rows: keys.rows.iter().take(top).map(row).collect(),
    }
}

fn by_server(loaded: &ByServer, redact: bool) -> LoadedJson {
    LoadedJson {
        by: loaded.by.clone(),
        equal: loaded.differences.is_equal(),
        a_keys: loaded.keys.0,
        b_keys: loaded.keys.1,
        counts_passed: loaded.with_passed,
        keys: differences(&loaded.differences, redact),
    }
}
