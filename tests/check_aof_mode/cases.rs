//! What is asked of both programs: files, arguments, an answer to the question.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::support::recorded::{from_hex, rows};

/// One run.
#[derive(Clone, Debug)]
pub struct Case {
    /// What it is about; unique.
    pub name: String,
    /// Files by path.
    pub files: BTreeMap<String, Vec<u8>>,
    pub args: Vec<String>,
    pub stdin: &'static [u8],
}

pub const COMMANDS: &[u8] =
    b"*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n";
const MULTI: &[u8] = b"*1\r\n$5\r\nMULTI\r\n";
const EXEC: &[u8] = b"*1\r\n$4\r\nEXEC\r\n";
const MANIFEST: &[u8] =
    b"file b.aof seq 1 type b\nfile i1.aof seq 1 type i\nfile i2.aof seq 2 type i\n";

fn set(key: &str) -> Vec<u8> {
    format!("*3\r\n$3\r\nSET\r\n${}\r\n{key}\r\n$1\r\n1\r\n", key.len()).into_bytes()
}

fn ts(second: i64) -> Vec<u8> {
    format!("#TS:{second}\r\n").into_bytes()
}

fn join(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

pub fn case(name: &str, files: &[(&str, &[u8])], args: &[&str], stdin: &'static [u8]) -> Case {
    Case {
        name: name.to_owned(),
        files: files.iter().map(|(name, bytes)| ((*name).to_owned(), bytes.to_vec())).collect(),
        args: args.iter().map(|arg| (*arg).to_owned()).collect(),
        stdin,
    }
}

/// Everything.
pub fn all() -> Vec<Case> {
    let mut cases = words();
    cases.extend(sequences());
    cases.extend(manifests());
    cases.extend(answers());
    cases.extend(places());
    cases.extend(seconds());
    cases.extend(tokens());
    cases.extend(snapshots());
    let mut names: Vec<_> = cases.iter().map(|case| case.name.clone()).collect();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), cases.len(), "two cases have the same name");
    cases
}

/// Ways to call it.
fn words() -> Vec<Case> {
    let calls: &[&[&str]] = &[
        &[],
        &["-v"],
        &["--version"],
        &["-h"],
        &["--help"],
        &["--fix"],
        &["nofile"],
        &["--fix", "nofile"],
        &[""],
        &["-v", "f"],
        &["f", "--fix"],
        &["--fix", "--fix", "f"],
        &["--fix", "f", "g"],
        &["--bogus", "f"],
        &["a", "b", "c", "d"],
        &["--truncate-to-timestamp"],
        &["--truncate-to-timestamp", "5"],
        &["--truncate-to-timestamp", "5", "f", "g"],
        &["--fix", "--truncate-to-timestamp", "5", "f"],
        &["--truncate-to-timestamp", "5", "nofile"],
    ];
    let files: &[(&str, &[u8])] = &[("f", COMMANDS)];
    calls.iter().map(|args| case(&format!("words {args:?}"), files, args, b"")).collect()
}

/// The recorded byte sequences, as a file by themselves and as the last of a set.
fn sequences() -> Vec<Case> {
    let mut cases = Vec::new();
    for row in rows("aof-edge-cases.tsv") {
        let (id, bytes) = (&row["id"], from_hex(&row["incr_file_hex"]));
        cases.push(case(&format!("{id} check"), &[("f", &bytes)], &["f"], b""));
        cases.push(case(&format!("{id} fix"), &[("f", &bytes)], &["--fix", "f"], b"y\n"));
        let files: &[(&str, &[u8])] = &[
            ("b.aof", COMMANDS),
            ("i1.aof", COMMANDS),
            ("i2.aof", &bytes),
            ("m.manifest", MANIFEST),
        ];
        cases.push(case(&format!("{id} last of a set"), files, &["m.manifest"], b""));
        let args = ["--truncate-to-timestamp", "124", "f"];
        cases.push(case(&format!("{id} to a second"), &[("f", &bytes)], &args, b""));
    }
    cases
}

