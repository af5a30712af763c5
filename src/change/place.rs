//! The directories whose files a change may touch, held by their descriptors, and which names may stand for what in
//! them. A journal is input from outside: a name that leads elsewhere, or to what is no file of the set, is refused here.

use super::not_ours::NotOurs;
use super::refusal::Refusal;
use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::disk::{self, Dir, FrozenFile, Haunt, Hold, Kind, Lock, Look, Stamp};
use crate::error::{Error, ErrorKind, Result};
use crate::format::manifest::{self, Dialect};
use crate::limits;

/// What the name of a file that is written beside begins with, until it has its own; servers and aofkit know such files
/// as temporary.
pub(super) const TEMPORARY: &str = "temp-aofkit-";

/// The name of the `n`-th file that the change of this number writes beside; it lies where `name` will lie.
pub(super) fn staged(number: u64, n: usize, name: &[u8]) -> Vec<u8> {
    let above = if is_above(name) { ABOVE } else { b"" };
    [above, format!("{TEMPORARY}{number}-{n}").as_bytes()].concat()
}

/// Whether the change of this number gives such names.
pub(super) fn is_staged_by(number: u64, name: &[u8]) -> bool {
    let rest = plain(name).strip_prefix(format!("{TEMPORARY}{number}-").as_bytes());
    rest.is_some_and(|n| !n.is_empty() && n.iter().all(u8::is_ascii_digit))
}

/// Whether a name has the form of [`staged`].
pub(super) fn is_staged(name: &[u8]) -> bool {
    plain(name).starts_with(TEMPORARY.as_bytes())
}

const ABOVE: &[u8] = b"../";

fn is_above(name: &[u8]) -> bool {
    name.starts_with(ABOVE)
}

/// A name without where it lies.
fn plain(name: &[u8]) -> &[u8] {
    name.strip_prefix(ABOVE).unwrap_or(name)
}

/// Whether a name leads into the set's directory or the one above, and nowhere else.
pub(super) fn is_name(name: &[u8]) -> bool {
    disk::is_plain_name(plain(name))
}

/// Where the files of a set lie.
#[derive(Debug)]
pub(super) struct Place {
    /// The set's directory, or the one its file lies in.
    pub(super) here: Dir,
    /// The server's directory, where its temporaries and a file of old lie; none for a single file.
    above: Option<Dir>,
    /// The one file that may be touched, where the set is one.
    only: Option<OsString>,
}

impl Place {
    /// The place of the set at `subject`, which is its directory `base`, or the one file of it.
    ///
    /// # Errors
    /// When there is none.
    pub(super) fn open(subject: &Path, base: &Path) -> Result<Self> {
        let here = Dir::open(base)?;
        if subject == base {
            // As the path was spelled: an append directory that is a link lies where the link is.
            let above = match base.parent() {
                Some(parent) if !parent.as_os_str().is_empty() && base.file_name().is_some() => {
                    Dir::open(parent)?
                }
                _ => here.above()?,
            };
            return Ok(Self { here, above: Some(above), only: None });
        }
        let only = subject.file_name().map(OsStr::to_owned);
        Ok(Self { here, above: None, only })
    }

    /// Keeps other runs from what is to change, whatever becomes of locks beside it: the set's own directory, or the file
    /// where it is one, for its directory is everybody's. `None` when somebody holds it.
    pub(super) fn lock(&self) -> Result<Option<Option<Lock>>> {
        match &self.only {
            None => self.here.lock_itself(Hold::Alone),
            Some(file) => self.here.lock_existing(file, Hold::Alone),
        }
    }

