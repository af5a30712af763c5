//! Bytes as text that a terminal can be trusted with, and shell words. Whatever comes from a file, a path, a
//! server or a repository passes through here before it is printed.

use std::borrow::Cow;
use std::fmt;
use std::path::Path;

/// Bytes as redis-cli prints them, without the quotes around: printable ASCII as it is, `\n \r \t \a \b`,
/// `\\`, `\"`, and `\xHH` for the rest. Loses nothing and never lets a control byte through.
pub fn escape(bytes: &[u8]) -> String {
    let mut text = Vec::with_capacity(bytes.len());
    escape_to(bytes, &mut |piece| text.extend_from_slice(piece));
    // Every piece is ASCII.
    String::from_utf8(text).unwrap_or_default()
}

/// The bytes that [`escape`] writes so; `None` of what it never writes.
pub fn unescape(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        bytes.push(match rest.next()? {
            letter @ (b'\\' | b'"') => letter,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'a' => 7,
            b'b' => 8,
            b'x' => {
                let digits = [rest.next()?, rest.next()?];
                u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
            }
            _ => return None,
        });
    }
    Some(bytes)
}

/// As [`escape`], given to `put` in pieces, each of them ASCII. A long text can be escaped in parts.
pub fn escape_to(bytes: &[u8], put: &mut dyn FnMut(&[u8])) {
    in_blocks(bytes, put, |byte| match byte {
        b'\\' | b'"' => Shown::Letter(byte),
        b'\n' => Shown::Letter(b'n'),
        b'\r' => Shown::Letter(b'r'),
        b'\t' => Shown::Letter(b't'),
        7 => Shown::Letter(b'a'),
        8 => Shown::Letter(b'b'),
        b' '..=b'~' => Shown::AsItIs,
        _ => Shown::Code(b"\\x"),
    });
}

/// Part of a string of JSON that is valid UTF-8 as a whole, without the quotes around, given to `put` in pieces.
pub fn escape_json_to(text: &[u8], put: &mut dyn FnMut(&[u8])) {
    in_blocks(text, put, |byte| match byte {
        b'\\' | b'"' => Shown::Letter(byte),
        b'\n' => Shown::Letter(b'n'),
        b'\r' => Shown::Letter(b'r'),
        b'\t' => Shown::Letter(b't'),
        0..=31 => Shown::Code(b"\\u00"),
        _ => Shown::AsItIs,
    });
}

/// How a byte is shown.
enum Shown {
    AsItIs,
    /// By a backslash and this letter.
    Letter(u8),
    /// By this and two hexadecimal digits.
    Code(&'static [u8]),
}

/// Bytes of the longest way to show one.
const LONGEST: usize = 6;

/// Gives `put` every byte of a text as it is shown.
#[inline(always)]
fn in_blocks(bytes: &[u8], put: &mut dyn FnMut(&[u8]), show: impl Fn(u8) -> Shown) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    // Texts are full of quotes: to hand on each run between two of them would cost more than to copy it.
    let mut block = [0; 256];
    let mut used = 0;
    for &byte in bytes {
        match show(byte) {
            Shown::AsItIs => {
                block[used] = byte;
                used += 1;
            }
            Shown::Letter(letter) => {
                (block[used], block[used + 1]) = (b'\\', letter);
                used += 2;
            }
            Shown::Code(prefix) => {
                block[used..used + prefix.len()].copy_from_slice(prefix);
                used += prefix.len();
                block[used] = HEX[usize::from(byte >> 4)];
                block[used + 1] = HEX[usize::from(byte & 15)];
                used += 2;
            }
        }
        if used > block.len() - LONGEST {
            put(&block[..used]);
            used = 0;
        }
    }
    put(&block[..used]);
}

/// A file name for people: as it is when it is harmless text, escaped otherwise.
pub fn name(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.contains(is_obeyed) => text.to_owned(),
        _ => escape(bytes),
    }
}

/// A path for people, as [`name`].
pub fn path(path: &Path) -> String {
    name(path.as_os_str().as_encoded_bytes())
}

