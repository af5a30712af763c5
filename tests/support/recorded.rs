//! Tables of what real servers and their check tools did, in `testdata/cases`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// The rows of a table, each by the names of its columns.
pub fn rows(table: &str) -> Vec<BTreeMap<String, String>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/cases").join(table);
    let text = fs::read_to_string(path).expect("read a table");
    let mut lines = text.lines();
    let names: Vec<&str> = lines.next().expect("a line of names").split('\t').collect();
    lines
        .map(|line| {
            let cells = line.split('\t').chain(std::iter::repeat(""));
            names.iter().map(|n| (*n).to_owned()).zip(cells.map(str::to_owned)).collect()
        })
        .collect()
}

/// Bytes written as pairs of hexadecimal digits.
pub fn from_hex(hex: &str) -> Vec<u8> {
    let digits = |pair: &[u8]| std::str::from_utf8(pair).ok().map(str::to_owned);
    let byte = |pair: &[u8]| u8::from_str_radix(&digits(pair)?, 16).ok();
    hex.as_bytes().chunks(2).map(|pair| byte(pair).expect("two digits")).collect()
}
