//! The fast lane: runs of records that are one key and one string each, and rounds of plain loops.
//!
//! Plain strings and packed collections are most of most files. Their records are read here many to a
//! call and without the stack machine; so are the elements of large collections. Whatever is not whole in the window, encoded in a rare way or odd in any respect is left to the slow lane, which is
//! complete by itself: the fast lane changes speed, never results.
//!
//! | bytes | content |
//! |---|---|
//! | 0 or 9 | `FC` and the expiry |
//! | 0, 2 or more | `F9` and the frequency, or `F8` and the idle time |
//! | 1 | a type whose value is one string |
//! | 1 or 2 | LEN of the key, which is raw |
//! | n | key |
//! | 1 to 19 | header of the value, raw or LZF (integers: plain strings only) |
//! | n | value |

use super::entry::{self, Beside, Entry, Sink};
use super::layout::{Item, Row};
use super::length::{self, Length};
use super::place::KEY_KEPT;
use super::stack::Frame;
use super::string::Head;
use super::walk::Walker;
use super::window::Window;

const EXPIRE_MS: u8 = 252;
const FREQUENCY: u8 = 249;
const IDLE: u8 = 248;

/// A record that lies whole in the window; offsets count from its first byte.
struct Record<'a> {
    row: &'static Row,
    /// Where its type number stands: behind the opcodes about it.
    number_at: usize,
    has_expiry: bool,
    key: &'a [u8],
    head: Head,
    /// From the value's body to the end of the window.
    value: &'a [u8],
    len: usize,
}

impl Walker {
    /// Reads as many simple records as there are.
    #[inline]
    pub(super) fn burst<S: Sink>(&mut self, window: &mut Window<'_>, sink: &mut S) {
        if self.key.is_begun() {
            return;
        }
        let (mut keys, mut expires) = (0, 0);
        let mut last = None;
        while let Some(record) = self.simple_record(window.peek_all()) {
            if S::ENTRIES && !self.tell_simple(&record, window, sink) {
                break;
            }
            keys += 1;
            expires += u64::from(record.has_expiry);
            let at = window.at().saturating_add(record.number_at as u64);
            if let Some(slot) = self.found.slot {
                let text = &record.key[..record.key.len().min(entry::KEY_SHOWN)];
                let is_whole = text.len() == record.key.len();
                self.found.strays.look((slot, self.found.db), text, is_whole, at);
            }
            self.tally_simple(&record, window);
            window.advance(record.len);
            last = Some((at, record));
        }
        let Some((at, record)) = last else { return };
        self.found.add_keys(keys, expires);
        let kept = self.key.kept();
        kept.keep(record.key);
        kept.is_cut = record.key.len() > KEY_KEPT;
        (kept.at, kept.db, kept.kind) = (at, self.found.db, record.row.number);
        self.key.turn();
        self.cursor.proven = window.at();
    }

    /// Counts its numbers.
    #[inline]
    fn tally_simple(&mut self, record: &Record<'_>, window: &Window<'_>) {
        let start = window.at();
        let number_at = record.number_at;
        if number_at > 0 {
            let opcodes = window.peek_all();
            let places =
                [record.has_expiry.then_some(0), Some(if record.has_expiry { 9 } else { 0 })];
            for place in places.into_iter().flatten().filter(|place| *place < number_at) {
                let number = opcodes.get(place).copied().unwrap_or(EXPIRE_MS);
                self.found.tallies.number(number, start.saturating_add(place as u64));
            }
        }
        self.found.tallies.number(record.row.number, start.saturating_add(number_at as u64));
    }

