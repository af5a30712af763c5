//! Framing: each byte of the log is payload, framing, SELECT, a transaction, an annotation or damage.

use super::world::*;

const PARTS: [&str; 6] = [
    "payload_bytes",
    "framing_bytes",
    "select_bytes",
    "transaction_bytes",
    "annotation_bytes",
    "unparsed_bytes",
];

fn figures(log: &[u8]) -> ([u64; 6], u64, serde_json::Value) {
    let set = set(b"", log);
    let answer = json(&["stats"], set.path());
    let totals = &answer["totals"];
    let parts = PARTS.map(|name| totals["framing"][name].as_u64().unwrap());
    (parts, totals["resp_bytes"].as_u64().unwrap(), answer)
}

#[test]
fn every_byte_is_counted_once() {
    let select = record(&["SELECT", "3"]);
    let (multi, exec) = (record(&["MULTI"]), record(&["EXEC"]));
    let commands: [&[&str]; 4] = [
        &["SET", "a", ""],
        &["DEL", "k1", "k2", "k3"],
        &["PING"],
        &["RPUSH", "list", &"x".repeat(300)],
    ];
    let payload: usize = commands.iter().flat_map(|words| words.iter()).map(|w| w.len()).sum();
    let records: Vec<u8> = commands.iter().flat_map(|words| record(words)).collect();
    let log = [
        &told(1_700_000_000)[..],
        &select,
        &multi,
        &records,
        &exec,
        b"junk\r\n",
        &record(&["SET", "b", "1"]),
        &record(&["SET", "b", "2"]),
        &record(&["SET", "b", "3"]),
    ]
    .concat();
    let (parts, resp_bytes, _) = figures(&log);
    let payload = payload as u64 + 3 * 5;
    let steering = (multi.len() + exec.len()) as u64;
    let rest = log.len() as u64 - payload - select.len() as u64 - steering - 16 - 6;
    assert_eq!(parts, [payload, rest, select.len() as u64, steering, 16, 6]);
    assert_eq!((parts.iter().sum::<u64>(), resp_bytes), (log.len() as u64, log.len() as u64));
}

/// Records that are larger than a window, and those that are spelled in another way, are read token by token.
#[test]
fn records_read_token_by_token_are_counted_alike() {
    let large = record(&["SET", "large", &"v".repeat(700_000)]);
    let wide: Vec<String> = (0..60_000).map(|n| format!("m{n}")).collect();
    let words: Vec<&str> =
        ["SADD", "wide"].into_iter().chain(wide.iter().map(String::as_str)).collect();
    let odd = b"*+3\r\n$003\r\nSET\r\n$1\r\nk\r\n$ 2\r\nvv\r\n".to_vec();
    let log = [large, record(&words), odd].concat();
    let members: usize = wide.iter().map(String::len).sum();
    let (parts, resp_bytes, _) = figures(&log);
    assert_eq!(parts[0], (3 + 5 + 700_000 + 4 + 4 + members + 6) as u64);
    assert_eq!((parts.iter().sum::<u64>(), resp_bytes), (log.len() as u64, log.len() as u64));
}

#[test]
fn a_selection_adds_up_too() {
    let log =
        [record(&["SELECT", "1"]), record(&["SET", "a", "1"]), record(&["DEL", "a"])].concat();
    let set = set(b"", &log);
    let totals = &json(&["stats", "--command", "DEL"], set.path())["totals"];
    let parts = PARTS.map(|name| totals["framing"][name].as_u64().unwrap());
    assert_eq!(parts, [4, record(&["DEL", "a"]).len() as u64 - 4, 0, 0, 0, 0]);
}

#[test]
fn the_screen_tells_it_where_most_of_the_log_is_framing() {
    let transaction = [record(&["MULTI"]), record(&["INCR", "k"]), record(&["EXEC"])].concat();
    let small = set(b"", &transaction.repeat(50));
    assert!(text(&["inspect"], small.path()).contains("% framing"));
    let large = set(b"", &record(&["SET", "k", &"v".repeat(5000)]).repeat(50));
    assert!(!text(&["inspect"], large.path()).contains("framing"));
    let told = text(&["stats"], small.path()).replace("\n    ", " ");
    assert!(told.contains("MULTI and EXEC") && told.contains("names and arguments"), "{told}");
}
