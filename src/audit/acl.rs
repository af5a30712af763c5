//! What servers make of the rules of a user, in a `user` line of a configuration or of an ACL file: both are read alike.
//!
//! | rule | taken |
//! |---|---|
//! | `on off nopass reset resetpass` and others, in any case | as words; `clearselectors` since 7.0, `alldbs resetdbs db=N,N` since Valkey 9.1 |
//! | `>PASSWORD` | always |
//! | `#HASH` | of 64 hexadecimal digits in lower case |
//! | `<PASSWORD` `!HASH` | where it was given before |
//! | `~PATTERN` | unless all keys are given already; so `%R~PATTERN %W~ %RW~` since 7.0 |
//! | `&PATTERN` | unless all channels are given already, which they are from the beginning before 7.0 |
//! | `+COMMAND -COMMAND +@CATEGORY -@CATEGORY` | where there is one of that name |
//! | `+COMMAND\|SUB` | before 7.0 always; since then where the command has such a subcommand, or none at all (a first argument) |
//! | `-COMMAND\|SUB` | since 7.0, where there is such a subcommand |
//! | `(RULES)` | since 7.0, with rules of keys, channels, commands and databases |
//!
//! Source: some 150 lines in configurations and ACL files, given to Redis 6.2 to 8.6 and Valkey 8.1 to 9.1.
//! No reason holds a word that may be a password.

use crate::command::{self, has_module_form};
use crate::format::rdb::Family;
use crate::rules::{Knowledge, Target};
use crate::text;

/// The categories of commands, the same in all recorded servers (`ACL CAT`), and `all`.
const CATEGORIES: [&str; 22] = [
    "admin",
    "all",
    "bitmap",
    "blocking",
    "connection",
    "dangerous",
    "fast",
    "geo",
    "hash",
    "hyperloglog",
    "keyspace",
    "list",
    "pubsub",
    "read",
    "scripting",
    "set",
    "slow",
    "sortedset",
    "stream",
    "string",
    "transaction",
    "write",
];

/// Categories that well-known modules add; these may be loaded by arguments, which no file shows.
const OF_MODULES: [&str; 8] =
    ["bloom", "cms", "cuckoo", "json", "search", "tdigest", "timeseries", "topk"];

/// Hexadecimal digits of a password's hash.
const HASH: usize = 64;

/// A server that reads rules.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader {
    /// The server.
    pub target: Target,
    /// It loads modules, which may have commands and categories of any name.
    pub has_modules: bool,
    /// Channels that a user has from the beginning are another setting (`acl-pubsub-default`).
    pub sets_channels: bool,
}

impl Reader {
    /// A name is taken once, keys are told by what is done with them, and there are selectors and subcommands.
    fn is_new(&self) -> bool {
        self.target.version >= (7, 0)
    }

    /// Whether a user may be defined once only.
    pub fn takes_a_user_once(&self) -> bool {
        self.is_new()
    }

    fn has_databases(&self) -> bool {
        self.target.family == Family::Valkey && self.target.version >= (9, 1)
    }

    /// Whether a new user has all channels.
    fn first_channels(&self) -> Option<bool> {
        (!self.sets_channels).then_some(!self.is_new())
    }

    /// The first rule that is surely wrong, and why.
    pub fn fault(&self, rules: &[Vec<u8>]) -> Option<String> {
        let all_channels = self.first_channels();
        let mut user = User { all_keys: false, all_channels, ..User::default() };
        let mut rest = rules.iter().map(Vec::as_slice).zip(1..);
        while let Some((rule, number)) = rest.next() {
            if rule.first() == Some(&b'(') && self.is_new() {
                let mut selector = rule.to_vec();
                while selector.last() != Some(&b')') {
                    let Some((more, _)) = rest.next() else {
                        return Some("a selector is not closed with )".to_owned());
                    };
                    selector.push(b' ');
                    selector.extend_from_slice(more);
                }
                let wrong = self.selector(&selector[1..selector.len() - 1]);
                if wrong.is_some() {
                    return wrong;
                }
                continue;
            }
            let wrong = match self.of_user(rule, &mut user) {
                Some(told) => told,
                None => self.of_rights(rule, &mut user),
            };
            if let Err(why) = wrong {
                return Some(why.said(rule, number));
            }
        }
        None
    }

