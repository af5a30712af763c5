//! Settings that take the means from a server by which a log could act on more than its keys.

use std::ffi::OsString;

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    directive: &'static str,
    value: &'static str,
    /// Whether the value is a command's name, that loses it.
    unnames: bool,
}

/// What a server needs no command for while it loads and is read.
const UNNAMED: [&str; 16] = [
    "MODULE",
    "CONFIG",
    "DEBUG",
    "REPLICAOF",
    "SLAVEOF",
    "PSYNC",
    "SYNC",
    "FAILOVER",
    "MIGRATE",
    "SHUTDOWN",
    "SAVE",
    "BGSAVE",
    "BGREWRITEAOF",
    "ACL",
    "MONITOR",
    "REPLCONF",
];

/// Since 7.0.
const SWITCHED_OFF: [&str; 3] =
    ["enable-module-command", "enable-debug-command", "enable-protected-configs"];

impl Setting {
    /// All that a server of this version may know; 0 is an unknown version.
    pub fn all(major: u32) -> Vec<Self> {
        let switch = |directive| Self { directive, value: "no", unnames: false };
        let unname = |value| Self { directive: "rename-command", value, unnames: true };
        let switches = SWITCHED_OFF.map(switch).into_iter().filter(|_| major == 0 || major >= 7);
        switches.chain(UNNAMED.map(unname)).collect()
    }

    /// As a server takes it.
    pub fn words(&self) -> Vec<OsString> {
        let mut words = vec![format!("--{}", self.directive).into(), self.value.into()];
        if self.unnames {
            words.push(OsString::new());
        }
        words
    }

    /// Whether a server complains of it, by a line such as `>>> 'rename-command "FAILOVER" ""'`: an older one has
    /// no such command, or a program around it has taken its name away already.
    pub fn is_meant(&self, line: &str) -> bool {
        let Some((_, told)) = line.split_once(">>> '") else { return false };
        let mut words = told.split([' ', '\'']).map(|word| word.trim_matches('"'));
        words.next().is_some_and(|word| word.eq_ignore_ascii_case(self.directive))
            && words.next().is_some_and(|word| word.eq_ignore_ascii_case(self.value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_complains_of_is_found_in_its_words() {
        let all = Setting::all(7);
        let meant = |line: &str| all.iter().filter(|one| one.is_meant(line)).count();
        assert_eq!(meant(r#">>> 'rename-command "FAILOVER" ""'"#), 1);
        assert_eq!(meant(r#">>> 'enable-debug-command "no"'"#), 1);
        assert_eq!(meant(r#">>> 'rename-command "FLUSHALL" ""'"#), 0);
        assert_eq!(meant("rename-command FAILOVER"), 0);
        assert_eq!(Setting::all(6).len() + SWITCHED_OFF.len(), all.len());
    }
}
