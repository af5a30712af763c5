//! Values of metrics, and the text format of Prometheus.
//!
//! Source: "Exposition formats" of the Prometheus documentation, version 0.0.4: one `HELP` and one `TYPE` line for each
//! metric, its samples behind them; in a label's value a backslash, a quote and a line end are escaped.

use std::fmt::Write as _;
use std::path::Path;

use super::list::{METRICS, Metric};
use crate::text;

/// What a server of metrics says that it sends.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The value of a sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value {
    /// A whole number, written with every digit.
    Whole(u64),
    /// Any other number.
    Real(f64),
}

impl From<u64> for Value {
    fn from(value: u64) -> Self {
        Self::Whole(value)
    }
}

impl From<usize> for Value {
    fn from(value: usize) -> Self {
        Self::Whole(value as u64)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Whole(value.into())
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Real(value)
    }
}

/// One value of a metric.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Of which metric.
    pub metric: &'static str,
    /// The values of its labels, in the order of their names.
    pub labels: Vec<String>,
    /// The value.
    pub value: Value,
}

/// Values of metrics, to be written.
#[derive(Clone, Debug, Default)]
pub struct Samples(Vec<Sample>);

impl Samples {
    /// One more. A value that is no number, such as a quotient of nothing, is left out.
    pub fn add(&mut self, metric: &Metric, labels: &[&str], value: impl Into<Value>) {
        debug_assert_eq!(metric.labels.len(), labels.len(), "labels of {}", metric.name);
        let value = value.into();
        if let Value::Real(real) = value
            && !real.is_finite()
        {
            return;
        }
        let labels = labels.iter().map(|label| (*label).to_owned()).collect();
        self.0.push(Sample { metric: metric.name, labels, value });
    }

    /// The same where it is known.
    pub fn add_known(&mut self, metric: &Metric, labels: &[&str], value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.add(metric, labels, value);
        }
    }

    /// All of them.
    pub fn all(&self) -> &[Sample] {
        &self.0
    }

    /// Those of the other, too.
    pub fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// In the text format, by metric.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for metric in METRICS {
            let mut own = self.0.iter().filter(|sample| sample.metric == metric.name).peekable();
            if own.peek().is_none() {
                continue;
            }
            // Nothing fails that is written into a string.
            let _ = writeln!(text, "# HELP {} {}", metric.name, escaped(metric.help, false));
            let _ = writeln!(text, "# TYPE {} {}", metric.name, metric.kind.as_str());
            own.for_each(|sample| line(&mut text, metric, sample));
        }
        text
    }
}

fn line(text: &mut String, metric: &Metric, sample: &Sample) {
    text.push_str(metric.name);
    for (at, (name, value)) in metric.labels.iter().zip(&sample.labels).enumerate() {
        let before = if at == 0 { '{' } else { ',' };
        let _ = write!(text, "{before}{name}=\"{}\"", escaped(value, true));
    }
    if !metric.labels.is_empty() {
        text.push('}');
    }
    let _ = match sample.value {
        Value::Whole(whole) => writeln!(text, " {whole}"),
        Value::Real(real) => writeln!(text, " {real}"),
    };
}

/// A path as the value of a label: no two paths are one. One with a backslash is escaped as a whole, for an escaped one has it too.
pub(super) fn label(path: &Path) -> String {
    let bytes = path.as_os_str().as_encoded_bytes();
    if bytes.contains(&b'\\') { text::escape(bytes) } else { text::name(bytes) }
}

fn escaped(text: &str, is_label: bool) -> String {
    let text = text.replace('\\', r"\\").replace('\n', r"\n");
    if is_label { text.replace('"', "\\\"") } else { text }
}
