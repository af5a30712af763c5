//! Commands that no server writes into a log, and that act when one is loaded: loaders run any command, and
//! ask nobody.
//!
//! What a log is for changes keys. These change the process, its configuration, files, the network or other
//! clients. Scripts and functions (`EVAL`, `FCALL`, `FUNCTION LOAD`, `SCRIPT LOAD`) are none: servers log them.
//! Nor is what only asks (`PING`, `INFO`, `CLUSTER NODES`), or `PUBLISH`, which no subscriber hears while a log is loaded.

/// What is known of such a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trap {
    deadly: Deadly,
}

/// Deaths that not every server dies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Deaths {
    /// Of `WAIT 1 0`, outside a transaction.
    pub waits: bool,
    /// Of `DEBUG RELOAD`, outside a transaction.
    pub reloads: bool,
}

/// When a server dies of it while loading, or begins anew without end. Source: servers started on logs with
/// each of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deadly {
    Never,
    Always,
    /// With NOW among its words: without, it would have to wait, which it may not.
    Now,
    /// Older ones, outside a transaction, when it asks for a replica.
    ForReplicas,
    /// Some, outside a transaction: its log is not open yet when it begins to write it anew.
    Reload,
    /// In a transaction, which it frees while EXEC walks over it.
    InTransaction,
    /// With two arguments: a full copy goes out to a client that has no connection.
    TwoArguments,
}

impl Trap {
    /// Whether a server with these deaths dies when it runs a record with these `arguments` (its name not among them) while
    /// loading; in a transaction that is when EXEC runs it.
    pub fn kills<'a>(
        self,
        deaths: Deaths,
        in_transaction: bool,
        arguments: impl Iterator<Item = &'a [u8]>,
    ) -> bool {
        match self.deadly {
            Deadly::Never => false,
            Deadly::Always => true,
            Deadly::InTransaction => in_transaction,
            Deadly::Reload => deaths.reloads && !in_transaction,
            Deadly::TwoArguments => arguments.count() == 2,
            Deadly::ForReplicas => {
                let replicas = arguments.map(std::str::from_utf8).next();
                let replicas = replicas.and_then(Result::ok).and_then(|n| n.parse::<i64>().ok());
                deaths.waits && !in_transaction && replicas.is_some_and(|n| n > 0)
            }
            Deadly::Now => ends_now(arguments),
        }
    }
}

/// Whether SHUTDOWN with these words ends the process without waiting for anything.
fn ends_now<'a>(words: impl Iterator<Item = &'a [u8]>) -> bool {
    let (mut seen, mut understood) = ([false; SHUTDOWN.len()], true);
    for word in words {
        match SHUTDOWN.iter().position(|known| known.as_bytes().eq_ignore_ascii_case(word)) {
            Some(place) => seen[place] = true,
            None => understood = false,
        }
    }
    let [now, save, nosave, _] = seen;
    understood && now && !(save && nosave)
}

/// Words of SHUTDOWN.
const SHUTDOWN: [&str; 4] = ["NOW", "SAVE", "NOSAVE", "FORCE"];

/// Whatever follows the name.
const ALWAYS: [&str; 28] = [
    "ACL",
    "AUTH",
    "BACKUP",
    "BGREWRITEAOF",
    "BGSAVE",
    "CONFIG",
    "DEBUG",
    "FAILOVER",
    "HELLO",
    "HOTKEYS",
    "MIGRATE",
    "MODULE",
    "MONITOR",
    "PSUBSCRIBE",
    "PSYNC",
    "QUIT",
    "REPLCONF",
    "REPLICAOF",
    "RESET",
    "SAVE",
    "SENTINEL",
    "SHUTDOWN",
    "SLAVEOF",
    "SSUBSCRIBE",
    "SUBSCRIBE",
    "SYNC",
    "WAIT",
    "WAITAOF",
];

/// With any subcommand but these, which only ask or which servers log: what a newer server may have besides is
/// not known to be harmless.
const EXCEPT: [(&str, &[&str]); 2] = [
    (
        "CLIENT",
        &[
            "GETNAME",
            "GETREDIR",
            "HELP",
            "ID",
            "INFO",
            "LIST",
            "SETINFO",
            "SETNAME",
            "TRACKINGINFO",
        ],
    ),
    (
        "CLUSTER",
        &[
            "COUNT-FAILURE-REPORTS",
            "COUNTKEYSINSLOT",
            "FLUSHSLOT",
            "GETKEYSINSLOT",
            "GETSLOTMIGRATIONS",
            "HELP",
            "INFO",
            "KEYSLOT",
            "LINKS",
            "MYID",
            "MYSHARDID",
            "NODES",
            "REPLICAS",
            "SHARDS",
            "SLAVES",
            "SLOT-STATS",
            "SLOTS",
            "SYNCSLOTS",
        ],
    ),
];

/// With these subcommands alone.
const ONLY: [(&str, &[&str]); 5] = [
    ("COMMANDLOG", &["RESET"]),
    ("LATENCY", &["RESET"]),
    ("MEMORY", &["PURGE"]),
    ("SCRIPT", &["DEBUG", "KILL"]),
    ("SLOWLOG", &["RESET"]),
];

/// Subcommands of DEBUG that end the process, or replace it by one that loads the same log again.
const DEADLY_DEBUG: [&str; 7] =
    ["ASSERT", "CRASH-AND-RECOVER", "LOADAOF", "OOM", "PANIC", "RESTART", "SEGFAULT"];

