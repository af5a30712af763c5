//! What a file has besides bytes, mode and owner: its access control list and other extended attributes.

use std::os::fd::AsFd;
use std::path::Path;

use rustix::fs::{XattrFlags, fgetxattr, flistxattr, fremovexattr, fsetxattr, getxattr};
use rustix::io::Errno;

/// Which of them a file gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extended {
    /// Those that decide who may do what, and those that users set.
    All,
    /// Those that users set.
    OfUsers,
}

/// The access control list of POSIX.
const ACCESS: &str = "system.posix_acl_access";

/// The label of SELinux.
const LABEL: &str = "security.selinux";

/// Bytes of all names, and of one value, that Linux allows.
const MOST: usize = 64 * 1024;

impl Extended {
    fn takes(self, name: &str) -> bool {
        name.starts_with("user.") || self == Self::All && matches!(name, ACCESS | LABEL)
    }

    /// Gives them to another file. Answers the names of those that the system refused.
    pub(super) fn copy(self, from: &impl AsFd, to: &impl AsFd) -> Vec<String> {
        let names = names(from);
        let mut refused = Vec::new();
        // A directory may give its files a list of its own, which the old file had not.
        if self == Self::All && !names.iter().any(|name| name == ACCESS) {
            match fremovexattr(to, ACCESS) {
                Ok(()) | Err(Errno::NODATA | Errno::OPNOTSUPP | Errno::NOSYS) => {}
                Err(_) => refused.push(ACCESS.to_owned()),
            }
        }
        for name in names.into_iter().filter(|name| self.takes(name)) {
            let value = read(from, &name);
            let is_there = value.as_ref().is_some_and(|v| read(to, &name).as_ref() == Some(v));
            let given = |value: Vec<u8>| fsetxattr(to, &*name, &value, XattrFlags::empty()).is_ok();
            if !is_there && !value.is_some_and(given) {
                refused.push(name);
            }
        }
        refused
    }
}

/// Whether an access control list says more of who may open a file than its mode does.
pub fn has_access_list(path: &Path) -> bool {
    // Asked for nothing, Linux answers how long it is.
    matches!(getxattr(path, ACCESS, &mut [0_u8; 0][..]), Ok(1..) | Err(Errno::RANGE))
}

/// Where a file system has none, there are none.
fn names(of: &impl AsFd) -> Vec<String> {
    let mut bytes = vec![0_u8; MOST];
    let len = flistxattr(of, &mut bytes[..]).unwrap_or(0);
    let names = bytes[..len].split(|byte| *byte == 0).filter(|name| !name.is_empty());
    names.filter_map(|name| String::from_utf8(name.to_vec()).ok()).collect()
}

fn read(of: &impl AsFd, name: &str) -> Option<Vec<u8>> {
    let mut value = vec![0_u8; MOST];
    let len = fgetxattr(of, name, &mut value[..]).ok()?;
    value.truncate(len);
    Some(value)
}
