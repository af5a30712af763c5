//! Every law over what servers wrote, over the recorded edge cases, and over what chance makes of them.
//!
//! `AOFKIT_SEED` and `AOFKIT_LAW_MUTATIONS` give other or more damage.

#[path = "support/conf_laws.rs"]
mod conf_laws;
#[path = "support/laws.rs"]
mod laws;
mod support;

use std::fs;
use std::path::{Path, PathBuf};

use laws::{Packing, packed_set};
use proptest::prelude::*;
use support::mutate::{Mutation, Random};
use support::{in_parallel, number_from_env, recorded_sets};

/// Laws that hold for the bytes of one segment.
const OF_SEGMENTS: [fn(&[u8]); 7] = [
    laws::records_are_what_their_arguments_spell,
    laws::header_lines_stay_in_bounds,
    laws::every_source_gives_the_same_events,
    laws::a_split_mix_merges_to_the_whole,
    laws::an_rdb_is_the_same_in_any_window,
    laws::what_is_printed_can_be_fed_to_a_server,
    laws::both_pictures_of_redis_check_aof_agree,
];

fn segment(bytes: &[u8]) {
    for law in OF_SEGMENTS {
        law(bytes);
    }
    laws::a_checked_set_adds_up(&packed_set(Packing::SingleFile, &[bytes]));
    laws::a_checked_set_adds_up(&packed_set(Packing::SoundManifest, &[b"", bytes]));
    laws::a_checked_set_adds_up(&packed_set(Packing::SoundManifest, &[bytes, bytes]));
    laws::a_checked_set_adds_up(&packed_set(Packing::LostManifest, &[bytes, bytes]));
}

fn manifest(bytes: &[u8]) {
    laws::a_printed_manifest_means_the_same(bytes);
    let select = b"*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n";
    laws::a_checked_set_adds_up(&packed_set(Packing::OwnManifest, &[bytes, select, select]));
}

fn configuration(bytes: &[u8]) {
    conf_laws::directives_are_what_their_lines_spell(bytes);
    conf_laws::settings_are_the_same_in_any_files(bytes);
    conf_laws::a_configuration_is_read_or_refused(bytes);
    conf_laws::a_set_is_judged_under_any_configuration(bytes);
    bytes.split(|byte| b" \n".contains(byte)).for_each(conf_laws::sizes_are_digits_times_units);
}

/// Third column of a table in `testdata/cases`, decoded from hex.
fn cases(table: &str) -> Vec<Vec<u8>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/cases").join(table);
    let text = fs::read_to_string(path).expect("a table of cases");
    let rows = text.lines().skip(1).filter(|row| !row.is_empty());
    let hex = rows.map(|row| row.split('\t').nth(2).expect("a third column"));
    let cases: Vec<_> = hex
        .map(|hex| {
            let digit = |b: &u8| char::from(*b).to_digit(16).expect("a hexadecimal digit") as u8;
            hex.as_bytes().chunks(2).map(|pair| digit(&pair[0]) << 4 | digit(&pair[1])).collect()
        })
        .collect();
    assert!(cases.len() > 50, "{table} is shorter than expected");
    cases
}

/// Every file below the recorded sets.
fn recorded_files() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![recorded_sets()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("list a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    assert!(found.len() > 50, "recorded files are missing");
    found
}

fn is_manifest(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "manifest")
}

#[test]
fn laws_hold_for_the_recorded_edge_cases() {
    let cases = cases("aof-edge-cases.tsv");
    in_parallel(cases.len(), |at| segment(&cases[at]));
}

#[test]
fn laws_hold_for_what_is_known_by_its_first_bytes_alone() {
    for magic in [&b"REDIS"[..], b"VALKEY", b"VCS\x01", b"VKCS", b"$EOF:", b"$12"] {
        for more in [&b""[..], b"0", b"0080", b"\r\n*1\r\n$4\r\nEXEC\r\n"] {
            segment(&[magic, more].concat());
        }
        for end in 0..magic.len() {
            segment(&magic[..end]);
        }
    }
}

#[test]
fn laws_hold_for_the_recorded_manifests() {
    let cases = cases("aof-manifest-cases.tsv");
    in_parallel(cases.len(), |at| manifest(&cases[at]));
}

