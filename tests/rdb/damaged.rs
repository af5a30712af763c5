//! Damaged RDB files are judged as redis-check-rdb judges them, and no flipped byte goes unseen.
//!
//! The checksum is made anew after each mutation, so that what is judged is structure. What differs is
//! listed in [`DIFFERENCES`] with the reason. `AOFKIT_SEED` and `AOFKIT_RDB_CASES` choose other cases.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::live::Live;
use crate::support::mutate::Random;
use crate::support::server::Server;
use crate::support::{in_parallel, number_from_env, recorded_sets};
use aofkit::format::rdb::checksum::crc64;
use aofkit::format::rdb::{Checksum, Deep, Family, sniff, walk_slice, walk_slice_with};

/// A way in which we differ from redis-check-rdb, and why that is right.
struct Difference {
    /// What our verdict begins with.
    ours: &'static str,
    /// Whether redis-check-rdb accepts the file.
    accepts: bool,
    #[allow(dead_code)]
    why: &'static str,
}

const DIFFERENCES: &[Difference] = &[Difference {
    ours: "LengthIsEncoding",
    accepts: true,
    why: "where a number must stand it takes a string encoding's lead byte as a number of six bits; no \
              writer does that",
}];

/// The RDB part of a recorded file, without its checksum and what follows.
struct Base {
    path: PathBuf,
    body: Vec<u8>,
}

