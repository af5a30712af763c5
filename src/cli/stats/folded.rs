//! `stats` as folded stacks: `frame;frame bytes`, one line each, which flame-graph viewers read.

use aofkit::text::escape;

use super::args::By;
use super::report::Counted;

/// The stacks of all sets.
pub fn stats(all: &[Counted]) -> String {
    let mut text = String::new();
    for one in all {
        let root = match all.len() {
            1 => Vec::new(),
            _ => vec![frame(one.aof.path.as_os_str().as_encoded_bytes())],
        };
        for (frames, bytes) in stacks(one) {
            let stack: Vec<_> = root.iter().cloned().chain(frames).collect();
            text += &format!("{} {bytes}\n", stack.join(";"));
        }
    }
    text
}

fn stacks(one: &Counted) -> Vec<(Vec<String>, u64)> {
    let mut stacks = Vec::new();
    if one.is_by(By::Command) {
        for row in &one.mix.commands {
            let group = row.group.unwrap_or("unknown").to_owned();
            let names = row.name.split(|&byte| byte == b'|').map(frame);
            stacks.push((std::iter::once(group).chain(names).collect(), row.bytes));
        }
    }
    if one.is_by(By::Db) {
        let rows = one.mix.databases.iter();
        stacks.extend(rows.map(|row| (vec![format!("db{}", row.db)], row.bytes)));
    }
    for row in one.base.iter().filter(|_| one.is_by(By::Type)).flat_map(|base| &base.types) {
        stacks.push((vec![row.type_name.to_string(), row.encoding.to_owned()], row.bytes));
    }
    let Some(keys) = &one.keys else { return stacks };
    let words = |key: &[u8]| key.split(|byte| one.separators.contains(byte)).map(frame).collect();
    let rows = keys.prefixes.iter().flatten();
    stacks.extend(rows.map(|row| (words(&row.prefix), row.bytes)));
    for row in keys.keys.iter().flatten() {
        let mut frames: Vec<String> = words(&row.key);
        frames.insert(0, format!("db{}", row.db));
        stacks.push((frames, row.bytes));
    }
    let rows = keys.slots.iter().flatten();
    stacks.extend(rows.map(|row| (vec![format!("slot {}", row.slot)], row.bytes)));
    stacks
}

/// One frame: what ends a frame or a line must not be in it.
fn frame(bytes: &[u8]) -> String {
    let text = escape(bytes).replace(';', "\\x3b");
    if text.is_empty() { "(empty)".to_owned() } else { text }
}
