//! The server that keys are brought back to: one, or the primaries of a cluster.

use std::path::Path;

use super::hindrance::Hindrance;
use super::source::now_ms;
use crate::error::{Error, ErrorKind, Result};
use crate::format::slot::slot;
use crate::server::{Address, Answer, Asking, RoleOfServer, Server, ServerState};

/// A key that expires so soon is not written: with REPLACE, it would be a deletion by the time it comes.
const SOON_MS: i64 = 1000;

/// How a server is connected to.
pub type Connect<'a> = &'a dyn Fn(&Address) -> Result<Server>;

/// One server.
pub struct Node {
    /// Where it is.
    pub address: Address,
    /// What it said of itself when it was looked at.
    pub state: ServerState,
    pub(super) server: Server,
    pub(super) asking: Asking,
    /// Whether it takes payloads of the version at hand, once that was probed.
    pub(super) takes_payloads: Option<bool>,
    /// By how much its clock is ahead of ours, milliseconds.
    ahead_ms: i64,
    db: u64,
}

/// Where keys go.
pub struct Target<'a> {
    connect: Connect<'a>,
    first: Address,
    /// One server, or the primaries of a cluster.
    pub nodes: Vec<Node>,
    /// From slot to slot, and whose they are; `None` where it is no cluster.
    slots: Option<Vec<(u16, u16, usize)>>,
}

impl Node {
    fn open(address: Address, connect: Connect<'_>) -> Result<Self> {
        let mut server = connect(&address)?;
        let state = server.state()?;
        let asking = server.asking()?;
        let mut node =
            Self { address, state, server, asking, takes_payloads: None, ahead_ms: 0, db: 0 };
        let told = node.one(&[b"TIME"])?;
        let time: Vec<i64> = told.items().iter().filter_map(Answer::number).collect();
        if let [seconds, micros] = time[..] {
            node.ahead_ms = seconds.saturating_mul(1000) + micros / 1000 - now_ms();
        }
        Ok(node)
    }

    /// Whether a key that expires then is gone by its clock, or goes before it can be written.
    pub(super) fn is_passed(&self, expires_ms: Option<i64>) -> bool {
        expires_ms.is_some_and(|at| at <= now_ms() + self.ahead_ms + SOON_MS)
    }

    /// Whether it is a 7.0 or later; one that does not tell is taken for that.
    pub(super) fn is_of_seven(&self) -> bool {
        let version = self.state.version.as_deref().unwrap_or_default();
        let major = version.split('.').next().and_then(|major| major.parse::<u32>().ok());
        major.is_none_or(|major| major >= 7)
    }

    /// Selects a database. Answers whether there is one of this number.
    pub(super) fn select(&mut self, db: u64) -> Result<bool> {
        if self.db == db {
            return Ok(true);
        }
        let answer = self.one(&[b"SELECT", db.to_string().as_bytes()])?;
        if answer.refusal().is_none() {
            self.db = db;
        }
        Ok(answer.refusal().is_none())
    }

    /// The answer to one command.
    pub(super) fn one(&mut self, words: &[&[u8]]) -> Result<Answer> {
        let answers = self.server.call(&[words.to_vec()])?;
        Ok(answers.into_iter().next().unwrap_or(Answer::Nil))
    }

    /// Why this server takes no writes, by what it says now. It must be the one that was looked at.
    pub(super) fn hindrance(&mut self, needed: u64) -> Result<Option<Hindrance>> {
        let state = self.server.state()?;
        let found = match judged(&state, needed) {
            None if state.run_id != self.state.run_id => Some(Hindrance::OtherRun {
                expected: self.state.run_id.clone().unwrap_or_default(),
                found: state.run_id.clone().unwrap_or_default(),
            }),
            found => found,
        };
        Ok(found)
    }

    /// The memory in use by what it says now, where it has a limit: both.
    pub(super) fn memory(&mut self) -> Result<Option<(u64, u64)>> {
        if self.state.maxmemory_bytes.is_none_or(|most| most == 0) {
            return Ok(None);
        }
        let told = self.one(&[b"INFO", b"memory"])?;
        let told = String::from_utf8_lossy(told.bytes()).into_owned();
        let field = |name: &str| {
            let mut lines = told.lines().filter_map(|line| line.trim_end().split_once(':'));
            lines.find(|(word, _)| *word == name)?.1.parse::<u64>().ok()
        };
        let most = field("maxmemory").or(self.state.maxmemory_bytes);
        Ok(field("used_memory").zip(most).filter(|(_, most)| *most > 0))
    }
}

