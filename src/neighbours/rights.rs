//! Whether the server can work on its files: by who owns them, and by where its directories lie.

use std::path::Path;

use crate::aof::{Aof, Layout, Segment, server_dir};
use crate::disk::{self, Attributes};

/// What stands in a server's way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rights {
    /// The set's directory lies on another file system than the server's, where rewrites write.
    pub is_elsewhere: bool,
    /// Number of the user whom these rights are of.
    pub user: u32,
    /// A running server of the set was seen to be this user. Else it is who owns the set's directory, because a server makes
    /// that itself.
    pub is_seen: bool,
    /// Files that this user cannot work on.
    pub closed: Vec<Closed>,
}

/// A file of the set that a server cannot work on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closed {
    /// Its name in the manifest.
    pub name: Vec<u8>,
    /// What the server may not do.
    pub lacks: Lacks,
}

/// What a user may not do with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lacks {
    /// He may not read it.
    Reading,
    /// He may read it and not append to it, as a server has to.
    Appending,
}

impl Rights {
    /// Judges by the process that was seen to be the server of the set, in the place of the directory's owner. Nothing changes
    /// where that process does not tell.
    pub fn of_server(&mut self, aof: &Aof, pid: u32) {
        let Some(runs_as) = disk::runs_as(pid) else { return };
        let user = User { number: runs_as.user, groups: Groups::All(runs_as.groups) };
        self.closed = if runs_as.is_exempt { Vec::new() } else { closed(aof, &user) };
        (self.user, self.is_seen) = (runs_as.user, true);
    }
}

/// Looks at owners and modes, and at none of the bytes.
pub(super) fn look(aof: &Aof) -> Rights {
    if aof.layout != Layout::MultiPart {
        return Rights::default();
    }
    let dir = aof.dir();
    let is_elsewhere = is_elsewhere(aof, &dir);
    let Ok(owner) = disk::attributes(&dir) else {
        return Rights { is_elsewhere, ..Rights::default() };
    };
    let user = User { number: owner.uid, groups: Groups::WithThis(owner.gid) };
    Rights { is_elsewhere, user: owner.uid, is_seen: false, closed: closed(aof, &user) }
}

fn closed(aof: &Aof, user: &User) -> Vec<Closed> {
    // To root all is open.
    if user.number == 0 {
        return Vec::new();
    }
    let last = aof.last_live();
    let lacks = |(position, segment): (usize, &Segment)| {
        let path = segment.file()?.path();
        // A list may admit whom the mode does not; what it says is not worked out.
        if disk::has_access_list(&path) {
            return None;
        }
        let of_file = disk::attributes(&path).ok()?;
        let lacks = match user.may(of_file, 4) {
            false => Lacks::Reading,
            true if Some(position) == last && !user.may(of_file, 2) => Lacks::Appending,
            true => return None,
        };
        Some(Closed { name: segment.name.to_vec(), lacks })
    };
    aof.live().filter_map(lacks).collect()
}

/// Whether the directory has the name that servers give it, and the one above is another file system: where another name
/// was chosen, the one above need not be a server's.
fn is_elsewhere(aof: &Aof, dir: &Path) -> bool {
    let name = dir.file_name().unwrap_or_default().as_encoded_bytes();
    let Some(above) = server_dir(dir).filter(|_| name == aof.settings.append_dir_name()) else {
        return false;
    };
    let device = |path: &Path| disk::stamp(path).ok().map(|stamp| stamp.identity.device);
    device(dir).zip(device(&above)).is_some_and(|(own, above)| own != above)
}

/// Somebody who wants to open files.
struct User {
    number: u32,
    groups: Groups,
}

/// The groups somebody is in.
enum Groups {
    /// These, and no others.
    All(Vec<u32>),
    /// This one, and perhaps others.
    WithThis(u32),
}

impl User {
    /// Whether he has these of the bits read (4) and write (2), as far as it is known.
    fn may(&self, file: Attributes, bits: u32) -> bool {
        let has = |shift: u32| file.mode >> shift & bits == bits;
        if file.uid == self.number {
            return has(6);
        }
        match &self.groups {
            Groups::All(groups) if groups.contains(&file.gid) => has(3),
            Groups::All(_) => has(0),
            // He may be in the file's group.
            Groups::WithThis(group) => has(3) || has(0) && file.gid != *group,
        }
    }
}