/// The recorded manifests, each beside a base and two increments.
fn manifests() -> Vec<Case> {
    let mut cases = Vec::new();
    for row in rows("aof-manifest-cases.tsv") {
        let manifest = from_hex(&row["manifest_hex"]);
        let mut all: Vec<(String, Vec<u8>)> = vec![
            ("d/appendonly.aof.1.base.aof".to_owned(), set("base")),
            ("d/appendonly.aof.1.incr.aof".to_owned(), set("i1")),
            ("d/appendonly.aof.2.incr.aof".to_owned(), set("i2")),
        ];
        for extra in row["extra_files"].split(',').filter(|name| !name.is_empty()) {
            let name = extra.split_once('/').map_or(extra, |(_, name)| name);
            all.push((format!("d/{name}"), set("base")));
        }
        all.push(("d/appendonly.aof.manifest".to_owned(), manifest));
        let files: Vec<_> = all.iter().map(|(name, bytes)| (name.as_str(), &bytes[..])).collect();
        let (id, path) = (&row["id"], "d/appendonly.aof.manifest");
        cases.push(case(&format!("{id} check"), &files, &[path], b""));
        cases.push(case(&format!("{id} fix"), &files, &["--fix", path], b"y\n"));
    }
    cases
}

fn answers() -> Vec<Case> {
    let torn = join(&[COMMANDS, b"*3\r\n$3\r\nSE"]);
    let answers: [&[u8]; 8] = [b"y\n", b"Y", b"yes\n", b"n\n", b"", b"\n", b" y\n", b"q"];
    let mut cases: Vec<_> = answers
        .into_iter()
        .map(|answer| {
            let name = format!("answer {:?}", String::from_utf8_lossy(answer));
            case(&name, &[("f", &torn)], &["--fix", "f"], answer)
        })
        .collect();
    cases.push(case("nothing to fix", &[("f", COMMANDS)], &["--fix", "f"], b"y\n"));
    cases.push(case("nothing in it", &[("f", b"")], &["--fix", "f"], b"y\n"));
    cases.push(case("nothing of it", &[("f", b"xxxxxxx")], &["--fix", "f"], b"y\n"));
    cases
}

/// Which of several files is wrong.
fn places() -> Vec<Case> {
    let torn = join(&[COMMANDS, b"*3\r\n$3\r\nSE"]);
    let mut cases = Vec::new();
    for (place, options) in [
        ("b.aof", &["m.manifest"][..]),
        ("b.aof", &["--fix", "m.manifest"]),
        ("i1.aof", &["m.manifest"]),
        ("i1.aof", &["--fix", "m.manifest"]),
        ("i2.aof", &["m.manifest"]),
        ("i2.aof", &["--fix", "m.manifest"]),
    ] {
        for answer in [&b"y\n"[..], b"n\n"] {
            let mut files = vec![("b.aof", COMMANDS), ("i1.aof", COMMANDS), ("i2.aof", COMMANDS)];
            files.push(("m.manifest", MANIFEST));
            for file in &mut files {
                if file.0 == place {
                    file.1 = &torn;
                }
            }
            let name = format!("{place} torn {options:?} {:?}", String::from_utf8_lossy(answer));
            cases.push(case(&name, &files, options, answer));
        }
    }
    let alone: &[(&str, &[u8])] = &[("b.aof", &torn), ("m.manifest", b"file b.aof seq 1 type b\n")];
    cases.push(case("a base alone, torn", alone, &["m.manifest"], b""));
    cases.push(case("a base alone, fixed", alone, &["--fix", "m.manifest"], b"y\n"));
    let empty: &[(&str, &[u8])] =
        &[("b.aof", b""), ("i1.aof", b""), ("i2.aof", b""), ("m.manifest", MANIFEST)];
    cases.push(case("all empty", empty, &["m.manifest"], b""));
    let twice: &[(&str, &[u8])] =
        &[("b.aof", COMMANDS), ("i1.aof", &torn), ("i2.aof", &torn), ("m.manifest", MANIFEST)];
    cases.push(case("two torn", twice, &["--fix", "m.manifest"], b"y\ny\n"));
    let missing: &[(&str, &[u8])] = &[("i1.aof", COMMANDS), ("m.manifest", MANIFEST)];
    cases.push(case("base missing", missing, &["m.manifest"], b""));
    let missing: &[(&str, &[u8])] = &[("b.aof", COMMANDS), ("m.manifest", MANIFEST)];
    cases.push(case("increment missing", missing, &["m.manifest"], b""));
    let folder: &[(&str, &[u8])] = &[("b.aof/x", b""), ("m.manifest", MANIFEST)];
    cases.push(case("base is a directory", folder, &["m.manifest"], b""));
    let folder: &[(&str, &[u8])] =
        &[("b.aof", COMMANDS), ("i1.aof/x", b""), ("m.manifest", MANIFEST)];
    cases.push(case("increment is a directory", folder, &["m.manifest"], b""));
    let below: &[(&str, &[u8])] = &[("x/b.aof", COMMANDS), ("x/i1.aof", EXEC), ("x/m", MANIFEST)];
    cases.push(case("a set below", below, &["x/m"], b""));
    cases.push(case("a set below, with slashes", below, &["./x///m"], b""));
    cases.push(case("a directory", below, &["x"], b""));
    cases.push(case("fix a directory", below, &["--fix", "x"], b""));
    cases.push(case("a path with dots", &[("f", COMMANDS)], &["./f"], b""));
    let long = [&b"file "[..], &[b'a'; 300], b" seq 1 type b\n"].concat();
    cases.push(case("a name too long", &[("m", &long)], &["m"], b""));
    cases
}

