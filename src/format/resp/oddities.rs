//! What loaders take and servers never write.

/// What a record has that a server never writes but its loader takes, or that redis-check-aof refuses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Oddities {
    /// A sign, a blank or a leading zero in a number, or no digit at all in a length: every known
    /// program takes these.
    pub loose_number: bool,
    /// Bytes after a number, or a line that ends with LF alone: loaders only.
    pub loose_line: bool,
    /// A header line longer than redis-check-aof's buffer.
    pub long_line: bool,
    /// An argument count beyond 32 bits, which loaders cut to its low half.
    pub wrapped_count: bool,
    /// Other bytes in the place of the CRLF after an argument: loaders only.
    pub bad_terminator: bool,
}

impl Oddities {
    /// Whether there is any.
    pub fn any(self) -> bool {
        self != Self::default()
    }

    /// Whether redis-check-aof refuses the record that every loader takes.
    pub fn refused_by_checker(self) -> bool {
        Self { loose_number: false, ..self }.any()
    }
}