/// Files redis-check-rdb 8.2 can read: it takes no newer version and no other magic.
fn bases() -> Vec<Base> {
    let mut found = Vec::new();
    let mut folders = vec![recorded_sets()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder of fixtures") {
            let path = entry.expect("a fixture").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let bytes = fs::read(&path).expect("a fixture");
            let is_newer = bytes.get(..9).is_some_and(|magic| magic > &b"REDIS0012"[..]);
            if sniff(&bytes) == Some(Family::Redis) && !is_newer {
                let end = walk_slice(&bytes, 0).expect("a sound fixture").outcome.end as usize;
                found.push(Base { path, body: bytes[..end - 8].to_vec() });
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

fn sealed(body: &[u8]) -> Vec<u8> {
    [body, &crc64(body).to_le_bytes()].concat()
}

/// What we say: `sound`, or the first thing that is wrong.
fn verdict(bytes: &[u8]) -> String {
    let mut deep = Deep::new();
    let walked = walk_slice_with(bytes, 0, &mut deep);
    let report = deep.finish();
    // The tool does not look at everything that the strictest loader does.
    if let Some(flaw) = report.flaws.iter().find(|flaw| !flaw.is_taken_by_most()) {
        return format!("{:?} at {} in {:?}", flaw.wrong, flaw.at, flaw.key);
    }
    match walked {
        Err(failure) => format!("{:?} at {}", failure.fault.reason, failure.fault.at),
        Ok(_) if report.leaves_out() => "left something out".to_owned(),
        Ok(walked) => match walked.checksum {
            Checksum::Match(_) | Checksum::Disabled => "sound".to_owned(),
            other => format!("{other:?}"),
        },
    }
}

/// One small change behind the header and before the end opcode.
fn mutated(body: &[u8], random: &mut Random) -> (Vec<u8>, String) {
    let mut bytes = body.to_vec();
    let at = 9 + random.below(bytes.len() - 10);
    let old = bytes[at];
    let what = match random.below(8) {
        0 | 1 => {
            bytes[at] ^= 1 << random.below(8);
            "flip"
        }
        2 => {
            bytes[at] = random.next() as u8;
            "set"
        }
        3 => {
            bytes[at] = old.wrapping_add(1);
            "increment"
        }
        4 => {
            bytes[at] = old.wrapping_sub(1);
            "decrement"
        }
        5 => {
            bytes.remove(at);
            "remove"
        }
        6 => {
            bytes.insert(at, old);
            "double"
        }
        _ => {
            let other = 9 + random.below(bytes.len() - 10);
            bytes.swap(at, other);
            "swap"
        }
    };
    (bytes, format!("{what} at {at}"))
}

#[test]
fn the_thorough_walk_agrees_with_redis_check_rdb() {
    let Some(server) = Server::find("redis-8.2") else {
        println!("no redis-8.2 found: the comparison with its check tool did not run");
        return;
    };
    let bases = bases();
    let seed = number_from_env("AOFKIT_SEED", 20_260_723);
    let cases = number_from_env("AOFKIT_RDB_CASES", 1200) as usize;
    let folder = tempfile::tempdir().expect("make a temporary directory");
    let surprises: Vec<Option<String>> = in_parallel(bases.len() + cases, |index| {
        let base = &bases[index % bases.len()];
        let mut random = Random::new(seed, index as u64);
        let (body, what) = match index < bases.len() {
            true => (base.body.clone(), "unchanged".to_owned()),
            false => mutated(&base.body, &mut random),
        };
        compare(&server, &sealed(&body), &folder.path().join(format!("{index}.rdb")))
            .map(|difference| format!("{index} {} {what}: {difference}", base.path.display()))
    });
    let surprises: Vec<String> = surprises.into_iter().flatten().collect();
    assert!(surprises.is_empty(), "{} differ:\n{}", surprises.len(), surprises.join("\n"));
}

/// How we differ from the tool, unless that is expected.
fn compare(server: &Server, bytes: &[u8], file: &Path) -> Option<String> {
    fs::write(file, bytes).expect("write a damaged copy");
    let (exit, output) = server.check_rdb(file);
    fs::remove_file(file).expect("remove a damaged copy");
    let ours = verdict(bytes);
    let accepts = exit == Some(0);
    let expected = |row: &Difference| ours.starts_with(row.ours) && row.accepts == accepts;
    if (ours == "sound") == accepts || DIFFERENCES.iter().any(expected) {
        return None;
    }
    let last: Vec<&str> = output.lines().rev().take(8).collect();
    Some(format!("we: {ours}; redis-check-rdb: {exit:?}: {}", last.join(" | ")))
}

/// What only it writes: streams with producers, of which nothing is recorded.
#[test]
fn the_thorough_walk_agrees_with_the_tool_of_the_newest_redis_on_what_that_wrote() {
    let Some(server) = Server::find("redis-8.6") else {
        println!("no redis-8.6 found: the comparison with its check tool did not run");
        return;
    };
    let folder = tempfile::tempdir().expect("make a temporary directory");
    let mut live = Live::start(&server, folder.path());
    for i in 0..30 {
        live.must(&format!("XADD stream IDMP p{} id:{i} * f {i} g x", i % 3));
    }
    live.must("XGROUP CREATE stream g1 0");
    live.must("XGROUP CREATE stream g2 0");
    live.must("XREADGROUP GROUP g1 c1 COUNT 7 STREAMS stream >");
    live.must("XREADGROUP GROUP g1 c2 COUNT 3 STREAMS stream >");
    live.must("XREADGROUP GROUP g2 c1 COUNT 2 STREAMS stream >");
    live.must("HSET packed a 1 b 2 c 3");
    live.must("HPEXPIREAT packed 5000000000000 FIELDS 2 a c");
    live.must("HPERSIST packed FIELDS 1 a");
    live.must("CONFIG SET hash-max-listpack-entries 2");
    live.must("HSET table a 1 b 2 c 3");
    live.must("HPEXPIREAT table 5000000000000 FIELDS 2 a c");
    live.must("SAVE");
    let bytes = fs::read(folder.path().join("dump.rdb")).expect("a dump");
    let body = &bytes[..bytes.len() - 8];
    let seed = number_from_env("AOFKIT_SEED", 20_260_723);
    let cases = number_from_env("AOFKIT_RDB_CASES", 1200) as usize / 3;
    let surprises: Vec<Option<String>> = in_parallel(cases, |index| {
        let mut random = Random::new(seed, index as u64);
        let (body, what) = match index {
            0 => (body.to_vec(), "unchanged".to_owned()),
            _ => mutated(body, &mut random),
        };
        compare(&server, &sealed(&body), &folder.path().join(format!("{index}.rdb")))
            .map(|difference| format!("{index} {what}: {difference}"))
    });
    let surprises: Vec<String> = surprises.into_iter().flatten().collect();
    assert!(surprises.is_empty(), "{} differ:\n{}", surprises.len(), surprises.join("\n"));
}

#[test]
fn no_flipped_byte_goes_unseen() {
    let bases = bases();
    let seed = number_from_env("AOFKIT_SEED", 20_260_723);
    for index in 0..2000 {
        let mut random = Random::new(seed, index);
        let base = &bases[random.below(bases.len())];
        let mut bytes = sealed(&base.body);
        let at = random.below(bytes.len());
        bytes[at] ^= 1 << random.below(8);
        let sound = walk_slice(&bytes, 0).is_ok_and(|walked| {
            matches!(walked.checksum, Checksum::Match(_) | Checksum::Disabled)
                && walked.outcome.end == bytes.len() as u64
        });
        assert!(!sound, "{}: a flip at {at} was not seen", base.path.display());
    }
}
