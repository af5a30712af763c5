//! `aofkit repair`

pub mod args;
pub mod report;

use aofkit::aof::Aof;
use aofkit::change::{self, Undo};
use aofkit::disk::LocalDisk;
use aofkit::error::{Error, Result};
use aofkit::repair;

use self::args::RepairArgs;
use self::report::{Repair, Undone};
use crate::cli::changing::{self, check, open_one};
use crate::cli::common::context::Context;
use crate::cli::common::in_use;
use crate::cli::common::interrupt::Interrupt;
use crate::cli::common::outcome::Outcome;
use crate::cli::common::progress::Bar;
use crate::cli::plan::{json, text};

/// Plans a repair of the one set there, and does it when asked to.
pub fn run(args: &RepairArgs, context: &Context) -> Result<(String, Outcome)> {
    let path = args.reading.path();
    if path.as_os_str() == "-" {
        let outcome = crate::cli::common::output::usage(
            "standard input cannot be repaired: name a file",
            context.json,
        );
        return Ok((String::new(), outcome));
    }
    let aof = match open_one(path, &context.open)? {
        Ok(aof) => aof,
        Err(why) => {
            return Ok((String::new(), crate::cli::common::output::usage(&why, context.json)));
        }
    };
    changing::refuse_link(&aof, args.changing.output.as_deref())?;
    if args.undo {
        return undo(&aof, args, context);
    }
    let recovered = changing::clear_up(&aof, &args.changing, context)?;
    let aof = if recovered.is_empty() { aof } else { Aof::open(path, &context.open)? };
    let aof = repair::subject(aof)?;
    let before = check(&aof, context)?;
    let bar = Bar::new(context.bar);
    let drops = repair::Drops { commands: args.drop_command.clone(), places: args.drop_at.clone() };
    let choice = match (args.truncate, args.salvage) {
        (true, _) => repair::Inner::Truncate,
        (_, true) => repair::Inner::Salvage,
        _ => repair::Inner::Ask,
    };
    let looking = changing::looking(context, &bar);
    let proposed = repair::propose(&aof, &before, choice, &drops, &looking)?;
    let (inner, ways) = (proposed.inner, proposed.ways);
    let run = changing::carry_out(aof, before, proposed.proposal, &args.changing, context)?;
    let repair = Repair { run: run.after(recovered), inner, ways };
    let text = match context.json {
        true => json::repair(&repair, context),
        false => text::repair(&repair, &args.changing, context),
    };
    Ok((text, changing::exit_status(&repair.run)))
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
        undo.apply(&LocalDisk, &options, &Bar::new(context.bar))?;
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
