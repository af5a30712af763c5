//! `cat`: what is printed is what is there, byte for byte where it is to be loaded again, and whole in
//! sense where a filter takes a part.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use serde_json::Value;

use super::schema::faults;
use super::world::*;

/// What a run of `cat` printed, its notes, and its exit status.
fn cat(words: &[&str], path: &Path) -> (Vec<u8>, String, i32) {
    let output = aofkit().arg("cat").args(words).arg(path).output().unwrap();
    let code = output.status.code().unwrap();
    (output.stdout, String::from_utf8(output.stderr).unwrap(), code)
}

/// The same in RESP, where nothing is to be noted.
fn resp(words: &[&str], path: &Path) -> Vec<u8> {
    let (out, err, code) = cat(&[&["--format", "resp"], words].concat(), path);
    assert_eq!((err.as_str(), code), ("", 0));
    out
}

fn lines(words: &[&str], path: &Path) -> Vec<String> {
    let (out, _, code) = cat(words, path);
    assert_eq!(code, 0);
    String::from_utf8(out).unwrap().lines().map(str::to_owned).collect()
}

/// Records of words, for short.
fn log(records: &[&str]) -> Vec<u8> {
    let of = |text: &&str| record(&text.split(' ').map(str::as_bytes).collect::<Vec<_>>());
    records.iter().flat_map(of).collect()
}

fn file(set: &Set, bytes: &[u8]) -> std::path::PathBuf {
    set.put("log.aof", bytes);
    set.file("log.aof")
}

#[test]
fn resp_without_a_filter_is_the_log_byte_for_byte() {
    let mut seen = 0;
    for dir in all_recorded() {
        let Ok(names) = fs::read_dir(dir.join("aof")) else { continue };
        for path in names.map(|name| name.unwrap().path()) {
            let bytes = fs::read(&path).unwrap();
            if !bytes.starts_with(b"*") {
                continue;
            }
            let set = Set::empty();
            // The servers wrote lines of annotations between records, and none inside of a value.
            let text = bytes.split_inclusive(|byte| *byte == b'\n');
            let without: Vec<_> =
                text.filter(|line| !line.starts_with(b"#TS:")).flatten().copied().collect();
            assert_eq!(resp(&[], &file(&set, &bytes)), without, "{}", path.display());
            seen += 1;
        }
    }
    assert!(seen > 10, "only {seen} logs");
}

#[test]
fn damage_is_left_out_with_a_warning_and_everything_else_is_there() {
    let parts = [log(&["SELECT 0", "SET a 1"]), log(&["SET b 2", "SET c 3", "SET d 4"])];
    let set = Set::of(&[&parts[0][..], b"some junk\r\n", &parts[1], b"*2\r\n$3\r\nDE"].concat());
    let (out, err, code) = cat(&["--format", "resp"], &set.dir());
    assert_eq!((out, code), (parts.concat(), 0));
    assert!(err.contains("2 damaged ranges (21 bytes) left out"), "{err}");
    let text = lines(&[], &set.dir());
    assert!(text[2].contains("11 bytes of damage left out: expected '*', found 's'"), "{text:?}");
    assert_eq!(text.len(), 7);
}

#[test]
fn a_database_is_selected_where_the_one_before_was_another() {
    let first =
        log(&["SELECT 3", "SET a 1", "SELECT 5", "SET b 2", "SET a 3", "SELECT 3", "SET a 4"]);
    let set = Set::of(&first);
    let second = "appendonly.aof.2.incr.aof";
    set.put(second, &log(&["SET a 5"]));
    set.manifest(&format!(
        "file {BASE} seq 1 type b\nfile {INCREMENT} seq 1 type i\nfile {second} seq 2 type i\n"
    ));
    // A file begins in database 0, whatever the one before it ended in.
    assert_eq!(resp(&[], &set.dir()), [first, log(&["SELECT 0", "SET a 5"])].concat());
    let of_a = [
        "SELECT 3", "SET a 1", "SELECT 5", "SET a 3", "SELECT 3", "SET a 4", "SELECT 0", "SET a 5",
    ];
    assert_eq!(resp(&["--key", "a"], &set.dir()), log(&of_a));
    assert_eq!(resp(&["--key", "a", "--db", "5"], &set.dir()), log(&["SELECT 5", "SET a 3"]));
    assert_eq!(
        resp(&["--key", "b", "--key", "nothing"], &set.dir()),
        log(&["SELECT 5", "SET b 2"])
    );
}

