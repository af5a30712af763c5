//! Cuts what is asked for, and keeps it aside.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use aofkit::aof::{Aof, Event, OpenOptions, walk_from};
use aofkit::change::{Loss, Options};
use aofkit::disk::{self, LocalDisk};
use aofkit::error::ErrorKind;
use aofkit::format::manifest::{self, Dialect};
use aofkit::format::rdb;
use aofkit::limits;
use aofkit::progress::Silent;
use aofkit::repair;
use aofkit::text;

use super::run::{File, Run, reason};

/// Cuts the last file of a set after `to` bytes; `size` is its length. Says why not where it does not. Where the rest
/// is kept stands in the journal, and is told once all is done.
pub fn cut(run: &mut Run, file: &File<'_>, size: u64, to: u64) -> Result<(), String> {
    // What is asked for by a path of one dash is a file, not standard input.
    let set = if file.set == b"-" { b"./-" } else { file.set };
    let path = Path::new(OsStr::from_bytes(set));
    // One that was recognised has led to another file.
    if file.set == file.path && is_manifest(path) {
        return Err("it is a manifest".to_owned());
    }
    let kept_at = carry_out(path, file.name, size, to)?;
    if let Some(kept_at) = kept_at {
        let kept_at = text::name(kept_at.as_os_str().as_bytes());
        let undo = text::shell_word(set).unwrap_or_else(|| "PATH".to_owned());
        run.kept = Some(format!(
            "aofkit: what was cut is kept in {kept_at}; 'aofkit repair --undo --apply {undo}' brings it back\n"
        ));
    }
    Ok(())
}

fn carry_out(path: &Path, name: &[u8], size: u64, to: u64) -> Result<Option<PathBuf>, String> {
    let failed = |e: aofkit::error::Error| match e.kind() {
        ErrorKind::InUse(_) => "a process has it open for writing".to_owned(),
        _ => reason(&e),
    };
    let options = OpenOptions { takes_any: true, ..OpenOptions::default() };
    let aof = Aof::open(path, &options).map_err(failed)?;
    let changed = "it changed meanwhile";
    let last = aof.last_live().ok_or(changed)?;
    let segment = &aof.segments[last];
    let is_single = aof.manifest.is_none();
    if !(is_single || segment.name[..] == name[..]) || segment.len() != Some(size) {
        return Err(changed.to_owned());
    }
    let head = segment.file().ok_or(changed)?.head(limits::PEEK).map_err(failed)?;
    if to == 0 && head.len() >= rdb::HEADER_LEN && rdb::sniff(&head).is_some() {
        return Err("it begins with an RDB, which servers load".to_owned());
    }
    let mut loss = Loss { bytes: size - to, ..Loss::default() };
    let mut source = segment.source().map_err(failed)?;
    let mut count = |event: Event<'_>| {
        loss.commands += u64::from(matches!(event, Event::Record(..)));
    };
    walk_from(&mut *source, to, &mut (), &mut count).map_err(failed)?;
    drop(source);
    let proposal = repair::cut_as_told(&aof, to, loss).map_err(failed)?.ok_or(changed)?;
    drop(aof);
    let applied = proposal.apply(&LocalDisk, &Options::default(), &Silent).map_err(failed)?;
    Ok(applied.kept_at)
}

/// Whether a file that is taken for a log is a manifest all the same: by its name, or by what it says to
/// any server.
fn is_manifest(path: &Path) -> bool {
    if manifest::stem(path.as_os_str().as_bytes()).is_some() {
        return true;
    }
    let Ok(bytes) = disk::read_small(path, limits::MANIFEST) else { return false };
    let reads = |dialect| manifest::parse(&bytes, dialect).is_ok_and(|m| !m.entries.is_empty());
    reads(Dialect::Strict) || reads(Dialect::Concatenating)
}
