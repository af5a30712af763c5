//! What a process gives up before it runs a program that may be led by a log.
//!
//! Each wall stands by itself. What the kernel does not allow is told, and the others still stand.

use std::path::Path;

pub(super) use crate::disk::{
    Memory, children, make_reachable, map_ids as keep_ids, offer_to_the_oom_killer,
};
use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, PathBeneath, PathFd,
    RestrictionStatus, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetStatus, Scope,
};
use rustix::io::{Errno, Result};
use rustix::process::{Gid, Resource, Rlimit, Signal, Uid, getrlimit, setrlimit};
use rustix::thread::{CapabilitySet, CapabilitySets, UnshareFlags};

/// Files that a server may have open: it needs few, and has one client.
const OPEN_FILES: u64 = 256;

/// Processes and threads of a user who has nothing but this server.
const PROCESSES: u64 = 128;

/// Leaves the network, the processes, the shared memory and, as root, the mounts of others behind; as far as the kernel
/// allows. The processes are left by what is started next.
pub struct Left {
    pub network: Result<()>,
    pub processes: Result<()>,
    pub mounts: Result<()>,
}

impl Left {
    pub fn leave(is_root: bool) -> Self {
        if !is_root {
            let all = UnshareFlags::NEWUSER
                | UnshareFlags::NEWNET
                | UnshareFlags::NEWPID
                | UnshareFlags::NEWIPC;
            let left = unshare(all);
            return Self { network: left, processes: left, mounts: Err(Errno::PERM) };
        }
        let _ = unshare(UnshareFlags::NEWIPC);
        Self {
            network: unshare(UnshareFlags::NEWNET),
            processes: unshare(UnshareFlags::NEWPID),
            mounts: unshare(UnshareFlags::NEWNS),
        }
    }
}

/// Closes all but the standard streams. For a process that has opened nothing yet: what is open was handed to it by
/// whoever started us, who may not know.
pub fn close_what_was_handed_down() {
    for number in crate::disk::open_descriptors().into_iter().filter(|number| *number > 2) {
        // One of them is closed already: by it the others were found.
        let _ = nix::unistd::close(number);
    }
}

#[expect(deprecated, reason = "its danger is shared file descriptors, and none are unshared here")]
fn unshare(flags: UnshareFlags) -> Result<()> {
    debug_assert!(!flags.contains(UnshareFlags::FILES));
    rustix::thread::unshare(flags)
}

/// Becomes another user, in no group but one of that number, for good.
pub fn become_user(number: u32) -> Result<()> {
    let (uid, gid) = (Uid::from_raw(number), Gid::from_raw(number));
    rustix::thread::set_thread_groups(&[])?;
    rustix::thread::set_thread_res_gid(gid, gid, gid)?;
    rustix::thread::set_thread_res_uid(uid, uid, uid)
}

/// Stays root by number, and has none of root's powers once a program was run.
pub fn drop_powers() -> Result<()> {
    for bit in 0..64 {
        match rustix::thread::remove_capability_from_bounding_set(CapabilitySet::from_bits_retain(
            1 << bit,
        )) {
            Ok(()) => {}
            // There are no more of them; or it takes a power that we have not, and without new privileges none comes back.
            Err(Errno::INVAL | Errno::PERM) => break,
            Err(e) => return Err(e),
        }
    }
    let none = CapabilitySet::empty();
    let _ = rustix::thread::clear_ambient_capability_set();
    let sets = CapabilitySets { effective: none, permitted: none, inheritable: none };
    rustix::thread::set_capabilities(None, sets)
}

/// Is the parent of all below it whose own parents are gone, from now on.
pub fn adopt_orphans() -> Result<()> {
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))
}

/// Dies when the process that has started this one dies, from now on.
pub fn die_with_parent() -> Result<()> {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))
}

/// No core file, no larger file than `file_bytes`, few open ones, and few processes where they are counted by a user
/// who has no others.
pub fn limit(file_bytes: u64, counts_processes: bool) -> Result<()> {
    lower(Resource::Core, 0)?;
    lower(Resource::Fsize, file_bytes)?;
    lower(Resource::Nofile, OPEN_FILES)?;
    if counts_processes {
        lower(Resource::Nproc, PROCESSES)?;
    }
    rustix::thread::set_no_new_privs(true)
}

fn lower(what: Resource, to: u64) -> Result<()> {
    let now = getrlimit(what).maximum.unwrap_or(u64::MAX);
    let to = Some(to.min(now));
    setrlimit(what, Rlimit { current: to, maximum: to })
}

/// Has the kernel allow writing in `dir` alone, and no TCP; `false` where it only does a part of that, or nothing.
pub fn wall_off(dir: &Path) -> bool {
    walled(dir).is_ok_and(|status| status.ruleset == RulesetStatus::FullyEnforced)
}

fn walled(dir: &Path) -> std::result::Result<RestrictionStatus, Box<dyn std::error::Error>> {
    let (files, net) = (AccessFs::from_all(ABI::V5), AccessNet::from_all(ABI::V4));
    let rules = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(files)?
        .handle_access(net)?
        .scope(Scope::from_all(ABI::V6))?
        .create()?
        .add_rule(PathBeneath::new(PathFd::new("/")?, AccessFs::from_read(ABI::V5)))?
        .add_rule(PathBeneath::new(PathFd::new("/dev/null")?, AccessFs::from_file(ABI::V5)))?
        .add_rule(PathBeneath::new(PathFd::new(dir)?, files))?;
    Ok(rules.restrict_self()?)
}
