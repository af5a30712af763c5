//! The library's only voice while it works. Knows nothing of terminals.

/// Told how a long read goes on. All methods do nothing unless implemented.
pub trait Progress {
    /// Work of `total` bytes begins (`None`: a stream, its length is not known).
    fn begin(&self, total: Option<u64>) {
        let _ = total;
    }
    /// `bytes` more bytes have been dealt with. Called per window, never per record.
    fn advance(&self, bytes: u64) {
        let _ = bytes;
    }
    /// The work announced by `begin` is over.
    fn finish(&self) {}
}

/// Says nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Progress for Silent {}
