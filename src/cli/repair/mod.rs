//! `aofkit repair`

pub mod args;
pub mod report;

use aofkit::aof::Aof;
use aofkit::change::{self, Undo, Verb};
use aofkit::check::{Report, Verdict};
use aofkit::disk::LocalDisk;
use aofkit::error::{Error, Result};
use aofkit::repair::{self, inner};

use self::args::RepairArgs;
use self::report::{Repair, Undone, Way};
use crate::cli::changing::{self, Run, check, open_one};
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
    let mut repair = propose(aof, before, args, context)?;
    repair.run.recovered = recovered;
    repair.run.carry_out(&args.changing, context)?;
    let text = match context.json {
        true => json::repair(&repair, context),
        false => text::repair(&repair, &args.changing, context),
    };
    Ok((text, repair.run.outcome()))
}

fn propose(aof: Aof, before: Report, args: &RepairArgs, context: &Context) -> Result<Repair> {
    let bar = Bar::new(context.bar);
    let drops = repair::Drops { commands: args.drop_command.clone(), places: args.drop_at.clone() };
    if args.truncate || args.salvage {
        let answer = match args.truncate {
            true => inner::truncate(&aof, &drops, &context.pace, &bar)?,
            false => inner::salvage(&aof, &drops, &context.pace, &bar)?,
        };
        let (plan, inner, left) = match answer {
            inner::Answer::Plan(inner) => (inner.plan.clone(), Some(*inner), Vec::new()),
            inner::Answer::Refused(why) => {
                (change::Draft::new(Verb::Repair, &aof).finish()?, None, vec![why])
            }
        };
        let mut run = Run::new(aof, before, plan, left);
        run.look_ahead(context)?;
        tell_what_stays(&mut run);
        return Ok(Repair { run, inner, ways: Vec::new() });
    }
    let (plan, inner, left) = match drops.is_empty() {
        true => {
            let proposal = repair::tail_and_manifest(&aof, &before)?;
            (proposal.plan, None, proposal.left)
        }
        false => match inner::drop_named(&aof, &before, &drops)? {
            (inner::Answer::Plan(inner), left) => (inner.plan.clone(), Some(*inner), left),
            (inner::Answer::Refused(why), _) => {
                (change::Draft::new(Verb::Repair, &aof).finish()?, None, vec![why])
            }
        },
    };
    let mut run = Run::new(aof, before, plan, left);
    run.look_ahead(context)?;
    let ways = ways(&run, context)?;
    if !ways.is_empty() && run.left.is_empty() {
        run.left.push("damage in the middle: choose --truncate or --salvage".to_owned());
    }
    tell_what_stays(&mut run);
    Ok(Repair { run, inner, ways })
}

/// Records that the target does not take are no damage, and no word takes them away but their name.
fn tell_what_stays(run: &mut Run) {
    let after = run.outlook.as_ref().map_or(&run.before, |outlook| &outlook.report);
    let staying = repair::staying(after);
    run.left.extend(staying);
}

/// What the two words would do about what is left.
fn ways(run: &Run, context: &Context) -> Result<Vec<Way>> {
    let bar = Bar::new(context.bar);
    let is_inner = match &run.outlook {
        None => matches!(run.before.verdict, Verdict::InnerDamage | Verdict::TailDamage),
        // The word puts the rest right in the same run.
        Some(outlook) => outlook.verdict() == Verdict::InnerDamage,
    };
    let mut ways = Vec::new();
    if !is_inner {
        return Ok(ways);
    }
    let drops = repair::Drops::default();
    for word in ["truncate", "salvage"] {
        let answer = match word {
            "truncate" => inner::truncate(&run.aof, &drops, &context.pace, &bar)?,
            _ => inner::salvage(&run.aof, &drops, &context.pace, &bar)?,
        };
        let outlook = match answer {
            inner::Answer::Plan(inner) if inner.plan.is_empty() => continue,
            inner::Answer::Plan(inner) => Ok(inner.plan.loss.clone()),
            inner::Answer::Refused(why) => Err(why),
        };
        ways.push(Way { word, outlook });
    }
    Ok(ways)
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
            verdict_before: "",
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
