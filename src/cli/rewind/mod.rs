//! `aofkit rewind`

pub mod args;
pub mod json;
pub mod report;
pub mod text;

use std::path::Path;

use aofkit::aof::Aof;
use aofkit::change::{Looking, Options, Proposal, Session, Verb};
use aofkit::check::{Check, Wording, judge};
use aofkit::error::{Error, Result};
use aofkit::moment::{Found, Moment, Places};
use aofkit::rewind::{self, Answer, Reach, Why};
use aofkit::scan::scan;
use std::fmt;

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
    let wording = Wording { redact: context.redact };
    let bar = Bar::new(context.bar);
    let found = rewind::rewind(&aof, &moment, &wording, &context.pace, &bar)?;
    let (reach, plan) = match found.answer {
        Answer::Plan(plan) => (found.reach, *plan),
        Answer::No(why) => {
            return Err(Error::refused(OutOfReach { why, reach: found.reach }, &aof.path));
        }
    };
    let run = changing::carry_out(aof, found.report, plan, &args.changing, context)?;
    let rewound =
        Rewound { run: run.after(recovered), found: found.found, reach, candidates: None };
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
        candidates: Some(Listed { candidates, commands }),
    };
    let text = match context.json {
        true => json::rewind(&rewound, context),
        false => text::list(&rewound, context),
    };
    Ok((text, Outcome::Done))
}
