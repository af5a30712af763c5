//! Which value of a setting counts, and where it was seen.
//!
//! A line of the configuration counts; where there is none, the running server's value; where neither is known, the
//! default of the server version, or the one that all recorded servers agree on. Where nothing at all was read, nothing
//! is known.

use super::finding::Place;
use super::subject::Subject;
use crate::aof::Line;
use crate::format::conf::{self, parse_size};
use crate::redact::Secret;
use crate::rules::defaults;
use crate::server::Told;

/// A value of a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// One that may be shown: its words.
    Plain(Vec<Vec<u8>>),
    /// One that may not.
    Secret(Secret),
}

/// A setting, its value, and where that was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The setting, as it is called there.
    pub name: String,
    /// Its value.
    pub value: Value,
    /// Where it was seen.
    pub place: Place,
    /// Nobody has set it: it is the default.
    pub is_default: bool,
}

impl Seen {
    /// The words of a value that may be shown; none of a secret.
    pub fn words(&self) -> &[Vec<u8>] {
        match &self.value {
            Value::Plain(words) => words,
            Value::Secret(_) => &[],
        }
    }

    /// A value of one word that is text.
    pub fn text(&self) -> Option<&str> {
        let [word] = self.words() else { return None };
        std::str::from_utf8(word).ok()
    }

    /// Whether its one word is this one, in any case.
    pub fn is(&self, word: &str) -> bool {
        self.text().is_some_and(|text| text.eq_ignore_ascii_case(word))
    }

    /// Yes or no.
    pub fn flag(&self) -> Option<bool> {
        if self.is("yes") {
            return Some(true);
        }
        self.is("no").then_some(false)
    }

    /// A whole number.
    pub fn number(&self) -> Option<i64> {
        self.text()?.parse().ok()
    }

    /// A size in bytes, with or without a unit.
    pub fn bytes(&self) -> Option<u64> {
        parse_size(self.text()?.as_bytes())
    }

    /// The secret, where it is one.
    pub fn secret(&self) -> Option<&Secret> {
        match &self.value {
            Value::Secret(secret) => Some(secret),
            Value::Plain(_) => None,
        }
    }

    /// What is set, and whether by default; a secret is not in it.
    pub fn shown(&self) -> String {
        match &self.value {
            Value::Secret(_) => format!("{} (hidden)", self.name),
            Value::Plain(words) => {
                let words: Vec<_> = words.iter().map(|word| conf::quoted(word)).collect();
                let by = if self.is_default { ", the default" } else { "" };
                format!("{} {}{by}", self.name, words.join(" "))
            }
        }
    }
}

/// The name that aliases of a setting share: old and new names mean the same.
pub fn canonical(name: &str) -> String {
    let name = name.to_ascii_lowercase().replace("ziplist", "listpack").replace("slave", "replica");
    match name.as_str() {
        "masterauth" => "primaryauth".to_owned(),
        "masteruser" => "primaryuser".to_owned(),
        "lua-time-limit" => "busy-reply-threshold".to_owned(),
        "slowlog-log-slower-than" => "commandlog-execution-slower-than".to_owned(),
        "slowlog-max-len" => "commandlog-slow-execution-max-len".to_owned(),
        _ => name,
    }
}

fn value(name: &str, words: Vec<Vec<u8>>) -> Value {
    match conf::is_secret(name) {
        true => Value::Secret(Secret::new(words.join(&b' '))),
        false => Value::Plain(words),
    }
}

impl Subject {
    /// The value of a setting that counts; `None` where it is not known.
    pub fn setting(&self, name: &str) -> Option<Seen> {
        self.lines(name).pop().or_else(|| self.running(name)).or_else(|| self.unset(name))
    }

    /// The lines of the configuration that are about a setting, in the order they are read; all but the last are
    /// overruled, save of `save`, `user` and others that add up.
    pub fn lines(&self, name: &str) -> Vec<Seen> {
        let wanted = canonical(name);
        let conf = self.conf.iter().flat_map(|conf| &conf.lines);
        conf.filter_map(|line| seen(line).filter(|seen| canonical(&seen.name) == wanted)).collect()
    }

    /// What the running server says of a setting.
    pub fn running(&self, name: &str) -> Option<Seen> {
        let server = self.server.as_ref()?;
        let wanted = canonical(name);
        let (name, value) = server
            .settings
            .get_key_value(name)
            .or_else(|| server.settings.iter().find(|(known, _)| canonical(known) == wanted))?;
        let value = match value {
            Told::Text(text) => Value::Plain(words(name, text)),
            Told::Secret(secret) => Value::Secret(secret.clone()),
        };
        let place = Place::Setting { server: server.address.clone(), name: name.clone() };
        Some(Seen { name: name.clone(), value, place, is_default: false })
    }

    /// What counts where the configuration is silent: of this server version, else what all recorded ones agree on.
    pub fn unset(&self, name: &str) -> Option<Seen> {
        let conf = self.conf.as_ref()?;
        let text = match &self.target {
            Some(target) => defaults::of(target, name),
            None => defaults::agreed(name),
        }?;
        let place = Place::Unset { file: conf.path.clone(), name: name.to_owned() };
        let value = value(name, words(name, text));
        Some(Seen { name: name.to_owned(), value, place, is_default: true })
    }
}

/// What a line says of a setting; `None` where it says nothing that a server takes for one.
fn seen(line: &Line) -> Option<Seen> {
    let directive = line.directive.as_ref()?;
    let name = String::from_utf8(directive.name.clone()).ok()?;
    let place = Place::Line { file: line.file.to_path_buf(), number: line.number };
    let value = value(&name, directive.args.clone());
    Some(Seen { name, value, place, is_default: false })
}

/// A server tells the words of a setting as one text. Those of paths are one word whatever they hold.
fn words(name: &str, text: &str) -> Vec<Vec<u8>> {
    const OF_SEVERAL: [&str; 6] = [
        "bind",
        "bind-source-addr",
        "save",
        "client-output-buffer-limit",
        "oom-score-adj-values",
        "latency-tracking-info-percentiles",
    ];
    if OF_SEVERAL.contains(&name) && !text.is_empty() {
        return text.split(' ').map(|word| word.as_bytes().to_vec()).collect();
    }
    vec![text.as_bytes().to_vec()]
}
