//! A law: filtering an RDB is the same as writing an RDB of what the filter takes.
//!
//! RDBs are put together here from a model, by a writer that knows nothing of the one that is tested.

use std::fs;
use std::path::Path;

use aofkit::format::rdb::checksum::crc64;
use aofkit::format::rdb::compress::Compressor;
use proptest::prelude::*;

use super::{aofkit, json};

/// How a key is written.
#[derive(Clone, Debug)]
enum Name {
    Plain(String),
    /// As LZF: `a:` and one letter many times.
    Packed(char, usize),
    /// As an integer of 16 bits.
    Number(i16),
}

/// What stands in a database.
#[derive(Clone, Debug)]
enum Item {
    Key { name: Name, expiry: Option<i64>, about: u8, shape: u8 },
    Slot(u16),
    Aux,
    Library,
    ModuleData,
}

#[derive(Clone, Debug)]
struct Database {
    db: u8,
    is_named: bool,
    has_sizes: bool,
    items: Vec<Item>,
}

#[derive(Clone, Debug)]
struct Rdb {
    magic: &'static str,
    has_checksum: bool,
    databases: Vec<Database>,
}

/// Whether a key of a database is taken.
type Takes<'t> = dyn Fn(u8, &str) -> bool + 't;

fn number(n: usize) -> Vec<u8> {
    match n {
        0..=63 => vec![n as u8],
        64..=16383 => vec![0x40 | (n >> 8) as u8, n as u8],
        _ => [&[0x80][..], &(n as u32).to_be_bytes()].concat(),
    }
}

fn string(text: &[u8]) -> Vec<u8> {
    [&number(text.len())[..], text].concat()
}

impl Name {
    fn text(&self) -> String {
        match self {
            Self::Plain(text) => text.clone(),
            Self::Packed(letter, count) => format!("a:{}", letter.to_string().repeat(*count)),
            Self::Number(n) => n.to_string(),
        }
    }

    fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Plain(text) => string(text.as_bytes()),
            Self::Number(n) => [&[0xC1][..], &n.to_le_bytes()].concat(),
            Self::Packed(..) => {
                let text = self.text();
                let mut compressor = Compressor::default();
                let packed = compressor.compress(text.as_bytes()).expect("it is worth it");
                [&[0xC3][..], &number(packed.len()), &number(text.len()), packed].concat()
            }
        }
    }
}

impl Item {
    fn bytes(&self, magic: &str, sizes: (usize, usize)) -> Vec<u8> {
        match self {
            Self::Slot(slot) if magic.starts_with("VALKEY") => {
                let text = format!("{slot},{},{},0", sizes.0, sizes.1);
                [vec![0xFA], string(b"slot-info"), string(text.as_bytes())].concat()
            }
            Self::Slot(slot) => {
                [vec![0xF4], number((*slot).into()), number(sizes.0), number(sizes.1)].concat()
            }
            Self::Aux => [vec![0xFA], string(b"colour"), string(b"blue")].concat(),
            Self::Library => [vec![0xF5], string(b"#!lua name=x\n-- nothing")].concat(),
            // An identifier, when, one operation: a string.
            Self::ModuleData => {
                [&[0xF7, 0x81][..], &[1; 8], &[2, 2, 5], &string(b"words"), &[0]].concat()
            }
            Self::Key { name, expiry, about, shape } => {
                let mut bytes = Vec::new();
                if let Some(at) = expiry {
                    bytes = [&[0xFC][..], &at.to_le_bytes()].concat();
                }
                match about {
                    1 => bytes.extend([0xF8, 0x41, 0x00]),
                    2 => bytes.extend([0xF9, 77]),
                    _ => {}
                }
                let (kind, value) = match shape {
                    0 => (0, string(b"value")),
                    1 => (0, string(&vec![b'v'; 300_000])),
                    2 => (2, [number(2), string(b"one"), string(b"two")].concat()),
                    _ => (4, [number(1), string(b"field"), string(&[b'x'; 70])].concat()),
                };
                bytes.push(kind);
                [bytes, name.bytes(), value].concat()
            }
        }
    }
}

