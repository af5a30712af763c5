//! How long a server takes to load a set.

use super::observe::GrowthReport;

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
}

impl Load {
    /// By what is assumed.
    pub(super) fn estimated(report: &GrowthReport) -> Self {
        let speed = ASSUMED;
        let seconds = report.rdb_bytes as f64 / speed.rdb_bytes_per_second
            + report.rdb_keys as f64 / speed.rdb_keys_per_second
            + report.resp_bytes as f64 / speed.resp_bytes_per_second
            + report.commands as f64 / speed.commands_per_second;
        Self { seconds, speed, measured_seconds: None }
    }

    /// A server took so long: the same machine is that much faster or slower than assumed.
    pub fn calibrate(&mut self, measured_seconds: f64) {
        let factor = self.seconds / measured_seconds.max(1e-3);
        self.measured_seconds = Some(measured_seconds);
        self.speed.rdb_bytes_per_second *= factor;
        self.speed.rdb_keys_per_second *= factor;
        self.speed.resp_bytes_per_second *= factor;
        self.speed.commands_per_second *= factor;
        self.seconds = measured_seconds;
    }
}
