//! Why a server does not start with a line of a configuration, in words.

use super::complaints::{counted, fits, one_of, size, wrong_count};
use super::directives::{LargeSizes, UnknownLines};
use super::target::{Knowledge, Target};
use super::worded;
use crate::command::{NotRenamed, Renames};
use crate::format::conf::{Directive, Settings};
use crate::format::words::Dialect;

/// Lines that are no settings: their words are those that were written.
const LINES: [&[u8]; 4] = [b"include", b"rename-command", b"user", b"loadmodule"];

impl Target {
    /// Why this server does not start with a line, in words that show none of its values. `None` where it takes it, or
    /// where that is not known. `settings` are those of the whole configuration.
    pub fn refusal(&self, line: &Directive, settings: &Settings) -> Option<String> {
        let directives = &self.rules.directives;
        if directives.is_empty() {
            return None;
        }
        if line.joined && self.rules.manifest != Some(Dialect::Concatenating) {
            return Some("the quotes do not balance".to_owned());
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
        let is_setting = !LINES.contains(&line.name.as_slice());
        let parted = is_setting.then(|| directives.parted(form, &line.args)).flatten();
        let args = parted.as_ref().unwrap_or(&line.args);
        refusal(form, args, directives.large_sizes).map(|why| {
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

/// Why a line of this form is refused with these words.
fn refusal(form: &str, args: &[Vec<u8>], sizes: LargeSizes) -> Option<String> {
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
        "memory" => memory(rest, value, sizes),
        "memory-or-percent" => memory_or_percent(value, sizes),
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
        None if !value.is_empty() && size(value).is_some() => {
            Some("must be a whole number, without a unit and without zeros in front".to_owned())
        }
        None => Some("must be a whole number".to_owned()),
    }
}

fn memory(rest: &str, value: &[u8], sizes: LargeSizes) -> Option<String> {
    let (least, most) = bounds(rest);
    match sizes.read(value) {
        Some(size) if (least..=most).contains(&i128::from(size)) => None,
        Some(_) => Some(format!("must be between {least} and {most} bytes")),
        None => Some("must be a size such as 1048576, 1mb or 1m".to_owned()),
    }
}

fn memory_or_percent(value: &[u8], sizes: LargeSizes) -> Option<String> {
    let percent = value.strip_suffix(b"%").map(plain);
    match percent {
        Some(Some(percent)) if (0..=100).contains(&percent) => None,
        None if sizes.read(value).is_some() => None,
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
            ("maxmemory \"\"", false),
            ("repl-backlog-size \"\"", true),
            ("hz \"\"", true),
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
            ("save \"60 1\"", false),
            ("rename-command \"SET a\"", true),
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
    fn sizes_beyond_64_bits_are_what_each_server_takes_them_for() {
        for (server, refused) in [
            ("redis-6.2", [false, true, false]),
            ("redis-8.2", [true, true, false]),
            ("redis-8.6", [false, false, false]),
            ("valkey-9.1", [true, true, false]),
        ] {
            let lines = ["99999999999999999999", "99999999999999999999kb", "20000000000gb"];
            let told = lines.map(|size| why(server, &format!("maxmemory {size}")).is_some());
            assert_eq!(told, refused, "{server}");
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
