//! Whether the server can work on its files: by who owns them, and by where its directories lie.

use std::path::Path;

use crate::aof::{Aof, Layout, server_dir};
use crate::disk::{self, Attributes};

/// What stands in a server's way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rights {
    /// The set's directory lies on another file system than the server's, where rewrites write.
    pub is_elsewhere: bool,
    /// Number of the user who owns the set's directory, for a server makes that itself.
    pub user: u32,
    /// Files that this user may not read, or may not write where a server appends to them (`true`).
    pub closed: Vec<(Vec<u8>, bool)>,
}

/// Looks at owners and modes, and at none of the bytes.
pub(super) fn look(aof: &Aof) -> Rights {
    if aof.layout != Layout::MultiPart {
        return Rights::default();
    }
    let dir = aof.dir();
    let is_elsewhere = is_elsewhere(aof, &dir);
    let Ok(owner) = disk::attributes(&dir) else { return Rights::default() };
    let mut closed = Vec::new();
    // To root all is open.
    if owner.uid != 0 {
        let last = aof.last_live();
        for (position, segment) in aof.live() {
            let Some(file) = segment.file() else { continue };
            let Ok(of_file) = disk::attributes(&file.path()) else { continue };
            let appends = Some(position) == last;
            match may(owner, of_file, 4) {
                false => closed.push((segment.name.to_vec(), false)),
                true if appends && !may(owner, of_file, 2) => {
                    closed.push((segment.name.to_vec(), true));
                }
                true => {}
            }
        }
    }
    Rights { is_elsewhere, user: owner.uid, closed }
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

/// Whether a user has these of the bits read (4) and write (2), as far as it is known: he may be in a group that the
/// directory does not tell.
fn may(user: Attributes, file: Attributes, bits: u32) -> bool {
    let has = |shift: u32| file.mode >> shift & bits == bits;
    if file.uid == user.uid {
        return has(6);
    }
    has(3) || has(0) && file.gid != user.gid
}
