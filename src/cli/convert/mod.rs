//! `aofkit convert`

pub mod args;

use aofkit::change::{Options, Session};
use aofkit::convert::{self, Form};
use aofkit::disk::LocalDisk;
use aofkit::error::{Error, Result};

use self::args::{ConvertArgs, To};
use crate::cli::changing::{self, open_one};
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
    let run = session.write_form_to(&args.output, &LocalDisk, &options, &looking)?;
    let text = match context.json {
        true => json::convert(&run, context),
        false => text::convert(&run, context),
    };
    Ok((text, changing::exit_status(&run)))
}
