//! How fast bytes become records: `parse/<shape>/<size>`, where the size is that of the values.
//!
//! - `records`: the iterator over a slice in memory, arguments unread;
//! - `arguments`: the same, every argument visited;
//! - `walk`: the walk over a mapped file whose events nobody looks at, the floor under every scan.

#![allow(clippy::unwrap_used, reason = "a bench that cannot set itself up has to stop")]

#[path = "support/generate.rs"]
mod generate;

use std::hint::black_box;
use std::time::Duration;

use aofkit::aof;
use aofkit::disk::{Access, FrozenFile};
use aofkit::format::resp;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use generate::{Kind, Shape, in_memory};

const VALUES: [(&str, usize); 3] = [("32B", 32), ("256B", 256), ("4KiB", 4096)];

fn parse(c: &mut Criterion) {
    let mut group = c.benchmark_group("parse");
    group.sample_size(10);
    group.warm_up_time(Duration::from_millis(300));
    group.measurement_time(Duration::from_secs(1));
    for (size, value) in VALUES {
        let log = in_memory(Shape { kind: Kind::Application, value, bytes: 16 << 20, seed: 1 });
        // Records alone: the iterator is not meant for annotation lines.
        let bare = without_annotations(&log);
        group.throughput(Throughput::Bytes(bare.len() as u64));
        group.bench_with_input(BenchmarkId::new("records", size), &bare, |b, bare| {
            b.iter(|| resp::records(black_box(bare), 0).map(|r| r.unwrap().len).sum::<u64>());
        });
        group.bench_with_input(BenchmarkId::new("arguments", size), &bare, |b, bare| {
            b.iter(|| {
                let records = resp::records(black_box(bare), 0).map(Result::unwrap);
                records.flat_map(|r| r.args()).map(|a| a.len).sum::<u64>()
            });
        });
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), &log).unwrap();
        let frozen = FrozenFile::open(file.path()).unwrap();
        group.throughput(Throughput::Bytes(log.len() as u64));
        group.bench_with_input(BenchmarkId::new("walk", size), &frozen, |b, frozen| {
            b.iter(|| {
                let mut source = frozen.source(Access::Map);
                let mut events = 0_u64;
                aof::walk(&mut *source, &mut (), &mut |_| events += 1).unwrap();
                events
            });
        });
    }
    group.finish();
}

fn without_annotations(log: &[u8]) -> Vec<u8> {
    let mut bare = Vec::with_capacity(log.len());
    let mut rest = log;
    while let Some(first) = rest.first() {
        let len = if *first == b'#' {
            rest.iter().position(|b| *b == b'\n').unwrap() + 1
        } else {
            let len = resp::record(rest).unwrap().len;
            bare.extend_from_slice(&rest[..len]);
            len
        };
        rest = &rest[len..];
    }
    bare
}

criterion_group!(benches, parse);
criterion_main!(benches);
