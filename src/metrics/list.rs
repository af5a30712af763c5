//! The one list of metrics. The text that is written, the page that explains it, the rules of alerts and the dashboard
//! name what stands here, and nothing else.

/// How a value moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricKind {
    /// It goes up and down.
    Gauge,
    /// It only grows, until what counts it starts anew.
    Counter,
}

impl MetricKind {
    /// Its name in the text format.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gauge => "gauge",
            Self::Counter => "counter",
        }
    }
}

/// What a value is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Bytes.
    Bytes,
    /// Seconds.
    Seconds,
    /// Seconds since 1970 in UTC.
    Timestamp,
    /// A part of one: 0.5 is a half.
    Ratio,
    /// 1 for yes, 0 for no.
    Flag,
    /// A number of things.
    Count,
}

impl Unit {
    /// What it is called.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bytes => "bytes",
            Self::Seconds => "seconds",
            Self::Timestamp => "Unix seconds",
            Self::Ratio => "ratio",
            Self::Flag => "1 or 0",
            Self::Count => "count",
        }
    }

    /// How names end that are counted in it.
    pub const fn ending(self) -> &'static str {
        match self {
            Self::Bytes => "_bytes",
            Self::Seconds => "_seconds",
            Self::Timestamp => "_timestamp_seconds",
            Self::Ratio => "_ratio",
            Self::Flag | Self::Count => "",
        }
    }
}

/// Where values come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The files of a set, by a check of them.
    Check,
    /// The directory and the file system of a set.
    Disk,
    /// The repository of `--repo`.
    Repository,
    /// The server of `--server`: a field of INFO, or a setting.
    Server(&'static str),
    /// The rules of `--audit`.
    Audit,
    /// aofkit itself.
    Own,
}

/// One metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metric {
    /// Its name.
    pub name: &'static str,
    /// How it moves.
    pub kind: MetricKind,
    /// What it is counted in.
    pub unit: Unit,
    /// The names of its labels, in order.
    pub labels: &'static [&'static str],
    /// What it is, in one sentence.
    pub help: &'static str,
    /// Where it comes from.
    pub origin: Origin,
}

macro_rules! metrics {
    ($($id:ident = $kind:ident $name:literal [$($label:literal),*] $unit:ident, $origin:expr, $help:literal;)*) => {
        $(
            #[doc = $help]
            pub const $id: Metric = Metric {
                name: $name,
                kind: MetricKind::$kind,
                unit: Unit::$unit,
                labels: &[$($label),*],
                help: $help,
                origin: $origin,
            };
        )*
        /// All of them, in the order in which they are written.
        pub const METRICS: &[Metric] = &[$($id),*];
    };
}

