//! The manifest: the one file that says which files an AOF set consists of, and in which order.
//!
//! One line for each file, ended by LF, at most 1024 bytes with the LF:
//!
//! | word | value | meaning |
//! |---|---|---|
//! | `file` | a name without `/` and `\` | relative to `dir`/`appenddirname` |
//! | `seq` | signed 64-bit decimal, not 0 | base and increments count apart; increments ascend |
//! | `type` | `b`, `h`, `i` (only its first byte is read) | base, history, increment |
//! | `startoffset`, `endoffset` | signed 64-bit decimal | Redis 8: replication offsets, not places in a file |
//!
//! Lines that begin with `#` in column 0 are comments. Words may be quoted: see [`super::words`].
//!
//! [`parse()`] accepts what the loaders of Redis 7.0 to 8.x and Valkey 9.1 accept, and no more;
//! [`hazards`] says which of that is dangerous all the same; [`print()`] writes what a server would
//! write.
//!
//! Source: `aofLoadManifestFromFile` and `aofInfoFormat` in `aof.c`, `fileIsManifest` in
//! `redis-check-aof.c`, and the recorded runs in `testdata/cases/aof-manifest-cases.tsv`.
//!
//! Pure: bytes in, values out. Never looks at a disk, so it cannot know whether a listed file exists.

mod entry;
mod hazard;
mod judge;
mod line;
mod name;
mod parse;
mod print;
mod reason;
mod sniff;

pub use super::words::Dialect;
pub use entry::{Comment, Entry, Key, LINE_MAX, Manifest, More, Oddity, Role};
pub use hazard::{Hazard, HazardKind, Level, SEQ_HEADROOM};
pub use judge::hazards;
pub use name::{is_name, name_of, stem};
pub use parse::parse;
pub use print::print;
pub use reason::{Kind, Malformed, Reason, Unended};
pub use sniff::{looks_like, redis_check_aof_recognises};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sniffing_rules_skip_comments_only() {
        assert!(looks_like(b"# x\n#y\nfile a seq 1 type b\n"));
        assert!(!looks_like(b"file\ta seq 1 type b\n"));
        assert!(redis_check_aof_recognises(b"file\ta seq 1 type b\n"));
        assert!(redis_check_aof_recognises(b"files\n"));
        for other in [&b""[..], b"# only", b" file a", b"FILE a", b"\nfile a", b"fil", b"*2\r\n"] {
            assert!(!looks_like(other) && !redis_check_aof_recognises(other), "{other:?}");
        }
    }

    #[test]
    fn a_comment_longer_than_the_buffer_hides_nothing() {
        let mut bytes = vec![b'#'; LINE_MAX];
        bytes.extend_from_slice(b"file a seq 1 type b\n");
        assert!(looks_like(&bytes));
    }

    #[test]
    fn live_files_come_in_the_order_of_loading() {
        let text = b"file i1 seq 1 type i\nfile h seq 9 type h\nfile b seq 1 type b\nfile i2 seq 2 type i\n";
        let manifest = parse(text, Dialect::Strict).unwrap();
        let live: Vec<_> = manifest.live().map(|entry| &entry.name[..]).collect();
        assert_eq!(live, [&b"b"[..], b"i1", b"i2"]);
        assert_eq!(manifest.history().count(), 1);
    }

    #[test]
    fn the_place_of_the_base_line_has_no_meaning() {
        let one = parse(b"file i seq 1 type i\nFILE b seq 1 type base\n", Dialect::Strict).unwrap();
        let two =
            parse(b"# x\nfile b seq 01 type b\nfile i seq 1 type i\n", Dialect::Strict).unwrap();
        assert!(one.same_meaning(&two));
        let three =
            parse(b"file b seq 1 type b\nfile i seq 1 type i x y\n", Dialect::Strict).unwrap();
        assert!(!one.same_meaning(&three));
    }
}