/// Cuts to a second.
fn seconds() -> Vec<Case> {
    let three = join(&[&ts(100), &set("a"), &ts(200), &set("b"), &ts(300), &set("c")]);
    let mut cases = Vec::new();
    for text in [
        "99",
        "100",
        "150",
        "200",
        "300",
        "301",
        "-1",
        "0",
        "",
        " ",
        "5x",
        "1e3",
        " 150",
        "+150",
        "0150",
        "99999999999999999999",
        "9223372036854775807",
        "-99999999999999999999999",
    ] {
        let args = ["--truncate-to-timestamp", text, "f"];
        cases.push(case(&format!("second {text:?}"), &[("f", &three)], &args, b""));
    }
    let in_multi = join(&[&set("a"), MULTI, &set("b"), &ts(200), &set("c"), EXEC]);
    let torn = join(&[&three, b"*3\r\n$3"]);
    let open = join(&[&three, MULTI]);
    let lines: &[(&str, Vec<u8>)] = &[
        ("none", COMMANDS.to_vec()),
        ("empty", Vec::new()),
        ("torn behind", torn),
        ("open behind", open),
        ("inside MULTI", in_multi),
        ("no number", join(&[&ts(100), &set("a"), b"#TS:abc\r\n", &set("b")])),
        ("LF alone", join(&[&ts(100), &set("a"), b"#TS:120\n", &set("b")])),
        ("blank behind", join(&[&ts(100), &set("a"), b"#TS:120 \r\n", &set("b")])),
        ("nothing", join(&[&ts(100), &set("a"), b"#TS:\r\n", &set("b")])),
        ("no line end", join(&[&ts(100), &set("a"), b"#TS:120"])),
        ("blank before", join(&[&ts(100), &set("a"), b"#TS: 1800\r\n", &set("b")])),
        ("plus", join(&[&ts(100), &set("a"), b"#TS:+1800\r\n", &set("b")])),
        ("lower case", join(&[&ts(100), &set("a"), b"#ts:1800\r\n", &set("b")])),
        ("huge", join(&[&ts(100), &set("a"), b"#TS:99999999999999999999\r\n", &set("b")])),
        ("not in order", join(&[&ts(100), &set("a"), &ts(50), &set("b"), &ts(900), &set("c")])),
        ("a long line", join(&[&ts(100), &set("a"), b"#TS:1800", &[b' '; 1020], b"\r\n"])),
    ];
    for (name, bytes) in lines {
        for second in ["150", "250", "350"] {
            let args = ["--truncate-to-timestamp", second, "f"];
            let name = format!("annotation {name} to {second}");
            cases.push(case(&name, &[("f", bytes)], &args, b""));
        }
        cases.push(case(&format!("annotation {name}"), &[("f", bytes)], &["f"], b""));
    }
    let last = join(&[&ts(400), COMMANDS, &ts(500), &set("x")]);
    let files: &[(&str, &[u8])] =
        &[("x/b.aof", COMMANDS), ("x/i1.aof", &three), ("x/i2.aof", &last), ("x/m", MANIFEST)];
    for second in ["50", "150", "300", "350", "399", "400", "450", "500", "600"] {
        let args = ["--truncate-to-timestamp", second, "x/m"];
        cases.push(case(&format!("a set to second {second}"), files, &args, b""));
    }
    let base: &[(&str, &[u8])] =
        &[("b.aof", &three), ("i1.aof", b""), ("i2.aof", b""), ("m", MANIFEST)];
    cases.push(case("a base to a second", base, &["--truncate-to-timestamp", "150", "m"], b""));
    let base: &[(&str, &[u8])] = &[("b.aof", &three), ("m", b"file b.aof seq 1 type b\n")];
    for second in ["50", "150"] {
        let args = ["--truncate-to-timestamp", second, "m"];
        cases.push(case(&format!("a base alone to {second}"), base, &args, b""));
    }
    cases
}

