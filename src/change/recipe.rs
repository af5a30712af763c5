//! How every old file is put together again: from what stays of it, and from what is kept. There may be hundreds of
//! thousands of pieces, so they are held in the shortest form there is, or read from the journal as they are needed.

use super::content::Content;
use std::sync::Arc;

use super::lines;
use crate::disk::FrozenFile;
use crate::error::Result;

/// Bytes of an old file that stay, and where they will be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stays {
    pub(super) from: u64,
    pub(super) to: u64,
    pub(super) name: Arc<[u8]>,
    pub(super) start: u64,
}

/// What an old file consists of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Recipe {
    /// Nothing is told of it.
    Nothing,
    /// What stays, in order and without overlaps, and between that what is kept, up to this length.
    Gaps(Vec<Stays>, u64),
    /// These bytes.
    These(Vec<u8>),
    /// The lines of a journal from one offset to another; bytes they keep, and bytes in all.
    Told { from: u64, to: u64, kept: u64, sum: u64 },
}

impl Recipe {
    /// Bytes that are kept.
    pub(super) fn kept_bytes(&self) -> u64 {
        match self {
            Self::Nothing | Self::These(_) => 0,
            Self::Gaps(..) => self.gaps().map(|(from, to)| to - from).sum(),
            Self::Told { kept, .. } => *kept,
        }
    }

    /// Bytes in all.
    pub(super) fn len(&self) -> u64 {
        match self {
            Self::Nothing => 0,
            Self::These(bytes) => bytes.len() as u64,
            Self::Gaps(_, len) => *len,
            Self::Told { sum, .. } => *sum,
        }
    }

    /// Ranges of the old file that are kept.
    pub(super) fn gaps(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        let (stays, len) = match self {
            Self::Gaps(stays, len) => (&stays[..], *len),
            _ => (&[][..], 0),
        };
        let ends = std::iter::once(0).chain(stays.iter().map(|stays| stays.to));
        let begins = stays.iter().map(|stays| stays.from).chain([len]);
        ends.zip(begins).filter(|(from, to)| from < to)
    }

    /// Its pieces in order; `journal` is where they are told.
    pub(super) fn contents<'a>(
        &'a self,
        journal: Option<&'a FrozenFile>,
    ) -> Box<dyn Iterator<Item = Result<Content>> + 'a> {
        match self {
            Self::Nothing => Box::new(std::iter::empty()),
            Self::These(bytes) => Box::new(std::iter::once(Ok(Content::These(bytes.clone())))),
            Self::Gaps(stays, len) => {
                let mut at = 0;
                let pieces = stays.iter().flat_map(move |s| {
                    let kept = (at < s.from).then(|| Content::Kept(s.from - at));
                    at = s.to;
                    let end = s.start + (s.to - s.from);
                    let from = Content::From { name: s.name.clone(), start: s.start, end };
                    kept.into_iter().chain([from]).map(Ok)
                });
                let end = stays.last().map_or(0, |stays| stays.to);
                let rest = (end < *len).then(|| Ok(Content::Kept(len - end)));
                Box::new(pieces.chain(rest))
            }
            Self::Told { from, to, .. } => match journal {
                Some(journal) => Box::new(lines::contents(journal, *from, *to)),
                None => Box::new(std::iter::empty()),
            },
        }
    }
}
