//! `aofkit rewind`

use std::path::Path;

use aofkit::aof::Aof;
use aofkit::change::{Draft, Verb};
use aofkit::check::{Check, Wording, judge};
use aofkit::error::{Error, ErrorKind, Result};
use aofkit::moment::{Candidate, Found, Moment, Places, Which};
use aofkit::rewind::{self, Answer, Reach, Why};
use aofkit::scan::{Filter, scan};
use aofkit::text::name;
use clap::Args as ClapArgs;
use jiff::Timestamp;

use super::args::{Context, Reading};
use super::changing::{self, Changing, Run, open_one};
use super::outcome::Outcome;
use super::progress::Bar;
use super::render::{rewind_json, rewind_text, time};
use super::times;

#[derive(Debug, ClapArgs)]
#[command(group = clap::ArgGroup::new("moment").required(true))]
pub struct RewindArgs {
    #[command(flatten)]
    pub reading: Reading,
    /// Keep what was logged at this time or earlier, by #TS annotations: 2026-11-24T03:00:00Z,
    /// @1764000000, or 2h for two hours ago
    #[arg(long, value_name = "TIME", group = "moment")]
    until: Option<String>,
    /// Keep what stands before this byte of this file of the set; from the middle of a record or
    /// transaction it goes back to its beginning
    #[arg(long, value_name = "FILE:OFFSET", group = "moment")]
    at: Option<String>,
    /// Keep what stands before this command: FLUSHALL, FLUSHALL:first, 'XGROUP|DESTROY:last'; the last
    /// one where nothing is said
    #[arg(long, value_name = "NAME[:first|:last]", group = "moment")]
    before_command: Option<String>,
    /// Only a command that names a key of this pattern, as KEYS understands it: 'user:*'
    #[arg(long, value_name = "GLOB", conflicts_with_all = ["until", "at"])]
    key: Vec<String>,
    /// Show places one may want to go back to: flushes, many deletions in a row, borders of files, and
    /// which times the set knows of
    #[arg(long, group = "moment", conflicts_with_all = ["apply", "output", "key"])]
    list: bool,
    #[command(flatten)]
    pub changing: Changing,
}

/// A way back and all that should be known of it.
pub struct Rewound {
    pub run: Run,
    pub found: Found,
    pub reach: Reach,
    /// With `--list`.
    pub candidates: Option<Listed>,
}

/// What `--list` shows.
pub struct Listed {
    pub candidates: Vec<Candidate>,
    pub commands: u64,
}

/// Plans the way back of the one set there, and goes it when asked to.
pub fn run(args: &RewindArgs, context: &Context) -> Result<(String, Outcome)> {
    let path = args.reading.path();
    let aof = match open_one(path, &context.open)? {
        Ok(aof) => aof,
        Err(why) => return Ok(usage(&why)),
    };
    if args.list {
        return list(aof, context);
    }
    let recovered = changing::clear_up(&aof, &args.changing, context)?;
    let aof = if recovered.is_empty() { aof } else { Aof::open(path, &context.open)? };
    let moment = match moment(args, &aof) {
        Ok(moment) => moment,
        Err(why) => return Ok(usage(&why)),
    };
    let wording = Wording { redact: context.redact };
    let bar = Bar::new(context.bar);
    let found = rewind::rewind(&aof, &moment, &wording, &context.pace, &bar)?;
    let (reach, plan) = match found.answer {
        Answer::Plan(plan) => (found.reach, *plan),
        Answer::No(why) => return Err(refusal(&aof, why, found.reach)),
    };
    let mut rewound = Rewound {
        run: Run::new(aof, found.report, plan, Vec::new()),
        found: found.found,
        reach,
        candidates: None,
    };
    rewound.run.recovered = recovered;
    rewound.run.carry_out(&args.changing, context)?;
    let text = match context.json {
        true => rewind_json::rewind(&rewound, context),
        false => rewind_text::rewind(&rewound, &args.changing, context),
    };
    Ok((text, rewound.run.outcome()))
}

