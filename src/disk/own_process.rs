//! What a process may tell the kernel about itself by files.

use std::fs;
use std::io;
use std::path::Path;

use super::holders::parent;

/// In a new user namespace: keeps the numbers that this process had outside, and no others.
///
/// # Errors
/// When the system refuses.
pub fn map_ids(uid: u32, gid: u32) -> io::Result<()> {
    fs::write("/proc/self/setgroups", "deny")?;
    fs::write("/proc/self/uid_map", format!("{uid} {uid} 1"))?;
    fs::write("/proc/self/gid_map", format!("{gid} {gid} 1"))
}

/// Is the first to go, with all that it starts, when the machine has no memory left.
pub fn offer_to_the_oom_killer() {
    // Without it the kernel chooses as ever.
    let _ = fs::write("/proc/self/oom_score_adj", "1000");
}

/// The numbers of all that this process has open, one that was open for this look among them; none where that cannot
/// be told.
pub fn open_descriptors() -> Vec<i32> {
    let all = fs::read_dir("/proc/self/fd").into_iter().flatten().flatten();
    all.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

/// The processes that this one has started or was given, by what the system shows.
pub fn children() -> Vec<u32> {
    let own = std::process::id();
    let is_ours = |pid: &u32| parent(&Path::new("/proc").join(pid.to_string())) == Some(own);
    let all = fs::read_dir("/proc").into_iter().flatten().flatten();
    all.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).filter(is_ours).collect()
}
