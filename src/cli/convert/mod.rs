//! `aofkit convert`

pub mod args;

use std::path::Path;

use aofkit::aof::{Aof, OpenOptions};
use aofkit::change::{self, Options, Session};
use aofkit::convert::{self, Form};
use aofkit::disk::LocalDisk;
use aofkit::error::{Error, Result};
use aofkit::trial::{Loaded, Wanted};

use self::args::{ConvertArgs, To};
use crate::cli::changing::{self, Run, open_one};
use crate::cli::common::context::Context;
use crate::cli::common::interrupt::Interrupt;
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
    let options = Options { stop: Some(interrupt.flag()), ..Options::default() };
    let looking = changing::looking(context, &bar);
    let session = Session::new(aof, before, plan).configured(context.open.conf.as_deref());
    let made = session.write_form_to(&args.output, &LocalDisk, &options, &looking)?;
    let loaded = tried(&args.output, &made, context)?;
    let run = Run::new(made, loaded);
    let text = match context.json {
        true => json::convert(&run, context),
        false => text::convert(&run, context),
    };
    Ok((text, changing::exit_status(&run)))
}

/// What a server makes of the result, where one is to be asked.
fn tried(dir: &Path, made: &change::Outcome, context: &Context) -> Result<Option<Loaded>> {
    let Some(asking) = &context.trial else { return Ok(None) };
    let options = OpenOptions { target: Some(made.plan.target), ..context.open.clone() };
    let as_dump = made.outlook.as_ref().is_some_and(|outlook| outlook.report.is_rdb);
    let wanted = Wanted { as_dump, ..Wanted::default() };
    asking.load(&Aof::open(dir, &options)?, &wanted).map(Some)
}
