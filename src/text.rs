//! Bytes as text that a terminal can be trusted with, and shell words.

/// Bytes as redis-cli prints them, without the quotes around: printable ASCII as it is, `\n \r \t \a \b`,
/// `\\`, `\"`, and `\xHH` for the rest. Loses nothing and never lets a control byte through.
pub fn escape(bytes: &[u8]) -> String {
    let mut text = Vec::with_capacity(bytes.len());
    escape_to(bytes, &mut |piece| text.extend_from_slice(piece));
    // Every piece is ASCII.
    String::from_utf8(text).unwrap_or_default()
}

/// As [`escape`], given to `put` in pieces, each of them ASCII. A long text can be escaped in parts.
pub fn escape_to(bytes: &[u8], put: &mut dyn FnMut(&[u8])) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    // Texts are full of quotes: to hand on each run between two of them would cost more than to copy it.
    let mut block = [0; 256];
    let mut used = 0;
    for &byte in bytes {
        let letter = match byte {
            b'\\' | b'"' => byte,
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            7 => b'a',
            8 => b'b',
            b' '..=b'~' => {
                block[used] = byte;
                used += 1;
                if used > block.len() - 4 {
                    put(&block[..used]);
                    used = 0;
                }
                continue;
            }
            _ => b'x',
        };
        (block[used], block[used + 1]) = (b'\\', letter);
        used += 2;
        if letter == b'x' {
            block[used] = HEX[usize::from(byte >> 4)];
            block[used + 1] = HEX[usize::from(byte & 15)];
            used += 2;
        }
        if used > block.len() - 4 {
            put(&block[..used]);
            used = 0;
        }
    }
    put(&block[..used]);
}

/// A file name for people: as it is when it is harmless text, escaped otherwise.
pub fn name(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.chars().any(char::is_control) => text.to_owned(),
        _ => escape(bytes),
    }
}

/// A path as a word for a POSIX shell. `None` when it cannot be written on one line.
pub fn shell_word(bytes: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(bytes).ok()?;
    if text.chars().any(char::is_control) {
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
