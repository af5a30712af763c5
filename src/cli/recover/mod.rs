//! `aofkit recover`

pub mod args;
mod json;
mod report;
mod text;

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aofkit::aof::{Aof, OpenOptions, open_found};
use aofkit::backup::{SnapshotPath, Which, open_snapshot};
use aofkit::error::{Error, ErrorKind, Result};
use aofkit::recover::{
    self, Commands, Hindrance, List, Rdb, Target, Wish, compare, passed, show, write_file,
};
use aofkit::scan::Filter;
use aofkit::server::Address;
use aofkit::trial::Held;
use jiff::Timestamp;

use self::args::RecoverArgs;
use self::report::{Did, NodeSeen, Planned, Recovery};
use crate::cli::changing::{self, looking};
use crate::cli::common::context::{Context, Format};
use crate::cli::common::interrupt::{self, Interrupt};
use crate::cli::common::outcome::Outcome;
use crate::cli::common::output::usage;
use crate::cli::common::progress::Bar;
use crate::cli::common::repository::{find, snapshot};
use crate::cli::common::server::{Asked, ServerArgs};
use crate::cli::restore::of_that_time;

/// Why a password is not taken there.
const PASSWORD_TYPED: &str = "a password on the command line is seen by everybody on the machine: leave it out of --into, and give it by \
    AOFKIT_SERVER_PASSWORD or by --server-password-file";

/// Brings keys of the one set or snapshot back.
pub fn run(
    args: &RecoverArgs,
    server: &ServerArgs,
    context: &Context,
) -> Result<(String, Outcome)> {
    let refused = |why: &str| Ok((String::new(), usage(why, context.json)));
    if let Err(why) = can_run(args, context) {
        return refused(&why);
    }
    let target = match args.into.as_deref().map(|url| asked(url, server)).transpose() {
        Ok(target) => target,
        Err(why) => return refused(&why),
    };
    interrupt::obey_at_once();
    let trial = args.given.trial(&args.load, context)?;
    let interrupt = Interrupt::listen().map_err(|e| Error::io(&args.load, e))?;
    let mut open = context.open.clone();
    if open.target.is_none() {
        open.target = trial.server()?;
    }
    let aof = match opened(args, &open, context)? {
        Ok(aof) => aof,
        Err(why) => return refused(&why),
    };
    let moment = match args.moment.of_set(&aof) {
        Ok(moment) => moment,
        Err(why) => return refused(&why),
    };
    let bar = Bar::new(context.bar);
    let held = trial.hold_at(&aof, moment.as_ref(), &looking(context, &bar))?;
    let mut filter = Filter::default();
    args.key.iter().for_each(|pattern| filter.add_key_pattern(pattern.as_bytes()));
    args.db.iter().for_each(|db| filter.add_db(*db));
    let wish = Wish { filter: &filter, stop: interrupt.flag() };
    let work = Work { args, context, aof: &aof, held: &held, wish };
    if context.format == Format::Resp {
        return work.commands();
    }
    let did = work.done(target.as_ref())?;
    let outcome = outcome(&did, args.apply);
    let recovery = Recovery::new(aof, &held, args.moment.told(), did);
    let text = match context.json {
        true => json::recover(&recovery, args.apply, context),
        false => text::recover(&recovery, args.apply, context),
    };
    Ok((text, outcome))
}

/// Whether the arguments fit together.
fn can_run(args: &RecoverArgs, context: &Context) -> std::result::Result<(), String> {
    let is_resp = context.format == Format::Resp;
    match (args.into.is_some() || args.output.is_some() || args.show, is_resp) {
        (false, false) => {
            Err("where to? --into URL, --output FILE, --format resp, or --show".to_owned())
        }
        (true, true) => {
            Err("--format resp prints commands, and goes with none of --into, --output and --show"
                .to_owned())
        }
        (false, true) if context.redact => {
            Err("--redact hides values, and --format resp is made of them".to_owned())
        }
        _ if args.reading.path() == Path::new("-") => {
            Err("standard input cannot be loaded by a server: name a file".to_owned())
        }
        _ => Ok(()),
    }
}

fn asked(url: &str, server: &ServerArgs) -> std::result::Result<Asked, String> {
    let address = Address::parse(url).map_err(|why| format!("--into: {why}"))?;
    if address.password().is_some() {
        return Err(PASSWORD_TYPED.to_owned());
    }
    server.at(address)
}

