//! The page that explains every metric.

use std::fmt::Write as _;

use super::alerts::ALERTS;
use super::list::{METRICS, Metric, Origin};

/// A heading, what belongs there, and a remark.
type Section = (&'static str, fn(Origin) -> bool, &'static str);

/// The sections.
const SECTIONS: [Section; 6] = [
    (
        "The set",
        |origin| matches!(origin, Origin::Check),
        "The label `set` is the directory that the set's server works in, as PATH led to it, but never above PATH; where one directory has several sets, it is the set's own directory. It does not depend on other sets, nor on whether the set is there. A directory of a server beside those of other sets (its name differs from theirs by a number, or holds a `nodes.conf` or an empty `appendonlydir`) with no set in it is told as a set that is gone. A set that was seen and is \
         gone is still told, with `aof_check_success` 0. Kinds of problems are those of `aofkit check`; kinds of errors are those of \
         errors in JSON, and `configuration` where the file of `--conf` cannot be read or does not say where the set is, so that it was not looked for.",
    ),
    (
        "Files and disk",
        |origin| matches!(origin, Origin::Disk),
        "Told without reading the files. `aof_growth_ratio` and `aof_rewrite_at_bytes` count as a server that has started \
         with these files; `aofkit growth` knows the other cases, and `--server` asks.",
    ),
    (
        "Backups",
        |origin| matches!(origin, Origin::Repository),
        "With `--repo`. `aof_backup_present` is told of each set that is looked at, the other metrics of each source. Sources of `--as-is` are left out. The label `set` joins a source with the set that it is, \
         whatever it is called.",
    ),
    (
        "Servers",
        |origin| matches!(origin, Origin::Server(_)),
        "With `--server`. The label `server` is the address without password. These are the fields that belong to \
         persistence; [redis_exporter](https://github.com/oliver006/redis_exporter) tells many more, for whole fleets of servers \
         (commands, latency, key spaces, slow log, Sentinel, Cluster), and does that better. Both may run side by side: their names \
         differ. It reads no file, so the sections above are only here.",
    ),
    (
        "Audit",
        |origin| matches!(origin, Origin::Audit),
        "With `--audit`: what `aofkit audit` finds in the same sets, configuration, server and repository. It reads the sets \
         once more; a watch repeats it once an hour at most.",
    ),
    ("The exporter", |origin| matches!(origin, Origin::Own), ""),
];

/// The page, in Markdown.
pub fn metrics_page() -> String {
    let mut text = "# Metrics\n\n\
        What `aofkit metrics` tells Prometheus. Made by `aofkit metrics --print list`, from the same list as the output, \
        [alerts.yml](alerts.yml) and [dashboard.json](dashboard.json). How to set it up: \
        [production.md](production.md#monitoring). Keys and values stand in no metric. What is not known is absent, never 0.\n"
        .to_owned();
    for (title, belongs, remark) in SECTIONS {
        // Nothing fails that is written into a string.
        let _ = write!(text, "\n## {title}\n\n");
        if !remark.is_empty() {
            let _ = write!(text, "{remark}\n\n");
        }
        text += "| metric | labels | type, unit | meaning |\n|---|---|---|---|\n";
        METRICS.iter().filter(|metric| belongs(metric.origin)).for_each(|one| row(&mut text, one));
    }
    text += "\n## Alerts\n\n| alert | severity | fires when | for |\n|---|---|---|---|\n";
    for alert in ALERTS {
        let expr = alert.expr.replace('|', "\\|");
        let (name, severity, lasts) = (alert.name, alert.urgency.as_str(), alert.lasts);
        let _ = writeln!(text, "| {name} | {severity} | `{expr}` | {lasts} |");
    }
    text
}

fn row(text: &mut String, metric: &Metric) {
    let labels: Vec<_> = metric.labels.iter().map(|label| format!("`{label}`")).collect();
    let field = match metric.origin {
        Origin::Server(field) => format!(" ({field})"),
        _ => String::new(),
    };
    let _ = writeln!(
        text,
        "| `{}` | {} | {}, {} | {}{field} |",
        metric.name,
        labels.join(", "),
        metric.kind.as_str(),
        metric.unit.as_str(),
        metric.help
    );
}
