//! Files that lost bytes while a server had them open: somebody emptied one, cut it, or copied another over it.
//!
//! Seen with Redis 7.0 to 8.6 and Valkey 8.1 and 9.1: a server that has rewritten since it was started keeps its own place in
//! the increment and writes on there, so that NUL bytes stand for what went; one that was started on the increment opens it
//! for appending, and writes on at the new end. After a write that the system took only in part, a server cuts the file itself;
//! one that keeps its own place then leaves NUL bytes of its own, and nothing is lost by them.

use std::os::unix::ffi::OsStrExt;

use crate::aof::{Aof, Role, Segment};
use crate::disk::{FrozenFile, HeldFile};
use crate::format::annotation::annotation;

/// How it is known that a file lost bytes under its server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// The server has written up to this place, and the file ends before it.
    EndsBefore(u64),
    /// NUL bytes stand in it from there on, in the place of what its server has written.
    Hole(u64),
    /// It is damaged there with sound records behind, so that its server cannot have loaded it as it is now.
    Damage(u64),
    /// The server has read and written so many bytes of this set by its own count, and the files have only so many.
    Count {
        /// By its count.
        counted: u64,
        /// Those that are there.
        files: u64,
    },
}

/// A file that lost bytes under its server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shortened {
    /// Its name in the manifest; none where only the sum is known.
    pub name: Vec<u8>,
    /// Its length by now.
    pub len: u64,
    /// How that is known.
    pub sign: Sign,
}

/// Those that servers of this machine have open. `held` is what processes have open of the set.
pub(super) fn find(aof: &Aof, held: &[HeldFile]) -> Vec<Shortened> {
    let mut found: Vec<Shortened> = Vec::new();
    for one in held.iter().filter(|one| one.holder.is_server && !one.is_deleted) {
        let is_it = |(_, segment): &(usize, &Segment)| {
            segment.name[..] == *one.name.as_bytes()
                && segment.file().is_some_and(|file| file.identity() == one.identity)
        };
        let Some(sign) = aof.live().find(is_it).and_then(|(_, segment)| sign(segment, one)) else {
            continue;
        };
        let name = one.name.as_bytes().to_vec();
        if found.iter().all(|other| other.name != name) {
            found.push(Shortened { name, len: one.len, sign });
        }
    }
    found
}

fn sign(segment: &Segment, held: &HeldFile) -> Option<Sign> {
    if let Some(place) = held.place.filter(|place| *place > held.len) {
        return Some(Sign::EndsBefore(place));
    }
    if segment.role != Role::Increment {
        return None;
    }
    let file = FrozenFile::open_growing(&segment.path()).ok()?;
    if file.head(1).ok()?.first() == Some(&0) {
        return Some(Sign::Hole(0));
    }
    // A hole in a file that was copied may be a value of NUL bytes; in one that this process wrote from its first byte on
    // it is none.
    let is_own = !held.appends && held.place.is_some();
    file.first_hole().filter(|_| is_own).map(Sign::Hole)
}

/// Whether the last increment begins as none does that a server began: such a one names its database before anything else.
pub(super) fn begins_inside(aof: &Aof) -> bool {
    let last = aof.last_live().map(|position| &aof.segments[position]);
    let Some(file) = last.filter(|one| one.role == Role::Increment && one.is_plain()) else {
        return false;
    };
    let head = file.file().and_then(|file| file.head(HEAD).ok()).unwrap_or_default();
    is_no_beginning(&head)
}

/// Bytes in which the names of an increment's first two commands stand, after some annotations.
const HEAD: usize = 256;

fn is_no_beginning(mut head: &[u8]) -> bool {
    while head.first() == Some(&b'#') {
        let Some(line) = annotation(head, false) else { return false };
        head = &head[line.len..];
    }
    // A count, a length, a name.
    let words: Vec<_> = head.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii_end).collect();
    let is = |place: usize, name: &[u8]| {
        words.get(place).is_none_or(|word| word.eq_ignore_ascii_case(name))
    };
    let is_begun = is(2, b"SELECT") || is(2, b"MULTI") && is(5, b"SELECT");
    !head.is_empty() && !is_begun
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_increment_begins_with_its_database_also_inside_a_transaction() {
        const SELECT: &[u8] = b"*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n";
        const SET: &[u8] = b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\nb\r\n";
        const MULTI: &[u8] = b"*1\r\n$5\r\nMULTI\r\n";
        for sound in [&b""[..], SELECT, &[MULTI, SELECT].concat(), &[b"#TS:1\r\n", SELECT].concat()]
        {
            assert!(!is_no_beginning(sound), "{}", String::from_utf8_lossy(sound));
        }
        for odd in [SET, &[MULTI, SET].concat(), &SELECT[4..], &[b"#TS:1\r\n", SET].concat()] {
            assert!(is_no_beginning(odd), "{}", String::from_utf8_lossy(odd));
        }
    }
}