/// Ends and oddities of tokens.
fn tokens() -> Vec<Case> {
    let mut cases = Vec::new();
    let digits = |n: usize| join(&[b"*", &vec![b'0'; n], b"1\r\n$4\r\nPING\r\n"]);
    let lines: &[(&str, Vec<u8>)] = &[
        ("high bytes after a number", b"*3\xff\xfe\r\n".to_vec()),
        ("high byte for a marker", b"*1\r\n\xff".to_vec()),
        ("line end for a marker", b"*1\r\n\n".to_vec()),
        ("NUL for a marker", b"*1\r\n\0".to_vec()),
        ("NUL in a number", b"*1\0\r\n$4\r\nPING\r\n".to_vec()),
        ("127 bytes", digits(123)),
        ("128 bytes", digits(124)),
        ("129 bytes", digits(125)),
        ("128 bytes of a length", join(&[b"*1\r\n$", &[b'0'; 124], b"4\r\nPING\r\n"])),
        ("empty argument at the end", b"*2\r\n$4\r\nPING\r\n$0\r\n\r\n".to_vec()),
        ("length beyond all", b"*1\r\n$9223372036854775806\r\nxx".to_vec()),
        ("length overflows", b"*1\r\n$99999999999999999999\r\nxx".to_vec()),
        ("MULTI with an argument", b"*2\r\n$5\r\nMULTI\r\n$1\r\nx\r\n".to_vec()),
        ("MULTI as an argument", join(&[b"*2\r\n$3\r\nGET\r\n$5\r\nMULTI\r\n", &set("x")])),
        ("MULTI with a NUL", b"*1\r\n$7\r\nMULTI\0x\r\n".to_vec()),
        ("MULTIX", b"*1\r\n$6\r\nMULTIX\r\n".to_vec()),
        ("EXEC with an argument", b"*2\r\n$4\r\nEXEC\r\n$1\r\nx\r\n".to_vec()),
        ("nested MULTI torn", join(&[MULTI, b"*2\r\n$5\r\nMULTI\r\n$1\r\n"])),
        ("annotation in an open MULTI", join(&[MULTI, b"#x\n"])),
        ("records in an open MULTI", join(&[MULTI, &set("one"), &set("two")])),
        ("lower case", join(&[b"*1\r\n$5\r\nmulti\r\n", &set("q"), b"*1\r\n$4\r\nexec\r\n"])),
        ("smallest count", join(&[b"*-9223372036854775808\r\n", &set("x")])),
        ("marker alone", b"*".to_vec()),
        ("marker and digit", b"*3".to_vec()),
        ("after a longer line", b"*1\r\n$12\r\nAAAABBBBCCCC\r\n*1".to_vec()),
        ("after an annotation", b"#TS:1\r\n*".to_vec()),
    ];
    for (name, bytes) in lines {
        let whole = join(&[COMMANDS, bytes]);
        cases.push(case(&format!("token: {name}"), &[("f", &whole)], &["f"], b""));
        cases.push(case(&format!("token first: {name}"), &[("f", bytes)], &["f"], b""));
        let files: &[(&str, &[u8])] =
            &[("b.aof", COMMANDS), ("i1.aof", COMMANDS), ("i2.aof", bytes), ("m", MANIFEST)];
        cases.push(case(&format!("token in a set: {name}"), files, &["m"], b""));
    }
    cases
}

