//! `--server`: which running server to ask, and how to be let in.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use aofkit::disk::read_small;
use aofkit::error::{Error, ErrorKind, Result};
use aofkit::server::{Access, Address, Server, ServerState};
use clap::Args as ClapArgs;

/// Longest password or certificate file, bytes.
const LONGEST: u64 = 1 << 20;

/// Variables of the environment that may hold the password, the first that is set counts; the second is redis-cli's.
const PASSWORDS: [&str; 2] = ["AOFKIT_SERVER_PASSWORD", "REDISCLI_AUTH"];

#[derive(Debug, ClapArgs)]
#[command(next_help_heading = "A running server")]
pub struct ServerArgs {
    /// Also ask this running server: redis://[USER@]HOST:PORT, rediss:// for TLS, unix:///PATH.
    ///
    /// Give a password in AOFKIT_SERVER_PASSWORD, in REDISCLI_AUTH, in a file, or in the URL of AOFKIT_SERVER
    #[arg(
        long,
        global = true,
        hide_short_help = true,
        value_name = "URL",
        env = "AOFKIT_SERVER",
        hide_env_values = true
    )]
    server: Option<String>,
    /// The file that holds the server's password in its first line
    #[arg(
        long,
        global = true,
        hide_short_help = true,
        value_name = "FILE",
        env = "AOFKIT_SERVER_PASSWORD_FILE"
    )]
    server_password_file: Option<PathBuf>,
    /// Certificates of the authorities to trust, PEM [default: those of the system]
    #[arg(
        long,
        global = true,
        hide_short_help = true,
        value_name = "FILE",
        env = "AOFKIT_SERVER_CA"
    )]
    server_ca: Option<PathBuf>,
    /// This client's certificate, PEM, for servers that want one
    #[arg(
        long,
        global = true,
        hide_short_help = true,
        value_name = "FILE",
        env = "AOFKIT_SERVER_CERT"
    )]
    server_cert: Option<PathBuf>,
    /// The private key of that certificate, PEM
    #[arg(
        long,
        global = true,
        hide_short_help = true,
        value_name = "FILE",
        env = "AOFKIT_SERVER_KEY"
    )]
    server_key: Option<PathBuf>,
    /// Wait at most this long for a connection and for each whole answer
    #[arg(long, global = true, hide_short_help = true, value_name = "SECONDS", env = "AOFKIT_SERVER_TIMEOUT", default_value_t = 5,
        value_parser = clap::value_parser!(u64).range(1..=3600))]
    server_timeout: u64,
}

impl ServerArgs {
    /// What was typed or lay in the environment.
    ///
    /// # Errors
    /// Says what makes no sense, and never a password.
    pub fn asked(&self) -> std::result::Result<Option<Asked>, String> {
        let Some(text) = &self.server else { return Ok(None) };
        let address = Address::parse(text).map_err(|why| format!("--server: {why}"))?;
        self.at(address).map(Some)
    }

    /// Another server, to be let in to by what was typed or lay in the environment for this one.
    ///
    /// # Errors
    /// Says what makes no sense, and never a password.
    pub fn at(&self, address: Address) -> std::result::Result<Asked, String> {
        let identity = match (&self.server_cert, &self.server_key) {
            (Some(certificate), Some(key)) => Some((certificate.clone(), key.clone())),
            (None, None) => None,
            _ => return Err("--server-cert and --server-key go together".to_owned()),
        };
        Ok(Asked {
            address,
            password_file: self.server_password_file.clone(),
            authorities: self.server_ca.clone(),
            identity,
            patience: Duration::from_secs(self.server_timeout),
            said: Said::default(),
        })
    }

    /// Whether one was named.
    pub fn is_named(&self) -> bool {
        self.server.is_some()
    }

    /// Whether the URL has a password in it, for where everybody on the machine could read it.
    pub fn holds_password(&self) -> bool {
        // An address that makes no sense may hold one as well, and is refused as such.
        let parsed = self.server.as_deref().and_then(|text| Address::parse(text).ok());
        parsed.is_some_and(|address| address.password().is_some())
    }
}

