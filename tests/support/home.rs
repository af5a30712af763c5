//! A small set in a directory, a repository beside it, and what a test does with them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use aofkit::aof::OpenOptions;
use aofkit::backup::{
    Backup, BackupOptions, Depth, Repository, RestoreOptions, Verified, backup, restore, verify,
};
use aofkit::error::Result;
use aofkit::progress::Silent;
use aofkit::store::Location;
use tempfile::TempDir;

/// A set in a directory, and a repository beside it.
pub struct Home {
    pub root: TempDir,
}

pub const INCREMENT: &str = "appendonly.aof.1.incr.aof";

impl Home {
    pub fn new() -> Self {
        Self::at(TempDir::new().unwrap())
    }

    /// In memory where there is such a place: for hundreds of runs, each of which syncs what it writes.
    pub fn in_memory() -> Self {
        Self::at(TempDir::new_in("/dev/shm").or_else(|_| TempDir::new()).unwrap())
    }

    fn at(root: TempDir) -> Self {
        let home = Self { root };
        fs::create_dir(home.set()).unwrap();
        home
    }

    /// A base of one key and an increment.
    pub fn with_increment(bytes: &[u8]) -> Self {
        let home = Self::new();
        home.fill(bytes);
        home
    }

    pub fn fill(&self, increment: &[u8]) {
        self.put("appendonly.aof.1.base.aof", &set("base", b"1"));
        self.put(INCREMENT, increment);
        let manifest =
            format!("file appendonly.aof.1.base.aof seq 1 type b\nfile {INCREMENT} seq 1 type i\n");
        self.put("appendonly.aof.manifest", manifest.as_bytes());
    }

    pub fn set(&self) -> PathBuf {
        self.root.path().join("appendonlydir")
    }

    pub fn put(&self, name: &str, bytes: &[u8]) {
        fs::write(self.set().join(name), bytes).unwrap();
    }

    pub fn append(&self, bytes: &[u8]) {
        use std::io::Write;
        let path = self.set().join(INCREMENT);
        fs::File::options().append(true).open(path).unwrap().write_all(bytes).unwrap();
    }

    pub fn repo(&self) -> PathBuf {
        self.root.path().join("repo")
    }

    pub fn repository(&self) -> Repository {
        Repository::open_or_create(Location(&self.repo()).store(Some(0))).unwrap()
    }

    pub fn backup(&self) -> Backup {
        self.try_backup(&BackupOptions::default()).unwrap()
    }

    pub fn try_backup(&self, options: &BackupOptions) -> Result<Backup> {
        backup(&self.set(), &OpenOptions::default(), &self.repository(), options, &Silent)
    }

    /// Restores by nothing but the script.
    pub fn by_hand(&self, backup: &Backup) -> BTreeMap<String, Vec<u8>> {
        let dest = self.root.path().join(format!("hand-{}", backup.entry.seq));
        run_script(&self.repo(), backup, &dest);
        files_in(&dest)
    }

    /// The same, into a place that may have been used before.
    pub fn by_hand_anew(&self, backup: &Backup) -> BTreeMap<String, Vec<u8>> {
        drop(fs::remove_dir_all(self.root.path().join(format!("hand-{}", backup.entry.seq))));
        self.by_hand(backup)
    }
}

/// Restores by the script, which needs zstd; where there is none, by the library, which is told.
pub fn run_script(repo: &Path, backup: &Backup, dest: &Path) {
    let zstd = Command::new("zstd").arg("--version").output();
    if !zstd.is_ok_and(|run| run.status.success()) {
        println!("there is no zstd program: nothing was restored by hand");
        let repository = Repository::at(repo).unwrap();
        let options = RestoreOptions { replace: false, threads: 1 };
        restore(&repository, &backup.entry, dest, options, &Silent).unwrap();
        return;
    }
    let (source, id) = (&backup.entry.source, &backup.entry.id);
    let script = repo.join(format!("sources/{source}/snapshots/{id}.sh"));
    let run = Command::new("sh").arg(script).arg(dest).current_dir("/").output().unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
}

pub fn files_in(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap());
    entries.map(|e| (e.file_name().into_string().unwrap(), fs::read(e.path()).unwrap())).collect()
}

pub fn set(key: &str, value: &[u8]) -> Vec<u8> {
    let mut bytes =
        format!("*3\r\n$3\r\nSET\r\n${}\r\n{key}\r\n${}\r\n", key.len(), value.len()).into_bytes();
    bytes.extend(value);
    bytes.extend(b"\r\n");
    bytes
}

pub const MULTI: &[u8] = b"*1\r\n$5\r\nMULTI\r\n";
pub const EXEC: &[u8] = b"*1\r\n$4\r\nEXEC\r\n";

/// All that verify can find in the repository.
pub fn verified(repository: &Repository) -> Verified {
    verify(repository, Depth::Contents { slice: 1, of: 1 }, 1, &Silent).unwrap()
}

/// A directory and everything below it, by paths seen from it; directories end in a slash.
pub fn tree(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut pending = vec![(dir.to_owned(), String::new())];
    while let Some((dir, prefix)) = pending.pop() {
        for entry in fs::read_dir(dir).unwrap() {
            let entry = entry.unwrap();
            let name = format!("{prefix}{}", entry.file_name().to_str().unwrap());
            if entry.file_type().unwrap().is_dir() {
                found.insert(format!("{name}/"), Vec::new());
                pending.push((entry.path(), format!("{name}/")));
            } else {
                found.insert(name, fs::read(entry.path()).unwrap());
            }
        }
    }
    found
}

/// Makes a directory what [`tree`] saw of it.
pub fn put_back(dir: &Path, was: &BTreeMap<String, Vec<u8>>) {
    drop(fs::remove_dir_all(dir));
    for (name, bytes) in was {
        match name.strip_suffix('/') {
            Some(name) => fs::create_dir_all(dir.join(name)).unwrap(),
            None => {
                fs::create_dir_all(dir.join(name).parent().unwrap()).unwrap();
                fs::write(dir.join(name), bytes).unwrap();
            }
        }
    }
}
