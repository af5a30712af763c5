//! Whether the running server of `--server` uses the set that is about to be changed: it is asked, where it answers.

use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use aofkit::aof::Aof;
use aofkit::disk;
use aofkit::error::{Error, ErrorKind, Result};
use aofkit::server::{Endpoint, ServerState};

use super::context::Context;
use super::server::Asked;

/// Refuses to change a set that the server of `--server` uses, or may use.
///
/// # Errors
/// [`ErrorKind::InUse`] when it does, or when it cannot be told apart from one that does; [`ErrorKind::Server`] when
/// somebody listens there and gives no answer.
pub fn ask(aof: &Aof, force: bool, context: &Context) -> Result<()> {
    let Some(asked) = context.server.as_ref().filter(|_| !force) else { return Ok(()) };
    if is_absent(asked) {
        context.note(&format!(
            "nobody listens at {}: that server is taken for stopped",
            asked.address
        ));
        return Ok(());
    }
    let said = asked.connect()?.state()?;
    let why = match uses(&aof.dir(), &said) {
        Use::Other(dir) => {
            context.note(&format!(
                "the server at {} works in {}",
                asked.address,
                aofkit::text::path(&dir)
            ));
            return Ok(());
        }
        Use::This => "runs, and this set is its own".to_owned(),
        Use::Unknown(why) => format!("runs, and {why}: this set may be its own"),
    };
    let why = format!(
        "the server at {} {why}: stop it first (--force does it all the same)",
        asked.address
    );
    Err(Error::new(ErrorKind::InUse(why), &aof.path))
}

/// Whether nobody listens there at all. Anything else that goes wrong is no sign of a stopped server.
pub fn is_absent(asked: &Asked) -> bool {
    use std::io::ErrorKind::{ConnectionRefused, NotFound};
    let refused = match asked.address.endpoint() {
        Endpoint::Unix(path) => UnixStream::connect(path).err(),
        Endpoint::Tcp(host, port) | Endpoint::Tls(host, port) => {
            TcpStream::connect((host.as_str(), *port)).err()
        }
    };
    refused.is_some_and(|e| matches!(e.kind(), ConnectionRefused | NotFound))
}

/// Whether a running server says that this set is its own.
pub fn is_of(set: &Path, said: &ServerState) -> bool {
    matches!(uses(set, said), Use::This)
}

/// Whose the set is.
enum Use {
    This,
    /// The server works in this directory.
    Other(PathBuf),
    Unknown(String),
}

fn uses(set: &Path, said: &ServerState) -> Use {
    let Some(dir) = &said.dir else {
        let why = said.withheld.as_ref().map(ToString::to_string).unwrap_or_default();
        return Use::Unknown(format!("it does not tell its directory ({why})"));
    };
    let real = |path: &Path| disk::real_path(path).ok();
    let here = if set.as_os_str().is_empty() { Path::new(".") } else { set };
    let own = said.append_dir_name.as_ref().map(|name| dir.join(name));
    let same = [Some(dir.clone()), own].into_iter().flatten().filter_map(|path| real(&path));
    if real(here).is_some_and(|set| same.into_iter().any(|path| path == set)) {
        return Use::This;
    }
    // The same path may be another place, and another path the same place, for a process elsewhere.
    let seen = said.process_id.and_then(disk::working_directory);
    match seen {
        Some(seen) if real(dir).is_some_and(|dir| dir == seen) => Use::Other(seen),
        _ => Use::Unknown(format!(
            "it works in {}, which may be another name of this place (another container, host or user)",
            aofkit::text::path(dir)
        )),
    }
}
