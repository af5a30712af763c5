//! Other processes, as the system shows them.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Command, Stdio};

/// Processes that work in a directory or below it.
pub fn working_in(dir: &Path) -> Vec<String> {
    let dir = fs::canonicalize(dir).expect("a directory");
    let all = fs::read_dir("/proc").expect("list processes").flatten();
    all.filter(|process| {
        fs::read_link(process.path().join("cwd")).is_ok_and(|at| at.starts_with(&dir))
    })
    .map(|process| process.file_name().to_string_lossy().into_owned())
    .collect()
}

/// Whether a process is there, and not only waits to be buried.
pub fn is_alive(pid: &str) -> bool {
    let stat = fs::read_to_string(Path::new("/proc").join(pid).join("stat")).unwrap_or_default();
    stat.rsplit(") ").next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with('Z'))
}

/// Whether this is root.
pub fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

/// Whether others may not go where a path leads.
pub fn is_closed(path: &Path) -> bool {
    let path = fs::canonicalize(path).expect("a path");
    path.ancestors().skip(1).any(|dir| fs::metadata(dir).expect("a directory").mode() & 1 == 0)
}

/// Whether a process can have a space of its own of that kind here: `-n` a network, `-p` processes.
pub fn unshares(kind: &str) -> bool {
    let mut command = Command::new("unshare");
    if !is_root() {
        command.arg("-U");
    }
    let command = command.args([kind, "-f", "true"]).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
