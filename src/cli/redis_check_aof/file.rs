//! One file: looked through, and cut when that is asked for.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use aofkit::check::strict::{Reading, Refused};
use aofkit::disk::{self, Access, FrozenFile};

use super::run::{File, Run, Told, Wish, called, reason};
use super::{cut, preamble};

/// What became of a file that is in order now.
pub enum Found {
    Empty,
    Valid,
    Cut,
    /// Cut where a later second begins.
    CutTo(i64),
}

/// Looks a file through.
pub fn check(run: &mut Run, file: &File<'_>) -> Told<Found> {
    let path = Path::new(OsStr::from_bytes(file.path));
    let cannot = |run: &Run, why: &str| {
        run.end(
            &[b"Cannot open file ", file.path, b": ", why.as_bytes(), b", aborting...\n"].concat(),
        )
    };
    if disk::is_dir(path).is_ok_and(|is_dir| is_dir) {
        return cannot(run, "Is a directory");
    }
    if disk::is_device(path) {
        return Ok(Found::Empty);
    }
    let opened = match FrozenFile::open(path) {
        Ok(opened) => opened,
        Err(e) => return cannot(run, &reason(&e)),
    };
    if opened.is_empty() {
        return Ok(Found::Empty);
    }
    let mut source = opened.source(Access::Read);
    let start = if file.has_rdb { preamble::check(run, &mut *source, file.path)? } else { 0 };
    let reading = match run.lines.read(&mut *source, start) {
        Ok(reading) => reading,
        Err(e) => return cannot(run, &reason(&e)),
    };
    drop(source);
    if let Wish::Until(second) = run.wish {
        match reading.refused {
            Some(Refused::Annotation) => return run.end(b"Invalid timestamp annotation\n"),
            Some(Refused::Later(at)) => return later(run, file, second, (at, opened.len())),
            _ => {}
        }
    }
    judge(run, file, &reading, opened.len())
}

fn judge(run: &mut Run, file: &File<'_>, reading: &Reading, size: u64) -> Told<Found> {
    complain(run, file, reading);
    let rest = size - reading.ok_up_to;
    if let (Wish::Until(second), 0) = (run.wish, rest) {
        let text = format!(" to timestamp {second}\n");
        run.say(&[b"Truncate nothing in AOF ", file.name, text.as_bytes()].concat());
        return Ok(Found::Valid);
    }
    let (ok, lines) = (reading.ok_up_to, reading.lines);
    let text = format!(", size={size}, ok_up_to={ok}, ok_up_to_line={lines}, diff={rest}\n");
    run.say(&[b"AOF analyzed: filename=", file.name, text.as_bytes()].concat());
    if rest == 0 {
        return Ok(Found::Valid);
    }
    if run.wish != Wish::Fix {
        let text = b" is not valid. Use the --fix option to try fixing it.\n";
        return run.end(&[b"AOF ", file.name, text].concat());
    }
    if !file.is_last {
        let text = b" because it is not the last file\n";
        return run.end(&[b"Failed to truncate AOF ", file.name, text].concat());
    }
    let text = format!(" from {size} bytes, with {rest} bytes, to {ok} bytes\n");
    run.say(&[b"This will shrink the AOF ", file.name, text.as_bytes()].concat());
    if !run.asks() {
        return run.end(b"Aborting...\n");
    }
    match cut::cut(run, file, size, ok) {
        Ok(()) => Ok(Found::Cut),
        Err(why) => {
            let text = format!(" because {why}\n");
            run.end(&[b"Failed to truncate AOF ", file.name, text.as_bytes()].concat())
        }
    }
}

/// Says where the reading stopped, if there is anything to say.
fn complain(run: &Run, file: &File<'_>, reading: &Reading) {
    match &reading.refused {
        Some(Refused::Format) => run.say(&[b"AOF ", file.name, b" format error\n"].concat()),
        Some(Refused::Token { at, wrong }) => {
            let at = format!("0x{at:16x}: ");
            run.say(&[at.as_bytes(), &wrong.sentence(file.path), b"\n"].concat());
        }
        _ => {}
    }
}

/// A later second begins at the first of these offsets; the file ends at the other.
fn later(run: &mut Run, file: &File<'_>, second: i64, (at, size): (u64, u64)) -> Told<Found> {
    if at == 0 {
        let text = format!(" has nothing before timestamp {second}, aborting...\n");
        return run.end(&[b"AOF ", file.path, text.as_bytes()].concat());
    }
    if !file.is_last {
        let text = format!(
            " to timestamp {second} to offset {at} because it is not the last file.\n\
             If you insist, please delete all files after this file according to the manifest file \
             and delete the corresponding records in manifest file manually. Then re-run \
             {}.\n",
            called(run.tool)
        );
        return run.end(&[b"Failed to truncate AOF ", file.path, text.as_bytes()].concat());
    }
    match cut::cut(run, file, size, at) {
        Ok(()) => Ok(Found::CutTo(second)),
        Err(why) => {
            let text = format!(" to timestamp {second} because {why}\n");
            run.end(&[b"Failed to truncate AOF ", file.path, text.as_bytes()].concat())
        }
    }
}