/// Why a server in this state takes no writes.
pub(super) fn judged(state: &ServerState, needed: u64) -> Option<Hindrance> {
    if state.loading == Some(true) {
        return Some(Hindrance::Loading);
    }
    match state.role {
        Some(RoleOfServer::Replica) => return Some(Hindrance::Replica),
        None => return Some(Hindrance::Untold),
        Some(RoleOfServer::Primary) => {}
    }
    if state.write_last_ok == Some(false) {
        return Some(Hindrance::LogFails);
    }
    let (Some(_), Some(used), Some(most)) =
        (&state.run_id, state.used_memory_bytes, state.maxmemory_bytes)
    else {
        return Some(Hindrance::Untold);
    };
    (most > 0 && used.saturating_add(needed) >= most).then_some(Hindrance::NoRoom {
        needed,
        used,
        most,
    })
}

impl<'a> Target<'a> {
    /// Connects; to all primaries, where it is a node of a cluster.
    ///
    /// # Errors
    /// When one of them does not answer.
    pub fn open(address: &Address, connect: Connect<'a>) -> Result<Self> {
        let first = Node::open(address.clone(), connect)?;
        let mut target = Self { connect, first: address.clone(), nodes: vec![first], slots: None };
        let told = target.nodes[0].one(&[b"INFO", b"cluster"])?;
        if String::from_utf8_lossy(told.bytes()).contains("cluster_enabled:1") {
            target.ask_for_slots()?;
        }
        Ok(target)
    }

    /// Whether it is a cluster.
    pub fn is_cluster(&self) -> bool {
        self.slots.is_some()
    }

    /// Asks which node serves which slots, and connects to those that are new.
    pub(super) fn ask_for_slots(&mut self) -> Result<()> {
        let answer = self.nodes[0].one(&[b"CLUSTER", b"SLOTS"])?;
        if let Some(why) = answer.refusal() {
            let path = self.first.to_string();
            return Err(Error::new(ErrorKind::Server(why.to_owned()), Path::new(&path)));
        }
        let mut slots = Vec::new();
        for range in answer.items() {
            let [from, to, primary, ..] = range.items() else { continue };
            let [host, port, ..] = primary.items() else { continue };
            let number = |answer: &Answer| u16::try_from(answer.number().unwrap_or(-1)).ok();
            let (Some(from), Some(to), Some(port)) = (number(from), number(to), number(port))
            else {
                continue;
            };
            let host = String::from_utf8_lossy(host.bytes()).into_owned();
            // One that does not know its own address is where it was asked.
            let address = self.first.elsewhere(Some(host).filter(|h| !h.is_empty()), port);
            let known = self.nodes.iter().position(|node| node.address == address);
            let node = match known {
                Some(node) => node,
                None => {
                    self.nodes.push(Node::open(address, self.connect)?);
                    self.nodes.len() - 1
                }
            };
            slots.push((from, to, node));
        }
        self.slots = Some(slots);
        Ok(())
    }

    /// Which node has a key, or would have it.
    pub(super) fn node_of(&self, name: &[u8]) -> Result<usize, Hindrance> {
        let Some(slots) = &self.slots else { return Ok(0) };
        let wanted = slot(name);
        let found = slots.iter().find(|(from, to, _)| (*from..=*to).contains(&wanted));
        found.map(|(.., node)| *node).ok_or(Hindrance::NoNode(wanted))
    }

    /// The nodes that keys may go to: where it is a cluster, the one that was named need be none of them.
    pub fn serving(&self) -> impl Iterator<Item = &Node> {
        let serves = |at: usize| match &self.slots {
            Some(slots) => slots.iter().any(|(.., node)| *node == at),
            None => true,
        };
        self.nodes.iter().enumerate().filter(move |(at, _)| serves(*at)).map(|(_, node)| node)
    }
}
