//! Hand-made records of every type and opcode, and files around them.

use crate::format::rdb::checksum::crc64;
use crate::format::rdb::header::Family;

/// Bytes from hex digits; blanks are ignored.
pub fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let pair = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(pair).collect()
}

/// A file of these records, with end and checksum.
pub fn file(family: Family, version: u32, records: &[u8]) -> Vec<u8> {
    let mut bytes = match family {
        Family::Redis => format!("REDIS{version:04}"),
        Family::Valkey => format!("VALKEY{version:03}"),
    }
    .into_bytes();
    bytes.extend(records);
    bytes.push(0xff);
    if version >= 5 {
        bytes.extend(crc64(&bytes).to_le_bytes());
    }
    bytes
}

/// A file of the newest known version of `family`, records in hex.
pub fn newest(family: Family, records: &str) -> Vec<u8> {
    file(family, family.newest_known(), &hex(records))
}

const LISTPACK: &str = "07 07000000 0000 ff";
const LISTPACK_OF_TWO: &str = "0b 0b000000 0200 0101 0201 ff";
const ZIPLIST: &str = "0b 0b000000 0a000000 0000 ff";
/// One part with one number.
const ROARING: &str = "20 0100000000000000 00000000 3a300000 01000000 0000 0000 10000000 0500 1111";
/// Eight NUL bytes.
const ROARING_LZF: &str = "c3 04 08 0000 a000";
/// Two members, of which one expires.
const PAIRS: &str = "12 12000000 0400 8161 02 d39d 02 8162 02 00 01 ff";
const STREAM_NODE: &str = "10 000000000000000100000000000000ff";
const ID: &str = "00000000000000010000000000000002";
const EIGHT: &str = "1112131415161718";
const MAX: &str = "81ffffffffffffffff";

fn group(version: u32) -> String {
    let read = if version >= 2 { MAX } else { "" };
    let active = if version >= 3 { "ffffffffffffffff" } else { "" };
    let nacked = if version >= 5 { format!("01 {ID}") } else { String::new() };
    format!(
        "01 67 05 06 {read} 02 {ID}{EIGHT}01 {ID}{EIGHT}4101 \
         02 0163 {EIGHT} {active} 01 {ID} 0164 {EIGHT} {active} 00 {nacked}"
    )
}

fn stream(number: u8, version: u32) -> String {
    let more = if version >= 2 { "0000 0000 03" } else { "" };
    let producers = "4102 05 02 0170 02 016905 01 016a8000000005 00 0171 00 07 00";
    let producers = if version >= 4 { producers } else { "" };
    let group = group(version);
    format!(
        "{number:02x} 0173 02 {STREAM_NODE}{LISTPACK} {STREAM_NODE}{LISTPACK} 02 05 06 {more} \
         02 {group} {group} {producers}"
    )
}

/// Every record both families know: name, hex, keys in it.
pub fn shared() -> Vec<(&'static str, String, u64)> {
    vec![
        ("string", "00 016b 0176".into(), 1),
        ("integer forms", "00 c005 c107ff 00 c201020304 c07f".into(), 2),
        ("lzf", "00 c30403 02616263 c30403 02616263".into(), 1),
        ("empty key", "00 00 00".into(), 1),
        ("long forms", "00 8000000001 6b 810000000000000001 76".into(), 1),
        ("long key", format!("00 4050 {} 0176", "6b".repeat(80)), 1),
        ("long value", format!("00 016b 41f4 {}", "76".repeat(500)), 1),
        ("list", "01 016c 03 0161 c005 c30403 02616263".into(), 1),
        ("empty list", "01 016c 00".into(), 1),
        ("set", "02 016c 02 0161 0162".into(), 1),
        ("zset text", "03 017a 05 0161 03312e35 0162 fd 0163 fe 0164 ff 0165 00".into(), 1),
        ("hash", "04 0168 02 0161 0162 0163 00".into(), 1),
        ("zset", format!("05 017a 02 0161 {EIGHT} 0162 {EIGHT}"), 1),
        ("module", format!("07 016d {MAX} 01 {MAX} 02 05 03 01020304 04 {EIGHT} 05 0161 00"), 1),
        ("zipmap", "09 0168 02 00ff".into(), 1),
        ("zipmap of many", "09 0168 08 fe 0161 0101 62 00 ff".into(), 1),
        ("listpack of many", "10 0168 0b 0b000000 ffff 0101 0201 ff".into(), 1),
        ("lzf listpack of many", "14 0173 c3 0c 0b 0a 0b000000 ffff 0101 0201 ff".into(), 1),
        ("broken listpack of many", "14 0173 0b 0b000000 ffff 0101 8501 ff".into(), 1),
        ("nodes of many", "12 016c 02 02 0b 0b000000 ffff 0101 0201 ff 01 0161".into(), 1),
        ("ziplist of many", "0d 0168 0f 0f000000 0c000000 ffff 00f3 02f4 ff".into(), 1),
        ("list ziplist", format!("0a 016c {ZIPLIST}"), 1),
        ("intset", "0b 016973 0a 02000000 01000000 0500".replace("016973", "0173"), 1),
        ("zset ziplist", format!("0c 017a {ZIPLIST}"), 1),
        ("hash ziplist", format!("0d 0168 {ZIPLIST}"), 1),
        ("quicklist of ziplists", format!("0e 016c 02 {ZIPLIST} {ZIPLIST}"), 1),
        ("stream v1", stream(15, 1), 1),
        ("hash listpack", format!("10 0168 {LISTPACK}"), 1),
        ("zset listpack", format!("11 017a {LISTPACK}"), 1),
        ("quicklist", format!("12 016c 02 01 0161 02 {LISTPACK}"), 1),
        ("stream v2", stream(19, 2), 1),
        ("set listpack", format!("14 0173 {LISTPACK}"), 1),
        ("stream v3", stream(21, 3), 1),
        ("expiry in ms", format!("fc {EIGHT} 00 016b 0176 fc {EIGHT} 02 0173 01 0161"), 2),
        ("expiry in s", "fd 01020304 00 016b 0176".into(), 1),
        ("idle and frequency", "f8 4100 f9 ff 00 016b 0176".into(), 1),
        ("expiry and idle", format!("fc {EIGHT} f8 05 00 016b 0176 f8 4100 00 016b c005"), 2),
        ("expiry and frequency", format!("fc {EIGHT} f9 05 00 016b 0176 f9 05 02 0173 00"), 2),
        ("prefix before others", format!("fc {EIGHT} fa 0161 0162 00 016b 0176"), 1),
        ("database", "fe 80000186 9f fb 01 00 00 016b 0176".into(), 1),
        ("aux", "fa 0963 74696d652d2d2d2d c201020304 fa 00 00".into(), 0),
        ("long aux", format!("fa 4100 {} 4401 {}", "6e".repeat(256), "76".repeat(1025)), 0),
        ("module data", format!("f7 {MAX} 02 01 02 4101 05 0161 00"), 0),
        ("function pre-release", "f6 0161 0162 01 0163 0164 f6 0161 0162 00 0164".into(), 0),
        ("function", "f5 c30403 02616263".into(), 0),
        ("slot sizes", "f4 41ff 02 00".into(), 0),
    ]
}

