//! From the tables to the rules of one version.

use std::cmp::Ordering;
use std::collections::HashSet;

use super::brought::Brought;
use super::directives::Directives;
use super::numbers::{self, NumberSet};
use super::of_server::{Arity, Rules};
use crate::command::{self, CommandId, Deaths, Release, Section, Tables, Version};
use crate::format::manifest::Dialect;
use crate::format::rdb::Family;
use crate::format::rdb::deep::Care;

/// jemalloc reserves address space without asking for memory, up to what 47 bits can hold.
const ADDRESS_SPACE: u64 = 1 << 47;

/// The C library's allocator asks the kernel, which refuses what is plainly more than the machine has.
const PLAINLY_TOO_MUCH: u64 = 1 << 36;

/// The rules of a version of a family, from the sections of `tables`: of this patch, or of the last one. `None` when
/// no server of the family was run.
pub(super) fn rules(
    tables: &Tables,
    family: Family,
    version: Version,
    patch: Option<u32>,
) -> Option<Rules> {
    let own = || {
        let sections = tables.sections.iter().enumerate();
        sections.filter(|(_, section)| section.family == family.name())
    };
    let run = || own().filter(|(_, section)| section.run.is_some());
    let older = run().filter(|(_, section)| section.version <= version);
    let oldest = || run().min_by_key(|(_, section)| section.version);
    let (place, base) = older.max_by_key(|(_, section)| section.version).or_else(oldest)?;
    let mut rules = by_facts(tables, base);
    // What came between that table and the version asked for.
    let mut between: Vec<_> = own()
        .filter(|(_, section)| section.run.is_none())
        .filter(|(_, section)| section.version > base.version && section.version <= version)
        .collect();
    between.sort_by_key(|(_, section)| section.version);
    for (_, section) in between {
        rules.take(tables, section);
    }
    let asked = (version.0, version.1, patch.unwrap_or(u32::MAX));
    rules.arities = vec![0; tables.commands().len()];
    for (id, known) in tables.known(place) {
        // Asked for a version before the oldest table, or for a patch before the one that was run, what came later is
        // not there.
        let is_there = match base.version.cmp(&version) {
            Ordering::Less => true,
            Ordering::Equal => known.since.is_none_or(|since| since <= asked || patch.is_none()),
            Ordering::Greater => since(tables, family, *id).is_none_or(|since| since <= asked),
        };
        if is_there {
            rules.arities[id.index()] = known.arity;
        }
    }
    // A table that was recorded for this very version is complete.
    let is_between = base.version < version;
    for (later, section) in own().filter(|(_, s)| is_between && s.version > base.version) {
        for (id, known) in tables.known(later) {
            let came = known.since.unwrap_or((section.version.0, section.version.1, 0));
            if rules.arities[id.index()] == 0 && came <= asked {
                rules.arities[id.index()] = known.arity;
            }
        }
    }
    rules.brought = Brought::to(tables, family, version);
    let dying = tables.modules.iter().flat_map(|module| &module.deadly);
    rules.deadly.extend(dying.filter_map(|name| tables.find(name)));
    rules.containers = containers(tables, &rules);
    Some(rules)
}

/// Since when the family has a command, as any of its tables says.
fn since(tables: &Tables, family: Family, id: CommandId) -> Option<Release> {
    let own = tables.sections.iter().enumerate().filter(|(_, s)| s.family == family.name());
    let rows = own.flat_map(|(place, _)| tables.known(place).iter());
    rows.filter(|(other, _)| *other == id).find_map(|(_, known)| known.since)
}

/// Whether a command of the family came with a later patch of the same version than this one.
pub(super) fn is_early_patch(tables: &Tables, family: Family, asked: Release) -> bool {
    let own = tables.sections.iter().enumerate().filter(|(_, s)| s.family == family.name());
    let mut came = own.flat_map(|(place, _)| tables.known(place)).filter_map(|(_, k)| k.since);
    came.any(|since| (since.0, since.1) == (asked.0, asked.1) && since.2 > asked.2)
}

