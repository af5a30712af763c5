//! The hash slot of a key, as a cluster assigns it: CRC-16/XMODEM of the key modulo 16384, or of what
//! stands between the first `{` and the next `}` when that is not empty.

/// Slots of a cluster.
pub const SLOTS: u16 = 16384;

/// The slot of `key`.
pub fn slot(key: &[u8]) -> u16 {
    crc16(tag(key).unwrap_or(key)) % SLOTS
}

/// The hash tag of `key`, when it has one.
pub fn tag(key: &[u8]) -> Option<&[u8]> {
    let open = memchr::memchr(b'{', key)?;
    let rest = &key[open + 1..];
    let close = memchr::memchr(b'}', rest)?;
    (close > 0).then(|| &rest[..close])
}

/// Remainders of every byte.
const TABLE: [u16; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = (byte as u16) << 8;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 0x8000 != 0 { crc << 1 ^ 0x1021 } else { crc << 1 };
            bit += 1;
        }
        table[byte] = crc;
        byte += 1;
    }
    table
};

fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| crc << 8 ^ TABLE[usize::from((crc >> 8) as u8 ^ byte)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_those_that_servers_answered() {
        assert_eq!(crc16(b"123456789"), 0x31C3);
        let answered: [(&[u8], u16); 14] = [
            (b"", 0),
            (b"a", 15495),
            (b"foo{a}", 15495),
            (b"b", 3300),
            (b"{b}x", 3300),
            (b"{}x", 10595),
            (b"foo{}{bar}", 8363),
            (b"{{bar}}", 4015),
            (b"foo{{bar}}zap", 4015),
            (b"{bar", 4015),
            (b"foo{bar}{zap}", 5061),
            (b"foo}{bar}", 5061),
            (b"bar", 5061),
            (b"{user1000}.following", 3443),
        ];
        for (key, wanted) in answered {
            assert_eq!(slot(key), wanted, "{}", key.escape_ascii());
        }
    }
}