/// The set, or the snapshot; of the newest one, that which reaches back to the time that was asked for.
fn opened(
    args: &RecoverArgs,
    open: &OpenOptions,
    context: &Context,
) -> Result<std::result::Result<Aof, String>> {
    let path = args.reading.path();
    let source = context.source.as_deref();
    let named = SnapshotPath::parse(path).filter(|named| named.which == Which::Latest(0));
    if let (Some(named), Some(until)) = (named, args.moment.until()?) {
        let (repository, newest) = find(&named, source)?;
        let entry = of_that_time(&repository, newest, until)?;
        return open_snapshot(Arc::new(repository), &entry, path, open).map(Ok);
    }
    match snapshot(path, open, source) {
        Some(opened) => opened.map(Ok),
        None => changing::only(open_found(path, open)?, path),
    }
}

/// How it ended.
fn outcome(did: &Did, applies: bool) -> Outcome {
    let Did::Plan(planned) = did else { return Outcome::Done };
    match &planned.written {
        None if !planned.found.hindrances.is_empty() => Outcome::CouldNot,
        None => Outcome::Done,
        Some(written) => match &written.stopped {
            Some(e) if matches!(e.kind(), ErrorKind::Interrupted) => Outcome::Interrupted,
            Some(_) => Outcome::CouldNot,
            None if applies && written.refused.count + written.changed.count > 0 => {
                Outcome::CouldNot
            }
            None => Outcome::Done,
        },
    }
}

struct Work<'a> {
    args: &'a RecoverArgs,
    context: &'a Context,
    aof: &'a Aof,
    held: &'a Held,
    wish: Wish<'a>,
}

impl Work<'_> {
    /// Prints commands that create the keys.
    fn commands(&self) -> Result<(String, Outcome)> {
        let mut out = BufWriter::new(std::io::stdout().lock());
        match write_file(self.held, &self.wish, &mut Commands::new(&mut out)) {
            Ok(_) => {}
            Err(e) => return Err(e),
        }
        out.flush().map_err(|e| Error::io(Path::new("standard output"), e))?;
        if let Some(passed) = self.passed()?.filter(|passed| passed.count > 0) {
            let what = aofkit::text::count(passed.count, "key");
            self.context.note(&format!("{what} left out whose time has passed since"));
        }
        Ok((String::new(), Outcome::Done))
    }

    fn passed(&self) -> Result<Option<List>> {
        passed(self.aof, self.held, &self.wish, &Bar::new(self.context.bar))
    }

    fn done(&self, target: Option<&Asked>) -> Result<Did> {
        if let Some(asked) = target {
            return self.into(asked).map(|planned| Did::Plan(Box::new(planned)));
        }
        if let Some(path) = &self.args.output {
            let keys = write_file(self.held, &self.wish, &mut Rdb::create(path)?)?;
            return Ok(Did::File { path: path.clone(), keys, passed: self.passed()? });
        }
        let (keys, more) = show(self.held, &self.wish)?;
        Ok(Did::Shown { keys, more, passed: self.passed()? })
    }

    /// Compares the keys with those of a server, and writes them there when asked to.
    fn into(&self, asked: &Asked) -> Result<Planned> {
        let connect = |address: &Address| asked.connect_to(address);
        let mut target = Target::open(&asked.address, &connect)?;
        let mut found = compare(self.held, &self.wish, &mut target, self.args.replace)?;
        found.hindrances.extend(self.other_run(&target));
        let passed = self.passed()?;
        let mut planned = Planned {
            is_cluster: target.is_cluster(),
            url: asked.address.to_string(),
            nodes: NodeSeen::of(&target),
            found,
            passed,
            replaces: self.args.replace,
            written: None,
        };
        if self.args.apply && planned.found.hindrances.is_empty() {
            let keep = self.args.replace.then(|| self.keep());
            let found = &planned.found;
            let written =
                recover::write(self.held, &self.wish, &mut target, found, keep.as_deref())?;
            planned.written = Some(written);
        }
        Ok(planned)
    }

    /// That the target is not the server whose run id was typed.
    fn other_run(&self, target: &Target<'_>) -> Option<(String, Hindrance)> {
        let expected = self.args.run_id.as_ref()?;
        let mut found = target.serving().map(|node| node.state.run_id.clone().unwrap_or_default());
        let is_there = found.any(|found| found == *expected);
        let node = target.serving().next()?;
        let found = node.state.run_id.clone().unwrap_or_default();
        let why = Hindrance::OtherRun { expected: expected.clone(), found };
        (!is_there).then(|| (node.address.to_string(), why))
    }

    /// Where old values are kept.
    fn keep(&self) -> PathBuf {
        let dir = self.args.keep_in.clone().unwrap_or_else(|| PathBuf::from("."));
        let now = Timestamp::now().strftime("%Y%m%dT%H%M%SZ");
        dir.join(format!("aofkit-replaced-{now}-{}.aof", std::process::id()))
    }
}
