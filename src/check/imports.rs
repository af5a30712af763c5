//! Slots of a cluster that were being imported: a node that loads a log with the begin of an import and not its end takes
//! the import for failed, and deletes the keys of those slots.

use super::facts::{Facts, RdbFacts, SegmentFacts};
use super::finding::{Kind, Problem, Severity};
use super::import::Import;
use crate::aof::Aof;
use crate::format::rdb::{self, Family};
use crate::format::resp::Record;
use crate::limits;
use crate::text;

/// Bytes of a name that are looked at; servers give 40.
const NAME: usize = 64;

/// The opcode by which a base of Valkey tells of an import that was under way.
const SLOT_IMPORT: u8 = 243;

/// The field by which a base of Redis does so.
const TASK: &[u8] = b"cluster-asm-task";

/// Ranges of slots that are told.
const RANGES: usize = 4;

/// Takes in a record, where it is `CLUSTER SYNCSLOTS ESTABLISH` or `FINISH`. Whether it may be: such records belong together
/// over a whole file.
#[cold]
pub(super) fn look(into: &mut SegmentFacts, record: &Record<'_>) -> bool {
    let word = |place: usize| record.args().nth(place).map(|argument| argument.head);
    let is = |place: usize, what: &[u8]| word(place).is_some_and(|w| w.eq_ignore_ascii_case(what));
    if !is(0, b"CLUSTER") || !is(1, b"SYNCSLOTS") {
        return false;
    }
    let place_of = |what: &[u8]| (3..record.args().count()).find(|&place| is(place, what));
    let Some(name) = place_of(b"NAME").and_then(|place| word(place + 1)) else { return true };
    let name: Box<[u8]> = name[..name.len().min(NAME)].into();
    if is(2, b"ESTABLISH") {
        let slots = place_of(b"SLOTSRANGE").map_or_else(String::new, |place| ranges(record, place));
        if into.imports.len() < limits::PROBLEMS {
            let (at, len) = (record.start, record.len);
            into.imports.push(Import::Begun { name, slots, at, len });
        }
    } else if is(2, b"FINISH") {
        let begun = into.imports.iter().position(
            |import| matches!(import, Import::Begun { name: begun, .. } if *begun == name),
        );
        match begun {
            Some(place) => drop(into.imports.remove(place)),
            None if into.imports.len() < limits::PROBLEMS => {
                into.imports.push(Import::Ended(name));
            }
            None => {}
        }
    }
    true
}

/// `100-200, 300`
fn ranges(record: &Record<'_>, place: usize) -> String {
    let numbers: Vec<_> = record
        .args()
        .skip(place + 1)
        .map_while(|argument| std::str::from_utf8(argument.head).ok()?.parse::<u32>().ok())
        .collect();
    let range = |pair: &[u32]| match pair {
        [from, to] if from == to => from.to_string(),
        [from, to] => format!("{from}-{to}"),
        _ => String::new(),
    };
    let mut told: Vec<_> = numbers.chunks_exact(2).take(RANGES).map(range).collect();
    if numbers.len() / 2 > RANGES {
        told.push("...".to_owned());
    }
    told.join(", ")
}

/// Imports that have no end in the set.
pub(super) fn problems(aof: &Aof, facts: &Facts) -> Vec<Problem> {
    let mut open: Vec<(usize, &Import)> = Vec::new();
    // What the base tells of has no name that we keep: an end without a begin is the end of such a one.
    let mut of_base = facts.segments.first().map_or(0, |base| in_base(base));
    for segment in &facts.segments {
        for import in &segment.imports {
            let Import::Ended(name) = import else {
                open.push((segment.position, import));
                continue;
            };
            let begun = open.iter().position(
                |(_, begun)| matches!(begun, Import::Begun { name: begun, .. } if begun == name),
            );
            match begun {
                Some(place) => drop(open.remove(place)),
                None => of_base = of_base.saturating_sub(1),
            }
        }
    }
    let in_log = open.iter().filter_map(|(position, import)| {
        let Import::Begun { slots, at, len, .. } = import else { return None };
        let message = format!(
            "an import of the slots {slots} begins here and has no end in the set: {}",
            then(aof)
        );
        let name = &aof.segments[*position].name;
        Some(Problem::of_file(Kind::ServerTrap, Severity::Warning, name, message).at(*at, *len))
    });
    let mut found: Vec<_> = in_log.collect();
    found.extend(facts.segments.first().and_then(|base| told_of_base(aof, base, of_base)));
    found
}

/// What becomes of the keys.
fn then(aof: &Aof) -> String {
    format!(
        "a cluster node ({}) that loads it takes the import for failed and deletes the keys of these slots. They are still \
         those of the node that they came from; start the import again there, or, where it has finished meanwhile, take \
         the keys from that node's data before a server is started on this",
        aof.target()
    )
}

/// How many imports were under way when the base was saved, as Valkey tells it.
fn in_base(base: &SegmentFacts) -> u64 {
    let Some(RdbFacts::Whole(walked)) = &base.rdb else { return 0 };
    if walked.outcome.header.family != Family::Valkey {
        return 0;
    }
    let is_import = |met: &&rdb::Met| met.row.number == SLOT_IMPORT;
    walked.outcome.met.iter().find(is_import).map_or(0, |met| met.count)
}

fn told_of_base(aof: &Aof, base: &SegmentFacts, open: u64) -> Option<Problem> {
    let name = &aof.segments[base.position].name;
    if open > 0 {
        let message = format!(
            "{} of slots under way when it was saved, and no end of that in the set: {}",
            match open {
                1 => "an import was".to_owned(),
                open => format!("{open} imports were"),
            },
            then(aof)
        );
        return Some(Problem::of_file(Kind::ServerTrap, Severity::Warning, name, message));
    }
    let fields = base.rdb.as_ref()?.fields();
    let (_, task) = fields.iter().find(|(name, _)| name.eq_ignore_ascii_case(TASK))?;
    // `id:source:destination:operation:state:slots`
    let parts: Vec<_> = task.split(|&byte| byte == b':').collect();
    let [_, _, _, b"import", _, slots] = parts[..] else { return None };
    let message = format!(
        "an import of the slots {} was under way when it was saved. The log does not say whether it has finished: a server \
         deletes the keys of slots that its nodes.conf gives to another node",
        text::escape(&slots[..slots.len().min(NAME)])
    );
    Some(Problem::of_file(Kind::ServerTrap, Severity::Info, name, message))
}
