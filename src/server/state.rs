//! What a server says of itself.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::replica::Replica;
use crate::format::conf::{PackedLimits, parse_size};

/// The settings that are asked for.
pub(super) const SETTINGS: [&str; 12] = [
    "dir",
    "appenddirname",
    "appendfilename",
    "auto-aof-rewrite-percentage",
    "auto-aof-rewrite-min-size",
    "aof-use-rdb-preamble",
    "rdbcompression",
    "appendfsync",
    "no-appendfsync-on-rewrite",
    "maxmemory",
    "databases",
    // Up to which size values are packed.
    "*-max-*",
];

/// Why the settings are unknown, in the server's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Withheld(pub String);

impl fmt::Display for Withheld {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a server is to others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoleOfServer {
    /// It takes writes.
    Primary,
    /// It follows another; its log begins anew with every full synchronisation.
    Replica,
}

impl RoleOfServer {
    /// Its name in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Primary => "primary",
            Self::Replica => "replica",
        }
    }
}

/// What a server said of itself at one moment. Whatever it did not say, or not in a form that can be understood, is
/// `None`: fields came and went with versions, and managed servers hide some.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct ServerState {
    /// `redis` or `valkey`.
    pub family: &'static str,
    /// Its version, as in `8.2.1`; a Valkey's own, not the Redis version that it says to be compatible with.
    pub version: Option<String>,
    /// Forty hexadecimal digits, new with every start.
    pub run_id: Option<String>,
    /// Its process on its own machine, as seen from inside its container.
    pub process_id: Option<u32>,
    /// The configuration file that it was started with; empty when with none.
    pub config_file: Option<String>,
    /// Seconds since it started.
    pub uptime_seconds: Option<u64>,

    /// Primary or replica.
    pub role: Option<RoleOfServer>,
    /// Of a replica: whether its link to the primary is up (`master_link_status`).
    pub primary_link_up: Option<bool>,
    /// Of a replica: seconds since it heard of the primary (`master_last_io_seconds_ago`).
    pub primary_silent_seconds: Option<u64>,
    /// Of a replica: seconds since that link went down (`master_link_down_since_seconds`).
    pub primary_down_seconds: Option<u64>,
    /// Of a replica: bytes that it has received and not yet applied.
    pub unapplied_bytes: Option<u64>,
    /// Its replicas.
    pub replicas: Vec<Replica>,
    /// Of a replica: whether it is loading a full copy right now (`master_sync_in_progress`).
    pub sync_in_progress: Option<bool>,
    /// The replication history it is in (`master_replid`).
    pub replication_id: Option<String>,
    /// How far it is in that (`master_repl_offset`), bytes.
    pub replication_offset: Option<u64>,

    /// It is loading its data, from disk or from a primary.
    pub loading: Option<bool>,
    /// Keys were changed so many times since the last save (`rdb_changes_since_last_save`).
    pub changes_since_save: Option<u64>,
    /// A child is saving an RDB; rewrites wait for it.
    pub save_in_progress: Option<bool>,
    /// It keeps a log; unknown while it loads, for then it says no, whatever it will do.
    pub aof_enabled: Option<bool>,
    /// A child is rewriting the log.
    pub rewrite_in_progress: Option<bool>,
    /// A rewrite follows as soon as another child is done.
    pub rewrite_scheduled: Option<bool>,
    /// Seconds that the running rewrite has taken so far.
    pub rewrite_running_seconds: Option<u64>,
    /// Seconds that the last one took.
    pub rewrite_last_seconds: Option<u64>,
    /// The last rewrite ended well (`aof_last_bgrewrite_status`).
    pub rewrite_last_ok: Option<bool>,
    /// The last write to the log went well (`aof_last_write_status`); where not, the server refuses writes.
    pub write_last_ok: Option<bool>,
    /// Rewrites since it started (`aof_rewrites`, since Redis 7.0).
    pub rewrites: Option<u64>,
    /// Rewrites in a row that failed (`aof_rewrites_consecutive_failures`, since Redis 7.0).
    pub rewrites_failed: Option<u64>,
    /// What it takes for the size of the log after the last rewrite or start, bytes; its own count, exact.
    pub aof_base_bytes: Option<u64>,
    /// What it takes for the size of the log now, bytes.
    pub aof_current_bytes: Option<u64>,
    /// Bytes that wait in memory to be written to the log (`aof_buffer_length`).
    pub aof_buffer_bytes: Option<u64>,
    /// Syncs that had to wait because the one before was not done.
    pub delayed_fsyncs: Option<u64>,
    /// A sync waits for a thread (`aof_pending_bio_fsync`).
    pub pending_fsyncs: Option<u64>,

    /// Bytes of memory in use.
    pub used_memory_bytes: Option<u64>,
    /// The most memory that it has taken so far, bytes.
    pub used_memory_peak_bytes: Option<u64>,
    /// Bytes of memory in use when it had started and held nothing.
    pub used_memory_startup_bytes: Option<u64>,
    /// Microseconds in which it reckons that it would replay its log (`aof_cmd_duration`, documented of Redis 8.12).
    pub replay_microseconds: Option<u64>,
    /// Processor time used in user mode, seconds (`used_cpu_user`).
    pub cpu_user_seconds: Option<f64>,
    /// Processor time used in the kernel, seconds (`used_cpu_sys`).
    pub cpu_system_seconds: Option<f64>,
    /// Clients that are connected (`connected_clients`).
    pub connected_clients: Option<u64>,
    /// Keys that were evicted because of `maxmemory` (`evicted_keys`).
    pub evicted_keys: Option<u64>,
    /// Of a primary with replicas that are online: bytes of its stream that one of them has not confirmed, at most.
    pub replication_lag_bytes: Option<u64>,
    /// Seconds since a replica heard of its primary (`master_last_io_seconds_ago`), or a primary of the one of its
    /// replicas that is silent longest (`lag`).
    pub replication_lag_seconds: Option<u64>,
    /// Keys by database, those that have expired and were not yet removed included.
    pub keys: BTreeMap<u64, u64>,
    /// Those of them that expire at some time.
    pub expiring_keys: BTreeMap<u64, u64>,
    /// `maxmemory`, bytes; 0: none.
    pub maxmemory_bytes: Option<u64>,

    /// Why the settings below are unknown.
    pub withheld: Option<Withheld>,
    /// `dir`: absolute, on its own machine and inside its container.
    pub dir: Option<PathBuf>,
    /// `appenddirname`; none before Redis 7.0.
    pub append_dir_name: Option<String>,
    /// `appendfilename`.
    pub append_file_name: Option<String>,
    /// `auto-aof-rewrite-percentage`.
    pub rewrite_percentage: Option<u32>,
    /// `auto-aof-rewrite-min-size`, bytes.
    pub rewrite_min_bytes: Option<u64>,
    /// `aof-use-rdb-preamble`: rewrites write an RDB.
    pub rdb_preamble: Option<bool>,
    /// It compresses the strings of its bases (`rdbcompression`).
    pub rdb_compression: Option<bool>,
    /// Up to which size it keeps values packed; `None` where it tells none of these settings.
    pub packed: Option<PackedLimits>,
    /// `appendfsync`: `always`, `everysec` or `no`.
    pub fsync: Option<String>,
    /// `no-appendfsync-on-rewrite`: while a child writes, nothing is synced.
    pub no_fsync_on_rewrite: Option<bool>,
    /// `databases`.
    pub databases: Option<u64>,
}

