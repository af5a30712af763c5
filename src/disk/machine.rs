//! What a machine gives a server that runs on it: memory, and settings of its kernel that servers depend on.

use std::fs;
use std::path::{Path, PathBuf};

/// What the kernel of a machine says. A field is `None` where it does not tell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Machine {
    /// Bytes of memory, without swap.
    pub memory_bytes: Option<u64>,
    /// Bytes that the control groups of the process may take; `None` also where nothing bounds it.
    pub group_bytes: Option<u64>,
    /// `vm.overcommit_memory`: 0 guesses, 1 always grants, 2 counts strictly.
    pub overcommit: Option<u8>,
    /// Transparent huge pages.
    pub huge_pages: Option<HugePages>,
    /// `net.core.somaxconn` of the network that the process is in.
    pub somaxconn: Option<u64>,
    /// Files that the process may have open; `None` where it is not known which process it is, or nothing bounds it.
    pub open_files: Option<u64>,
}

/// Where the kernel uses huge pages without being asked for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HugePages {
    /// Everywhere.
    Always,
    /// Where a program asked for them.
    OnRequest,
    /// Nowhere.
    Never,
}

impl Machine {
    /// As seen below `root`, which is `/` except in tests. `process` is the server's number, where it is known; without it
    /// the groups and the network are those of this process.
    pub fn read(root: &Path, process: Option<u32>) -> Self {
        let seen = Seen { root, process };
        let told = seen.text("proc/meminfo").unwrap_or_default();
        Self {
            memory_bytes: kilobytes(&told, "MemTotal"),
            group_bytes: seen.group_bytes(),
            overcommit: seen.number("proc/sys/vm/overcommit_memory"),
            huge_pages: seen
                .text("sys/kernel/mm/transparent_hugepage/enabled")
                .and_then(|text| huge_pages(&text)),
            somaxconn: seen.number("proc/sys/net/core/somaxconn").filter(|_| seen.is_our_network()),
            open_files: seen.open_files(),
        }
    }

    /// Bytes of memory that the process can have at most.
    pub fn bytes(&self) -> Option<u64> {
        self.memory_bytes.into_iter().chain(self.group_bytes).min()
    }
}

struct Seen<'a> {
    root: &'a Path,
    process: Option<u32>,
}

impl Seen<'_> {
    fn text(&self, path: &str) -> Option<String> {
        fs::read_to_string(self.root.join(path)).ok()
    }

    fn number<T: std::str::FromStr>(&self, path: &str) -> Option<T> {
        self.text(path)?.trim().parse().ok()
    }

    fn of_process(&self) -> PathBuf {
        let name = self.process.map_or_else(|| "self".to_owned(), |number| number.to_string());
        self.root.join("proc").join(name)
    }

    /// The bound in force, of a line such as `Max open files  1024  4096  files`.
    fn open_files(&self) -> Option<u64> {
        self.process?;
        let told = fs::read_to_string(self.of_process().join("limits")).ok()?;
        let line = told.lines().find_map(|line| line.strip_prefix("Max open files"))?;
        line.split_whitespace().next()?.parse().ok()
    }

    /// The file shows the network of who reads it.
    fn is_our_network(&self) -> bool {
        let own = fs::read_link(self.root.join("proc/self/ns/net"));
        let its = fs::read_link(self.of_process().join("ns/net"));
        self.process.is_none() || own.ok().zip(its.ok()).is_some_and(|(own, its)| own == its)
    }

    /// The least bound of the groups that the process is in, and of all above them.
    fn group_bytes(&self) -> Option<u64> {
        let told = fs::read_to_string(self.of_process().join("cgroup")).ok()?;
        let bounds = told.lines().filter_map(group).flat_map(|(hierarchy, name, path)| {
            let below = Path::new(path.trim_start_matches('/'));
            let dir = self.root.join(hierarchy);
            below.ancestors().map(|part| dir.join(part).join(name)).collect::<Vec<_>>()
        });
        let bytes = bounds.filter_map(|file| fs::read_to_string(file).ok()?.trim().parse().ok());
        // The first version of groups has no word for no bound, but a number beyond all memory.
        bytes.filter(|&bytes: &u64| bytes < 1 << 62).min()
    }
}

/// Of a line `4:memory:/path` or `0::/path`: where that kind of groups lies, the file with the bound, and the path.
fn group(line: &str) -> Option<(&'static str, &'static str, &str)> {
    let mut words = line.splitn(3, ':').skip(1);
    let (controllers, path) = (words.next()?, words.next()?);
    match controllers {
        "" => Some(("sys/fs/cgroup", "memory.max", path)),
        all if all.split(',').any(|one| one == "memory") => {
            Some(("sys/fs/cgroup/memory", "memory.limit_in_bytes", path))
        }
        _ => None,
    }
}

/// Of lines such as `MemTotal:  20971520 kB`.
fn kilobytes(told: &str, name: &str) -> Option<u64> {
    let line = told.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    line.trim().strip_suffix(" kB")?.parse::<u64>().ok()?.checked_mul(1024)
}

/// The word in brackets, as in `always [madvise] never`.
fn huge_pages(told: &str) -> Option<HugePages> {
    match told.split_once('[')?.1.split_once(']')?.0 {
        "always" => Some(HugePages::Always),
        "madvise" => Some(HugePages::OnRequest),
        "never" => Some(HugePages::Never),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        root
    }

    #[test]
    fn nothing_told_is_nothing_known() {
        let root = tree(&[]);
        assert_eq!(Machine::read(root.path(), None), Machine::default());
        assert_eq!(Machine::read(root.path(), Some(7)).bytes(), None);
    }

    #[test]
    fn the_least_bound_of_a_process_counts() {
        let root = tree(&[
            ("proc/meminfo", "MemTotal:  1000 kB\nMemFree: 1 kB\n"),
            ("proc/7/cgroup", "0::/a/b\n"),
            ("sys/fs/cgroup/a/b/memory.max", "max\n"),
            ("sys/fs/cgroup/a/memory.max", "65536\n"),
            ("proc/sys/vm/overcommit_memory", "0\n"),
            ("proc/sys/net/core/somaxconn", "128\n"),
            ("sys/kernel/mm/transparent_hugepage/enabled", "[always] madvise never\n"),
        ]);
        let seen = Machine::read(root.path(), Some(7));
        assert_eq!((seen.memory_bytes, seen.group_bytes), (Some(1_024_000), Some(65_536)));
        assert_eq!((seen.bytes(), seen.overcommit), (Some(65_536), Some(0)));
        assert_eq!(seen.huge_pages, Some(HugePages::Always));
        assert_eq!(seen.somaxconn, None, "nobody knows which network it is in");
        assert_eq!(Machine::read(root.path(), None).somaxconn, Some(128));
    }

    #[test]
    fn groups_of_both_versions_are_read() {
        let root = tree(&[
            ("proc/self/cgroup", "3:cpuset:/x\n4:cpu,memory:/x\n"),
            ("sys/fs/cgroup/memory/x/memory.limit_in_bytes", "4096\n"),
            ("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n"),
        ]);
        assert_eq!(Machine::read(root.path(), None).group_bytes, Some(4096));
    }
}