    /// What stands between the brackets of a selector.
    fn selector(&self, inside: &[u8]) -> Option<String> {
        let mut user = User { all_keys: false, all_channels: Some(false), ..User::default() };
        let words = inside.split(|byte| byte.is_ascii_whitespace()).filter(|word| !word.is_empty());
        words.zip(1..).find_map(|(rule, number)| {
            let why = self.of_rights(rule, &mut user).err()?;
            Some(format!("in a selector, {}", why.said(rule, number)))
        })
    }

    /// A rule that is of a user as a whole; `None` of any other.
    fn of_user(&self, rule: &[u8], user: &mut User) -> Option<Result<(), Wrong>> {
        match rule.first()? {
            b'>' => user.passwords.push(Password::Plain(rule[1..].to_vec())),
            b'#' if !is_hash(&rule[1..]) => return Some(Err(Wrong::Hash)),
            b'#' => user.passwords.push(Password::Hash(rule[1..].to_vec())),
            b'!' if !is_hash(&rule[1..]) => return Some(Err(Wrong::Hash)),
            b'!' => return Some(user.remove(&Password::Hash(rule[1..].to_vec()))),
            b'<' => return Some(user.remove(&Password::Plain(rule[1..].to_vec()))),
            _ => match &rule.to_ascii_lowercase()[..] {
                b"on" | b"off" | b"sanitize-payload" | b"skip-sanitize-payload" => {}
                b"nopass" | b"resetpass" => user.passwords.clear(),
                b"reset" => {
                    user.passwords.clear();
                    user.all_keys = false;
                    user.all_channels = self.first_channels();
                }
                b"clearselectors" if self.is_new() => {}
                _ => return None,
            },
        }
        Some(Ok(()))
    }

    /// A rule about keys, channels, commands and databases.
    fn of_rights(&self, rule: &[u8], user: &mut User) -> Result<(), Wrong> {
        let has_blank = || rule.iter().any(|byte| byte.is_ascii_whitespace() || *byte == 0);
        match rule.first() {
            Some(b'~') if rule == b"~*" => user.all_keys = true,
            Some(b'&') if rule == b"&*" => user.all_channels = Some(true),
            Some(b'~' | b'&' | b'%') if has_blank() => return Err(Wrong::Blank),
            Some(b'~') if user.all_keys => return Err(Wrong::AllKeys),
            Some(b'&') if user.all_channels == Some(true) => return Err(Wrong::AllChannels),
            Some(b'~' | b'&') => {}
            Some(b'%') if self.is_new() => {
                let is_taken_alone = rule == b"%" && self.target.version == (7, 4);
                if !(is_permission(&rule[1..]) || is_taken_alone) {
                    return Err(Wrong::Permission);
                }
                if user.all_keys {
                    return Err(Wrong::AllKeys);
                }
            }
            Some(sign @ (b'+' | b'-')) => return self.command(*sign == b'+', &rule[1..]),
            _ => match &rule.to_ascii_lowercase()[..] {
                b"allkeys" => user.all_keys = true,
                b"resetkeys" => user.all_keys = false,
                b"allchannels" => user.all_channels = Some(true),
                b"resetchannels" => user.all_channels = Some(false),
                b"allcommands" | b"nocommands" => {}
                b"alldbs" | b"resetdbs" if self.has_databases() => {}
                [b'd', b'b', b'=', list @ ..] if self.has_databases() => {
                    let is_number =
                        |one: &[u8]| !one.is_empty() && one.iter().all(u8::is_ascii_digit);
                    if !list.split(|byte| *byte == b',').all(is_number) {
                        return Err(Wrong::Databases);
                    }
                }
                _ => return Err(Wrong::NoRule),
            },
        }
        Ok(())
    }

    /// What stands behind `+` or `-`.
    fn command(&self, is_given: bool, name: &[u8]) -> Result<(), Wrong> {
        if let Some(category) = name.strip_prefix(b"@") {
            let is_it = |known: &&str| category.eq_ignore_ascii_case(known.as_bytes());
            let is_known = CATEGORIES.iter().chain(&OF_MODULES).any(is_it);
            return if is_known || self.has_modules { Ok(()) } else { Err(Wrong::Category) };
        }
        let mut parts = name.splitn(3, |byte| *byte == b'|');
        let (base, sub, more) = (parts.next().unwrap_or_default(), parts.next(), parts.next());
        if sub.is_some_and(<[u8]>::is_empty) {
            return Err(Wrong::NoSub);
        }
        let Some(of_base) = self.known(base)? else { return Ok(()) };
        let Some(sub) = sub else { return Ok(()) };
        match (self.is_new(), is_given) {
            (false, true) => Ok(()),
            (false, false) => Err(Wrong::Removed),
            (true, _) if more.is_some() => Err(Wrong::TwoSubs),
            (true, _) if self.target.rules.is_container(of_base) => {
                let id = command::lookup_sub(of_base, sub);
                let has = id.is_some_and(|id| self.target.rules.arity_of(id).is_some());
                if has || !self.is_sure() { Ok(()) } else { Err(Wrong::Sub) }
            }
            (true, true) => Ok(()),
            (true, false) => Err(Wrong::Removed),
        }
    }

