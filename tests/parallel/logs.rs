//! Logs by chance, of kinds that are hard to read in pieces.

use crate::support::mutate::Random;

/// What a log is full of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Small,
    LookAlikes,
    Transactions,
    Odd,
}

/// One record.
pub fn command(arguments: &[&[u8]]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", arguments.len()).into_bytes();
    for argument in arguments {
        bytes.extend(format!("${}\r\n", argument.len()).into_bytes());
        bytes.extend_from_slice(argument);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes
}

/// A log of some kilobytes.
pub fn log(random: &mut Random, kind: Kind) -> Vec<u8> {
    let mut log = command(&[b"SELECT", b"0"]);
    let goal = 500 + random.below(30_000);
    let mut seconds = 1_700_000_000;
    while log.len() < goal {
        match random.below(20) {
            0 => {
                seconds += random.below(3);
                log.extend(format!("#TS:{seconds}\r\n").into_bytes());
            }
            1 => log.extend(command(&[b"SELECT", random.below(20).to_string().as_bytes()])),
            2..=5 if kind == Kind::Transactions => transaction(&mut log, random),
            2..=4 if kind == Kind::Odd => log.extend(odd(random)),
            2 if random.chance(5) => log.extend(command(&[b"EXEC"])),
            2 => transaction(&mut log, random),
            _ => log.extend(write(random, kind)),
        }
    }
    log
}

/// A transaction of few records or of many.
fn transaction(log: &mut Vec<u8>, random: &mut Random) {
    log.extend(command(&[b"MULTI"]));
    let most = if random.chance(10) { 500 } else { 6 };
    for _ in 0..random.below(most) {
        log.extend(write(random, Kind::Small));
    }
    if !random.chance(2) {
        log.extend(command(&[b"EXEC"]));
    }
}

fn write(random: &mut Random, kind: Kind) -> Vec<u8> {
    let key = format!("key:{}", random.below(1000));
    let most = if random.chance(3) { 2_000 } else { 40 };
    let value = match kind {
        Kind::LookAlikes if random.chance(30) => look_alikes(random),
        _ => vec![b'v'; random.below(most)],
    };
    match random.below(4) {
        0 => command(&[b"hset", key.as_bytes(), b"field", &value]),
        1 => command(&[b"DEL", key.as_bytes()]),
        _ => command(&[b"SET", key.as_bytes(), &value]),
    }
}

/// A value that looks like a piece of a log from its first byte or the middle of a record on.
fn look_alikes(random: &mut Random) -> Vec<u8> {
    let mut value = b"\r\n".to_vec();
    for _ in 0..1 + random.below(30) {
        match random.below(8) {
            0 => value.extend(command(&[b"MULTI"])),
            1 => value.extend(command(&[b"EXEC"])),
            2 => value.extend(command(&[b"SELECT", b"9"])),
            _ => value.extend(write(random, Kind::Small)),
        }
    }
    value.drain(..random.below(3));
    value.truncate(value.len().saturating_sub(random.below(20)));
    value
}

/// What a check tells of, or counts apart.
fn odd(random: &mut Random) -> Vec<u8> {
    match random.below(16) {
        0 => command(&[b"JSON.SET", b"doc", b"$", b"{}"]),
        1 => command(&[b"NOSUCH", b"a"]),
        2 => command(&[b"MYMOD.ADD", b"a", b"b"]),
        3 => command(&[b"RESTORE", b"r", b"0", b"no payload at all"]),
        4 => command(&[b"RESTORE", b"r", b"0", b"short"]),
        5 => command(&[b"HPEXPIREAT", b"h", b"1", b"FIELDS", b"1", b"f"]),
        6 => command(&[b"HSETEX", b"h", b"FIELDS", b"1", b"f", b"v"]),
        7 => command(&[b"GET"]),
        8 => b"*0\r\n".to_vec(),
        9 => b"*2\r\n$3\r\nDEL\r\n$+1\r\nk\r\n".to_vec(),
        10 => b"#EXTRA:1\r\n".to_vec(),
        11 => b"#TS:never\r\n".to_vec(),
        12 if random.chance(30) => command(&[b"DEBUG", b"SLEEP", b"0"]),
        13 if random.chance(30) => command(&[b"DISCARD"]),
        14 if random.chance(30) => {
            command(&[b"CLUSTER", b"SYNCSLOTS", b"ESTABLISH", b"NAME", b"n"])
        }
        _ => command(&[b"FUNCTION", b"FLUSH"]),
    }
}
