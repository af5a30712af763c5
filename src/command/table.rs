//! The command table, read once from the text that is built in.

use std::collections::HashMap;
use std::sync::OnceLock;

use super::key_rule::{First, Rule};
use super::module_table::{ModuleId, ModuleTable};
use super::row::Row;
use super::specs;
use super::tables::{self, Section, TableError};
use super::version::Release;

/// Number of a command in the table; small and dense.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CommandId(pub(super) u16);

impl CommandId {
    /// Position in the table, for arrays indexed by command.
    pub fn index(self) -> usize {
        usize::from(self.0)
    }

    /// The command at this place of the table.
    pub fn at(place: usize) -> Option<Self> {
        let is_there = place < all().len();
        u16::try_from(place).ok().filter(|_| is_there).map(Self)
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
    /// What it does to its keys.
    pub effect: Effect,
    /// Whether it changes data, says one of the servers that know it.
    pub writes: bool,
    /// The module that brings it.
    pub module: Option<ModuleId>,
    /// Where its keys are.
    pub(super) keys: Rule,
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

fn effect(class: &str) -> Effect {
    match class {
        "replaces" => Effect::Replaces,
        "flushes" => Effect::Flushes,
        "builds-on" => Effect::BuildsOn,
        "derives" => Effect::Derives,
        "sets-parts" => Effect::SetsParts,
        _ => Effect::None,
    }
}

/// All commands and subcommands that any server of the tables has.
pub fn all() -> &'static [Command] {
    &tables().commands
}

/// What the tables say, taken together.
#[derive(Clone, Debug)]
pub struct Tables {
    /// The servers: those that were run and those that were read about, each in the order of their text.
    pub sections: Vec<Section>,
    pub(super) commands: Vec<Command>,
    /// By section: what it says of commands, by their numbers.
    known: Vec<Vec<(CommandId, Known)>>,
    /// What modules bring, in the order of their text.
    pub modules: Vec<ModuleTable>,
    /// Their names, each once.
    pub(super) module_names: Vec<&'static str>,
    /// By module table: what it says of commands, by their numbers.
    brought: Vec<Vec<(CommandId, Known)>>,
    /// Subcommands, each with its container: their places among the commands.
    subcommands: Vec<(usize, usize)>,
    /// Where among the commands each name stands.
    places: Places,
}

/// What one server says of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// How many arguments it wants, the name included; `-n` means `n` or more.
    pub arity: i16,
    /// Since when it has it, where it says that.
    pub since: Option<Release>,
}

static TABLES: OnceLock<Tables> = OnceLock::new();

/// The tables that are built in, and what was added to them.
pub fn tables() -> &'static Tables {
    // Tests read the text that is built in: it can be read.
    TABLES.get_or_init(|| Tables::read(&BUILT_IN).unwrap_or_else(|_| Tables::default()))
}

const BUILT_IN: [&str; 3] = [
    include_str!("../rules/servers.txt"),
    include_str!("../rules/modules.txt"),
    include_str!("../rules/documented.txt"),
];

/// Adds the table of a further server or module, in the form of `src/rules/servers.txt` and `modules.txt`, for the rest
/// of this process.
///
/// # Errors
/// When the text cannot be read, or tables were used already.
pub fn add_table(text: &str) -> Result<(), TableError> {
    let text: &'static str = Box::leak(text.to_owned().into_boxed_str());
    let [servers, modules, documented] = BUILT_IN;
    let tables = Tables::read(&[servers, modules, text, documented])?;
    let late = |_| TableError { line: 0, why: "tables are in use already".to_owned() };
    TABLES.set(tables).map_err(late)
}

impl Default for Tables {
    fn default() -> Self {
        let commands = STRUCTURAL.iter().map(|name| Command::new(name)).collect();
        let places = STRUCTURAL.iter().enumerate().map(|(place, name)| (*name, place)).collect();
        Self {
            sections: Vec::new(),
            commands,
            known: Vec::new(),
            modules: Vec::new(),
            module_names: Vec::new(),
            brought: Vec::new(),
            subcommands: Vec::new(),
            places,
        }
    }
}

/// Those that loaders treat apart come first: [`CommandId::kind`] knows them by their number.
const STRUCTURAL: [&str; 4] = ["MULTI", "EXEC", "DISCARD", "SELECT"];

