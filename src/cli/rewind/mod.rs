//! `aofkit rewind`

pub mod args;
pub mod json;
pub mod report;
pub mod text;

use std::fmt;
use std::path::Path;

use aofkit::aof::Aof;
use aofkit::change::{Looking, Options, Proposal, Session, Verb};
use aofkit::check::{Check, Wording, judge};
use aofkit::error::{Error, Result};
use aofkit::limits;
use aofkit::moment::{Found, Moment, Places};
use aofkit::rewind::{self, Answer, Conflict, Hindrance, Reach, Why};
use aofkit::scan::scan;
use aofkit::text::{name, thousands};
use jiff::Timestamp;

use self::args::RewindArgs;
use self::report::{Listed, Rewound};
use crate::cli::changing::{self, Run, open_one};
use crate::cli::common::context::Context;
use crate::cli::common::moments;
use crate::cli::common::outcome::Outcome;
use crate::cli::common::progress::Bar;
use crate::cli::common::units::time;

/// Plans the way back of the one set there, and goes it when asked to.
pub fn run(args: &RewindArgs, context: &Context) -> Result<(String, Outcome)> {
    let path = args.reading.path();
    let aof = match open_one(path, &context.open)? {
        Ok(aof) => aof,
        Err(why) => {
            return Ok((String::new(), crate::cli::common::output::usage(&why, context.json)));
        }
    };
    if args.list {
        return list(aof, context);
    }
    if path == Path::new("-") {
        let why = "standard input cannot be changed: name a file";
        return Ok((String::new(), crate::cli::common::output::usage(why, context.json)));
    }
    changing::refuse_link(&aof, args.changing.output.as_deref())?;
    let recovered = changing::clear_up(&aof, &args.changing, context)?;
    let aof = if recovered.is_empty() { aof } else { Aof::open(path, &context.open)? };
    let moment = match moment(args, &aof) {
        Ok(moment) => moment,
        Err(why) => {
            return Ok((String::new(), crate::cli::common::output::usage(&why, context.json)));
        }
    };
    let bar = Bar::new(context.bar);
    let looking = changing::looking(context, &bar);
    let found = match args.later() {
        None => rewind::rewind(&aof, &moment, &looking)?,
        Some(later) => {
            rewind::omit(&aof, &moment, later, Timestamp::now().as_millisecond(), &looking)?
        }
    };
    let (reach, plan) = match found.answer {
        Answer::Plan(plan) => (found.reach, *plan),
        Answer::No(why) => {
            return Err(Error::refused(OutOfReach { why, reach: found.reach }, &aof.path));
        }
        Answer::Hindered(Conflict { place: (segment, offset), hindrance }) => {
            let file = aof.segments[segment].path();
            return Err(Error::refused(CannotOmit(hindrance), &file).at(offset));
        }
    };
    let run = changing::carry_out(aof, found.report, plan, &args.changing, context)?;
    let rewound = Rewound {
        run: run.after(recovered),
        found: found.found,
        reach,
        omitted: found.omitted,
        candidates: None,
    };
    let text = match context.json {
        true => json::rewind(&rewound, context),
        false => text::rewind(&rewound, &args.changing, context),
    };
    Ok((text, changing::exit_status(&rewound.run)))
}

/// The moment that was typed, or why it makes no sense.
fn moment(args: &RewindArgs, aof: &Aof) -> Result<Moment, String> {
    if let Some(text) = &args.until {
        return moments::until(text).map(Moment::Until).map_err(|why| format!("--until: {why}"));
    }
    if let Some(text) = &args.at {
        let files = aof.live().map(|(position, segment)| (position, segment.name.to_vec()));
        let place = moments::place(text, &files.collect::<Vec<_>>());
        return place.map(Moment::At).map_err(|why| format!("--at: {why}"));
    }
    let text = args.before_command.as_deref().unwrap_or_default();
    moments::before(text, &args.key, &aof.names).map_err(|why| format!("--before-command: {why}"))
}

/// Why there is no way back to a moment.
#[derive(Debug)]
struct OutOfReach {
    why: Why,
    reach: Reach,
}

