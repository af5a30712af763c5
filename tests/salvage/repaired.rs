//! A damaged set, and what salvage or truncation would make of it.

use std::fs;
use std::path::{Path, PathBuf};

use aofkit::aof::{Aof, OpenOptions};
use aofkit::check::{Check, Report, Wording, judge};
use aofkit::progress::Silent;
use aofkit::repair::Drops;
use aofkit::repair::inner::{self, Answer, Inner};
use aofkit::scan::{Pace, scan};

use crate::support::copy_tree;

/// Opens the set in an append directory for a server.
pub fn open(set: &Path, target: &str) -> Aof {
    let target = Some(target.parse().unwrap());
    Aof::open(set, &OpenOptions { target, ..OpenOptions::default() }).unwrap()
}

fn judged(aof: &Aof) -> Report {
    let facts = scan(aof, Check::new(aof), &Pace::default(), &Silent).unwrap();
    judge(aof, facts, &Wording::default()).unwrap()
}

pub fn salvaged(aof: &Aof) -> Answer {
    inner::salvage(aof, &judged(aof), &Drops::default()).unwrap()
}

pub fn truncated(aof: &Aof) -> Answer {
    inner::truncate(aof, &judged(aof), &Drops::default()).unwrap()
}

/// The plan, or a panic that says why there is none.
pub fn planned(answer: Answer) -> Box<Inner> {
    match answer {
        Answer::Plan(inner) => inner,
        Answer::Refused(why) => panic!("refused: {why}"),
    }
}

/// Bytes of every live file as they would be, by position.
pub fn contents(aof: &Aof, inner: &Inner) -> Vec<Vec<u8>> {
    let after = inner.plan.preview(aof).unwrap();
    let live = after.live().map(|(_, segment)| {
        let mut source = segment.source().unwrap();
        let (mut bytes, mut at) = (Vec::new(), 0);
        loop {
            let window = source.window(at, 1).unwrap();
            if window.is_empty() {
                return bytes;
            }
            bytes.extend_from_slice(window);
            at += window.len() as u64;
        }
    });
    live.collect()
}

/// A copy of a data directory with one file of its set changed.
pub fn damaged_copy(data: &Path, into: &Path, file: &str, bytes: &[u8]) -> PathBuf {
    copy_tree(data, into);
    let set = into.join(crate::support::server::APPEND_DIR);
    fs::write(set.join(file), bytes).unwrap();
    let old = fs::File::options().write(true).open(set.join(file)).unwrap();
    // Nobody is in the middle of writing it.
    old.set_modified(std::time::UNIX_EPOCH).unwrap();
    set
}

/// The verdict the result will have, and what its target will do with it.
pub fn outlook(aof: &Aof, inner: &Inner) -> aofkit::change::Outlook {
    inner.plan.outlook(aof, &Wording::default(), &Pace::default(), &Silent).unwrap()
}
