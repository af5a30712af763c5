//! Wording for what is whole and well formed, and yet nothing for the target, or nothing that aofkit has learnt.

use super::advice;
use super::finding::{Kind, Problem, Severity};
use super::scene::{Scene, at_start, times};
use super::seen::Seen;
use crate::command::{self, ModuleId};
use crate::format::rdb::{self, Header};
use crate::rules::Need;
use crate::text::{count, escape, name};

/// What the target does about something that it does not have, or of which that is not known.
pub(super) fn then(scene: &Scene<'_>, is_doubtful: bool) -> String {
    let target = scene.aof.target();
    match is_doubtful {
        true => format!("aofkit does not know whether {target} takes it"),
        false => format!("{target} does not take it"),
    }
}

/// Said of a name that the configuration takes away.
const TAKEN: &str = "; the configuration takes that name away (rename-command): what was logged before that, and what a \
                     server writes by itself under the first name, does not load with it";

/// Said of a name that nobody knows.
const RENAMED: &str =
    "; if its server renames commands (rename-command), name its configuration with --conf FILE";

/// A command that the target does not have, or may not have.
pub(super) fn unknown(scene: &Scene<'_>, seen: &Seen, raw: &[u8], is_learnt: bool) -> Problem {
    let target = scene.aof.target();
    let plain = raw.split(|&b| b == b'|').next().unwrap_or(raw);
    let knows = advice::target_that_knows(raw, target.family)
        .or_else(|| advice::target_that_knows(plain, target.family).filter(|_| plain == raw));
    let is_renamed = scene.aof.names.has_taken(plain);
    let knows = knows.filter(|_| !is_renamed);
    let module = command::module_of(command::lookup(raw), raw).filter(|_| !is_learnt);
    let hint = match knows {
        _ if is_renamed => TAKEN.to_owned(),
        _ if module.is_some() => {
            let module = module.unwrap_or_default();
            format!("; needs module {}: {}", escape(module.as_bytes()), say(scene, &module))
        }
        Some(knows) => format!("; {knows} knows it"),
        None if !scene.aof.configured => RENAMED.to_owned(),
        None => String::new(),
    };
    let records = match seen.count {
        1 => "its record is whole",
        _ => "its records are whole",
    };
    let message = match is_learnt {
        true => format!(
            "{target} does not know the command \"{}\"{}{hint}; {records}, {}",
            escape(raw),
            times(seen),
            at_start(scene, seen, false)
        ),
        false => format!(
            "aofkit does not know whether {target} knows the command \"{}\"{}{hint}; {records}",
            escape(raw),
            times(seen)
        ),
    };
    let is_plain = is_learnt && !is_renamed;
    let next = match scene.aof.target_given && is_plain {
        // Who has named the target knows that it is another: back to the writer would be a circle.
        true => scene.drops.map(str::to_owned),
        false => knows
            .map(|knows| scene.fit.unwrap_or(knows))
            .and_then(|target| advice::other_target(scene.aof, target)),
    };
    scene.problem(Kind::UnknownCommand, Severity::Error, seen, message).next(next)
}

/// How to say that a module is there.
fn say(scene: &Scene<'_>, module: &str) -> String {
    format!(
        "nothing says whether {} has loaded it, --modules {} or --server does",
        scene.aof.target(),
        escape(module.as_bytes())
    )
}

/// Something of a module that is known to be absent: a command, or what it wrote into an RDB.
pub(super) fn missing(scene: &Scene<'_>, seen: &Seen, raw: &[u8], need: Need) -> Problem {
    let target = scene.aof.target();
    let module = match need {
        Need::Command => command::module_of(command::lookup(raw), raw),
        Need::Type | Need::Auxiliary => std::str::from_utf8(raw).ok().map(of_kind),
    };
    let module = module.unwrap_or_default();
    let what = match need {
        Need::Command => format!("the command \"{}\"{}", escape(raw), times(seen)),
        Need::Type => format!("the RDB holds values of type {} and", escape(raw)),
        Need::Auxiliary => format!("the RDB holds data {} beside its keys and", escape(raw)),
    };
    let whole = match (need, seen.count) {
        (Need::Command, 1) => "; its record is whole",
        (Need::Command, _) => "; its records are whole",
        _ => "",
    };
    let message = format!(
        "{what} needs module {}, which {target} has not loaded{whole}; {}",
        escape(module.as_bytes()),
        at_start(scene, seen, false)
    );
    scene.problem(Kind::ModuleMissing, Severity::Error, seen, message)
}

