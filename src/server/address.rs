//! Where a server is.

use std::fmt;
use std::path::PathBuf;

/// The port that servers listen on unless told.
const PORT: u16 = 6379;

/// What to connect to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// A host and a port, in the clear.
    Tcp(String, u16),
    /// A host and a port, by TLS.
    Tls(String, u16),
    /// A socket in the file system.
    Unix(PathBuf),
}

/// Where a server is and as whom to speak to it. Printing it leaves the password out.
///
/// Read from `redis://[user[:password]@]host[:port][/db]`, `rediss://` for TLS (`valkey://` and `valkeys://` mean the
/// same), `unix:///path` (with `?user=` and `?pass=`), and from the short forms `host:port` and `/path`. User and
/// password are percent-decoded. A database is taken and ignored: what is asked concerns all of them.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    endpoint: Endpoint,
    user: Option<String>,
    password: Option<String>,
}

impl Address {
    /// Reads an address.
    ///
    /// # Errors
    /// Says what is wrong with it, without repeating it: it may hold a password.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.starts_with('/') {
            return Ok(Self::at(Endpoint::Unix(text.into())));
        }
        let (scheme, rest) = text.split_once("://").unwrap_or(("redis", text));
        match scheme {
            "redis" | "valkey" => Self::of_host(rest, Endpoint::Tcp),
            "rediss" | "valkeys" => Self::of_host(rest, Endpoint::Tls),
            "unix" | "redis+unix" | "valkey+unix" => Self::of_socket(rest),
            _ => Err("an address begins with redis://, rediss:// or unix://".to_owned()),
        }
    }

    /// A socket in the file system.
    pub fn of_path(path: &std::path::Path) -> Self {
        Self::at(Endpoint::Unix(path.to_owned()))
    }

    /// Another server of the same cluster, to be spoken to in the same way; on the same host, where none is named.
    #[must_use]
    pub fn elsewhere(&self, host: Option<String>, port: u16) -> Self {
        let endpoint = match &self.endpoint {
            Endpoint::Tcp(own, _) => Endpoint::Tcp(host.unwrap_or_else(|| own.clone()), port),
            Endpoint::Tls(own, _) => Endpoint::Tls(host.unwrap_or_else(|| own.clone()), port),
            Endpoint::Unix(_) => {
                Endpoint::Tcp(host.unwrap_or_else(|| "127.0.0.1".to_owned()), port)
            }
        };
        Self { endpoint, ..self.clone() }
    }

    fn at(endpoint: Endpoint) -> Self {
        Self { endpoint, user: None, password: None }
    }

    fn of_host(rest: &str, kind: fn(String, u16) -> Endpoint) -> Result<Self, String> {
        // A password may hold any sign but these when it is not encoded; the last @ ends it.
        let (login, place) = match rest.rsplit_once('@') {
            Some((login, place)) => (Some(login), place),
            None => (None, rest),
        };
        let place = place.split(['/', '?', '#']).next().unwrap_or_default();
        let (host, port) = match place.strip_prefix('[') {
            Some(rest) => rest.split_once(']').ok_or("a '[' of the host is not closed")?,
            None => match place.find(':') {
                Some(at) => place.split_at(at),
                None => (place, ""),
            },
        };
        let port = match port.strip_prefix(':') {
            Some(port) => port.parse().map_err(|_| "the port is no number below 65536")?,
            None if port.is_empty() => PORT,
            None => return Err("something follows the host that is no port".to_owned()),
        };
        if host.is_empty() {
            return Err("the host is missing".to_owned());
        }
        let mut address = Self::at(kind(host.to_owned(), port));
        if let Some(login) = login {
            let (user, password) = match login.split_once(':') {
                Some((user, password)) => (user, Some(password)),
                None => (login, None),
            };
            address.user = Some(decoded(user)?).filter(|user| !user.is_empty());
            address.password = password.map(decoded).transpose()?;
        }
        Ok(address)
    }

    fn of_socket(rest: &str) -> Result<Self, String> {
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        if !path.starts_with('/') {
            return Err("a socket's path is absolute: unix:///path".to_owned());
        }
        let mut address = Self::at(Endpoint::Unix(decoded(path)?.into()));
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            match name {
                "user" => address.user = Some(decoded(value)?),
                "pass" => address.password = Some(decoded(value)?),
                _ => {}
            }
        }
        Ok(address)
    }

    /// What to connect to.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// As whom to speak to it; the default user unless told.
    pub fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }

    /// The password it holds.
    pub fn password(&self) -> Option<&str> {
        self.password.as_deref()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let user = self.user.as_deref().map(|user| format!("{user}@")).unwrap_or_default();
        let bracketed = |host: &str| match host.contains(':') {
            true => format!("[{host}]"),
            false => host.to_owned(),
        };
        match &self.endpoint {
            Endpoint::Tcp(host, port) => write!(f, "redis://{user}{}:{port}", bracketed(host)),
            Endpoint::Tls(host, port) => write!(f, "rediss://{user}{}:{port}", bracketed(host)),
            Endpoint::Unix(path) => write!(f, "unix://{}", crate::text::path(path)),
        }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({self})")
    }
}

