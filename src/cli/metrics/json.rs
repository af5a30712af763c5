//! `metrics` for scripts.

use aofkit::metrics::{METRICS, Metric, Sample, Samples, Value};
use serde::Serialize;

use crate::cli::common::json::{VERSION, pretty};

#[derive(Serialize)]
struct MetricsJson {
    schema: &'static str,
    tool_version: &'static str,
    metrics: Vec<MetricJson>,
}

#[derive(Serialize)]
struct MetricJson {
    name: &'static str,
    r#type: &'static str,
    unit: &'static str,
    help: &'static str,
    samples: Vec<SampleJson>,
}

#[derive(Serialize)]
struct SampleJson {
    labels: Vec<LabelJson>,
    value: serde_json::Number,
}

#[derive(Serialize)]
struct LabelJson {
    name: &'static str,
    value: String,
}

pub fn metrics(samples: &Samples) -> String {
    let metrics = METRICS.iter().map(|metric| MetricJson {
        name: metric.name,
        r#type: metric.kind.as_str(),
        unit: metric.unit.as_str(),
        help: metric.help,
        samples: of_metric(metric, samples),
    });
    pretty(&MetricsJson {
        schema: "aofkit.metrics/1",
        tool_version: VERSION,
        metrics: metrics.filter(|metric| !metric.samples.is_empty()).collect(),
    })
}

fn of_metric(metric: &Metric, samples: &Samples) -> Vec<SampleJson> {
    let own = samples.all().iter().filter(|sample| sample.metric == metric.name);
    own.filter_map(|sample| sample_json(metric, sample)).collect()
}

fn sample_json(metric: &Metric, sample: &Sample) -> Option<SampleJson> {
    let value = match sample.value {
        Value::Whole(whole) => whole.into(),
        Value::Real(real) => serde_json::Number::from_f64(real)?,
    };
    let labels = metric.labels.iter().zip(&sample.labels);
    let labels = labels.map(|(name, value)| LabelJson { name, value: value.clone() });
    Some(SampleJson { labels: labels.collect(), value })
}
