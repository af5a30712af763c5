//! Libraries of functions, by their names.

use std::collections::BTreeMap;

use super::cost::{Cost, Scales, bulk, header};
use crate::format::resp::Record;

/// Libraries that are told apart.
const LIBRARIES: usize = 1024;

/// What is loaded.
#[derive(Clone, Debug, Default)]
pub struct Libraries(BTreeMap<Vec<u8>, Cost>);

impl Libraries {
    /// FUNCTION LOAD, DELETE and FLUSH. Answers whether it was one of these.
    pub fn apply(&mut self, record: &Record<'_>, scales: &mut Scales) -> bool {
        let mut args = record.args().skip(1);
        let Some(sub) = args.next() else { return false };
        match sub.head.to_ascii_uppercase().as_slice() {
            b"LOAD" => {
                let Some(code) = args.last() else { return false };
                self.put(code.head, commands(code.len) + scales.cut(code.head, code.len));
            }
            b"DELETE" => {
                args.next().and_then(|name| self.0.remove(name.head));
            }
            b"FLUSH" => self.0.clear(),
            // It changes nothing.
            b"KILL" => {}
            _ => return false,
        }
        true
    }

    /// A library of a base: the first line of its code, and the bytes that it takes there.
    pub fn load(&mut self, first_line: &[u8], bytes: u64) {
        self.put(first_line, commands(bytes) + Cost::of_rdb(bytes));
    }

    fn put(&mut self, code: &[u8], cost: Cost) {
        let line = code.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let name = line.split(|b| *b == b' ').find_map(|word| word.strip_prefix(b"name="));
        if self.0.len() < LIBRARIES {
            // The number of its opcode.
            self.0.insert(name.unwrap_or_default().trim_ascii().to_vec(), cost + Cost::of_rdb(1));
        }
    }

    /// What all of them cost.
    pub fn cost(&self) -> Cost {
        self.0.values().fold(Cost::default(), |sum, one| sum + *one)
    }
}

/// FUNCTION LOAD code
fn commands(len: u64) -> Cost {
    Cost::of_commands(header(3) + bulk(8) + bulk(4) + bulk(len))
}