/// What a module wrote into an RDB, where nobody says whether the target has that module.
pub(super) fn doubtful(scene: &Scene<'_>, seen: &Seen, of: &rdb::Module) -> Problem {
    let what = match of.need {
        rdb::Need::Auxiliary => "beside its keys data",
        rdb::Need::Value => "values of type",
        rdb::Need::Metadata => "metadata of keys of class",
    };
    let module = of_kind(&of.name);
    let why = match command::module_of_kind(&of.name) {
        Some(known) if scene.aof.modules.iter().any(|(name, _)| name == known.name()) => format!(
            "written in version {}, newer than any that aofkit has seen {} read",
            of.encoding,
            scene.aof.target()
        ),
        _ => say(scene, &module),
    };
    let message = format!(
        "the RDB holds {what} {} and needs module {}: {why}",
        escape(of.name.as_bytes()),
        escape(module.as_bytes())
    );
    scene.problem(Kind::RdbUnsupported, Severity::Error, seen, message)
}

/// The module that writes under this name, where one is recorded.
fn of_kind(kind: &str) -> String {
    let recorded = command::module_of_kind(kind).map(ModuleId::name);
    recorded.unwrap_or(kind).to_owned()
}

/// A command with too few or too many arguments.
pub(super) fn arity(scene: &Scene<'_>, seen: &Seen, raw: &[u8], argc: u32, fatal: bool) -> Problem {
    let crashes = scene.aof.target().rules.arity == crate::rules::Arity::Unchecked;
    let (severity, does) = match (fatal, crashes) {
        (true, true) => (
            Severity::Error,
            "does not check this while loading, reads what is not there, and crashes as a rule",
        ),
        (true, false) => (Severity::Error, "refuses to start"),
        (false, _) => (Severity::Warning, "answers an error while loading, and goes on"),
    };
    let message = format!(
        "{} with {} is not valid on {}{}; it {does}",
        escape(raw),
        count(u64::from(argc.saturating_sub(1)), "argument"),
        scene.aof.target(),
        times(seen)
    );
    scene.problem(Kind::WrongArity, severity, seen, message)
}

/// An RDB of a version that the target does not read.
pub(super) fn rdb_version(scene: &Scene<'_>, seen: &Seen, header: Header) -> Problem {
    let target = scene.aof.target();
    let loads = advice::target_that_reads(header, target.family);
    let hint = loads.map_or_else(String::new, |target| format!("; {target} does"));
    let what = format!(
        "an RDB of version {} with the magic {}",
        header.version,
        name(header.family.magic())
    );
    let message = match scene.facts.doubt == Some(seen.offset) {
        true => format!("{what}: aofkit does not know whether {target} reads it{hint}"),
        false => format!("{what}, which {target} does not read{hint}"),
    };
    let fit = loads.map(|loads| scene.fit.unwrap_or(loads));
    let next = fit.and_then(|target| advice::other_target(scene.aof, target));
    let message = match fit.filter(|_| scene.aof.target_given) {
        Some(fit) => format!(
            "{message}. No plan makes an older RDB of it: to bring the data to {target}, load the set with {fit} and have a \
             client read the keys there and write them anew"
        ),
        None => message,
    };
    scene.problem(Kind::RdbUnsupported, Severity::Error, seen, message).next(next)
}

/// A command that ends the server which loads it.
pub(super) fn deadly(scene: &Scene<'_>, seen: &Seen, raw: &[u8]) -> Problem {
    let message = format!(
        "\"{}\"{} ends {} while it loads the file",
        escape(raw),
        times(seen),
        scene.aof.target()
    );
    let problem = scene.problem(Kind::ServerTrap, Severity::Error, seen, message);
    // The record is whole: it is no damage at the end, wherever it stands.
    Problem { at_the_end: false, ..problem }
}
