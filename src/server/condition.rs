//! What of a server's state concerns whoever looks at its files.

use std::fmt;

use super::replica::{Replica, SILENT};
use super::state::{RoleOfServer, ServerState};
use crate::text::count;

/// Something that concerns the files of a server. In words by `Display`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Condition {
    /// It keeps no log.
    NoLog,
    /// It loads its data.
    Loading,
    /// A child rewrites the log, for so many seconds so far.
    Rewriting(Option<u64>),
    /// A rewrite follows as soon as another child is done.
    RewriteScheduled,
    /// The last rewrite failed, the last of so many in a row.
    RewriteFailed(Option<u64>),
    /// The last write to the log failed.
    WriteFailed,
    /// Syncs had to wait for the disk, so many times since it was started.
    DelayedFsyncs(u64),
    /// While a child writes, nothing is synced.
    NoFsyncOnRewrite,
    /// It takes a full copy from its primary, and begins its log anew with it.
    Synchronising,
    /// The link to its primary is down, for so many seconds.
    PrimaryDown(Option<u64>),
    /// It has not heard of its primary for so many seconds.
    PrimarySilent(u64),
    /// It has so many bytes of its primary that it has not applied yet.
    Unapplied(u64),
    /// A replica of it is not in step.
    ReplicaBehind(Replica),
}

impl Condition {
    /// Its name for scripts.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::NoLog => "no-log",
            Self::Loading => "loading",
            Self::Rewriting(_) => "rewriting",
            Self::RewriteScheduled => "rewrite-scheduled",
            Self::RewriteFailed(_) => "rewrite-failed",
            Self::WriteFailed => "write-failed",
            Self::DelayedFsyncs(_) => "delayed-fsyncs",
            Self::NoFsyncOnRewrite => "no-fsync-on-rewrite",
            Self::Synchronising => "synchronising",
            Self::PrimaryDown(_) => "primary-down",
            Self::PrimarySilent(_) => "primary-silent",
            Self::Unapplied(_) => "unapplied",
            Self::ReplicaBehind(_) => "replica-behind",
        }
    }

    /// Whether it concerns what a replica has of its primary.
    pub const fn is_of_replication(&self) -> bool {
        matches!(
            self,
            Self::Synchronising
                | Self::PrimaryDown(_)
                | Self::PrimarySilent(_)
                | Self::Unapplied(_)
                | Self::ReplicaBehind(_)
        )
    }

    /// Whether somebody should do something about it.
    pub const fn is_warning(&self) -> bool {
        matches!(
            self,
            Self::NoLog
                | Self::RewriteFailed(_)
                | Self::WriteFailed
                | Self::PrimaryDown(_)
                | Self::PrimarySilent(_)
                | Self::ReplicaBehind(_)
        )
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let so_far = |seconds: &Option<u64>| {
            seconds.map_or_else(String::new, |s| format!(", for {} so far", count(s, "second")))
        };
        match self {
            Self::NoLog => f.write_str("it keeps no log (appendonly no): what lies here does not grow"),
            Self::Loading => f.write_str("it loads its data"),
            Self::Rewriting(seconds) => write!(f, "it rewrites the log right now{}", so_far(seconds)),
            Self::RewriteScheduled => f.write_str("it rewrites the log as soon as another child is done"),
            Self::RewriteFailed(in_a_row) => {
                f.write_str("its last rewrite failed")?;
                match in_a_row {
                    Some(times) if *times > 1 => write!(f, ", the last of {} in a row", count(*times, "failure"))?,
                    _ => {}
                }
                f.write_str("; its log says why")
            }
            Self::WriteFailed => f.write_str(
                "it could not write to the log the last time it tried, and refuses writes of clients until it can; its \
                 log says why",
            ),
            Self::DelayedFsyncs(times) => write!(
                f,
                "{} had to wait for the disk since it was started",
                count(*times, "sync")
            ),
            Self::NoFsyncOnRewrite => {
                f.write_str("no-appendfsync-on-rewrite is on: while it rewrites, nothing is synced")
            }
            Self::Synchronising => f.write_str(
                "it takes a full copy from its primary, and begins its log anew once it has it",
            ),
            Self::PrimaryDown(seconds) => {
                write!(f, "the link to its primary is down{}", so_far(seconds))
            }
            Self::PrimarySilent(seconds) => {
                write!(f, "it has not heard of its primary for {}", count(*seconds, "second"))
            }
            Self::Unapplied(bytes) => {
                write!(f, "it has received {} that it has not applied yet", count(*bytes, "byte"))
            }
            Self::ReplicaBehind(replica) => replica.fmt(f),
        }
    }
}

