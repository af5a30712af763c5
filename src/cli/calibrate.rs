//! How long a real server takes to load a set: measured on a copy.
//!
//! The server gets a scratch directory with copies of the files, no network and no way back to the original. It
//! is ended as soon as it has loaded; neither it nor the copy outlives the run.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use aofkit::aof::{Aof, Layout};
use aofkit::disk::{Scratch, read_small, room};
use aofkit::error::{Error, ErrorKind, Result};
use aofkit::limits;

use super::interrupt::Interrupt;
use super::own_server::{Leash, OwnServer, words};

/// Room that is left on the file system of the copy.
const SPARE: u64 = 64 << 20;

/// Seconds that the server says it took to load the set.
pub fn load_seconds(aof: &Aof, server: &Path) -> Result<f64> {
    // From here on a signal is noticed, and the way out leads past all that has to go.
    let interrupt = Interrupt::listen().map_err(|e| Error::io(&aof.path, e))?;
    let leash = Leash::default();
    let own = leash.scratch()?;
    let (dir, stem) = copied(aof, own.scratch(), &interrupt)?;
    let mut settings = words(["--appendonly", "yes", "--databases", &databases(aof)]);
    settings.extend(words([OsStr::new("--appendfilename"), OsStr::from_bytes(&stem)]));
    settings.extend(dir.into_iter().flat_map(|dir| words(["--appenddirname", dir])));
    let server = server.to_owned();
    leash.work(&interrupt, &aof.path, move |leash| {
        let refused = |why| Error::new(ErrorKind::Refused(why), &server);
        let mut seconds = None;
        let mut hear = |line: &str| seconds = told(line).or(seconds);
        let (home, socket) = (own.path(), own.path().join("socket"));
        OwnServer::start(&server, home, &socket, &settings, leash, &mut hear).map_err(refused)?;
        seconds
            .ok_or_else(|| refused("it does not say how long it took to load the set".to_owned()))
    })
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

/// Copies the set: the directory of its files, when it has one of its own, and what their names begin with.
fn copied(
    aof: &Aof,
    scratch: &Scratch,
    interrupt: &Interrupt,
) -> Result<(Option<&'static str>, Vec<u8>)> {
    const DIR: &str = "set";
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
        scratch.copy(file, Path::new("appendonly.aof"))?;
        return Ok((None, b"appendonly.aof".to_vec()));
    };
    scratch.make_dir(Path::new(DIR))?;
    let name = manifest.path.file_name().unwrap_or_default();
    let text = read_small(&manifest.path, limits::MANIFEST)?;
    scratch.write(&Path::new(DIR).join(name), &text)?;
    for (_, segment) in aof.live() {
        stop(interrupt, aof)?;
        match segment.file().filter(|_| segment.is_plain()) {
            Some(file) => {
                scratch.copy(file, &Path::new(DIR).join(OsStr::from_bytes(&segment.name)))?
            }
            None => return unfit("not all of its files are plain files"),
        }
    }
    let stem = name.as_bytes().strip_suffix(b".manifest").unwrap_or(name.as_bytes());
    Ok((Some(DIR), stem.to_vec()))
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
