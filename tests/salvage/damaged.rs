//! Damage of every kind, to sets that real servers wrote: what is changed, and copies that are changed so.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::reader;
use super::support::copy_tree;
use super::support::mutate::{Mutation, Random};
use super::support::server::APPEND_DIR;
use super::written::Written;

const MANIFEST: &str = "appendonly.aof.manifest";

/// Where damage is. A number chooses, so that every kind has its turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The last file ends too early.
    Torn,
    /// Something stands behind the end of the last file.
    Behind,
    /// Anywhere in the last file.
    Last,
    /// Anywhere in an increment that is not the last.
    Inner,
    /// In several files at once.
    Several,
    /// The base ends too early.
    Base,
    /// A transaction has lost its EXEC, in any increment.
    Open,
    /// The manifest alone.
    Manifest,
    /// The manifest, and a torn end.
    ManifestAndEnd,
    /// The manifest, and damage inside.
    ManifestAndInner,
}

pub const KINDS: [Kind; 10] = [
    Kind::Torn,
    Kind::Manifest,
    Kind::Inner,
    Kind::Several,
    Kind::Base,
    Kind::Behind,
    Kind::Open,
    Kind::ManifestAndEnd,
    Kind::Last,
    Kind::ManifestAndInner,
];

/// Files of a set by name.
pub type Files = BTreeMap<String, Vec<u8>>;

/// A set with damage: what it is, and what its files are instead; `None`: not there.
pub struct Damaged<'w> {
    pub written: &'w Written,
    pub what: String,
    changes: BTreeMap<String, Option<Vec<u8>>>,
}