/// Lines that mean something, one that is refused among them, and numbers with units.
const CONFIGURATIONS: [&str; 5] = [
    "appendonly yes\nDIR \"/a b\"\ndir c\nappenddirname 'x'\nrename-command SET \"\"\nrename-command GET SET\n",
    "databases 9\nauto-aof-rewrite-min-size 64mb\nauto-aof-rewrite-percentage 100\nrdb-version-check relaxed",
    "include c\ninclude d\nappendonly no\n",
    "# x\r\n\taof-load-truncated no\nappendonly maybe\ndir '/a\n",
    "1kb 1k 007m 18446744073709551615 18446744073709551616 17179869184gb 16777215GB mb b",
];

#[test]
fn laws_hold_for_configurations_and_what_chance_makes_of_them() {
    let seed = number_from_env("AOFKIT_SEED", 1);
    let mutations = number_from_env("AOFKIT_LAW_MUTATIONS", 400) as usize;
    CONFIGURATIONS.iter().for_each(|text| configuration(text.as_bytes()));
    in_parallel(mutations, |index| {
        let mut random = Random::new(seed, index as u64);
        let mut bytes = random.pick(&CONFIGURATIONS).as_bytes().to_vec();
        for _ in 0..1 + random.below(3) {
            bytes = Mutation::choose(&mut random, &bytes).apply(&bytes);
        }
        configuration(&bytes);
    });
}

#[test]
fn laws_hold_for_every_recorded_file() {
    let files = recorded_files();
    in_parallel(files.len(), |at| {
        let bytes = fs::read(&files[at]).expect("read a recorded file");
        // No law is about what a file is for: a manifest is a very damaged segment.
        segment(&bytes);
        manifest(&bytes);
    });
}

#[test]
fn laws_hold_for_damaged_files() {
    let files = recorded_files();
    let seed = number_from_env("AOFKIT_SEED", 1);
    let mutations = number_from_env("AOFKIT_LAW_MUTATIONS", 400) as usize;
    in_parallel(mutations, |index| {
        let mut random = Random::new(seed, index as u64);
        let path = random.pick(&files);
        let mut bytes = fs::read(path).expect("read a recorded file");
        for _ in 0..1 + random.below(3) {
            bytes = Mutation::choose(&mut random, &bytes).apply(&bytes);
        }
        if is_manifest(path) { manifest(&bytes) } else { segment(&bytes) }
    });
}

/// Values longer than a window, a peek, and whatever is kept of an argument, with and without damage.
#[test]
fn laws_hold_around_the_limits() {
    let set = |value: &[u8]| {
        let header = format!("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n${}\r\n", value.len());
        [header.as_bytes(), value, b"\r\n"].concat()
    };
    let small = set(b"v");
    let inner = small.repeat(12_000);
    let many = [b"*1500\r\n".to_vec(), b"$4\r\nRPSH\r\n".repeat(1500)].concat();
    let long_name = [b"*1\r\n$2000\r\n".to_vec(), vec![b'n'; 2000], b"\r\n".to_vec()].concat();
    let sizes = [1023, 4095, 4096, 262_100, 262_144, 524_288, 700_000];
    // After garbage, a candidate that reaches beyond a window: what its first argument holds looks like
    // records, and a stream must not believe it any more than a file does.
    let alike = [
        &b"garbage\r\n*3\r\n$3\r\nSET\r\n$280\r\n"[..],
        &set(b"10").repeat(10)[..280],
        b"\r\n$900000\r\n",
        &[b'x'; 600_000],
    ]
    .concat();
    let mut logs: Vec<Vec<u8>> = sizes.iter().map(|&n| set(&vec![b'x'; n])).collect();
    logs.push(set(&inner));
    logs.push(many);
    segment(&[&small[..], &alike].concat());
    logs.push(alike);
    logs.push(long_name);
    in_parallel(logs.len(), |at| {
        let log = [&small[..], &logs[at], &small, &small].concat();
        segment(&log);
        for cut in [log.len() - 1, log.len() - small.len() * 2 - 1, log.len() / 2] {
            segment(&log[..cut]);
        }
        let mut torn_inside = log.clone();
        torn_inside.drain(small.len() + 40..small.len() + 60);
        segment(&torn_inside);
    });
}

