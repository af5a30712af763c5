//! `stats` as comma-separated values: one table, whatever was asked for; `by` says what a row is about.

use std::fmt::Display;

use aofkit::text::escape;

use crate::cli::stats::{By, Counted};

const HEAD: &str = "set,by,name,depth,db,commands,bytes,error_bytes,keys_estimate\r\n";

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

fn rows(one: &Counted) -> Vec<String> {
    let mut rows = Vec::new();
    let mut row = |by: By, name: &[u8], cells: [String; 6]| {
        rows.push(format!("{},{},{}", by.name(), field(name), cells.join(",")));
    };
    let none = String::new;
    if one.is_by(By::Command) {
        for c in &one.mix.commands {
            let (commands, bytes) = (c.count.to_string(), c.bytes.to_string());
            row(By::Command, &c.name, [none(), none(), commands, bytes, none(), none()]);
        }
    }
    if one.is_by(By::Db) {
        for d in &one.mix.databases {
            let (commands, bytes) = (d.commands.to_string(), d.bytes.to_string());
            let db = d.db.to_string();
            row(By::Db, db.as_bytes(), [none(), db.clone(), commands, bytes, none(), none()]);
        }
    }
    for t in one.base.iter().filter(|_| one.is_by(By::Type)).flat_map(|base| &base.types) {
        let name = format!("{}/{}", t.type_name, t.encoding);
        let cells = [none(), none(), none(), t.bytes.to_string(), none(), t.keys.to_string()];
        row(By::Type, name.as_bytes(), cells);
    }
    let Some(keys) = &one.keys else { return rows };
    for p in keys.prefixes.iter().flatten() {
        let (commands, bytes) = (p.commands.to_string(), p.bytes.to_string());
        let cells = [number(p.depth), none(), commands, bytes, none(), p.keys_estimate.to_string()];
        row(By::Prefix, &p.prefix, cells);
    }
    for k in keys.keys.iter().flatten() {
        let (commands, bytes) = (k.commands.to_string(), k.bytes.to_string());
        let cells = [none(), k.db.to_string(), commands, bytes, k.error_bytes.to_string(), none()];
        row(By::Key, &k.key, cells);
    }
    for s in keys.slots.iter().flatten() {
        let (commands, bytes) = (s.commands.to_string(), s.bytes.to_string());
        let cells = [none(), none(), commands, bytes, none(), none()];
        row(By::Slot, s.slot.to_string().as_bytes(), cells);
    }
    rows
}

fn number(n: Option<impl Display>) -> String {
    n.map_or_else(String::new, |n| n.to_string())
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