impl fmt::Display for OutOfReach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { why, reach } = *self;
        let first = reach.first_ts.map_or_else(
            || "no later command is dated".to_owned(),
            |first| format!("the first dated command came at {}", time(first)),
        );
        match why {
            Why::Undated => {
                let base = text::of_base(reach).map(|base| format!("; {base}"));
                write!(
                    f,
                    "nothing in this set says when its commands were written (aof-timestamp-enabled is off): \
                     name a place with --at, or a command with --before-command; --list shows some{}",
                    base.unwrap_or_default()
                )
            }
            Why::OlderThanBase => {
                let base = reach.base_created.map(time).unwrap_or_default();
                write!(
                    f,
                    "out of reach: the base was saved at {base} and holds everything older as one state; {first}"
                )
            }
            Why::NothingBefore => {
                write!(f, "out of reach: this set holds nothing before that; {first}")
            }
            Why::NoSuchCommand => {
                f.write_str("no such command in this set; --list shows places to go back to")
            }
            Why::BeyondEnd => f.write_str("the file ends before that byte"),
            Why::InsideBase => {
                f.write_str("that byte lies inside the RDB of the base, which is one state")
            }
        }
    }
}

/// Why a command cannot be taken out without what came after it.
#[derive(Debug)]
struct CannotOmit(Hindrance);

impl fmt::Display for CannotOmit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let merge = "--merge replays it on what was there before";
        match &self.0 {
            Hindrance::NoCommand => f.write_str("no command begins there; --list shows places to go back to"),
            Hindrance::UnknownKeys(command) => write!(
                f,
                "it is not known which keys {} reads or changes, so nobody can say what would return; {merge}",
                name(command)
            ),
            Hindrance::ReachesFar(command) => write!(
                f,
                "{} stands behind the command that is taken out, and changes keys that it does not name; {merge}",
                name(command)
            ),
            Hindrance::ChangesFunctions(command) => write!(
                f,
                "{} stands behind the command that is taken out, and changes functions; {merge}",
                name(command)
            ),
            Hindrance::Exchanges(command) => write!(
                f,
                "{} exchanges databases: all that came after it would go to the wrong one; \
                 rewind without --keep-later cuts the log before it",
                name(command)
            ),
            Hindrance::Damaged => f.write_str(
                "these bytes are damaged, and it is not known which keys they named: run aofkit repair first",
            ),
            Hindrance::OpenTransaction => {
                f.write_str("this transaction does not end: run aofkit repair first")
            }
            Hindrance::TooLarge => write!(
                f,
                "the transaction here has more than {} records",
                thousands(limits::UNIT_RECORDS as u64)
            ),
            Hindrance::TooManyNames => write!(
                f,
                "the commands behind it name more keys than fit into {} bytes of memory; {merge}",
                thousands(limits::LATER_NAMES as u64)
            ),
            Hindrance::AllNamedLater => f.write_str(
                "every key that it changed is named by a later command, and keeps the value of today: nothing would return. \
                 --merge replays what came after on what was there before",
            ),
        }
    }
}

fn list(aof: Aof, context: &Context) -> Result<(String, Outcome)> {
    let observers = (Places::default(), Check::new(&aof));
    let ((candidates, commands), facts) =
        scan(&aof, observers, &context.pace, &Bar::new(context.bar))?;
    let report = judge(&aof, facts, &Wording { redact: context.redact })?;
    let reach = rewind::reach(&aof, &report);
    let nothing = Proposal::nothing(Verb::Rewind, &aof)?;
    let (options, looking) = (Options::default(), Looking::default());
    let rewound = Rewound {
        run: Run::new(Session::new(aof, report, nothing).end(&options, &looking)?, None),
        found: Found::default(),
        reach,
        omitted: None,
        candidates: Some(Listed { candidates, commands }),
    };
    let text = match context.json {
        true => json::rewind(&rewound, context),
        false => text::list(&rewound, context),
    };
    Ok((text, Outcome::Done))
}
