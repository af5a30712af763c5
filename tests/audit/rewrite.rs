//! Settings of rewrites, held against sets that grew in one way or another.

use std::fs;
use std::path::Path;

use crate::cases::{Case, Given};
use crate::sets::{Args, by_conf, log, set_at};
use crate::support::small_disk::SmallDisk;

const MINIMUM: &str = "auto-aof-rewrite-min-size";

pub const CASES: &[Case] = &[
    Case::lines("rewrite-off", "auto-aof-rewrite-percentage 0", "auto-aof-rewrite-percentage 100"),
    Case {
        rule: "rewrite-never-fires",
        breaks: Given::Made(|dir| Some(grown(dir, "900000gb", &["SET a 1"]))),
        holds: Given::Made(|dir| Some(grown(dir, "64mb", &["SET a 1"]))),
    },
    Case {
        rule: "rewrite-waits-for-minimum",
        breaks: Given::Made(|dir| Some(overwritten(dir, "1gb"))),
        holds: Given::Made(|dir| Some(overwritten(dir, "64mb"))),
    },
    Case {
        rule: "rewrite-fires-all-the-time",
        breaks: Given::Made(|dir| Some(busy(dir, "2mb"))),
        holds: Given::Made(|dir| Some(busy(dir, "64mb"))),
    },
    Case::lines(
        "rewrite-minimum-tiny",
        "auto-aof-rewrite-min-size 1kb",
        "auto-aof-rewrite-min-size 1mb",
    ),
    Case::lines(
        "rewrite-percentage-large",
        "auto-aof-rewrite-percentage 5000",
        "auto-aof-rewrite-percentage 1000",
    ),
    Case {
        rule: "rewrites-fail",
        breaks: Given::Made(|dir| Some(increments(dir, 5))),
        holds: Given::Made(|dir| Some(increments(dir, 2))),
    },
    Case {
        rule: "rewrite-peak-exceeds-room",
        breaks: Given::Running(|dir| tight(dir, 14)),
        holds: Given::Running(|dir| tight(dir, 64)),
    },
];

/// A set of these calls, and a configuration with this minimum.
fn grown(dir: &Path, minimum: &str, calls: &[&str]) -> Args {
    let set = set_at(dir, calls);
    let mut args = by_conf(dir, &format!("{MINIMUM} {minimum}"));
    args.push(set.into());
    args
}

const MIB: usize = 1 << 20;

/// One key that was written again and again.
fn overwritten(dir: &Path, minimum: &str) -> Args {
    let call = format!("SET a {}", "x".repeat(MIB));
    let mut calls = vec!["SELECT 0"];
    calls.extend([call.as_str(); 140]);
    grown(dir, minimum, &calls)
}

/// A hundred seconds of 100 KiB each.
fn busy(dir: &Path, minimum: &str) -> Args {
    let args = grown(dir, minimum, &[]);
    let second = |second: u64| {
        let call = format!("SET a {}", "x".repeat(100 << 10));
        [format!("#TS:{}\r\n", 1_780_000_000 + second).into_bytes(), log(&[&call])].concat()
    };
    let bytes = [log(&["SELECT 0"]), (0..100).flat_map(second).collect()].concat();
    fs::write(dir.join("appendonlydir/appendonly.aof.1.incr.aof"), bytes).unwrap();
    args
}

/// A set of so many increments.
fn increments(dir: &Path, count: usize) -> Args {
    let set = set_at(dir, &["SET a 1"]);
    let mut manifest = "file appendonly.aof.1.base.aof seq 1 type b\n".to_owned();
    for seq in 1..=count {
        let name = format!("appendonly.aof.{seq}.incr.aof");
        fs::write(set.join(&name), log(&["SELECT 0", "SET a 1"])).unwrap();
        manifest += &format!("file {name} seq {seq} type i\n");
    }
    fs::write(set.join("appendonly.aof.manifest"), manifest).unwrap();
    vec![set.into()]
}

/// A set of 10 MiB that are all alive, on a disk of so many.
fn tight(dir: &Path, size: usize) -> Option<(Args, Box<dyn std::any::Any>)> {
    let disk = SmallDisk::at(&dir.join("disk"), &format!("mode=700,size={size}m"))?;
    let set = set_at(disk.path(), &[]);
    let keys = |from: usize, to: usize| {
        // Values that cannot be compressed.
        let value = |key: usize| -> Vec<u8> {
            let mut random = crate::support::mutate::Random::new(7, key as u64);
            (0..MIB / 8).flat_map(|_| random.next().to_le_bytes()).collect()
        };
        let one = |key: usize| {
            let (key, value) = (format!("k{key}"), value(key));
            crate::support::spelled::record(&[b"SET", key.as_bytes(), &value])
        };
        [log(&["SELECT 0"]), (from..to).flat_map(one).collect()].concat()
    };
    fs::write(set.join("appendonly.aof.1.base.aof"), keys(0, 6)).unwrap();
    fs::write(set.join("appendonly.aof.1.incr.aof"), keys(6, 10)).unwrap();
    let mut args = by_conf(dir, &format!("{MINIMUM} 1mb"));
    args.push(set.into());
    Some((args, Box::new(disk)))
}
