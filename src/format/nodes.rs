//! `nodes.conf`: what a node of a cluster remembers of the others.
//!
//! | field | meaning |
//! |---|---|
//! | 1 | the node's name: 40 hexadecimal digits |
//! | 2 | `address:port@busport`, then behind commas its host name and pairs such as `shard-id=…` |
//! | 3 | flags with commas between: `myself`, `master`, `slave`, `fail?`, `fail`, `handshake`, `noaddr`, `nofailover`, `noflags` |
//! | 4 | the name of its primary, or `-` |
//! | 5, 6 | when a ping was sent and a pong received, Unix milliseconds; 0: none |
//! | 7 | its configuration epoch |
//! | 8 | `connected` or `disconnected`, as seen when the file was written |
//! | 9… | slots: `7`, `0-5460`, `[93->-name]` (moving to that node), `[77-<-name]` (coming from it) |
//!
//! A line that begins with `vars` has pairs: `vars currentEpoch 6 lastVoteEpoch 0`. The port may stand without a bus port,
//! and an address may be empty. Source: files that Redis 6.2 to 8.6 and Valkey 8.1 to 9.1 wrote, and how they read them.

use super::slot::SLOTS;
use super::words::{Dialect, split};

/// Digits of a node's name.
const NAME: usize = 40;

/// Fields of a node's line before its slots.
const FIELDS: usize = 8;

/// Ports by which the bus port is above the other where it is not told.
const BUS: u32 = 10_000;

/// What a file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Nodes {
    /// The nodes in the order of the file.
    pub nodes: Vec<Node>,
    /// `currentEpoch`.
    pub current_epoch: Option<u64>,
    /// `lastVoteEpoch`.
    pub last_vote_epoch: Option<u64>,
}

/// One node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Node {
    /// Line of the file, from 1.
    pub line: usize,
    /// Its name.
    pub id: String,
    /// Its address; empty where it is not known.
    pub address: String,
    /// Its port.
    pub port: u32,
    /// Its port for other nodes.
    pub bus_port: u32,
    /// The host name that it announces.
    pub host_name: Option<String>,
    /// What else stands behind its address, such as `shard-id`.
    pub others: Vec<(String, String)>,
    /// Its flags.
    pub flags: Vec<String>,
    /// The name of its primary.
    pub primary: Option<String>,
    /// When it was last pinged without an answer so far, Unix milliseconds; 0: it owes none.
    pub ping_sent_ms: u64,
    /// When it last answered, Unix milliseconds; 0: never.
    pub pong_received_ms: u64,
    /// Its configuration epoch.
    pub epoch: u64,
    /// Whether the link to it was up.
    pub is_connected: bool,
    /// Its slots: first and last of each stretch.
    pub slots: Vec<(u16, u16)>,
    /// Slots that are moving to another node: the slot and that node's name.
    pub migrating: Vec<(u16, String)>,
    /// Slots that are coming from another node.
    pub importing: Vec<(u16, String)>,
}

impl Node {
    /// Whether it has this flag.
    pub fn is(&self, flag: &str) -> bool {
        self.flags.iter().any(|own| own == flag)
    }

    /// Whether the file is its own.
    pub fn is_myself(&self) -> bool {
        self.is("myself")
    }

    /// Whether it takes writes; what is neither is no full member yet.
    pub fn is_primary(&self) -> bool {
        self.is("master")
    }

    /// Whether it follows another.
    pub fn is_replica(&self) -> bool {
        self.is("slave")
    }

    /// How many slots it has.
    pub fn slot_count(&self) -> u32 {
        self.slots.iter().map(|(first, last)| u32::from(last - first) + 1).sum()
    }

    /// Whether it has this slot.
    pub fn has(&self, slot: u16) -> bool {
        self.slots.iter().any(|(first, last)| (*first..=*last).contains(&slot))
    }
}

impl Nodes {
    /// The node whose file it is.
    pub fn myself(&self) -> Option<&Node> {
        self.nodes.iter().find(|node| node.is_myself())
    }
}

/// Why a file cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// Line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub why: &'static str,
}

