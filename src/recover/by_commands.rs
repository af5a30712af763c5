//! A value as the commands that make it, for a server that refuses its payload: one older than the server that holds the
//! moment. The commands are those that servers write themselves into a rewritten log.

use super::source::Source;
use super::stream;
use super::words::{Words, ask, words};
use crate::error::Result;
use crate::server::{Answer, Server};

/// Members of a value in one command.
const MEMBERS: usize = 64;

/// Members that are asked for at a time, and bytes of a string.
const PIECE: i64 = 1000;
const BYTES: i64 = 4 << 20;

/// The commands that make a key, which is not there; `None` where no commands make a value of its type.
///
/// `counts`: the target is a 7.0 or later, whose streams know more than those before.
pub(super) fn commands_of(
    server: &mut Server,
    key: &Source,
    counts: bool,
) -> Result<Option<Vec<Words>>> {
    let name = &key.name;
    let mut commands = match key.seen.kind.as_str() {
        "string" => string(server, name)?,
        "list" => in_order(server, name, "LRANGE", "RPUSH")?,
        "zset" => sorted(server, name)?,
        "set" => scanned(server, name, "SSCAN", "SADD")?,
        "hash" => hash(server, name)?,
        "stream" => stream::commands(server, name, counts)?,
        _ => return Ok(None),
    };
    if let Some(at) = key.seen.expires_ms {
        commands.push(words(&[b"PEXPIREAT", name, at.to_string().as_bytes()]));
    }
    Ok(Some(commands))
}

fn string(server: &mut Server, name: &[u8]) -> Result<Vec<Words>> {
    let (mut commands, mut from) = (Vec::new(), 0_i64);
    loop {
        let (begin, end) = (from.to_string(), (from + BYTES - 1).to_string());
        let piece = ask(server, &[b"GETRANGE", name, begin.as_bytes(), end.as_bytes()])?;
        let piece = piece.bytes();
        if from == 0 {
            commands.push(words(&[b"SET", name, piece]));
        } else if !piece.is_empty() {
            commands.push(words(&[b"APPEND", name, piece]));
        }
        if (piece.len() as i64) < BYTES {
            return Ok(commands);
        }
        from += BYTES;
    }
}

fn in_order(server: &mut Server, name: &[u8], read: &str, write: &str) -> Result<Vec<Words>> {
    let (mut commands, mut from) = (Vec::new(), 0_i64);
    loop {
        let (begin, end) = (from.to_string(), (from + PIECE - 1).to_string());
        let piece = ask(server, &[read.as_bytes(), name, begin.as_bytes(), end.as_bytes()])?;
        put(&mut commands, write, name, piece.items().iter().map(Answer::bytes));
        if (piece.items().len() as i64) < PIECE {
            return Ok(commands);
        }
        from += PIECE;
    }
}

fn sorted(server: &mut Server, name: &[u8]) -> Result<Vec<Words>> {
    let (mut commands, mut from) = (Vec::new(), 0_i64);
    loop {
        let (begin, end) = (from.to_string(), (from + PIECE - 1).to_string());
        let range = [b"ZRANGE", name, begin.as_bytes(), end.as_bytes(), b"WITHSCORES"];
        let piece = ask(server, &range)?;
        let pairs = piece.items().chunks_exact(2);
        let turned = pairs.flat_map(|pair| [pair[1].bytes(), pair[0].bytes()]);
        put(&mut commands, "ZADD", name, turned);
        if (piece.items().len() as i64) < 2 * PIECE {
            return Ok(commands);
        }
        from += PIECE;
    }
}

/// A command for every few of its members; those of pairs stay together, for there is an even number in each.
fn put<'a>(
    commands: &mut Vec<Words>,
    command: &str,
    name: &[u8],
    members: impl Iterator<Item = &'a [u8]>,
) {
    let members: Vec<_> = members.collect();
    for few in members.chunks(MEMBERS) {
        let mut one = words(&[command.as_bytes(), name]);
        one.extend(few.iter().map(|member| member.to_vec()));
        commands.push(one);
    }
}

/// The pages of a value that is scanned; an element may come twice, which changes nothing of a set or a hash.
fn pages(
    server: &mut Server,
    name: &[u8],
    read: &str,
    each: &mut dyn FnMut(&mut Server, &[Answer]) -> Result<()>,
) -> Result<()> {
    let (mut cursor, count) = (b"0".to_vec(), PIECE.to_string());
    loop {
        let page = ask(server, &[read.as_bytes(), name, &cursor, b"COUNT", count.as_bytes()])?;
        let [next, items] = page.items() else { return Ok(()) };
        each(server, items.items())?;
        if next.bytes() == b"0" {
            return Ok(());
        }
        cursor = next.bytes().to_vec();
    }
}

fn scanned(server: &mut Server, name: &[u8], read: &str, write: &str) -> Result<Vec<Words>> {
    let mut commands = Vec::new();
    pages(server, name, read, &mut |_, items| {
        put(&mut commands, write, name, items.iter().map(Answer::bytes));
        Ok(())
    })?;
    Ok(commands)
}

fn hash(server: &mut Server, name: &[u8]) -> Result<Vec<Words>> {
    let (mut commands, mut times) = (Vec::new(), Vec::new());
    pages(server, name, "HSCAN", &mut |server, items| {
        if items.is_empty() {
            return Ok(());
        }
        put(&mut commands, "HSET", name, items.iter().map(Answer::bytes));
        let fields: Vec<_> = items.chunks_exact(2).map(|pair| pair[0].bytes()).collect();
        let number = fields.len().to_string();
        let mut asked = vec![&b"HPEXPIRETIME"[..], name, b"FIELDS", number.as_bytes()];
        asked.extend(&fields);
        // A server that knows no such command has no such times.
        let told = ask(server, &asked)?;
        for (field, at) in fields.iter().zip(told.items()) {
            if let Some(at) = at.number().filter(|at| *at > 0) {
                let at = at.to_string();
                times.push(words(&[b"HPEXPIREAT", name, at.as_bytes(), b"FIELDS", b"1", field]));
            }
        }
        Ok(())
    })?;
    commands.extend(times);
    Ok(commands)
}
