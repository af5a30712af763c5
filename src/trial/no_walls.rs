//! Where no kernel is known that puts up walls: each is told as missing.

use std::io;
use std::path::{Path, PathBuf};

use rustix::io::{Errno, Result};

pub struct Left {
    pub network: Result<()>,
    pub processes: Result<()>,
    pub mounts: Result<()>,
}

impl Left {
    pub fn leave(_: bool) -> Self {
        Self { network: Err(Errno::NOSYS), processes: Err(Errno::NOSYS), mounts: Err(Errno::NOSYS) }
    }
}

pub fn become_user(_: u32) -> Result<()> {
    Err(Errno::NOSYS)
}

pub fn drop_powers() -> Result<()> {
    Err(Errno::NOSYS)
}

pub fn die_with_parent() -> Result<()> {
    Ok(())
}

pub fn limit(_: u64, _: bool) -> Result<()> {
    Ok(())
}

pub fn wall_off(_: &Path) -> bool {
    false
}

pub fn keep_ids(_: u32, _: u32) -> io::Result<()> {
    Ok(())
}

pub fn make_reachable(_: &[PathBuf]) -> io::Result<()> {
    Ok(())
}

pub fn offer_to_the_oom_killer() {}

pub fn close_what_was_handed_down() {}

pub fn adopt_orphans() -> Result<()> {
    Err(Errno::NOSYS)
}

pub fn children() -> Vec<u32> {
    Vec::new()
}

/// Nothing is known of memory here.
pub struct Memory;

#[derive(Clone, Copy)]
pub struct Amount {
    pub free: u64,
    pub total: u64,
}

impl Memory {
    pub fn here() -> Self {
        Self
    }

    pub fn now(&self) -> Option<Amount> {
        None
    }
}
