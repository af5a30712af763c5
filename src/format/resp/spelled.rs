//! Words as a record.

/// A whole canonical record of these words, as servers write it.
pub fn spelled(words: &[&[u8]]) -> Vec<u8> {
    let mut record = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        record.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
        record.extend_from_slice(word);
        record.extend_from_slice(b"\r\n");
    }
    record
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::resp::record;

    #[test]
    fn what_is_spelled_is_read_back() {
        let words: [&[u8]; 3] = [b"SET", b"", b"\r\n$1\r\n"];
        let spelled = spelled(&words);
        assert_eq!(spelled, b"*3\r\n$3\r\nSET\r\n$0\r\n\r\n$6\r\n\r\n$1\r\n\r\n");
        let Ok(shape) = record(&spelled) else { panic!("no record") };
        assert_eq!((shape.len, shape.argc), (spelled.len(), 3));
    }
}
