//! What follows from how a set grew: when, how large, and what to do about it.

use crate::disk::Room;

use crate::format::conf::Settings;
use crate::server::ServerState;

use super::advice::Advice;
use super::forecast::{Forecast, Measured};
use super::hold::Hold;
use super::live::Size;
use super::load::Load;
use super::running;
use super::simulate::Simulation;
use super::trigger::Trigger;

/// What a rewrite would bring.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rewrite {
    /// It would be written as RDB.
    pub is_rdb: bool,
    /// Bytes of the base that it would write, as far as they are known.
    pub size: Size,
    /// Bytes that would be given back; `None` where the size is not known.
    pub reclaimable_bytes: Option<u64>,
    /// Bytes that the set takes at the peak of the next rewrite: old files, new base, and what is appended meanwhile.
    pub peak_disk_bytes: Option<u64>,
}

/// All that follows.
#[derive(Clone, Debug)]
pub struct Outlook {
    /// As the running server counts that was asked, else as one that starts with this set.
    pub trigger: Trigger,
    /// As it looks to servers that have seen more of it.
    pub others: Vec<Trigger>,
    /// Bytes of base and increments, as files.
    pub base_bytes: u64,
    /// See `base_bytes`.
    pub increment_bytes: u64,
    /// Bytes appended a second, and how that is known.
    pub rate: Option<Measured>,
    /// The rate at the end and over how many seconds, where it is another than [`Self::rate`], which is an average:
    /// what follows is reckoned with it.
    pub recent_rate: Option<(f64, i64)>,
    /// Times to come at that rate, and why one is not told.
    pub forecast: Forecast,
    /// What a rewrite would bring.
    pub rewrite: Rewrite,
    /// The file system.
    pub disk: Option<Room>,
    /// Bytes beside the set that could be given back.
    pub leftover_bytes: u64,
    /// What keeps a rewrite from happening.
    pub holds: Vec<Hold>,
    /// The rule in force, played over the timeline, and the others that were asked for.
    pub simulations: Vec<Simulation>,
    /// Bytes written for each byte appended, when rewrites go on as they would now.
    pub write_amplification: Option<f64>,
    /// How long loading takes.
    pub load: Load,
    /// What to do.
    pub advice: Advice,
    /// Whether the running server keeps this very log; `None` when none was asked, or it does not tell.
    pub is_its_log: Option<bool>,
    /// Where the running server and what lies here disagree, in words.
    pub differences: Vec<String>,
    /// Whether a process has the last increment open for writing; `None` where that cannot be told, or was not looked at
    /// because no rewrite is due and nothing keeps servers from loading the set.
    pub is_written_to: Option<bool>,
    /// The times of the files are those of a copy, and tell nothing.
    pub has_times_of_a_copy: bool,
}

/// What is known beside the set.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// Unix seconds.
    pub now: i64,
    /// The file system that the set lies on.
    pub disk: Option<Room>,
    /// Other rules to play over the timeline: percentage and minimum.
    pub rules: Vec<(u32, u64)>,
    /// What the server said that runs on the set.
    pub server: Option<ServerState>,
}

impl Surroundings {
    /// The settings in force: the server's where it tells them, else those of the set's configuration.
    pub fn settings(&self, own: &Settings) -> Settings {
        running::settings(own, self.server.as_ref())
    }
}

impl Outlook {
    /// Bytes of all files.
    pub fn current_bytes(&self) -> u64 {
        self.base_bytes.saturating_add(self.increment_bytes)
    }

    /// Bytes a second that settings are judged by: the recent rate, else the average; `None` where it was measured over too
    /// short a time.
    pub fn usual_rate(&self) -> Option<f64> {
        let rate = self.rate.filter(Measured::is_long_enough)?;
        let recent = self.recent_rate.map(|(rate, _)| rate);
        Some(recent.unwrap_or(rate.bytes_per_second)).filter(|rate| *rate > 0.0)
    }
}