/// Which commands have subcommands: those of which one is known, to the server or to its modules.
fn containers(tables: &Tables, rules: &Rules) -> Vec<bool> {
    let mut containers = vec![false; rules.arities.len()];
    for &(place, container) in tables.subcommands() {
        if rules.arities[place] != 0 || tables.commands()[place].is_of_module() {
            containers[container] = true;
        }
    }
    containers
}

fn by_facts(tables: &Tables, section: &Section) -> Rules {
    let mut rules = none(section.name);
    rules.take(tables, section);
    rules
}

/// Rules of a server of which nothing is known.
pub(super) fn none(name: &'static str) -> Rules {
    Rules {
        name,
        manifest: None,
        annotations: false,
        arity: Arity::Refused,
        leaves_open_transaction: false,
        cuts_rdb_away: false,
        largest_allocation: ADDRESS_SPACE,
        care: Care::Converts,
        takes_unsummed: false,
        has_corrupt_tail_option: false,
        has_version_check: false,
        directives: Directives::default(),
        rdb: [NumberSet::NONE; 2],
        relaxed: [NumberSet::NONE; 2],
        numbers: [None; 2],
        arities: Vec::new(),
        containers: Vec::new(),
        goes_on: HashSet::new(),
        deadly: Vec::new(),
        deadly_traps: Vec::new(),
        brought: Brought::default(),
        deaths: Deaths::default(),
    }
}

impl Rules {
    /// Facts of a section, over what was there. Words that are not known are for later versions of aofkit.
    fn take(&mut self, tables: &Tables, section: &Section) {
        for &(word, value) in &section.facts {
            match word {
                "manifest" => {
                    self.manifest = match value {
                        "strict" => Some(Dialect::Strict),
                        "concatenating" => Some(Dialect::Concatenating),
                        _ => None,
                    }
                }
                "annotations" => self.annotations = value == "yes",
                "arity" if value == "unchecked" => self.arity = Arity::Unchecked,
                "arity" => self.arity = Arity::Refused,
                "open-transaction" => self.leaves_open_transaction = value == "left",
                "rdb-before-torn-command" => self.cuts_rdb_away = value == "cut",
                "allocation" if value == "asks" => self.largest_allocation = PLAINLY_TOO_MUCH,
                "allocation" => self.largest_allocation = ADDRESS_SPACE,
                "values" => {
                    self.care = match value {
                        "trusts" => Care::Trusts,
                        "opens" => Care::Opens,
                        _ => Care::Converts,
                    }
                }
                "restore" => self.takes_unsummed = value == "unsummed",
                "option" => {
                    self.has_corrupt_tail_option |= value == "aof-load-corrupt-tail-max-size";
                    self.has_version_check |= value == "rdb-version-check";
                }
                "directive" => self.directives.take(value),
                "large-sizes" => self.directives.take_large_sizes(value),
                "single-word" => self.directives.splits_one = value == "split",
                "unknown-directives" => self.directives.take_unknown(value),
                "rdb" | "relaxed" | "numbers" => self.take_numbers(word, value),
                "dies" if command::may_be_trap(value.as_bytes()) => {
                    self.deadly_traps.extend(tables.find(value));
                }
                "dies" => self.deadly.extend(tables.find(value)),
                "dies-of" => {
                    self.deaths.waits |= value == "WAIT 1 0";
                    self.deaths.reloads |= value == "DEBUG RELOAD";
                }
                "goes-on" => {
                    let call = value.rsplit_once(' ');
                    let call = call
                        .and_then(|(name, argc)| Some((tables.find(name)?, argc.parse().ok()?)));
                    self.goes_on.extend(call);
                }
                _ => {}
            }
        }
    }

    fn take_numbers(&mut self, word: &str, value: &str) {
        let Some((family, ranges)) = value.split_once(' ') else { return };
        let family = if family == Family::Valkey.name() { Family::Valkey } else { Family::Redis };
        let Some(numbers) = numbers::parse(ranges) else { return };
        match word {
            "rdb" => self.rdb[family as usize] = numbers,
            "relaxed" => self.relaxed[family as usize] = numbers,
            _ => self.numbers[family as usize] = Some(numbers),
        }
    }
}
