//! The key that is read: what stands before it, its name, and what its value was found to hold.

use super::census::{Census, Counted};
use super::entry::{Beside, KEY_SHOWN, Stream};
use super::place::{KEY_KEPT, Key};
use super::string::{self, Head};

/// The key that is read, or comes next.
#[derive(Clone, Debug)]
pub(super) struct KeyState {
    /// The open key and the one before it, in turns.
    kept: [KeptKey; 2],
    /// Which of `kept` belongs to the open value, or will.
    turn: usize,
    pub(super) is_open: bool,
    /// Where the first opcode about it stands.
    pub(super) prefix_at: Option<u64>,
    pub(super) has_expiry: bool,
    /// Metadata were read, which only a key may follow.
    pub(super) is_due: bool,
    pub(super) draft: Draft,
    /// The packed encoding whose entries are being counted.
    pub(super) census: Option<Box<Census>>,
}

impl KeyState {
    pub(super) const NONE: Self = Self {
        kept: [KeptKey::NONE; 2],
        turn: 0,
        is_open: false,
        prefix_at: None,
        has_expiry: false,
        is_due: false,
        draft: Draft::NEW,
        census: None,
    };

    /// The key whose value is open, or will be.
    #[inline]
    pub(super) const fn kept(&mut self) -> &mut KeptKey {
        &mut self.kept[self.turn & 1]
    }

    /// The key whose value is open.
    pub(super) fn open_key(&self) -> Option<Key> {
        self.is_open.then(|| self.kept[self.turn & 1].to_key())
    }

    /// The key before it.
    pub(super) fn last_key(&self) -> Key {
        self.kept[(self.turn & 1) ^ 1].to_key()
    }

    /// Whether opcodes about the next key were read.
    #[inline]
    pub(super) const fn is_begun(&self) -> bool {
        self.prefix_at.is_some() || self.is_due || self.has_expiry
    }

    /// The kept key is whole: another one comes.
    #[inline]
    pub(super) const fn turn(&mut self) {
        self.turn ^= 1;
    }

    /// Its value is whole.
    #[inline]
    pub(super) fn close(&mut self) {
        self.has_expiry = false;
        self.draft.idle_s = None;
        self.draft.frequency = None;
        self.draft.beside = Beside::default();
        self.prefix_at = None;
        self.is_open = false;
        self.turn();
    }
}

/// A key as the walk keeps it: without an allocation.
#[derive(Clone, Copy, Debug)]
pub(super) struct KeptKey {
    pub(super) at: u64,
    pub(super) db: u64,
    pub(super) kind: u8,
    pub(super) len: u8,
    pub(super) is_cut: bool,
    pub(super) bytes: [u8; KEY_KEPT],
}

impl KeptKey {
    pub(super) const NONE: Self =
        Self { at: 0, db: 0, kind: 0, len: 0, is_cut: false, bytes: [0; KEY_KEPT] };

    /// Keeps the start of `text`.
    #[inline]
    pub(super) fn keep(&mut self, text: &[u8]) {
        let len = text.len().min(KEY_KEPT);
        self.bytes[..len].copy_from_slice(&text[..len]);
        self.len = len as u8;
    }

    pub(super) fn to_key(self) -> Key {
        let start = self.bytes.get(..usize::from(self.len)).unwrap_or_default().to_vec();
        Key { at: self.at, db: self.db, kind: self.kind, start, is_cut: self.is_cut }
    }
}

/// The entry being read.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    pub(super) key: Vec<u8>,
    pub(super) key_len: u64,
    pub(super) at: u64,
    pub(super) value_at: u64,
    pub(super) expire_ms: i64,
    pub(super) idle_s: Option<u64>,
    pub(super) frequency: Option<u8>,
    pub(super) elements: Option<u64>,
    pub(super) field_ttls: u64,
    /// A broken listpack hides its fields.
    pub(super) has_unseen_ttls: bool,
    pub(super) stream: Stream,
    pub(super) beside: Beside,
    pub(super) held: u64,
    pub(super) is_plain_node: bool,
    pub(super) library: Vec<u8>,
    pub(super) library_at: u64,
}

impl Draft {
    pub(super) const NEW: Self = Self {
        key: Vec::new(),
        key_len: 0,
        at: 0,
        value_at: 0,
        expire_ms: 0,
        idle_s: None,
        frequency: None,
        elements: Some(0),
        field_ttls: 0,
        has_unseen_ttls: false,
        stream: Stream { groups: 0, consumers: 0, pending: 0 },
        beside: Beside { is_kept: false, metadata: 0 },
        held: 0,
        is_plain_node: false,
        library: Vec::new(),
        library_at: 0,
    };

    /// A value begins; `body` are the bytes its key begins with, at file offset `body_at`.
    pub(super) fn open(&mut self, head: Head, body: &[u8], at: u64, body_at: u64) {
        self.key.clear();
        let text = string::first_bytes(head, body, KEY_SHOWN);
        self.key.extend_from_slice(&text.bytes);
        self.key_len = head.expanded_len().unwrap_or(self.key.len() as u64);
        self.at = at;
        self.value_at = body_at.saturating_add(head.body_len);
        self.elements = Some(0);
        self.field_ttls = 0;
        self.has_unseen_ttls = false;
        self.stream = Stream::default();
    }

    /// Adds the count of a packed encoding.
    pub(super) fn add(&mut self, count: Option<u64>) {
        self.elements = self.elements.zip(count).and_then(|(sum, more)| sum.checked_add(more));
    }

    /// Adds what was counted entry by entry; a broken encoding may hide expiries of fields.
    pub(super) fn add_counted(&mut self, counted: Option<Counted>, hides_ttls: bool) {
        self.add(counted.map(|counted| counted.entries));
        self.field_ttls = self.field_ttls.saturating_add(counted.map_or(0, |c| c.field_ttls));
        self.has_unseen_ttls |= counted.is_none() && hides_ttls;
    }
}