#[test]
fn a_transaction_of_which_a_part_is_selected_stays_one() {
    let set = Set::empty();
    let whole = ["MULTI", "SELECT 1", "SET a 1", "SET b 1", "EXEC", "SET a 2", "MULTI", "EXEC"];
    let path = file(&set, &log(&whole));
    assert_eq!(resp(&[], &path), log(&whole));
    let of_a = ["MULTI", "SELECT 1", "SET a 1", "EXEC", "SET a 2"];
    assert_eq!(resp(&["--key", "a"], &path), log(&of_a));
    assert_eq!(resp(&["--key", "b"], &path), log(&["MULTI", "SELECT 1", "SET b 1", "EXEC"]));
    assert_eq!(resp(&["--limit", "3"], &path), log(&[&whole[..3], &["EXEC"]].concat()));
    // From the middle of it, and up to the middle of it.
    let middle = log(&whole[..3]).len().to_string();
    let rest = ["MULTI", "SELECT 1", "SET b 1", "EXEC", "SET a 2", "MULTI", "EXEC"];
    assert_eq!(resp(&["--from-offset", &middle], &path), log(&rest));
    assert_eq!(resp(&["--to-offset", &middle], &path), log(&[&whole[..3], &["EXEC"]].concat()));
    // Without its commands it is nothing.
    assert_eq!(resp(&["--command", "exec"], &path), log(&[]));
}

#[test]
fn a_transaction_that_breaks_off_is_discarded_as_a_server_does() {
    let set = Set::empty();
    let path = file(&set, &log(&["SET a 1", "MULTI", "SET a 2"]));
    let (out, err, code) = cat(&["--format", "resp"], &path);
    assert_eq!((out, code), (log(&["SET a 1", "MULTI", "SET a 2", "DISCARD"]), 0));
    assert!(err.contains("a transaction is not closed"), "{err}");
    let after = log(&["SET a 3", "SET a 4", "SET a 5", "EXEC", "SET a 6"]);
    let path = file(&set, &[&log(&["MULTI", "SET a 2"])[..], b"junk\r\n", &after].concat());
    let (out, _, _) = cat(&["--format", "resp"], &path);
    let expected = ["MULTI", "SET a 2", "DISCARD", "SET a 3", "SET a 4", "SET a 5", "SET a 6"];
    assert_eq!(String::from_utf8(out), String::from_utf8(log(&expected)));
}

#[test]
fn the_history_of_a_key_has_what_emptied_or_exchanged_its_database() {
    let whole = [
        "SET user:42 1",
        "SET other 1",
        "FLUSHDB",
        "SET user:42 2",
        "SWAPDB 0 4",
        "SELECT 4",
        "RENAME user:42 gone",
        "MSET a 1 user:42 3",
        "SELECT 9",
        "FLUSHDB",
        "COPY x user:42 DB 4",
        "FLUSHALL ASYNC",
    ];
    let set = Set::empty();
    let path = file(&set, &log(&whole));
    let told = |words: &[&str]| -> Vec<String> {
        let place = |line: String| line.split_once(" db").unwrap().1.replace('"', "");
        lines(words, &path).into_iter().map(place).collect()
    };
    let history = told(&["--key", "user:42"]);
    let expected = [
        "0 SET user:42 1",
        "0 FLUSHDB",
        "0 SET user:42 2",
        "0 SWAPDB 0 4",
        "4 RENAME user:42 gone",
        "4 MSET a 1 user:42 3",
        "9 FLUSHDB",
        "9 COPY x user:42 DB 4",
        "9 FLUSHALL ASYNC",
    ];
    assert_eq!(history, expected);
    let in_four = told(&["--key", "user:42", "--db", "4"]);
    let expected = [
        "0 SWAPDB 0 4",
        "4 RENAME user:42 gone",
        "4 MSET a 1 user:42 3",
        "9 COPY x user:42 DB 4",
        "9 FLUSHALL ASYNC",
    ];
    assert_eq!(in_four, expected);
    // Only what a command names, when commands are named.
    assert_eq!(told(&["--key", "user:42", "--command", "SET"]).len(), 2);
}

