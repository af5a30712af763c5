//! `diff --json`

use aofkit::aof::Aof;
use aofkit::diff::{
    Alone, BaseSide, Break, Common, Damaged, Differences, Different, Place, Seen, Side,
};
use aofkit::redact::hidden;
use serde_json::{Map, Value, json};

use super::operand::Operand;
use super::report::{ByServer, Compared};
use crate::cli::common::context::Context;
use crate::cli::common::json::{VERSION, pretty, source};
use crate::cli::common::members::text;
use crate::cli::common::units::{time, time_ms};

/// The comparison, for scripts.
pub fn diff(compared: &Compared, context: &Context) -> String {
    let (diff, redact, top) = (&compared.diff, context.redact, compared.top);
    let sets = (compared.a.seen(), compared.b.seen());
    let keys = &diff.keys;
    let key_row = |row: &aofkit::diff::NamedKey| {
        let mut object = Map::new();
        object.insert("db".into(), row.db.into());
        named(&mut object, "key", &row.key, redact);
        object.insert("a_commands".into(), row.a.into());
        object.insert("b_commands".into(), row.b.into());
        Value::Object(object)
    };
    let rows: Vec<_> = keys.rows.iter().take(top).map(key_row).collect();
    pretty(&json!({
        "schema": "aofkit.diff/1",
        "tool_version": VERSION,
        "a": operand(&compared.a),
        "b": operand(&compared.b),
        "verdict": diff.verdict.as_str(),
        "common": diff.common.as_ref().map(|common| stretch(common, sets, diff.by_bases)),
        "unproven_records": diff.unproven,
        "damaged": diff.common.iter().flat_map(|c| &c.damaged).map(|d| damaged(d, sets)).collect::<Vec<_>>(),
        "base": {
            "equal": diff.bases.equal,
            "a": base(&diff.bases.a),
            "b": base(&diff.bases.b),
            "keys": diff.bases.differences.as_ref().map(|d| differences(d, redact)),
        },
        "a_alone": alone(&diff.alone.0, top, redact),
        "b_alone": alone(&diff.alone.1, top, redact),
        "keys": {
            "only_a": keys.only_a,
            "only_b": keys.only_b,
            "both": keys.both,
            "complete": keys.is_complete,
            "rows": rows,
        },
        "loaded": compared.loaded.as_ref().map(|loaded| by_server(loaded, redact)),
    }))
}

fn operand(operand: &Operand) -> Value {
    let source = serde_json::to_value(source(operand.seen(), false));
    let mut source = source.unwrap_or_default();
    source["at"] = operand.typed().into();
    source
}

/// A name in bytes under `member`, and under its twin where it is no text.
fn named(object: &mut Map<String, Value>, member: &str, bytes: &[u8], redact: bool) {
    let hashed = redact.then(|| hidden(bytes));
    let shown = text(hashed.as_deref().map_or(bytes, str::as_bytes));
    object.insert(member.into(), shown.plain.into());
    object.insert(format!("{member}_b64"), shown.b64.into());
}

fn place(place: Place, aof: &Aof) -> Value {
    let mut object = Map::new();
    let name = aof.segments.get(place.segment).map_or(&b""[..], |segment| &segment.name);
    named(&mut object, "file", name, false);
    object.insert("offset".into(), place.offset.into());
    object.insert("time".into(), place.time.map(time).into());
    Value::Object(object)
}

fn side(side: Side) -> &'static str {
    match side {
        Side::A => "a",
        Side::B => "b",
    }
}

