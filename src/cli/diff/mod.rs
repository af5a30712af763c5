//! `aofkit diff`

pub mod args;
mod json;
mod operand;
mod report;
mod text;
mod wire;

use aofkit::diff::{Options, Verdict, compare, compare_loaded};
use aofkit::error::Result;
use aofkit::trial::Held;

use self::args::DiffArgs;
use self::operand::Operand;
use self::report::{ByServer, Compared};
use crate::cli::common::context::Context;
use crate::cli::common::outcome::Outcome;
use crate::cli::common::output::usage;
use crate::cli::common::progress::Bar;

/// Compares two sets.
pub fn run(args: &DiffArgs, context: &Context) -> Result<(String, Outcome)> {
    let open = |path| operand::open(path, context);
    let (mut a, mut b) = match (open(&args.a)?, open(&args.b)?) {
        (Ok(a), Ok(b)) => (a, b),
        (Err(why), _) | (_, Err(why)) => return Ok((String::new(), usage(&why, context.json))),
    };
    let options = Options { pace: context.pace, most: args.rows() };
    let diff = compare(a.shown(), b.shown(), &options, &Bar::new(context.bar))?;
    let loaded = loaded(&a, &b, args, context)?;
    let compared = Compared { a, b, diff, loaded, top: args.rows() };
    let text = match context.json {
        true => json::diff(&compared, context),
        false => text::diff(&compared, context),
    };
    let outcome = if args.fail_on_difference { judged(&compared) } else { Outcome::Done };
    Ok((text, outcome))
}

/// Has the server load both, and compares their keys.
fn loaded(
    a: &Operand,
    b: &Operand,
    args: &DiffArgs,
    context: &Context,
) -> Result<Option<ByServer>> {
    let Some(asking) = &context.trial else { return Ok(None) };
    let bar = Bar::new(context.bar);
    let looking = crate::cli::changing::looking(context, &bar);
    let one = asking.hold(&a.set, a.moment(), &looking)?;
    let two = asking.hold(&b.set, b.moment(), &looking)?;
    let keys = |held: &Held| held.keys.values().sum();
    Ok(Some(ByServer {
        by: one.by.clone(),
        keys: (keys(&one), keys(&two)),
        with_passed: one.keeps_passed || two.keeps_passed,
        differences: compare_loaded(&one, &two, args.rows())?,
    }))
}

/// The exit status of `--fail-on-difference`: what a server says of the keys counts more than what the files say.
fn judged(compared: &Compared) -> Outcome {
    let equal = match &compared.loaded {
        Some(loaded) => loaded.differences.is_equal(),
        None => match compared.diff.verdict {
            Verdict::Equal => Some(true),
            Verdict::SameEnd | Verdict::Unknown => None,
            _ => Some(false),
        },
    };
    match equal {
        Some(true) => Outcome::Done,
        Some(false) => Outcome::Findings,
        None => Outcome::Unsupported,
    }
}