#[test]
fn offsets_name_their_file_where_there_are_several() {
    let set = Set::of(&log(&["SET a 1", "SET b 2"]));
    let first = log(&["SET a 1"]).len();
    let from = first.to_string();
    assert_eq!(resp(&["--from-offset", &from], &set.dir()), log(&["SET b 2"]));
    let hex = format!("{first:#x}");
    assert_eq!(resp(&["--to-offset", &hex], &set.dir()), log(&["SET a 1"]));
    let (_, err, code) = cat(&["--with-base", "--from-offset", "1"], &set.dir());
    assert_eq!(code, 2);
    assert!(err.contains(&format!("FILE:1, FILE being one of {BASE}, {INCREMENT}")), "{err}");
    let named = format!("{INCREMENT}:{first}");
    let both = ["--with-base", "--from-offset", &named];
    // The base is what all of it began with, and no offset of an increment leaves it out.
    assert_eq!(resp(&both, &set.dir()), [sets(10), log(&["SET b 2"])].concat());
    for wrong in ["x", "nofile:1", "1x"] {
        assert_eq!(cat(&["--to-offset", wrong], &set.dir()).2, 2, "{wrong}");
    }
}

#[test]
fn a_base_is_printed_when_it_is_asked_for() {
    let set = Set::of(&log(&["SET a 1"]));
    assert_eq!(resp(&[], &set.dir()), log(&["SET a 1"]));
    assert_eq!(resp(&["--with-base"], &set.dir()), [sets(10), log(&["SET a 1"])].concat());
    // Times are asked of the log: what the base holds was there before.
    let dated =
        [b"#TS:100\r\n".to_vec(), log(&["SET a 1"]), b"#TS:200\r\n".to_vec(), log(&["SET a 2"])];
    let set = Set::of(&dated.concat());
    let until = resp(&["--with-base", "--until", "@150"], &set.dir());
    assert_eq!(until, [sets(10), log(&["SET a 1"])].concat());
    let (out, err, code) = cat(&["--key", "key:1"], &set.dir());
    assert_eq!((out.len(), code), (0, 0));
    assert!(err.contains("nothing to print; --with-base looks into the base, too"), "{err}");
}

#[test]
fn text_tells_place_time_and_database_and_lets_no_control_byte_through() {
    let set = Set::empty();
    let odd = record(&[b"SET", b"k\x1b[31m\"\n\xff", b"plain"]);
    let path = file(&set, &[log(&["SELECT 7"]), b"#TS:1700000000\r\n".to_vec(), odd].concat());
    let expected = [
        "log.aof:0 - db0 SELECT \"7\"",
        r#"log.aof:39 2023-11-14T22:13:20Z db7 SET "k\x1b[31m\"\n\xff" "plain""#,
    ];
    assert_eq!(lines(&[], &path), expected);
    let hidden = lines(&["--redact"], &path);
    assert!(hidden[1].contains(" SET #") && hidden[1].ends_with(" (5 bytes)"), "{hidden:?}");
    assert!(hidden[0].ends_with("SELECT (1 byte)"), "{hidden:?}");
    let (_, err, code) = cat(&["--redact", "--format", "resp"], &path);
    assert!(code == 2 && err.contains("use text or ndjson"), "{err}");
}

