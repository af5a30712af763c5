//! Gathers the bytes of a file that pass by into blocks, and blocks into segments.
//!
//! A block goes to the packers when it is full. Where the file may have to be cut in it, it waits until the next place
//! to cut lies behind it: there is always one such block at most. Those after it do not wait. If it turns out at the end
//! that the file is cut before them, they are not in the snapshot.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::growing::{End, Growing, Origin};
use super::hash;
use super::pool::{Job, Outlet};
use crate::error::Result;
use crate::limits;

/// Bytes of a file on their way to the packers.
pub(super) struct Blocks<'o, 'f> {
    outlet: &'o Outlet<'o, 'f>,
    origin: Origin<'f>,
    /// Everything before this place has been taken in.
    at: u64,
    /// The last of it, less than a block.
    gathered: Vec<u8>,
    open: Option<Open<'f>>,
    /// The first block with a place to cut before its end.
    waiting: Option<Block<'f>>,
}

/// The segment that the next block belongs to.
struct Open<'f> {
    segment: Arc<Growing<'f>>,
    blocks: usize,
    hash: Sha256,
}

struct Block<'f> {
    segment: Arc<Growing<'f>>,
    number: usize,
    /// Where it begins in the file.
    offset: u64,
    bytes: Vec<u8>,
    /// Of the segment's bytes before it.
    hash: Sha256,
}

impl<'o, 'f> Blocks<'o, 'f> {
    /// For the bytes of a file from `at` on.
    pub(super) fn new(outlet: &'o Outlet<'o, 'f>, origin: Origin<'f>, at: u64) -> Self {
        Self { outlet, origin, at, gathered: Vec::new(), open: None, waiting: None }
    }

    /// Up to here everything was taken in.
    pub(super) fn at(&self) -> u64 {
        self.at
    }

    /// Takes in what follows; `cut` is the last place to cut up to now. No later one lies before these bytes' end.
    pub(super) fn take(&mut self, mut bytes: &[u8], cut: u64) -> Result<()> {
        let block = self.outlet.block();
        while !bytes.is_empty() {
            if self.gathered.capacity() == 0 {
                let left = self.origin.file.len() - self.at;
                let size = usize::try_from(left).unwrap_or(usize::MAX).min(block);
                self.gathered = self.outlet.spare(size);
            }
            let room = block - self.gathered.len();
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.gathered.extend_from_slice(now);
            self.at += now.len() as u64;
            bytes = later;
            if self.gathered.len() == block {
                self.block(cut)?;
            }
        }
        Ok(())
    }

    /// After the last byte of the file: it is cut at `cut`.
    pub(super) fn finish(mut self, cut: u64) -> Result<()> {
        self.go_on_behind(cut)?;
        if !self.gathered.is_empty() && self.waiting.is_none() {
            self.block(cut)?;
        }
        let Some(mut block) = self.waiting.take() else {
            if let Some(open) = self.open.take() {
                self.end(open, self.at);
            }
            return Ok(());
        };
        let kept = usize::try_from(cut.saturating_sub(block.offset)).unwrap_or(usize::MAX);
        let (segment, blocks) = (Arc::clone(&block.segment), block.number + usize::from(kept > 0));
        if blocks == 0 {
            return Ok(());
        }
        block.bytes.truncate(kept);
        block.hash.update(&block.bytes);
        self.end(Open { segment, blocks, hash: block.hash.clone() }, cut.max(block.offset));
        if kept > 0 { self.pack(block) } else { Ok(()) }
    }

    /// What was gathered is a block.
    fn block(&mut self, cut: u64) -> Result<()> {
        let bytes = std::mem::take(&mut self.gathered);
        let offset = self.at - bytes.len() as u64;
        let mut open = self.open.take().unwrap_or_else(|| self.begin(offset));
        let (segment, number) = (Arc::clone(&open.segment), open.blocks);
        let hash = open.hash.clone();
        open.hash.update(&bytes);
        open.blocks += 1;
        if self.at - segment.offset == limits::BACKUP_SEGMENT {
            self.end(open, self.at);
        } else {
            self.open = Some(open);
        }
        self.go_on_behind(cut)?;
        let block = Block { segment, number, offset, bytes, hash };
        if self.waiting.is_none() && cut < self.at {
            self.waiting = Some(block);
            return Ok(());
        }
        self.pack(block)
    }

    fn begin(&self, offset: u64) -> Open<'f> {
        let earlier = self.outlet.stored_earlier(&self.origin.name, offset);
        let segment = Arc::new(Growing::new(self.origin.clone(), offset, earlier));
        Open { segment, blocks: 0, hash: Sha256::new() }
    }

    fn end(&self, open: Open<'f>, at: u64) {
        let Open { segment, blocks: frames, hash } = open;
        let (size, sha256) = (at - segment.offset, hash::hex(&hash.finalize()));
        self.outlet.ends(&segment, End { frames, size, sha256 });
    }

    /// A block need not wait any more when there is a place to cut behind it.
    fn go_on_behind(&mut self, cut: u64) -> Result<()> {
        match self.waiting.take_if(|block| block.offset + block.bytes.len() as u64 <= cut) {
            Some(block) => self.pack(block),
            None => Ok(()),
        }
    }

    fn pack(&self, block: Block<'f>) -> Result<()> {
        let Block { segment, number, bytes, .. } = block;
        self.outlet.pack(Job { segment, number, bytes })
    }
}
