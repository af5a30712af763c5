//! `stats` as comma-separated values: one table, whatever was asked for; `by` says what a row is about.

use aofkit::text::escape;

use super::args::By;
use super::report::Counted;

const HEAD: &str =
    "set,by,name,depth,db,commands,bytes,error_bytes,keys_estimate,base_keys,base_bytes\r\n";

/// All sets in one table, lines ending as RFC 4180 wants it.
pub fn stats(all: &[Counted]) -> String {
    let mut table = HEAD.to_owned();
    for one in all {
        let set = field(one.aof.path.as_os_str().as_encoded_bytes());
        for row in rows(one) {
            table += &format!("{set},{row}\r\n");
        }
    }
    table
}

/// What a row says of its name; what does not apply stays empty.
#[derive(Default)]
struct Cells {
    depth: Option<u64>,
    db: Option<u64>,
    commands: Option<u64>,
    bytes: Option<u64>,
    error_bytes: Option<u64>,
    keys_estimate: Option<u64>,
    base_keys: Option<u64>,
    base_bytes: Option<u64>,
}

impl Cells {
    fn of(commands: u64, bytes: u64) -> Self {
        Self { commands: Some(commands), bytes: Some(bytes), ..Self::default() }
    }

    fn joined(&self) -> String {
        let all = [
            self.depth,
            self.db,
            self.commands,
            self.bytes,
            self.error_bytes,
            self.keys_estimate,
            self.base_keys,
            self.base_bytes,
        ];
        all.map(|cell| cell.map_or_else(String::new, |n| n.to_string())).join(",")
    }
}

fn rows(one: &Counted) -> Vec<String> {
    let mut rows = Vec::new();
    let mut row = |by: By, name: &[u8], cells: Cells| {
        rows.push(format!("{},{},{}", by.name(), field(name), cells.joined()));
    };
    if one.is_by(By::Command) {
        for c in &one.mix.commands {
            row(By::Command, &c.name, Cells::of(c.count, c.bytes));
        }
    }
    if one.is_by(By::Db) {
        for d in &one.mix.databases {
            let in_base = one.base.iter().flat_map(|base| &base.databases);
            let in_base = in_base.filter(|base| base.db == Some(d.db)).map(|base| base.keys).sum();
            let cells = Cells::of(d.commands, d.bytes);
            let cells = Cells { db: Some(d.db), base_keys: Some(in_base), ..cells };
            row(By::Db, d.db.to_string().as_bytes(), cells);
        }
    }
    for t in one.base.iter().filter(|_| one.is_by(By::Type)).flat_map(|base| &base.types) {
        let name = format!("{}/{}", t.type_name, t.encoding);
        let (bytes, keys_estimate) = (Some(t.bytes), Some(t.keys));
        row(By::Type, name.as_bytes(), Cells { bytes, keys_estimate, ..Cells::default() });
    }
    let Some(keys) = &one.keys else { return rows };
    for p in keys.prefixes.iter().flatten() {
        let cells = Cells {
            depth: p.depth.map(|depth| depth as u64),
            keys_estimate: Some(p.keys_estimate),
            base_keys: Some(p.base_keys),
            base_bytes: Some(p.base_bytes),
            ..Cells::of(p.commands, p.bytes)
        };
        row(By::Prefix, &p.prefix, cells);
    }
    for k in keys.keys.iter().flatten() {
        let (db, error_bytes) = (Some(k.db), Some(k.error_bytes));
        let cells = Cells::of(k.commands, k.bytes);
        row(By::Key, &k.key, Cells { db, error_bytes, base_bytes: k.base_bytes, ..cells });
    }
    for s in keys.slots.iter().flatten() {
        row(By::Slot, s.slot.to_string().as_bytes(), Cells::of(s.commands, s.bytes));
    }
    rows
}

/// Bytes escaped as everywhere, quoted where the format needs it.
fn field(bytes: &[u8]) -> String {
    let text = escape(bytes);
    match text.contains([',', '"', ' ']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_quoted_when_they_have_to_be() {
        assert_eq!(field(b"user:*"), "user:*");
        assert_eq!(field(b"a,b"), "\"a,b\"");
        assert_eq!(field(b"a\"b\n"), "\"a\\\"\"b\\n\"");
    }
}