impl<'w> Damaged<'w> {
    /// One of `kind` by the next random numbers.
    pub fn of(written: &'w Written, kind: Kind, random: &mut Random) -> Damaged<'w> {
        let what = format!("{} {kind:?}:", written.server.name);
        let mut damaged = Damaged { written, what, changes: BTreeMap::new() };
        let files = written.files();
        let (base, increments) = files.split_first().unwrap();
        let (last, before) = increments.split_last().unwrap();
        match kind {
            Kind::Torn => damaged.tear(last, random),
            Kind::Behind => damaged.put_behind(last, random),
            Kind::Last => damaged.damage(last, random),
            Kind::Inner => damaged.damage(&random.pick(before).clone(), random),
            Kind::Several => {
                increments.iter().for_each(|file| damaged.damage(file, random));
            }
            Kind::Base => damaged.tear(base, random),
            Kind::Open => damaged.open(&random.pick(increments).clone(), random),
            Kind::Manifest => damaged.manifest(random),
            Kind::ManifestAndEnd => {
                damaged.manifest(random);
                damaged.tear(last, random);
            }
            Kind::ManifestAndInner => {
                damaged.manifest(random);
                damaged.damage(&random.pick(increments).clone(), random);
            }
        }
        damaged
    }

    /// One change to any of the data files.
    pub fn anywhere(written: &'w Written, random: &mut Random) -> Damaged<'w> {
        let what = format!("{}:", written.server.name);
        let mut damaged = Damaged { written, what, changes: BTreeMap::new() };
        damaged.damage(&random.pick(&written.files()).clone(), random);
        damaged
    }

    /// Whether the data are what the server wrote.
    pub fn is_manifest_alone(&self) -> bool {
        self.changes.keys().all(|name| name == MANIFEST)
    }

    /// Whether a base that is an RDB is not as it was.
    pub fn has_broken_rdb(&self) -> bool {
        self.changes.keys().any(|name| name.ends_with(".rdb"))
    }

    /// The files as they are with the damage.
    pub fn files(&self) -> Files {
        let mut files = tree(&self.written.set());
        for (name, bytes) in &self.changes {
            match bytes {
                Some(bytes) => drop(files.insert(name.clone(), bytes.clone())),
                None => drop(files.remove(name)),
            }
        }
        files
    }

    /// A copy of the data directory with the damage in it; answers the append directory. Files were last
    /// written to when the server did it.
    pub fn copy(&self, into: &Path) -> PathBuf {
        copy_tree(&self.written.data, into);
        let set = into.join(APPEND_DIR);
        for (name, bytes) in &self.changes {
            match bytes {
                Some(bytes) => fs::write(set.join(name), bytes).unwrap(),
                None => fs::remove_file(set.join(name)).unwrap(),
            }
        }
        for name in self.files().keys() {
            let original = fs::metadata(self.written.set().join(name)).unwrap();
            let copy = fs::File::options().write(true).open(set.join(name)).unwrap();
            copy.set_modified(original.modified().unwrap()).unwrap();
        }
        set
    }

    fn change(&mut self, file: &str, mutation: &Mutation) {
        self.what += &format!(" {file} {mutation}");
        let bytes = mutation.apply(&self.written.bytes(file));
        self.changes.insert(file.to_owned(), Some(bytes));
    }

    fn damage(&mut self, file: &str, random: &mut Random) {
        self.change(file, &Mutation::choose(random, &self.written.bytes(file)));
    }

    fn tear(&mut self, file: &str, random: &mut Random) {
        let len = self.written.bytes(file).len();
        let missing = 1 + random.below((len / 2).min(4000));
        self.change(file, &Mutation::Truncate { at: len - missing });
    }

    fn put_behind(&mut self, file: &str, random: &mut Random) {
        let torn = b"*3\r\n$3\r\nSET\r\n$5\r\nnever\r\n$9\r\nwr".to_vec();
        let garbage = (0..1 + random.below(90)).map(|_| 0x80 | random.next() as u8).collect();
        let behind = match random.below(3) {
            0 => Mutation::AppendZeroes { length: 1 + random.below(9000) },
            1 => Mutation::Append { bytes: torn },
            _ => Mutation::Append { bytes: garbage },
        };
        self.change(file, &behind);
    }

    fn open(&mut self, file: &str, random: &mut Random) {
        let commands = reader::read(&self.written.bytes(file));
        let ends: Vec<_> = commands.iter().filter(|c| c.args[0] == b"EXEC").collect();
        let at = &random.pick(&ends).at;
        self.change(file, &Mutation::Delete { at: at.start, length: at.len() });
    }

    fn manifest(&mut self, random: &mut Random) {
        let text = String::from_utf8(self.written.bytes(MANIFEST)).unwrap();
        let (name, broken) = broken_manifest(&text, random);
        self.what += &format!(" manifest {name}");
        self.changes.insert(MANIFEST.to_owned(), broken.map(String::into_bytes));
    }
}

/// Something that happens to manifests, and what is left of this one.
fn broken_manifest(text: &str, random: &mut Random) -> (&'static str, Option<String>) {
    let lines: Vec<&str> = text.lines().collect();
    let (last, before) = lines.split_last().unwrap();
    let before: String = before.iter().map(|line| format!("{line}\n")).collect();
    let broken = match random.below(11) {
        0 => return ("lost", None),
        1 => ("without its last newline", text.trim_end().to_owned()),
        2 => ("empty", String::new()),
        3 => ("all zeroes", "\0".repeat(text.len())),
        4 => ("with a line twice", format!("{text}{last}\n")),
        5 => ("with an empty line", format!("{before}\n{last}\n")),
        6 => ("upside down", lines.iter().rev().map(|line| format!("{line}\n")).collect()),
        7 => ("with zeroes behind", format!("{text}\0\0\0\0")),
        8 => ("with a mark in front", format!("\u{feff}{text}")),
        9 => ("cut in a line", text[..text.len() - 2 - random.below(last.len() - 2)].to_owned()),
        _ => ("with a letter wrong", text.replacen("type i", "type j", 1)),
    };
    (broken.0, Some(broken.1))
}

/// All files of a directory.
pub fn tree(dir: &Path) -> Files {
    let entries = fs::read_dir(dir).unwrap().flatten().filter(|e| e.path().is_file());
    entries
        .map(|e| (e.file_name().to_string_lossy().into_owned(), fs::read(e.path()).unwrap()))
        .collect()
}
