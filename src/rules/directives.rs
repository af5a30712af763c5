//! Which lines of a configuration file a server takes, and how it reads their values.
//!
//! | form | values |
//! |---|---|
//! | `yes-no` | one word, yes or no in any case |
//! | `number LEAST MOST` | one whole number; no unit, no plus, no zero in front |
//! | `memory LEAST MOST` | one size, with or without a unit |
//! | `memory-or-percent` | one size, or a percentage up to 100% |
//! | `octal LEAST MOST` | one number in octal digits |
//! | `one-of A\|B`, `some-of A\|B` | one of these words in any case, or several |
//! | `letters ABC` | one word of these letters |
//! | `points`, `loose-points` | pairs of numbers, or one empty word; where it is loose, one number may be left alone |
//! | `text`, `filled-text` | one word, which may not be empty where it is filled |
//! | `name`, `filled-name` | the same, and no path |
//! | `words LEAST MOST` | so many words, `-` for no end |
//! | `address`, `numbers`, `percentages`, `buffer-limits`, `acl` ... | several words with meanings of their own: [`worded`] |
//! | `refused` | none: no such server takes the line |
//!
//! What a server finds out only when it acts on a value (a directory that is not there, a port in use) is not told.
//! Source: the programs' own complaints, recorded in `servers.txt`.

use super::{Knowledge, Target, worded};
use crate::command::{NotRenamed, Renames};
use crate::format::conf::{Directive, Settings, parse_size};

/// What becomes of a line with a name that a server does not know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UnknownLines {
    /// It does not start.
    #[default]
    Refused,
    /// One with a dot is left for the modules it loads: it does not start when none of them wants it.
    DottedForModules,
    /// The same of every such line.
    ForModules,
}

/// The lines a server knows.
#[derive(Clone, Debug, Default)]
pub struct Directives {
    /// Name and form.
    known: Vec<(&'static str, &'static str)>,
    unknown: UnknownLines,
}

impl Directives {
    /// Whether there is nothing recorded.
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// Whether it knows a line of this name, in lower case.
    pub fn has(&self, name: &[u8]) -> bool {
        self.form(name).is_some()
    }

    fn form(&self, name: &[u8]) -> Option<&'static str> {
        // What was read about a later server has the last word.
        self.known.iter().rev().find(|(known, _)| known.as_bytes() == name).map(|(_, form)| *form)
    }

    /// Takes a row of a table: name and form.
    pub(super) fn take(&mut self, row: &'static str) {
        if let Some((name, form)) = row.split_once('\t') {
            self.known.push((name, form));
        }
    }

    pub(super) fn take_unknown(&mut self, value: &str) {
        self.unknown = match value {
            "any" => UnknownLines::ForModules,
            "dotted" => UnknownLines::DottedForModules,
            _ => UnknownLines::Refused,
        };
    }
}

impl Target {
    /// Why this server does not start with a line, in words that show none of its values. `None` where it takes it, or
    /// where that is not known. `settings` are those of the whole configuration.
    pub fn refusal(&self, line: &Directive, settings: &Settings) -> Option<String> {
        let directives = &self.rules.directives;
        if directives.is_empty() {
            return None;
        }
        let Some(form) = directives.form(&line.name) else {
            let is_theirs = match directives.unknown {
                UnknownLines::Refused => false,
                UnknownLines::DottedForModules => {
                    line.name.contains(&b'.') && !line.args.is_empty()
                }
                UnknownLines::ForModules => !line.args.is_empty(),
            };
            let is_known = !is_theirs || settings.load_modules.is_empty();
            return (is_known && self.knows_all_lines(&line.name))
                .then(|| format!("{self} knows no such directive"));
        };
        refusal(form, &line.args).map(|why| {
            match line.args.iter().any(|arg| arg.starts_with(b"#")) {
                true if is_about_words(form, line.args.len()) => {
                    format!("{why}; a comment cannot follow on the same line")
                }
                _ => why,
            }
        })
    }

