//! The small texts a walk reads: auxiliary fields, names of libraries, lines of inline commands.
//!
//! Everything else is passed over; what is read here is bounded, whatever the file declares.

use super::fields::{NAME_KEPT, VALUE_KEPT};
use super::reason::Reason;
use super::string;
use super::walk::Walker;
use super::window::{Stop, Window};

/// The field that names the slot whose keys follow, in Valkey.
const SLOT_INFO: &[u8] = b"slot-info";
/// Bytes of a function library that are looked at: its first line holds engine and name.
const LIBRARY_KEPT: usize = 256;

impl Walker {
    pub(super) fn aux_name(&mut self, window: &mut Window<'_>) -> Result<(), Stop> {
        let name = self.small_text(NAME_KEPT, true, window)?;
        self.found.fields.count();
        let (name, body_len) = name;
        let is_slot = |name: &[u8]| name.eq_ignore_ascii_case(SLOT_INFO);
        self.is_slot_next = name.as_deref().is_some_and(is_slot);
        self.field_name = name.filter(|name| self.found.fields.wants(name));
        self.advance();
        window.skip(body_len)
    }

    pub(super) fn aux_value(&mut self, window: &mut Window<'_>) -> Result<(), Stop> {
        let is_slot = std::mem::take(&mut self.is_slot_next);
        let is_wanted = is_slot || self.field_name.is_some();
        let (value, body_len) = self.small_text(VALUE_KEPT, is_wanted, window)?;
        if is_slot {
            self.found.slot = value.as_deref().and_then(slot_of);
        } else if let (Some(name), Some(value)) = (self.field_name.take(), value) {
            self.found.fields.keep(name, value);
        }
        self.advance();
        window.skip(body_len)
    }

    /// A string of at most `most` bytes, if it is wanted, and how many bytes to skip for it.
    fn small_text(
        &mut self,
        most: usize,
        is_wanted: bool,
        window: &mut Window<'_>,
    ) -> Result<(Option<Vec<u8>>, u64), Stop> {
        let head = window.head()?;
        let fits = head.expanded_len().is_none_or(|len| len <= most as u64)
            && head.body_len <= 2 * most as u64;
        if !is_wanted || !fits {
            return Ok((None, head.body_len));
        }
        let body = window.peek(head.body_len as usize)?;
        let text = string::first_bytes(head, body, most);
        if text.is_broken {
            self.found.remarks.bad_lzf.note(window.mark_at());
        }
        Ok((Some(text.bytes.into_owned()), head.body_len))
    }

    /// The source of a function library, of which only the first line is read.
    pub(super) fn library(&mut self, window: &mut Window<'_>) -> Result<(), Stop> {
        let head = window.head()?;
        let body = window.peek(head.body_needed(LIBRARY_KEPT))?;
        let text = string::first_bytes(head, body, LIBRARY_KEPT);
        let line = text.bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
        self.key.draft.library_at = window.mark_at();
        self.key.draft.library.clear();
        self.key.draft.library.extend_from_slice(line);
        self.advance();
        window.skip(head.body_len)
    }
}

/// The slot in `slot,keys,expires` and whatever follows.
fn slot_of(value: &[u8]) -> Option<u64> {
    let number = value.split(|byte| *byte == b',').next()?;
    std::str::from_utf8(number).ok()?.trim().parse().ok()
}

/// A RESP line of `lead`, digits and `\r\n`.
pub(super) fn resp_number(lead: u8, window: &mut Window<'_>) -> Result<u64, Stop> {
    let mut byte = window.byte()?;
    if byte != lead {
        return Err(Reason::InlineCommand(byte).into());
    }
    let mut number = 0_u64;
    let mut digits = 0;
    loop {
        byte = window.byte()?;
        // 18 digits stay below `i64::MAX`.
        if !byte.is_ascii_digit() || digits == 18 {
            break;
        }
        number = number * 10 + u64::from(byte - b'0');
        digits += 1;
    }
    if byte != b'\r' || digits == 0 {
        return Err(Reason::InlineCommand(byte).into());
    }
    match window.byte()? {
        b'\n' => Ok(number),
        other => Err(Reason::InlineCommand(other).into()),
    }
}
