//! The configuration of a Sentinel, which it writes itself while it runs.
//!
//! | line | meaning |
//! |---|---|
//! | `sentinel monitor NAME HOST PORT QUORUM` | a primary that is watched |
//! | `sentinel down-after-milliseconds NAME MS`, `failover-timeout`, `parallel-syncs`, `auth-pass`, `auth-user` | how |
//! | `sentinel known-sentinel NAME HOST PORT ID`, `known-replica NAME HOST PORT`, `known-slave` | whom it has met |
//! | `sentinel myid ID`, `announce-ip`, `announce-port`, `resolve-hostnames`, `announce-hostnames`, `deny-scripts-reconfig` | itself |
//!
//! Source: `sentinelHandleConfiguration` and `rewriteConfigSentinelOption` in `sentinel.c`; files that Redis 7.0 to 8.6 and Valkey 8.1 to 9.1 wrote.
//! Passwords are not kept.

use std::path::PathBuf;

use crate::aof::{Configuration, Line};
use crate::rules::Target;
use crate::text;

/// What a Sentinel's configuration says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SentinelConf {
    /// The file.
    pub path: PathBuf,
    /// `sentinel myid`: its name, once it has run.
    pub id: Option<String>,
    /// `sentinel announce-ip`.
    pub announce_ip: Option<At<String>>,
    /// `sentinel announce-port`.
    pub announce_port: Option<At<String>>,
    /// `sentinel resolve-hostnames`.
    pub resolves_names: bool,
    /// `sentinel announce-hostnames`.
    pub announces_names: Option<At<bool>>,
    /// `sentinel deny-scripts-reconfig`.
    pub denies_scripts: Option<At<bool>>,
    /// `bind`, as words.
    pub bind: Option<At<Vec<String>>>,
    /// `protected-mode`.
    pub protected_mode: Option<At<bool>>,
    /// It asks its clients for a password (`requirepass`, or a `user default` line without `nopass`).
    pub has_password: bool,
    /// What it watches.
    pub monitors: Vec<Monitor>,
    /// Lines that Sentinels do not start with.
    pub refused: Vec<At<Refusal>>,
}

/// Why a line is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// In words that hold no secret.
    pub why: String,
    /// By every Sentinel; some pass over directives that they do not know.
    pub by_all: bool,
}

impl Refusal {
    fn by_all(why: impl Into<String>) -> Self {
        Self { why: why.into(), by_all: true }
    }
}

/// What may follow `sentinel`: `sentinelHandleConfiguration` of Redis 6.2 to 8.6 and Valkey 8.1 to 9.1.
const OPTIONS: &[&str] = &[
    "monitor",
    "down-after-milliseconds",
    "failover-timeout",
    "parallel-syncs",
    "notification-script",
    "client-reconfig-script",
    "auth-pass",
    "auth-user",
    "current-epoch",
    "myid",
    "config-epoch",
    "leader-epoch",
    "known-slave",
    "known-replica",
    "known-sentinel",
    "rename-command",
    "announce-ip",
    "announce-port",
    "deny-scripts-reconfig",
    "sentinel-user",
    "sentinel-pass",
    "resolve-hostnames",
    "announce-hostnames",
    "master-reboot-down-after-period",
    "primary-reboot-down-after-period",
];

/// A value and the line it stands in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct At<T> {
    /// The value.
    pub value: T,
    /// The file.
    pub file: PathBuf,
    /// The line, from 1.
    pub number: u64,
}

/// A primary that is watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Monitor {
    /// Its name.
    pub name: String,
    /// Where it is: an address or a host name.
    pub host: String,
    /// Its port.
    pub port: u32,
    /// How many Sentinels must find it lost, and the line that says all this.
    pub quorum: At<u32>,
    /// `down-after-milliseconds`.
    pub down_after_ms: Option<At<u64>>,
    /// `failover-timeout`, milliseconds.
    pub failover_timeout_ms: Option<At<u64>>,
    /// `parallel-syncs`.
    pub parallel_syncs: Option<At<u64>>,
    /// It has a password for it (`auth-pass`).
    pub has_password: bool,
    /// Other Sentinels that it has met: host, port and name.
    pub sentinels: Vec<(String, u32, String)>,
    /// Replicas that it has met: host and port.
    pub replicas: Vec<(String, u32)>,
}

impl Monitor {
    /// After how long without an answer it counts as lost, milliseconds.
    pub fn down_after_ms(&self) -> u64 {
        self.down_after_ms.as_ref().map_or(30_000, |at| at.value)
    }

