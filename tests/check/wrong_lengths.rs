//! A length or a count that is wrong, in any way, in any record, is no torn end: what a default repair cuts holds
//! no sound record that stands behind it.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use crate::support::in_parallel;
use crate::support::mutate::Random;
use crate::support::spelled::record;
use serde_json::Value;

/// Records of many kinds, some in a transaction, some of a module, one larger than what is read in one piece.
fn records(random: &mut Random, count: usize) -> Vec<Vec<u8>> {
    let mut all = vec![record(&[b"SELECT", b"0"])];
    while all.len() < count {
        let i = all.len();
        let key = format!("key:{i}");
        let value = vec![b'v'; *random.pick(&[1, 3, 9, 10, 96, 99, 100, 1234])];
        match random.below(8) {
            0 => all.push(record(&[b"HSET", key.as_bytes(), b"f", &value, b"g", b"1\r\n2"])),
            1 => all.push(record(&[b"PEXPIREAT", key.as_bytes(), b"4102444800000"])),
            2 => {
                all.push(record(&[b"MULTI"]));
                all.push(record(&[b"INCR", b"n"]));
                all.push(record(&[b"SET", key.as_bytes(), &value]));
                all.push(record(&[b"EXEC"]));
            }
            3 if random.chance(30) => all.push(record(&[b"SET", b"big", &vec![b'x'; 300_000]])),
            4 => all.push(b"#TS:1700000000\r\n".to_vec()),
            _ => all.push(record(&[b"SET", key.as_bytes(), &value])),
        }
    }
    // A record, so that there is one behind an annotation.
    all.push(record(&[b"SET", b"last", b"1"]));
    all
}

/// Where the headers in a record are, as ranges of their numbers.
fn numbers(record: &[u8]) -> Vec<(usize, usize)> {
    let line = |from: usize| from + record[from..].iter().position(|&b| b == b'\r').unwrap();
    let mut found = vec![(1, line(1))];
    let mut at = line(1) + 2;
    while at < record.len() {
        let end = line(at);
        found.push((at + 1, end));
        let len: usize = std::str::from_utf8(&record[at + 1..end]).unwrap().parse().unwrap();
        at = end + 2 + len + 2;
    }
    found
}

/// Another number in the place of `now`; `places` are lengths that end where a line ends.
fn other(random: &mut Random, now: &str, places: &[usize]) -> String {
    let number: i64 = now.parse().unwrap();
    let digit = (b'0' + random.below(10) as u8) as char;
    let other = match random.below(12) {
        0 => (number + 1).to_string(),
        1 => (number - 1).to_string(),
        2 => format!("{now}{digit}"),
        3 => format!("{digit}{now}"),
        4 => now[1..].to_owned(),
        5 => format!("999{now}"),
        6 => format!("-{now}"),
        7 => "99999999999999999999".to_owned(),
        8 => random.below(200_000).to_string(),
        9 => format!("{now}x"),
        _ => random.pick(places).to_string(),
    };
    if other == now { (number + 2).to_string() } else { other }
}

/// A log in which one number is another, and where the sound records behind it are.
struct Damaged {
    bytes: Vec<u8>,
    sound: (usize, usize),
    what: String,
}

fn damaged(seed: u64, index: u64) -> Damaged {
    let mut random = Random::new(seed, index);
    let count = 3 + random.below(9);
    let mut records = records(&mut random, count);
    let chosen = loop {
        let chosen = random.below(records.len() - 1);
        if records[chosen][0] == b'*' {
            break chosen;
        }
    };
    let behind = records[chosen + 1..].concat();
    let mut ending = Vec::new();
    match random.below(4) {
        0 => {
            let torn = record(&[b"SET", b"torn", &[b't'; 40]]);
            ending = torn[..1 + random.below(torn.len() - 1)].to_vec();
        }
        1 => ending = vec![0; 1 + random.below(5000)],
        _ => {}
    }
    let of_chosen = numbers(&records[chosen]);
    let (from, to) = *random.pick(&of_chosen);
    let rest = [&records[chosen][to + 2..], &behind, &ending].concat();
    let places: Vec<usize> =
        (0..rest.len().saturating_sub(1)).filter(|&at| &rest[at..at + 2] == b"\r\n").collect();
    let now = String::from_utf8(records[chosen][from..to].to_vec()).unwrap();
    let other = other(&mut random, &now, if places.is_empty() { &[7] } else { &places });
    let what = format!("{index}: record {chosen} of {}, {now} is {other}", records.len());
    records[chosen].splice(from..to, other.bytes());
    let before: usize = records[..=chosen].iter().map(Vec::len).sum();
    let sound = (before, before + behind.len());
    Damaged { bytes: [records.concat(), ending].concat(), sound, what }
}

fn aofkit(args: &[&str], path: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_aofkit")).args(args).arg(path).output().unwrap()
}

/// Where a log lies: alone or in a set, last or not, plain or packed.
const PLACES: usize = 8;

