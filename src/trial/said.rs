//! What a program says, in pieces of which none is long, whatever it says.

use std::io::{BufRead, BufReader, Read};

/// The longest line that is one piece, bytes.
const LINE: u64 = 64 << 10;

/// The lines of a program; one that is too long comes in several pieces.
pub struct Said<R> {
    from: BufReader<R>,
    /// So far.
    pub lines: u64,
    pub bytes: u64,
}

impl<R: Read> Said<R> {
    pub fn new(from: R) -> Self {
        Self { from: BufReader::new(from), lines: 0, bytes: 0 }
    }
}

impl<R: Read> Iterator for Said<R> {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        let mut line = Vec::new();
        let read = (&mut self.from).take(LINE).read_until(b'\n', &mut line).ok()?;
        self.lines += 1;
        self.bytes += read as u64;
        (read > 0).then(|| String::from_utf8_lossy(line.trim_ascii_end()).into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_without_an_end_comes_in_pieces() {
        let mut said = Said::new(std::io::repeat(b'x').take(3 * LINE + 1));
        let pieces: Vec<usize> = said.by_ref().map(|line| line.len()).collect();
        assert_eq!(pieces, [LINE as usize, LINE as usize, LINE as usize, 1]);
        assert_eq!(said.bytes, 3 * LINE + 1);
        let lines: Vec<String> = Said::new(&b"one\r\n\ntwo"[..]).collect();
        assert_eq!(lines, ["one", "", "two"]);
    }
}
