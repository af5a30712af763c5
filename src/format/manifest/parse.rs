//! Reads a manifest with the loader's own grammar: what it refuses is refused here, for the same reason.

use super::entry::c_string;
use super::line::{Line, lines};
use super::{
    Comment, Entry, Key, Kind, LINE_MAX, Malformed, Manifest, More, Oddity, Reason, Role, Unended,
};
use crate::format::fault::Fault;
use crate::format::words::{Dialect, is_space, split};

/// Reads a manifest as the loader of a server with this `dialect` does.
///
/// The fault's place is where the offending line begins.
pub fn parse(bytes: &[u8], dialect: Dialect) -> Result<Manifest, Fault<Reason>> {
    if bytes.is_empty() {
        return Err(Fault::new(0, Reason { line: 0, kind: Kind::Empty }));
    }
    let mut manifest = Manifest::new(Vec::new());
    manifest.recognised = super::redis_check_aof_recognises(bytes);
    let mut order = Order::default();
    let mut in_comment = false;
    for line in lines(bytes) {
        if line.is_comment() {
            in_comment = !line.bytes.ends_with(b"\n");
            manifest.comments.push(Comment { line: line.number, span: line.at..line.end() });
            continue;
        }
        let fault = |kind| Fault::new(line.at, Reason { line: line.number, kind });
        let mut entry = line.entry(dialect).map_err(fault)?;
        if std::mem::take(&mut in_comment) {
            entry.oddities.push(Oddity::CommentTail);
        }
        order.admit(&entry).map_err(fault)?;
        manifest.entries.push(entry);
    }
    // There may be very many.
    manifest.entries.shrink_to_fit();
    Ok(manifest)
}

impl Line<'_> {
    fn entry(&self, dialect: Dialect) -> Result<Entry, Kind> {
        self.ended().map_err(Kind::TooLong)?;
        let text = trim(self.bytes);
        if text.is_empty() {
            return Err(Kind::Invalid(Malformed::Blank));
        }
        let found = split(text, dialect).ok_or(Kind::Invalid(Malformed::Quotes))?;
        let count = found.words.len();
        if count < 6 || count % 2 != 0 {
            return Err(Kind::Invalid(Malformed::Count(count)));
        }
        let mut fields = Fields::default();
        for pair in found.words.chunks_exact(2) {
            if let [key, value] = pair {
                fields.take(key, value)?;
            }
        }
        if found.joined {
            fields.oddities.push(Oddity::Joined);
        }
        if found.raw_ff {
            fields.oddities.push(Oddity::RawFf);
        }
        fields.entry(self)
    }

    fn ended(&self) -> Result<(), Unended> {
        if self.bytes.contains(&0) {
            Err(Unended::Nul)
        } else if self.bytes.ends_with(b"\n") {
            Ok(())
        } else if self.bytes.len() == LINE_MAX {
            Err(Unended::Long)
        } else {
            Err(Unended::Cut)
        }
    }
}

/// Without the blanks the loader takes off both ends; fewer than [`is_space`].
fn trim(bytes: &[u8]) -> &[u8] {
    let kept = |byte: &u8| !matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
    let Some(first) = bytes.iter().position(kept) else { return &[] };
    let end = bytes.iter().rposition(kept).map_or(first, |last| last + 1);
    &bytes[first..end]
}

/// The pairs of a line, as they come.
#[derive(Default)]
struct Fields {
    name: Option<Vec<u8>>,
    seq: Option<i64>,
    letter: Option<u8>,
    start_offset: Option<i64>,
    end_offset: Option<i64>,
    extra: Vec<(Vec<u8>, Vec<u8>)>,
    oddities: Vec<Oddity>,
}

impl Fields {
    fn take(&mut self, word: &[u8], value: &[u8]) -> Result<(), Kind> {
        let Some(key) = Key::of(word) else {
            self.extra.push((word.to_vec(), value.to_vec()));
            return Ok(());
        };
        let value = c_string(value);
        let before = match key {
            Key::File => {
                if value.iter().any(|byte| matches!(byte, b'/' | b'\\')) {
                    return Err(Kind::Path);
                }
                self.name.replace(value.to_vec()).is_some()
            }
            Key::Seq => {
                let number = self.number(key, value);
                self.seq.replace(number).is_some()
            }
            Key::Type => self.letter.replace(value.first().copied().unwrap_or(0)).is_some(),
            Key::StartOffset => {
                let number = self.number(key, value);
                self.start_offset.replace(number).is_some()
            }
            Key::EndOffset => {
                let number = self.number(key, value);
                self.end_offset.replace(number).is_some()
            }
        };
        if before && !self.oddities.contains(&Oddity::Repeated(key)) {
            self.oddities.push(Oddity::Repeated(key));
        }
        Ok(())
    }

    fn number(&mut self, key: Key, value: &[u8]) -> i64 {
        let (number, plain) = atoll(value);
        // Only the last value counts, so only its oddity does.
        self.oddities
            .retain(|oddity| !matches!(oddity, Oddity::Number { key: of, .. } if *of == key));
        if !plain {
            self.oddities.push(Oddity::Number { key, given: value.to_vec() });
        }
        number
    }

