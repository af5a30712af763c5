//! What a walk reports to while it goes on.

/// Told how far a walk has come: once per window.
pub trait Pulse {
    /// Everything before `offset` of the segment has been dealt with.
    fn reached(&mut self, offset: u64);
}

impl Pulse for () {
    fn reached(&mut self, _: u64) {}
}
