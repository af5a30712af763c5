//! No verdict is stronger than the look: what is not opened is told, what nothing else guards is opened.

use aofkit::check::{Kind, Loads, Severity, Verdict};

use super::{Row, base, found, header, log, of_bytes, payload, rows, sealed};

fn row(name: &str) -> Row {
    rows().into_iter().find(|row| row.name == name).unwrap()
}

/// The same RDB without a checksum.
fn unsummed(mut rdb: Vec<u8>) -> Vec<u8> {
    let len = rdb.len();
    rdb[len - 8..].fill(0);
    rdb
}

#[test]
fn values_that_no_checksum_guards_are_opened_by_a_plain_check() {
    let size = row("listpack-hash-size");
    let guarded = of_bytes(&base(&size, 12), "redis-8.2", false);
    assert_eq!((found(&guarded), guarded.verdict), (vec![], Verdict::Healthy));
    assert_eq!(guarded.not_looked_at, ["values"]);
    let open = of_bytes(&unsummed(base(&size, 12)), "redis-8.2", false);
    assert_eq!((open.verdict, open.loads), (Verdict::InnerDamage, Loads::No));
    assert!(open.not_looked_at.is_empty(), "{:?}", open.not_looked_at);
    // Commands behind it change nothing about that.
    let tail = b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n";
    let open = of_bytes(&[unsummed(base(&size, 12)), tail.to_vec()].concat(), "redis-8.2", false);
    assert_eq!((open.verdict, open.loads), (Verdict::InnerDamage, Loads::No));
    let sound = of_bytes(&unsummed(base(&row("sound-listpack"), 12)), "redis-8.2", false);
    assert_eq!((found(&sound), sound.verdict), (vec![], Verdict::Healthy));
    assert!(sound.not_looked_at.is_empty(), "{:?}", sound.not_looked_at);
}

#[test]
fn what_was_not_looked_at_has_a_name() {
    let two = [&header(12)[..], b"\x00\x01a\x011\x00\x01b\x012\xFF"].concat();
    let plain = of_bytes(&sealed(two.clone()), "redis-8.2", false);
    assert_eq!(plain.not_looked_at, ["values", "duplicate-keys"]);
    assert!(of_bytes(&sealed(two), "redis-8.2", true).not_looked_at.is_empty());
    let commands = of_bytes(b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n", "redis-8.2", false);
    assert!(commands.not_looked_at.is_empty());
    let restore = log(&payload(0, b"\x01v", 12));
    assert_eq!(of_bytes(&restore, "redis-8.2", false).not_looked_at, ["restore-values"]);
    assert!(of_bytes(&restore, "redis-8.2", true).not_looked_at.is_empty());
}

#[test]
fn checksum_and_version_of_a_payload_are_compared_in_any_case() {
    let good = payload(0, b"\x01v", 12);
    assert_eq!(found(&of_bytes(&log(&good), "redis-8.2", false)), []);
    let mut flipped = good.clone();
    flipped[2] ^= 1;
    let report = of_bytes(&log(&flipped), "redis-8.2", false);
    assert_eq!(found(&report), [Kind::RestorePayload]);
    assert_eq!((report.verdict, report.loads), (Verdict::Healthy, Loads::Yes));
    let problem = report.problems.iter().find(|p| p.kind == Kind::RestorePayload).unwrap();
    assert_eq!((problem.severity, problem.offset), (Severity::Warning, Some(23)));
    assert!(problem.message.contains("checksum of its payload does not fit"), "{problem:?}");
    // Of these servers, each takes its own versions; 8.6 takes a payload without a checksum.
    for (version, takes, refuses) in [
        (13, "redis-8.6", "redis-8.2"),
        (80, "valkey-9.1", "redis-8.6"),
        (12, "redis-7.4", "valkey-9.1"),
        (11, "valkey-8.1", "redis-7.0"),
    ] {
        let restore = log(&payload(0, b"\x01v", version));
        assert_eq!(found(&of_bytes(&restore, takes, false)), [], "{version} {takes}");
        let refused = of_bytes(&restore, refuses, false);
        assert_eq!(found(&refused), [Kind::RestorePayload], "{version} {refuses}");
        assert_eq!((refused.verdict, refused.loads), (Verdict::Healthy, Loads::Yes));
    }
    let unsummed = log(&[&good[..good.len() - 8], &[0; 8]].concat());
    assert_eq!(found(&of_bytes(&unsummed, "redis-8.6", false)), []);
    assert_eq!(found(&of_bytes(&unsummed, "redis-8.2", false)), [Kind::RestorePayload]);
    let short = of_bytes(&log(b"\x00\x01v"), "redis-8.2", false);
    assert_eq!(found(&short), [Kind::RestorePayload]);
}

/// A payload that no window holds is read again, and a flipped byte in the middle of it is seen.
#[test]
fn large_payloads_are_looked_at_as_well() {
    let value = [&[0x80, 0, 9, 0, 0][..], &vec![b'x'; 0x9_0000]].concat();
    let mut large = payload(0, &value, 12);
    for thorough in [false, true] {
        assert_eq!(found(&of_bytes(&log(&large), "redis-8.2", thorough)), []);
    }
    large[300_000] ^= 4;
    let report = of_bytes(&log(&large), "redis-8.2", false);
    assert_eq!(found(&report), [Kind::RestorePayload]);
    let short = [&[0x80, 0, 9, 0, 0][..], &vec![b'x'; 0x8_0000]].concat();
    let torn = of_bytes(&log(&payload(0, &short, 12)), "redis-8.2", true);
    assert_eq!(found(&torn), [Kind::RestorePayload]);
    assert_eq!(found(&of_bytes(&log(&payload(0, &short, 12)), "redis-8.2", false)), []);
}