    #[inline]
    fn simple_record<'a>(&self, bytes: &'a [u8]) -> Option<Record<'a>> {
        let mut number = *bytes.first()?;
        let mut number_at = 0;
        let has_expiry = number == EXPIRE_MS;
        if number >= IDLE {
            number_at = after_prefixes(bytes, has_expiry)?;
            number = *bytes.get(number_at)?;
            let about = bytes.get(if has_expiry { 9 } else { 0 }).filter(|_| number_at > 0);
            // Numbers newer than the version are remarked, which is the slow lane's.
            if has_expiry && self.is_too_new(EXPIRE_MS)
                || about.is_some_and(|n| self.is_too_new(*n))
            {
                return None;
            }
        }
        let row = self.rows[usize::from(number)]?;
        let least = row.least_of_single?;
        if row.since > self.header.version {
            return None;
        }
        let rest = bytes.get(number_at + 1..)?;
        let (Length::Number(key_len), taken) = length::decode(rest).ok()? else {
            return None;
        };
        let rest = rest.get(taken..)?;
        let (key, rest) = rest.split_at_checked(usize::try_from(key_len).ok()?)?;
        let head = Head::decode(rest).ok()?;
        if least > 0 && head.expanded_len()? < u64::from(least) {
            return None;
        }
        let value = rest.get(head.head_len..)?;
        let after = value.get(usize::try_from(head.body_len).ok()?..)?;
        let len = bytes.len() - after.len();
        Some(Record { row, number_at, has_expiry, key, head, value, len })
    }

    /// Tells of a simple record at the start of `window`, unless its entries must be counted.
    #[inline]
    fn tell_simple<S: Sink>(&self, record: &Record<'_>, window: &Window<'_>, sink: &mut S) -> bool {
        let bytes = window.peek_all();
        let start = window.at();
        let end = start.saturating_add(record.len as u64);
        let expiry = bytes.get(1..9).and_then(|ms| ms.first_chunk::<8>());
        let about = bytes.get(if record.has_expiry { 9 } else { 0 }..record.number_at);
        let about = about.unwrap_or_default();
        let elements = match record.row.packed {
            None => 1,
            Some(packed) => {
                let body = record.head.body_needed(entry::COUNT_LEN);
                match entry::count(packed, record.head, &record.value[..body]) {
                    Some(count) => entry::elements(record.row, self.header.family, count),
                    None => return false,
                }
            }
        };
        sink.entry(&Entry {
            db: self.found.db,
            key: &record.key[..record.key.len().min(entry::KEY_SHOWN)],
            key_len: record.key.len() as u64,
            row: record.row,
            family: self.header.family,
            version: self.header.version,
            expire_ms: expiry.filter(|_| record.has_expiry).map(|ms| i64::from_le_bytes(*ms)),
            idle_s: match about {
                [IDLE, number @ ..] => length::number(number).ok().map(|(seconds, _)| seconds),
                _ => None,
            },
            frequency: match about {
                [FREQUENCY, frequency] => Some(*frequency),
                _ => None,
            },
            elements: Some(elements),
            field_ttls: Some(0),
            stream: None,
            module: None,
            beside: Beside::default(),
            start,
            at: start.saturating_add(record.number_at as u64),
            value_bytes: record.head.body_len + record.head.head_len as u64,
            end,
        });
        true
    }

    /// Whether a number came into the format after the declared version.
    #[inline]
    fn is_too_new(&self, number: u8) -> bool {
        self.rows[usize::from(number)].is_some_and(|row| row.since > self.header.version)
    }
}

/// Where the type number stands behind an expiry, a frequency or an idle time.
#[inline]
fn after_prefixes(bytes: &[u8], has_expiry: bool) -> Option<usize> {
    let at = if has_expiry { 9 } else { 0 };
    match *bytes.get(at)? {
        FREQUENCY => Some(at + 2),
        IDLE => Some(at + 1 + length::number(bytes.get(at + 1..)?).ok()?.1),
        _ => Some(at),
    }
}

/// Reads as many rounds of `frame` as there are, all but the last, if its items are plain. Answers how
/// many fields with an expiry were among them.
pub(super) fn rounds(frame: &mut Frame, window: &mut Window<'_>) -> u64 {
    let bytes = window.peek_all();
    let mut rest = bytes;
    let mut ttls = 0;
    while frame.rounds > 1
        && let Some((after, has_ttl)) = round(frame.items, rest)
    {
        rest = after;
        frame.rounds -= 1;
        ttls += u64::from(has_ttl);
    }
    window.advance(bytes.len() - rest.len());
    ttls
}

/// The bytes behind one round, when it is plain and whole, and whether its field has an expiry.
#[inline]
fn round<'a>(items: &[Item], bytes: &'a [u8]) -> Option<(&'a [u8], bool)> {
    let mut rest = bytes;
    let mut has_ttl = false;
    for item in items {
        rest = match item {
            Item::Str => {
                let head = Head::decode(rest).ok()?;
                rest.get(head.head_len..)?.get(usize::try_from(head.body_len).ok()?..)?
            }
            Item::Len => rest.get(length::number(rest).ok()?.1..)?,
            Item::FieldTtl => {
                let (ttl, taken) = length::number(rest).ok()?;
                has_ttl = ttl != 0;
                rest.get(taken..)?
            }
            Item::FieldExpiry => {
                let (at, after) = rest.split_first_chunk::<8>()?;
                has_ttl = i64::from_le_bytes(*at) != -1;
                after
            }
            Item::Fixed(n) => rest.get(usize::from(*n)..)?,
            _ => return None,
        };
    }
    Some((rest, has_ttl))
}