/// Whether a record of this name and first argument, each in any letter case, is such a command.
pub fn trap(name: &[u8], first_argument: Option<&[u8]>) -> Option<Trap> {
    let is = |word: &str| word.as_bytes().eq_ignore_ascii_case(name);
    let first_is = |words: &[&str]| {
        first_argument.is_some_and(|first| {
            words.iter().any(|word| word.as_bytes().eq_ignore_ascii_case(first))
        })
    };
    let acts = ALWAYS.into_iter().any(is)
        || ONLY.iter().any(|(container, subs)| is(container) && first_is(subs))
        || EXCEPT
            .iter()
            .any(|(container, asks)| is(container) && first_argument.is_some() && !first_is(asks));
    let deadly = match () {
        () if is("DEBUG") && first_is(&DEADLY_DEBUG) => Deadly::Always,
        () if is("DEBUG") && first_is(&["RELOAD"]) => Deadly::Reload,
        () if is("SHUTDOWN") => Deadly::Now,
        () if is("WAIT") => Deadly::ForReplicas,
        () if is("RESET") => Deadly::InTransaction,
        () if is("PSYNC") => Deadly::TwoArguments,
        () => Deadly::Never,
    };
    acts.then_some(Trap { deadly })
}

/// Whether a record of this name may be one, whatever its arguments are.
pub fn may_be_trap(name: &[u8]) -> bool {
    let is = |word: &str| word.as_bytes().eq_ignore_ascii_case(name);
    ALWAYS.into_iter().any(is)
        || EXCEPT.iter().any(|(container, _)| is(container))
        || ONLY.iter().any(|(container, _)| is(container))
}

/// Whether what follows this name, one of a trap, is a subcommand that a reader has to see.
pub fn has_subcommands(name: &[u8]) -> bool {
    let is = |word: &str| word.as_bytes().eq_ignore_ascii_case(name);
    ["ACL", "BACKUP", "CONFIG", "DEBUG", "HOTKEYS", "MODULE", "SENTINEL"].into_iter().any(is)
        || EXCEPT.iter().any(|(container, _)| is(container))
        || ONLY.iter().any(|(container, _)| is(container))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::all;

    /// What administers a server is in one list or the other: nothing is forgotten.
    #[test]
    fn every_command_for_administrators_is_a_trap_or_only_asks() {
        const ASK: [&str; 18] = [
            "CLIENT|LIST",
            "CLUSTER|COUNT-FAILURE-REPORTS",
            "CLUSTER|FLUSHSLOT",
            "CLUSTER|GETSLOTMIGRATIONS",
            "CLUSTER|REPLICAS",
            "CLUSTER|SLAVES",
            "CLUSTER|SYNCSLOTS",
            "COMMANDLOG|GET",
            "COMMANDLOG|LEN",
            "LATENCY|DOCTOR",
            "LATENCY|GRAPH",
            "LATENCY|HISTOGRAM",
            "LATENCY|HISTORY",
            "LATENCY|LATEST",
            "PFDEBUG",
            "PFSELFTEST",
            "SLOWLOG|GET",
            "SLOWLOG|LEN",
        ];
        let text = include_str!("../rules/servers.txt");
        for row in text.lines().filter_map(|line| line.strip_prefix("command\t")) {
            let columns: Vec<&str> = row.split('\t').collect();
            let (full, flags) = (columns[0], columns[4]);
            if !flags.split(',').any(|flag| flag == "admin") {
                continue;
            }
            // Older servers list a container alone: its subcommands count.
            if all().iter().any(|c| c.name == full && c.container) {
                continue;
            }
            let (first, second) = match full.split_once('|') {
                None => (full, None),
                Some((container, name)) => (container, Some(name.as_bytes())),
            };
            let is_trap = trap(first.as_bytes(), second).is_some();
            assert_ne!(is_trap, ASK.contains(&full), "{full}");
        }
        assert!(all().iter().any(|c| c.name == "MODULE|LOAD"));
    }

    #[test]
    fn names_and_words_are_taken_in_any_case() {
        assert!(trap(b"mOdUlE", Some(b"load")).is_some());
        assert!(trap(b"cluster", Some(b"Reset")).is_some());
        for logged in ["FLUSHSLOT", "syncslots", "NODES"] {
            assert_eq!(trap(b"CLUSTER", Some(logged.as_bytes())), None, "{logged}");
        }
        assert_eq!(trap(b"SET", Some(b"MODULE")), None);
        assert_eq!(trap(b"", None), None);
        assert_eq!(trap(b"SCRIPT", Some(b"LOAD")), None);
    }

    #[test]
    fn who_dies_of_what() {
        let kills = |deaths, inside, words: &[&str]| {
            let arguments = words[1..].iter().map(|word| word.as_bytes());
            let first = words.get(1).map(|word| word.as_bytes());
            trap(words[0].as_bytes(), first).unwrap().kills(deaths, inside, arguments)
        };
        let waits = Deaths { waits: true, reloads: false };
        let reloads = Deaths { waits: false, reloads: true };
        assert!(kills(reloads, false, &["debug", "segfault"]));
        assert!(!kills(reloads, false, &["DEBUG", "SLEEP", "0"]));
        assert!(kills(reloads, false, &["SHUTDOWN", "nosave", "now"]));
        assert!(!kills(reloads, false, &["SHUTDOWN", "NOSAVE"]));
        assert!(!kills(reloads, false, &["SHUTDOWN", "NOW", "SAVE", "NOSAVE"]));
        assert!(kills(waits, false, &["WAIT", "1", "0"]));
        assert!(!kills(waits, true, &["WAIT", "1", "0"]));
        assert!(!kills(waits, false, &["WAIT", "0", "0"]));
        assert!(!kills(reloads, false, &["WAIT", "1", "0"]));
        assert!(kills(reloads, true, &["RESET"]) && !kills(reloads, false, &["RESET"]));
    }
}