    /// The directory that a name lies in, and its plain name there.
    ///
    /// # Errors
    /// [`ErrorKind::Refused`] when it is no file of this set.
    pub(super) fn at<'n>(&self, name: &'n [u8]) -> Result<(&Dir, &'n OsStr)> {
        let bare = OsStr::from_bytes(plain(name));
        let dir = match (is_above(name), &self.above) {
            (false, _) => Some(&self.here),
            (true, Some(above)) => Some(above).filter(|_| self.may_lie_above(plain(name))),
            (true, None) => None,
        };
        let is_meant = is_staged(name) || self.only.as_ref().is_none_or(|only| only == bare);
        match dir.filter(|_| is_name(name) && is_meant) {
            Some(dir) => Ok((dir, bare)),
            None => Err(Error::refused(NotOurs::NoName, &self.path(name))),
        }
    }

    /// Whether a journal may speak of this name, which may have come from anybody: also no hidden file, save of a set
    /// whose files are.
    ///
    /// # Errors
    /// [`ErrorKind::Refused`] when it may not.
    pub(super) fn admit(&self, name: &[u8]) -> Result<()> {
        let (_, bare) = self.at(name)?;
        if bare.as_bytes().first() != Some(&b'.') || self.only.as_deref() == Some(bare) {
            return Ok(());
        }
        for name in self.here.names()? {
            let stem = manifest::stem(name.as_bytes());
            if stem.is_some_and(|stem| !stem.is_empty() && bare.as_bytes().starts_with(stem)) {
                return Ok(());
            }
        }
        Err(Error::refused(NotOurs::Hidden, &self.path(name)))
    }

    /// In the server's directory lie its temporaries, and the single file of a set that is to be upgraded.
    fn may_lie_above(&self, bare: &[u8]) -> bool {
        let has_manifest = || {
            let name = manifest::name_of(bare);
            let look = || self.here.look(OsStr::from_bytes(&name));
            disk::is_plain_name(&name) && look().is_ok_and(|look| look.is_some())
        };
        bare.starts_with(b"temp-") || (disk::is_plain_name(bare) && has_manifest())
    }

    /// The path of a name, for messages.
    pub(super) fn path(&self, name: &[u8]) -> PathBuf {
        self.here.at(OsStr::from_bytes(name))
    }

    /// How a file of the set is; links are not followed.
    pub(super) fn look(&self, name: &[u8]) -> Result<Option<Look>> {
        let (dir, bare) = self.at(name)?;
        dir.look(bare)
    }

    /// How a regular file of the set is.
    ///
    /// # Errors
    /// [`ErrorKind::Refused`] when it is something else.
    pub(super) fn look_at_file(&self, name: &[u8]) -> Result<Option<Look>> {
        let look = self.look(name)?;
        match look {
            Some(look) if look.kind != Kind::File => {
                Err(Error::refused(Refusal::NoRegularFile(look.kind), &self.path(name)))
            }
            look => Ok(look),
        }
    }

    /// A file of the set, open for reading. A link is followed where it stays inside.
    pub(super) fn open_to_read(&self, name: &[u8]) -> Result<FrozenFile> {
        let (dir, bare) = self.at(name)?;
        match dir.look(bare)? {
            Some(look) if look.kind == Kind::Link => self.behind(dir, bare),
            _ => dir.file(bare),
        }
    }

    /// The file that a link leads to: one that a person named may lead anywhere, others must stay inside.
    fn behind(&self, dir: &Dir, bare: &OsStr) -> Result<FrozenFile> {
        match self.only.as_deref() == Some(bare) {
            true => FrozenFile::open(&dir.at(bare)),
            false => Ok(disk::open_inside(dir.path(), bare, false)?.0),
        }
    }

    /// A file that a plan reads from, open for reading: one of the set, or one that somebody named in the server's
    /// directory. No journal names a file by this.
    pub(super) fn open_source(&self, name: &[u8]) -> Result<FrozenFile> {
        match self.above_to_read(name) {
            Some((above, bare)) => above.file(bare),
            None => self.open_to_read(name),
        }
    }

    /// How such a file is now.
    pub(super) fn source_stamp(&self, name: &[u8]) -> Result<Option<Stamp>> {
        match self.above_to_read(name) {
            Some((above, bare)) => Ok(above.look(bare)?.map(|look| look.stamp)),
            None => self.stamp(name),
        }
    }

    /// A plain name in the server's directory; a link is followed nowhere there.
    fn above_to_read<'n>(&self, name: &'n [u8]) -> Option<(&Dir, &'n OsStr)> {
        let above = self.above.as_ref().filter(|_| is_above(name) && is_name(name))?;
        Some((above, OsStr::from_bytes(plain(name))))
    }

    /// How a file of the set is now, as it was when it was opened: behind a link where it is one.
    pub(super) fn stamp(&self, name: &[u8]) -> Result<Option<Stamp>> {
        let (dir, bare) = self.at(name)?;
        match dir.look(bare)? {
            Some(look) if look.kind == Kind::Link => match self.behind(dir, bare) {
                Ok(file) => Ok(Some(file.stamp())),
                Err(e) if *e.kind() == ErrorKind::NotFound => Ok(None),
                Err(e) => Err(e),
            },
            look => Ok(look.map(|look| look.stamp)),
        }
    }

    /// The directories that names lie in, each once.
    pub(super) fn dirs<'n>(&self, names: impl Iterator<Item = &'n Vec<u8>>) -> Vec<&Dir> {
        let (mut here, mut above) = (None, None);
        for name in names {
            match is_above(name) {
                true => above = self.above.as_ref(),
                false => here = Some(&self.here),
            }
        }
        [here, above].into_iter().flatten().collect()
    }

    /// What the manifests here name.
    ///
    /// # Errors
    /// When one of them cannot be read: that is not the same as naming nothing.
    pub(super) fn live(&self) -> Result<Live> {
        let mut live = Live::default();
        for name in self.here.names()? {
            let bytes = name.as_bytes();
            if !manifest::is_name(bytes) {
                continue;
            }
            let bytes = self.here.file(&name)?.read_small(limits::MANIFEST)?;
            let read = manifest::parse(&bytes, Dialect::Strict)
                .or_else(|_| manifest::parse(&bytes, Dialect::Concatenating));
            match read {
                Ok(read) => {
                    live.is_told = true;
                    live.named.extend(read.live().map(|entry| entry.name.to_vec()));
                    live.history.extend(read.history().map(|entry| entry.name.to_vec()));
                }
                Err(_) => live.unclear.push(bytes),
            }
        }
        Ok(live)
    }

    /// Where a server of this set would be seen.
    pub(super) fn haunt(&self) -> Result<Haunt> {
        let identity = |dir: &Dir| Ok(dir.look_at_itself()?.stamp.identity);
        Ok(Haunt {
            files: identity(&self.here)?,
            server: self.above.as_ref().map(identity).transpose()?,
        })
    }

    /// Numbers that files which were written beside have in their names.
    pub(super) fn staged_numbers(&self) -> Result<HashSet<u64>> {
        let mut numbers = HashSet::new();
        for dir in [Some(&self.here), self.above.as_ref()].into_iter().flatten() {
            for name in dir.names()? {
                let rest = name.as_bytes().strip_prefix(TEMPORARY.as_bytes());
                let digits = rest.and_then(|rest| rest.split(|&b| b == b'-').next());
                let digits = digits.and_then(|digits| std::str::from_utf8(digits).ok());
                numbers.extend(digits.and_then(|digits| digits.parse::<u64>().ok()));
            }
        }
        Ok(numbers)
    }
}

/// What the manifests of a directory name.
#[derive(Debug, Default)]
pub(super) struct Live {
    named: HashSet<Vec<u8>>,
    history: HashSet<Vec<u8>>,
    /// Manifests that cannot be understood.
    unclear: Vec<Vec<u8>>,
    is_told: bool,
}

impl Live {
    /// Whether a manifest names this file, or may: one that cannot be understood may mean every name that stands in it.
    pub(super) fn may_name(&self, name: &[u8]) -> bool {
        let stands_in = |bytes: &Vec<u8>| memchr::memmem::find(bytes, name).is_some();
        self.named.contains(name) || self.unclear.iter().any(stands_in)
    }

    /// Whether a manifest lists it as history.
    pub(super) fn lists(&self, name: &[u8]) -> bool {
        self.history.contains(name)
    }

    /// Whether there is a manifest that can be understood, and all can.
    pub(super) fn is_told(&self) -> bool {
        self.is_told && self.unclear.is_empty()
    }
}