    /// Why this server does not rename a command as a line says; `renames` is what the lines before it have done, and is
    /// carried on.
    pub fn refuses_rename(&self, line: &Directive, renames: &mut Renames) -> Option<String> {
        let [from, to] = line.args.as_slice() else { return None };
        let rules = self.rules;
        let is_built_in = |id: crate::command::CommandId| {
            rules.arity_of(id).is_some() && id.command().group != "module"
        };
        match renames.add(from, to, |id| id.is_some_and(is_built_in)) {
            Ok(()) => None,
            Err(NotRenamed::NoSuch) => {
                Some(format!("{self} has no command of the first name at this line"))
            }
            Err(NotRenamed::Taken) => {
                Some(format!("{self} has a command of the second name already"))
            }
        }
    }

    /// Whether a name that its table lacks is one that it is known not to know.
    fn knows_all_lines(&self, name: &[u8]) -> bool {
        match self.knowledge {
            Knowledge::Recorded | Knowledge::Asked => true,
            Knowledge::Between => !Self::recorded()
                .iter()
                .any(|other| other.family == self.family && other.rules.directives.has(name)),
            Knowledge::Documented | Knowledge::Newer => false,
        }
    }
}

/// Whether the number of words is what is wrong.
fn is_about_words(form: &str, given: usize) -> bool {
    match form.split_once(' ') {
        Some(("words", counts)) => !fits(counts, given),
        Some((kind, _)) if worded::knows(kind) => true,
        _ => given != 1,
    }
}

pub(super) fn fits(counts: &str, given: usize) -> bool {
    let (least, most) = counts.split_once(' ').unwrap_or((counts, "-"));
    let least = least.parse().unwrap_or(0);
    given >= least && most.parse().map_or(true, |most: usize| given <= most)
}

/// Why a line of this form is refused with these words.
fn refusal(form: &str, args: &[Vec<u8>]) -> Option<String> {
    let (kind, rest) = form.split_once(' ').unwrap_or((form, ""));
    match kind {
        "refused" => return Some("no server of this kind takes it".to_owned()),
        "words" => {
            return (!fits(rest, args.len())).then(|| wrong_count(args.len(), &counted(rest)));
        }
        _ if worded::knows(kind) => {
            let args: Vec<_> = args.iter().map(|arg| value(arg)).collect();
            return worded::refusal(kind, rest, &args);
        }
        "points" | "loose-points" => return points(args, kind == "points"),
        "some-of" if !args.is_empty() => {
            return args.iter().find_map(|arg| one_of(rest, &value(arg)));
        }
        _ => {}
    }
    let [arg] = args else { return Some(wrong_count(args.len(), "one")) };
    let value = &value(arg);
    match kind {
        "yes-no" => one_of("yes|no", value),
        "one-of" | "some-of" => one_of(rest, value),
        "number" => number(rest, value),
        "memory" => memory(rest, value),
        "memory-or-percent" => memory_or_percent(value),
        "octal" => octal(rest, value),
        "letters" => letters(rest, value),
        "filled-text" | "filled-name" if value.is_empty() => Some("must not be empty".to_owned()),
        "name" | "filled-name" if value.contains(&b'/') => Some("must not contain '/'".to_owned()),
        _ => None,
    }
}

/// A word up to a NUL, at which C strings end.
fn value(arg: &[u8]) -> Vec<u8> {
    arg.split(|&byte| byte == 0).next().unwrap_or_default().to_vec()
}

pub(super) fn wrong_count(given: usize, wanted: &str) -> String {
    format!("takes {wanted} argument{}, not {given}", if wanted == "one" { "" } else { "s" })
}

pub(super) fn counted(counts: &str) -> String {
    match counts.split_once(' ') {
        Some(("1", "1")) => "one".to_owned(),
        Some((least, most)) if least == most => least.to_owned(),
        Some((least, "-")) => format!("{least} or more"),
        Some((least, most)) => format!("{least} to {most}"),
        None => counts.to_owned(),
    }
}

