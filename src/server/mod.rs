//! A running server, asked what it knows of its log.
//!
//! [`Address`] says where it is, [`Access`] how to be let in, [`Server`] is a connection to it, [`ServerState`] its
//! answer and [`Contents`] everything it holds, owned values. Only commands that read are sent, but for those of a
//! caller's own ([`Server::call`]): for its state `INFO` and
//! `CONFIG GET`, for its modules `MODULE LIST`, for its users `ACL LIST`. `WAITAOF` is of no use here: it waits for what the asking client itself wrote (seen with Redis 8.2 and
//! Valkey 9.1), and this one writes nothing. Never logs, prints or keeps a password; without the feature `server` there
//! is nobody to ask, and every connection is refused.

mod address;
#[cfg_attr(not(feature = "server"), allow(dead_code, reason = "nobody is asked"))]
mod answer;
#[cfg(feature = "server")]
mod call;
#[cfg(feature = "server")]
mod certificate;
#[cfg(not(feature = "server"))]
#[path = "no_certificate.rs"]
mod certificate;
mod condition;
#[cfg(feature = "server")]
mod connection;
#[cfg(not(feature = "server"))]
#[path = "absent.rs"]
mod connection;
#[cfg_attr(not(feature = "server"), allow(dead_code, reason = "nobody is asked"))]
mod contents;
#[cfg(feature = "server")]
mod deadline;
#[cfg(feature = "server")]
mod reading;
mod replica;
#[cfg_attr(not(feature = "server"), allow(dead_code, reason = "nobody is asked"))]
mod seen;
#[cfg_attr(not(feature = "server"), allow(dead_code, reason = "nobody is asked"))]
mod state;
mod whose;

use std::time::Duration;

pub use address::{Address, Endpoint};
pub use answer::{Answer, EachBatch, KeySeen};
pub use certificate::{first_end, matches, validity};
pub use condition::Condition;
#[cfg(not(feature = "server"))]
pub use connection::Asking;
pub use connection::Server;
pub use contents::{Contents, Difference, How, KeyId};
#[cfg(feature = "server")]
pub use reading::Asking;
pub use replica::Replica;
pub use seen::{ServerSeen, Told, UserSeen};
pub use state::{RoleOfServer, ServerState, Withheld};
pub use whose::{Unproven, Whose};

/// Longest wait for a connection, and for each answer as a whole, unless told.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// How to be let in.
#[derive(Clone)]
pub struct Access {
    /// The password, where the address holds none.
    pub password: Option<String>,
    /// Certificates of the authorities to trust, PEM; else those of the system.
    pub authorities: Option<Vec<u8>>,
    /// The client's certificate and its private key, both PEM, for servers that ask for one.
    pub identity: Option<(Vec<u8>, Vec<u8>)>,
    /// Longest wait for a connection, and for each answer as a whole; of keys and their values, which may be of any
    /// size, for each part of an answer.
    pub patience: Duration,
}

impl Default for Access {
    fn default() -> Self {
        Self { password: None, authorities: None, identity: None, patience: PATIENCE }
    }
}

impl std::fmt::Debug for Access {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Neither password nor key belongs in any log.
        f.debug_struct("Access").field("patience", &self.patience).finish_non_exhaustive()
    }
}

/// From when to when a certificate is valid, Unix seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    /// From then on.
    pub not_before: i64,
    /// Up to then.
    pub not_after: i64,
}

/// Whether a key belongs to a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Match {
    /// It does.
    Yes,
    /// It does not.
    No,
    /// That cannot be told: one of the two is in a form that is not known here, or encrypted.
    Unknown,
}
