//! Room, file systems, owners and modes.

use std::any::Any;
use std::fs;
use std::os::unix::fs::chown;
use std::path::Path;

use crate::cases::{Case, Given};
use crate::sets::{Args, by_conf, chmod, set_at};
use crate::support::processes::{is_closed, is_root};
use crate::support::small_disk::SmallDisk;

pub const CASES: &[Case] = &[
    Case {
        rule: "no-room-for-a-copy",
        breaks: Given::Running(|dir| overwritten_on(dir, 12)),
        holds: Given::Running(|dir| overwritten_on(dir, 64)),
    },
    Case {
        rule: "no-room-for-a-backup",
        breaks: Given::Running(|dir| backed_up_to(dir, 1)),
        holds: Given::Running(|dir| backed_up_to(dir, 64)),
    },
    Case {
        rule: "backup-on-same-disk",
        breaks: Given::Made(|dir| {
            let set = set_at(dir, &["SET a 1"]);
            Some(vec![set.into(), "--repo".into(), dir.join("repo").into()])
        }),
        holds: Given::Running(|dir| backed_up_to(dir, 64)),
    },
    Case {
        rule: "append-directory-elsewhere",
        breaks: Given::Running(|dir| mounted(dir, "data/appendonlydir")),
        holds: Given::Running(|dir| mounted(dir, "data")),
    },
    Case {
        rule: "data-readable-by-others",
        breaks: Given::Made(|dir| open(dir, 0o755, 0o644)),
        holds: Given::Made(|dir| open(dir, 0o750, 0o644)),
    },
    Case {
        rule: "data-writable-by-others",
        breaks: Given::Made(|dir| open(dir, 0o755, 0o666)),
        holds: Given::Made(|dir| open(dir, 0o755, 0o644)),
    },
    Case {
        rule: "owners-differ",
        breaks: Given::Made(|dir| owned(dir, 1234)),
        holds: Given::Made(|dir| owned(dir, 0)),
    },
    Case {
        rule: "secret-readable-by-others",
        breaks: Given::Made(|dir| secret(dir, 0o644)),
        holds: Given::Made(|dir| secret(dir, 0o640)),
    },
    Case {
        rule: "leftovers",
        breaks: Given::Made(|dir| {
            let set = set_at(dir, &["SET a 1"]);
            fs::write(set.join("temp-rewriteaof-bg-17.aof"), "").unwrap();
            Some(vec![set.into()])
        }),
        holds: Given::Made(|dir| {
            let set = set_at(dir, &["SET a 1"]);
            fs::write(dir.join("redis.log"), "ready\n").unwrap();
            Some(vec![set.into()])
        }),
    },
];

/// A set of 8 MiB of which next to nothing is alive, on a disk of so many.
fn overwritten_on(dir: &Path, size: usize) -> Option<(Args, Box<dyn Any>)> {
    let disk = SmallDisk::at(&dir.join("disk"), &format!("mode=700,size={size}m"))?;
    let call = format!("SET a {}", "x".repeat(1 << 20));
    let calls: Vec<_> = [call.as_str(); 8].to_vec();
    let set = set_at(disk.path(), &[&["SELECT 0"][..], &calls].concat());
    let mut args = by_conf(dir, "auto-aof-rewrite-min-size 1mb");
    args.push(set.into());
    Some((args, Box::new(disk)))
}

/// A set of 4 MiB, and a repository on a disk of so many.
fn backed_up_to(dir: &Path, size: usize) -> Option<(Args, Box<dyn Any>)> {
    let disk = SmallDisk::at(&dir.join("disk"), &format!("mode=700,size={size}m"))?;
    let call = format!("SET a {}", "x".repeat(4 << 20));
    let set = set_at(dir, &["SELECT 0", &call]);
    Some((vec![set.into(), "--repo".into(), disk.path().join("repo").into()], Box::new(disk)))
}

/// A set with a disk of its own at this place.
fn mounted(dir: &Path, at: &str) -> Option<(Args, Box<dyn Any>)> {
    let disk = SmallDisk::at(&dir.join(at), "mode=700,size=4m")?;
    let from = tempfile::tempdir().unwrap();
    let made = set_at(from.path(), &["SET a 1"]);
    let set = dir.join("data/appendonlydir");
    crate::support::copy_tree(&made, &set);
    Some((vec![set.into()], Box::new(disk)))
}

/// Whether others may go to where temporary directories are; where not, nothing below is open to them.
fn is_reachable(dir: &Path) -> bool {
    chmod(dir, 0o755);
    let is_open = !is_closed(dir);
    if !is_open {
        println!("did not run: nobody else may go to temporary directories");
    }
    is_open
}

/// A set whose directories and files have these modes.
fn open(dir: &Path, of_dir: u32, of_files: u32) -> Option<Args> {
    let set = set_at(dir, &["SET a 1"]);
    for file in fs::read_dir(&set).unwrap() {
        chmod(&file.unwrap().path(), of_files);
    }
    chmod(&set, of_dir);
    is_reachable(dir).then(|| vec![set.into()])
}

/// A set with a file of this user in a directory of ours.
fn owned(dir: &Path, user: u32) -> Option<Args> {
    let set = set_at(dir, &["SET a 1"]);
    if !is_root() {
        println!("did not run: files cannot be given away");
        return None;
    }
    chown(set.join("appendonly.aof.1.incr.aof"), Some(user), None).unwrap();
    Some(vec![set.into()])
}

/// A configuration with a password, of this mode.
fn secret(dir: &Path, mode: u32) -> Option<Args> {
    let args = by_conf(dir, "requirepass Tei7ahxohl2quiecTei7ahxohl2quiec");
    chmod(args[1].as_ref(), mode);
    is_reachable(dir).then_some(args)
}

#[test]
fn a_set_that_others_cannot_reach_is_not_open_to_them() {
    let dir = tempfile::tempdir().unwrap();
    let Some(args) = open(dir.path(), 0o777, 0o666) else { return };
    chmod(dir.path(), 0o700);
    assert!(crate::asked::broken(&crate::asked::report(&args)).is_empty());
}
