//! How fast one pass over a file feeds observers: `scan/<observer>/<size>`, where the size is that of
//! the values. `nobody` is the baseline: the same pass with an observer that does nothing.

#![allow(clippy::unwrap_used, reason = "a bench that cannot set itself up has to stop")]

#[path = "support/generate.rs"]
mod generate;

use std::time::Duration;

use aofkit::aof::{Aof, Event, OpenOptions};
use aofkit::check::Check;
use aofkit::progress::Silent;
use aofkit::scan::{Context, Observer, Pace, scan};
use aofkit::stats::Mix;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use generate::{Kind, Shape, in_memory};

const VALUES: [(&str, usize); 3] = [("32B", 32), ("256B", 256), ("4KiB", 4096)];

struct Nobody;

impl Observer for Nobody {
    type Report = ();

    #[inline]
    fn observe(&mut self, _: &Context, _: &Event<'_>) {}

    fn finish(self) {}
}

fn pass<O: Observer>(aof: &Aof, observer: O) -> O::Report {
    scan(aof, observer, &Pace::default(), &Silent).unwrap()
}

fn observers(c: &mut Criterion) {
    let mut group = c.benchmark_group("scan");
    group.sample_size(10);
    group.warm_up_time(Duration::from_millis(300));
    group.measurement_time(Duration::from_secs(1));
    for (size, value) in VALUES {
        let log = in_memory(Shape { kind: Kind::Application, value, bytes: 16 << 20, seed: 1 });
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), &log).unwrap();
        let aof = Aof::open(file.path(), &OpenOptions::default()).unwrap();
        group.throughput(Throughput::Bytes(log.len() as u64));
        group.bench_with_input(BenchmarkId::new("nobody", size), &aof, |b, aof| {
            b.iter(|| pass(aof, Nobody));
        });
        group.bench_with_input(BenchmarkId::new("check", size), &aof, |b, aof| {
            b.iter(|| pass(aof, Check::new(aof)));
        });
        group.bench_with_input(BenchmarkId::new("mix", size), &aof, |b, aof| {
            b.iter(|| pass(aof, Mix::default()));
        });
        group.bench_with_input(BenchmarkId::new("check+mix", size), &aof, |b, aof| {
            b.iter(|| pass(aof, (Check::new(aof), Mix::default())));
        });
    }
    group.finish();
}

criterion_group!(benches, observers);
criterion_main!(benches);