    fn entry(self, line: &Line<'_>) -> Result<Entry, Kind> {
        let name = self.name.ok_or(Kind::Invalid(Malformed::NoFile))?;
        let seq = self.seq.filter(|&seq| seq != 0).ok_or(Kind::Invalid(Malformed::NoSeq))?;
        let letter = self.letter.filter(|&letter| letter != 0);
        let letter = letter.ok_or(Kind::Invalid(Malformed::NoType))?;
        let role = Role::from_letter(letter).ok_or(Kind::UnknownType(letter))?;
        let (start_offset, end_offset) = (self.start_offset, self.end_offset);
        let more = More { start_offset, end_offset, extra: self.extra, oddities: self.oddities };
        let (line, span) = (line.number, line.at..line.end());
        Ok(Entry { line, span, ..Entry::new(name, seq, role) }.with(more))
    }
}

/// C's `atoll`, and whether the text is nothing but a number that fits: blanks, a sign and zeros
/// may lead, junk may follow, no digits are 0, and what does not fit becomes the nearest number
/// that does.
fn atoll(text: &[u8]) -> (i64, bool) {
    let start = text.iter().position(|&byte| !is_space(byte)).unwrap_or(text.len());
    let (negative, digits) = match &text[start..] {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    let count = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    // Summed up as a negative number, for there is one more of those.
    let below = digits[..count]
        .iter()
        .try_fold(0_i64, |sum, digit| sum.checked_mul(10)?.checked_sub(i64::from(digit - b'0')));
    let value = below.and_then(|sum| if negative { Some(sum) } else { sum.checked_neg() });
    let plain = value.is_some() && count > 0 && count == digits.len() && start == 0;
    (value.unwrap_or(if negative { i64::MIN } else { i64::MAX }), plain)
}

/// What the lines so far demand of the next.
#[derive(Default)]
struct Order {
    base: Option<u64>,
    increment: i64,
}

impl Order {
    fn admit(&mut self, entry: &Entry) -> Result<(), Kind> {
        match entry.role {
            Role::History => {}
            Role::Base => {
                if let Some(first) = self.base.replace(entry.line) {
                    return Err(Kind::DuplicateBase { first });
                }
            }
            Role::Increment => {
                if entry.seq <= self.increment {
                    let previous = self.increment;
                    return Err(Kind::NonMonotonic { seq: entry.seq, previous });
                }
                self.increment = entry.seq;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &[u8]) -> (u64, u64, Kind) {
        let fault = parse(text, Dialect::Strict).unwrap_err();
        (fault.at, fault.reason.line, fault.reason.kind)
    }

    #[test]
    fn numbers_are_read_as_c_reads_them() {
        for (text, value) in [
            ("12", (12, true)),
            ("-7", (-7, true)),
            ("+01", (1, true)),
            (" \x0b9", (9, false)),
            ("1abc", (1, false)),
            ("", (0, false)),
            ("-", (0, false)),
            ("0x10", (0, false)),
            ("9223372036854775807", (i64::MAX, true)),
            ("9223372036854775808", (i64::MAX, false)),
            ("-9223372036854775808", (i64::MIN, true)),
            ("-99999999999999999999", (i64::MIN, false)),
        ] {
            assert_eq!(atoll(text.as_bytes()), value, "{text}");
        }
    }

    #[test]
    fn a_fault_names_the_offending_line_and_its_offset() {
        let good = b"# c\nfile b seq 1 type b\n".as_slice();
        let with = |tail: &[u8]| fault(&[good, tail].concat());
        assert_eq!(with(b"\n"), (24, 3, Kind::Invalid(Malformed::Blank)));
        assert_eq!(with(b"file c seq 1 type b\n"), (24, 3, Kind::DuplicateBase { first: 2 }));
        assert_eq!(with(b"file c seq 1 type i"), (24, 3, Kind::TooLong(Unended::Cut)));
        assert_eq!(with(b"file c seq 1 type x\n"), (24, 3, Kind::UnknownType(b'x')));
        assert_eq!(fault(b""), (0, 0, Kind::Empty));
    }

    #[test]
    fn a_path_is_refused_even_where_a_later_name_would_count() {
        assert_eq!(fault(b"file a/b file c seq 1 type b\n"), (0, 1, Kind::Path));
    }

    #[test]
    fn a_nul_made_by_an_escape_ends_a_value_but_not_an_unknown_one() {
        let text = br#"file "a\x00/b" "seq\x00" 1 type b k "v\x00w"
"#;
        let manifest = parse(text, Dialect::Strict).unwrap();
        assert_eq!(manifest.entries[0].name[..], *b"a");
        assert_eq!(manifest.entries[0].extra, [(b"k".to_vec(), b"v\0w".to_vec())]);
    }

    #[test]
    fn a_reason_reads_as_a_sentence() {
        let fault = parse(b"file a seq 0 type b\n", Dialect::Strict).unwrap_err();
        let text = fault.to_string();
        assert!(
            text.starts_with("byte 0 (0x0): line 1: seq is missing, zero or not a number;"),
            "{text}"
        );
    }
}
