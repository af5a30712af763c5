//! Rules of alerts for Prometheus, by the metrics of the list.

use std::fmt::Write as _;

/// Who has to look, and how soon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Urgency {
    /// Somebody is woken.
    Critical,
    /// Somebody looks on the next working day.
    Warning,
}

impl Urgency {
    /// The value of the label `severity`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::Warning => "warning",
        }
    }
}

/// One rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alert {
    /// Its name.
    pub name: &'static str,
    /// It fires where this query answers something ...
    pub expr: &'static str,
    /// ... for so long.
    pub lasts: &'static str,
    /// Who has to look.
    pub urgency: Urgency,
    /// What is the matter, with the labels of what it is about.
    pub summary: &'static str,
    /// What to do.
    pub description: &'static str,
}

/// All rules.
pub const ALERTS: &[Alert] = &[
    Alert {
        name: "AofDamaged",
        expr: r#"sum without (kind) (aof_check_problems{severity="error"}) > 0"#,
        lasts: "1m",
        urgency: Urgency::Critical,
        summary: "The append-only files at {{ $labels.set }} are damaged or would not load",
        description: "Do not restart the server. `aofkit check` on the set says what is damaged, what would be lost and what to do.",
    },
    Alert {
        name: "AofCheckFailed",
        expr: r#"max without (kind) (aof_check_error{kind!="configuration"}) > 0"#,
        lasts: "5m",
        urgency: Urgency::Critical,
        summary: "The append-only files at {{ $labels.set }} are gone or cannot be read",
        description: "A server that starts now may start empty. Look whether the directory is mounted and who removed it, and run `aofkit check` on it.",
    },
    Alert {
        name: "AofConfigurationUnreadable",
        expr: r#"max without (kind) (aof_check_error{kind="configuration"}) > 0"#,
        lasts: "5m",
        urgency: Urgency::Warning,
        summary: "The append-only files of {{ $labels.set }} are not checked: the server's configuration does not lead to them",
        description: "The file that --conf of `aofkit metrics` names cannot be read, or does not say where they are. Nothing is known of the append-only files themselves.",
    },
    Alert {
        name: "AofCheckNotRun",
        expr: "time() - aof_check_timestamp_seconds > 7200",
        lasts: "5m",
        urgency: Urgency::Warning,
        summary: "The append-only files at {{ $labels.set }} have not been checked for two hours",
        description: "Look at the timer or the service that runs `aofkit metrics`.",
    },
    Alert {
        name: "AofMetricsMissing",
        expr: "absent(aof_exporter_timestamp_seconds)",
        lasts: "15m",
        urgency: Urgency::Warning,
        summary: "There are no metrics of aofkit",
        description: "Look at the timer or the service that runs `aofkit metrics`, and at the directory of the textfile collector.",
    },
    Alert {
        name: "AofRewriteFailing",
        expr: r#"aof_server_last_rewrite_success == 0 or aof_files{role="incr"} > 3"#,
        lasts: "15m",
        urgency: Urgency::Warning,
        summary: "Rewrites of the append-only file fail: {{ $labels.set }}{{ $labels.server }}",
        description: "Each rewrite that fails leaves one more increment. The server's log says why: no room, no memory for the fork, or a value that cannot be written.",
    },
    Alert {
        name: "AofLastWriteFailed",
        expr: "aof_server_last_write_success == 0",
        lasts: "1m",
        urgency: Urgency::Critical,
        summary: "The server {{ $labels.server }} cannot write its append-only file and refuses writes",
        description: "The disk is full or failing. Free room with `aofkit clean`, or give it more.",
    },
    Alert {
        name: "AofDiskFullSoon",
        expr: "predict_linear(aof_disk_free_bytes[6h], 86400) < 0",
        lasts: "30m",
        urgency: Urgency::Critical,
        summary: "The disk of {{ $labels.set }} will be full within a day",
        description: "`aofkit growth` says what grows, and what a rewrite would give back.",
    },
    Alert {
        name: "AofNoRoomForRewrite",
        expr: "aof_disk_free_bytes < sum without (role) (aof_size_bytes)",
        lasts: "30m",
        urgency: Urgency::Warning,
        summary: "The disk of {{ $labels.set }} may be too small for the next rewrite",
        description: "A rewrite needs room for the new base beside all old files. `aofkit growth` says how much that is.",
    },
    Alert {
        name: "AofLeftovers",
        expr: "aof_leftover_bytes > 0",
        lasts: "6h",
        urgency: Urgency::Warning,
        summary: "Files that no server loads lie beside {{ $labels.set }}",
        description: "`aofkit check` says whether they hold anything that the set lacks; `aofkit clean` moves away what nobody needs.",
    },
    Alert {
        name: "AofBackupTooOld",
        expr: "time() - aof_backup_last_success_timestamp_seconds > 90000",
        lasts: "5m",
        urgency: Urgency::Critical,
        summary: "The last backup of {{ $labels.source }} is older than 25 hours",
        description: "Look at the job that runs `aofkit backup`: its exit status says what is wrong.",
    },
    Alert {
        name: "AofBackupMissing",
        expr: "aof_backup_present == 0",
        lasts: "25h",
        urgency: Urgency::Critical,
        summary: "The append-only files at {{ $labels.set }} have no backup",
        description: "The repository has no snapshot of this set. Look whether the job that runs `aofkit backup` takes it, and what its exit status says.",
    },
    Alert {
        name: "AofBackupRepositoryUnreadable",
        expr: "aof_backup_repository_success == 0",
        lasts: "15m",
        urgency: Urgency::Critical,
        summary: "The backup repository {{ $labels.repository }} cannot be read",
        description: "Look whether it is mounted, and run `aofkit verify` on it.",
    },
    Alert {
        name: "AofVerificationTooOld",
        expr: "time() - aof_backup_last_verification_timestamp_seconds > 691200 \
               or aof_backup_snapshots > 0 unless aof_backup_last_verification_timestamp_seconds",
        lasts: "1h",
        urgency: Urgency::Warning,
        summary: "The backups of {{ $labels.source }} have not been verified for eight days, or never",
        description: "Run `aofkit verify --record` by a timer; it writes down when it looked.",
    },
    Alert {
        name: "AofVerificationFailed",
        expr: "aof_backup_last_verification_success == 0",
        lasts: "1m",
        urgency: Urgency::Critical,
        summary: "The last verification of the backups of {{ $labels.source }} found damage",
        description: "`aofkit verify` names the objects. Take a new backup now.",
    },
    Alert {
        name: "AofBackupShrunk",
        expr: r#"max without (kind) (aof_backup_marks{kind=~"shrunk|another-history|started-empty"}) > 0"#,
        lasts: "1m",
        urgency: Urgency::Critical,
        summary: "The newest backup of {{ $labels.source }} has lost data against the one before",
        description: "`aofkit snapshots` says how much. `aofkit prune` keeps the snapshot from before; `aofkit diff` compares the two.",
    },
    Alert {
        name: "AofAuditErrors",
        expr: r#"sum without (rule) (aof_audit_findings{severity="error"}) > 0"#,
        lasts: "1h",
        urgency: Urgency::Warning,
        summary: "Configuration, server or files break a rule of production",
        description: "`aofkit audit` says which, why it matters, and the line to write.",
    },
    Alert {
        name: "AofMemoryNearLimit",
        expr: "aof_server_memory_used_bytes / (aof_server_memory_max_bytes > 0) > 0.9",
        lasts: "15m",
        urgency: Urgency::Warning,
        summary: "The server {{ $labels.server }} uses more than 90 % of maxmemory",
        description: "Beyond maxmemory it evicts keys or refuses writes, as maxmemory-policy says.",
    },
    Alert {
        name: "AofServerDown",
        expr: "aof_server_up == 0",
        lasts: "5m",
        urgency: Urgency::Critical,
        summary: "The server {{ $labels.server }} does not answer",
        description: "Before it is started again, run `aofkit check` on its set.",
    },
    Alert {
        name: "AofReplicaLinkDown",
        expr: "aof_server_primary_link_up == 0",
        lasts: "5m",
        urgency: Urgency::Warning,
        summary: "The replica {{ $labels.server }} has lost its primary",
        description: "Its files, and backups of them, grow old.",
    },
    Alert {
        name: "AofFsyncDelayed",
        expr: "increase(aof_server_delayed_fsyncs_total[15m]) > 10",
        lasts: "15m",
        urgency: Urgency::Warning,
        summary: "The disk of {{ $labels.server }} is too slow for its append-only file",
        description: "Each delayed sync makes more than a second of writes depend on the next one, and clients wait. Look who else uses the disk.",
    },
];

/// The file of rules that Prometheus reads.
pub fn alert_rules() -> String {
    let mut text = "# Rules of alerts by the metrics of `aofkit metrics`. Made by `aofkit metrics --print alerts`.\n\
                    groups:\n  - name: aofkit\n    rules:\n"
        .to_owned();
    for alert in ALERTS {
        let Alert { name, expr, lasts, urgency, summary, description } = alert;
        let (expr, summary, description) = (quoted(expr), quoted(summary), quoted(description));
        // Nothing fails that is written into a string.
        let _ = write!(
            text,
            "      - alert: {name}\n        expr: {expr}\n        for: {lasts}\n        labels:\n          \
             severity: {}\n        annotations:\n          summary: {summary}\n          description: {description}\n",
            urgency.as_str()
        );
    }
    text
}

/// As a string of YAML that is taken as it stands.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
