//! All canonical records of a slice.

use super::{Reason, Record, Stop, record};
use crate::format::fault::Fault;

/// The records of `bytes`, which lie at offset `base` of their file. Stops for good at the first fault;
/// annotation lines are faults here, for a reader of whole files is [`crate::aof`]'s business.
pub fn records(bytes: &[u8], base: u64) -> Records<'_> {
    Records { bytes, at: base, failed: false }
}

/// Iterator made by [`records`]; fused.
#[derive(Clone, Debug)]
pub struct Records<'a> {
    bytes: &'a [u8],
    at: u64,
    failed: bool,
}

impl<'a> Iterator for Records<'a> {
    type Item = Result<Record<'a>, Fault<Reason>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed || self.bytes.is_empty() {
            return None;
        }
        match record(self.bytes) {
            Ok(shape) => {
                let found = Record::canonical(shape, self.bytes, self.at);
                self.bytes = &self.bytes[shape.len..];
                self.at += shape.len as u64;
                Some(Ok(found))
            }
            Err(stop) => {
                self.failed = true;
                let fault = match stop {
                    Stop::Short => Fault::new(0, Reason::Torn),
                    Stop::Wrong(fault) => fault,
                };
                Some(Err(Fault::new(self.at + fault.at, fault.reason)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SET: &[u8] = b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$2\r\n10\r\n";

    #[test]
    fn records_give_their_arguments_and_their_places() {
        let two = [SET, SET].concat();
        let all: Vec<_> = records(&two, 100).collect::<Result<_, _>>().unwrap();
        assert_eq!(all.len(), 2);
        assert_eq!((all[1].start, all[1].end()), (128, 156));
        let args: Vec<&[u8]> = all[1].args().map(|a| a.head).collect();
        assert_eq!(args, [b"SET".as_slice(), b"a", b"10"]);
    }

    #[test]
    fn a_fault_names_the_token_that_is_wrong() {
        let fault = |bytes: &[u8]| records(bytes, 0).last().unwrap().unwrap_err();
        assert_eq!(fault(&SET[..20]), Fault::new(0, Reason::Torn));
        assert_eq!(
            fault(b"*1\r\n:1\r\n"),
            Fault::new(4, Reason::Expected { wanted: b'$', found: b':' })
        );
        assert_eq!(
            fault(b"*1\r\n$1\r\nabc"),
            Fault::new(9, Reason::BadTerminator { found: *b"bc" })
        );
        assert_eq!(fault(b"*0\r\n"), Fault::new(1, Reason::OutOfRange));
        assert_eq!(fault(b"*01\r\n"), Fault::new(1, Reason::BadNumber { found: b'0' }));
        let huge = b"*1\r\n$99999999999999999999\r\n";
        assert_eq!(fault(huge), Fault::new(5, Reason::OutOfRange));
    }

    #[test]
    fn a_huge_declared_length_is_a_short_window_not_an_allocation() {
        assert_eq!(record(b"*1\r\n$9223372036854775807\r\nx"), Err(Stop::Short));
    }
}
