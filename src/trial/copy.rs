//! A copy of a set, in the directory that a server is given, and the settings by which that server finds it.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use super::handed_on::HandedOn;
use super::server::words;
use crate::aof::{Aof, Layout, ManifestState, Segment};
use crate::disk::{NewFile, Scratch, read_small, room};
use crate::error::{Error, ErrorKind, Result};
use crate::limits;

/// Room that is left on the file system of the copy.
const SPARE: u64 = 64 << 20;

/// The append directory of a copy, and the names of a file that is all there is.
const DIR: &str = "set";
const SINGLE: &str = "appendonly.aof";
const DUMP: &str = "dump.rdb";

/// What is to be loaded of a set.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted<'a> {
    /// It is an RDB alone: loaded as such by a server without a log.
    pub as_dump: bool,
    /// The manifest, where it is another one than that of the set.
    pub manifest: Option<&'a [u8]>,
}

/// A copy of a set.
pub struct Copied {
    /// What names all of it: its manifest, or its only file.
    pub all: PathBuf,
    /// The directory that the server runs in, with nothing in it but the copy.
    pub files: PathBuf,
    /// How the server finds it.
    form: Form,
}

enum Form {
    /// A set of several files, whose names begin with this.
    Set(Vec<u8>),
    Single,
    Dump,
}

impl Copied {
    /// Copies the files that a server reads into a new directory of this name. A file that is missing is missing in the
    /// copy.
    ///
    /// # Errors
    /// [`ErrorKind::NotTried`] when it is nothing that a server can be given; when there is no room, or files cannot be
    /// read or written.
    pub fn new(
        aof: &Aof,
        wanted: &Wanted<'_>,
        scratch: &Scratch,
        name: &str,
        stop: &AtomicBool,
    ) -> Result<Self> {
        let unfit = |why: &str| Err(Error::new(ErrorKind::NotTried(why.to_owned()), &aof.path));
        if aof.layout == Layout::Stream {
            return unfit("not loaded: a stream cannot be given to a server");
        }
        ensure_room(aof, scratch)?;
        let home = Path::new(name);
        let files = scratch.make_dir(home)?;
        let copy = Copy { scratch, aof, stop };
        let Some(manifest) = &aof.manifest else {
            let Some((_, segment)) = aof.live().next().filter(|(_, one)| !one.is_missing()) else {
                return unfit("not loaded: there is no file");
            };
            let (form, file) = match wanted.as_dump {
                true => (Form::Dump, DUMP),
                false => (Form::Single, SINGLE),
            };
            copy.segment(segment, &home.join(file))?;
            return Ok(Self { all: files.join(file), files, form });
        };
        let text = match (wanted.manifest, &manifest.state) {
            (Some(text), _) => text.to_vec(),
            (None, ManifestState::Missing) => {
                return unfit(
                    "not loaded: the manifest is missing, so a server would start with nothing",
                );
            }
            // As it was when the files were opened; that of a snapshot lies in no directory.
            (None, _) if !manifest.bytes.is_empty() => manifest.bytes.clone(),
            (None, _) => read_small(&manifest.path, limits::MANIFEST)?,
        };
        let set = home.join(DIR);
        scratch.make_dir(&set)?;
        let name = manifest.path.file_name().unwrap_or_default();
        scratch.write(&set.join(name), &text)?;
        for (_, segment) in aof.live().filter(|(_, one)| !one.is_missing()) {
            copy.segment(segment, &set.join(OsStr::from_bytes(&segment.name)))?;
        }
        let all = files.join(DIR).join(name);
        Ok(Self { all, files, form: Form::Set(manifest.stem().to_vec()) })
    }

    /// Whether it is a set of several files.
    pub fn is_set(&self) -> bool {
        matches!(self.form, Form::Set(_))
    }

    /// The settings by which a server finds and understands the copy.
    pub fn settings(&self, aof: &Aof) -> Vec<OsString> {
        let mut settings = words(["--databases", &databases(aof)]);
        settings.extend(match &self.form {
            Form::Dump => words(["--appendonly", "no", "--dbfilename", DUMP]),
            Form::Single => words(["--appendonly", "yes", "--appendfilename", SINGLE]),
            Form::Set(stem) => {
                let word = |text: &'static str| OsStr::new(text);
                let names = [word("--appenddirname"), word(DIR), word("--appendfilename")];
                [words(["--appendonly", "yes"]), words(names), words([OsStr::from_bytes(stem)])]
                    .concat()
            }
        });
        if aof.settings.cluster_enabled == Some(true) {
            settings.extend(words(["--cluster-enabled", "yes"]));
        }
        settings.extend(HandedOn::of(&aof.settings).arguments());
        settings
    }
}

/// Copies files of a set.
struct Copy<'a> {
    scratch: &'a Scratch,
    aof: &'a Aof,
    stop: &'a AtomicBool,
}

impl Copy<'_> {
    fn segment(&self, segment: &Segment, to: &Path) -> Result<()> {
        self.ensure_wanted()?;
        if let Some(file) = segment.file().filter(|_| segment.is_plain())
            && self.scratch.share(file, to)?
        {
            return Ok(());
        }
        let target = NewFile::create(&self.scratch.path().join(to), 0o600)?;
        let mut source = segment.source()?;
        let mut at = 0;
        loop {
            self.ensure_wanted()?;
            let window = source.window(at, 1)?;
            if window.is_empty() {
                return Ok(());
            }
            target.write_at(window, at)?;
            at += window.len() as u64;
        }
    }

    fn ensure_wanted(&self) -> Result<()> {
        match self.stop.load(Ordering::Relaxed) {
            true => Err(Error::new(ErrorKind::Interrupted, &self.aof.path)),
            false => Ok(()),
        }
    }
}

fn ensure_room(aof: &Aof, scratch: &Scratch) -> Result<()> {
    let size: u64 = aof.live().filter_map(|(_, segment)| segment.len()).sum();
    let (needed, free) = (size.saturating_add(SPARE), room(scratch.path())?.free);
    match free < needed {
        true => Err(Error::new(ErrorKind::NoRoom { needed, free }, scratch.path())),
        false => Ok(()),
    }
}

/// As many databases as the configuration says; else more than anybody has.
fn databases(aof: &Aof) -> String {
    aof.settings.databases.unwrap_or(1024).to_string()
}
