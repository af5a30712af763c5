//! A key under `slot-info` must hash to that slot.

use aofkit::check::{Kind, Loads, Severity, Verdict};

use super::{checked, found, header, of_bytes, sealed};

/// A string whose name is one letter.
fn key(name: u8) -> Vec<u8> {
    vec![0, 1, name, 1, b'v']
}

/// The slots of these two.
const SLOTS: [(u8, u16); 2] = [(b'a', 15495), (b'b', 3300)];

fn length(n: u16) -> Vec<u8> {
    vec![0x40 | (n >> 8) as u8, n as u8]
}

fn opcode(slot: u16) -> Vec<u8> {
    [&[244][..], &length(slot), &[1, 0]].concat()
}

fn field(slot: u16) -> Vec<u8> {
    let value = format!("{slot},1,0");
    [&[250, 9][..], b"slot-info", &[value.len() as u8], value.as_bytes()].concat()
}

fn rdb(version: u16, parts: &[Vec<u8>]) -> Vec<u8> {
    sealed([&header(version)[..], &[0xFE, 0], &parts.concat(), &[0xFF]].concat())
}

#[test]
fn keys_under_their_own_slot_are_no_trouble() {
    let [(a, of_a), (b, of_b)] = SLOTS;
    for (version, target, slot) in [
        (12, "redis-8.2", opcode as fn(u16) -> Vec<u8>),
        (80, "valkey-9.1", field),
        (11, "valkey-8.1", field),
    ] {
        let sound = rdb(version, &[slot(of_b), key(b), slot(of_a), key(a)]);
        for thorough in [false, true] {
            assert_eq!(found(&of_bytes(&sound, target, thorough)), [], "{target}");
        }
        // Another database begins without a slot.
        let other = rdb(version, &[slot(of_b), key(b), vec![0xFE, 1], key(a)]);
        assert_eq!(found(&of_bytes(&other, target, false)), [], "{target}");
    }
}

#[test]
fn a_key_under_a_wrong_slot_is_told_and_its_twin_is_damage() {
    let [(a, of_a), (b, of_b)] = SLOTS;
    for (version, target, slot) in
        [(12, "redis-8.2", opcode as fn(u16) -> Vec<u8>), (80, "valkey-9.0", field)]
    {
        let stray = of_bytes(&rdb(version, &[slot(of_b), key(b), key(a)]), target, false);
        assert_eq!(found(&stray), [Kind::RdbBadStructure], "{target}");
        assert_eq!((stray.verdict, stray.loads), (Verdict::Healthy, Loads::Yes));
        let message =
            &stray.problems.iter().find(|p| p.kind == Kind::RdbBadStructure).unwrap().message;
        assert!(
            message.contains(
                "key \"a\" in database 0 stands under slot 3300 and hashes to slot 15495"
            )
        );

        let twins = rdb(version, &[slot(of_b), key(b), key(a), slot(of_a), key(a)]);
        let report = of_bytes(&twins, target, false);
        assert_eq!((report.verdict, report.loads), (Verdict::InnerDamage, Loads::No), "{target}");
        assert_eq!(found(&report), [Kind::DuplicateKey; 2]);
        let is_error = |p: &&aofkit::check::Problem| p.severity == Severity::Error;
        let error = report.problems.iter().find(is_error).unwrap();
        assert!(error.message.contains("stands twice"), "{error:?}");
    }
}

/// The way out: the copy under the wrong slot goes, by name; the other one stays.
#[test]
fn a_repair_drops_the_copy_under_the_wrong_slot() {
    let [(a, of_a), (b, of_b)] = SLOTS;
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("f");
    std::fs::write(&file, rdb(12, &[opcode(of_b), key(b), key(a), opcode(of_a), key(a)])).unwrap();
    let next = checked(&file, "redis-8.2", false).problems.iter().find_map(|p| p.next.clone());
    assert!(next.unwrap().contains("repair --salvage"));
    let program = env!("CARGO_BIN_EXE_aofkit");
    let repair = |options: &[&str]| {
        let run =
            std::process::Command::new(program).arg("repair").args(options).arg(&file).output();
        String::from_utf8(run.unwrap().stdout).unwrap()
    };
    let plan = repair(&["--salvage", "--target", "redis-8.2"]);
    let plan = plan.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(plan.contains("under slot 3300 while it hashes to slot 15495"), "{plan}");
    repair(&["--salvage", "--apply", "--target", "redis-8.2"]);
    let wanted = rdb(12, &[opcode(of_b), key(b), opcode(of_a), key(a)]);
    assert_eq!(std::fs::read(&file).unwrap(), wanted);
    assert_eq!(checked(&file, "redis-8.2", true).verdict, Verdict::Healthy);
}
