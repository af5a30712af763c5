//! Which modules a server has loaded, as far as anybody says.
//!
//! | who says it | what it holds for |
//! |---|---|
//! | the server's own table | what is built in |
//! | `--modules`, MODULE LIST of `--server` | a complete list: what it lacks is absent |
//! | `loadmodule` lines of a configuration | what they name is there; of the others nothing is known |
//! | the set itself: values, what is kept beside keys, commands of recorded modules | its writer's own version; nothing, of a module that other servers have built in |
//!
//! Pure. A library is known by its name alone: it is not looked into.

use super::needs::{Need, Needed};
use super::of_server::Rules;
use super::target::Target;
use crate::command::{self, CommandId, Form, ModuleId, Version};
use crate::format::rdb::Family;

/// Who says that a module is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum By {
    /// A running server that was asked, or the table of the target: it is built in.
    Server,
    /// The user.
    Option,
    /// A configuration.
    Conf,
    /// The set, which could not have been written without.
    Set,
}

impl By {
    /// The name in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Option => "option",
            Self::Conf => "conf",
            Self::Set => "set",
        }
    }
}

/// What is said of the modules of a server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Modules {
    named: Vec<(String, By)>,
    is_complete: bool,
}

impl Modules {
    /// All that there are, and no others. `none` in the place of a name is no module.
    pub fn complete(names: impl IntoIterator<Item = String>, by: By) -> Self {
        let names = names.into_iter().filter(|name| !name.eq_ignore_ascii_case("none"));
        Self { named: names.map(|name| (name, by)).collect(), is_complete: true }
    }

    /// Adds what `loadmodule` lines of a configuration load, by the paths in them.
    pub fn add_libraries(&mut self, paths: impl IntoIterator<Item = Vec<u8>>) {
        for path in paths {
            let path = String::from_utf8_lossy(&path).into_owned();
            let module = (command::stem(&path).to_owned(), By::Conf);
            // A set that was made of this one brings along what is said of it, and reads the same configuration.
            if !self.named.contains(&module) {
                self.named.push(module);
            }
        }
    }

    /// Every name that was given, and by whom; a recorded module by its own name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, By)> {
        self.named.iter().map(|(name, by)| {
            let recorded = command::module_named(name).map(ModuleId::name);
            (recorded.unwrap_or(name.as_str()), *by)
        })
    }

    /// Whether a name in it is that of a module nobody recorded: it may bring anything.
    fn has_stranger(&self) -> bool {
        self.named.iter().any(|(name, _)| command::module_named(name).is_none())
    }

    fn says(&self, module: ModuleId) -> Option<By> {
        let named = self.named.iter().find(|(n, _)| command::module_named(n) == Some(module));
        named.map(|(_, by)| *by)
    }

    /// Whether one of the names is this word of a command, `FOO` of `FOO.BAR`.
    fn says_word(&self, word: &[u8]) -> Option<By> {
        let is_it = |name: &str| name.as_bytes().eq_ignore_ascii_case(word);
        self.named.iter().find(|(name, _)| is_it(name)).map(|(_, by)| *by)
    }
}

/// Whether a server has a module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// It has.
    There(By),
    /// It has not.
    Missing,
    /// Nobody says it.
    Unsure,
}

/// What a set says of who wrote it, as far as its own evidence for modules goes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Origin {
    /// Who wrote its base.
    pub writer: Option<(Family, Version)>,
    /// Somebody named the target.
    pub target_given: bool,
}

impl Origin {
    /// Whether the set's own evidence holds for the server: its writer, or, where nobody named another, one that stands
    /// for it. `None`: the set names no writer.
    fn holds_for(self, target: &Target) -> Option<bool> {
        let (family, version) = self.writer?;
        let is_line = (family, version) == (target.family, target.version);
        Some(is_line || !self.target_given && family == target.family)
    }
}

/// The modules of one target, for one set.
#[derive(Clone, Debug)]
pub struct Presences {
    /// By number of the module.
    recorded: Vec<Presence>,
    said: Modules,
    /// The set's own evidence holds here.
    by_set: bool,
    rules: &'static Rules,
}

impl Presences {
    /// Of this target, by what is said and by the set.
    pub fn of(target: &Target, said: &Modules, origin: Origin) -> Self {
        let own = origin.holds_for(target);
        let presence = |module| {
            let rules = target.rules;
            // Another family's module of that name may be called otherwise.
            let lacks = said.is_complete && (rules.is_brought(module) || !said.has_stranger());
            if rules.is_built_in(module) {
                Presence::There(By::Server)
            } else if let Some(by) = said.says(module) {
                Presence::There(by)
            } else if lacks {
                Presence::Missing
            } else if rules.is_others_own(module) {
                // A server was upgraded to one that brings it, and this is not that one.
                Presence::Unsure
            } else if !said.is_complete && own.unwrap_or_else(|| rules.is_recorded(module)) {
                Presence::There(By::Set)
            } else {
                Presence::Unsure
            }
        };
        Self {
            recorded: command::tables().module_ids().map(presence).collect(),
            said: said.clone(),
            by_set: own.unwrap_or(false),
            rules: target.rules,
        }
    }

