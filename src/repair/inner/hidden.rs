//! What lost bytes may have held: MULTI, EXEC or SELECT, which decide what the records after them mean.
//! Pure.

use crate::command::Renames;
use crate::format::resp::{self, Record};

/// Longest distance from the start of a record to the line with its name.
const NAME_WITHIN: usize = 64;

/// What a lost range held, as far as its bytes tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hidden {
    /// One or more records, none of which is one of these.
    Nothing,
    /// MULTI alone.
    Multi,
    /// EXEC alone.
    Exec,
    /// SELECT alone, of this database.
    Select(u64),
    /// Perhaps any of them; a SELECT that can still be read names this database.
    Anything {
        /// The last such SELECT.
        select: Option<u64>,
    },
}

/// The names under which a command may stand: servers write the first, aofkit for them the one that is left.
fn both<'a>(name: &'a [u8], names: &'a Renames) -> impl Iterator<Item = &'a [u8]> {
    let left = names.called(name);
    [Some(name), (left != name).then_some(left)].into_iter().flatten()
}

/// Whether it may be the record of a command without arguments.
fn is_word(
    bytes: &[u8],
    name: &[u8],
    names: &Renames,
    fits: impl Fn(&[u8], &[u8]) -> bool,
) -> bool {
    both(name, names).any(|name| fits(bytes, &resp::spelled(&[name])))
}

/// Reads the bytes of one broken record, however many of them are wrong: so short ones servers write no others.
pub(super) fn of_one_broken(bytes: &[u8], names: &Renames) -> Hidden {
    let is_as_long =
        |name| is_word(bytes, name, names, |bytes, wanted| bytes.len() == wanted.len());
    match hidden(bytes, true, names) {
        Hidden::Nothing if is_as_long(b"MULTI") => Hidden::Multi,
        Hidden::Nothing if is_as_long(b"EXEC") => Hidden::Exec,
        hides => hides,
    }
}

/// Reads lost bytes, which were written for a server with these names; `is_one` when they are known to be one record.
pub(super) fn hidden(bytes: &[u8], is_one: bool, names: &Renames) -> Hidden {
    if is_word(bytes, b"MULTI", names, is_near) {
        return Hidden::Multi;
    }
    if is_word(bytes, b"EXEC", names, is_near) {
        return Hidden::Exec;
    }
    if let Some(db) = both(b"SELECT", names).find_map(|name| near_select(bytes, name)) {
        return Hidden::Select(db);
    }
    if is_one { Hidden::Nothing } else { Hidden::Anything { select: last_select(bytes, names) } }
}

/// Whether at most one byte differs; letters in either case.
fn is_near(bytes: &[u8], wanted: &[u8]) -> bool {
    let differ = bytes.iter().zip(wanted).filter(|(a, b)| !a.eq_ignore_ascii_case(b)).count();
    bytes.len() == wanted.len() && differ <= 1
}

/// The database of a SELECT, under this name, of which one byte outside of its number is wrong.
fn near_select(bytes: &[u8], name: &[u8]) -> Option<u64> {
    let body = bytes.strip_suffix(b"\r\n")?;
    let digits = body.iter().rev().take_while(|b| b.is_ascii_digit()).count();
    // A wrong line end before the number joins its digits with others.
    (1..=3).filter(|&n| n <= digits).find_map(|n| {
        let number = &body[body.len() - n..];
        let is_it = is_near(bytes, &resp::spelled(&[name, number]));
        is_it.then(|| std::str::from_utf8(number).ok()?.parse().ok())?
    })
}

/// The database of the last whole SELECT that stands in `bytes`.
fn last_select(bytes: &[u8], names: &Renames) -> Option<u64> {
    let at = both(b"SELECT", names).filter_map(|name| last_select_by(bytes, name)).max();
    at.map(|(_, db)| db)
}

/// The same under this name, and where.
fn last_select_by(bytes: &[u8], name: &[u8]) -> Option<(usize, u64)> {
    let marker = [format!("*2\r\n${}\r\n", name.len()).as_bytes(), name, b"\r\n"].concat();
    let mut at = bytes.len().checked_sub(marker.len())?;
    loop {
        if bytes[at..at + marker.len()].eq_ignore_ascii_case(&marker)
            && let Ok(shape) = resp::record(&bytes[at..])
        {
            let record = Record::canonical(shape, &bytes[at..], 0);
            let number = record.args().nth(1).and_then(|a| std::str::from_utf8(a.head).ok());
            if let Some(db) = number.and_then(|n| n.parse().ok()) {
                return Some((at, db));
            }
        }
        at = at.checked_sub(1)?;
    }
}

/// The command of a broken record, rebuilt from what can be read of it: its name and the arguments after
/// it up to the first that is not whole. Answers canonical bytes of a record with those.
pub(super) fn readable(bytes: &[u8], names: &Renames) -> Option<Vec<u8>> {
    let mut at = 0;
    loop {
        let rest = bytes.get(at..).filter(|_| at < NAME_WITHIN)?;
        let end = memchr::memmem::find(rest, b"\r\n")?;
        if at > 0 && names.lookup(&rest[..end]).is_some() {
            return Some(rebuilt(&rest[..end], &rest[end + 2..]));
        }
        at += end + 2;
    }
}

