//! The command table, read once from the text that is built in.

use std::sync::OnceLock;

use super::keys::{First, Rule};
use super::specs;

/// Number of a command in the table; small and dense.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CommandId(pub(super) u16);

impl CommandId {
    /// Position in the table, for arrays indexed by command.
    pub fn index(self) -> usize {
        usize::from(self.0)
    }

    /// What a loader does with it.
    #[inline]
    pub fn kind(self) -> Kind {
        match self.0 {
            0 => Kind::Multi,
            1 => Kind::Exec,
            2 => Kind::Discard,
            3 => Kind::Select,
            _ => Kind::Plain,
        }
    }

    /// What the table says of it.
    pub fn command(self) -> &'static Command {
        &all()[self.index()]
    }
}

/// A server whose command set is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Server {
    /// Redis 7.0
    Redis70,
    /// Redis 8.2
    Redis82,
    /// Valkey 8.1
    Valkey81,
    /// Valkey 9.1
    Valkey91,
}

impl Server {
    const ALL: [Self; 4] = [Self::Redis70, Self::Redis82, Self::Valkey81, Self::Valkey91];

    /// Whether this server has a command that the newest of its family (`source`) has `since` a version.
    fn has(self, source: &str, since: &str) -> bool {
        let (family, newest) = match self {
            Self::Redis70 => ("redis", (7, 0)),
            Self::Redis82 => ("redis", (8, 2)),
            Self::Valkey81 => ("valkey", (8, 1)),
            Self::Valkey91 => ("valkey", (9, 1)),
        };
        let mut parts = since.split('.').map(|part| part.parse::<u32>().ok());
        let introduced = match (parts.next().flatten(), parts.next().flatten()) {
            (Some(major), Some(minor)) => (major, minor),
            // The module that is built into Redis 8 gives no version.
            _ => (8, 0),
        };
        source.starts_with(family) && introduced <= newest
    }
}

/// What a loader does with a command beyond running it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Runs it.
    Plain,
    /// Begins to queue.
    Multi,
    /// Runs what was queued.
    Exec,
    /// Is queued like any other while loading, and crashes the server when it is run there.
    Discard,
    /// Switches the database.
    Select,
}

/// One command, or one subcommand of a container.
#[derive(Clone, Debug)]
pub struct Command {
    /// `SET`, or `XGROUP|CREATE`.
    pub name: String,
    /// The group the servers' documentation puts it in (`string`, `hash` ...).
    pub group: &'static str,
    /// Whether it has subcommands.
    pub container: bool,
    /// Arguments per server, name included; -n means n or more; `None`: unknown to that server.
    arity: [Option<i16>; 4],
    /// What it does to its keys.
    pub effect: Effect,
    /// Whether it changes data, says one of the servers that know it.
    pub writes: bool,
    /// Where its keys are.
    pub(super) keys: Rule,
}

impl Command {
    /// How many arguments `server` wants, the name included; `-n` means `n` or more. `None` when the
    /// server does not know the command.
    #[inline]
    pub fn arity(&self, server: Server) -> Option<i16> {
        self.arity[server as usize]
    }
}

/// What a command does to its keys, as far as it matters whether they were right before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Effect {
    /// Nothing, or nothing that is known.
    #[default]
    None,
    /// Whatever was there is replaced or removed.
    Replaces,
    /// Every key of a database goes, or of all.
    Flushes,
    /// What is there afterwards depends on what was there before: INCR, APPEND, LPUSH, LPOP.
    BuildsOn,
    /// It writes one key from what others hold: ZUNIONSTORE, COPY, RENAME.
    Derives,
    /// Elements or fields are set or removed by name, whatever else is there: SADD, HSET, ZREM.
    SetsParts,
}

