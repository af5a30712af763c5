//! What servers log and no client may send, in a form that a client may send with the same effect.
//!
//! | in the log | for clients | why |
//! |---|---|---|
//! | `XADD`, `XTRIM` with `MAXLEN` or `MINID`, `=` and `LIMIT` | without `LIMIT` and its number | the length is the one that was reached, and is cut to exactly |
//! | `XADD … IDMP producer iid … ID …` (Redis 8.6) | without `IDMP`; then `XIDMPRECORD` | only identifiers that the server makes may come with it |
//! | `XADD … IDMPAUTO producer … ID …` | without `IDMPAUTO` | the same; no command takes the server's hash of the entry, so that it is not remembered |
//! | `XADD … IDMP … *`, `XADD … IDMPAUTO … *` | nothing | a duplicate is logged so, and added nothing |
//!
//! Pure.

use std::ops::Range;

use crate::command::CommandId;
use crate::format::resp::{Arg, Record};

/// How a record is written for a client.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Rewritten<'a> {
    /// Arguments that go, by their places.
    without: Vec<Range<u32>>,
    /// The key, the producer, its identifier and that of the entry: remembered by a command of its own.
    pub(super) remembers: Option<[&'a [u8]; 4]>,
    /// The server's hash of the entry is not remembered.
    pub(super) forgets: bool,
    /// Nothing is written.
    pub(super) is_nothing: bool,
}

impl Rewritten<'_> {
    /// Arguments that go.
    pub(super) fn fewer(&self) -> u32 {
        self.without.iter().map(|places| places.end - places.start).sum()
    }

    /// Whether the argument at this place goes.
    pub(super) fn drops(&self, place: u32) -> bool {
        self.without.iter().any(|places| places.contains(&place))
    }
}

/// How a record is written for a client; `None`: as it is.
#[inline]
pub(super) fn rewritten<'a>(record: &Record<'a>, id: Option<CommandId>) -> Option<Rewritten<'a>> {
    let is_add = match id?.command().name.as_bytes() {
        b"XADD" => true,
        b"XTRIM" => false,
        _ => return None,
    };
    of_stream(record, is_add)
}

/// Options of XADD up to the identifier, or of XTRIM up to the end.
fn of_stream<'a>(record: &Record<'a>, is_add: bool) -> Option<Rewritten<'a>> {
    // Of a record larger than a window only the first bytes of the first arguments are here.
    let whole = record.args().take_while(Arg::is_whole);
    let words: Vec<&[u8]> = whole.map(|argument| argument.head).collect();
    let is = |place: usize, word: &str| {
        words.get(place).is_some_and(|there| there.eq_ignore_ascii_case(word.as_bytes()))
    };
    let mut at = 2;
    let mut is_exact = true;
    let mut limit = None;
    let mut known_by = None;
    while at < words.len() {
        if ["NOMKSTREAM", "KEEPREF", "DELREF", "ACKED"].iter().any(|word| is(at, word)) {
            at += 1;
        } else if is(at, "MAXLEN") || is(at, "MINID") {
            let has_sign = is(at + 1, "=") || is(at + 1, "~");
            is_exact = !is(at + 1, "~");
            at += if has_sign { 3 } else { 2 };
        } else if is(at, "LIMIT") {
            limit = Some(at);
            at += 2;
        } else if is_add && is(at, "IDMP") {
            known_by = Some((at, 3));
            at += 3;
        } else if is_add && is(at, "IDMPAUTO") {
            known_by = Some((at, 2));
            at += 2;
        } else {
            break;
        }
    }
    let mut rewritten = Rewritten::default();
    let mut leave = |from: usize, count: usize| {
        rewritten.without.push(from as u32..(from + count) as u32);
    };
    if let Some(limit) = limit.filter(|_| is_exact) {
        leave(limit, 2);
    }
    if let Some((from, count)) = known_by {
        let identifier = *words.get(at)?;
        leave(from, count);
        rewritten.is_nothing = identifier == b"*";
        match count {
            3 => {
                let [key, producer, iid] = [1, from + 1, from + 2].map(|place| words[place]);
                rewritten.remembers = Some([key, producer, iid, identifier]);
            }
            _ => rewritten.forgets = !rewritten.is_nothing,
        }
    }
    (!rewritten.without.is_empty()).then_some(rewritten)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command;
    use crate::format::resp;

    fn record(words: &str) -> Vec<u8> {
        let words: Vec<_> = words.split(' ').collect();
        let each = words.iter().map(|word| format!("${}\r\n{word}\r\n", word.len()));
        format!("*{}\r\n{}", words.len(), each.collect::<String>()).into_bytes()
    }

    /// What is left of the words, and what is remembered.
    fn told(words: &str) -> Option<(String, Option<Vec<String>>, bool)> {
        let bytes = record(words);
        let shape = resp::record(&bytes).unwrap();
        let record = Record::canonical(shape, &bytes, 0);
        let rewritten = rewritten(&record, command::lookup(shape.name))?;
        let left = words.split(' ').zip(0..).filter(|(_, place)| !rewritten.drops(*place));
        let left: Vec<_> = left.map(|(word, _)| word).collect();
        assert_eq!(left.len() as u32 + rewritten.fewer(), record.argc);
        let text = |word: &&[u8]| String::from_utf8_lossy(word).into_owned();
        let remembers = rewritten.remembers.map(|words| words.iter().map(text).collect());
        Some((left.join(" "), remembers, rewritten.is_nothing))
    }

    #[test]
    fn exact_trims_lose_their_limit_and_nothing_else_changes() {
        let left = |words: &str| told(words).map(|(left, ..)| left);
        assert_eq!(
            left("XADD x MAXLEN = 3 LIMIT 10 5-1 f v").unwrap(),
            "XADD x MAXLEN = 3 5-1 f v"
        );
        assert_eq!(
            left("XADD x MINID = 3-1 LIMIT 0 5-1 f v").unwrap(),
            "XADD x MINID = 3-1 5-1 f v"
        );
        assert_eq!(left("xtrim x maxlen 3 limit 10").unwrap(), "xtrim x maxlen 3");
        for same in [
            "XADD x 5-1 LIMIT 10",
            "XADD x MAXLEN ~ 3 LIMIT 10 5-1 f v",
            "XADD x MAXLEN = 3 5-1 limit 10",
            "XTRIM x MAXLEN ~ 3 LIMIT 5",
            "SET LIMIT 3",
            "XADD x",
            "XADD x MAXLEN",
        ] {
            assert_eq!(told(same), None, "{same}");
        }
    }

    #[test]
    fn what_a_producer_sent_is_remembered_by_a_command_of_its_own() {
        let (left, remembers, is_nothing) = told("XADD x KEEPREF IDMP p i 5-1 f v").unwrap();
        assert_eq!((&*left, is_nothing), ("XADD x KEEPREF 5-1 f v", false));
        assert_eq!(remembers.unwrap(), ["x", "p", "i", "5-1"]);
        let (left, remembers, _) = told("XADD x IDMPAUTO p MAXLEN = 9 LIMIT 1 5-1 f v").unwrap();
        assert_eq!((&*left, remembers), ("XADD x MAXLEN = 9 5-1 f v", None));
        assert!(told("XADD x IDMP p i * f v").unwrap().2, "a duplicate");
        assert!(told("XADD x IDMPAUTO p * f v").unwrap().2, "a duplicate");
    }
}
