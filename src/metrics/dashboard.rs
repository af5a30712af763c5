//! A dashboard for Grafana, by the metrics of the list.

use serde_json::{Value, json};

/// How a panel shows its queries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    /// Lines over time.
    Lines,
    /// The last value, large.
    Last,
}

/// One panel.
struct Panel {
    title: &'static str,
    shape: Shape,
    /// Grafana's name of a unit.
    unit: &'static str,
    /// Query, and how its lines are called.
    queries: &'static [(&'static str, &'static str)],
    help: &'static str,
}

/// Panels under a heading.
struct Row {
    title: &'static str,
    panels: &'static [Panel],
}

const fn lines(
    title: &'static str,
    unit: &'static str,
    queries: &'static [(&'static str, &'static str)],
    help: &'static str,
) -> Panel {
    Panel { title, shape: Shape::Lines, unit, queries, help }
}

const fn last(
    title: &'static str,
    unit: &'static str,
    queries: &'static [(&'static str, &'static str)],
    help: &'static str,
) -> Panel {
    Panel { title, shape: Shape::Last, unit, queries, help }
}

const ROWS: [Row; 3] = [
    Row {
        title: "Append-only files",
        panels: &[
            last(
                "Sets that are not healthy",
                "none",
                &[(r#"sum(1 - aof_check_success{set=~"$set"})"#, "")],
                "Damaged, inconsistent, gone, or not readable.",
            ),
            last(
                "Problems",
                "none",
                &[(
                    r#"sum by (severity, kind) (aof_check_problems{set=~"$set",severity!="info"})"#,
                    "{{severity}} {{kind}}",
                )],
                "By severity and kind, as aofkit check names them.",
            ),
            last(
                "Since the last check",
                "s",
                &[(r#"max(time() - aof_check_timestamp_seconds{set=~"$set"})"#, "")],
                "Of the set that waits longest.",
            ),
            last(
                "Findings of the audit",
                "none",
                &[("sum by (severity, rule) (aof_audit_findings)", "{{severity}} {{rule}}")],
                "By rule; aofkit audit says more.",
            ),
            lines(
                "Size",
                "bytes",
                &[
                    (r#"sum without (role) (aof_size_bytes{set=~"$set"})"#, "{{set}}"),
                    (r#"aof_rewrite_at_bytes{set=~"$set"}"#, "{{set}}: rewrite"),
                ],
                "All files that a server loads, and the size at which it rewrites them.",
            ),
            lines(
                "Growth since the base",
                "percentunit",
                &[(r#"aof_growth_ratio{set=~"$set"}"#, "{{set}}")],
                "100 % means twice the base.",
            ),
            lines(
                "Free disk",
                "bytes",
                &[(r#"aof_disk_free_bytes{set=~"$set"}"#, "{{set}}")],
                "Of the file system that holds the set.",
            ),
            lines(
                "Increments",
                "none",
                &[(r#"aof_files{set=~"$set",role="incr"}"#, "{{set}}")],
                "More than two for long: rewrites fail.",
            ),
            lines(
                "Leftovers",
                "bytes",
                &[(r#"aof_leftover_bytes{set=~"$set"}"#, "{{set}}")],
                "Files beside the set that no server loads.",
            ),
            lines(
                "Appended",
                "Bps",
                &[(
                    r#"clamp_min(deriv(aof_size_bytes{set=~"$set",role="incr"}[$__rate_interval]), 0)"#,
                    "{{set}}",
                )],
                "Growth of the increments.",
            ),
        ],
    },
    Row {
        title: "Backups",
        panels: &[
            lines(
                "Age of the last backup",
                "s",
                &[("time() - aof_backup_last_success_timestamp_seconds", "{{source}}")],
                "By source.",
            ),
            lines(
                "Age of the last verification",
                "s",
                &[("time() - aof_backup_last_verification_timestamp_seconds", "{{source}}")],
                "Known where aofkit verify --record wrote it down.",
            ),
            lines(
                "Keys in the newest backup",
                "none",
                &[("aof_backup_keys", "{{source}}")],
                "A sudden drop is a loss.",
            ),
            lines(
                "Bytes that the newest backup added",
                "bytes",
                &[("aof_backup_new_bytes", "{{source}}")],
                "Compressed, without what the repository had.",
            ),
            last(
                "Marks of the newest backups",
                "none",
                &[("sum by (source, kind) (aof_backup_marks)", "{{source}} {{kind}}")],
                "Somebody should look at these.",
            ),
        ],
    },
    Row {
        title: "Servers",
        panels: &[
            lines(
                "Memory",
                "bytes",
                &[
                    ("aof_server_memory_used_bytes", "{{server}}"),
                    ("aof_server_memory_peak_bytes", "{{server}}: peak"),
                    ("aof_server_memory_max_bytes > 0", "{{server}}: maxmemory"),
                ],
                "In use, the most so far, and the limit.",
            ),
            lines(
                "Processor",
                "percentunit",
                &[
                    (
                        "rate(aof_server_cpu_user_seconds_total[$__rate_interval])",
                        "{{server}}: user",
                    ),
                    (
                        "rate(aof_server_cpu_system_seconds_total[$__rate_interval])",
                        "{{server}}: system",
                    ),
                ],
                "100 % is one core.",
            ),
            lines("Clients", "none", &[("aof_server_clients", "{{server}}")], "Connected."),
            lines(
                "Replication lag",
                "bytes",
                &[("aof_server_replication_lag_bytes", "{{server}}")],
                "Bytes that the replica furthest behind has not confirmed.",
            ),
            lines(
                "Delayed syncs",
                "none",
                &[("increase(aof_server_delayed_fsyncs_total[$__rate_interval])", "{{server}}")],
                "The disk was too slow for appendfsync everysec.",
            ),
            last(
                "Last write, last rewrite",
                "none",
                &[
                    ("aof_server_last_write_success", "{{server}}: write"),
                    ("aof_server_last_rewrite_success", "{{server}}: rewrite"),
                ],
                "1: it went well.",
            ),
        ],
    },
];

/// The queries of all panels.
pub fn dashboard_queries() -> Vec<&'static str> {
    let panels = ROWS.iter().flat_map(|row| row.panels);
    panels.flat_map(|panel| panel.queries.iter().map(|(query, _)| *query)).collect()
}

/// The dashboard, as Grafana imports it.
pub fn dashboard() -> String {
    let mut panels = Vec::new();
    let mut y = 0;
    for row in &ROWS {
        panels.push(heading(row.title, panels.len() + 1, y));
        y += 1;
        for (at, panel) in row.panels.iter().enumerate() {
            // Three beside each other.
            let (x, below) = (at % 3 * 8, at / 3 * 8);
            panels.push(shown(panel, panels.len() + 1, (x, y + below)));
        }
        y += row.panels.len().div_ceil(3) * 8;
    }
    let dashboard = json!({
        "title": "Append-only files (aofkit)",
        "uid": "aofkit",
        "description": "Metrics of `aofkit metrics`. Made by `aofkit metrics --print dashboard`.",
        "tags": ["redis", "valkey", "aof"],
        "editable": true,
        "graphTooltip": 1,
        "refresh": "1m",
        "schemaVersion": 39,
        "time": {"from": "now-24h", "to": "now"},
        "templating": {"list": [datasource(), sets()]},
        "annotations": {"list": []},
        "panels": panels,
    });
    // Plain data with string keys: this cannot fail.
    serde_json::to_string_pretty(&dashboard).unwrap_or_default() + "\n"
}

fn heading(title: &str, id: usize, y: usize) -> Value {
    json!({
        "type": "row", "id": id, "title": title, "collapsed": false, "panels": [],
        "gridPos": {"h": 1, "w": 24, "x": 0, "y": y},
    })
}

fn shown(panel: &Panel, id: usize, (x, y): (usize, usize)) -> Value {
    let source = json!({"type": "prometheus", "uid": "${datasource}"});
    let queries = panel.queries.iter().zip('A'..).map(|((query, legend), letter)| {
        json!({
            "refId": letter.to_string(), "expr": query, "legendFormat": legend,
            "instant": panel.shape == Shape::Last, "range": panel.shape == Shape::Lines,
            "datasource": source,
        })
    });
    let queries: Vec<_> = queries.collect();
    let (kind, options) = match panel.shape {
        Shape::Lines => (
            "timeseries",
            json!({
                "legend": {"displayMode": "list", "placement": "bottom", "showLegend": true, "calcs": []},
                "tooltip": {"mode": "multi", "sort": "desc"},
            }),
        ),
        Shape::Last => (
            "stat",
            json!({
                "colorMode": "value", "graphMode": "none", "justifyMode": "auto", "orientation": "auto",
                "textMode": "auto",
                "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": false},
            }),
        ),
    };
    json!({
        "type": kind, "id": id, "title": panel.title, "description": panel.help,
        "datasource": source, "targets": queries, "options": options,
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "gridPos": {"h": 8, "w": 8, "x": x, "y": y},
    })
}

fn datasource() -> Value {
    json!({
        "name": "datasource", "type": "datasource", "label": "Data source", "query": "prometheus",
        "hide": 0, "multi": false, "includeAll": false,
    })
}

fn sets() -> Value {
    json!({
        "name": "set", "type": "query", "label": "Set", "query": "label_values(aof_check_success, set)",
        "datasource": {"type": "prometheus", "uid": "${datasource}"},
        "hide": 0, "multi": true, "includeAll": true, "allValue": ".*", "refresh": 2, "sort": 1,
        "current": {"text": ["All"], "value": ["$__all"]},
    })
}