impl std::fmt::Display for Wrong {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {}: {}", self.line, self.why)
    }
}

/// Reads a file.
///
/// # Errors
/// What is wrong with the first line that no server would take.
pub fn parse(bytes: &[u8]) -> Result<Nodes, Wrong> {
    let mut nodes = Nodes::default();
    for (place, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        let wrong = |why| Wrong { line: place + 1, why };
        let words = split(line, Dialect::Strict).ok_or_else(|| wrong("quotes do not balance"))?;
        let mut text = Vec::with_capacity(words.words.len());
        for word in words.words {
            text.push(String::from_utf8(word).map_err(|_| wrong("it is no text"))?);
        }
        match text.first() {
            None => {}
            Some(first) if first.eq_ignore_ascii_case("vars") => {
                variables(&text, &mut nodes).map_err(wrong)?;
            }
            Some(_) => {
                let node = node(&text).map_err(wrong)?;
                nodes.nodes.push(Node { line: place + 1, ..node });
            }
        }
    }
    Ok(nodes)
}

type Read<T> = Result<T, &'static str>;

fn variables(words: &[String], nodes: &mut Nodes) -> Read<()> {
    let pairs = words[1..].chunks_exact(2);
    if !pairs.remainder().is_empty() {
        return Err("a variable has no value");
    }
    for pair in pairs {
        let value = || number(&pair[1]).map(Some);
        match pair[0].to_ascii_lowercase().as_str() {
            "currentepoch" => nodes.current_epoch = value()?,
            "lastvoteepoch" => nodes.last_vote_epoch = value()?,
            // Servers pass over those that they do not know.
            _ => {}
        }
    }
    Ok(())
}

fn node(words: &[String]) -> Read<Node> {
    let [id, place, flags, primary, ping, pong, epoch, link, ..] = words else {
        return Err("a node has at least eight fields");
    };
    let mut node = Node {
        id: name(id)?,
        flags: flags.split(',').filter(|flag| *flag != "noflags").map(str::to_owned).collect(),
        primary: if primary.starts_with('-') { None } else { Some(name(primary)?) },
        ping_sent_ms: number(ping)?,
        pong_received_ms: number(pong)?,
        epoch: number(epoch)?,
        is_connected: link == "connected",
        ..Node::default()
    };
    address(place, &mut node)?;
    for word in &words[FIELDS..] {
        slots(word, &mut node)?;
    }
    Ok(node)
}

fn name(word: &str) -> Read<String> {
    let is_digit = |byte: u8| byte.is_ascii_digit() || byte.is_ascii_lowercase();
    let fits = word.len() == NAME && word.bytes().all(is_digit);
    fits.then(|| word.to_owned()).ok_or("a node's name has 40 digits")
}

fn number(word: &str) -> Read<u64> {
    word.parse().map_err(|_| "a number is none")
}

fn address(word: &str, node: &mut Node) -> Read<()> {
    let mut parts = word.split(',');
    let place = parts.next().unwrap_or_default();
    let (address, ports) = place.rsplit_once(':').ok_or("an address has no port")?;
    let (port, bus_port) = ports.split_once('@').map_or((ports, None), |(p, b)| (p, Some(b)));
    let port_number = |text: &str| text.parse::<u32>().map_err(|_| "a port is none");
    node.address = address.to_owned();
    node.port = port_number(port)?;
    node.bus_port = match bus_port {
        Some(bus_port) => port_number(bus_port)?,
        None => node.port.saturating_add(BUS),
    };
    node.host_name = parts.next().filter(|host| !host.is_empty()).map(str::to_owned);
    for pair in parts.filter(|pair| !pair.is_empty()) {
        let (key, value) =
            pair.split_once('=').ok_or("what stands behind an address is no pair")?;
        node.others.push((key.to_owned(), value.to_owned()));
    }
    Ok(())
}

