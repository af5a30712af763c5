//! `aofkit convert`

pub mod args;

use std::path::Path;

use aofkit::aof::{Aof, OpenOptions};
use aofkit::change::{Options, Outlook};
use aofkit::check::Wording;
use aofkit::convert::{self, Form};
use aofkit::disk::LocalDisk;
use aofkit::error::{Error, Result};

use self::args::{ConvertArgs, To};
use crate::cli::changing::{self, Run, open_one};
use crate::cli::common::context::Context;
use crate::cli::common::interrupt::Interrupt;
use crate::cli::common::json as common_json;
use crate::cli::common::outcome::Outcome;
use crate::cli::common::progress::Bar;
use crate::cli::plan::{json, text};

/// Writes the one set there in another form.
pub fn run(args: &ConvertArgs, context: &Context) -> Result<(String, Outcome)> {
    let picks = args.picks();
    let opened = match picks {
        Ok(picks) => open_one(args.reading.path(), &context.open)?.map(|aof| (aof, picks)),
        Err(why) => Err(why),
    };
    let (aof, picks) = match opened {
        Ok(both) => both,
        Err(why) => {
            return Ok((String::new(), crate::cli::common::output::usage(&why, context.json)));
        }
    };
    let before = changing::check(&aof, context)?;
    let form = match args.to {
        To::Set => Form::Set,
        To::File => Form::File,
        To::Rdb => Form::Rdb,
    };
    let bar = Bar::new(context.bar);
    let plan = convert::plan(&aof, &before, form, &picks, &context.pace, &bar)?;
    let interrupt = Interrupt::listen().map_err(|e| Error::io(&plan.path, e))?;
    let options = Options {
        stop: Some(interrupt.flag()),
        verdict_before: common_json::verdict(before.verdict),
        ..Options::default()
    };
    plan.write_to(&args.output, &LocalDisk, &options, &bar)?;
    let mut run = Run::new(aof, before, plan, Vec::new());
    run.output = Some(args.output.clone());
    let outlook = outlook(&args.output, &run, context)?;
    run.plan.target = outlook.report.target;
    run.outlook = Some(outlook);
    let text = match context.json {
        true => json::convert(&run, context),
        false => text::convert(&run, context),
    };
    Ok((text, run.outcome()))
}

/// What was made, by the eyes of the target and of every known server.
fn outlook(dir: &Path, run: &Run, context: &Context) -> Result<Outlook> {
    let of = |target| {
        let (stands_in, modules) = (!run.aof.target_given, run.aof.modules.clone());
        let conf = context.open.conf.clone();
        Aof::open(dir, &OpenOptions { target, stands_in, conf, modules })
    };
    let mut target = run.plan.target;
    // What was converted may be of a server that does not read the new form: unless that one was named, it is asked
    // which one does.
    if !run.aof.target_given && run.plan.manifest.is_some() && target.rules.manifest.is_none() {
        target = changing::check(&of(None)?, context)?.target;
    }
    let after = of(Some(target))?;
    let wording = Wording { redact: context.redact };
    Outlook::new(&run.aof, after, &wording, &context.pace, &Bar::new(context.bar))
}
