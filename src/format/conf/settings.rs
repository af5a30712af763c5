//! What a configuration says about the append-only file.
//!
//! A field is `None` where nothing was said; the method of the same name gives the value in force then.
//! Defaults: those of Redis 7.0 to 8.x and Valkey 8 to 9.1, which agree on all of these.

use super::units::{parse_percentage, plain_number, positive, size};
use super::values::{RdbVersionCheck, Read, base_name, plain_name, sanitize, version_check};
use super::{Directive, Fault, Kind, PackedLimits, Reason};

/// What was said, so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// `dir`: the directory of everything; relative ones are put after the `dir` before them.
    pub dir: Option<Vec<u8>>,
    /// `appenddirname`: the directory of the manifest and its files, inside `dir`.
    pub append_dir_name: Option<Vec<u8>>,
    /// `backupdirname`: the directory of the backups that a server makes of itself, inside `dir` (documented of Redis 8.10).
    pub backup_dir_name: Option<Vec<u8>>,
    /// `appendfilename`: what the names of manifest and files begin with.
    pub append_file_name: Option<Vec<u8>>,
    /// `dbfilename`: the RDB snapshot's name, inside `dir`; empty means none.
    pub db_file_name: Option<Vec<u8>>,
    /// `appendonly`
    pub append_only: Option<bool>,
    /// `auto-aof-rewrite-percentage`: growth since the last rewrite that starts one; 0 is never.
    pub auto_rewrite_percentage: Option<u32>,
    /// `auto-aof-rewrite-min-size`, in bytes.
    pub auto_rewrite_min_bytes: Option<u64>,
    /// `aof-load-truncated`: a torn tail is cut off at startup.
    pub load_truncated: Option<bool>,
    /// `aof-load-corrupt-tail-max-size`, in bytes (Redis 8.4 and later); 0 is off.
    pub load_corrupt_tail_max_bytes: Option<u64>,
    /// `aof-use-rdb-preamble`: bases are written as RDB.
    pub use_rdb_preamble: Option<bool>,
    /// `rdbcompression`: strings of an RDB are compressed where that makes them smaller.
    pub rdb_compression: Option<bool>,
    /// Up to which size values stay packed: `hash-max-listpack-entries` and others.
    pub packed: PackedLimits,
    /// `aof-timestamp-enabled`: `#TS:` annotations are written.
    pub timestamp_enabled: Option<bool>,
    /// `databases`: how many there are, counted from 0.
    pub databases: Option<u32>,
    /// `cluster-enabled`: the server is a node of a cluster.
    pub cluster_enabled: Option<bool>,
    /// `cluster-databases`: how many databases a node of a cluster has (Valkey 9.0 and later; others have one).
    pub cluster_databases: Option<u32>,
    /// `loadmodule`: the words of each line, the path of a module first.
    pub load_modules: Vec<Vec<Vec<u8>>>,
    /// `rdb-version-check` (Valkey 8.1 and later).
    pub rdb_version_check: Option<RdbVersionCheck>,
    /// `sanitize-dump-payload`: values are looked at in full while they are loaded (`yes`), or not (`no`, `clients`).
    pub sanitize_dump_payload: Option<bool>,
    /// `rename-command`: a command's name, and the one it has instead; empty where it is gone.
    pub renamed_commands: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Settings {
    /// Takes one more line into account; whether it was about one of these settings.
    ///
    /// A fault means that a server with this setting refuses to start because of this line; nothing
    /// is changed then. An empty `dbfilename` is none, though Valkey 9.1 refuses it: Redis does
    /// not.
    pub fn apply(&mut self, directive: &Directive) -> Result<bool, Fault<Reason>> {
        const SIZE: &str = "a size such as 1048576, 1mb or 1m";
        let line = Read(directive);
        match directive.name.as_slice() {
            b"appendonly" => self.append_only = Some(line.yes_or_no("appendonly")?),
            b"auto-aof-rewrite-percentage" => {
                let name = "auto-aof-rewrite-percentage";
                let expected = "a whole number from 0 to 2147483647, without '%'";
                self.auto_rewrite_percentage = Some(line.one(name, expected, parse_percentage)?);
            }
            b"auto-aof-rewrite-min-size" => {
                let name = "auto-aof-rewrite-min-size";
                self.auto_rewrite_min_bytes = Some(line.one(name, SIZE, size)?);
            }
            b"aof-load-truncated" => {
                self.load_truncated = Some(line.yes_or_no("aof-load-truncated")?);
            }
            b"aof-load-corrupt-tail-max-size" => {
                let name = "aof-load-corrupt-tail-max-size";
                let expected = "a whole number of bytes without a unit";
                self.load_corrupt_tail_max_bytes = Some(line.one(name, expected, plain_number)?);
            }
            b"aof-use-rdb-preamble" => {
                self.use_rdb_preamble = Some(line.yes_or_no("aof-use-rdb-preamble")?);
            }
            b"rdbcompression" => self.rdb_compression = Some(line.yes_or_no("rdbcompression")?),
            b"aof-timestamp-enabled" => {
                self.timestamp_enabled = Some(line.yes_or_no("aof-timestamp-enabled")?);
            }
            b"databases" => {
                let expected = "a whole number from 1 to 2147483647";
                self.databases = Some(line.one("databases", expected, positive)?);
            }
            b"cluster-enabled" => self.cluster_enabled = Some(line.yes_or_no("cluster-enabled")?),
            b"cluster-databases" => {
                let expected = "a whole number from 1 to 2147483647";
                self.cluster_databases = Some(line.one("cluster-databases", expected, positive)?);
            }
            b"loadmodule" => self.load_modules.push(line.some("loadmodule")?),
            b"rdb-version-check" => {
                let expected = "strict or relaxed";
                self.rdb_version_check =
                    Some(line.one("rdb-version-check", expected, version_check)?);
            }
            b"sanitize-dump-payload" => self.sanitize_dump_payload = Some(sanitize(&line)?),
            b"rename-command" => {
                let [from, to] = directive.args.as_slice() else {
                    let given = directive.args.len();
                    return Err(directive.fault(Kind::Arguments { name: "rename-command", given }));
                };
                self.renamed_commands.push((from.clone(), to.clone()));
            }
            _ => return Ok(self.place(directive)? || self.packed.apply(directive)?),
        }
        Ok(true)
    }

    /// The same, of a line that says where files lie.
    fn place(&mut self, directive: &Directive) -> Result<bool, Fault<Reason>> {
        const PLAIN_NAME: &str = "a name that is not empty and has no '/' and no '\\'";
        let line = Read(directive);
        match directive.name.as_slice() {
            b"dir" => {
                let to = line.one("dir", "a directory", |text| Some(text.to_vec()))?;
                self.change_dir(to);
            }
            b"backupdirname" => {
                self.backup_dir_name = Some(line.one("backupdirname", PLAIN_NAME, plain_name)?);
            }
            b"appenddirname" => {
                self.append_dir_name = Some(line.one("appenddirname", PLAIN_NAME, plain_name)?);
            }
            b"appendfilename" => {
                self.append_file_name = Some(line.one("appendfilename", PLAIN_NAME, plain_name)?);
            }
            b"dbfilename" => {
                let expected = "a name without '/' and '\\'";
                self.db_file_name = Some(line.one("dbfilename", expected, base_name)?);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// The directory of everything; `./` is where the server was started.
    pub fn dir(&self) -> &[u8] {
        self.dir.as_deref().unwrap_or(b"./")
    }

    /// The directory of the manifest, inside [`Settings::dir`].
    pub fn append_dir_name(&self) -> &[u8] {
        self.append_dir_name.as_deref().unwrap_or(b"appendonlydir")
    }

    /// The directory of the backups that a server makes of itself.
    pub fn backup_dir_name(&self) -> &[u8] {
        self.backup_dir_name.as_deref().unwrap_or(b"backupdir")
    }

    /// What the names of manifest and files begin with.
    pub fn append_file_name(&self) -> &[u8] {
        self.append_file_name.as_deref().unwrap_or(b"appendonly.aof")
    }

    /// The RDB snapshot's name, inside [`Settings::dir`].
    pub fn db_file_name(&self) -> &[u8] {
        self.db_file_name.as_deref().unwrap_or(b"dump.rdb")
    }

    /// Whether the append-only file is on.
    pub fn append_only(&self) -> bool {
        self.append_only.unwrap_or(false)
    }

    /// Growth since the last rewrite that starts one, in percent; 0 is never.
    pub fn auto_rewrite_percentage(&self) -> u32 {
        self.auto_rewrite_percentage.unwrap_or(100)
    }

    /// Bytes below which no rewrite starts by itself.
    pub fn auto_rewrite_min_bytes(&self) -> u64 {
        self.auto_rewrite_min_bytes.unwrap_or(64 << 20)
    }

    /// Whether a torn tail is cut off at startup.
    pub fn load_truncated(&self) -> bool {
        self.load_truncated.unwrap_or(true)
    }

    /// Bytes of a corrupt tail that are cut off at startup; 0 is off.
    pub fn load_corrupt_tail_max_bytes(&self) -> u64 {
        self.load_corrupt_tail_max_bytes.unwrap_or(0)
    }

    /// Whether bases are written as RDB.
    pub fn use_rdb_preamble(&self) -> bool {
        self.use_rdb_preamble.unwrap_or(true)
    }

    /// Whether `#TS:` annotations are written.
    pub fn timestamp_enabled(&self) -> bool {
        self.timestamp_enabled.unwrap_or(false)
    }

    /// How many databases there are, counted from 0.
    pub fn databases(&self) -> u32 {
        self.databases.unwrap_or(16)
    }

    /// What becomes of an RDB version the server does not know.
    pub fn rdb_version_check(&self) -> RdbVersionCheck {
        self.rdb_version_check.unwrap_or_default()
    }

    /// Whether values are looked at in full while a log is loaded; a server may do so in any case.
    pub fn sanitizes_loads(&self) -> bool {
        self.sanitize_dump_payload.unwrap_or(false)
    }

    /// Servers change to `dir` as they read it, so a relative one starts from the one before.
    fn change_dir(&mut self, to: Vec<u8>) {
        match &mut self.dir {
            // In place: a file may have a million such lines.
            Some(from) if !to.starts_with(b"/") => {
                from.push(b'/');
                from.extend(to);
            }
            dir => *dir = Some(to),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::lines;
    use super::*;

    fn read(text: &str) -> Result<Settings, Fault<Reason>> {
        let mut settings = Settings::default();
        for directive in lines(text.as_bytes()) {
            settings.apply(&directive?)?;
        }
        Ok(settings)
    }

    #[test]
    fn nothing_said_leaves_the_defaults() {
        let settings = read("port 6379\nsave 3600 1\n").unwrap();
        assert_eq!(settings, Settings::default());
        assert_eq!(settings.dir(), b"./");
        assert_eq!(settings.append_dir_name(), b"appendonlydir");
        assert_eq!(settings.append_file_name(), b"appendonly.aof");
        assert_eq!(settings.db_file_name(), b"dump.rdb");
        assert!(!settings.append_only() && !settings.timestamp_enabled());
        assert!(settings.load_truncated() && settings.use_rdb_preamble());
        assert_eq!(settings.auto_rewrite_percentage(), 100);
        assert_eq!(settings.auto_rewrite_min_bytes(), 67_108_864);
        assert_eq!(settings.load_corrupt_tail_max_bytes(), 0);
        assert_eq!(settings.databases(), 16);
        assert_eq!(settings.rdb_version_check(), RdbVersionCheck::Strict);
    }

    #[test]
    fn every_setting_is_read() {
        let settings = read(
            "dir /data\nbackupdirname kept\nappenddirname 'my dir'\nappendfilename \"my.aof\"\ndbfilename my.rdb\n\
             APPENDONLY Yes\nauto-aof-rewrite-percentage 50\nauto-aof-rewrite-min-size 1gb\n\
             aof-load-truncated no\naof-load-corrupt-tail-max-size 4000\naof-use-rdb-preamble no\n\
             aof-timestamp-enabled yes\ndatabases 4\nrdb-version-check relaxed\n\
             rdbcompression no\nsanitize-dump-payload clients\nhash-max-ziplist-entries 64\n\
             cluster-enabled yes\ncluster-databases 3\nloadmodule /a.so x y\n\
             rename-command SET MYSET\nrename-command KEYS \"\"\n",
        );
        let expected = Settings {
            dir: Some(b"/data".to_vec()),
            append_dir_name: Some(b"my dir".to_vec()),
            append_file_name: Some(b"my.aof".to_vec()),
            backup_dir_name: Some(b"kept".to_vec()),
            db_file_name: Some(b"my.rdb".to_vec()),
            append_only: Some(true),
            auto_rewrite_percentage: Some(50),
            auto_rewrite_min_bytes: Some(1 << 30),
            load_truncated: Some(false),
            load_corrupt_tail_max_bytes: Some(4000),
            use_rdb_preamble: Some(false),
            timestamp_enabled: Some(true),
            databases: Some(4),
            cluster_enabled: Some(true),
            cluster_databases: Some(3),
            load_modules: vec![["/a.so", "x", "y"].map(|word| word.into()).to_vec()],
            rdb_version_check: Some(RdbVersionCheck::Relaxed),
            rdb_compression: Some(false),
            packed: PackedLimits { hash_entries: Some(64), ..PackedLimits::default() },
            sanitize_dump_payload: Some(false),
            renamed_commands: vec![
                (b"SET".to_vec(), b"MYSET".to_vec()),
                (b"KEYS".to_vec(), vec![]),
            ],
        };
        assert_eq!(read("").unwrap(), Settings::default());
        assert_eq!(settings, Ok(expected));
    }

    #[test]
    fn the_last_line_wins_across_files() {
        let mut settings = Settings::default();
        for file in ["appendonly yes\ndatabases 3", "appendonly no"] {
            for directive in lines(file.as_bytes()) {
                assert_eq!(settings.apply(&directive.unwrap()), Ok(true));
            }
        }
        assert_eq!((settings.append_only, settings.databases), (Some(false), Some(3)));
    }

    #[test]
    fn a_relative_dir_starts_from_the_one_before() {
        let dir = |text| read(text).unwrap().dir;
        assert_eq!(dir("dir /a\ndir b"), Some(b"/a/b".to_vec()));
        assert_eq!(dir("dir a\ndir /b"), Some(b"/b".to_vec()));
        assert_eq!(dir("dir a"), Some(b"a".to_vec()));
    }

    #[test]
    fn a_value_no_server_accepts_is_a_fault_on_its_line() {
        for bad in [
            "appendonly",
            "appendonly yes no",
            "appendonly yes # on",
            "appendonly true",
            "appendfilename a/b",
            "appendfilename \"\"",
            "appenddirname \"a\\\\b\"",
            "dbfilename /a",
            "databases 0",
            "auto-aof-rewrite-percentage 100%",
            "auto-aof-rewrite-min-size 64 mb",
            "auto-aof-rewrite-min-size 9223372036854775808",
            "rdb-version-check no",
            "sanitize-dump-payload perhaps",
            "aof-load-corrupt-tail-max-size 4k",
            "aof-load-corrupt-tail-max-size 4kb",
            "aof-load-corrupt-tail-max-size 0x10",
            "aof-load-corrupt-tail-max-size 014",
            "aof-load-corrupt-tail-max-size -1",
            "aof-load-corrupt-tail-max-size 9223372036854775808",
            "cluster-enabled 1",
            "cluster-databases 0",
            "loadmodule",
            "rename-command SET",
            "rename-command SET A B",
        ] {
            let fault = read(&format!("# c\n{bad}\n")).unwrap_err();
            assert_eq!((fault.at, fault.reason.line), (4, 2), "{bad}");
        }
        let text = read("appendonly on").unwrap_err().to_string();
        assert_eq!(text, "byte 0 (0x0): line 1: appendonly must be yes or no");
    }

    #[test]
    fn oddities_servers_accept_are_accepted() {
        assert_eq!(read("auto-aof-rewrite-min-size mb").unwrap().auto_rewrite_min_bytes, Some(0));
        assert_eq!(read("auto-aof-rewrite-min-size 007").unwrap().auto_rewrite_min_bytes, Some(7));
        assert_eq!(read("dbfilename \"\"").unwrap().db_file_name, Some(vec![]));
    }
}
