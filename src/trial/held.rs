//! A moment of a set in a real server of ours, to be read: [`Trial::hold`].

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::Trial;
use super::copy::{Copied, Wanted};
use super::leash::{Leash, OwnDir};
use super::names::look;
use super::server::{Failure, Load, OwnServer, words};
use crate::aof::Aof;
use crate::change::{Action, Looking};
use crate::check::{Loads, check};
use crate::error::{Error, ErrorKind, Result};
use crate::moment::Moment;
use crate::progress::Silent;
use crate::rewind::{Answer, Why, rewind};
use crate::server::{Access, Address, Server};

/// A server that has loaded a copy, and holds it until this is dropped. It takes no writes of others, for it has no port; it
/// goes, with its copy, also when we are killed.
///
/// It holds keys whose time has passed as well, where [`Self::keeps_passed`]: it was started as a replica of nobody, which
/// hides them and waits for a word of its primary to remove them. `MEMORY USAGE` tells that they are there.
pub struct Held {
    // Dropped in this order: the server before its directory.
    server: OwnServer,
    _own: Arc<OwnDir>,
    _leash: Leash,
    /// The server, by its own words, such as `Redis 8.2.3`.
    pub by: String,
    /// Whether it took all of it, or left out a torn end.
    pub loads: Loads,
    /// Keys by database when it had loaded them, those included whose time has passed.
    pub keys: BTreeMap<u64, u64>,
    /// Whether keys whose time has passed are there as well.
    pub keeps_passed: bool,
    /// What could not be kept from it.
    pub walls_missing: Vec<String>,
}

impl std::fmt::Debug for Held {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Held({})", self.by)
    }
}

impl Held {
    /// A connection to it.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn connect(&self) -> Result<Server> {
        let access = Access { patience: super::PATIENCE, ..Access::default() };
        Server::connect(&Address::of_path(&self.server.socket), &access)
    }
}

/// Why there is no such moment in a set. What words it gets is for the caller to say.
#[derive(Clone, Debug)]
pub enum NoMoment {
    /// It is out of reach.
    OutOfReach(Why),
    /// It lies behind damage.
    BehindDamage(String),
}

impl std::fmt::Display for NoMoment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::BehindDamage(why) => f.write_str(why),
            Self::OutOfReach(why) => f.write_str(match why {
                Why::Undated => {
                    "no command in it is dated (aof-timestamp-enabled was off): name a place or a command"
                }
                Why::OlderThanBase => "its base was made later: take an older snapshot",
                Why::NothingBefore => "it holds nothing before that moment",
                Why::NoSuchCommand => "it has no such command",
                Why::BeyondEnd => "the file ends before that byte",
                Why::InsideBase => "that byte lies inside the RDB of the base, which is one state",
            }),
        }
    }
}

/// The server's directory in each attempt.
const FIRST: &str = "1";
const SECOND: &str = "2";

/// What a server without a network of its own could reach, were it a replica; so it is one only where there is no network.
const NETWORK: &str = "a network";

impl Trial {
    /// Has the server load a copy of the set as it stood at a moment, all of it where none is named, and holds it there to be
    /// read. A torn end is left out, which [`Held::loads`] tells.
    ///
    /// # Errors
    /// A [`NoMoment`], when there is no such moment; [`ErrorKind::NotTried`], when the log holds commands that no server
    /// logs, or the server does not load it; when it was stopped, or files cannot be read or written.
    pub fn hold_at(
        &self,
        aof: &Aof,
        moment: Option<&Moment>,
        looking: &Looking<'_>,
    ) -> Result<Held> {
        let Some(moment) = moment else { return self.hold(aof, &self.wanted(aof)?) };
        let refused = |why: NoMoment| Error::refused(why, &aof.path);
        let proposal = match rewind(aof, moment, looking)?.answer {
            Answer::Plan(proposal) => proposal,
            Answer::No(why) => return Err(refused(NoMoment::OutOfReach(why))),
        };
        if let Some(why) = proposal.refusal() {
            return Err(refused(NoMoment::BehindDamage(why.to_string())));
        }
        if proposal.is_empty() {
            return self.hold(aof, &self.wanted(aof)?);
        }
        let manifest = proposal.actions.iter().find_map(|action| match action {
            Action::Manifest { after, .. } => Some(after.as_slice()),
            _ => None,
        });
        let shown = proposal.preview(aof)?;
        let as_dump = check(&shown)?.is_rdb;
        self.hold(&shown, &Wanted { as_dump, manifest })
    }