/// Objects of all lines, each of them fitting the schema.
fn objects(words: &[&str], path: &Path) -> Vec<Value> {
    let schema = serde_json::from_str(&run(["schema", "cat"]).expect(0).out).unwrap();
    let told = lines(&[&["--json"], words].concat(), path);
    let object = |line: &String| {
        let object: Value = serde_json::from_str(line).unwrap();
        assert_eq!(faults(&schema, &object), [""; 0], "{line}");
        object
    };
    told.iter().map(object).collect()
}

#[test]
fn json_lines_of_everything_that_servers_wrote_fit_their_schema() {
    let mut kinds = std::collections::BTreeSet::new();
    for dir in all_recorded() {
        for object in objects(&["--with-base"], &dir) {
            kinds.insert(object["kind"].as_str().unwrap().to_owned());
        }
        objects(&["--with-base", "--redact"], &dir);
    }
    let set = Set::of(&[log(&["SET a 1"]), b"junk".to_vec()].concat());
    let damage = objects(&[], &set.dir()).pop().unwrap();
    assert_eq!((&damage["kind"], &damage["bytes"]), (&Value::from("damage"), &Value::from(4)));
    assert_eq!(kinds.into_iter().collect::<Vec<_>>(), ["command", "function", "key"]);
}

#[test]
fn arguments_are_whole_in_json_however_long_and_whatever_bytes_they_are() {
    use base64_of as b64;
    let text = "h\u{e9}llo \u{1f600}\n\"".repeat(40_000);
    let bytes: Vec<u8> = (0..700_001_u32).map(|i| (i * 31 % 251) as u8 | 0x80).collect();
    let set = Set::empty();
    let records = [
        record(&[b"SET", b"k", text.as_bytes()]),
        record(&[b"SET", b"k", &bytes]),
        record(&[b"xgroup", b"create", b"s", b"\xff"]),
        record(&[b"my.own", b"\x01"]),
    ];
    let path = file(&set, &records.concat());
    let told = objects(&[], &path);
    assert_eq!(told[0]["args"], serde_json::json!(["SET", "k", text]));
    assert!(told[0]["args_b64"].is_null() && told[1]["args"].is_null());
    assert_eq!(told[1]["args_b64"], serde_json::json!([b64(b"SET"), b64(b"k"), b64(&bytes)]));
    assert_eq!(told[2]["command"], "XGROUP|CREATE");
    assert_eq!(told[2]["args_b64"][3], b64(b"\xff"));
    assert_eq!(
        (&told[3]["command"], &told[3]["args"]),
        (&Value::Null, &serde_json::json!(["my.own", "\u{1}"]))
    );
    let sum: u64 = told.iter().map(|object| object["bytes"].as_u64().unwrap()).sum();
    assert_eq!(sum, records.concat().len() as u64);
}

/// Base64, by another hand than the binary's.
fn base64_of(bytes: &[u8]) -> String {
    const SIGNS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let number = (0..3).fold(0_usize, |n, i| n << 8 | usize::from(*group.get(i).unwrap_or(&0)));
        for i in 0..4 {
            let sign = SIGNS[number >> (18 - 6 * i) & 63];
            text.push(if i <= group.len() { char::from(sign) } else { '=' });
        }
    }
    text
}

#[test]
fn records_of_any_size_come_whole_from_files_and_streams() {
    let set = Set::empty();
    let near =
        [log(&["SET a 1"]), record(&[b"SET", b"k", &b"x".repeat(900_000)]), log(&["SET b 2"])]
            .concat();
    let far =
        [log(&["SET a 1"]), record(&[b"SET", b"k", &b"x".repeat(9_000_000)]), log(&["SET b 2"])]
            .concat();
    for whole in [&near, &far] {
        assert!(resp(&[], &file(&set, whole)) == *whole, "{} bytes", whole.len());
    }
    for whole in [&near, &far] {
        set.put("log.aof.zst", &zstd(whole));
        let packed = cat(&["--format", "resp"], &set.file("log.aof.zst"));
        let streamed = piped(&["cat", "--format", "resp", "-"], whole);
        for (out, err, code) in [packed, (streamed.out.into_bytes(), streamed.err, streamed.code)] {
            assert!(out == *whole && code == 0 && err.is_empty(), "{} bytes: {err}", out.len());
        }
    }
}

