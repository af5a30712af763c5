//! Files beside a set that no server made there: copies, archives, text.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::aof::{Aof, Layout, server_dir};
use crate::disk::{self, FrozenFile};
use crate::format::foreign::{self, Extent, Foreign};

/// A file beside a set that is none of a server's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stray {
    /// Where it lies.
    pub path: PathBuf,
    /// Its length in bytes.
    pub len: u64,
    /// What it is by its first bytes; `None` for one that is named as a copy, which is not opened.
    pub what: Option<Foreign>,
}

/// Those in the set's directory, and in the server's those with a name of the set or of a dump.
pub(super) fn find(aof: &Aof) -> Vec<Stray> {
    let Some(manifest) = aof.manifest.as_ref().filter(|_| aof.layout == Layout::MultiPart) else {
        return Vec::new();
    };
    let own = manifest.path.file_name().unwrap_or_default();
    let stem = manifest.stem();
    let dir = aof.dir();
    let mut known: HashSet<&[u8]> = aof.segments.iter().map(|segment| &*segment.name).collect();
    let left = aof.leftovers.iter().map(|left| left.path.file_name().unwrap_or_default());
    known.extend(left.map(OsStr::as_bytes));
    known.insert(own.as_bytes());
    let mut strays = in_directory(&dir, |name| !known.contains(name));
    if let Some(above) = server_dir(&dir) {
        let appended = dir.file_name().unwrap_or_default().as_bytes();
        let is_of = |name: &[u8], whole: &[u8]| {
            name.strip_prefix(whole).is_some_and(|rest| rest.starts_with(b".") || rest == b"~")
        };
        let is_meant =
            |name: &[u8]| [stem, appended, &b"dump.rdb"[..]].iter().any(|one| is_of(name, one));
        strays.extend(in_directory(&above, |name| is_meant(name) && !known.contains(name)));
    }
    strays
}

fn in_directory(dir: &Path, is_meant: impl Fn(&[u8]) -> bool) -> Vec<Stray> {
    let is_meant = |name: &OsStr| {
        let name = name.as_bytes();
        !name.starts_with(b".") && !name.ends_with(b".aofkit") && is_meant(name)
    };
    let listed = disk::list_some(dir, is_meant).unwrap_or_default();
    let files = listed.into_iter().filter(|file| !file.is_dir && !file.is_link);
    files
        .filter_map(|file| {
            let path = dir.join(&file.name);
            let what = match foreign::is_named_as_copy(file.name.as_bytes()) {
                true => None,
                false => {
                    let head = FrozenFile::open(&path).and_then(|file| file.head(foreign::HEAD));
                    let head = head.ok()?;
                    let extent = Extent::of(&head, foreign::HEAD);
                    Some(foreign::recognise(&head, extent, file.name.as_bytes())?)
                }
            };
            Some(Stray { path, len: file.len, what })
        })
        .collect()
}