/// Every record only `REDIS` files have.
pub fn redis() -> Vec<(&'static str, String, u64)> {
    let mut samples = shared();
    samples.extend([
        ("hash ttl pre-release", "16 0168 02 00 0161 0162 4101 0163 0164".into(), 1),
        ("hash listpack ttl pre-release", format!("17 0168 {LISTPACK}"), 1),
        ("hash ttl", format!("18 0168 {EIGHT} 02 00 0161 0162 4101 0163 0164"), 1),
        ("hash listpack ttl", format!("19 0168 {EIGHT} {LISTPACK}"), 1),
        (
            "hash listpack with ttl",
            format!("19 0168 {EIGHT} 0d 0d000000 0300 0101 0201 0301 ff"),
            1,
        ),
        ("stream v4", stream(26, 4), 1),
        ("stream v5", stream(27, 5), 1),
        ("array", format!("1c 0161 03 00 00 00 0161 01 01 {EIGHT} 4101 02 {EIGHT}"), 1),
        ("array with insert index", "1c 0161 01 01 05 00 03 0161".into(), 1),
        ("template listpack inline", format!("1d 0168 00 {LISTPACK} {LISTPACK}"), 1),
        ("template strings inline", format!("1d 0168 01 02 0161 0162 {LISTPACK}"), 1),
        ("template array, listpack names", format!("1f 0168 00 {LISTPACK_OF_TWO} 0161 0162"), 1),
        ("template array, string names", "1f 0168 01 02 0161 0162 0163 0164".into(), 1),
        ("template listpack", format!("f2 05 01 0161 1e 0168 {LISTPACK}"), 1),
        ("template array", "f2 4105 02 0161 0162 20 0168 4105 0163 0164".into(), 1),
        ("rate counter", format!("21 0172 {MAX}"), 1),
        (
            "rate counters",
            "21 0172 05 00 016b 0176 21 0172 4102 0b 0173 0a 02000000 01000000 0500".into(),
            4,
        ),
        ("empty bitmap", "21 0162 00 08 0000000000000000".into(), 1),
        ("bitmap", format!("21 0162 4105 {ROARING} fc {EIGHT} 21 0162 80 00010000 {ROARING}"), 2),
        ("compressed bitmap", format!("21 0162 05 {ROARING_LZF}"), 1),
        ("set listpack member ttl", format!("22 0173 {EIGHT} {PAIRS}"), 1),
        ("set member ttl", format!("23 0173 {EIGHT} 03 01 0161 4102 0162 00 0163"), 1),
        ("kept from eviction", format!("f1 00 016b 0176 fc {EIGHT} f1 f8 05 02 0173 01 0161"), 2),
        ("key metadata", "f3 02 01020304 02 05 00 01020304 00 00 016b 0176".into(), 1),
    ]);
    samples
}

/// Every record only `VALKEY` files have.
pub fn valkey() -> Vec<(&'static str, String, u64)> {
    let mut samples = shared();
    let set = "2a320d0a 24340d0a 44454c31 0d0a 24300d0a 0d0a";
    samples.extend([
        (
            "hash ttl",
            format!("16 0168 02 0161 0162 {EIGHT} 0163 0164 {MAX}").replace("81ff", "ff"),
            1,
        ),
        ("path hash", "17 0168 02 0161 01 0162 0163 0164 00".into(), 1),
        ("slot import", format!("f3 28 {} 02 00 05 4101 4102", "6a".repeat(40)), 0),
        ("inline update", format!("f2 {set} f2 {set}"), 0),
    ]);
    samples
}

/// Family, name, bytes, keys.
pub type File = (Family, &'static str, Vec<u8>, u64);

/// One file per sample, then all samples of a family in one file.
pub fn files() -> Vec<File> {
    let mut files = Vec::new();
    for (family, samples) in [(Family::Redis, redis()), (Family::Valkey, valkey())] {
        let all: String = samples.iter().map(|(_, hex, _)| hex.as_str()).collect();
        let keys = samples.iter().map(|(_, _, keys)| keys).sum();
        for (name, hex, keys) in samples {
            files.push((family, name, newest(family, &hex), keys));
        }
        files.push((family, "all", newest(family, &all), keys));
    }
    files
}