impl ServerState {
    /// From the text of `INFO` and the settings.
    ///
    /// Source: names and meanings as the servers 6.2 to 9.1 write them; 0 and 1 for no and yes, `ok` and `err`,
    /// `up` and `down`, -1 where there is no time.
    pub(super) fn new(
        info: &str,
        settings: &[(String, String)],
        withheld: Option<Withheld>,
    ) -> Self {
        let info = Said(info.lines().filter_map(|line| line.split_once(':')).collect());
        let pairs = settings.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let conf = Said(pairs.collect());
        let loading = info.flag("loading");
        let replicas = info.replicas();
        let online = || replicas.iter().filter(|replica| replica.state == "online");
        let version = info.text("valkey_version").or_else(|| info.text("redis_version"));
        Self {
            family: info.family(),
            version: version.map(str::to_owned),
            run_id: info.owned("run_id"),
            process_id: info.number("process_id"),
            config_file: info.owned("config_file"),
            uptime_seconds: info.number("uptime_in_seconds"),
            role: info.role(),
            primary_link_up: info.is("master_link_status", "up", "down"),
            sync_in_progress: info.flag("master_sync_in_progress"),
            replication_id: info.owned("master_replid"),
            replication_offset: info.number("master_repl_offset"),
            loading,
            changes_since_save: info.number("rdb_changes_since_last_save"),
            save_in_progress: info.flag("rdb_bgsave_in_progress"),
            aof_enabled: info.flag("aof_enabled").filter(|_| loading != Some(true)),
            rewrite_in_progress: info.flag("aof_rewrite_in_progress"),
            rewrite_scheduled: info.flag("aof_rewrite_scheduled"),
            rewrite_running_seconds: info.number("aof_current_rewrite_time_sec"),
            rewrite_last_seconds: info.number("aof_last_rewrite_time_sec"),
            rewrite_last_ok: info.is("aof_last_bgrewrite_status", "ok", "err"),
            write_last_ok: info.is("aof_last_write_status", "ok", "err"),
            rewrites: info.number("aof_rewrites"),
            rewrites_failed: info.number("aof_rewrites_consecutive_failures"),
            aof_base_bytes: info.number("aof_base_size"),
            aof_current_bytes: info.number("aof_current_size"),
            aof_buffer_bytes: info.number("aof_buffer_length"),
            delayed_fsyncs: info.number("aof_delayed_fsync"),
            pending_fsyncs: info.number("aof_pending_bio_fsync"),
            used_memory_bytes: info.number("used_memory"),
            used_memory_peak_bytes: info.number("used_memory_peak"),
            used_memory_startup_bytes: info.number("used_memory_startup"),
            replay_microseconds: info.number("aof_cmd_duration"),
            keys: info.keys("keys="),
            expiring_keys: info.keys("expires="),
            primary_silent_seconds: info.number("master_last_io_seconds_ago"),
            primary_down_seconds: info.number("master_link_down_since_seconds"),
            unapplied_bytes: unapplied(&info),
            cpu_user_seconds: info.number("used_cpu_user"),
            cpu_system_seconds: info.number("used_cpu_sys"),
            connected_clients: info.number("connected_clients"),
            evicted_keys: info.number("evicted_keys"),
            replication_lag_bytes: online().filter_map(|replica| replica.lag_bytes).max(),
            replication_lag_seconds: info
                .number("master_last_io_seconds_ago")
                .or_else(|| online().filter_map(|replica| replica.lag_seconds).max()),
            replicas,
            maxmemory_bytes: info.number("maxmemory").or_else(|| conf.size("maxmemory")),
            withheld,
            dir: conf.text("dir").map(PathBuf::from),
            append_dir_name: conf.owned("appenddirname"),
            append_file_name: conf.owned("appendfilename"),
            rewrite_percentage: conf.number("auto-aof-rewrite-percentage"),
            rewrite_min_bytes: conf.size("auto-aof-rewrite-min-size"),
            rdb_preamble: conf.is("aof-use-rdb-preamble", "yes", "no"),
            rdb_compression: conf.is("rdbcompression", "yes", "no"),
            packed: packed(settings),
            fsync: conf.owned("appendfsync"),
            no_fsync_on_rewrite: conf.is("no-appendfsync-on-rewrite", "yes", "no"),
            databases: conf.number("databases"),
        }
    }

