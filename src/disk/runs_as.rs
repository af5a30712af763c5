//! The user that a process runs as.

use std::fs;
use std::path::Path;

/// A user and the groups he is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunsAs {
    /// Number of the user.
    pub user: u32,
    /// Numbers of all his groups.
    pub groups: Vec<u32>,
    /// The process has a capability by which modes of files do not bind it.
    pub is_exempt: bool,
}

/// `CAP_DAC_OVERRIDE` and `CAP_DAC_READ_SEARCH`. Source: capabilities(7), include/uapi/linux/capability.h.
const PASSES_MODES: u64 = 1 << 1 | 1 << 2;

/// Whom a process of this machine opens files as; `None` when it is not there, or does not tell.
///
/// Source: proc_pid_status(5); of the four numbers of `Uid` and `Gid` the last counts for files.
pub fn runs_as(pid: u32) -> Option<RunsAs> {
    of_status(&fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("status")).ok()?)
}

fn of_status(status: &str) -> Option<RunsAs> {
    let numbers = |field: &str| -> Option<Vec<u32>> {
        let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))?;
        line.split_ascii_whitespace().map(|number| number.parse().ok()).collect()
    };
    let (user, group) = (*numbers("Uid")?.get(3)?, *numbers("Gid")?.get(3)?);
    let mut groups = numbers("Groups")?;
    groups.push(group);
    let capabilities = status.lines().find_map(|line| line.strip_prefix("CapEff:"))?;
    let capabilities = u64::from_str_radix(capabilities.trim(), 16).ok()?;
    Some(RunsAs { user, groups, is_exempt: capabilities & PASSES_MODES != 0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_counts_for_files_is_taken_and_a_missing_line_is_no_answer() {
        let ids = "Name:\tx\nUid:\t1\t2\t3\t4\nGid:\t5\t6\t7\t8\nGroups:\t9 10 \n";
        for (capabilities, is_exempt) in [("0", false), ("2", true), ("4", true), ("c1", false)] {
            let status = format!("{ids}CapEff:\t{capabilities}\n");
            let wanted = RunsAs { user: 4, groups: vec![9, 10, 8], is_exempt };
            assert_eq!(of_status(&status), Some(wanted), "{capabilities}");
        }
        assert_eq!(of_status(ids), None);
        assert_eq!(of_status("Name:\tx\nUid:\t1\t2\t3\t4\n"), None);
        assert_eq!(runs_as(std::process::id()).map(|it| it.user), super::super::own_user());
    }
}