/// Bytes whose pieces all differ, so that a piece that comes twice or in the wrong place is noticed.
fn unlike(len: usize, seed: u64) -> Vec<u8> {
    let mut state = seed;
    let mut next = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        b'a' + ((state >> 33) % 26) as u8
    };
    (0..len).map(|_| next()).collect()
}

#[test]
fn of_large_records_in_a_stream_the_same_is_printed_as_of_those_in_a_file() {
    let set = Set::empty();
    let (a, b, c) = (unlike(4_400_000, 1), unlike(9_000_000, 2), unlike(4_500_000, 3));
    let mut whole = [
        log(&["SELECT 2", "SET a 1"]),
        record(&[b"SET", b"big:a", &a]),
        log(&["SET b 2"]),
        record(&[b"HSET", b"big:b", b"f", &b, b"g", &a, b"h", b"1"]),
        // What only loaders take has to be written anew.
        [b"*3\r\n$3\r\nSET\r\n$5\r\nbig:c\r\n$+4500000\r\n", &c[..], b"\r\n"].concat(),
        [b"some junk\r\n".to_vec(), log(&["SET x 1", "SET y 1", "SET z 1"])].concat(),
        record(&[b"SET", b"other", &c]),
        log(&["SET big:d 4", "DEL other", "SET b 3"]),
    ]
    .concat();
    // The last one is torn: it was never whole, so nothing of it is printed.
    whole.extend_from_slice(&record(&[b"SET", b"big:torn", &a])[..4_300_000]);
    let path = file(&set, &whole);
    set.put("log.aof.zst", &zstd(&whole));
    for words in [
        &["--format", "resp"][..],
        &["--format", "resp", "--key", "big:*"],
        &["--format", "resp", "--command", "hset"],
        &["--format", "text"],
        &["--format", "ndjson", "--key", "big:b"],
    ] {
        let expected = cat(words, &path).0;
        assert!(expected.len() > 1000, "{words:?}");
        let packed = cat(words, &set.file("log.aof.zst")).0;
        let streamed = piped(&[&["cat"], words, &["-"]].concat(), &whole);
        // Lines tell the name of the file.
        let unnamed = |out: &[u8], name: &str| {
            let text = String::from_utf8_lossy(out).into_owned();
            let lines = text.split_inclusive('\n').map(|line| {
                let line = line.strip_prefix(name).unwrap_or(line);
                line.replacen(&format!("\"file\":\"{name}\""), "", 1)
            });
            lines.collect::<String>()
        };
        let expected = unnamed(&expected, "log.aof");
        assert!(expected == unnamed(&packed, "log.aof.zst"), "{words:?}: zstd");
        assert!(expected == unnamed(streamed.out.as_bytes(), "-"), "{words:?}: stream");
    }
    let kept: Vec<_> = fs::read_dir(set.root()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert!(kept.iter().all(|name| !name.to_string_lossy().contains("aofkit-")), "{kept:?}");
}

#[test]
fn a_large_value_of_a_base_comes_from_a_stream_as_from_a_file() {
    let set = Set::empty();
    let mut rdb = b"REDIS0011".to_vec();
    for (key, value) in [(b"k1", unlike(9_000_000, 4)), (b"k2", b"x".to_vec())] {
        rdb.extend_from_slice(b"\xfc\x00\x00\x00\x00\x00\x01\x00\x00\x00\x02");
        rdb.extend_from_slice(key);
        rdb.push(0x80);
        rdb.extend_from_slice(&(value.len() as u32).to_be_bytes());
        rdb.extend_from_slice(&value);
    }
    rdb.extend_from_slice(b"\xff\0\0\0\0\0\0\0\0");
    let whole = [rdb, log(&["SET after 1"])].concat();
    let words = ["--with-base", "--format", "resp"];
    let (expected, err, code) = cat(&words, &file(&set, &whole));
    assert!(expected.len() > 9_000_000 && code == 0, "{err}");
    set.put("log.aof.zst", &zstd(&whole));
    let (out, err, _) = cat(&words, &set.file("log.aof.zst"));
    assert!(out == expected && err.is_empty(), "{} bytes: {err}", out.len());
}

#[test]
fn where_a_large_record_cannot_be_kept_the_error_names_its_place() {
    let whole = [log(&["SET a 1"]), record(&[b"SET", b"k", &unlike(9_000_000, 5)])].concat();
    let mut command = aofkit();
    command.args(["cat", "--format", "resp", "-"]).env("TMPDIR", "/nowhere/at/all");
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It does not read to the end.
    let _ = std::io::Write::write_all(&mut child.stdin.take().unwrap(), &whole);
    let output = child.wait_with_output().unwrap();
    let err = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{err}");
    assert!(err.contains("byte 27") && err.contains("/nowhere/at/all"), "{err}");
}

#[test]
fn what_loaders_take_loosely_is_printed_as_a_connection_takes_it() {
    let set = Set::empty();
    let path = file(&set, b"*03\r\n$+3\r\nSET\r\n$1\nk\r\n$2 junk\r\nab\r\n*1\r\n$4\r\nPING\r\n");
    assert_eq!(resp(&[], &path), log(&["SET k ab", "PING"]));
}

#[test]
fn a_reader_that_goes_away_is_content() {
    let set = Set::empty();
    let path = file(&set, &sets(200_000));
    for format in ["text", "resp", "ndjson"] {
        let mut command = aofkit();
        command.args(["cat", "--format", format]).arg(&path).stdout(Stdio::piped());
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!((output.status.code(), &output.stderr[..]), (Some(0), &b""[..]), "{format}");
    }
}

#[test]
fn several_sets_are_listed_and_none_is_an_error() {
    let set = Set::of(&sets(1));
    copy_tree(&Set::of(&sets(1)).dir(), &set.root().join("second"));
    let (out, err, code) = cat(&[], set.root());
    assert_eq!((out.len(), code), (0, 2));
    assert!(err.contains("/aof") && err.contains("/second"), "{err}");
    assert_eq!(cat(&[], &set.root().join("nothing")).2, 10);
    for words in [&["--format", "csv"][..], &["--limit", "x"]] {
        assert_eq!(cat(words, &set.dir()).2, 2, "{words:?}");
    }
    run(["check", "--format", "resp", "."]).expect(2);
}

#[test]
fn an_rdb_alone_and_a_preamble_are_bases_too() {
    for name in ["redis-7.0.15/rdb-base", "valkey-9.1.2/rdb-base"] {
        let names = fs::read_dir(recorded(name).join("aof")).unwrap().map(|e| e.unwrap().path());
        let base = names.into_iter().find(|p| p.to_str().unwrap().ends_with(".base.rdb")).unwrap();
        let (out, err, _) = cat(&[], &base);
        assert!(out.is_empty() && err.contains("--with-base prints the keys of an RDB"), "{err}");
        let keys = objects(&["--with-base", "--db", "0"], &base);
        assert!(keys.len() > 10 && keys.iter().all(|key| key["kind"] == "key"), "{name}");
        let one = objects(&["--with-base", "--key", "user:1"], &base);
        assert_eq!((one.len(), &one[0]["type"]), (1, &Value::from("hash")));
        let restored = resp(&["--with-base", "--key", "counter"], &base);
        assert!(
            restored.starts_with(b"*6\r\n$7\r\nRESTORE\r\n$7\r\ncounter\r\n$1\r\n0\r\n"),
            "{name}"
        );
        assert_eq!(resp(&["--with-base", "--limit", "2"], &base)[..2], *b"*4");
    }
}
