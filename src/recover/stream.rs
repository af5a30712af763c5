//! A stream as the commands that make it: its entries, what it remembers, its groups, and what their consumers owe.

use super::words::{Words, ask, words};
use crate::error::Result;
use crate::server::{Answer, Server};

/// Entries asked for at a time.
const PIECE: usize = 1000;

/// The commands that make a stream.
///
/// `counts`: the target knows how many entries were added and read, which came with 7.0.
pub(super) fn commands(server: &mut Server, name: &[u8], counts: bool) -> Result<Vec<Words>> {
    let mut commands = entries(server, name)?;
    let all = ask(server, &[b"XINFO", b"STREAM", name, b"FULL", b"COUNT", b"1"])?;
    let most = groups(&all).iter().filter_map(|group| named(group, "pel-count")?.number()).max();
    let most = most.unwrap_or(0).max(1).to_string();
    let all = ask(server, &[b"XINFO", b"STREAM", name, b"FULL", b"COUNT", most.as_bytes()])?;
    if commands.is_empty() {
        // A stream without entries is made by one that goes at once.
        let last = named(&all, "last-generated-id").map_or(&b"0-1"[..], Answer::bytes);
        let id = if last == b"0-0" { &b"0-1"[..] } else { last };
        commands.push(words(&[b"XADD", name, b"MAXLEN", b"0", id, b"x", b"y"]));
    }
    commands.push(set_id(name, &all, counts));
    for group in groups(&all) {
        of_group(name, group, counts, &mut commands);
    }
    Ok(commands)
}

fn entries(server: &mut Server, name: &[u8]) -> Result<Vec<Words>> {
    let (mut commands, mut from) = (Vec::new(), b"-".to_vec());
    let count = PIECE.to_string();
    loop {
        let page = ask(server, &[b"XRANGE", name, &from, b"+", b"COUNT", count.as_bytes()])?;
        for entry in page.items() {
            let [id, fields] = entry.items() else { continue };
            let mut one = words(&[b"XADD", name, id.bytes()]);
            one.extend(fields.items().iter().map(|word| word.bytes().to_vec()));
            commands.push(one);
            from = [b"(", id.bytes()].concat();
        }
        if page.items().len() < PIECE {
            return Ok(commands);
        }
    }
}

/// What a stream remembers of entries that went; servers before 7.0 remember the last id alone.
fn set_id(name: &[u8], all: &Answer, counts: bool) -> Words {
    let word = |field: &str| named(all, field).map(text);
    let mut one = words(&[b"XSETID", name]);
    one.push(word("last-generated-id").unwrap_or_else(|| b"0-0".to_vec()));
    if let (true, Some(added), Some(deleted)) =
        (counts, word("entries-added"), word("max-deleted-entry-id"))
    {
        one.extend([b"ENTRIESADDED".to_vec(), added, b"MAXDELETEDID".to_vec(), deleted]);
    }
    one
}

fn of_group(name: &[u8], group: &Answer, counts: bool, commands: &mut Vec<Words>) {
    let word = |field: &str| named(group, field).map(text).unwrap_or_default();
    let its_name = word("name");
    let last = word("last-delivered-id");
    let mut one = words(&[b"XGROUP", b"CREATE", name, &its_name, &last]);
    let read = named(group, "entries-read").and_then(Answer::number);
    if let Some(read) = read.filter(|_| counts) {
        one.extend([b"ENTRIESREAD".to_vec(), read.to_string().into_bytes()]);
    }
    commands.push(one);
    for consumer in named(group, "consumers").map(Answer::items).unwrap_or_default() {
        let whose = named(consumer, "name").map(text).unwrap_or_default();
        commands.push(words(&[b"XGROUP", b"CREATECONSUMER", name, &its_name, &whose]));
        for entry in named(consumer, "pending").map(Answer::items).unwrap_or_default() {
            let [id, time, times] = entry.items() else { continue };
            let (time, times) = (text(time), text(times));
            commands.push(words(&[
                b"XCLAIM",
                name,
                &its_name,
                &whose,
                b"0",
                id.bytes(),
                b"TIME",
                &time,
                b"RETRYCOUNT",
                &times,
                b"JUSTID",
                b"FORCE",
            ]));
        }
    }
}

fn text(answer: &Answer) -> Vec<u8> {
    match answer {
        Answer::Int(number) => number.to_string().into_bytes(),
        other => other.bytes().to_vec(),
    }
}

fn named<'a>(answer: &'a Answer, name: &str) -> Option<&'a Answer> {
    let mut pairs = answer.items().chunks_exact(2);
    pairs.find(|pair| pair[0].bytes() == name.as_bytes()).map(|pair| &pair[1])
}

fn groups(stream: &Answer) -> &[Answer] {
    named(stream, "groups").map(Answer::items).unwrap_or_default()
}