fn rebuilt(name: &[u8], mut rest: &[u8]) -> Vec<u8> {
    let mut args = vec![name];
    // One argument at a time, read as a record of one.
    while let Some(end) =
        memchr::memmem::find(rest, b"\r\n").filter(|_| rest.first() == Some(&b'$'))
    {
        let len = std::str::from_utf8(&rest[1..end]).ok().and_then(|n| n.parse::<usize>().ok());
        let payload = len.and_then(|len| rest[end + 2..].get(..len));
        let Some(payload) = payload else { break };
        args.push(payload);
        let next = end + 2 + payload.len();
        match rest.get(next..next + 2) {
            Some(b"\r\n") => rest = &rest[next + 2..],
            _ => {
                args.pop();
                break;
            }
        }
    }
    resp::spelled(&args)
}

/// How many whole arguments `bytes` consist of, without a record's header; `None` when of anything else,
/// too. Also the first of them.
pub(super) fn loose_arguments(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (mut rest, mut count, mut first) = (bytes, 0, None);
    while !rest.is_empty() {
        let end = memchr::memmem::find(rest, b"\r\n").filter(|_| rest[0] == b'$')?;
        let len: usize = std::str::from_utf8(&rest[1..end]).ok()?.parse().ok()?;
        let payload = rest[end + 2..].get(..len)?;
        rest = rest[end + 2 + len..].strip_prefix(b"\r\n")?;
        first.get_or_insert(payload);
        count += 1;
    }
    first.map(|first| (count, first))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hidden(bytes: &[u8], is_one: bool) -> Hidden {
        super::hidden(bytes, is_one, &Renames::default())
    }

    fn of_one_broken(bytes: &[u8]) -> Hidden {
        super::of_one_broken(bytes, &Renames::default())
    }

    #[test]
    fn what_was_written_by_the_name_that_is_left_is_known_too() {
        let line = |from: &[u8], to: &[u8]| (from.to_vec(), to.to_vec());
        let names = Renames::of(&[
            line(b"SELECT", b"PICK"),
            line(b"EXEC", b"COMMIT"),
            line(b"MULTI", b"BEGINS"),
        ]);
        let hidden = |bytes: &[u8], is_one| super::hidden(bytes, is_one, &names);
        assert_eq!(hidden(b"*2\r\n$4\r\nPICC\r\n$1\r\n5\r\n", true), Hidden::Select(5));
        assert_eq!(hidden(b"*2\r\n$6\r\nSELEBT\r\n$1\r\n5\r\n", true), Hidden::Select(5));
        assert_eq!(hidden(b"*1\r\n$6\r\nCOMMAT\r\n", true), Hidden::Exec);
        assert_eq!(super::of_one_broken(b"*1\r\n$6\r\n\0\0\0\0\0\0\r\n", &names), Hidden::Multi);
        let both = b"??*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n\0*2\r\n$4\r\npick\r\n$2\r\n11\r\n*3";
        assert_eq!(hidden(both, false), Hidden::Anything { select: Some(11) });
        assert_eq!(
            super::hidden(both, false, &Renames::default()),
            Hidden::Anything { select: Some(3) }
        );
    }

    #[test]
    fn one_wrong_byte_does_not_hide_what_a_record_was() {
        assert_eq!(hidden(b"*1\r\n$5\r\nMULTI\r\n", true), Hidden::Multi);
        assert_eq!(hidden(b"*1\r\n$4\r\nExEB\r\n", true), Hidden::Exec);
        assert_eq!(hidden(b"*1\r\n$4\r\nEXEC\r\0", true), Hidden::Exec);
        assert_eq!(hidden(b"*1\r\n$4\r\0\0\0\0\0\r\n", true), Hidden::Nothing);
        assert_eq!(of_one_broken(b"*1\r\n$4\r\0\0\0\0\0\r\n"), Hidden::Exec);
        assert_eq!(of_one_broken(b"\0\0\0\0$5\r\nMULTI\r\n"), Hidden::Multi);
        assert_eq!(of_one_broken(b"\0\0\0\0$4\r\nINCR\r\n$1\r\na\r\n"), Hidden::Nothing);
        assert_eq!(hidden(b"*2\r\n$6\r\nSELEBT\r\n$1\r\n5\r\n", true), Hidden::Select(5));
        assert_eq!(hidden(b"*3\r\n$6\r\nSELECT\r\n$2\r\n15\r\n", false), Hidden::Select(15));
        assert_eq!(hidden(b"*2\r\n$6\r\nSELECT\r\n$2\r\n1x\r\n", true), Hidden::Nothing);
        assert_eq!(hidden(b"*2\r\n$4\r\nINCR\r\n$1\r\na\r\n", true), Hidden::Nothing);
    }

    #[test]
    fn the_last_select_that_can_be_read_counts() {
        let bytes =
            b"??*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n\0\0*2\r\n$6\r\nselect\r\n$2\r\n11\r\n*3\r\n$";
        assert_eq!(hidden(bytes, false), Hidden::Anything { select: Some(11) });
        assert_eq!(hidden(b"\0\0\0", false), Hidden::Anything { select: None });
    }

    #[test]
    fn what_is_left_of_a_record_is_read_up_to_the_break() {
        let names = Renames::default();
        let whole = b"*2\r\n$3\r\nSET\r\n$1\r\nk\r\n".to_vec();
        assert_eq!(
            readable(b"*9\r\n$3\r\nSET\r\n$1\r\nk\r\n$5\r\nab", &names),
            Some(whole.clone())
        );
        assert_eq!(readable(b"\0\0\0\r\nSET\r\n$1\r\nk\r\n$x", &names), Some(whole));
        assert_eq!(readable(b"\0\0\0\0", &names), None);
        assert_eq!(loose_arguments(b"$1\r\na\r\n$2\r\nbc\r\n"), Some((2, &b"a"[..])));
        assert_eq!(loose_arguments(b"$1\r\na\r\n*"), None);
    }
}