pub(super) fn one_of(words: &str, value: &[u8]) -> Option<String> {
    let is_one = words.split('|').any(|word| word.as_bytes().eq_ignore_ascii_case(value));
    (!is_one).then(|| match words {
        "yes|no" => "must be yes or no".to_owned(),
        _ => format!("must be one of {}", words.replace('|', ", ")),
    })
}

/// A number as servers read it: the one way to write it.
fn plain(value: &[u8]) -> Option<i128> {
    let text = std::str::from_utf8(value).ok()?;
    let number: i128 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}

fn bounds(rest: &str) -> (i128, i128) {
    let (least, most) = rest.split_once(' ').unwrap_or_default();
    (least.parse().unwrap_or(i128::MIN), most.parse().unwrap_or(i128::MAX))
}

fn number(rest: &str, value: &[u8]) -> Option<String> {
    let (least, most) = bounds(rest);
    match plain(value) {
        Some(number) if (least..=most).contains(&number) => None,
        Some(_) => Some(format!("must be between {least} and {most}")),
        None if size(value).is_some() => {
            Some("must be a whole number, without a unit and without zeros in front".to_owned())
        }
        None => Some("must be a whole number".to_owned()),
    }
}

/// A size; a unit without digits is 0 of them.
pub(super) fn size(value: &[u8]) -> Option<u64> {
    parse_size(&[b"0", value].concat()).filter(|_| !value.is_empty())
}

fn memory(rest: &str, value: &[u8]) -> Option<String> {
    let (least, most) = bounds(rest);
    match size(value) {
        Some(size) if (least..=most).contains(&i128::from(size)) => None,
        Some(_) => Some(format!("must be between {least} and {most} bytes")),
        None => Some("must be a size such as 1048576, 1mb or 1m".to_owned()),
    }
}

fn memory_or_percent(value: &[u8]) -> Option<String> {
    let percent = value.strip_suffix(b"%").map(plain);
    match percent {
        Some(Some(percent)) if (0..=100).contains(&percent) => None,
        None if size(value).is_some() => None,
        _ => Some("must be a size such as 1mb, or a percentage up to 100%".to_owned()),
    }
}

fn octal(rest: &str, value: &[u8]) -> Option<String> {
    let read = |text: &str| i128::from_str_radix(text, 8).ok();
    let (least, most) = rest.split_once(' ').unwrap_or_default();
    let (least, most) = (read(least).unwrap_or(0), read(most).unwrap_or(i128::MAX));
    let number = std::str::from_utf8(value).ok().and_then(read);
    let is_fine = number.is_some_and(|number| (least..=most).contains(&number));
    (!is_fine).then(|| format!("must be an octal number from {least:o} to {most:o}"))
}

fn letters(known: &str, value: &[u8]) -> Option<String> {
    let is_known = value.iter().all(|letter| known.as_bytes().contains(letter));
    (!is_known).then(|| format!("must be made of the letters {known}"))
}

