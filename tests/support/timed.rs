//! Sets made by chance, and an independent idea of what belongs to which second.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use super::mutate::Random;

/// The first second of every set.
pub const BEGIN: i64 = 1_700_000_000;

/// A set: its files in the order of loading, and where annotations stand in it.
pub struct Set {
    pub files: Vec<(String, Vec<u8>)>,
    pub stamps: Vec<Stamp>,
}

/// An annotation.
#[derive(Clone, Copy, Debug)]
pub struct Stamp {
    pub seconds: i64,
    pub file: usize,
    pub offset: usize,
    /// Offset of the MULTI it stands behind.
    pub multi: Option<usize>,
}

fn record(words: &[&str]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        bytes.extend(format!("${}\r\n{word}\r\n", word.len()).into_bytes());
    }
    bytes
}

/// Writes one file by chance.
struct Writer<'r> {
    random: &'r mut Random,
    bytes: Vec<u8>,
    stamps: Vec<Stamp>,
    file: usize,
    now: i64,
    stamped: i64,
}

impl Writer<'_> {
    fn stamp(&mut self, multi: Option<usize>) {
        self.now += [0, 0, 0, 1, 1, 2, 5][self.random.below(7)];
        if self.now > self.stamped {
            let offset = self.bytes.len();
            let (seconds, file) = (self.now, self.file);
            self.stamps.push(Stamp { seconds, file, offset, multi });
            self.bytes.extend(format!("#TS:{}\r\n", self.now).into_bytes());
            self.stamped = self.now;
        }
    }

    fn set(&mut self) {
        let (key, mut value) = (self.random.below(40), self.random.below(100_000).to_string());
        // What looks like an annotation of another time is part of a value.
        if self.random.below(5) == 0 {
            let other = self.now + self.random.below(9) as i64 - 4;
            value = format!("{value}\r\n#TS:{other}\r\n");
        }
        self.bytes.extend(record(&["SET", &format!("key:{key}"), &value]));
    }

    fn group(&mut self) {
        let multi = self.bytes.len();
        self.bytes.extend(record(&["MULTI"]));
        for _ in 0..1 + self.random.below(3) {
            self.set();
            // No server does this; the cut must not come to lie here all the same.
            if self.random.below(4) == 0 {
                self.stamp(Some(multi));
            }
        }
        self.bytes.extend(record(&["EXEC"]));
    }
}

/// A set with a RESP base that has no annotations, and one to three increments.
pub fn set(random: &mut Random) -> Set {
    let base = [record(&["SELECT", "0"]), record(&["SET", "base", "1"])].concat();
    let mut files = vec![("F.1.base.aof".to_owned(), base)];
    let mut stamps = Vec::new();
    let (mut now, mut stamped) = (BEGIN, 0);
    for number in 1..=1 + random.below(3) {
        let file = files.len();
        let mut writer =
            Writer { random, bytes: Vec::new(), stamps: Vec::new(), file, now, stamped };
        writer.stamp(None);
        writer.bytes.extend(record(&["SELECT", "0"]));
        for _ in 0..writer.random.below(30) {
            writer.stamp(None);
            match writer.random.below(4) {
                0 => writer.group(),
                _ => writer.set(),
            }
        }
        (now, stamped) = (writer.now, writer.stamped);
        stamps.append(&mut writer.stamps);
        files.push((format!("F.{number}.incr.aof"), writer.bytes));
    }
    Set { files, stamps }
}

impl Set {
    pub fn write(&self, dir: &Path) {
        fs::create_dir_all(dir).unwrap();
        for (name, bytes) in &self.files {
            fs::write(dir.join(name), bytes).unwrap();
        }
        let mut manifest = format!("file {} seq 1 type b\n", self.files[0].0);
        for (i, (name, _)) in self.files.iter().enumerate().skip(1) {
            manifest.push_str(&format!("file {name} seq {i} type i\n"));
        }
        fs::write(dir.join("F.manifest"), manifest).unwrap();
    }

    /// The annotation at which everything later than this second begins.
    pub fn later(&self, seconds: i64) -> Option<Stamp> {
        self.stamps.iter().copied().find(|stamp| stamp.seconds > seconds)
    }

    /// All bytes that belong to this second and earlier ones, whole transactions only.
    pub fn until(&self, seconds: i64) -> Vec<u8> {
        let mut all = Vec::new();
        let later = self.later(seconds);
        for (i, (_, bytes)) in self.files.iter().enumerate() {
            match later {
                Some(stamp) if stamp.file == i => {
                    all.extend_from_slice(&bytes[..stamp.multi.unwrap_or(stamp.offset)]);
                    return all;
                }
                _ => all.extend_from_slice(bytes),
            }
        }
        all
    }
}

/// The bytes of all files that a manifest names, in the order of loading.
pub fn content(dir: &Path) -> Vec<u8> {
    let manifest = fs::read_to_string(dir.join("F.manifest")).unwrap();
    let mut all = Vec::new();
    for line in manifest.lines() {
        let name = line.split(' ').nth(1).unwrap();
        all.extend(fs::read(dir.join(name)).unwrap());
    }
    all
}

/// What redis-check-aof leaves of a copy of such a set; `None` when it refuses.
pub fn cut_by_tool(tool: &Path, set: &Path, second: i64) -> Option<tempfile::TempDir> {
    let copy = tempfile::tempdir().unwrap();
    super::copy_tree(set, copy.path());
    let status = Command::new(tool)
        .args(["--truncate-to-timestamp", &second.to_string()])
        .arg(copy.path().join("F.manifest"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .unwrap();
    status.success().then_some(copy)
}

/// Whether both directories hold the same files.
pub fn assert_same(ours: &Path, theirs: &Path) {
    let names = |dir: &Path| {
        let mut names: Vec<_> =
            fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    assert_eq!(names(ours), names(theirs));
    for name in names(ours) {
        assert!(fs::read(ours.join(&name)).unwrap() == fs::read(theirs.join(&name)).unwrap());
    }
}

/// redis-check-aof 8.2, which this was compared with.
pub fn tool() -> Option<std::path::PathBuf> {
    let tool = super::server::servers_dir().map(|dir| dir.join("redis-8.2/check-aof"));
    tool.filter(|_| super::server::Server::find("redis-8.2").is_some())
}
