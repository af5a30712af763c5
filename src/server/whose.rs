//! Whether a running server uses a set: by the directory that it says it works in.

use std::fmt;
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use super::{Address, Endpoint, ServerState};
use crate::{disk, text};

/// Whose a set is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whose {
    /// The server's.
    Its,
    /// Not the server's, which works in this directory.
    Another(PathBuf),
    /// It may be the server's.
    Unknown(Unproven),
}

/// Why it is not proven whose a set is. In words by `Display`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unproven {
    /// The server does not tell its directory, for this reason.
    Withheld(String),
    /// It names another directory, which its process was not seen to work in.
    Elsewhere(PathBuf),
}

impl fmt::Display for Unproven {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Withheld(why) => write!(f, "it does not tell its directory ({why})"),
            Self::Elsewhere(dir) => write!(
                f,
                "it works in {}, which may be another name of this place (another container, host or user)",
                text::path(dir)
            ),
        }
    }
}

impl ServerState {
    /// Whose the set in the directory `set` is.
    pub fn owns(&self, set: &Path) -> Whose {
        let Some(dir) = &self.dir else {
            let why = self.withheld.as_ref().map(ToString::to_string).unwrap_or_default();
            return Whose::Unknown(Unproven::Withheld(why));
        };
        let real = |path: &Path| disk::real_path(path).ok();
        let here = if set.as_os_str().is_empty() { Path::new(".") } else { set };
        let own = self.append_dir_name.as_ref().map(|name| dir.join(name));
        let same = [Some(dir.clone()), own].into_iter().flatten().filter_map(|path| real(&path));
        if real(here).is_some_and(|set| same.into_iter().any(|path| path == set)) {
            return Whose::Its;
        }
        // The same path may be another place, and another path the same place, for a process elsewhere.
        let seen = self.process_id.and_then(disk::working_directory);
        match seen {
            Some(seen) if real(dir).is_some_and(|dir| dir == seen) => Whose::Another(seen),
            _ => Whose::Unknown(Unproven::Elsewhere(dir.clone())),
        }
    }
}

impl Address {
    /// Whether nobody listens there at all. Anything else that goes wrong is no sign of a stopped server.
    pub fn is_absent(&self) -> bool {
        use std::io::ErrorKind::{ConnectionRefused, NotFound};
        let refused = match self.endpoint() {
            Endpoint::Unix(path) => UnixStream::connect(path).err(),
            Endpoint::Tcp(host, port) | Endpoint::Tls(host, port) => {
                TcpStream::connect((host.as_str(), *port)).err()
            }
        };
        refused.is_some_and(|e| matches!(e.kind(), ConnectionRefused | NotFound))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_that_nobody_was_seen_in_proves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let own = dir.path().join("appendonlydir");
        std::fs::create_dir(&own).unwrap();
        let mut state = ServerState::default();
        assert!(matches!(state.owns(&own), Whose::Unknown(Unproven::Withheld(_))));
        state.dir = Some(dir.path().to_owned());
        state.append_dir_name = Some("appendonlydir".into());
        assert_eq!(state.owns(&own), Whose::Its);
        assert_eq!(state.owns(dir.path()), Whose::Its);
        let other = tempfile::tempdir().unwrap();
        let elsewhere = Whose::Unknown(Unproven::Elsewhere(dir.path().to_owned()));
        assert_eq!(state.owns(other.path()), elsewhere, "no process says that it works there");
        state.process_id = Some(std::process::id());
        assert_eq!(state.owns(other.path()), elsewhere, "this process works in another place");
        state.dir = Some(std::env::current_dir().unwrap());
        assert!(matches!(state.owns(other.path()), Whose::Another(_)));
    }
}