/// What the table's column says; a few commands differ from others of their class.
fn effect(name: &str, class: &str) -> Effect {
    match (name, class) {
        ("PFADD" | "SETBIT" | "SETRANGE" | "PFCOUNT" | "PFDEBUG", "modify") => Effect::SetsParts,
        ("LPUSH" | "LPUSHX" | "RPUSH" | "RPUSHX" | "LINSERT" | "HINCRBY" | "ZINCRBY", _)
        | ("HSETNX" | "SETNX" | "MSETNX", _) => Effect::BuildsOn,
        ("HDEL" | "HGETDEL" | "SREM" | "VREM" | "ZREM" | "XDEL" | "XDELEX" | "XACKDEL", _) => {
            Effect::SetsParts
        }
        (_, "modify" | "del-elem") => Effect::BuildsOn,
        (_, "add-elem" | "expire-elem" | "expire-key" | "stream-meta") => Effect::SetsParts,
        (_, "store-dest" | "move") => Effect::Derives,
        (_, "write-key" | "del-key") => Effect::Replaces,
        (_, "flush") => Effect::Flushes,
        _ => Effect::None,
    }
}

/// All commands and subcommands.
pub fn all() -> &'static [Command] {
    static TABLE: OnceLock<Vec<Command>> = OnceLock::new();
    TABLE.get_or_init(|| build(include_str!("commands.tsv")))
}

/// Whether a name is of the form modules give their commands (`JSON.SET`).
pub fn has_module_form(name: &[u8]) -> bool {
    let word = |part: &[u8]| {
        !part.is_empty() && part.iter().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(b))
    };
    match name.iter().position(|&b| b == b'.') {
        Some(dot) => name.len() <= 64 && word(&name[..dot]) && word(&name[dot + 1..]),
        None => false,
    }
}

/// Where an older server of the family asks for another number of arguments than the newest one.
/// Source: COMMAND of Redis 7.0.15 and Valkey 8.1.8.
const OLDER_ARITY: [(&str, Server, i16); 6] = [
    ("COMMAND|GETKEYS", Server::Redis70, -4),
    ("COMMAND|GETKEYSANDFLAGS", Server::Redis70, -4),
    ("ZRANK", Server::Redis70, 3),
    ("ZREVRANK", Server::Redis70, 3),
    ("CLUSTER|REPLICATE", Server::Valkey81, 3),
    ("SCRIPT|DEBUG", Server::Valkey81, 3),
];

fn build(text: &'static str) -> Vec<Command> {
    let mut commands: Vec<Command> = Vec::with_capacity(512);
    let mut places = std::collections::HashMap::with_capacity(512);
    let entry = |name: String| Command {
        name,
        group: "",
        container: false,
        arity: [None; 4],
        effect: Effect::None,
        writes: false,
        keys: Rule::default(),
    };
    // Those that loaders treat apart come first: `CommandId::kind` knows them by their number.
    for (place, name) in ["MULTI", "EXEC", "DISCARD", "SELECT"].into_iter().enumerate() {
        places.insert(name.to_owned(), place);
        commands.push(entry(name.to_owned()));
    }
    for line in text.lines().skip(1) {
        let columns: Vec<&'static str> = line.split('\t').collect();
        let [name, container, flags, _, _, _, cell, group, since, source, arity, class, ..] =
            columns[..]
        else {
            continue;
        };
        let full = full_name(container, name);
        let place = *places.entry(full.clone()).or_insert_with(|| {
            commands.push(entry(full));
            commands.len() - 1
        });
        commands[place].group = group;
        commands[place].effect = effect(&commands[place].name, class);
        commands[place].writes |= flags.split(',').any(|flag| flag == "write");
        let specs = specs::parse(cell);
        if !specs.is_empty() {
            commands[place].keys = Rule::new(&commands[place].name, specs);
        }
        for server in Server::ALL {
            if server.has(source, since) {
                commands[place].arity[server as usize] = arity.parse().ok();
            }
        }
        if let Some(&parent) = places.get(&container.to_ascii_uppercase()) {
            commands[parent].container = true;
            commands[parent].keys.first = First::Subcommand;
        }
    }
    for (name, server, arity) in OLDER_ARITY {
        if let Some(&place) = places.get(name) {
            commands[place].arity[server as usize] = Some(arity);
        }
    }
    commands
}

fn full_name(container: &str, name: &str) -> String {
    match container {
        "" => name.to_ascii_uppercase(),
        _ => format!("{container}|{name}").to_ascii_uppercase(),
    }
}