/// Lays the log out as the last file of a set, its RESP base or a file of old, alone or behind an RDB, before other
/// increments, or packed. Answers what to point at, the file that is damaged, and what stands before the log in it.
fn lay_out(
    dir: &Path,
    index: u64,
    bytes: &[u8],
) -> (std::path::PathBuf, std::path::PathBuf, usize) {
    let rdb =
        crate::support::recorded_sets().join("redis-7.0.15/rdb-base/aof/appendonly.aof.2.base.rdb");
    let rdb = || fs::read(&rdb).unwrap();
    const LATER: &str = "file a.2.incr.aof seq 2 type i\nfile a.3.incr.aof seq 3 type i\n";
    let (name, manifest, front) = match index % PLACES as u64 {
        0 => ("a.1.incr.aof", Some("file a.1.incr.aof seq 1 type i\n"), Vec::new()),
        1 => ("a.1.base.aof", Some("file a.1.base.aof seq 1 type b\n"), Vec::new()),
        2 => ("appendonly.aof", None, Vec::new()),
        3 => ("a.1.base.aof", Some("file a.1.base.aof seq 1 type b\n"), rdb()),
        4 => ("a.1.incr.aof", Some("file a.1.incr.aof seq 1 type i\n"), Vec::new()),
        5 => ("a.1.base.aof", Some("file a.1.base.aof seq 1 type b\n"), rdb()),
        6 => ("appendonly.aof.zst", None, Vec::new()),
        _ => ("appendonly.aof.zst", None, rdb()),
    };
    let file = dir.join(name);
    let is_before_others = matches!(index % PLACES as u64, 4 | 5);
    let is_packed = name.ends_with(".zst");
    let whole = [&front, bytes].concat();
    let text = manifest
        .map(|first| if is_before_others { format!("{first}{LATER}") } else { first.to_owned() });
    if is_before_others {
        for later in ["a.2.incr.aof", "a.3.incr.aof"] {
            fs::write(dir.join(later), record(&[b"SET", b"later", later.as_bytes()])).unwrap();
        }
    }
    let whole = if is_packed { zstd::bulk::compress(&whole, 1).unwrap() } else { whole };
    fs::write(&file, whole).unwrap();
    // Nobody is in the middle of writing it.
    for written in fs::read_dir(dir).unwrap() {
        let written = fs::File::options().append(true).open(written.unwrap().path()).unwrap();
        written.set_modified(std::time::UNIX_EPOCH).unwrap();
    }
    match text {
        Some(lines) => {
            fs::write(dir.join("a.manifest"), lines).unwrap();
            (dir.to_owned(), file, front.len())
        }
        None => (file.clone(), file, front.len()),
    }
}

/// What lies beside the damaged file, whole, and must stay.
fn others(dir: &Path, file: &Path) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let paths = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let others = paths.filter(|path| path != file && path.extension().is_some_and(|e| e == "aof"));
    others.map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

#[test]
fn a_wrong_length_is_never_repaired_by_default_where_sound_records_follow_it() {
    let cases = crate::support::number_from_env("AOFKIT_WRONG_LENGTHS", 600);
    let seed = crate::support::number_from_env("AOFKIT_SEED", 1);
    let wrong = in_parallel(cases as usize, |i| {
        let Damaged { bytes, sound, what } = damaged(seed, i as u64);
        let dir = tempfile::tempdir().unwrap();
        let set = dir.path().join("set");
        fs::create_dir(&set).unwrap();
        let (path, file, front) = lay_out(&set, i as u64, &bytes);
        let (before, beside) = (fs::read(&file).unwrap(), others(&set, &file));
        let report: Value =
            serde_json::from_slice(&aofkit(&["check", "--json"], &path).stdout).unwrap();
        let limits: &[&str] =
            if (i / PLACES).is_multiple_of(2) { &["--max-loss", "0"] } else { &[] };
        let output = aofkit(&[&["repair", "--apply"], limits].concat(), &path);
        let after = fs::read(&file).unwrap();
        let kept = &bytes[sound.0..sound.1];
        let survives = after.windows(kept.len()).any(|part| part == kept);
        // Where all of it reads as records, nothing is known to be wrong.
        let is_end = |problem: &Value| {
            let kind = problem["kind"].as_str().unwrap();
            let at = problem["offset"].as_u64().unwrap_or(0) as usize;
            ["truncated-tail", "zero-tail", "garbage-tail"].contains(&kind) && at < front + sound.1
        };
        let called_an_end = report["problems"].as_array().unwrap().iter().any(is_end);
        let unharmed = (after == before || survives) && others(&set, &file) == beside;
        (!unharmed || called_an_end).then(|| {
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            format!(
                "{what}, in place {}: harmed: {}, an end: {called_an_end}\n{said}",
                i % PLACES,
                !unharmed
            )
        })
    });
    let wrong: Vec<String> = wrong.into_iter().flatten().collect();
    assert!(
        wrong.is_empty(),
        "{} of {cases}\n{}",
        wrong.len(),
        wrong[..wrong.len().min(5)].join("\n")
    );
}