/// Pieces that parsers care about, in any order.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let argument = proptest::collection::vec(any::<u8>(), 0..8);
    let record = proptest::collection::vec(argument, 1..5).prop_map(|arguments| {
        let mut bytes = format!("*{}\r\n", arguments.len()).into_bytes();
        for argument in arguments {
            bytes.extend_from_slice(format!("${}\r\n", argument.len()).as_bytes());
            bytes.extend_from_slice(&argument);
            bytes.extend_from_slice(b"\r\n");
        }
        bytes
    });
    let known = prop_oneof![
        Just("*1\r\n$5\r\nMULTI\r\n"),
        Just("*1\r\n$4\r\nEXEC\r\n"),
        Just("*1\r\n$7\r\nDISCARD\r\n"),
        Just("*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n"),
        Just("*3\r\n$3\r\nSET\r\n$1\r\na\r\n$2\r\n10\r\n"),
        Just("*3\r\n$6\r\nCONFIG\r\n$3\r\nGET\r\n$1\r\n*\r\n"),
        Just("#TS:1700000000\r\n"),
        Just("REDIS0011"),
        Just("VALKEY080"),
    ];
    let header = ("[*$]", prop_oneof![any::<i64>(), -2..70_i64], "(\r\n|\n|x\r\n| \r\n|)")
        .prop_map(|(marker, number, end)| format!("{marker}{number}{end}").into_bytes());
    prop_oneof![
        4 => known.prop_map(|text| text.as_bytes().to_vec()),
        4 => record,
        3 => header,
        1 => proptest::collection::vec(any::<u8>(), 0..20),
        1 => (0..40_usize).prop_map(|n| vec![0; n]),
        1 => "[#*$\r\n0-9a-f ]{0,12}".prop_map(String::into_bytes),
    ]
}

fn line() -> impl Strategy<Value = String> {
    let word = prop_oneof!["[a-z\"'\\\\]{0,4}", "\"(\\\\x[0-9a-f]{2}|\\\\n|[ -!#-~])*\"", ".{0,3}"];
    let sound = ("[a-z.0-9 '\"]{1,12}", any::<i64>(), "[bhiBx]").prop_map(|(name, seq, kind)| {
        format!("file \"{}\" seq {seq} type {kind}", name.replace('"', "\\\""))
    });
    prop_oneof![
        3 => sound,
        2 => proptest::collection::vec(word, 0..9).prop_map(|words| words.join(" ")),
        1 => "#.{0,20}",
        1 => "[ -~]{0,40}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn laws_hold_for_any_mixture_of_pieces(pieces in proptest::collection::vec(piece(), 0..16)) {
        segment(&pieces.concat());
    }

    #[test]
    fn laws_hold_for_any_manifest(lines in proptest::collection::vec(line(), 0..8), end: bool) {
        let text = lines.join("\n") + if end { "\n" } else { "" };
        manifest(text.as_bytes());
    }

    #[test]
    fn laws_hold_for_any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        segment(&bytes);
        manifest(&bytes);
        laws::a_checked_set_adds_up(&bytes);
        configuration(&bytes);
    }

    #[test]
    fn laws_hold_for_any_entry_and_list(
        place in any::<proptest::sample::Index>(),
        with in prop_oneof![
            Just("18446744073709551615"), Just("-1"), Just("null"), Just("[]"), Just("{}"), Just("\"../../x\""),
            Just("\"\""), Just("0"), Just("2559"), Just("[[0,18446744073709551615]]"),
        ],
        list in "(objects/[a-f0-9]{2}/x\\.zst [0-9]{1,21} [0-9]{1,3} [0-9] [a-f0-9 ]{0,3}\n){0,3}",
    ) {
        laws::a_list_is_refused_or_within_bounds(list.as_bytes());
        // One of its values is another.
        let key = aofkit::backup::key_of_list(list.as_bytes());
        let entry = laws::ENTRY.replace("LIST", &key);
        let values: Vec<usize> = entry.match_indices(':').map(|(at, _)| at + 1).collect();
        let at = *place.get(&values);
        let end = entry[at..].find([',', '}', ']']).map_or(entry.len(), |n| at + n);
        let changed = format!("{}{with}{}", &entry[..at], &entry[end..]);
        laws::an_entry_is_refused_or_within_bounds(&changed, list.as_bytes());
    }
}
