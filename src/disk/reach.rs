//! Paths that another user cannot reach, made reachable for him in a mount namespace of our own.
//!
//! A program below a directory that only root may enter stays where it is by name: over the first directory that is
//! closed lies an empty one, and in that only what is needed. Nobody outside of the namespace sees anything of it,
//! and it hides the rest of the closed directory from who runs in it.

use std::collections::BTreeSet;
use std::ffi::{CStr, OsString};
use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, symlink};
use std::path::{Component, Path, PathBuf};

use rustix::fs::CWD;
use rustix::mount::{
    MountFlags, MountPropagationFlags, MoveMountFlags, OpenTreeFlags, mount, mount_change,
    move_mount, open_tree,
};

/// Entries of a closed directory that are shown one by one; of a larger one only what was asked for.
const MOST: usize = 512;

/// Something to be put back at its path.
enum Piece {
    /// A directory or a file.
    Tree(OwnedFd, bool),
    Link(PathBuf),
}

/// Makes absolute paths of files and directories reachable for users who own nothing there. Only for a process that has a
/// mount namespace of its own.
///
/// # Errors
/// When the system refuses.
pub fn make_reachable(paths: &[PathBuf]) -> io::Result<()> {
    let closed: BTreeSet<PathBuf> = paths.iter().filter_map(|path| first_closed(path)).collect();
    if closed.is_empty() {
        return Ok(());
    }
    let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    mount_change("/", private)?;
    // All is taken hold of before anything is covered.
    let mut pieces: Vec<(PathBuf, Piece)> = Vec::new();
    let mut opened = Vec::new();
    for path in paths.iter().filter(|path| first_closed(path).is_some()) {
        take(path, &mut pieces, &mut opened)?;
    }
    for dir in closed {
        let none: Option<&CStr> = None;
        mount("tmpfs", &dir, "tmpfs", MountFlags::NOSUID | MountFlags::NODEV, none)?;
        fs::set_permissions(&dir, fs::Permissions::from_mode(0o755))?;
    }
    for dir in opened {
        make_dirs(&dir)?;
    }
    pieces.into_iter().try_for_each(|(path, piece)| put(&path, piece))
}

/// Whether a file may be read and executed by users who own nothing there, once they can reach it.
pub fn is_open_to_others(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.mode() & 0o005 == 0o005)
}

/// The first directory on the way to a path that others may not enter.
fn first_closed(path: &Path) -> Option<PathBuf> {
    let mut dir = PathBuf::new();
    for part in path.parent()?.components() {
        dir.push(part);
        let metadata = fs::metadata(&dir).ok()?;
        if metadata.is_dir() && metadata.mode() & 0o001 == 0 {
            return Some(dir);
        }
    }
    None
}

/// Takes hold of what lies at a path; of a file also of what lies beside it.
fn take(
    path: &Path,
    pieces: &mut Vec<(PathBuf, Piece)>,
    opened: &mut Vec<PathBuf>,
) -> io::Result<()> {
    if fs::metadata(path)?.is_dir() {
        pieces.push((path.to_owned(), piece(path)?));
        return Ok(());
    }
    let Some(dir) = path.parent() else { return Ok(()) };
    if fs::metadata(dir)?.mode() & 0o001 != 0 {
        pieces.push((dir.to_owned(), piece(dir)?));
        return Ok(());
    }
    opened.push(dir.to_owned());
    let names: Vec<OsString> =
        fs::read_dir(dir)?.take(MOST + 1).flatten().map(|entry| entry.file_name()).collect();
    if names.len() > MOST {
        pieces.push((path.to_owned(), piece(path)?));
        return Ok(());
    }
    for name in names {
        let path = dir.join(name);
        pieces.push((path.clone(), piece(&path)?));
    }
    Ok(())
}

fn piece(path: &Path) -> io::Result<Piece> {
    let metadata = fs::symlink_metadata(path)?;
    if metadata.is_symlink() {
        return Ok(Piece::Link(fs::read_link(path)?));
    }
    let flags = OpenTreeFlags::OPEN_TREE_CLONE
        | OpenTreeFlags::OPEN_TREE_CLOEXEC
        | OpenTreeFlags::AT_RECURSIVE;
    Ok(Piece::Tree(open_tree(CWD, path, flags)?, metadata.is_dir()))
}

fn put(path: &Path, piece: Piece) -> io::Result<()> {
    if let Some(dir) = path.parent() {
        make_dirs(dir)?;
    }
    match piece {
        // It came with the directory it is in.
        Piece::Link(_) if fs::symlink_metadata(path).is_ok() => Ok(()),
        Piece::Link(target) => symlink(target, path),
        Piece::Tree(tree, is_dir) => {
            if fs::symlink_metadata(path).is_err() {
                match is_dir {
                    true => make_dirs(path)?,
                    false => drop(fs::File::create_new(path)?),
                }
            }
            Ok(move_mount(&tree, "", CWD, path, MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)?)
        }
    }
}

/// Directories that all may enter, as far as there are none.
fn make_dirs(dir: &Path) -> io::Result<()> {
    let mut at = PathBuf::new();
    for part in dir.components().filter(|part| *part != Component::CurDir) {
        at.push(part);
        if fs::symlink_metadata(&at).is_err() {
            fs::DirBuilder::new().mode(0o755).create(&at)?;
        }
    }
    Ok(())
}