/// 300 records behind one whose value claims to be longer than the file.
#[test]
fn both_readings_are_told_and_what_the_server_would_cut() {
    let set = |i: usize| record(&[b"SET", format!("key:{i}").as_bytes(), &[b'v'; 96]]);
    let first = set(0);
    let place = first.windows(3).position(|three| three == b"$96").unwrap();
    let mut bytes = first.clone();
    bytes.splice(place..place + 3, *b"$99996");
    let start = bytes.len() as u64;
    bytes.extend((1..=300).flat_map(set));
    for ending in [&b""[..], b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$10\r\nto", &[0; 100]] {
        let dir = tempfile::tempdir().unwrap();
        let (path, file, _) = lay_out(dir.path(), 0, &[&bytes, ending].concat());
        let output = aofkit(&["check", "--json"], &path);
        assert_eq!(output.status.code(), Some(21));
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(report["verdict"], "inner-damage");
        assert_eq!(report["segments"][0]["commands"], 300);
        let problems = report["problems"].as_array().unwrap();
        let range = problems.iter().find(|p| p["kind"] == "corrupt-range").unwrap();
        assert_eq!((&range["offset"], &range["length_bytes"]), (&0.into(), &start.into()));
        assert_eq!(range["lost"]["if_truncated_commands"], 300);
        let told = range["message"].as_str().unwrap();
        assert!(told.contains("300 commands after them are sound"), "{told}");
        assert!(told.contains("length") && told.contains("torn inside"), "{told}");
        let trap = problems.iter().find(|p| p["kind"] == "server-trap").unwrap();
        assert!(trap["message"].as_str().unwrap().contains("300 commands"), "{trap}");
        let whole = fs::read(&file).unwrap();
        for limit in [&[][..], &["--max-loss", "0"], &["--max-loss", "299", "--truncate"]] {
            let output = aofkit(&[&["repair", "--apply"], limit].concat(), &path);
            assert_ne!(output.status.code(), Some(0), "{limit:?}: {output:?}");
            assert_eq!(fs::read(&file).unwrap(), whole, "{limit:?}");
        }
        if ending.starts_with(b"*") {
            // That is how a torn value with records in it would look: they go, and are counted.
            let plan = aofkit(&["repair", "--salvage", "--json"], &path);
            let plan: Value = serde_json::from_slice(&plan.stdout).unwrap();
            assert!(plan["loss"]["commands"].as_u64().unwrap() >= 300, "{plan}");
            continue;
        }
        let output = aofkit(&["repair", "--salvage", "--apply"], &path);
        let named = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().path());
        let salvaged = named.filter(|p| p.extension().is_some_and(|e| e == "aof")).max().unwrap();
        let left = fs::read(salvaged).unwrap();
        let kept: Vec<u8> = (1..=300).flat_map(set).collect();
        assert!(left.ends_with(&kept), "{output:?}");
    }
}

#[test]
fn a_value_that_holds_records_is_torn_only_before_the_first_of_them_is_whole() {
    let inner = record(&[b"SET", b"inner", b"look-alike"]);
    let whole = record(&[b"SET", b"a", &[b"some words ", &inner.repeat(5)[..]].concat()]);
    let value = whole.windows(4).position(|four| four == b"some").unwrap() + 11;
    for cut in 1..value + 5 * inner.len() {
        let dir = tempfile::tempdir().unwrap();
        let (path, ..) = lay_out(dir.path(), 0, &[&inner[..], &whole[..cut]].concat());
        let code = aofkit(&["check", "-q"], &path).status.code();
        let expected = if cut < value + inner.len() { 20 } else { 21 };
        assert_eq!(code, Some(expected), "cut at {cut}");
    }
}

/// Larger than what is kept of a stream, torn or with records behind a wrong length.
#[test]
fn a_stream_tells_of_a_large_record_what_can_be_read_back() {
    let whole = record(&[b"SET", b"big", &vec![b'x'; 6 << 20]]);
    let log = [record(&[b"SELECT", b"0"]), whole].concat();
    let mut longer = log.clone();
    let place = log.windows(8).position(|eight| eight == b"$6291456").unwrap();
    longer[place + 1] = b'9';
    let few = record(&[b"SET", b"a", b"1"]).repeat(3);
    let many = record(&[b"SET", b"a", b"1"]).repeat(400_000);
    let torn = log[..log.len() - 10].to_vec();
    for (bytes, code) in
        [(torn, 20), ([&longer[..], &few].concat(), 21), ([&longer[..], &many].concat(), 21)]
    {
        let mut command = Command::new(env!("CARGO_BIN_EXE_aofkit"));
        command.args(["check", "-q", "-"]).stdin(std::process::Stdio::piped());
        command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut input = child.stdin.take().unwrap();
        let writer = std::thread::spawn(move || std::io::Write::write_all(&mut input, &bytes));
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap().unwrap();
        assert_eq!(output.status.code(), Some(code), "{output:?}");
    }
}
