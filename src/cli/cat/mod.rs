//! `aofkit cat`

pub mod args;
mod ndjson;
mod text;

use std::io;

use aofkit::aof::{Aof, Layout, Role};
use aofkit::disk::is_regular;
use aofkit::error::{Error, Result};
use aofkit::print::{Form, LeftOut, Options, Printed, Printer, Resp};
use aofkit::scan::{Filter, Selected, scan_some};
use aofkit::stats::Faults;
use aofkit::text::{count, escape};

use self::args::CatArgs;
use crate::cli::changing;
use crate::cli::common::context::{Context, Format};
use crate::cli::common::filters::note_undated;
use crate::cli::common::outcome::Outcome;
use crate::cli::common::progress::Bar;
use crate::cli::common::troubles;

/// Why nothing was printed.
pub enum Failure {
    /// The arguments make no sense for this set.
    Usage(String),
    /// It could not be read.
    Read(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Read(error)
    }
}

/// Prints commands of the one set at the path.
pub fn run(
    args: &CatArgs,
    mut filter: Filter,
    context: &Context,
) -> std::result::Result<Outcome, Failure> {
    let path = args.reading.path();
    let aof = changing::only(context.open_found(path)?, path)?.map_err(Failure::Usage)?;
    if let Some(typed) = &args.from_offset {
        filter.from(args.place(&aof, "--from-offset", typed).map_err(Failure::Usage)?);
    }
    if let Some(typed) = &args.to_offset {
        filter.to(args.place(&aof, "--to-offset", typed).map_err(Failure::Usage)?);
    }
    let filter = filter.with_reach();
    let options = Options { filter, with_base: args.with_base, limit: args.limit };
    let names: Vec<_> = aof.segments.iter().map(|segment| segment.name.to_vec()).collect();
    let printed = match context.format {
        Format::Resp => {
            let form = Resp::of(&aof.names).logged(args.as_logged);
            print(args, &aof, form, options, context)?
        }
        Format::Json | Format::Ndjson => {
            print(args, &aof, ndjson::Ndjson::new(&names, context.redact), options, context)?
        }
        _ => print(
            args,
            &aof,
            text::Lines::new(&names, context.redact, context.style),
            options,
            context,
        )?,
    };
    warn(args, &aof, &printed, context);
    Ok(match printed.written {
        Ok(()) => Outcome::Done,
        Err(e) => crate::cli::common::output::unwritten(&e),
    })
}

fn print<F: Form>(
    args: &CatArgs,
    aof: &Aof,
    form: F,
    options: Options,
    context: &Context,
) -> Result<Printed> {
    let mut out = io::stdout().lock();
    // On a terminal, or behind a pager, a bar would be drawn over what is printed.
    let bar = Bar::new(context.bar && is_regular(&out));
    let printer = Printer::new(form, options, &mut out);
    scan_some(aof, |s| args.takes(s), printer, &context.pace, &bar)
}

/// The keys that were not printed, one by one.
fn left_out(printed: &Printed) -> Vec<String> {
    let line = |left: &LeftOut| {
        format!(
            "\"{}\" of database {} is not printed: its value at byte {} (type {}) takes its field names from a \
             template that the file does not declare before it",
            escape(&left.key),
            left.db,
            left.at,
            left.number
        )
    };
    let mut lines: Vec<_> = printed.not_in_form.iter().map(line).collect();
    let more = printed.unprinted.not_in_form - printed.not_in_form.len() as u64;
    if more > 0 {
        lines.push(format!("{} of that kind not printed", count(more, "more key")));
    }
    lines
}

fn warn(args: &CatArgs, aof: &Aof, printed: &Printed, context: &Context) {
    let selected = Selected { undated: printed.undated, ..Selected::default() };
    note_undated(&aof.path, selected, context);
    let faults = Faults {
        ranges: printed.damaged_ranges,
        bytes: printed.damaged_bytes,
        not_understood: printed.not_understood,
        // They are printed in their place.
        inline_commands: 0,
        open_transactions: printed.open_transactions,
    };
    let mut troubles = troubles::of(aof, &faults);
    if printed.bad_checksums > 0 {
        troubles.push("the checksum of the base does not fit what is printed".to_owned());
    }
    let unprinted = printed.unprinted;
    if unprinted.beside > 0 {
        troubles.push(format!(
            "{} printed without what no command says of it: that it is kept from eviction, or what modules keep \
             about it",
            count(unprinted.beside, "key")
        ));
    }
    if unprinted.hashes > 0 {
        troubles.push(format!(
            "{} printed without the hash by which IDMPAUTO knows an entry again: no client can set it (--as-logged \
             prints it for a loader)",
            count(unprinted.hashes, "XADD")
        ));
    }
    let reasons = [
        (unprinted.unreadable, "too long for memory, or compressed wrongly"),
        (unprinted.not_in_form, "whose template of field names is not in the file"),
        (unprinted.module_data, "what modules keep beside the keys"),
    ];
    for (number, why) in reasons.into_iter().filter(|(number, _)| *number > 0) {
        troubles.push(format!("{} not printed, {why}", count(number, "value")));
    }
    troubles.extend(left_out(printed));
    troubles::note(aof, &troubles, context);
    let is_explained = printed.undated > 0 || args.limit == Some(0) || printed.written.is_err();
    if printed.records + printed.keys == 0 && !is_explained {
        let has_base = aof.live().any(|(_, segment)| segment.role == Role::Base);
        let hint = match aof.layout {
            _ if args.with_base => "",
            Layout::MultiPart if has_base => "; --with-base looks into the base, too",
            _ => "; --with-base prints the keys of an RDB, too",
        };
        context.note(&format!("nothing to print{hint}"));
    }
}
