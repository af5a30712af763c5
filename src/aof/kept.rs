//! Names in the directory beside a set that keeps what changes removed. Which of them are ours is told by form: what has
//! another one was put there by somebody else, and is neither counted nor touched.

/// What the name of a directory that keeps things ends with.
pub const SUFFIX: &str = ".aofkit";

/// Whose changes are kept.
const VERBS: [&str; 6] = ["redis-check-aof", "convert", "rewind", "repair", "clean", "undo"];

/// Digits that a number is written with at least.
const DIGITS: usize = 8;

/// The largest number: what comes after it could not be written.
pub const LAST_NUMBER: u64 = 999_999_999_999;

/// The name of one change: `00000007-20261124T134247Z-repair`, or without the number, as 0.1.0 wrote it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeptId {
    /// Those without a number are older; a clock may go backwards, numbers do not.
    number: Option<u64>,
    moment: String,
    again: u64,
    name: String,
}

impl KeptId {
    /// Takes a name apart; `None` when we would not have given it.
    pub fn parse(name: &[u8]) -> Option<Self> {
        let name = std::str::from_utf8(name).ok()?;
        let (number, rest) = match name.split_once('-') {
            Some((digits, rest)) if digits.len() >= DIGITS && is_number(digits) => {
                let number = digits.parse().ok().filter(|n| *n <= LAST_NUMBER)?;
                (format!("{number:0DIGITS$}") == digits).then_some((Some(number), rest))?
            }
            _ => (None, name),
        };
        let (moment, rest) = rest.split_at_checked(16)?;
        let rest = rest.strip_prefix('-').filter(|_| is_moment(moment))?;
        let (verb, again) = match VERBS.iter().find_map(|verb| rest.strip_prefix(verb)) {
            Some("") => (rest, 1),
            Some(again) if number.is_none() => {
                let again = again.strip_prefix('-').filter(|again| is_number(again))?;
                (rest, again.parse().ok()?)
            }
            _ => return None,
        };
        let is_short = verb.len() < 40;
        let (moment, name) = (moment.to_owned(), name.to_owned());
        is_short.then_some(Self { number, moment, again, name })
    }

    /// The name of a change: its number, when it was (`20261124T134247Z`), and whose it is.
    pub fn new(number: u64, moment: &str, verb: &str) -> Self {
        let name = format!("{number:0DIGITS$}-{moment}-{verb}");
        Self { number: Some(number), moment: moment.to_owned(), again: 1, name }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.name
    }

    /// Its number; 0 when it has none.
    pub fn number(&self) -> u64 {
        self.number.unwrap_or(0)
    }
}

impl std::fmt::Display for KeptId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name)
    }
}

/// Whether a change has files of this name: its journal, by how far it has come, and objects.
pub fn is_kept_file(name: &[u8]) -> bool {
    let object = name.strip_suffix(b".zst");
    let is_object = object.is_some_and(|n| !n.is_empty() && n.iter().all(u8::is_ascii_digit));
    is_object || matches!(name, b"begun" | b"ready" | b"journal" | b"undone" | b"temp")
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// `20261124T134247Z`
fn is_moment(text: &str) -> bool {
    text.bytes().enumerate().all(|(at, byte)| match at {
        8 => byte == b'T',
        15 => byte == b'Z',
        _ => byte.is_ascii_digit(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_we_give_are_ours() {
        let ours = [
            "20261124T134247Z-repair",
            "20261124T134247Z-redis-check-aof-12",
            "00000001-20261124T134247Z-clean",
            "123456789012-20261124T134247Z-undo",
        ];
        for name in ours {
            assert_eq!(KeptId::parse(name.as_bytes()).unwrap().as_str(), name);
        }
        let others = [
            "",
            "my-copy",
            "repair",
            "20261124T134247Z",
            "20261124T134247Z-",
            "20261124T134247Z-other",
            "20261124T134247Z-repair-",
            "20261124T134247Z-repair-x",
            "20261124T134247Z-repair/..",
            "1-20261124T134247Z-repair",
            "000000001-20261124T134247Z-repair",
            "1000000000000-20261124T134247Z-repair",
            "00000001-20261124T134247Z-repair-2",
            "2026112\u{e9}T134247Z-repair",
        ];
        for name in others {
            assert_eq!(KeptId::parse(name.as_bytes()), None, "{name}");
        }
    }

    #[test]
    fn numbers_count_and_clocks_do_not() {
        let order = [
            "20261124T134247Z-rewind",
            "20261124T134247Z-repair-2",
            "20261124T134247Z-repair-10",
            "20991124T134247Z-repair",
            "00000001-20261124T134247Z-repair",
            "00000002-20200101T000000Z-clean",
            "00000010-20200101T000000Z-clean",
        ];
        let ids: Vec<_> = order.iter().map(|n| KeptId::parse(n.as_bytes()).unwrap()).collect();
        assert!(ids.is_sorted(), "{ids:?}");
        assert_eq!(
            KeptId::new(3, "20261124T134247Z", "repair").as_str(),
            "00000003-20261124T134247Z-repair"
        );
    }
}
