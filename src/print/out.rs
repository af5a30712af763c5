//! Where printed bytes go: collected, so that a record costs no system call, and never failing halfway.

use std::io::{self, Write};

/// Bytes collected before they are written.
const ROOM: usize = 256 * 1024;

/// A writer that keeps its first error for later: after it, everything is dropped.
pub struct Out<'w> {
    to: &'w mut dyn Write,
    held: Vec<u8>,
    failed: Option<io::Error>,
}

impl<'w> Out<'w> {
    /// Writes to `to`.
    pub fn new(to: &'w mut dyn Write) -> Self {
        Self { to, held: Vec::with_capacity(ROOM), failed: None }
    }

    /// Takes bytes.
    #[inline]
    pub fn put(&mut self, bytes: &[u8]) {
        if bytes.len() > ROOM - self.held.len() {
            self.make_room();
            if bytes.len() > ROOM {
                return self.pass(bytes);
            }
        }
        self.held.extend_from_slice(bytes);
    }

    /// Takes the digits of a number.
    pub fn put_number(&mut self, mut number: u64) {
        let mut digits = [0_u8; 20];
        let mut at = digits.len();
        loop {
            at -= 1;
            digits[at] = b'0' + (number % 10) as u8;
            number /= 10;
            if number == 0 {
                break;
            }
        }
        self.put(&digits[at..]);
    }

    /// Whether a write failed, so that all further work is in vain.
    pub fn has_failed(&self) -> bool {
        self.failed.is_some()
    }

    /// Writes all that is held. Answers the first error there was.
    ///
    /// # Errors
    /// When a write failed, now or earlier.
    pub fn finish(mut self) -> io::Result<()> {
        self.make_room();
        if let Some(error) = self.failed {
            return Err(error);
        }
        self.to.flush()
    }

    #[cold]
    fn make_room(&mut self) {
        if self.failed.is_none() {
            self.failed = self.to.write_all(&self.held).err();
        }
        self.held.clear();
    }

    #[cold]
    fn pass(&mut self, bytes: &[u8]) {
        if self.failed.is_none() {
            self.failed = self.to.write_all(bytes).err();
        }
    }
}

impl std::fmt::Debug for Out<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Out").field("held", &self.held.len()).field("failed", &self.failed).finish()
    }
}

/// Never fails: an error is kept, and told by [`Out::finish`].
impl Write for Out<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.put(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