    /// How long a failover may take, milliseconds.
    pub fn failover_timeout_ms(&self) -> u64 {
        self.failover_timeout_ms.as_ref().map_or(180_000, |at| at.value)
    }
}

impl SentinelConf {
    /// What the lines of a configuration say.
    pub fn new(conf: &Configuration) -> Self {
        let mut read = Self { path: conf.path.clone(), ..Self::default() };
        // A Sentinel takes these lines first, wherever they stand.
        let (monitors, others): (Vec<&Line>, Vec<&Line>) =
            conf.lines.iter().partition(|line| monitored(line).is_some());
        let names: Vec<_> = monitors.iter().filter_map(|line| monitored(line)).collect();
        for (line, place) in monitors.iter().zip(0..) {
            let is_known = names[..place].contains(&names[place]);
            let twice = is_known
                .then(|| Refusal::by_all("sentinel monitor: this name is monitored already"));
            if let Some(why) = refusal(line).or(twice) {
                read.refused.push(at(line, why));
            }
            read.line(line);
        }
        for line in others {
            if let Some(why) = refusal(line).or_else(|| of_another(line, &names)) {
                read.refused.push(at(line, why));
            }
            read.line(line);
        }
        read
    }

    /// `None` where the line says nothing of use.
    fn line(&mut self, line: &Line) -> Option<()> {
        let directive = line.directive.as_ref()?;
        let words: Option<Vec<&str>> =
            directive.args.iter().map(|word| std::str::from_utf8(word).ok()).collect();
        let words = words?;
        match (directive.name.as_slice(), &words[..]) {
            (b"bind", all) => {
                self.bind = Some(at(line, all.iter().map(|&w| w.to_owned()).collect()))
            }
            (b"protected-mode", [flag]) => self.protected_mode = Some(at(line, yes(flag)?)),
            (b"requirepass", [password]) => self.has_password = !password.is_empty(),
            (b"user", ["default", rules @ ..]) if rules.contains(&"nopass") => {
                self.has_password = false
            }
            (b"user", ["default", rules @ ..]) => {
                self.has_password |= rules.iter().any(|rule| rule.starts_with(['>', '#']));
            }
            (b"sentinel", [name, rest @ ..]) => {
                self.sentinel(line, &name.to_ascii_lowercase(), rest)?
            }
            _ => {}
        }
        Some(())
    }

    fn sentinel(&mut self, line: &Line, name: &str, words: &[&str]) -> Option<()> {
        match (name, words) {
            ("monitor", [name, host, port, quorum]) => self.monitors.push(Monitor {
                name: (*name).to_owned(),
                host: (*host).to_owned(),
                port: port.parse().ok()?,
                quorum: at(line, quorum.parse().ok()?),
                down_after_ms: None,
                failover_timeout_ms: None,
                parallel_syncs: None,
                has_password: false,
                sentinels: Vec::new(),
                replicas: Vec::new(),
            }),
            ("myid", [id]) => self.id = Some((*id).to_owned()),
            ("announce-ip", [ip]) => self.announce_ip = Some(at(line, (*ip).to_owned())),
            ("announce-port", [port]) => self.announce_port = Some(at(line, (*port).to_owned())),
            ("resolve-hostnames", [flag]) => self.resolves_names = yes(flag)?,
            ("announce-hostnames", [flag]) => self.announces_names = Some(at(line, yes(flag)?)),
            ("deny-scripts-reconfig", [flag]) => self.denies_scripts = Some(at(line, yes(flag)?)),
            (_, [of, rest @ ..]) => {
                let monitor = self.monitors.iter_mut().find(|monitor| monitor.name == *of)?;
                monitor.line(line, name, rest)?;
            }
            _ => {}
        }
        Some(())
    }
}

impl Monitor {
    fn line(&mut self, line: &Line, name: &str, words: &[&str]) -> Option<()> {
        match (name, words) {
            ("down-after-milliseconds", [ms]) => {
                self.down_after_ms = Some(at(line, ms.parse().ok()?))
            }
            ("failover-timeout", [ms]) => {
                self.failover_timeout_ms = Some(at(line, ms.parse().ok()?))
            }
            ("parallel-syncs", [count]) => {
                self.parallel_syncs = Some(at(line, count.parse().ok()?))
            }
            ("auth-pass", [password]) => self.has_password = !password.is_empty(),
            ("known-sentinel", [host, port, id, ..]) => {
                self.sentinels.push(((*host).to_owned(), port.parse().ok()?, (*id).to_owned()));
            }
            ("known-replica" | "known-slave", [host, port]) => {
                self.replicas.push(((*host).to_owned(), port.parse().ok()?));
            }
            _ => {}
        }
        Some(())
    }
}