pub fn recorded(path: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/servers").join(path);
    fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// RDBs in front.
fn snapshots() -> Vec<Case> {
    let old = recorded("redis-7.0.15/rdb-base/aof/appendonly.aof.2.base.rdb");
    let new = recorded("redis-8.2.3/history/aof/appendonly.aof.3.base.rdb");
    let preamble = recorded("redis-6.2.14/preamble/appendonly.aof");
    let mut cases = Vec::new();
    let newest = recorded("redis-8.6.2/rdb-base/aof/appendonly.aof.2.base.rdb");
    for (name, rdb) in [("old", &old), ("new", &new), ("newest", &newest)] {
        let len = rdb.len();
        let mut odd = rdb.clone();
        odd[len - 1] ^= 1;
        let mut flipped = rdb.clone();
        flipped[len / 2] ^= 4;
        let bytes: &[(&str, Vec<u8>)] = &[
            ("whole", rdb.clone()),
            ("with records", join(&[rdb, COMMANDS])),
            ("with a torn record", join(&[rdb, COMMANDS, b"*3\r\n$3"])),
            ("with a torn record alone", join(&[rdb, b"*3\r\n$3"])),
            ("with garbage", join(&[rdb, b"xxx"])),
            ("with another sum", odd),
            ("without sum", join(&[&rdb[..len - 8], &[0; 8]])),
            ("flipped", flipped),
            ("without trailer", rdb[..len - 8].to_vec()),
            ("cut in its trailer", rdb[..len - 3].to_vec()),
            ("cut in the middle", rdb[..len / 2].to_vec()),
            ("cut in its fields", rdb[..30].to_vec()),
            ("a header", rdb[..9].to_vec()),
            ("8 bytes", rdb[..8].to_vec()),
            ("7 bytes", rdb[..7].to_vec()),
            ("with a second", join(&[rdb, &ts(300), COMMANDS])),
        ];
        for (what, bytes) in bytes {
            let label = |how: &str| format!("{name} RDB {what}{how}");
            cases.push(case(&label(""), &[("f", bytes)], &["f"], b""));
            cases.push(case(&label(", fixed"), &[("f", bytes)], &["--fix", "f"], b"y\n"));
            let args = ["--truncate-to-timestamp", "200", "f"];
            cases.push(case(&label(", to a second"), &[("f", bytes)], &args, b""));
            let base: &[(&str, &[u8])] = &[("b.aof", bytes), ("m", b"file b.aof seq 1 type b\n")];
            cases.push(case(&label(" as a base"), base, &["m"], b""));
            let last: &[(&str, &[u8])] =
                &[("b.aof", COMMANDS), ("i1.aof", COMMANDS), ("i2.aof", bytes), ("m", MANIFEST)];
            cases.push(case(&label(" in an increment"), last, &["m"], b""));
        }
    }
    for text in ["REDIS0000", "REDIS00xx", "REDIS0099", "REDIS0013"] {
        let bytes = [text.as_bytes(), b"\xfa\x00\xff123456789"].concat();
        cases.push(case(&format!("header {text}"), &[("f", &bytes)], &["f"], b""));
    }
    cases.push(case("an old preamble", &[("f", &preamble)], &["f"], b""));
    cases.push(case("a device", &[], &["/dev/null"], b""));
    let foreign = recorded("valkey-9.1.2/rdb-base/aof/appendonly.aof.2.base.rdb");
    let torn = join(&[&foreign, b"*3\r\n$3"]);
    for (what, bytes) in [("whole", &foreign), ("torn", &torn)] {
        let label = |how: &str| format!("Valkey RDB {what}{how}");
        cases.push(case(&label(""), &[("f", bytes)], &["f"], b""));
        cases.push(case(&label(", fixed"), &[("f", bytes)], &["--fix", "f"], b"y\n"));
        let base: &[(&str, &[u8])] = &[("b.aof", bytes), ("m", b"file b.aof seq 1 type b\n")];
        cases.push(case(&label(" as a base"), base, &["m"], b""));
    }
    cases
}