    /// Where its log is: the directory of its set, or the file of servers before 7.0. A path of its own machine, which
    /// need not be this one.
    pub fn log_path(&self) -> Option<PathBuf> {
        let dir = self.dir.as_deref()?;
        let name = self.append_dir_name.as_ref().or(self.append_file_name.as_ref())?;
        Some(dir.join(name))
    }

    /// Whether its log is the one at `path`: the set's directory, its manifest or a file in it, or a pre-7.0 file. Both
    /// are compared as real paths of this machine, so a server in a container or on another host may say the same path
    /// and mean another file. `None` when it does not tell where its log is.
    pub fn keeps_log_at(&self, path: &Path) -> Option<bool> {
        let own = self.log_path()?;
        let real = |path: &Path| crate::disk::real_path(path).ok();
        let (Some(own), Some(path)) = (real(&own), real(path)) else { return Some(false) };
        Some(path == own || self.append_dir_name.is_some() && path.parent() == Some(own.as_path()))
    }
}

/// Bytes that a replica has read of its primary's stream and not applied.
fn unapplied(info: &Said<'_>) -> Option<u64> {
    let offset = |name: &str| info.number::<u64>(name);
    let (read, done) = (offset("slave_read_repl_offset"), offset("slave_repl_offset"));
    read.zip(done).map(|(read, done)| read.saturating_sub(done))
}

fn packed(settings: &[(String, String)]) -> Option<PackedLimits> {
    let mut limits = PackedLimits::default();
    let taken = settings.iter().filter(|(name, value)| limits.take(name, value.as_bytes()));
    (taken.count() > 0).then_some(limits)
}

/// Names and what was said of them.
struct Said<'a>(HashMap<&'a str, &'a str>);

