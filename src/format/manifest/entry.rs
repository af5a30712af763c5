//! What a manifest says: its lines, one file each, and what stands in them.

use std::fmt;
use std::ops::{Deref, DerefMut, Range};
use std::sync::Arc;

/// Bytes a line may have, its LF included: the loader's buffer of 1025 less its closing NUL.
pub const LINE_MAX: usize = 1024;

/// What a manifest says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// The files, in the order of the lines.
    pub entries: Vec<Entry>,
    /// The comments; [`super::print()`] leaves them out, as a server does when it next writes the file.
    pub comments: Vec<Comment>,
    /// `redis-check-aof` 8.2 would take the file for a manifest: [`super::redis_check_aof_recognises`].
    pub recognised: bool,
}

impl Manifest {
    /// A manifest of `entries`, as if printed and read again.
    pub const fn new(entries: Vec<Entry>) -> Self {
        Self { entries, comments: Vec::new(), recognised: true }
    }

    /// The snapshot that is loaded first, wherever its line stands.
    pub fn base(&self) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.role == Role::Base)
    }

    /// The increments in the order of loading.
    pub fn increments(&self) -> impl Iterator<Item = &Entry> {
        self.with_role(Role::Increment)
    }

    /// The files a server will delete.
    pub fn history(&self) -> impl Iterator<Item = &Entry> {
        self.with_role(Role::History)
    }

    /// The files a server loads, in the order of loading: the base, then the increments.
    pub fn live(&self) -> impl Iterator<Item = &Entry> {
        self.base().into_iter().chain(self.increments())
    }

    /// Whether both say the same to a server, whatever the lines look like and wherever they stand.
    ///
    /// Unknown words count, comments do not.
    pub fn same_meaning(&self, other: &Self) -> bool {
        [Role::Base, Role::History, Role::Increment].into_iter().all(|role| {
            self.with_role(role).map(Entry::meaning).eq(other.with_role(role).map(Entry::meaning))
        })
    }

    fn with_role(&self, role: Role) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(move |entry| entry.role == role)
    }
}

/// One line of a manifest: one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The file's name, unquoted; bytes, not text. A parsed name holds no `/`, `\`, or NUL; it may
    /// be empty.
    pub name: Arc<[u8]>,
    /// The sequence number; never 0 when parsed, and for an increment positive.
    pub seq: i64,
    /// What the file is to the set.
    pub role: Role,
    /// The line, counted from 1 as the loader counts; 0 for an entry that was not parsed.
    pub line: u64,
    /// The bytes of the line in the manifest, its LF included.
    pub span: Range<u64>,
    /// A manifest may have very many lines, and most of them have nothing more.
    pub(super) more: Option<Box<More>>,
}

/// What only some lines have, reached as if it were part of [`Entry`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct More {
    /// Replication offset at which the file begins (Redis 8 and later); not a place in the file.
    pub start_offset: Option<i64>,
    /// Replication offset at which the file ended, written at a clean shutdown (Redis 8 and later).
    pub end_offset: Option<i64>,
    /// Pairs of words no server known to us reads, in the order of the line; servers drop them.
    pub extra: Vec<(Vec<u8>, Vec<u8>)>,
    /// Ways in which the line was written that a server would not write.
    pub oddities: Vec<Oddity>,
}

/// That of a line that has nothing more.
pub(super) static NOTHING: More =
    More { start_offset: None, end_offset: None, extra: Vec::new(), oddities: Vec::new() };

impl Deref for Entry {
    type Target = More;

    fn deref(&self) -> &More {
        self.more.as_deref().unwrap_or(&NOTHING)
    }
}

impl DerefMut for Entry {
    fn deref_mut(&mut self) -> &mut More {
        self.more.get_or_insert_default()
    }
}

impl Entry {
    /// An entry that was not read from anywhere.
    pub fn new(name: impl Into<Arc<[u8]>>, seq: i64, role: Role) -> Self {
        Self { name: name.into(), seq, role, line: 0, span: 0..0, more: None }
    }

    /// The same with what else its line has.
    pub(super) fn with(mut self, more: More) -> Self {
        self.more = (more != NOTHING).then(|| Box::new(more));
        self
    }

    /// Everything but where and how it was written.
    #[expect(clippy::type_complexity, reason = "compared at once, never kept")]
    fn meaning(&self) -> (&[u8], i64, Role, [Option<i64>; 2], &[(Vec<u8>, Vec<u8>)]) {
        (&self.name, self.seq, self.role, [self.start_offset, self.end_offset], &self.extra)
    }
}

/// What a file is to its set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// `b`: the snapshot that is loaded first; at most one.
    Base,
    /// `h`: no longer needed; a server deletes it at its next start or rewrite.
    History,
    /// `i`: a log of writes, loaded after the base in the order of the lines.
    Increment,
}

impl Role {
    /// The letter a manifest has for it.
    pub const fn letter(self) -> u8 {
        match self {
            Self::Base => b'b',
            Self::History => b'h',
            Self::Increment => b'i',
        }
    }

    /// The role with this letter; upper case is unknown to the loader.
    pub const fn from_letter(letter: u8) -> Option<Self> {
        match letter {
            b'b' => Some(Self::Base),
            b'h' => Some(Self::History),
            b'i' => Some(Self::Increment),
            _ => None,
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Base => "base",
            Self::History => "history",
            Self::Increment => "increment",
        })
    }
}

/// A word that names what the next word is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Key {
    /// `file`
    File,
    /// `seq`
    Seq,
    /// `type`
    Type,
    /// `startoffset`
    StartOffset,
    /// `endoffset`
    EndOffset,
}

impl Key {
    /// The key a word stands for, in any case; `None` for a word servers pass over.
    pub fn of(word: &[u8]) -> Option<Self> {
        let word = c_string(word);
        [Self::File, Self::Seq, Self::Type, Self::StartOffset, Self::EndOffset]
            .into_iter()
            .find(|key| word.eq_ignore_ascii_case(key.as_str().as_bytes()))
    }

    /// The key as servers write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Seq => "seq",
            Self::Type => "type",
            Self::StartOffset => "startoffset",
            Self::EndOffset => "endoffset",
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A way of writing a line that loaders put up with and servers never use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Oddity {
    /// The value of a number is not a plain number, and was read as far as it is one.
    Number {
        /// Whose value it is.
        key: Key,
        /// The value as it stands, unquoted.
        given: Vec<u8>,
    },
    /// The key stands more than once; the last one counted.
    Repeated(Key),
    /// Something stands directly after a closing quote, which only [`super::Dialect::Concatenating`] reads
    /// like this.
    Joined,
    /// A raw byte 0xff stands in a word: Redis keeps it, Valkey 8 and 9 lose it.
    RawFf,
    /// The line is the end of a comment that was longer than [`LINE_MAX`].
    CommentTail,
}

/// A comment, or the first [`LINE_MAX`] bytes of one: the loader takes what follows for a line of
/// its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comment {
    /// The line, counted from 1 as the loader counts.
    pub line: u64,
    /// Its bytes in the manifest, `#` and LF included.
    pub span: Range<u64>,
}

/// What C sees of `bytes`: nothing from the first NUL on.
pub(super) fn c_string(bytes: &[u8]) -> &[u8] {
    bytes.split(|&byte| byte == 0).next().unwrap_or_default()
}
