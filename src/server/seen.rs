//! Everything that a server tells of itself to who audits it.

use std::collections::BTreeMap;

use super::{ServerState, Withheld};
use crate::format::conf::is_secret;
use crate::redact::Secret;

/// A value of `CONFIG GET`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// One that may be shown.
    Text(String),
    /// One that may not.
    Secret(Secret),
}

/// A user, as `ACL LIST` tells it, without passwords and their hashes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserSeen {
    /// The name.
    pub name: String,
    /// It may log in.
    pub is_on: bool,
    /// Any password will do (`nopass`).
    pub needs_no_password: bool,
    /// How many passwords it has.
    pub passwords: usize,
    /// The other rules, in order: `~*`, `+@all`.
    pub rules: Vec<String>,
}

impl UserSeen {
    /// A line of `ACL LIST`, or the words of a `user` line behind its first.
    pub fn parse(words: &[&str]) -> Option<Self> {
        let (name, rules) = words.split_first()?;
        let mut user = Self {
            name: (*name).to_owned(),
            is_on: false,
            needs_no_password: false,
            passwords: 0,
            rules: Vec::new(),
        };
        for &rule in rules {
            match rule {
                "on" => user.is_on = true,
                "off" => user.is_on = false,
                "nopass" => (user.needs_no_password, user.passwords) = (true, 0),
                "resetpass" => (user.needs_no_password, user.passwords) = (false, 0),
                _ if rule.starts_with(['#', '>']) => {
                    (user.needs_no_password, user.passwords) = (false, user.passwords + 1);
                }
                _ if rule.starts_with(['<', '!']) => {
                    user.passwords = user.passwords.saturating_sub(1);
                }
                _ => user.rules.push(rule.to_owned()),
            }
        }
        Some(user)
    }
}

/// Everything that a server tells of itself. What it does not tell this user is `None` or empty.
#[derive(Clone, Debug, Default)]
pub struct ServerSeen {
    /// Its address, without a password.
    pub address: String,
    /// What other verbs ask as well.
    pub state: ServerState,
    /// `INFO ALL`: fields and what it says of them.
    pub info: BTreeMap<String, String>,
    /// `CONFIG GET *`; empty where [`Self::withheld`] says why.
    pub settings: BTreeMap<String, Told>,
    /// Why the settings are unknown.
    pub withheld: Option<Withheld>,
    /// `MODULE LIST`.
    pub modules: Option<Vec<String>>,
    /// `ACL LIST`.
    pub users: Option<Vec<UserSeen>>,
}

impl ServerSeen {
    /// A field of `INFO` that is a number.
    pub fn number(&self, field: &str) -> Option<u64> {
        self.info.get(field)?.parse().ok()
    }
}

/// The fields of a text of `INFO`.
pub(super) fn fields(info: &str) -> BTreeMap<String, String> {
    let pair = |line: &str| {
        let (name, value) = line.trim_end_matches('\r').split_once(':')?;
        Some((name.to_owned(), value.to_owned()))
    };
    info.lines().filter_map(pair).collect()
}

/// A setting and its value.
pub(super) fn setting((name, value): (String, String)) -> (String, Told) {
    let told = match is_secret(&name) {
        true => Told::Secret(Secret::new(value)),
        false => Told::Text(value),
    };
    (name, told)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_user_no_password_is_kept() {
        let user = UserSeen::parse(&["app", "on", "#ab12", ">open", "~app:*", "+@read"]).unwrap();
        assert_eq!((user.is_on, user.needs_no_password, user.passwords), (true, false, 2));
        assert_eq!(user.rules, ["~app:*", "+@read"]);
        let free = UserSeen::parse(&["default", "on", "nopass", "~*"]).unwrap();
        assert!(free.needs_no_password && free.passwords == 0);
        assert!(UserSeen::parse(&[]).is_none());
    }

    #[test]
    fn of_a_secret_setting_nothing_is_shown() {
        let pair = |name: &str| setting((name.to_owned(), "hunter2".to_owned()));
        assert!(!format!("{:?}", pair("requirepass")).contains("hunter2"));
        assert!(format!("{:?}", pair("appendonly")).contains("hunter2"));
    }
}