    fn wanted(&self, aof: &Aof) -> Result<Wanted<'static>> {
        Ok(Wanted { as_dump: check(aof)?.is_rdb, manifest: None })
    }

    /// Has the server load a copy of the set, and holds it there to be read.
    ///
    /// # Errors
    /// As [`Self::hold_at`].
    pub fn hold(&self, aof: &Aof, wanted: &Wanted<'_>) -> Result<Held> {
        let leash = self.begin()?;
        let own = Arc::new(leash.scratch(self.scratch.as_deref())?);
        match self.held(&leash, &own, aof, wanted, (FIRST, "no"))? {
            Ok(held) => Ok(held),
            Err(failure) if failure.is_unknown => {
                Err(Error::new(ErrorKind::NotTried(failure.why), &aof.path))
            }
            Err(first) => {
                own.scratch().remove_dir(Path::new(FIRST))?;
                let second = self.held(&leash, &own, aof, wanted, (SECOND, "yes"))?;
                second.map_err(|_| Error::new(ErrorKind::NotTried(first.why), &aof.path))
            }
        }
    }

    fn held(
        &self,
        leash: &Leash,
        own: &Arc<OwnDir>,
        aof: &Aof,
        wanted: &Wanted<'_>,
        (name, takes_a_torn_end): (&'static str, &'static str),
    ) -> Result<std::result::Result<Held, Failure>> {
        let copied = Copied::new(aof, wanted, own.scratch(), name, &self.stop)?;
        let mut settings = copied.settings(aof);
        settings.extend(words(["--aof-load-truncated", takes_a_torn_end, "--appendfsync", "no"]));
        settings.extend_from_slice(&self.arguments);
        let may_follow = aof.settings.cluster_enabled != Some(true);
        let loads = if name == FIRST { Loads::Yes } else { Loads::AfterTruncation };
        let (trial, held_dir, path) = (self.clone(), Arc::clone(own), aof.path.clone());
        leash.work(&self.stop, &aof.path, move |leash| {
            let looked = look(&copied.all, &Silent).map_err(|e| match e.kind() {
                ErrorKind::NotTried(why) => Error::new(ErrorKind::NotTried(why.clone()), &path),
                _ => e,
            })?;
            let guard = trial.guard(leash)?;
            if copied.is_set() && !guard.knows_sets() {
                let why =
                    "not loaded: this server knows no sets of several files; they came with 7.0";
                return Err(Error::new(ErrorKind::NotTried(why.to_owned()), &path));
            }
            let has_network = guard.missing.iter().any(|wall| wall.starts_with(NETWORK));
            let keeps_passed = may_follow && !has_network;
            if keeps_passed {
                // Of nobody: there is no network. So it removes no key by itself.
                settings.extend(words(["--replicaof", "127.0.0.1", "1"]));
                settings.extend(words(["--replica-read-only", "yes"]));
            }
            let dir = held_dir.path().join(name);
            let load = Load { home: &held_dir, name, looked, dir: &dir, settings: &settings };
            let server = match OwnServer::start(guard, &load, leash, &mut |_: &str| {}) {
                Ok(server) => server,
                Err(failure) => return Ok(Err(failure)),
            };
            let keys = server.state()?.keys;
            Ok(Ok(Held {
                server,
                _own: Arc::clone(&held_dir),
                _leash: leash.clone(),
                by: guard.name(),
                loads,
                keys,
                keeps_passed,
                walls_missing: guard.missing.clone(),
            }))
        })
    }
}
