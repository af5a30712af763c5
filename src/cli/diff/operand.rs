//! A set as `diff` takes it: a path, a snapshot, or a moment of one.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use aofkit::aof::Aof;
use aofkit::disk;
use aofkit::error::{Error, Result};
use aofkit::moment::Moment;
use aofkit::rewind::{self, Answer};
use aofkit::trial::NoMoment;

use crate::cli::changing;
use crate::cli::common::context::Context;
use crate::cli::common::moments;
use crate::cli::common::progress::Bar;

/// A set, opened.
pub struct Operand {
    /// As it is.
    pub set: Aof,
    /// As it stood at the moment, where one was named.
    pub at: Option<(Moment, Aof, String)>,
}

impl Operand {
    /// The set that is compared.
    pub fn shown(&mut self) -> &mut Aof {
        match &mut self.at {
            Some((_, shown, _)) => shown,
            None => &mut self.set,
        }
    }

    /// The same, to be looked at.
    pub fn seen(&self) -> &Aof {
        self.at.as_ref().map_or(&self.set, |(_, shown, _)| shown)
    }

    /// The moment that was named.
    pub fn moment(&self) -> Option<&Moment> {
        self.at.as_ref().map(|(moment, _, _)| moment)
    }

    /// The moment as it was typed.
    pub fn typed(&self) -> Option<&str> {
        self.at.as_ref().map(|(_, _, typed)| typed.as_str())
    }
}

/// A path, and the moment behind its last `@`. A path that exists is none with a moment.
fn parts(path: &Path) -> Result<(PathBuf, Option<String>)> {
    let whole = (path.to_owned(), None);
    if disk::is_there(path)? {
        return Ok(whole);
    }
    let bytes = path.as_os_str().as_bytes();
    let Some(at) = bytes.iter().rposition(|byte| *byte == b'@') else { return Ok(whole) };
    let Ok(moment) = std::str::from_utf8(&bytes[at + 1..]) else { return Ok(whole) };
    // `PATH@@1764000000` names a second since 1970.
    let (end, moment) = match bytes[..at].last() {
        Some(b'@') => (at - 1, format!("@{moment}")),
        _ => (at, moment.to_owned()),
    };
    Ok((PathBuf::from(OsStr::from_bytes(&bytes[..end])), Some(moment)))
}

/// Opens what an argument names, or says why it makes no sense.
pub fn open(path: &Path, context: &Context) -> Result<std::result::Result<Operand, String>> {
    let (place, moment) = parts(path)?;
    if place == Path::new("-") {
        return Ok(Err(
            "standard input is read once, and diff reads a set several times: name a file"
                .to_owned(),
        ));
    }
    let set = match changing::only(context.open_found(&place)?, &place)? {
        Ok(set) => set,
        Err(several) => return Ok(Err(several)),
    };
    let Some(typed) = moment else { return Ok(Ok(Operand { set, at: None })) };
    let moment = match meant(&typed, &set) {
        Ok(moment) => moment,
        Err(why) => return Ok(Err(format!("{}: {why}", aofkit::text::path(path)))),
    };
    let shown = shown(&set, &moment, context)?;
    Ok(Ok(Operand { set, at: Some((moment, shown, typed)) }))
}

/// The moment that was typed: a file of the set and an offset, or a time.
fn meant(typed: &str, set: &Aof) -> std::result::Result<Moment, String> {
    let files: Vec<_> = set.live().map(|(place, s)| (place, s.name.to_vec())).collect();
    if let Ok(place) = moments::place(typed, &files) {
        return Ok(Moment::At(place));
    }
    moments::until(typed).map(Moment::Until)
}

/// The set as it stood then.
fn shown(set: &Aof, moment: &Moment, context: &Context) -> Result<Aof> {
    let bar = Bar::new(context.bar);
    let looking = changing::looking(context, &bar);
    let refused = |why: NoMoment| Error::refused(why, &set.path);
    let proposal = match rewind::rewind(set, moment, &looking)?.answer {
        Answer::Plan(proposal) => proposal,
        Answer::No(why) => return Err(refused(NoMoment::OutOfReach(why))),
    };
    match proposal.refusal() {
        Some(why) => Err(refused(NoMoment::BehindDamage(why.to_string()))),
        None => proposal.preview(set),
    }
}