impl Tables {
    /// The tables in these texts, taken together.
    ///
    /// # Errors
    /// At the first line that is not understood.
    pub fn read(texts: &[&'static str]) -> Result<Self, TableError> {
        let mut tables = Self::default();
        for text in texts {
            let text = tables::sections(text)?;
            tables.sections.extend(text.servers);
            tables.modules.extend(text.modules);
        }
        let mut places = std::mem::take(&mut tables.places);
        let commands = &mut tables.commands;
        for section in &tables.sections {
            tables.known.push(learnt(commands, &mut places, &section.rows));
        }
        for module in &tables.modules {
            tables.brought.push(learnt(commands, &mut places, &module.rows));
        }
        tables.name_modules();
        for (name, &place) in &places {
            if let Some(&parent) = name.split_once('|').and_then(|(parent, _)| places.get(parent)) {
                tables.subcommands.push((place, parent));
                tables.commands[parent].container = true;
                tables.commands[parent].keys.first = First::Subcommand;
            }
        }
        for (class, name) in tables::effects(include_str!("effects.txt")) {
            if let Some(&place) = places.get(name) {
                tables.commands[place].effect = effect(class);
            }
        }
        tables.places = places;
        Ok(tables)
    }

    /// Subcommands, each with its container: their places in [`Self::commands`].
    pub fn subcommands(&self) -> &[(usize, usize)] {
        &self.subcommands
    }

    /// What a server of [`Self::sections`] says of the commands it has.
    pub fn known(&self, section: usize) -> &[(CommandId, Known)] {
        self.known.get(section).map_or(&[], Vec::as_slice)
    }

    /// What a module of [`Self::modules`] brings.
    pub fn brought(&self, module: usize) -> &[(CommandId, Known)] {
        self.brought.get(module).map_or(&[], Vec::as_slice)
    }

    /// Gives each module a number, and its commands that.
    fn name_modules(&mut self) {
        for (module, brought) in self.modules.iter().zip(&self.brought) {
            let place = self.module_names.iter().position(|name| *name == module.name);
            let place = place.unwrap_or_else(|| {
                self.module_names.push(module.name);
                self.module_names.len() - 1
            });
            let Ok(number) = u8::try_from(place) else { continue };
            for (id, _) in brought {
                self.commands[id.index()].module.get_or_insert(ModuleId(number));
            }
        }
    }

    /// All modules.
    pub fn module_ids(&self) -> impl Iterator<Item = ModuleId> {
        (0..=u8::MAX).take(self.module_names.len()).map(ModuleId)
    }

    /// What a module brings to the servers that it ran in: places in [`Self::modules`], and what stands there.
    pub fn module_tables(&self, id: ModuleId) -> impl Iterator<Item = (usize, &ModuleTable)> {
        let name = self.module_names.get(id.index()).copied();
        self.modules.iter().enumerate().filter(move |(_, table)| Some(table.name) == name)
    }

    /// The number of the module of this name.
    pub fn module(&self, name: &str) -> Option<ModuleId> {
        let place = self.module_names.iter().position(|known| *known == name)?;
        u8::try_from(place).ok().map(ModuleId)
    }

    /// All commands and subcommands that any of the servers has.
    pub fn commands(&self) -> &[Command] {
        &self.commands
    }

    /// The place of this name, which is spelled as in the tables.
    pub fn find(&self, name: &str) -> Option<CommandId> {
        self.places.get(name).and_then(|place| u16::try_from(*place).ok()).map(CommandId)
    }
}

type Places = HashMap<&'static str, usize>;

/// What rows say of commands, which get a place where they have none.
fn learnt(
    commands: &mut Vec<Command>,
    places: &mut Places,
    rows: &[Row],
) -> Vec<(CommandId, Known)> {
    let known = rows.iter().map(|row| {
        let place = *places.entry(row.name).or_insert_with(|| {
            commands.push(Command::new(row.name));
            commands.len() - 1
        });
        commands[place].learn(row);
        let id = u16::try_from(place).map(CommandId).unwrap_or(CommandId(0));
        (id, Known { arity: row.arity, since: row.since })
    });
    known.collect()
}

impl Command {
    fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            group: "",
            container: false,
            effect: Effect::None,
            writes: false,
            module: None,
            keys: Rule::default(),
        }
    }

    /// Later tables have the last word.
    fn learn(&mut self, row: &Row) {
        self.group = row.group.unwrap_or(self.group);
        self.writes |= row.writes;
        let specs = specs::parse(row.keys);
        if !specs.is_empty() {
            self.keys = Rule::new(&self.name, specs);
        }
    }
}