impl Rdb {
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = [self.magic.as_bytes(), &Item::Aux.bytes(self.magic, (0, 0))].concat();
        for database in &self.databases {
            if database.is_named {
                bytes.extend([0xFE, database.db]);
            }
            let sizes = |items: &[Item]| {
                let expiries = items.iter().filter_map(|item| match item {
                    Item::Key { expiry, .. } => Some(expiry.is_some()),
                    _ => None,
                });
                let expiries: Vec<bool> = expiries.collect();
                (expiries.len(), expiries.iter().filter(|has| **has).count())
            };
            if database.has_sizes && database.is_named {
                let (keys, expiries) = sizes(&database.items);
                bytes.extend([vec![0xFB], number(keys), number(expiries)].concat());
            }
            for (i, item) in database.items.iter().enumerate() {
                let rest = &database.items[i + 1..];
                let next = rest.iter().position(|item| matches!(item, Item::Slot(_)));
                bytes.extend(item.bytes(self.magic, sizes(&rest[..next.unwrap_or(rest.len())])));
            }
        }
        bytes.push(0xFF);
        let checksum = if self.has_checksum { crc64(&bytes) } else { 0 };
        [bytes, checksum.to_le_bytes().to_vec()].concat()
    }

    /// What is left of it. What belongs to no key stays where it is.
    fn taken(&self, takes: &Takes<'_>) -> Self {
        let mut left = self.clone();
        for database in &mut left.databases {
            let db = database.db;
            let items = &mut database.items;
            items.retain(|item| match item {
                Item::Key { name, .. } => takes(db, &name.text()),
                _ => true,
            });
            // A slot of which no key is left goes, and so does the name of such a database.
            let is_slot = |item: &Item| matches!(item, Item::Slot(_));
            let is_key = |item: &Item| matches!(item, Item::Key { .. });
            database.is_named = items.iter().any(is_key);
            for i in (0..items.len()).rev().filter(|&i| is_slot(&items[i])).collect::<Vec<_>>() {
                let mut slot = items[i + 1..].iter().take_while(|item| !is_slot(item));
                if !slot.any(is_key) {
                    items.remove(i);
                }
            }
        }
        left
    }
}

fn name() -> impl Strategy<Value = Name> {
    prop_oneof![
        4 => "[ab]:[a-z]{1,9}".prop_map(Name::Plain),
        1 => "[ab]:[a-z]{1500}".prop_map(Name::Plain),
        1 => (prop::char::range('m', 'p'), prop_oneof![40..60_usize, 2000..2010_usize])
            .prop_map(|(letter, count)| Name::Packed(letter, count)),
        1 => any::<i16>().prop_filter("more than one byte", |n| !(-128..128).contains(n))
            .prop_map(Name::Number),
    ]
}

fn item() -> impl Strategy<Value = Item> {
    let shape = prop_oneof![6 => Just(0_u8), 1 => Just(1), 2 => Just(2), 2 => Just(3)];
    let key = (name(), prop::option::of(1..i64::MAX), 0..4_u8, shape)
        .prop_map(|(name, expiry, about, shape)| Item::Key { name, expiry, about, shape });
    prop_oneof![
        12 => key,
        1 => Just(Item::Aux),
        1 => Just(Item::Library),
        1 => Just(Item::ModuleData),
    ]
}

/// Databases, each with keys; where there are slots, each slot has one.
fn database() -> impl Strategy<Value = Database> {
    let items = prop::collection::vec((item(), any::<bool>()), 1..9);
    (0..20_u8, any::<bool>(), any::<bool>(), items).prop_map(|(db, has_sizes, has_slots, items)| {
        let mut all = Vec::new();
        for (i, (item, begins_slot)) in (0..).zip(items) {
            if has_slots && begins_slot && matches!(item, Item::Key { .. }) {
                all.push(Item::Slot(i * 999));
            }
            all.push(item);
        }
        all.push(Item::Key {
            name: Name::Plain("a:last".into()),
            expiry: None,
            about: 0,
            shape: 0,
        });
        Database { db, is_named: true, has_sizes, items: all }
    })
}

fn rdb() -> impl Strategy<Value = Rdb> {
    let magic = prop_oneof![Just("REDIS0011"), Just("REDIS0012"), Just("VALKEY080")];
    (magic, any::<bool>(), prop::collection::vec(database(), 0..5)).prop_map(
        |(magic, has_checksum, databases)| {
            let databases = without_twins(databases);
            Rdb { magic, has_checksum, databases }
        },
    )
}