impl ServerState {
    /// What concerns its files.
    pub fn conditions(&self) -> Vec<Condition> {
        let is = |flag: Option<bool>, wanted| flag == Some(wanted);
        let mut found = Vec::new();
        let mut add = |is_so: bool, condition: Condition| {
            if is_so {
                found.push(condition);
            }
        };
        add(is(self.aof_enabled, false), Condition::NoLog);
        add(is(self.loading, true), Condition::Loading);
        let rewrites = is(self.rewrite_in_progress, true);
        add(rewrites, Condition::Rewriting(self.rewrite_running_seconds));
        add(is(self.rewrite_scheduled, true), Condition::RewriteScheduled);
        add(is(self.rewrite_last_ok, false), Condition::RewriteFailed(self.rewrites_failed));
        add(is(self.write_last_ok, false), Condition::WriteFailed);
        let delayed = self.delayed_fsyncs.unwrap_or(0);
        add(delayed > 0, Condition::DelayedFsyncs(delayed));
        add(is(self.no_fsync_on_rewrite, true), Condition::NoFsyncOnRewrite);
        if self.role == Some(RoleOfServer::Replica) {
            add(is(self.sync_in_progress, true), Condition::Synchronising);
            let is_down = is(self.primary_link_up, false);
            add(is_down, Condition::PrimaryDown(self.primary_down_seconds));
            let silent = self.primary_silent_seconds.unwrap_or(0);
            add(!is_down && silent > SILENT, Condition::PrimarySilent(silent));
            let unapplied = self.unapplied_bytes.unwrap_or(0);
            add(unapplied > 0, Condition::Unapplied(unapplied));
        }
        let behind = self.replicas.iter().filter(|replica| replica.is_behind());
        found.extend(behind.cloned().map(Condition::ReplicaBehind));
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replica_is_behind_where_it_is_silent_or_not_online() {
        let parse = |text: &str| Replica::parse(text, Some(100)).unwrap();
        let sound = parse("ip=::1,port=6380,state=online,offset=90,lag=1,type=replica\r");
        assert_eq!((sound.lag_bytes, sound.address.as_str()), (Some(10), "::1:6380"));
        let silent = parse("ip=h,port=1,state=online,offset=90,lag=11");
        let syncing = parse("ip=h,port=1,state=wait_bgsave,offset=0,lag=0");
        assert!(!sound.is_behind() && silent.is_behind() && syncing.is_behind());
        let state = ServerState { replicas: vec![sound, silent], ..ServerState::default() };
        let told = state.conditions();
        assert_eq!(told.len(), 1);
        assert_eq!(
            told[0].to_string(),
            "its replica h:1 is behind, by 10 bytes, and was heard of 11 seconds ago"
        );
        assert_eq!(Replica::parse("ip=h", None), None);
    }

    #[test]
    fn a_server_of_which_nothing_is_known_is_in_no_condition() {
        assert_eq!(ServerState::default().conditions(), []);
        let state = ServerState {
            write_last_ok: Some(false),
            rewrite_last_ok: Some(true),
            primary_link_up: Some(false),
            ..ServerState::default()
        };
        // Who has no primary has no link that is down.
        assert_eq!(state.conditions(), [Condition::WriteFailed]);
        let state = ServerState { role: Some(RoleOfServer::Replica), ..state };
        assert_eq!(state.conditions(), [Condition::WriteFailed, Condition::PrimaryDown(None)]);
    }
}