/// The alternative to a password on the command line.
pub const PASSWORD_TYPED: &str = "a password on the command line is seen by everybody on the machine: leave it out of \
    --server, and give it by AOFKIT_SERVER_PASSWORD, by --server-password-file, or in the URL of AOFKIT_SERVER";

/// The server to ask.
#[derive(Debug)]
pub struct Asked {
    /// Where it is.
    pub address: Address,
    password_file: Option<PathBuf>,
    authorities: Option<PathBuf>,
    identity: Option<(PathBuf, PathBuf)>,
    patience: Duration,
    /// One connection and one answer are enough for a run.
    said: Said,
}

/// What the server was asked so far.
#[derive(Default)]
struct Said {
    connection: Mutex<Option<Server>>,
    /// That it refuses to answer was told.
    is_told: OnceLock<()>,
    state: OnceLock<ServerState>,
}

impl std::fmt::Debug for Said {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Said")
    }
}

impl Asked {
    /// What it says of itself, asked once a run.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn state(&self) -> Result<ServerState> {
        if let Some(said) = self.said.state.get() {
            return Ok(said.clone());
        }
        let said = self.with_connection(Server::state)?;
        Ok(self.said.state.get_or_init(|| said).clone())
    }

    /// Whether this is the first to tell that it refuses to answer: that is told once a run.
    pub fn tells_refusal(&self) -> bool {
        self.said.is_told.set(()).is_ok()
    }

    /// What it says of itself now.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn state_by_now(&self) -> Result<ServerState> {
        self.connect()?.state()
    }

    /// The modules that it has loaded; `None` where it does not tell.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn modules(&self) -> Result<Option<Vec<String>>> {
        self.with_connection(Server::modules)
    }

    /// Asks by the connection that is there, or by a new one.
    fn with_connection<T>(&self, ask: impl FnOnce(&mut Server) -> Result<T>) -> Result<T> {
        let mut open = self.said.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let mut server = match open.take() {
            Some(server) => server,
            None => self.connect()?,
        };
        let answer = ask(&mut server)?;
        *open = Some(server);
        Ok(answer)
    }

    /// Connects to it.
    ///
    /// # Errors
    /// When it does not answer, or a file that is needed for that cannot be read.
    pub fn connect(&self) -> Result<Server> {
        self.connect_to(&self.address)
    }

    /// Connects to another one in the same way, such as one of the same cluster.
    ///
    /// # Errors
    /// When it does not answer, or a file that is needed for that cannot be read.
    pub fn connect_to(&self, address: &Address) -> Result<Server> {
        let read = |path: &Path| self.read(path);
        let password = match &self.password_file {
            Some(path) => Some(first_line(&self.read(path)?)),
            None => PASSWORDS.iter().find_map(|name| std::env::var(name).ok()),
        };
        let identity = self.identity.as_ref();
        let identity = identity
            .map(|(certificate, key)| Ok((self.read(certificate)?, self.read(key)?)))
            .transpose()?;
        let access = Access {
            password: password.filter(|password| !password.is_empty()),
            authorities: self.authorities.as_deref().map(read).transpose()?,
            identity,
            patience: self.patience,
        };
        Server::connect(address, &access)
    }

    /// A small file; without it there is no connection, which is no "not found" of a set.
    fn read(&self, path: &Path) -> Result<Vec<u8>> {
        read_small(path, LONGEST).map_err(|e| {
            Error::new(ErrorKind::Server(e.to_string()), self.address.to_string().as_ref())
        })
    }
}

fn first_line(bytes: &[u8]) -> String {
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    String::from_utf8_lossy(line.strip_suffix(b"\r").unwrap_or(line)).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_the_first_line_of_its_file() {
        assert_eq!(first_line(b"a b\r\nmore"), "a b");
        assert_eq!(first_line(b""), "");
    }
}
