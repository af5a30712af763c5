//! `aofkit convert`

use std::path::{Path, PathBuf};

use aofkit::aof::{Aof, OpenOptions};
use aofkit::change::{Options, Outlook};
use aofkit::check::Wording;
use aofkit::convert::{self, Form, Picks};
use aofkit::disk::LocalDisk;
use aofkit::error::{Error, Result};
use aofkit::scan::Filter;
use aofkit::stats::SLOTS;
use clap::{Args as ClapArgs, ValueEnum};

use crate::cli::common::context::Context;
use crate::cli::common::reading::Reading;
use crate::cli::changing;
use crate::cli::changing::{Run, open_one};
use crate::cli::common::interrupt::Interrupt;
use crate::cli::common::outcome::Outcome;
use crate::cli::common::progress::Bar;
use crate::cli::common::json;
use crate::cli::plan::{json, text};

/// What a set is to become.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum To {
    /// A multi-part set of a base and one increment
    Set,
    /// One file, as servers before 7.0 have it
    File,
    /// An RDB: the base of a set that holds nothing else
    Rdb,
}

#[derive(Debug, ClapArgs)]
pub struct ConvertArgs {
    #[command(flatten)]
    pub reading: Reading,
    /// What it is to become
    #[arg(long, value_enum, default_value_t = To::Set, env = "AOFKIT_TO")]
    to: To,
    /// Write it into DIR, which must not exist or be empty; the original stays as it is
    #[arg(long, value_name = "DIR")]
    output: PathBuf,
    /// Only this database
    #[arg(long, value_name = "N", env = "AOFKIT_DB", value_delimiter = ',')]
    db: Vec<u64>,
    /// Only keys of this pattern, as KEYS understands it: 'user:*'
    #[arg(long, value_name = "GLOB", env = "AOFKIT_KEY")]
    key: Vec<String>,
    /// Only keys in which this regular expression is found
    #[arg(long, value_name = "REGEX", env = "AOFKIT_KEY_REGEX")]
    key_regex: Vec<String>,
    /// Only keys of this hash slot, or of a range: 0-5460
    #[arg(long, value_name = "N[-M]", env = "AOFKIT_SLOT", value_delimiter = ',',
        value_parser = slots)]
    slot: Vec<(u16, u16)>,
}

fn slots(text: &str) -> std::result::Result<(u16, u16), String> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let number = |text: &str| text.parse::<u16>().ok().filter(|slot| *slot < SLOTS);
    let range = number(first).zip(number(last)).filter(|(first, last)| first <= last);
    range.ok_or_else(|| "write a slot from 0 to 16383, or a range such as 0-5460".to_owned())
}

impl ConvertArgs {
    /// What is taken of the commands, or why that makes no sense.
    pub fn picks(&self) -> std::result::Result<Picks, String> {
        let mut filter = Filter::default();
        self.db.iter().for_each(|db| filter.add_db(*db));
        self.key.iter().for_each(|pattern| filter.add_key_pattern(pattern.as_bytes()));
        for expression in &self.key_regex {
            filter.add_key_regex(expression).map_err(|why| format!("--key-regex: {why}"))?;
        }
        Ok(Picks { filter, databases: self.db.clone(), slots: self.slot.clone() })
    }
}

/// Writes the one set there in another form.
pub fn run(args: &ConvertArgs, context: &Context) -> Result<(String, Outcome)> {
    let picks = args.picks();
    let opened = match picks {
        Ok(picks) => open_one(args.reading.path(), &context.open)?.map(|aof| (aof, picks)),
        Err(why) => Err(why),
    };
    let (aof, picks) = match opened {
        Ok(both) => both,
        Err(why) => return Ok((String::new(), crate::cli::common::output::usage(&why, context.json))),
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
        verdict_before: json::verdict(before.verdict),
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
