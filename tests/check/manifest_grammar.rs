//! Every recorded manifest gets the verdict that real servers gave it.
//!
//! The table holds what Redis 7.0.15, 8.2.3 and Valkey 9.1.2 did with each manifest, loader and check tool apart.

use aofkit::format::manifest::{
    Dialect, Kind, Manifest, hazards, looks_like, parse, print, redis_check_aof_recognises,
};

struct Case {
    id: String,
    manifest: Vec<u8>,
    /// Redis 7.0.15, Redis 8.2.3, Valkey 9.1.2.
    loader: [String; 3],
    check: [String; 3],
}

const DIALECTS: [Dialect; 3] = [Dialect::Strict, Dialect::Strict, Dialect::Concatenating];

fn cases() -> Vec<Case> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/cases/aof-manifest-cases.tsv");
    let table = std::fs::read_to_string(path).unwrap();
    let rows = table.lines().skip(1).filter(|row| !row.is_empty());
    let cases: Vec<_> = rows.map(case).collect();
    assert_eq!(cases.len(), 87);
    cases
}

fn case(row: &str) -> Case {
    let columns: Vec<_> = row.split('\t').map(str::to_owned).collect();
    let [id, _title, hex, _files, l1, l2, l3, c1, c2, c3] =
        <[String; 10]>::try_from(columns).unwrap();
    let digits = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    let manifest = hex.as_bytes().chunks(2).map(digits).collect();
    Case { id, manifest, loader: [l1, l2, l3], check: [c1, c2, c3] }
}

fn class(kind: Kind) -> &'static str {
    match kind {
        Kind::Empty => "EMPTY",
        Kind::TooLong(_) => "TOOLONG",
        Kind::Invalid(_) => "INVALID",
        Kind::Path => "PATH",
        Kind::DuplicateBase { .. } => "DUPBASE",
        Kind::NonMonotonic { .. } => "NONMONO",
        Kind::UnknownType(_) => "BADTYPE",
        Kind::Directory => "READERR",
    }
}

/// Keys in the verdict `OK{…}`: each names the file it came from.
fn loaded(manifest: &Manifest) -> Vec<String> {
    let name_of = |name: &[u8]| match name {
        b"appendonly.aof.1.incr.aof" => "i1".to_owned(),
        b"appendonly.aof.2.incr.aof" => "i2".to_owned(),
        // Every other file that exists has the content of the base.
        _ => "base".to_owned(),
    };
    let mut keys: Vec<_> = manifest.live().map(|entry| name_of(&entry.name)).collect();
    keys.sort();
    keys.dedup();
    keys
}

#[test]
fn the_parser_refuses_what_each_loader_refuses_and_for_the_same_reason() {
    for case in cases() {
        for (verdict, dialect) in case.loader.iter().zip(DIALECTS) {
            let id = &case.id;
            match parse(&case.manifest, dialect) {
                Err(fault) => assert_eq!(class(fault.reason.kind), verdict, "{id} {dialect:?}"),
                Ok(manifest) => match verdict.strip_prefix("OK{") {
                    Some(keys) => {
                        let keys: Vec<_> = keys.trim_end_matches('}').split(',').collect();
                        let keys: Vec<_> = keys.into_iter().filter(|key| !key.is_empty()).collect();
                        assert_eq!(loaded(&manifest), keys, "{id} {dialect:?}");
                    }
                    None => assert!(
                        ["MISSING", "READERR"].contains(&verdict.as_str()),
                        "{id} {dialect:?} parsed, but the loader says {verdict}"
                    ),
                },
            }
        }
    }
}

#[test]
fn the_check_tools_take_for_a_manifest_what_we_say_they_do() {
    for case in cases() {
        let ours = redis_check_aof_recognises(&case.manifest);
        // 7.0 looks at every line, later tools at the first.
        for tool in &case.check[1..] {
            assert_eq!(ours, !tool.contains("as-oldstyle"), "{}: {tool}", case.id);
        }
        assert!(ours || !looks_like(&case.manifest), "{}", case.id);
    }
}

#[test]
fn what_a_loader_reads_is_printed_so_that_it_reads_the_same() {
    for case in cases() {
        for dialect in DIALECTS {
            let Ok(manifest) = parse(&case.manifest, dialect) else { continue };
            let printed = print(&manifest);
            if manifest.entries.is_empty() {
                assert_eq!(printed, b"", "{}", case.id);
                continue;
            }
            for reader in DIALECTS {
                let again = parse(&printed, reader).unwrap();
                assert!(again.same_meaning(&manifest), "{}", case.id);
            }
        }
    }
}

#[test]
fn a_manifest_that_loads_nothing_or_breaks_a_server_has_a_hazard() {
    for case in cases() {
        for (verdict, dialect) in case.loader.iter().zip(DIALECTS) {
            let Ok(manifest) = parse(&case.manifest, dialect) else { continue };
            if verdict == "OK{}" || verdict == "READERR" {
                assert!(!hazards(&manifest).is_empty(), "{}: {verdict}", case.id);
            }
        }
    }
}

#[test]
fn what_a_server_would_write_has_no_hazard() {
    for case in cases().into_iter().filter(|case| ["M01", "M74"].contains(&case.id.as_str())) {
        let manifest = parse(&case.manifest, Dialect::Strict).unwrap();
        assert_eq!(hazards(&manifest), [], "{}", case.id);
        assert_eq!(print(&manifest), case.manifest, "{}", case.id);
    }
}

#[test]
fn no_cut_and_no_flipped_byte_makes_the_parser_panic() {
    for case in cases().into_iter().filter(|case| case.manifest.len() < 200) {
        for dialect in [Dialect::Strict, Dialect::Concatenating] {
            let mut bytes = case.manifest.clone();
            for at in 0..bytes.len() {
                let _ = parse(&bytes[..at], dialect);
                for byte in [0, b'\n', b'"', b'\'', b'\\', b' ', b'#', 0xff] {
                    let kept = std::mem::replace(&mut bytes[at], byte);
                    if let Ok(manifest) = parse(&bytes, dialect) {
                        let _ = (hazards(&manifest), print(&manifest));
                    }
                    bytes[at] = kept;
                }
            }
        }
    }
}
