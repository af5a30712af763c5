//! A small file system in memory, to be really full; it is gone when it is dropped.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A mounted file system.
pub struct SmallDisk(PathBuf);

impl SmallDisk {
    /// Mounts one with these options, such as `size=2m`; `None`, which is told, where nothing can be mounted.
    pub fn at(path: &Path, options: &str) -> Option<Self> {
        fs::create_dir_all(path).expect("make a directory to mount at");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", options, "small"]).arg(path).stderr(Stdio::null());
        if !mount.status().is_ok_and(|status| status.success()) {
            println!("did not run: nothing can be mounted here");
            return None;
        }
        Some(Self(path.to_owned()))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Takes all of it with one file of its own, and gives so many bytes back.
    pub fn fill_but(&self, room: u64) {
        let mut file = fs::File::create(self.0.join("ballast")).expect("make a file");
        while file.write_all(&[0; 4096]).is_ok() {}
        let taken = file.metadata().expect("look at a file").len();
        file.set_len(taken - room).expect("cut a file");
    }

    /// Gives back what was taken.
    pub fn empty(&self) {
        fs::remove_file(self.0.join("ballast")).expect("remove a file");
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}
