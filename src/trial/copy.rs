//! A copy of a set, in the directory that a server is given, and the settings by which that server finds it.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use super::handed_on::HandedOn;
use super::server::words;
use crate::aof::{Aof, Layout};
use crate::disk::{Scratch, read_small, room};
use crate::error::{Error, ErrorKind, Result};
use crate::limits;

/// Room that is left on the file system of the copy.
const SPARE: u64 = 64 << 20;

/// The server's directory.
pub const HOME: &str = "1";

/// A copy of a set.
pub struct Copied {
    /// What names all of it: its manifest, or its only file.
    pub all: PathBuf,
    /// The directory of its files, when it has one of its own.
    dir: Option<&'static str>,
    /// What their names begin with.
    stem: Vec<u8>,
}

impl Copied {
    /// Copies the files that a server reads.
    pub fn new(aof: &Aof, scratch: &Scratch, stop: &AtomicBool) -> Result<Self> {
        const DIR: &str = "set";
        const SINGLE: &str = "appendonly.aof";
        let home = Path::new(HOME);
        let unfit = |why: &str| Err(Error::new(ErrorKind::Refused(why.to_owned()), &aof.path));
        if aof.layout == Layout::Stream {
            return unfit("a stream cannot be loaded into a server");
        }
        ensure_room(aof, scratch)?;
        scratch.make_dir(home)?;
        let Some(manifest) = &aof.manifest else {
            let Some(file) = aof.live().find_map(|(_, segment)| segment.file()) else {
                return unfit("it has no file");
            };
            scratch.copy(file, &home.join(SINGLE))?;
            let all = scratch.path().join(HOME).join(SINGLE);
            return Ok(Self { all, dir: None, stem: SINGLE.into() });
        };
        let set = home.join(DIR);
        scratch.make_dir(&set)?;
        let name = manifest.path.file_name().unwrap_or_default();
        let text = read_small(&manifest.path, limits::MANIFEST)?;
        scratch.write(&set.join(name), &text)?;
        for (_, segment) in aof.live() {
            if stop.load(Ordering::Relaxed) {
                return Err(Error::new(ErrorKind::Interrupted, &aof.path));
            }
            match segment.file().filter(|_| segment.is_plain()) {
                Some(file) => scratch.copy(file, &set.join(OsStr::from_bytes(&segment.name)))?,
                None => return unfit("not all of its files are plain files"),
            }
        }
        let stem = name.as_bytes().strip_suffix(b".manifest").unwrap_or(name.as_bytes());
        let all = scratch.path().join(&set).join(name);
        Ok(Self { all, dir: Some(DIR), stem: stem.to_vec() })
    }

    /// The settings by which a server finds and understands the copy.
    pub fn settings(&self, aof: &Aof) -> Vec<OsString> {
        let mut settings = words(["--appendonly", "yes", "--databases", &databases(aof)]);
        settings.extend(words([OsStr::new("--appendfilename"), OsStr::from_bytes(&self.stem)]));
        settings.extend(self.dir.into_iter().flat_map(|dir| words(["--appenddirname", dir])));
        settings.extend(HandedOn::of(&aof.settings).arguments());
        settings
    }
}

fn ensure_room(aof: &Aof, scratch: &Scratch) -> Result<()> {
    let size: u64 = aof.live().filter_map(|(_, segment)| segment.len()).sum();
    if room(scratch.path())?.free < size.saturating_add(SPARE) {
        let why = "there is no room for a copy of the set; TMPDIR names another place";
        return Err(Error::new(ErrorKind::Refused(why.to_owned()), scratch.path()));
    }
    Ok(())
}

/// As many databases as the configuration says; else more than anybody has.
fn databases(aof: &Aof) -> String {
    aof.settings.databases.unwrap_or(1024).to_string()
}
