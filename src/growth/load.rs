//! How long a server takes to load a set, and how much memory.

use super::live::Memory;
use super::observe::GrowthReport;
use crate::server::ServerState;

/// What loading is taken to cost: so many bytes of RDB and of commands a second, and so many commands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Speed {
    /// Bytes of RDB a second.
    pub rdb_bytes_per_second: f64,
    /// Keys of RDB a second, on top.
    pub rdb_keys_per_second: f64,
    /// Bytes of commands a second.
    pub resp_bytes_per_second: f64,
    /// Commands a second, on top.
    pub commands_per_second: f64,
}

/// What a core of a common server does.
pub const ASSUMED: Speed = Speed {
    rdb_bytes_per_second: 400e6,
    rdb_keys_per_second: 2e6,
    resp_bytes_per_second: 500e6,
    commands_per_second: 1e6,
};

/// An estimate of the time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Load {
    /// Seconds.
    pub seconds: f64,
    /// By what it was estimated.
    pub speed: Speed,
    /// Seconds that a server took that loaded it.
    pub measured_seconds: Option<f64>,
    /// What it takes in memory, estimated; or measured, where a server has loaded it and told.
    pub memory: Option<Memory>,
    /// Seconds that the running server reckons with for its next start (`aof_cmd_duration`).
    pub server_seconds: Option<f64>,
}

impl Load {
    /// By what is assumed.
    pub(super) fn estimated(report: &GrowthReport, server: Option<&ServerState>) -> Self {
        let speed = ASSUMED;
        let seconds = report.rdb_bytes as f64 / speed.rdb_bytes_per_second
            + report.rdb_keys as f64 / speed.rdb_keys_per_second
            + report.resp_bytes as f64 / speed.resp_bytes_per_second
            + report.commands as f64 / speed.commands_per_second;
        let memory = report.live.memory;
        let server_seconds =
            server.and_then(|said| said.replay_microseconds).map(|told| told as f64 / 1e6);
        Self { seconds, speed, measured_seconds: None, memory, server_seconds }
    }

    /// A server took so long, and so much memory where it told: the same machine is that much faster or slower than
    /// assumed.
    pub fn calibrate(&mut self, measured_seconds: f64, memory: Option<Memory>) {
        let factor = self.seconds / measured_seconds.max(1e-3);
        self.measured_seconds = Some(measured_seconds);
        self.speed.rdb_bytes_per_second *= factor;
        self.speed.rdb_keys_per_second *= factor;
        self.speed.resp_bytes_per_second *= factor;
        self.speed.commands_per_second *= factor;
        self.seconds = measured_seconds;
        self.memory = memory.or(self.memory);
    }
}