/// Why Sentinels do not start with a line, as far as that is known for certain.
fn refusal(line: &Line) -> Option<Refusal> {
    let Some(directive) = &line.directive else { return line.refused.clone().map(Refusal::by_all) };
    if directive.name != b"sentinel" {
        let is_known =
            Target::recorded().iter().any(|one| one.rules.directives.has(&directive.name));
        let why = format!("{}: no recorded server knows it", text::name(&directive.name));
        return (!is_known).then_some(Refusal { why, by_all: false });
    }
    let Some((option, args)) = directive.args.split_first() else {
        return Some(Refusal::by_all("sentinel: no option follows"));
    };
    if !OPTIONS.iter().any(|known| option.eq_ignore_ascii_case(known.as_bytes())) {
        let why = format!("sentinel {}: Sentinels know no such option", text::name(option));
        return Some(Refusal::by_all(why));
    }
    let is_monitor = option.eq_ignore_ascii_case(b"monitor");
    is_monitor.then(|| of_monitor(args)).flatten().map(Refusal::by_all)
}

/// The name that a line `sentinel monitor` gives.
fn monitored(line: &Line) -> Option<&[u8]> {
    let directive = line.directive.as_ref().filter(|one| one.name == b"sentinel")?;
    let (option, args) = directive.args.split_first()?;
    let name = args.first().filter(|_| option.eq_ignore_ascii_case(b"monitor"))?;
    Some(name)
}

/// Options of a Sentinel as a whole; all others name a primary.
const OF_ITSELF: &[&str] = &[
    "current-epoch",
    "myid",
    "announce-ip",
    "announce-port",
    "deny-scripts-reconfig",
    "sentinel-user",
    "sentinel-pass",
    "resolve-hostnames",
    "announce-hostnames",
];

/// Why a line is refused that is about a primary which no line monitors. Nine servers refuse it, wherever that line stands.
fn of_another(line: &Line, monitored: &[&[u8]]) -> Option<Refusal> {
    let directive = line.directive.as_ref().filter(|one| one.name == b"sentinel")?;
    let (option, args) = directive.args.split_first()?;
    let is_own = OF_ITSELF.iter().any(|own| option.eq_ignore_ascii_case(own.as_bytes()));
    let name = args.first().filter(|_| !is_own)?;
    let why = format!(
        "sentinel {}: no line monitors a primary named {}",
        text::name(&option.to_ascii_lowercase()),
        text::name(name)
    );
    (!monitored.contains(&name.as_slice())).then(|| Refusal::by_all(why))
}

/// What is wrong with the words behind `sentinel monitor`.
fn of_monitor(args: &[Vec<u8>]) -> Option<String> {
    let [_, _, port, quorum] = args else {
        let why = "a name, an address, a port and a quorum have to follow";
        return Some(format!("sentinel monitor: {why}"));
    };
    if leading_number(quorum) <= 0 {
        return Some(format!("sentinel monitor: the quorum {} is below 1", text::name(quorum)));
    }
    let is_port = (0..=65_535).contains(&leading_number(port));
    (!is_port).then(|| format!("sentinel monitor: {} is no port", text::name(port)))
}

/// The number that a word begins with, as a Sentinel reads it: 0 where there is none.
fn leading_number(word: &[u8]) -> i64 {
    let (sign, digits) = match word.trim_ascii_start() {
        [b'-', rest @ ..] => (-1, rest),
        [b'+', rest @ ..] => (1, rest),
        all => (1, all),
    };
    let digits = digits.iter().take_while(|byte| byte.is_ascii_digit());
    let number = digits.fold(0_i64, |number, byte| {
        number.saturating_mul(10).saturating_add(i64::from(byte - b'0'))
    });
    sign * number
}

fn at<T>(line: &Line, value: T) -> At<T> {
    At { value, file: line.file.to_path_buf(), number: line.number }
}

fn yes(word: &str) -> Option<bool> {
    match word.to_ascii_lowercase().as_str() {
        "yes" => Some(true),
        "no" => Some(false),
        _ => None,
    }
}
