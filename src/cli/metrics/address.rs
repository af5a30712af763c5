//! Where metrics are served.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, ToSocketAddrs};

/// An address to listen on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address(SocketAddr);

impl Address {
    /// Reads `9122`, `:9122`, `127.0.0.1:9122`, `[::1]:9122` or `localhost:9122`.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let port = text.strip_prefix(':').unwrap_or(text);
        if let Ok(port) = port.parse() {
            return Ok(Self(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port)));
        }
        let wrong = || format!("'{text}' is not an address such as 9122 or 127.0.0.1:9122");
        let mut found = text.to_socket_addrs().map_err(|_| wrong())?;
        found.next().map(Self).ok_or_else(wrong)
    }

    /// Whether other machines may reach it.
    pub fn is_open_to_others(self) -> bool {
        match self.0.ip() {
            IpAddr::V6(ip) if let Some(ip) = ip.to_ipv4_mapped() => !ip.is_loopback(),
            ip => !ip.is_loopback(),
        }
    }

    /// Begins to listen.
    pub fn listen(self) -> std::io::Result<TcpListener> {
        TcpListener::bind(self.0)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_alone_is_one_of_this_machine() {
        for (text, shown, is_open) in [
            ("9122", "127.0.0.1:9122", false),
            (":9122", "127.0.0.1:9122", false),
            ("127.0.0.2:1", "127.0.0.2:1", false),
            ("[::1]:9122", "[::1]:9122", false),
            ("0.0.0.0:9122", "0.0.0.0:9122", true),
            ("[::]:9122", "[::]:9122", true),
        ] {
            let address = Address::parse(text).unwrap();
            assert_eq!((&*address.to_string(), address.is_open_to_others()), (shown, is_open));
        }
        for wrong in ["", "x", "70000", "127.0.0.1", "127.0.0.1:"] {
            assert!(Address::parse(wrong).unwrap_err().contains("9122"), "{wrong}");
        }
    }
}