/// No database stands twice, and no key in one: servers stop at that.
fn without_twins(mut databases: Vec<Database>) -> Vec<Database> {
    let mut numbers = std::collections::HashSet::new();
    databases.retain(|database| numbers.insert(database.db));
    for database in &mut databases {
        let last = database.items.pop();
        let mut names = std::collections::HashSet::from(["a:last".to_owned()]);
        database.items.retain(|item| match item {
            Item::Key { name, .. } => names.insert(name.text()),
            _ => true,
        });
        database.items.extend(last);
    }
    databases
}

fn filtered(rdb: &[u8], words: &[&str]) -> Vec<u8> {
    let dir = tempfile::tempdir().expect("make a temporary directory");
    let (dump, into) = (dir.path().join("dump.rdb"), dir.path().join("made"));
    fs::write(&dump, rdb).expect("write a dump");
    let target = if rdb.starts_with(b"VALKEY") { "valkey-9.1" } else { "redis-8.2" };
    // The module of its module data has that name, and nobody recorded it.
    let told = ["--target", target, "--modules", "AQEBAQEBA", "--to", "rdb"];
    let words = [&told[..], words].concat();
    let output = aofkit(&words, [&dump, &into]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    fs::read(into.join("dump.rdb")).expect("read what was made")
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: std::env::var("AOFKIT_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(40),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn filtering_an_rdb_is_writing_what_the_filter_takes(rdb in rdb(), db in 0..20_u8) {
        let db_text = db.to_string();
        let cases: [(&[&str], &Takes<'_>); 4] = [
            (&["--key", "*"], &|_, _| true),
            (&["--key", "a:*"], &|_, key| key.starts_with("a:")),
            (&["--key-regex", "^[b-]|[a-m]$"], &|_, key| {
                key.starts_with(['b', '-']) || key.ends_with(|c| ('a'..='m').contains(&c))
            }),
            (&["--key", "[ab]:*", "--db", &db_text], &|of, key| of == db && key.contains(':')),
        ];
        let whole = rdb.bytes();
        for (words, takes) in cases {
            let bytes = rdb.taken(takes).bytes();
            let made = filtered(&whole, words);
            prop_assert!(made == bytes, "{words:?}\n{made:02x?}\n{bytes:02x?}");
            if words == ["--key", "*"] {
                prop_assert!(made == whole, "with everything taken it is not the same");
            }
        }
    }
}

#[test]
fn what_cannot_be_sifted_is_refused() {
    let dir = tempfile::tempdir().expect("make a temporary directory");
    let key = Item::Key { name: Name::Plain("k".into()), expiry: None, about: 0, shape: 0 };
    let refused = |magic: &str, inside: &[u8], why: &str| {
        let mut bytes =
            [magic.as_bytes(), &[0xFE, 0], inside, &key.bytes(magic, (0, 0)), &[0xFF]].concat();
        bytes.extend(crc64(&bytes).to_le_bytes());
        let dump = dir.path().join("dump.rdb");
        fs::write(&dump, &bytes).expect("write a dump");
        let into = dir.path().join("made");
        let target = if magic.starts_with("VALKEY") { "valkey-9.1" } else { "redis-8.2" };
        let words = ["--target", target, "--key", "*"];
        let output = aofkit(&words, [&dump, &into]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{why}: {output:?}");
        assert!(said.contains(why), "{why}: {said}");
        assert!(!Path::new(&into).exists(), "{why}");
    };
    // Slots of an import: its name, and one range.
    let import = [vec![0xF3], string(b"job"), vec![1, 0, 9]].concat();
    refused("VALKEY080", &import, "on their way");
    let expiry = [&[0xFC][..], &[9; 8], &[0xFE, 3]].concat();
    refused("REDIS0012", &expiry, "between a key and its expiry");
}

#[test]
fn an_old_version_without_a_checksum_and_one_with_slots_are_sifted() {
    // Version 3 ends without a checksum.
    let bytes = b"REDIS0003\xfe\x00\x00\x01a\x01x\x00\x01b\x01x\xfe\x02\x00\x01b\x01y\xff";
    let made = filtered(bytes, &["--key", "a"]);
    assert_eq!(made, b"REDIS0003\xfe\x00\x00\x01a\x01x\xff");
    let dir = tempfile::tempdir().expect("make a temporary directory");
    fs::write(dir.path().join("dump.rdb"), bytes).expect("write a dump");
    let into = dir.path().join("made");
    let told = json(&["--key", "a"], [&dir.path().join("dump.rdb"), &into]);
    let notes = told["notes"].to_string();
    assert!(notes.contains("keeps 1 of 3 keys"), "{notes}");
}