fn stretch(common: &Common, (a, b): (&Aof, &Aof), by_bases: bool) -> Value {
    let ends = match common.ends {
        Break::BothEnd => "both-end",
        Break::Ends(Side::A) => "a-ends",
        Break::Ends(Side::B) => "b-ends",
        Break::Parts => "parts",
        Break::Damaged(Side::A) => "a-damaged",
        Break::Damaged(Side::B) => "b-damaged",
    };
    json!({
        "records": common.records,
        "other_clocks": common.other_clocks,
        "proven_by": if by_bases { "bases" } else { "records" },
        "begins": {"a": place(common.begins.0, a), "b": place(common.begins.1, b)},
        "ends": ends,
        "goes_on": {
            "a": common.goes_on.0.map(|at| place(at, a)),
            "b": common.goes_on.1.map(|at| place(at, b)),
        },
    })
}

fn damaged((of, range, instead): &(Side, Damaged, Option<u64>), (a, b): (&Aof, &Aof)) -> Value {
    let aof = if *of == Side::A { a } else { b };
    let mut row = place(range.place, aof);
    row["side"] = side(*of).into();
    row["length_bytes"] = range.bytes.into();
    row["passed_over_records"] = (*instead).into();
    row
}

fn base(base: &BaseSide) -> Value {
    json!({
        "form": base.form.as_str(),
        "keys": base.keys,
        "not_compared": base.not_compared,
        "damaged": base.is_damaged,
    })
}

fn differences(found: &Differences, redact: bool) -> Value {
    json!({
        "only_a": found.only_a,
        "only_b": found.only_b,
        "different": found.different,
        "expiry": found.expiry,
        "same": found.same,
        "not_compared": found.not_compared,
        "rows": found.rows.iter().map(|row| different(row, redact)).collect::<Vec<_>>(),
    })
}

fn different(row: &Different, redact: bool) -> Value {
    let mut object = Map::new();
    object.insert("db".into(), row.key.as_ref().map(|(db, _)| *db).into());
    match &row.key {
        Some((_, name)) => named(&mut object, "key", name, redact),
        None => {
            object.insert("key".into(), Value::Null);
            object.insert("key_b64".into(), Value::Null);
        }
    }
    let seen = |seen: &Seen| json!({"type": seen.kind.as_str(), "expires_at": seen.expires_ms.map(time_ms)});
    object.insert("a".into(), row.a.as_ref().map(seen).into());
    object.insert("b".into(), row.b.as_ref().map(seen).into());
    object.insert("value_differs".into(), row.value_differs.into());
    Value::Object(object)
}

fn alone(alone: &Alone, top: usize, redact: bool) -> Value {
    let command = |row: &aofkit::diff::CommandCount| {
        let mut object = Map::new();
        named(&mut object, "name", &row.name, false);
        object.insert("count".into(), row.count.into());
        object.insert("bytes".into(), row.bytes.into());
        Value::Object(object)
    };
    let prefix = |row: &aofkit::diff::PrefixCount| {
        let mut object = Map::new();
        let (rest, name) = (row.prefix.is_empty(), &row.prefix);
        named(&mut object, "prefix", if rest { b"*" } else { name }, redact && !rest);
        object.insert("count".into(), row.count.into());
        object.insert("bytes".into(), row.bytes.into());
        Value::Object(object)
    };
    json!({
        "records": alone.records,
        "bytes": alone.bytes,
        "commands": alone.commands.iter().map(command).collect::<Vec<_>>(),
        "prefixes": alone.prefixes.iter().take(top).map(prefix).collect::<Vec<_>>(),
        "unknown_keys": alone.unknown,
        "reach_far": alone.reach_far,
        "first_at": alone.times.map(|(first, _)| time(first)),
        "last_at": alone.times.map(|(_, last)| time(last)),
        "damaged_ranges": alone.damaged.0,
        "damaged_bytes": alone.damaged.1,
    })
}

fn by_server(loaded: &ByServer, redact: bool) -> Value {
    json!({
        "by": loaded.by,
        "equal": loaded.differences.is_equal(),
        "a_keys": loaded.keys.0,
        "b_keys": loaded.keys.1,
        "counts_passed": loaded.with_passed,
        "keys": differences(&loaded.differences, redact),
    })
}