impl<'a> Said<'a> {
    fn family(&self) -> &'static str {
        let is_valkey =
            self.text("server_name") == Some("valkey") || self.text("valkey_version").is_some();
        if is_valkey { "valkey" } else { "redis" }
    }

    fn role(&self) -> Option<RoleOfServer> {
        match self.text("role")? {
            "master" => Some(RoleOfServer::Primary),
            "slave" => Some(RoleOfServer::Replica),
            _ => None,
        }
    }

    /// The lines such as `db0:keys=3,expires=0,avg_ttl=0`.
    fn keys(&self, field: &str) -> BTreeMap<u64, u64> {
        let row = |(name, value): (&&str, &&str)| {
            let db = name.strip_prefix("db")?.parse().ok()?;
            let mut fields = value.trim_end_matches('\r').split(',');
            let number = fields.find_map(|one| one.strip_prefix(field))?.parse().ok()?;
            Some((db, number))
        };
        self.0.iter().filter_map(row).collect()
    }

    /// The lines such as `slave0:ip=127.0.0.1,port=6380,state=online,offset=14,lag=0`, in their order.
    fn replicas(&self) -> Vec<Replica> {
        let own = self.number("master_repl_offset");
        let row = |(name, value): (&&str, &&str)| {
            let number: u32 = name.strip_prefix("slave")?.parse().ok()?;
            Some((number, Replica::parse(value, own)?))
        };
        let mut rows: Vec<_> = self.0.iter().filter_map(row).collect();
        rows.sort_by_key(|(number, _)| *number);
        rows.into_iter().map(|(_, replica)| replica).collect()
    }

    fn text(&self, name: &str) -> Option<&'a str> {
        self.0.get(name).map(|value| value.trim_end_matches('\r'))
    }

    fn owned(&self, name: &str) -> Option<String> {
        self.text(name).map(str::to_owned)
    }

    /// A number; none where it is -1.
    fn number<T: FromStr>(&self, name: &str) -> Option<T> {
        self.text(name)?.parse().ok()
    }

    fn size(&self, name: &str) -> Option<u64> {
        parse_size(self.text(name)?.as_bytes())
    }

    fn flag(&self, name: &str) -> Option<bool> {
        self.is(name, "1", "0")
    }

    fn is(&self, name: &str, yes: &str, no: &str) -> Option<bool> {
        match self.text(name)? {
            said if said == yes => Some(true),
            said if said == no => Some(false),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_said_is_unknown() {
        let info = "# Persistence\r\nloading:0\r\naof_enabled:1\r\naof_base_size:88\r\naof_last_rewrite_time_sec:-1\r\n\
                    aof_last_bgrewrite_status:err\r\nrole:slave\r\nmaster_link_status:down\r\n";
        let state = ServerState::new(info, &[], Some(Withheld("NOPERM".to_owned())));
        assert_eq!((state.loading, state.aof_enabled), (Some(false), Some(true)));
        assert_eq!((state.aof_base_bytes, state.aof_current_bytes), (Some(88), None));
        assert_eq!((state.rewrite_last_seconds, state.rewrite_last_ok), (None, Some(false)));
        assert_eq!((state.role, state.primary_link_up), (Some(RoleOfServer::Replica), Some(false)));
        assert_eq!((state.log_path(), state.keeps_log_at("/".as_ref())), (None, None));
    }

    #[test]
    fn the_replica_furthest_behind_counts_and_one_that_is_not_online_does_not() {
        let info = "role:master\r\nconnected_slaves:3\r\nmaster_repl_offset:500\r\nused_cpu_user:1.5\r\n\
                    slave0:ip=::1,port=1,state=online,offset=480,lag=1\r\n\
                    slave1:ip=10.0.0.2,port=1,state=online,offset=400,lag=7,type=main-conn\r\n\
                    slave2:ip=10.0.0.3,port=1,state=wait_bgsave,offset=0,lag=0\r\n\
                    slave_repl_offset:3\r\n";
        let state = ServerState::new(info, &[], None);
        assert_eq!(
            (state.replication_lag_bytes, state.replication_lag_seconds),
            (Some(100), Some(7))
        );
        assert_eq!((state.cpu_user_seconds, state.cpu_system_seconds), (Some(1.5), None));
        let alone = ServerState::new("role:master\r\nmaster_repl_offset:500\r\n", &[], None);
        assert_eq!((alone.replication_lag_bytes, alone.replication_lag_seconds), (None, None));
        let replica = "role:slave\r\nmaster_last_io_seconds_ago:4\r\nmaster_repl_offset:9\r\n";
        assert_eq!(ServerState::new(replica, &[], None).replication_lag_seconds, Some(4));
    }

    #[test]
    fn sizes_are_those_of_a_configuration() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let settings = [
            pair("auto-aof-rewrite-min-size", "67108864"),
            pair("dir", "/d"),
            pair("appenddirname", "a"),
        ];
        let state =
            ServerState::new("redis_version:7.2.4\nvalkey_version:9.1.2\n", &settings, None);
        assert_eq!((state.family, state.version.as_deref()), ("valkey", Some("9.1.2")));
        assert_eq!(state.rewrite_min_bytes, Some(64 << 20));
        assert_eq!(state.log_path(), Some("/d/a".into()));
    }
}
