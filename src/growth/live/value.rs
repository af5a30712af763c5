//! A value of any type.

use super::chain::Chain;
use super::kind::Kind;
use super::members::Members;
use super::sizes::Limits;
use super::sketch::{DENSE, Sketch};
use super::stream::Stream;
use super::text::Text;
use super::vectors::Vectors;

/// A value.
#[derive(Clone, Debug)]
pub enum Value {
    Text(Text),
    List(Box<Chain>),
    Members(Box<Members>),
    Stream(Box<Stream>),
    /// A string that is a HyperLogLog, as far as one was changed.
    Sketch(Box<Sketch>),
    Vectors(Box<Vectors>),
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
    Vectors,
}

impl Fresh {
    pub(super) fn value(self, limits: &Limits) -> Value {
        match self {
            Self::Text => Value::Text(Text::default()),
            Self::List => Value::List(Box::default()),
            Self::Members(kind) => Value::Members(Box::new(Members::new(kind, limits))),
            Self::Stream => Value::Stream(Box::default()),
            Self::Vectors => Value::Vectors(Box::default()),
        }
    }
}

impl Value {
    pub(super) fn is(&self, kind: Fresh) -> bool {
        match (self, kind) {
            (Self::Text(_) | Self::Sketch(_), Fresh::Text)
            | (Self::List(_), Fresh::List)
            | (Self::Stream(_), Fresh::Stream)
            | (Self::Vectors(_), Fresh::Vectors) => true,
            (Self::Members(members), Fresh::Members(kind)) => members.kind == kind,
            _ => false,
        }
    }

    /// Whether a server would delete the key now.
    pub(super) fn is_gone(&self) -> bool {
        match self {
            Self::List(chain) => chain.count() == 0,
            Self::Members(members) => members.is_empty(),
            Self::Vectors(vectors) => vectors.is_empty(),
            _ => false,
        }
    }

    /// The string, to be changed.
    pub(super) fn text(&mut self) -> Option<&mut Text> {
        if let Self::Sketch(sketch) = self {
            let (written, mut text) = (sketch.text(), Text::default());
            text.set(&written, written.len() as u64);
            *self = Self::Text(text);
        }
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The string as a HyperLogLog, to be changed.
    pub(super) fn sketch(&mut self) -> Option<&mut Sketch> {
        if let Self::Text(text) = self {
            let read = match text.len() {
                0 => Sketch::default(),
                _ => Sketch::read(text.whole()?)?,
            };
            *self = Self::Sketch(Box::new(read));
        }
        match self {
            Self::Sketch(sketch) => Some(sketch),
            _ => None,
        }
    }

    /// Whether not all servers write it alike.
    pub(super) fn depends_on_dialect(&self) -> bool {
        match self {
            Self::Members(members) => members.depends_on_dialect(),
            Self::Stream(_) => true,
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
            Self::Sketch(_) => DENSE as u64,
            Self::Vectors(vectors) => vectors.size(),
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
            Self::Sketch(sketch) => sketch.kept() + ALLOCATION,
            Self::Vectors(vectors) => vectors.kept() + ALLOCATION,
            Self::Opaque(_) => 0,
        }
    }
}
