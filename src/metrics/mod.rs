//! Figures of sets, backups and servers for Prometheus, and what is built on them.
//!
//! One list of metrics ([`METRICS`]) is what the text format, the page that explains them, the rules of alerts
//! and the dashboard are made of. [`Watcher`] looks at sets again and again and reads what was appended. Knows checks,
//! repositories and servers; writes no file and opens no port, which is for whoever calls.

mod alerts;
mod backups;
mod dashboard;
pub mod list;
mod of_audit;
mod of_server;
mod of_set;
mod page;
mod samples;
mod watched;
mod watcher;

pub use alerts::{ALERTS, Alert, Urgency, alert_rules};
pub use dashboard::{dashboard, dashboard_queries};
pub use list::{METRICS, Metric, MetricKind, Origin, Unit};
pub use of_audit::{nothing_audited, of_audit};
pub use of_server::of_server;
pub use page::metrics_page;
pub use samples::{CONTENT_TYPE, Sample, Samples, Value};
pub use watcher::Watcher;