fn usage(why: &str) -> (String, Outcome) {
    super::complain(&format!("aofkit: {why}"));
    (String::new(), Outcome::Usage)
}

/// The moment that was typed, or why it makes no sense.
fn moment(args: &RewindArgs, aof: &Aof) -> Result<Moment, String> {
    if let Some(text) = &args.until {
        let until =
            times::parse(text, Timestamp::now()).map_err(|why| format!("--until: {why}"))?;
        return Ok(Moment::Until(until.as_second()));
    }
    if let Some(text) = &args.at {
        return place(text, aof).map_err(|why| format!("--at: {why}"));
    }
    let text = args.before_command.as_deref().unwrap_or_default();
    let (command, which) = match text.rsplit_once(':') {
        Some((command, "first")) => (command, Which::First),
        Some((command, "last")) => (command, Which::Last),
        Some((_, other)) => {
            return Err(format!("--before-command: ':{other}' is neither :first nor :last"));
        }
        None => (text, Which::Last),
    };
    let mut filter = Filter::default();
    if !filter.add_command(command.as_bytes()) {
        super::complain(&format!("aofkit: no known server has a command '{command}'"));
    }
    args.key.iter().for_each(|pattern| filter.add_key_pattern(pattern.as_bytes()));
    Ok(Moment::Before(Box::new(filter), which))
}

/// `FILE:OFFSET`; a name may hold colons.
fn place(text: &str, aof: &Aof) -> Result<Moment, String> {
    let wrong = || format!("'{text}' is not a place such as appendonly.aof.1.incr.aof:1996");
    let (file, offset) = text.rsplit_once(':').ok_or_else(wrong)?;
    let offset = offset.parse().map_err(|_| wrong())?;
    let file_name = Path::new(file).file_name().unwrap_or_default().as_encoded_bytes();
    let found = aof.live().find(|(_, segment)| segment.name == file_name);
    let (position, _) = found.ok_or_else(|| {
        let names: Vec<_> = aof.live().map(|(_, segment)| name(&segment.name)).collect();
        format!("no file '{file}' in this set, which has {}", names.join(", "))
    })?;
    Ok(Moment::At((position, offset)))
}

/// Why there is no way back to that moment.
fn refusal(aof: &Aof, why: Why, reach: Reach) -> Error {
    let first = reach.first_ts.map_or_else(
        || "no later command is dated".to_owned(),
        |first| format!("the first dated command came at {}", time(first)),
    );
    let text = match why {
        Why::Undated => "nothing in this set says when it was written (aof-timestamp-enabled is off): \
                         name a place with --at, or a command with --before-command; --list shows some"
            .to_owned(),
        Why::OlderThanBase => {
            let base = reach.base_created.map(time).unwrap_or_default();
            format!(
                "out of reach: the base was saved at {base} and holds everything older as one state; {first}"
            )
        }
        Why::NothingBefore => format!("out of reach: this set holds nothing before that; {first}"),
        Why::NoSuchCommand => "no such command in this set".to_owned(),
        Why::BeyondEnd => "the file ends before that byte".to_owned(),
        Why::InsideBase => "that byte lies inside the RDB of the base, which is one state".to_owned(),
    };
    Error::new(ErrorKind::Refused(text), &aof.path)
}

fn list(aof: Aof, context: &Context) -> Result<(String, Outcome)> {
    let observers = (Places::default(), Check::new(&aof));
    let ((candidates, commands), facts) =
        scan(&aof, observers, &context.pace, &Bar::new(context.bar))?;
    let report = judge(&aof, facts, &Wording { redact: context.redact })?;
    let reach = rewind::reach(&aof, &report);
    let plan = Draft::new(Verb::Rewind, &aof).finish()?;
    let rewound = Rewound {
        run: Run::new(aof, report, plan, Vec::new()),
        found: Found::default(),
        reach,
        candidates: Some(Listed { candidates, commands }),
    };
    let text = match context.json {
        true => rewind_json::rewind(&rewound, context),
        false => rewind_text::list(&rewound, context),
    };
    Ok((text, Outcome::Done))
}
