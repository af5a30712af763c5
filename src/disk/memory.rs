//! How much memory may still be taken here: by the machine as a whole, and by the control groups that this process is in.

use std::fs;
use std::path::{Path, PathBuf};

/// What bounds memory here, found once.
#[derive(Debug)]
pub struct Memory {
    groups: Vec<Group>,
}

/// Bytes that may be taken, and how many of them are free.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Amount {
    /// What can be had without hurting others.
    pub free: u64,
    /// All there is.
    pub total: u64,
}

/// A control group whose memory is bounded.
#[derive(Debug)]
struct Group {
    dir: PathBuf,
    names: Names,
}

/// What the files of a group are called: the first version of groups and the second differ.
#[derive(Clone, Copy, Debug)]
struct Names {
    most: &'static str,
    used: &'static str,
    /// Pages of files that nobody reads just now: they are given back when memory is wanted.
    given_back: &'static str,
}

const FIRST: Names = Names {
    most: "memory.limit_in_bytes",
    used: "memory.usage_in_bytes",
    given_back: "total_inactive_file",
};
const SECOND: Names =
    Names { most: "memory.max", used: "memory.current", given_back: "inactive_file" };

impl Memory {
    /// Of this process.
    pub fn here() -> Self {
        let told = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        let groups = told.lines().flat_map(groups).filter(|group| group.amount().is_some());
        Self { groups: groups.collect() }
    }

    /// The least of all that bounds it; `None` where the system does not tell.
    pub fn now(&self) -> Option<Amount> {
        let groups = self.groups.iter().filter_map(Group::amount);
        let free = groups.clone().map(|one| one.free).min().unwrap_or(u64::MAX);
        let total = groups.map(|one| one.total).min().unwrap_or(u64::MAX);
        let all = of_machine(&fs::read_to_string("/proc/meminfo").ok()?)?;
        Some(Amount { free: free.min(all.free), total: total.min(all.total) })
    }
}

/// What the kernel tells of a machine, in lines such as `MemAvailable:  20971520 kB`.
fn of_machine(told: &str) -> Option<Amount> {
    let bytes = |name: &str| {
        let line = told.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        line.trim().strip_suffix(" kB")?.parse::<u64>().ok()?.checked_mul(1024)
    };
    let swap = |name| bytes(name).unwrap_or(0);
    Some(Amount {
        free: bytes("MemAvailable")?.saturating_add(swap("SwapFree")),
        total: bytes("MemTotal")?.saturating_add(swap("SwapTotal")),
    })
}

/// The groups of a line `4:memory:/path` or `0::/path`: the one that is named and all above it. In a container the path may be
/// that of the host; what bounds it lies at the root then.
fn groups(line: &str) -> Vec<Group> {
    let mut words = line.splitn(3, ':').skip(1);
    let (Some(controllers), Some(path)) = (words.next(), words.next()) else { return Vec::new() };
    let (root, names) = match controllers {
        "" => ("/sys/fs/cgroup", SECOND),
        all if all.split(',').any(|one| one == "memory") => ("/sys/fs/cgroup/memory", FIRST),
        _ => return Vec::new(),
    };
    let below = Path::new(path.trim_start_matches('/'));
    below.ancestors().map(|part| Group { dir: Path::new(root).join(part), names }).collect()
}

impl Group {
    /// `None` where it bounds nothing.
    fn amount(&self) -> Option<Amount> {
        let read = |name: &str| fs::read_to_string(self.dir.join(name)).ok();
        let number = |name: &str| read(name)?.trim().parse::<u64>().ok();
        // The first version has no word for no bound, but a number beyond all memory.
        let total = number(self.names.most).filter(|&most| most < 1 << 62)?;
        let told = read("memory.stat")?;
        let mut lines = told.lines().map(|line| line.split_once(' '));
        let given_back =
            lines.find_map(|line| line.filter(|(name, _)| *name == self.names.given_back));
        let given_back = given_back.and_then(|(_, bytes)| bytes.parse().ok()).unwrap_or(0);
        let used = number(self.names.used)?.saturating_sub(given_back);
        Some(Amount { free: total.saturating_sub(used), total })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_words_are_bytes() {
        let told = "MemTotal:  1000 kB\nMemFree:  1 kB\nMemAvailable:  500 kB\nSwapTotal: 8 kB\nSwapFree:  4 kB\n";
        assert_eq!(of_machine(told), Some(Amount { free: 504 << 10, total: 1008 << 10 }));
        assert_eq!(of_machine("MemTotal: 7 kB\n"), None);
    }

    #[test]
    fn groups_are_looked_for_where_both_versions_have_them() {
        let dirs = |line| -> Vec<_> {
            groups(line).into_iter().map(|group| group.dir.display().to_string()).collect()
        };
        assert_eq!(dirs("0::/a/b").first().map(String::as_str), Some("/sys/fs/cgroup/a/b"));
        assert_eq!(dirs("4:cpu,memory:/x").len(), 2);
        assert_eq!(dirs("3:cpuset:/x"), Vec::<String>::new());
    }

    #[test]
    fn a_group_tells_what_is_free_of_its_bound() {
        let dir = tempfile::tempdir().unwrap();
        let put = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
        let group = || Group { dir: dir.path().to_owned(), names: SECOND }.amount();
        put("memory.max", "max\n");
        put("memory.current", "700\n");
        put("memory.stat", "anon 1\ninactive_file 100\n");
        assert_eq!(group(), None);
        put("memory.max", "1000\n");
        assert_eq!(group(), Some(Amount { free: 400, total: 1000 }));
    }
}
