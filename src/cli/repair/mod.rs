//! `aofkit repair`

pub mod args;
pub mod report;

use std::ffi::OsStr;

use aofkit::aof::Aof;
use aofkit::change::{self, Undo};
use aofkit::disk::{HeldFile, LocalDisk};
use aofkit::error::{Error, Result};
use aofkit::neighbours::{Neighbour, Neighbours, Running};
use aofkit::repair;
use aofkit::text::name as text_of_name;

use self::args::RepairArgs;
use self::report::{Repair, Undone};
use crate::cli::changing::{self, check, check_beside, open_one};
use crate::cli::common::beside::neighbours;
use crate::cli::common::context::Context;
use crate::cli::common::in_use;
use crate::cli::common::interrupt::Interrupt;
use crate::cli::common::outcome::Outcome;
use crate::cli::common::output::usage;
use crate::cli::common::progress::Bar;
use crate::cli::plan::{json, text};

/// Plans a repair of the one set there, and does it when asked to.
pub fn run(args: &RepairArgs, context: &Context) -> Result<(String, Outcome)> {
    let path = args.reading.path();
    if path.as_os_str() == "-" {
        let outcome = usage("standard input cannot be repaired: name a file", context.json);
        return Ok((String::new(), outcome));
    }
    let aof = match open_one(path, &context.open)? {
        Ok(aof) => aof,
        Err(why) => {
            return Ok((String::new(), usage(&why, context.json)));
        }
    };
    changing::refuse_link(&aof, args.changing.output.as_deref())?;
    if args.undo {
        return undo(&aof, args, context);
    }
    let recovered = changing::clear_up(&aof, &args.changing, context)?;
    let aof = if recovered.is_empty() { aof } else { Aof::open(path, &context.open)? };
    let aof = repair::subject(aof)?;
    let beside = neighbours(&aof, None, context)?;
    let before = check_beside(&aof, beside.clone(), context)?;
    let bar = Bar::new(context.bar);
    let drops = repair::Drops { commands: args.drop_command.clone(), places: args.drop_at.clone() };
    let choice = match (args.truncate, args.salvage) {
        (true, _) => repair::Inner::Truncate,
        (_, true) => repair::Inner::Salvage,
        _ => repair::Inner::Ask,
    };
    let looking = changing::looking(context, &bar);
    let (aof, proposal, inner, ways) = match &args.adopt {
        Some(file) => {
            let (aof, proposal) = match held(&beside, file.as_deref()) {
                Some(running) => repair::adopt::held(aof, running, args.changing.output.is_some())?,
                None => match adopted(&beside, file.as_deref()) {
                    Ok(one) => repair::adopt::adopt(aof, &one, &looking)?,
                    Err(why) => return Ok((String::new(), usage(&why, context.json))),
                },
            };
            (aof, proposal, None, Vec::new())
        }
        None => {
            let proposed = repair::propose(&aof, &before, choice, &drops, &looking)?;
            (aof, proposed.proposal, proposed.inner, proposed.ways)
        }
    };
    let run = changing::carry_out(aof, before, proposal, &args.changing, context)?;
    let repair = Repair { run: run.after(recovered), inner, ways };
    let text = match context.json {
        true => json::repair(&repair, context),
        false => text::repair(&repair, &args.changing, context),
    };
    Ok((text, changing::exit_status(&repair.run)))
}

/// What a process still has of files that are gone, where the one of that name is among them.
fn held<'n>(beside: &'n Neighbours, file: Option<&OsStr>) -> Option<&'n Running> {
    let running = beside.writing.running.as_ref().filter(|running| !running.held.is_empty());
    let is_named = |one: &HeldFile| file.is_none_or(|file| one.name == file);
    running.filter(|running| running.held.iter().any(is_named))
}

/// The neighbour to adopt: the one of that name, or the only one that may be needed; else what to say.
fn adopted(beside: &Neighbours, file: Option<&OsStr>) -> std::result::Result<Neighbour, String> {
    let candidates = repair::adopt::candidates(beside, file);
    let names = |of: &[&Neighbour]| {
        let first = of.iter().filter_map(|one| one.files.first()?.file_name());
        first
            .map(|name| format!("\n  {}", text_of_name(name.as_encoded_bytes())))
            .collect::<String>()
    };
    match (&candidates[..], file) {
        ([one], _) => Ok((*one).clone()),
        ([], Some(file)) => {
            let name = text_of_name(file.as_encoded_bytes());
            Err(format!("there is no file {name} beside the set that could be adopted"))
        }
        ([], None) => Err(
            "no file beside the set holds anything that the set lacks: there is nothing to adopt"
                .to_owned(),
        ),
        (several, _) => {
            let list = names(several);
            Err(format!("several files may be adopted, name one of them (--adopt=FILE):{list}"))
        }
    }
}

fn undo(aof: &Aof, args: &RepairArgs, context: &Context) -> Result<(String, Outcome)> {
    let keep = args.changing.keep();
    let subject = change::subject(aof);
    changing::clear_up(aof, &args.changing, context)?;
    let last = Undo::last(&subject, &aof.dir(), &keep)?;
    let mut interrupted = false;
    if let (Some(undo), true) = (&last, args.changing.apply) {
        in_use::ask(aof, args.changing.force, context)?;
        let interrupt = Interrupt::listen().map_err(|e| Error::io(&aof.path, e))?;
        let options = change::Options {
            keep: Some(&keep),
            force: args.changing.force,
            stop: Some(interrupt.flag()),
            ..change::Options::default()
        };
        let undone = undo.apply(&LocalDisk, &options, &Bar::new(context.bar))?;
        changing::tell_left(&undone.left);
        interrupted = interrupt.came();
    }
    let applied = last.is_some() && args.changing.apply;
    let now = Aof::open(args.reading.path(), &context.open)?;
    let report = check(&now, context)?;
    let outcome =
        if interrupted { Outcome::Interrupted } else { Outcome::of_verdict(report.verdict) };
    let entries = change::entries(&keep, &subject)?;
    let undone = Undone { aof: now, entries, last, applied, now: report };
    let text = match context.json {
        true => json::undo(&undone),
        false => text::undo(&undone, context),
    };
    Ok((text, outcome))
}
