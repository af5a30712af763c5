//! How long a real server takes to load a set: measured on a copy.
//!
//! The server is on trial: it gets copies of the files and no way back to the original, and is ended as soon as it has
//! loaded.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use aofkit::aof::{Aof, Layout};
use aofkit::disk::{Scratch, read_small, room};
use aofkit::error::{Error, ErrorKind, Result};
use aofkit::limits;
use aofkit::progress::Silent;

use super::interrupt::Interrupt;
use super::trial::{Guard, HandedOn, Leash, Load, OwnServer, arguments, look, words};

/// Room that is left on the file system of the copy.
const SPARE: u64 = 64 << 20;

/// What a server was seen to do.
pub struct Measured {
    /// Seconds that it says it took to load the set.
    pub seconds: f64,
    /// What could not be kept from it.
    pub walls_missing: Vec<String>,
}

/// Has a server load the set, given these arguments beside our own. Walls that are missing are told, but not where JSON
/// has them.
pub fn load(aof: &Aof, server: &Path, arguments: &[OsString], in_json: bool) -> Result<Measured> {
    arguments::check(arguments)?;
    // From here on a signal is noticed, and the way out leads past all that has to go.
    let interrupt = Interrupt::listen().map_err(|e| Error::io(&aof.path, e))?;
    let leash = Leash::default();
    let own = leash.scratch()?;
    own.scratch().make_dir(Path::new(HOME))?;
    let copied = copied(aof, own.scratch(), &interrupt)?;
    let mut settings = words(["--appendonly", "yes", "--databases", &databases(aof)]);
    settings.extend(words([OsStr::new("--appendfilename"), OsStr::from_bytes(&copied.stem)]));
    settings.extend(copied.dir.into_iter().flat_map(|dir| words(["--appenddirname", dir])));
    settings.extend(HandedOn::of(&aof.settings).arguments());
    settings.extend_from_slice(arguments);
    let (server, path) = (server.to_owned(), aof.path.clone());
    leash.work(&interrupt, &aof.path, move |leash| {
        let looked = look(&copied.all, &Silent).map_err(|e| match e.kind() {
            ErrorKind::NotTried(why) => Error::new(ErrorKind::NotTried(why.clone()), &path),
            _ => e,
        })?;
        let guard = Guard::new(&server, &own, leash)?;
        guard.warn(in_json);
        let refused = |why| Error::new(ErrorKind::Refused(why), &server);
        let mut seconds = None;
        let mut hear = |line: &str| seconds = told(line).or(seconds);
        let dir = own.path().join(HOME);
        let load = Load { home: &own, name: HOME, looked, dir: &dir, settings: &settings };
        OwnServer::start(&guard, &load, leash, &mut hear).map_err(|failure| {
            match failure.is_unknown {
                true => Error::new(ErrorKind::NotTried(failure.why), &path),
                false => refused(failure.why),
            }
        })?;
        let seconds = seconds.ok_or_else(|| {
            refused("it does not say how long it took to load the set".to_owned())
        })?;
        Ok(Measured { seconds, walls_missing: guard.missing })
    })
}

/// The server's directory.
const HOME: &str = "1";

/// A copy of a set.
struct Copied {
    /// What names all of it: its manifest, or its only file.
    all: PathBuf,
    /// The directory of its files, when it has one of its own.
    dir: Option<&'static str>,
    /// What their names begin with.
    stem: Vec<u8>,
}

fn stop(interrupt: &Interrupt, aof: &Aof) -> Result<()> {
    if interrupt.came() { Err(Error::new(ErrorKind::Interrupted, &aof.path)) } else { Ok(()) }
}

/// The seconds in `DB loaded from append only file: 1.234 seconds`.
fn told(line: &str) -> Option<f64> {
    let (_, rest) = line.split_once("DB loaded from append only file: ")?;
    rest.split(' ').next()?.parse().ok()
}

/// As many databases as the configuration says; else more than anybody has.
fn databases(aof: &Aof) -> String {
    aof.settings.databases.unwrap_or(1024).to_string()
}

/// Copies the files that a server reads.
fn copied(aof: &Aof, scratch: &Scratch, interrupt: &Interrupt) -> Result<Copied> {
    const DIR: &str = "set";
    const SINGLE: &str = "appendonly.aof";
    let home = Path::new(HOME);
    let unfit = |why: &str| Err(Error::new(ErrorKind::Refused(why.to_owned()), &aof.path));
    if aof.layout == Layout::Stream {
        return unfit("a stream cannot be loaded into a server");
    }
    let size: u64 = aof.live().filter_map(|(_, segment)| segment.len()).sum();
    if room(scratch.path())?.free < size.saturating_add(SPARE) {
        let why = "there is no room for a copy of the set; TMPDIR names another place";
        return Err(Error::new(ErrorKind::Refused(why.to_owned()), scratch.path()));
    }
    let Some(manifest) = &aof.manifest else {
        let Some(file) = aof.live().find_map(|(_, segment)| segment.file()) else {
            return unfit("it has no file");
        };
        scratch.copy(file, &home.join(SINGLE))?;
        let all = scratch.path().join(HOME).join(SINGLE);
        return Ok(Copied { all, dir: None, stem: SINGLE.into() });
    };
    let set = home.join(DIR);
    scratch.make_dir(&set)?;
    let name = manifest.path.file_name().unwrap_or_default();
    let text = read_small(&manifest.path, limits::MANIFEST)?;
    scratch.write(&set.join(name), &text)?;
    for (_, segment) in aof.live() {
        stop(interrupt, aof)?;
        match segment.file().filter(|_| segment.is_plain()) {
            Some(file) => scratch.copy(file, &set.join(OsStr::from_bytes(&segment.name)))?,
            None => return unfit("not all of its files are plain files"),
        }
    }
    let stem = name.as_bytes().strip_suffix(b".manifest").unwrap_or(name.as_bytes());
    let all = scratch.path().join(&set).join(name);
    Ok(Copied { all, dir: Some(DIR), stem: stem.to_vec() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_is_taken_from_the_servers_log() {
        let line = "1:M 01 Jan 2026 00:00:00.000 * DB loaded from append only file: 0.125 seconds";
        assert_eq!(told(line), Some(0.125));
        assert_eq!(told("* DB loaded from base file x: 0.1 seconds"), None);
    }
}
