//! The estimate of what is alive, with less memory than it needs: it must stay within the error it tells.

use std::fs;

use crate::generate::{Kind, Shape};
use aofkit::aof::{Aof, OpenOptions};
use aofkit::format::conf::PackedLimits;
use aofkit::growth::{Growth, GrowthOptions, LiveEstimate};
use aofkit::progress::Silent;
use aofkit::scan::{Pace, scan};

const NOW_MS: i64 = 1_700_000_000_000;

fn estimate(log: &[u8], budget: usize, seed: u64) -> LiveEstimate {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log.aof");
    fs::write(&path, log).unwrap();
    let aof = Aof::open(&path, &OpenOptions::default()).unwrap();
    let options = GrowthOptions {
        budget,
        seed: Some(seed),
        is_compressed: Some(true),
        packed: Some(PackedLimits::default()),
        ..GrowthOptions::at(NOW_MS)
    };
    scan(&aof, Growth::new(&aof, options), &Pace::default(), &Silent).unwrap().live
}

#[test]
fn a_sample_stays_within_the_error_it_tells() {
    let log = crate::generate::in_memory(Shape {
        kind: Kind::Application,
        value: 128,
        bytes: 6 << 20,
        seed: 5,
    });
    let whole = estimate(&log, 1 << 30, 1);
    assert!(whole.is_complete && whole.keys > 5_000, "{whole:?}");
    for seed in 1..=4 {
        let sample = estimate(&log, 512 << 10, seed);
        assert!(!sample.is_complete && sample.followed_keys * 4 < whole.keys, "{sample:?}");
        let off = |told: Option<u64>, real: Option<u64>| {
            let (told, real) = (told.unwrap(), real.unwrap());
            100.0 * (told as f64 / real as f64 - 1.0)
        };
        let resp = off(sample.resp.estimated_bytes, whole.resp.estimated_bytes);
        let rdb = off(sample.rdb.estimated_bytes, whole.rdb.estimated_bytes);
        let keys = off(Some(sample.keys), Some(whole.keys));
        let [resp_error, rdb_error] =
            [sample.resp, sample.rdb].map(|size| size.error_percent.unwrap());
        eprintln!(
            "{seed}: {resp:+.1} % of {:.1}, {rdb:+.1} % of {:.1}, keys {keys:+.1} %",
            resp_error, rdb_error
        );
        assert!(resp.abs() <= resp_error, "{resp} {sample:?}");
        assert!(rdb.abs() <= rdb_error, "{rdb} {sample:?}");
        assert!(resp_error < 15.0, "{sample:?}");
    }
}