/// Whether a terminal, or what lays out a line, obeys this character instead of showing it: C0, DEL and C1, what
/// turns the direction of writing, and what separates lines or paragraphs.
pub const fn is_obeyed(c: char) -> bool {
    matches!(c,
        '\0'..='\x1f' | '\x7f'..='\u{9f}' | '\u{61c}' | '\u{200e}' | '\u{200f}'
        | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A line of text in which each character that [`is_obeyed`] is written as its bytes, `\xHH`; all else stays.
pub fn tame(text: &str) -> Cow<'_, str> {
    if !text.contains(is_obeyed) {
        return Cow::Borrowed(text);
    }
    let mut tamed = String::with_capacity(text.len() + 16);
    text.chars().for_each(|c| put_tamed(c, &mut tamed));
    Cow::Owned(tamed)
}

/// The same of text of several lines: line ends stay as well.
pub fn tame_lines(text: &str) -> Cow<'_, str> {
    let is_bad = |c: char| c != '\n' && is_obeyed(c);
    if !text.contains(is_bad) {
        return Cow::Borrowed(text);
    }
    let mut tamed = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if c == '\n' { tamed.push(c) } else { put_tamed(c, &mut tamed) }
    }
    Cow::Owned(tamed)
}

/// The same of bytes: of what is no text, only what an 8-bit terminal obeys is escaped (0x80 to 0x9f), and the rest stays.
pub fn tame_bytes(bytes: &[u8]) -> Vec<u8> {
    let mut tamed = Vec::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        tamed.extend_from_slice(tame_lines(chunk.valid()).as_bytes());
        for &byte in chunk.invalid() {
            match byte {
                0x80..=0x9f => tamed.extend_from_slice(escape(&[byte]).as_bytes()),
                _ => tamed.push(byte),
            }
        }
    }
    tamed
}

fn put_tamed(c: char, into: &mut String) {
    if is_obeyed(c) {
        into.push_str(&escape(c.encode_utf8(&mut [0; 4]).as_bytes()));
    } else {
        into.push(c);
    }
}

/// Writes text on, tamed as [`tame_lines`] does it.
pub(crate) struct Tamed<'a, 'f>(pub(crate) &'a mut fmt::Formatter<'f>);

impl fmt::Write for Tamed<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.write_str(&tame_lines(text))
    }
}

/// A path as a word for a POSIX shell. `None` when it cannot be written on one line.
pub fn shell_word(bytes: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(bytes).ok()?;
    if text.contains(is_obeyed) {
        return None;
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=:,@%".contains(c);
    // A leading dash would be taken for an option.
    if !text.is_empty() && !text.starts_with('-') && text.chars().all(plain) {
        return Some(text.to_owned());
    }
    let dashed = if text.starts_with('-') { "./" } else { "" };
    Some(format!("{dashed}'{}'", text.replace('\'', r"'\''")))
}

/// A count with its noun: `1 command`, `1,234 commands`.
pub fn count(n: u64, noun: &str) -> String {
    let plural = if n == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", thousands(n))
}

/// Bytes in IEC units: `1.5 MiB`.
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut value = bytes as f64 / 1024.0;
    let mut unit = 0;
    while value >= 1023.95 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS[unit])
}

/// A number with commas: `1,234,567`.
pub fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_bytes_never_get_through() {
        assert_eq!(escape(b"a\x1b[31m\"\\\n\xff"), r#"a\x1b[31m\"\\\n\xff"#);
        assert_eq!(name("\u{e9}.aof".as_bytes()), "\u{e9}.aof");
        assert_eq!(name(b"a\x1bb"), r"a\x1bb");
        for obeyed in ['\x7f', '\u{9b}', '\u{202e}', '\u{2069}', '\u{2028}', '\u{200f}'] {
            let hostile = format!("\u{e9}{obeyed}\"\n");
            assert!(!name(hostile.as_bytes()).contains(obeyed));
            let bytes = escape(obeyed.to_string().as_bytes());
            assert_eq!(tame(&hostile), format!("\u{e9}{bytes}\"\\n"));
            assert_eq!(tame_lines(&hostile), format!("\u{e9}{bytes}\"\n"));
            assert_eq!(shell_word(hostile.as_bytes()), None);
        }
        assert_eq!(tame("\u{e9} \u{1f600} a\u{301}"), "\u{e9} \u{1f600} a\u{301}");
    }

    #[test]
    fn shell_words_survive_a_shell() {
        assert_eq!(shell_word(b"/a/b-1.aof").as_deref(), Some("/a/b-1.aof"));
        assert_eq!(shell_word(b"it's here").as_deref(), Some(r"'it'\''s here'"));
        assert_eq!(shell_word(b"-rf").as_deref(), Some("./'-rf'"));
        assert_eq!(shell_word(b"a\nb"), None);
    }

    #[test]
    fn thousands_are_grouped_from_the_right() {
        assert_eq!(thousands(1), "1");
        assert_eq!(thousands(1234567), "1,234,567");
        assert_eq!(count(1, "byte"), "1 byte");
        assert_eq!(count(1000, "byte"), "1,000 bytes");
    }
}