/// Undoes percent-encoding.
fn decoded(text: &str) -> Result<String, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
        bytes.push(match byte {
            b'%' => match (digit(rest.next()), digit(rest.next())) {
                (Some(high), Some(low)) => (high * 16 + low) as u8,
                _ => return Err("a '%' is not followed by two hexadecimal digits".to_owned()),
            },
            byte => byte,
        });
    }
    String::from_utf8(bytes).map_err(|_| "what is percent-encoded is no UTF-8".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Address {
        Address::parse(text).unwrap_or_else(|why| panic!("{text}: {why}"))
    }

    #[test]
    fn addresses_are_read_in_all_their_forms() {
        let tcp = |host: &str, port| Endpoint::Tcp(host.to_owned(), port);
        for text in ["redis://h:7000", "valkey://h:7000/3", "h:7000", "redis://h:7000/?db=1"] {
            assert_eq!(parsed(text).endpoint, tcp("h", 7000), "{text}");
        }
        assert_eq!(parsed("redis://h").endpoint, tcp("h", 6379));
        assert_eq!(parsed("redis://[::1]:7").endpoint, tcp("::1", 7));
        assert_eq!(parsed("rediss://h:1").endpoint, Endpoint::Tls("h".to_owned(), 1));
        for text in ["unix:///run/a b.sock", "/run/a b.sock", "unix:///run/a%20b.sock"] {
            assert_eq!(parsed(text).endpoint, Endpoint::Unix("/run/a b.sock".into()), "{text}");
        }
    }

    #[test]
    fn a_password_is_taken_and_never_shown() {
        for text in ["redis://ann:p%40s@h:7", "redis://ann:p@s@h:7"] {
            let address = parsed(text);
            assert_eq!((address.user(), address.password()), (Some("ann"), Some("p@s")));
            assert_eq!(address.to_string(), "redis://ann@h:7");
            assert_eq!(format!("{address:?}"), "Address(redis://ann@h:7)");
        }
        let address = parsed("redis://:secret@h");
        assert_eq!((address.user(), address.password()), (None, Some("secret")));
        let socket = parsed("unix:///s?user=ann&pass=secret");
        assert_eq!((socket.user(), socket.password()), (Some("ann"), Some("secret")));
        assert!(!socket.to_string().contains("secret"));
        for wrong in [
            "http://:secret@h",
            "redis://:secret@h:port",
            "redis://:secret@",
            "redis://:secret%x@h",
        ] {
            let why = Address::parse(wrong).expect_err(wrong);
            assert!(!why.contains("secret"), "{why}");
        }
    }
}
