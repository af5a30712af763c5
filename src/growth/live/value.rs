//! A value of any type.

use super::chain::Chain;
use super::members::{Kind, Members};
use super::stream::Stream;
use super::text::Text;

/// A value.
#[derive(Clone, Debug)]
pub enum Value {
    Text(Text),
    List(Box<Chain>),
    Members(Box<Members>),
    Stream(Box<Stream>),
    /// A value whose inside is unknown: of a module, or restored from a dump.
    Opaque(u64),
}

/// What a command makes when its key is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fresh {
    Text,
    List,
    Members(Kind),
    Stream,
}

impl Fresh {
    pub(super) fn value(self) -> Value {
        match self {
            Self::Text => Value::Text(Text::default()),
            Self::List => Value::List(Box::default()),
            Self::Members(kind) => Value::Members(Box::new(Members::new(kind))),
            Self::Stream => Value::Stream(Box::default()),
        }
    }
}

impl Value {
    pub(super) fn is(&self, kind: Fresh) -> bool {
        match (self, kind) {
            (Self::Text(_), Fresh::Text)
            | (Self::List(_), Fresh::List)
            | (Self::Stream(_), Fresh::Stream) => true,
            (Self::Members(members), Fresh::Members(kind)) => members.kind == kind,
            _ => false,
        }
    }

    /// Whether a server would delete the key now.
    pub(super) fn is_gone(&self) -> bool {
        match self {
            Self::List(chain) => chain.count() == 0,
            Self::Members(members) => members.is_empty(),
            _ => false,
        }
    }

    /// Bytes it has, about.
    pub(super) fn bytes(&self) -> u64 {
        match self {
            Self::Text(text) => text.len(),
            Self::List(chain) => chain.bytes(),
            Self::Members(members) => members.bytes(),
            Self::Stream(stream) => stream.bytes(),
            Self::Opaque(bytes) => *bytes,
        }
    }

    /// Bytes it takes in memory, about.
    pub(super) fn kept(&self) -> usize {
        const ALLOCATION: usize = 16;
        match self {
            Self::Text(text) => text.kept() + ALLOCATION,
            Self::List(chain) => chain.kept() + ALLOCATION,
            Self::Members(members) => members.kept() + ALLOCATION,
            Self::Stream(stream) => stream.kept() + ALLOCATION,
            Self::Opaque(_) => 0,
        }
    }
}