/// `save`: seconds and changes in turn, or nothing, or one empty word.
fn points(args: &[Vec<u8>], is_strict: bool) -> Option<String> {
    let is_number = |least: i128| move |arg: &Vec<u8>| plain(arg).is_some_and(|n| n >= least);
    let is_fine = match args {
        [only] if only.is_empty() => true,
        _ => {
            // Redis 6.2 passes over one that is left alone.
            let pairs = args.len() - args.len() % 2;
            let (args, rest) = args.split_at(pairs);
            (rest.is_empty() || !is_strict)
                && args.iter().step_by(2).all(is_number(1))
                && args.iter().skip(1).step_by(2).all(is_number(0))
        }
    };
    (!is_fine).then(|| "must be pairs of seconds and changes".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::conf::lines;

    fn why(target: &str, text: &str) -> Option<String> {
        let target: Target = target.parse().unwrap();
        let mut settings = Settings::default();
        let mut last = None;
        for line in lines(text.as_bytes()) {
            let line = line.unwrap();
            let _ = settings.apply(&line);
            last = target.refusal(&line, &settings);
        }
        last
    }

    #[test]
    fn a_comment_behind_a_value_is_more_words() {
        let told = why("redis-8.2", "port 0  # Disable non-TLS port").unwrap();
        assert_eq!(told, "takes one argument, not 5; a comment cannot follow on the same line");
        assert_eq!(why("redis-8.2", "port 0"), None);
    }

    #[test]
    fn every_form_refuses_what_it_is_not() {
        for (line, bad) in [
            ("databases 2k", true),
            ("databases 0", true),
            ("databases 16", false),
            ("maxmemory 2gb", false),
            ("maxmemory 2 gb", true),
            ("maxmemory 5%", true),
            ("maxmemory-clients 5%", false),
            ("maxmemory-clients 101%", true),
            ("appendonly YES", false),
            ("appendonly true", true),
            ("maxmemory-policy allkeys-lfu", false),
            ("maxmemory-policy lru", true),
            ("unixsocketperm 700", false),
            ("unixsocketperm 888", true),
            ("notify-keyspace-events KEA", false),
            ("notify-keyspace-events xyz!", true),
            ("save 3600 1 300 100", false),
            ("save \"\"", false),
            ("save 1", true),
            ("save a b", true),
            ("appendfilename a/b", true),
            ("appendfilename \"\"", true),
            ("shutdown-on-sigterm save now", false),
            ("rename-command SET", true),
            ("user default on nopass ~* +@all", false),
            ("no-such-thing yes", true),
        ] {
            assert_eq!(
                why("redis-7.4", line).is_some(),
                bad,
                "{line}: {:?}",
                why("redis-7.4", line)
            );
        }
    }

    #[test]
    fn what_a_module_may_want_is_not_known() {
        assert!(why("redis-7.4", "search.threads 2").is_some());
        assert_eq!(why("redis-7.4", "loadmodule /a.so\nsearch.threads 2"), None);
        assert!(why("redis-7.4", "loadmodule /a.so\nsearch-threads 2").is_some());
        assert_eq!(why("redis-8.2", "loadmodule /a.so\nsearch-threads 2"), None);
        assert!(why("redis-6.2", "loadmodule /a.so\nsearch.threads 2").is_some());
    }

    #[test]
    fn of_servers_that_were_not_run_nothing_is_said_that_a_neighbour_may_know() {
        assert!(why("redis-8.2", "aof-load-corrupt-tail-max-size 100").is_some());
        assert_eq!(why("redis-8.4", "aof-load-corrupt-tail-max-size 100"), None);
        assert_eq!(why("redis-8.6", "aof-load-corrupt-tail-max-size 100"), None);
        assert!(why("redis-8.6", "aof-load-corrupt-tail-max-size 4k").is_some());
        assert_eq!(why("redis-8.12", "what-may-come yes"), None);
        assert!(why("redis-8.12", "port no").is_some());
    }

    #[test]
    fn a_command_is_renamed_only_where_there_is_one() {
        let told = |target: &str, text: &str| {
            let target: Target = target.parse().unwrap();
            let mut renames = Renames::default();
            let lines = lines(text.as_bytes()).map(Result::unwrap);
            lines.filter_map(|line| target.refuses_rename(&line, &mut renames)).count()
        };
        assert_eq!(told("redis-8.2", "rename-command SET A\nrename-command A \"\""), 0);
        assert_eq!(told("redis-8.2", "rename-command SET get"), 1);
        assert_eq!(told("redis-8.2", "rename-command MSETEX a"), 1);
        assert_eq!(told("redis-8.6", "rename-command MSETEX a"), 0);
        assert_eq!(told("redis-8.6", "rename-command VADD a"), 1);
        assert_eq!(told("redis-8.2", "rename-command SET a\nrename-command SET b"), 1);
    }
}
