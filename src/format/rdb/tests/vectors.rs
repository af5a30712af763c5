//! Published bytes: whole files and records as servers write them.

use super::samples::{file, hex};
use crate::format::rdb::checksum::Checksum;
use crate::format::rdb::header::Family;
use crate::format::rdb::pass::{Walked, walk_slice};

fn walk(bytes: &[u8]) -> Walked {
    let walked = walk_slice(bytes, 0).unwrap();
    assert_eq!(walked.outcome.end, bytes.len() as u64);
    walked
}

#[test]
fn whole_files_are_walked_with_a_matching_checksum() {
    let files = [
        ("524544495330303132 FF 10D0DB4120BEF4D3", 0),
        ("524544495330303132 FE00 00 016B 0176 FF F13D6C61AC616AF0", 1),
        ("56414C4B4559303830 FE00 00 016B 0176 FF C5062B28F953DBBC", 1),
        ("524544495330303132 FE00 00 016B C30403 02616263 FF 7A8751E63DCA1541", 1),
    ];
    for (text, keys) in files {
        let walked = walk(&hex(text));
        assert!(matches!(walked.checksum, Checksum::Match(_)), "{text}");
        assert_eq!(walked.outcome.keys, keys);
        assert_eq!(walked.outcome.remarks, Default::default());
    }
}

#[test]
fn records_of_servers_are_walked() {
    let redis = [
        "19 08683A6866655F6C70 155CCF0BA2010000 35 35000000 0900 826631 03 827631 03 \
         F4155CCF0BA2010000 09 826633 03 827633 03 F4903DC511A2010000 09 826632 03 827632 03 00 01 FF",
        "15 0B783A6F6E6C7967726F7570 00 00 0000 0000 0000 00 01 0167 0000 81FFFFFFFFFFFFFFFF 00 00",
        "14 067365743A6C70 12 12000000 0400 8161 02 8162 02 8163 02 01 01 FF",
        "0B 097365743A696E743332 10 04000000 02000000 01000000 70110100",
    ];
    for record in redis {
        let walked = walk(&file(Family::Redis, 12, &hex(record)));
        assert_eq!(walked.outcome.keys, 1, "{record}");
        assert_eq!(walked.outcome.remarks, Default::default(), "{record}");
    }
    let valkey = "16 08683A6866655F6C70 03 026631 027631 9A67CF0BA2010000 026632 027632 \
                  FFFFFFFFFFFFFFFF 026633 027633 1549C511A2010000";
    assert_eq!(walk(&file(Family::Valkey, 80, &hex(valkey))).outcome.keys, 1);
}

#[test]
fn a_file_without_trailer_ends_at_its_end_opcode() {
    let mut bytes = file(Family::Redis, 4, &hex("00 016b 0176"));
    let end = bytes.len() as u64;
    bytes.extend(b"anything");
    let walked = walk_slice(&bytes, 0).unwrap();
    assert_eq!((walked.outcome.end, walked.checksum), (end, Checksum::Absent));
}

#[test]
fn a_switched_off_and_a_wrong_checksum_are_told_apart() {
    let mut bytes = file(Family::Redis, 12, &hex("00 016b 0176"));
    let trailer = bytes.len() - 8;
    bytes[trailer] ^= 1;
    assert!(matches!(walk(&bytes).checksum, Checksum::Mismatch { .. }));
    bytes[trailer..].fill(0);
    assert_eq!(walk(&bytes).checksum, Checksum::Disabled);
}

#[test]
fn commands_behind_the_trailer_are_left_alone_and_offsets_count_from_the_base() {
    let mut bytes = file(Family::Redis, 9, &hex("fe05 00 016b 0176"));
    let end = bytes.len() as u64;
    bytes.extend(b"*1\r\n$4\r\nPING\r\n");
    let walked = walk_slice(&bytes, 1000).unwrap();
    assert_eq!((walked.outcome.start, walked.outcome.end), (1000, 1000 + end));
    assert_eq!((walked.outcome.last_db, walked.outcome.databases), (5, 1));
    assert!(matches!(walked.checksum, Checksum::Match(_)));
}

#[test]
fn auxiliary_fields_tell_who_wrote_the_file() {
    let bytes = file(
        Family::Redis,
        11,
        &[
            b"\xfa\x0avalkey-ver\x058.1.8".as_slice(),
            b"\xfa\x05ctime\xc2\x00\x00\x00\x65",
            b"\xfa\x08used-mem\x0b99999999999",
            b"\xfa\x08aof-base\xc0\x01",
        ]
        .concat(),
    );
    let walked = walk(&bytes);
    let fields = walked.outcome.fields;
    let writer = fields.writer().unwrap();
    assert_eq!((writer.family, writer.version), (Family::Valkey, "8.1.8"));
    assert_eq!(fields.created_s(), Some(0x6500_0000));
    assert_eq!(fields.used_memory_bytes(), Some(99_999_999_999));
    assert_eq!((fields.aof_base(), fields.aof_preamble()), (Some(true), None));
}
