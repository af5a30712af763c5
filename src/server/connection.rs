//! A connection, and the few commands that are sent over it.

use std::time::Duration;

use redis::{
    Arg, Client, ClientTlsConfig, Cmd, ConnectionAddr, ConnectionLike, ErrorKind as Kind,
    IntoConnectionInfo, RedisConnectionInfo, RedisError, TlsCertificates, Value,
};

use crate::error::{Error, ErrorKind, Result};

use super::seen::{ServerSeen, UserSeen, fields, setting};
use super::state::SETTINGS;
use super::{Access, Address, Endpoint, ServerState, Withheld};

/// A connection to a server, as long as it lives. Sends only commands that read.
pub struct Server {
    connection: redis::Connection,
    address: String,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Server({})", self.address)
    }
}

impl Server {
    /// Connects, within the patience of `access`.
    ///
    /// # Errors
    /// [`ErrorKind::Server`]: nobody answers, or lets this client in, or certificates do not fit. The path of the error
    /// is the address without its password.
    pub fn connect(address: &Address, access: &Access) -> Result<Self> {
        let shown = address.to_string();
        let refused = |e: &RedisError| failed(&shown, connecting(e));
        let client = client(address, access).map_err(|e| refused(&e))?;
        let connection =
            client.get_connection_with_timeout(access.patience).map_err(|e| refused(&e))?;
        let mut server = Self { connection, address: shown };
        server.wait_at_most(access.patience)?;
        Ok(server)
    }

    /// What it says of itself. Settings that it does not tell, because the user may not ask or the command has another
    /// name, are unknown, and why is part of the answer.
    ///
    /// # Errors
    /// [`ErrorKind::Server`]: no answer, or `INFO` is forbidden.
    pub fn state(&mut self) -> Result<ServerState> {
        let info = redis::cmd("INFO").query::<Value>(&mut self.connection);
        let info = text(info.map_err(|e| failed(&self.address, answering("INFO", &e)))?);
        let mut settings = Vec::new();
        let mut withheld = None;
        // Servers before 7.0 take one name at a time.
        for name in SETTINGS {
            let asked =
                redis::cmd("CONFIG").arg("GET").arg(name).query::<Value>(&mut self.connection);
            match asked {
                Ok(Value::Array(pairs)) => {
                    let mut words = pairs.into_iter().map(text);
                    while let Some(pair) = words.next().zip(words.next()) {
                        settings.push(pair);
                    }
                }
                Ok(_) => {}
                Err(e) if e.is_io_error() => {
                    return Err(failed(&self.address, answering("CONFIG GET", &e)));
                }
                Err(e) => {
                    withheld = Some(Withheld(said(&e)));
                    break;
                }
            }
        }
        Ok(ServerState::new(&info, &settings, withheld))
    }

    /// The names of all modules that it has loaded; `None` where it does not tell this user.
    ///
    /// # Errors
    /// [`ErrorKind::Server`]: no answer.
    pub fn modules(&mut self) -> Result<Option<Vec<String>>> {
        let asked = redis::cmd("MODULE").arg("LIST").query::<Value>(&mut self.connection);
        match asked {
            Ok(Value::Array(rows)) => Ok(Some(rows.into_iter().filter_map(module_name).collect())),
            Err(e) if e.is_io_error() => Err(failed(&self.address, answering("MODULE LIST", &e))),
            _ => Ok(None),
        }
    }

    /// Everything that it tells of itself.
    ///
    /// # Errors
    /// [`ErrorKind::Server`]: no answer, or `INFO` is forbidden.
    pub fn seen(&mut self) -> Result<ServerSeen> {
        let mut seen = ServerSeen {
            address: self.address.clone(),
            state: self.state()?,
            modules: self.modules()?,
            ..ServerSeen::default()
        };
        match self.told(redis::cmd("INFO").arg("ALL"))? {
            Ok(info) => seen.info = fields(&text(info)),
            Err(why) => return Err(failed(&self.address, why)),
        }
        match self.told(redis::cmd("CONFIG").arg("GET").arg("*"))? {
            Ok(Value::Array(pairs)) => {
                let mut words = pairs.into_iter().map(text);
                while let Some(pair) = words.next().zip(words.next()) {
                    seen.settings.extend([setting(pair)]);
                }
            }
            Ok(_) => {}
            Err(why) => seen.withheld = Some(Withheld(why)),
        }
        if let Ok(Value::Array(lines)) = self.told(redis::cmd("ACL").arg("LIST"))? {
            let user = |line: Value| {
                let line = text(line);
                UserSeen::parse(&line.split(' ').skip(1).collect::<Vec<_>>())
            };
            seen.users = Some(lines.into_iter().filter_map(user).collect());
        }
        Ok(seen)
    }

    /// The answer to a command, or why it is refused.
    fn told(&mut self, command: &Cmd) -> Result<std::result::Result<Value, String>> {
        match command.query::<Value>(&mut self.connection) {
            Ok(answer) => Ok(Ok(answer)),
            Err(e) if e.is_io_error() => {
                let name = name(std::slice::from_ref(command));
                Err(failed(&self.address, answering(&name, &e)))
            }
            Err(e) => Ok(Err(said(&e))),
        }
    }

