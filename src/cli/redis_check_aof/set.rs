//! What a path leads to: a manifest and its files, or one file.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use aofkit::check::preamble::Tool;
use aofkit::disk::{self, FrozenFile};
use aofkit::format::manifest::{self, Dialect, Manifest};
use aofkit::format::rdb::{self, Family};
use aofkit::limits;

use super::file::{self, Found};
use super::log;
use super::run::{File, Run, Told, reason};

/// Fewest bytes that are taken for an RDB.
const LEAST_RDB: usize = 8;

/// Checks what lies at `path`.
pub fn check(run: &mut Run, path: &[u8]) -> Told<()> {
    let at = Path::new(OsStr::from_bytes(path));
    if disk::is_dir(at).is_ok_and(|is_dir| is_dir) {
        return run.end(&[b"Cannot read file: ", path, b"\n"].concat());
    }
    let opened = FrozenFile::open(at).and_then(|file| file.head(limits::WINDOW));
    let head = match opened {
        // A device has no length, so it is empty to that program.
        Err(_) if disk::is_device(at) => Vec::new(),
        Ok(head) => head,
        Err(e) => {
            return run
                .end(&[b"Cannot open file ", path, b": ", reason(&e).as_bytes(), b"\n"].concat());
        }
    };
    if manifest::redis_check_aof_recognises(&head) {
        return multi_part(run, path);
    }
    run.say(b"Start checking Old-Style AOF\n");
    let has_rdb = is_rdb(run, &head);
    let what = [b"AOF ", path].concat();
    let found = file::check(run, &File { set: path, path, name: path, has_rdb, is_last: true })?;
    tell(run, &what, path, found);
    Ok(())
}

/// Whether it is taken for an RDB: the tool of Valkey does not know those of Valkey 9 in this place.
fn is_rdb(run: &Run, head: &[u8]) -> bool {
    let family = rdb::sniff(head).filter(|_| head.len() >= LEAST_RDB);
    family.is_some_and(|family| run.tool == Tool::Redis || family == Family::Redis)
}

fn multi_part(run: &mut Run, path: &[u8]) -> Told<()> {
    run.say(b"Start checking Multi Part AOF\n");
    let bytes = match disk::read_small(Path::new(OsStr::from_bytes(path)), limits::MANIFEST) {
        Ok(bytes) => bytes,
        Err(e) => {
            return run
                .end(&[b"Cannot read file: ", path, b": ", reason(&e).as_bytes(), b"\n"].concat());
        }
    };
    let dialect = match run.tool {
        Tool::Redis => Dialect::Strict,
        Tool::Valkey => Dialect::Concatenating,
    };
    let manifest = match manifest::parse(&bytes, dialect) {
        Ok(manifest) => manifest,
        Err(fault) => return log::manifest_fault(run, &bytes, fault.reason),
    };
    files(run, path, &manifest)?;
    run.say(b"All AOF files and manifest are valid\n");
    Ok(())
}

/// As C's `dirname` tells it, with a slash behind.
fn folder(path: &[u8]) -> Vec<u8> {
    let end = path.iter().rposition(|&byte| byte == b'/');
    match end.map(|end| &path[..end]) {
        None => b"./".to_vec(),
        Some(dir) => {
            let trimmed = dir.iter().rposition(|&byte| byte != b'/').map_or(0, |last| last + 1);
            [&dir[..trimmed], b"/"].concat()
        }
    }
}

fn files(run: &mut Run, set: &[u8], manifest: &Manifest) -> Told<()> {
    let folder = folder(set);
    let increments: Vec<_> = manifest.increments().collect();
    if let Some(base) = manifest.base() {
        let path = [&folder, &base.name[..]].concat();
        let has_rdb = base_format(run, &path)?;
        let format: &[u8] = if has_rdb { b"RDB" } else { b"RESP" };
        run.say(&[b"Start to check BASE AOF (", format, b" format).\n"].concat());
        let is_last = increments.is_empty();
        let found =
            file::check(run, &File { set, path: &path, name: &base.name, has_rdb, is_last })?;
        tell(run, &[b"BASE AOF ", &base.name[..]].concat(), &base.name, found);
    }
    if !increments.is_empty() {
        run.say(b"Start to check INCR files.\n");
    }
    for (i, entry) in increments.iter().enumerate() {
        let path = [&folder, &entry.name[..]].concat();
        let is_last = i + 1 == increments.len();
        let file = File { set, path: &path, name: &entry.name, has_rdb: false, is_last };
        let found = file::check(run, &file)?;
        tell(run, &[b"INCR AOF ", &entry.name[..]].concat(), &entry.name, found);
    }
    Ok(())
}

/// Whether a base begins with an RDB.
fn base_format(run: &Run, path: &[u8]) -> Told<bool> {
    let at = Path::new(OsStr::from_bytes(path));
    if disk::is_dir(at).is_ok_and(|is_dir| is_dir) {
        return Ok(false);
    }
    match FrozenFile::open(at).and_then(|file| file.head(LEAST_RDB)) {
        Ok(head) => Ok(is_rdb(run, &head)),
        Err(e) => {
            run.end(&[b"Cannot open file ", path, b": ", reason(&e).as_bytes(), b"\n"].concat())
        }
    }
}

fn tell(run: &Run, what: &[u8], name: &[u8], found: Found) {
    match found {
        Found::Empty => run.say(&[what, b" is empty\n"].concat()),
        Found::Valid => run.say(&[what, b" is valid\n"].concat()),
        Found::Cut => run.say(&[b"Successfully truncated AOF ", name, b"\n"].concat()),
        Found::CutTo(second) => {
            let second = format!(" to timestamp {second}\n");
            run.say(&[b"Successfully truncated AOF ", name, second.as_bytes()].concat());
        }
    }
}