fn slots(word: &str, node: &mut Node) -> Read<()> {
    const NONE: &str = "a slot is none of 0 to 16383";
    let slot = |text: &str| text.parse().ok().filter(|slot| *slot < SLOTS).ok_or(NONE);
    let Some(moving) = word.strip_prefix('[') else {
        let (first, last) = word.split_once('-').unwrap_or((word, word));
        let (first, last) = (slot(first)?, slot(last)?);
        if first > last {
            return Err("a stretch of slots ends before it begins");
        }
        node.slots.push((first, last));
        return Ok(());
    };
    const MOVING: &str = "a slot that moves is written [SLOT->-NODE] or [SLOT-<-NODE]";
    let moving = moving.strip_suffix(']').ok_or(MOVING)?;
    let (number, rest) = moving.split_once('-').ok_or(MOVING)?;
    let (direction, other) = rest.split_once('-').ok_or(MOVING)?;
    let row = (slot(number)?, name(other)?);
    match direction {
        ">" => node.migrating.push(row),
        "<" => node.importing.push(row),
        _ => return Err(MOVING),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "07c37dfeb235213a872192d90877d0cd55635b91";
    const B: &str = "67ed2db8d677e59ec4a4cefb06858cf2a1a89fa1";

    #[test]
    fn every_form_of_a_line_is_read() {
        let text = format!(
            "{A} 127.0.0.1:30004@31004,node-a,tls-port=0,shard-id={B} myself,master - 0 1426238317239 4 connected \
             0-5460 5462 [93->-{B}] [77-<-{B}]\n\
             {B} ::1:30002@31002 slave,fail? {A} 1426238316232 0 2 disconnected\n\
             {B} :0 noflags - 0 0 0 disconnected\n\nvars currentEpoch 6 lastVoteEpoch 0\n"
        );
        let read = parse(text.as_bytes()).unwrap();
        let [own, replica, lost] = &read.nodes[..] else { panic!("{read:?}") };
        assert_eq!((own.id.as_str(), own.port, own.bus_port), (A, 30004, 31004));
        assert_eq!((own.address.as_str(), own.host_name.as_deref()), ("127.0.0.1", Some("node-a")));
        assert_eq!(own.others[1], ("shard-id".to_owned(), B.to_owned()));
        assert!(own.is_myself() && own.is_primary() && own.is_connected);
        assert_eq!(own.slots, [(0, 5460), (5462, 5462)]);
        assert_eq!((own.slot_count(), own.has(5461), own.has(5462)), (5462, false, true));
        assert_eq!(own.migrating, [(93, B.to_owned())]);
        assert_eq!(own.importing, [(77, B.to_owned())]);
        assert_eq!((replica.line, replica.address.as_str()), (2, "::1"));
        assert_eq!((replica.primary.as_deref(), replica.is("fail?")), (Some(A), true));
        assert_eq!((lost.bus_port, lost.flags.len()), (10_000, 0));
        assert_eq!((read.current_epoch, read.last_vote_epoch), (Some(6), Some(0)));
        assert_eq!(read.myself().map(|node| node.epoch), Some(4));
        assert_eq!(parse(b""), Ok(Nodes::default()));
    }

    #[test]
    fn a_line_that_no_server_takes_is_named() {
        for (line, why) in [
            (format!("{A} 127.0.0.1:1@2 master - 0 0 0"), "eight fields"),
            ("abc 127.0.0.1:1@2 master - 0 0 0 connected".to_owned(), "40 digits"),
            (format!("{A} nowhere master - 0 0 0 connected"), "no port"),
            (format!("{A} h:1@2 master - 0 0 0 connected 16384"), "0 to 16383"),
            (format!("{A} h:1@2 master - 0 0 0 connected 9-3"), "before it begins"),
            (format!("{A} h:1@2 master - 0 0 0 connected [3->-x]"), "40 digits"),
            (format!("{A} h:1@2 master - 0 0 0 connected [3]"), "moves"),
            ("vars currentEpoch".to_owned(), "no value"),
            ("\"".to_owned(), "balance"),
        ] {
            let wrong = parse(format!("\n{line}\n").as_bytes()).unwrap_err();
            assert_eq!(wrong.line, 2, "{line}");
            assert!(wrong.to_string().contains(why), "{line}: {wrong}");
        }
    }
}