    /// Whether it has a recorded module.
    pub fn module(&self, module: ModuleId) -> Presence {
        self.recorded.get(module.index()).copied().unwrap_or(Presence::Unsure)
    }

    /// How many arguments a command of a module wants, where the module is there; `None` where it is not, or has no such
    /// command.
    pub fn arity_of(&self, id: CommandId) -> Option<i16> {
        let module = id.command().module?;
        let is_there = matches!(self.module(module), Presence::There(_));
        self.rules.brought_arity(id).filter(|_| is_there)
    }

    /// Whether it can read what a module wrote under this name, in this version: values, or what is kept beside keys.
    pub fn kind(&self, kind: &str, encoding: u16) -> Presence {
        let Some(module) = command::module_of_kind(kind) else { return self.stranger(kind) };
        match self.module(module) {
            Presence::There(By::Set) => Presence::There(By::Set),
            // The module that was recorded had not heard of such values.
            Presence::There(_) if encoding > self.rules.newest_encoding(module, kind) => {
                Presence::Unsure
            }
            presence => presence,
        }
    }

    /// Whether it has the module that something is needed of.
    pub fn needed(&self, needed: &Needed) -> Presence {
        match (command::tables().module(&needed.name), needed.need) {
            (Some(module), _) => self.module(module),
            (None, Need::Command) => {
                self.form(Form::Foreign(&needed.name)).unwrap_or(Presence::Unsure)
            }
            (None, Need::Type | Need::Auxiliary) => self.stranger(&needed.name),
        }
    }

    /// Whether it has a command that no table has, by the form of its name. `None`: it has not, whatever is loaded.
    pub fn form(&self, form: Form<'_>) -> Option<Presence> {
        match form {
            // A module that nobody recorded may have any.
            Form::Plain => self.said.has_stranger().then_some(Presence::Unsure),
            Form::Recorded(module) => match self.module(module) {
                _ if self.rules.is_recorded(module) => None,
                Presence::There(_) => Some(Presence::Unsure),
                presence => Some(presence),
            },
            Form::Foreign(word) => Some(match self.said.says_word(word.as_bytes()) {
                Some(by) => Presence::There(by),
                None if self.said.is_complete && !self.said.has_stranger() => Presence::Missing,
                None => Presence::Unsure,
            }),
        }
    }

    /// What nobody recorded: its writer has it.
    fn stranger(&self, kind: &str) -> Presence {
        match self.said.says_word(kind.as_bytes()) {
            Some(by) => Presence::There(by),
            None if self.said.is_complete && !self.said.has_stranger() => Presence::Missing,
            None if self.by_set && !self.said.is_complete => Presence::There(By::Set),
            None => Presence::Unsure,
        }
    }
}

impl Rules {
    /// Whether the server has this module without a library.
    pub fn is_built_in(&self, module: ModuleId) -> bool {
        self.brought.built_in.contains(&module)
    }

    /// Whether other servers have this module without a library, and in this one it never ran: a set that needs it says
    /// nothing of this server.
    fn is_others_own(&self, module: ModuleId) -> bool {
        let brings = |target: &Target| target.rules.is_built_in(module);
        !self.is_recorded(module) && Target::recorded().iter().any(brings)
    }

    /// Whether the module ran in this very version.
    pub fn is_recorded(&self, module: ModuleId) -> bool {
        self.brought.recorded.contains(&module)
    }

    /// Whether a command that its table lacks is one that it does not have.
    pub fn knows_module(&self, module: ModuleId) -> bool {
        self.is_built_in(module) || self.is_recorded(module)
    }

    fn is_brought(&self, module: ModuleId) -> bool {
        self.brought.family.contains(&module)
    }

    /// How many arguments a command wants that its module brings.
    fn brought_arity(&self, id: CommandId) -> Option<i16> {
        self.brought.arities.get(id.index()).copied().filter(|arity| *arity != 0)
    }

    fn newest_encoding(&self, module: ModuleId, kind: &str) -> u16 {
        let mut kinds = self.brought.kinds.get(module.index()).into_iter().flatten();
        kinds.find(|(name, _)| *name == kind).map_or(0, |(_, encoding)| *encoding)
    }
}