metrics! {
    CHECK_SUCCESS = Gauge "aof_check_success" ["set"] Flag, Origin::Check,
        "Whether the set was read and is healthy: aofkit check would exit with 0";
    CHECK_VERDICT = Gauge "aof_check_verdict" ["set", "verdict"] Flag, Origin::Check,
        "The verdict on the set; 1 for the one that holds";
    CHECK_ERROR = Gauge "aof_check_error" ["set", "kind"] Flag, Origin::Check,
        "The set could not be read or is gone, for this kind of reason; configuration: it was not looked for";
    CHECK_PROBLEMS = Gauge "aof_check_problems" ["set", "severity", "kind"] Count, Origin::Check,
        "Problems that the check found, by severity and kind";
    CHECK_TIMESTAMP = Gauge "aof_check_timestamp_seconds" ["set"] Timestamp, Origin::Check,
        "When the set was last judged";
    CHECK_WHOLE_TIMESTAMP = Gauge "aof_check_whole_timestamp_seconds" ["set"] Timestamp, Origin::Check,
        "When every byte of the set was last read; later judgements read what was appended";
    CHECK_DURATION = Gauge "aof_check_duration_seconds" ["set"] Seconds, Origin::Check,
        "How long the last look at the set took";
    CHECK_READ = Counter "aof_check_read_bytes_total" ["set"] Bytes, Origin::Check,
        "Bytes of the set that this process has read to check it";
    SIZE = Gauge "aof_size_bytes" ["set", "role"] Bytes, Origin::Disk,
        "Size of the files that a server loads, by role (base, incr, single)";
    FILES = Gauge "aof_files" ["set", "role"] Count, Origin::Disk,
        "Number of files of the set, by role (base, incr, history, single)";
    COMMANDS = Gauge "aof_commands" ["set"] Count, Origin::Check,
        "Sound commands in the files that a server loads";
    LAST_WRITE_TIMESTAMP = Gauge "aof_last_write_timestamp_seconds" ["set"] Timestamp, Origin::Disk,
        "When a file of the set was last written to";
    GROWTH = Gauge "aof_growth_ratio" ["set"] Ratio, Origin::Disk,
        "Growth since the base: 1 means that the set is twice as large as its base; absent without a base";
    REWRITE_AT = Gauge "aof_rewrite_at_bytes" ["set"] Bytes, Origin::Disk,
        "Size of the set at which the server rewrites it; absent where it never does by itself";
    LEFTOVER = Gauge "aof_leftover_bytes" ["set"] Bytes, Origin::Disk,
        "Size of files beside the set that no server loads: temporary, orphan and history files";
    LEFTOVER_FILES = Gauge "aof_leftover_files" ["set", "kind"] Count, Origin::Disk,
        "Number of files beside the set that no server loads, by kind";
    DISK_FREE = Gauge "aof_disk_free_bytes" ["set"] Bytes, Origin::Disk,
        "Free bytes of the file system that holds the set, as an ordinary process may use them";
    DISK_SIZE = Gauge "aof_disk_size_bytes" ["set"] Bytes, Origin::Disk,
        "Size of the file system that holds the set";
    REPOSITORY_SUCCESS = Gauge "aof_backup_repository_success" ["repository"] Flag, Origin::Repository,
        "Whether the repository could be read";
    BACKUP_PRESENT = Gauge "aof_backup_present" ["set"] Flag, Origin::Repository,
        "Whether the repository has a snapshot of the set; absent where that cannot be told";
    BACKUP_LAST = Gauge "aof_backup_last_success_timestamp_seconds" ["set", "source"] Timestamp, Origin::Repository,
        "When the newest snapshot was taken; set is empty where the source is of none of the sets that are looked at";
    BACKUP_NEW = Gauge "aof_backup_new_bytes" ["set", "source"] Bytes, Origin::Repository,
        "Bytes that the newest snapshot added to the repository";
    BACKUP_LOGICAL = Gauge "aof_backup_logical_bytes" ["set", "source"] Bytes, Origin::Repository,
        "Size of the files in the newest snapshot";
    BACKUP_KEYS = Gauge "aof_backup_keys" ["set", "source"] Count, Origin::Repository,
        "Keys that are alive after the newest snapshot, at most; absent where they were not counted";
    BACKUP_SNAPSHOTS = Gauge "aof_backup_snapshots" ["set", "source"] Count, Origin::Repository,
        "Number of snapshots of the source";
    BACKUP_SHRUNK = Gauge "aof_backup_shrunk_ratio" ["set", "source"] Ratio, Origin::Repository,
        "Part of its keys or bytes that the newest snapshot has lost against the one before; 0 where none is marked";
    BACKUP_MARKS = Gauge "aof_backup_marks" ["set", "source", "kind"] Count, Origin::Repository,
        "Marks of the newest snapshot that somebody should look at, by kind";
    BACKUP_VERIFIED = Gauge "aof_backup_last_verification_timestamp_seconds" ["set", "source"] Timestamp,
        Origin::Repository,
        "When the source was last verified, as far as aofkit verify --record wrote that down";
    BACKUP_VERIFIED_WELL = Gauge "aof_backup_last_verification_success" ["set", "source"] Flag, Origin::Repository,
        "Whether that found every snapshot as it was written";
    AUDIT_SUCCESS = Gauge "aof_audit_success" [] Flag, Origin::Audit,
        "Whether all that was named could be looked at";
    AUDIT_FINDINGS = Gauge "aof_audit_findings" ["severity", "rule"] Count, Origin::Audit,
        "Findings of the audit, by severity and name of the rule";
    AUDIT_TIMESTAMP = Gauge "aof_audit_timestamp_seconds" [] Timestamp, Origin::Audit,
        "When the audit was made";
    SERVER_UP = Gauge "aof_server_up" ["server"] Flag, Origin::Server("whether it answered INFO"),
        "Whether the server answered";
    SERVER_MEMORY_USED = Gauge "aof_server_memory_used_bytes" ["server"] Bytes, Origin::Server("used_memory"),
        "Memory in use";
    SERVER_MEMORY_PEAK = Gauge "aof_server_memory_peak_bytes" ["server"] Bytes, Origin::Server("used_memory_peak"),
        "The most memory that was in use since the server started";
    SERVER_MEMORY_MAX = Gauge "aof_server_memory_max_bytes" ["server"] Bytes, Origin::Server("maxmemory"),
        "The limit maxmemory; 0 where there is none";
    SERVER_CPU_USER = Counter "aof_server_cpu_user_seconds_total" ["server"] Seconds, Origin::Server("used_cpu_user"),
        "Processor time that the server has used in user mode";
    SERVER_CPU_SYSTEM = Counter "aof_server_cpu_system_seconds_total" ["server"] Seconds,
        Origin::Server("used_cpu_sys"),
        "Processor time that the server has used in the kernel";
    SERVER_CLIENTS = Gauge "aof_server_clients" ["server"] Count, Origin::Server("connected_clients"),
        "Clients that are connected, this one included";
    SERVER_ROLE = Gauge "aof_server_role" ["server", "role"] Flag, Origin::Server("role"),
        "Whether it is a primary or a replica; 1 for what it is";
    SERVER_LINK_UP = Gauge "aof_server_primary_link_up" ["server"] Flag, Origin::Server("master_link_status"),
        "Whether the link of a replica to its primary is up";
    SERVER_LAG = Gauge "aof_server_replication_lag_bytes" ["server"] Bytes,
        Origin::Server("master_repl_offset against the offsets of slaveN, of a primary"),
        "Bytes of a primary's stream that the replica furthest behind has not confirmed; of those that are online";
    SERVER_LAG_SECONDS = Gauge "aof_server_replication_lag_seconds" ["server"] Seconds,
        Origin::Server("master_last_io_seconds_ago, lag of slaveN"),
        "Seconds since a replica last heard of its primary, or the primary of the replica that is silent longest";
    SERVER_AOF_ENABLED = Gauge "aof_server_aof_enabled" ["server"] Flag, Origin::Server("aof_enabled"),
        "Whether the server keeps an append-only file; absent while it loads";
    SERVER_AOF_SIZE = Gauge "aof_server_aof_size_bytes" ["server"] Bytes, Origin::Server("aof_current_size"),
        "Size of the append-only file by the server's own count";
    SERVER_AOF_BASE = Gauge "aof_server_aof_base_bytes" ["server"] Bytes, Origin::Server("aof_base_size"),
        "Size of the append-only file after the last rewrite or start, by the server's own count";
    SERVER_WRITE_OK = Gauge "aof_server_last_write_success" ["server"] Flag, Origin::Server("aof_last_write_status"),
        "Whether the last write to the append-only file went well; where not, the server refuses writes";
    SERVER_REWRITE_OK = Gauge "aof_server_last_rewrite_success" ["server"] Flag,
        Origin::Server("aof_last_bgrewrite_status"),
        "Whether the last rewrite ended well";
    SERVER_REWRITING = Gauge "aof_server_rewrite_in_progress" ["server"] Flag,
        Origin::Server("aof_rewrite_in_progress"),
        "Whether a rewrite is running";
    SERVER_DELAYED_FSYNC = Counter "aof_server_delayed_fsyncs_total" ["server"] Count,
        Origin::Server("aof_delayed_fsync"),
        "Syncs of the append-only file that had to wait for the disk";
    SERVER_EVICTED = Counter "aof_server_evicted_keys_total" ["server"] Count, Origin::Server("evicted_keys"),
        "Keys that the server has evicted because of maxmemory";
    BUILD_INFO = Gauge "aof_exporter_info" ["version"] Flag, Origin::Own,
        "The version of aofkit that wrote this; always 1";
    WRITTEN_TIMESTAMP = Gauge "aof_exporter_timestamp_seconds" [] Timestamp, Origin::Own,
        "When this was written";
}
