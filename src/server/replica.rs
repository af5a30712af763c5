//! A replica, as its primary sees it.

use std::fmt;

use crate::text::{count, name};

/// A replica that has not answered for so many seconds is behind. Replicas answer once a second.
pub(super) const SILENT: u64 = 10;

/// A replica, as its primary sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replica {
    /// Its address and port.
    pub address: String,
    /// `online`, or what it does before it is.
    pub state: String,
    /// Bytes of the primary's stream that it has not confirmed.
    pub lag_bytes: Option<u64>,
    /// Seconds since it last answered.
    pub lag_seconds: Option<u64>,
}

impl fmt::Display for Replica {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = name(self.address.as_bytes());
        match self.state == "online" {
            true => write!(f, "its replica {address} is behind")?,
            false => {
                write!(f, "its replica {address} is not online ({})", name(self.state.as_bytes()))?
            }
        }
        if let Some(bytes) = self.lag_bytes {
            write!(f, ", by {}", count(bytes, "byte"))?;
        }
        match self.lag_seconds {
            Some(seconds) => write!(f, ", and was heard of {} ago", count(seconds, "second")),
            None => Ok(()),
        }
    }
}

impl Replica {
    /// From the value of a line such as `slave0:ip=127.0.0.1,port=6380,state=online,offset=14,lag=0`.
    pub(super) fn parse(value: &str, own_offset: Option<u64>) -> Option<Self> {
        let field = |name: &str| {
            let mut fields = value.trim_end_matches('\r').split(',');
            fields.find_map(|one| one.strip_prefix(name)?.strip_prefix('='))
        };
        let number = |name: &str| field(name).and_then(|text| text.parse::<u64>().ok());
        let offset = number("offset");
        Some(Self {
            address: format!("{}:{}", field("ip")?, field("port")?),
            state: field("state")?.to_owned(),
            lag_bytes: own_offset.zip(offset).map(|(own, its)| own.saturating_sub(its)),
            lag_seconds: number("lag"),
        })
    }

    /// Whether it is not in step with its primary.
    pub(super) fn is_behind(&self) -> bool {
        self.state != "online" || self.lag_seconds.is_some_and(|seconds| seconds > SILENT)
    }
}