    /// The answers to commands that are sent together.
    pub(super) fn ask(&mut self, commands: &[Cmd]) -> Result<Vec<Value>> {
        let mut packed = Vec::new();
        commands.iter().for_each(|command| command.write_packed_command(&mut packed));
        let answers = self.connection.req_packed_commands(&packed, 0, commands.len());
        answers.map_err(|e| failed(&self.address, answering(&name(commands), &e)))
    }

    /// The same answer, unless the command was refused.
    pub(super) fn accepted<'v>(&self, answer: &'v Value) -> Result<&'v Value> {
        match answer {
            Value::ServerError(e) => Err(failed(&self.address, said(&e.clone().into()))),
            answer => Ok(answer),
        }
    }

    /// For an answer that makes no sense.
    pub(super) fn unclear(&self) -> Error {
        failed(&self.address, "its answer cannot be understood".to_owned())
    }

    fn wait_at_most(&mut self, patience: Duration) -> Result<()> {
        let set = self.connection.set_read_timeout(Some(patience));
        let set = set.and_then(|()| self.connection.set_write_timeout(Some(patience)));
        set.map_err(|e| failed(&self.address, connecting(&e)))
    }
}

fn client(address: &Address, access: &Access) -> redis::RedisResult<Client> {
    let mut login = RedisConnectionInfo::default().set_skip_set_lib_name();
    if let Some(user) = address.user() {
        login = login.set_username(user);
    }
    if let Some(password) = address.password().or(access.password.as_deref()) {
        login = login.set_password(password);
    }
    let to = |address: ConnectionAddr| {
        address.into_connection_info().map(|info| info.set_redis_settings(login))
    };
    match address.endpoint() {
        Endpoint::Tcp(host, port) => Client::open(to(ConnectionAddr::Tcp(host.clone(), *port))?),
        Endpoint::Unix(path) => Client::open(to(ConnectionAddr::Unix(path.clone()))?),
        Endpoint::Tls(host, port) => {
            // Another part of the program may have chosen one before; then it stays.
            let _ = rustls::crypto::ring::default_provider().install_default();
            let address = ConnectionAddr::TcpTls {
                host: host.clone(),
                port: *port,
                insecure: false,
                tls_params: None,
            };
            let identity = access.identity.clone();
            let certificates = TlsCertificates {
                client_tls: identity
                    .map(|(client_cert, client_key)| ClientTlsConfig { client_cert, client_key }),
                root_cert: access.authorities.clone(),
            };
            Client::build_with_tls(to(address)?, certificates)
        }
    }
}

/// The name of the first of these commands.
fn name(commands: &[Cmd]) -> String {
    let name = commands.first().and_then(|command| match command.args_iter().next() {
        Some(Arg::Simple(name)) => Some(String::from_utf8_lossy(name).into_owned()),
        _ => None,
    });
    name.unwrap_or_default()
}

fn failed(address: &str, why: String) -> Error {
    Error::new(ErrorKind::Server(why), address.as_ref())
}

/// Why there is no connection.
fn connecting(e: &RedisError) -> String {
    let why = said(e);
    if e.is_timeout() {
        return "the server does not answer in time".to_owned();
    }
    match e.kind() {
        Kind::AuthenticationFailed => format!("the server does not let this client in: {why}"),
        _ if why.contains("NOAUTH") || why.contains("WRONGPASS") => {
            format!("the server does not let this client in: {why}")
        }
        _ => format!("no connection to the server: {why}"),
    }
}

/// Why there is no answer.
fn answering(command: &str, e: &RedisError) -> String {
    if e.is_timeout() {
        return format!("the server does not answer {command} in time");
    }
    match e.code() {
        Some("NOAUTH") => {
            "the server wants a password: AOFKIT_SERVER_PASSWORD or --server-password-file"
                .to_owned()
        }
        Some("NOPERM") => format!("this user may not ask {command}: {}", said(e)),
        _ => format!("{command}: {}", said(e)),
    }
}

/// The value of `name` in one row of MODULE LIST: words in pairs.
fn module_name(row: Value) -> Option<String> {
    let Value::Array(words) = row else { return None };
    let mut words = words.into_iter().map(text);
    while let (Some(word), Some(value)) = (words.next(), words.next()) {
        if word == "name" {
            return Some(value);
        }
    }
    None
}

/// The error in the server's own words where there are some.
fn said(e: &RedisError) -> String {
    match (e.code(), e.detail()) {
        (Some(code), Some(detail)) => format!("{code} {detail}"),
        (None, Some(detail)) => detail.to_owned(),
        _ => e.to_string(),
    }
}

fn text(value: Value) -> String {
    match value {
        Value::BulkString(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Value::SimpleString(text) => text,
        Value::VerbatimString { text, .. } => text,
        Value::Int(number) => number.to_string(),
        _ => String::new(),
    }
}
