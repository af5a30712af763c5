//! Every rule fires where it should and nowhere else, as Prometheus's own evaluation says.

use std::fmt::Write as _;
use std::fs;

use aofkit::metrics::{ALERTS, alert_rules};

use crate::promtool;

/// A rule; series, one value each minute, or each half hour of [`LONG`] ones, under which it fires; and under which it does not; after so long.
struct Case {
    alert: &'static str,
    fires: &'static [(&'static str, &'static str)],
    silent: &'static [(&'static str, &'static str)],
    after: &'static str,
}

const fn case(
    alert: &'static str,
    after: &'static str,
    fires: &'static [(&'static str, &'static str)],
    silent: &'static [(&'static str, &'static str)],
) -> Case {
    Case { alert, fires, silent, after }
}

const CASES: &[Case] = &[
    case(
        "AofDamaged",
        "5m",
        &[(r#"aof_check_problems{set="s",severity="error",kind="corrupt-range"}"#, "1x10")],
        &[(r#"aof_check_problems{set="s",severity="warning",kind="server-trap"}"#, "3x10")],
    ),
    case(
        "AofCheckFailed",
        "7m",
        &[(r#"aof_check_error{set="s",kind="not-found"}"#, "1x20")],
        &[
            // Gone for three minutes.
            (r#"aof_check_error{set="s",kind="not-found"}"#, "_ 1x2 stale"),
            (r#"aof_check_success{set="s"}"#, "1x20"),
        ],
    ),
    case(
        "AofCheckNotRun",
        "3h",
        &[(r#"aof_check_timestamp_seconds{set="s"}"#, "0x300")],
        &[(r#"aof_check_timestamp_seconds{set="s"}"#, "0+60x300")],
    ),
    case(
        "AofMetricsMissing",
        "30m",
        &[("other", "1x60")],
        &[("aof_exporter_timestamp_seconds", "1x60")],
    ),
    case(
        "AofRewriteFailing",
        "30m",
        &[(r#"aof_server_last_rewrite_success{server="r"}"#, "0x60")],
        &[
            (r#"aof_server_last_rewrite_success{server="r"}"#, "1x60"),
            // Two increments are what a rewrite needs.
            (r#"aof_files{set="s",role="incr"}"#, "2x60"),
        ],
    ),
    // By the files alone.
    case(
        "AofRewriteFailing",
        "30m",
        &[(r#"aof_files{set="s",role="incr"}"#, "4x60")],
        &[(r#"aof_files{set="s",role="history"}"#, "9x60")],
    ),
    case(
        "AofLastWriteFailed",
        "5m",
        &[(r#"aof_server_last_write_success{server="r"}"#, "0x10")],
        &[(r#"aof_server_last_write_success{server="r"}"#, "1x10")],
    ),
    case(
        "AofDiskFullSoon",
        "7h",
        // 100 MB a minute, and 100 GB are left: in 17 hours.
        &[(r#"aof_disk_free_bytes{set="s"}"#, "142000000000-100000000x600")],
        // Thousand times slower.
        &[(r#"aof_disk_free_bytes{set="s"}"#, "142000000000-100000x600")],
    ),
    case(
        "AofNoRoomForRewrite",
        "1h",
        &[
            (r#"aof_disk_free_bytes{set="s"}"#, "1000x120"),
            (r#"aof_size_bytes{set="s",role="base"}"#, "600x120"),
            (r#"aof_size_bytes{set="s",role="incr"}"#, "600x120"),
        ],
        &[
            (r#"aof_disk_free_bytes{set="s"}"#, "1300x120"),
            (r#"aof_size_bytes{set="s",role="base"}"#, "600x120"),
            (r#"aof_size_bytes{set="s",role="incr"}"#, "600x120"),
            (r#"aof_disk_free_bytes{set="t"}"#, "9000x120"),
        ],
    ),
    case(
        "AofLeftovers",
        "8h",
        &[(r#"aof_leftover_bytes{set="s"}"#, "5x600")],
        // As long as a rewrite runs.
        &[(r#"aof_leftover_bytes{set="s"}"#, "0x200 5x30 0x400")],
    ),
    case(
        "AofBackupTooOld",
        "26h",
        &[(r#"aof_backup_last_success_timestamp_seconds{set="s",source="c"}"#, "0x60")],
        &[(r#"aof_backup_last_success_timestamp_seconds{set="s",source="c"}"#, "0x26 48000x60")],
    ),
    case(
        "AofConfigurationUnreadable",
        "7m",
        &[(r#"aof_check_error{set="s",kind="configuration"}"#, "1x20")],
        &[(r#"aof_check_error{set="s",kind="not-found"}"#, "1x20")],
    ),
    case(
        "AofBackupMissing",
        "26h",
        &[(r#"aof_backup_present{set="s"}"#, "0x60")],
        &[(r#"aof_backup_present{set="s"}"#, "0x20 1x40")],
    ),
    case(
        "AofBackupRepositoryUnreadable",
        "30m",
        &[(r#"aof_backup_repository_success{repository="r"}"#, "0x60")],
        &[(r#"aof_backup_repository_success{repository="r"}"#, "1x60")],
    ),
    case(
        "AofVerificationTooOld",
        "10d",
        &[
            (r#"aof_backup_snapshots{set="s",source="c"}"#, "3x500"),
            (r#"aof_backup_last_verification_timestamp_seconds{set="s",source="c"}"#, "0x500"),
        ],
        &[
            (r#"aof_backup_snapshots{set="s",source="c"}"#, "3x500"),
            (r#"aof_backup_last_verification_timestamp_seconds{set="s",source="c"}"#, "0+1800x500"),
        ],
    ),
    // Never.
    case(
        "AofVerificationTooOld",
        "3h",
        &[(r#"aof_backup_snapshots{set="s",source="c"}"#, "3x300")],
        &[(r#"aof_backup_snapshots{set="s",source="c"}"#, "0x300")],
    ),
    case(
        "AofVerificationFailed",
        "5m",
        &[(r#"aof_backup_last_verification_success{set="s",source="c"}"#, "0x10")],
        &[(r#"aof_backup_last_verification_success{set="s",source="c"}"#, "1x10")],
    ),
    case(
        "AofBackupShrunk",
        "5m",
        &[(r#"aof_backup_marks{set="s",source="c",kind="shrunk"}"#, "1x10")],
        &[(r#"aof_backup_marks{set="s",source="c",kind="uncounted"}"#, "1x10")],
    ),
    case(
        "AofAuditErrors",
        "2h",
        &[(r#"aof_audit_findings{severity="error",rule="appendonly-off"}"#, "1x200")],
        &[(r#"aof_audit_findings{severity="warning",rule="appendonly-off"}"#, "1x200")],
    ),
    case(
        "AofMemoryNearLimit",
        "30m",
        &[
            (r#"aof_server_memory_used_bytes{server="r"}"#, "95x60"),
            (r#"aof_server_memory_max_bytes{server="r"}"#, "100x60"),
        ],
        &[
            (r#"aof_server_memory_used_bytes{server="r"}"#, "85x60"),
            (r#"aof_server_memory_max_bytes{server="r"}"#, "100x60"),
            // No limit.
            (r#"aof_server_memory_used_bytes{server="q"}"#, "95x60"),
            (r#"aof_server_memory_max_bytes{server="q"}"#, "0x60"),
        ],
    ),
    case(
        "AofServerDown",
        "10m",
        &[(r#"aof_server_up{server="r"}"#, "0x20")],
        &[(r#"aof_server_up{server="r"}"#, "1x20")],
    ),
    case(
        "AofReplicaLinkDown",
        "10m",
        &[(r#"aof_server_primary_link_up{server="r"}"#, "0x20")],
        &[(r#"aof_server_primary_link_up{server="r"}"#, "1x20")],
    ),
    case(
        "AofFsyncDelayed",
        "1h",
        &[(r#"aof_server_delayed_fsyncs_total{server="r"}"#, "0+2x90")],
        &[(r#"aof_server_delayed_fsyncs_total{server="r"}"#, "0x30 5x60")],
    ),
];

/// Cases of days go by half hours.
const LONG: [&str; 2] = ["26h", "10d"];

/// A test of Prometheus: whether so many alerts of this name fire then.
fn test(case: &Case, series: &[(&str, &str)], firing: usize) -> String {
    let mut text = format!("  - interval: {}\n    input_series:\n", interval(case));
    for (name, values) in series {
        let _ = write!(text, "      - series: '{name}'\n        values: '{values}'\n");
    }
    let _ = write!(
        text,
        "    promql_expr_test:\n      - expr: 'count(ALERTS{{alertname=\"{}\",alertstate=\"firing\"}})'\n        \
         eval_time: {}\n        exp_samples:",
        case.alert, case.after
    );
    text + &match firing {
        0 => " []\n".to_owned(),
        some => format!("\n          - value: {some}\n"),
    }
}

fn interval(case: &Case) -> &'static str {
    if LONG.contains(&case.after) { "30m" } else { "1m" }
}

#[test]
fn every_alert_fires_where_it_should_and_nowhere_else() {
    for alert in ALERTS {
        assert!(CASES.iter().any(|case| case.alert == alert.name), "{} has no case", alert.name);
    }
    if !promtool::is_there() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("alerts.yml"), alert_rules()).unwrap();
    promtool::must(&["check", "rules", "--lint=all", "--lint-fatal", "alerts.yml"], dir.path(), "");
    for steps in ["1m", "30m"] {
        let mut tests = format!("rule_files: [alerts.yml]\nevaluation_interval: {steps}\ntests:\n");
        for case in CASES.iter().filter(|case| interval(case) == steps) {
            tests += &test(case, case.fires, 1);
            tests += &test(case, case.silent, 0);
        }
        fs::write(dir.path().join("tests.yml"), &tests).unwrap();
        let said = promtool::must(&["test", "rules", "tests.yml"], dir.path(), "");
        assert!(said.contains("SUCCESS"), "{said}");
    }
}