    /// The command of this name; `None` where the server may have one that is not known here.
    fn known(&self, name: &[u8]) -> Result<Option<command::CommandId>, Wrong> {
        let id = command::lookup(name).filter(|id| !id.command().name.contains('|'));
        let of_module = id.is_some_and(|id| id.command().module.is_some()) || has_module_form(name);
        match id.filter(|id| self.target.rules.arity_of(*id).is_some()) {
            Some(id) => Ok(Some(id)),
            None if self.has_modules || of_module || !self.is_sure() && id.is_some() => Ok(None),
            None => Err(Wrong::Command),
        }
    }

    /// A server of this version was run, so its commands are known.
    fn is_sure(&self) -> bool {
        matches!(self.target.knowledge, Knowledge::Recorded | Knowledge::Asked)
    }
}

/// What the rules so far have made of a user.
#[derive(Default)]
struct User {
    all_keys: bool,
    /// `None` where a setting that was not looked at decides.
    all_channels: Option<bool>,
    passwords: Vec<Password>,
}

impl User {
    /// Takes a password away. One of the other form may be the same.
    fn remove(&mut self, password: &Password) -> Result<(), Wrong> {
        if let Some(at) = self.passwords.iter().position(|known| known == password) {
            self.passwords.remove(at);
            return Ok(());
        }
        let is_of_other_form =
            |known: &Password| std::mem::discriminant(known) != std::mem::discriminant(password);
        if self.passwords.iter().any(is_of_other_form) { Ok(()) } else { Err(Wrong::NoPassword) }
    }
}

/// A password, as it stands in a line.
#[derive(PartialEq, Eq)]
enum Password {
    Plain(Vec<u8>),
    Hash(Vec<u8>),
}

/// Why a rule is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrong {
    NoRule,
    Hash,
    NoPassword,
    Blank,
    AllKeys,
    AllChannels,
    Permission,
    Databases,
    Category,
    Command,
    NoSub,
    Sub,
    TwoSubs,
    Removed,
}

impl Wrong {
    /// In words, of this rule, the so-and-so-many-th.
    fn said(self, rule: &[u8], number: usize) -> String {
        let shown = text::name(rule);
        match self {
            // Somebody may have forgotten the sign before a password.
            Self::NoRule => format!("word {number} behind the name is no rule"),
            Self::Hash => format!(
                "word {number} behind the name is no hash: 64 hexadecimal digits in lower case are asked for"
            ),
            Self::NoPassword => {
                format!(
                    "word {number} behind the name takes away a password that the user does not have"
                )
            }
            Self::Blank => format!("the pattern of word {number} behind the name has a blank"),
            Self::AllKeys => format!("{shown} is of no use: all keys are given before it"),
            Self::AllChannels => format!("{shown} is of no use: all channels are given before it"),
            Self::Permission => {
                format!("{shown} is no key pattern: %R~, %W~ or %RW~ begins one")
            }
            Self::Databases => format!("{shown}: numbers with commas between them have to follow"),
            Self::Category => format!("{shown} is no category of commands"),
            Self::Command => format!("{shown}: there is no such command"),
            Self::NoSub => format!("{shown}: nothing stands behind the |"),
            Self::Sub => format!("{shown}: the command has no such subcommand"),
            Self::TwoSubs => format!("{shown}: no more than one | is taken"),
            Self::Removed => format!("{shown}: only subcommands can be taken away like that"),
        }
    }
}

fn is_hash(text: &[u8]) -> bool {
    let is_digit = |byte: &u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte);
    text.len() == HASH && text.iter().all(is_digit)
}

/// Whether R, W or both stand behind `%`, before a tilde or the end.
fn is_permission(rest: &[u8]) -> bool {
    let at = rest.iter().position(|byte| *byte == b'~').unwrap_or(rest.len());
    matches!(&rest[..at].to_ascii_uppercase()[..], b"R" | b"W" | b"RW" | b"WR")
}
