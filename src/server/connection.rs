//! A connection, and the few commands that are sent over it.

use std::time::Duration;

use redis::{
    Arg, Client, ClientTlsConfig, Cmd, ConnectionAddr, ConnectionLike, ErrorKind as Kind,
    IntoConnectionInfo, RedisConnectionInfo, RedisError, RedisResult, TlsCertificates, Value,
};

use crate::error::{Error, ErrorKind, Result};

use super::deadline::within;
use super::seen::{ServerSeen, UserSeen, fields, setting};
use super::state::SETTINGS;
use super::{Access, Address, Endpoint, ServerState, Withheld};

/// A connection to a server, as long as it lives. Sends only commands that read.
pub struct Server {
    client: Client,
    patience: Duration,
    /// `None` where an answer was given up, or made no sense: the next one could not be told from its rest.
    connection: Option<redis::Connection>,
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
        let patience = access.patience;
        let connection = Some(connected(&client, patience).map_err(|e| refused(&e))?);
        Ok(Self { client, patience, connection, address: shown })
    }

    /// What it says of itself. Settings that it does not tell, because the user may not ask or the command has another
    /// name, are unknown, and why is part of the answer.
    ///
    /// # Errors
    /// [`ErrorKind::Server`]: no answer, or `INFO` is forbidden.
    pub fn state(&mut self) -> Result<ServerState> {
        let info = self.answer(&redis::cmd("INFO"));
        let info = text(info.map_err(|e| failed(&self.address, answering("INFO", &e)))?);
        let mut settings = Vec::new();
        let mut withheld = None;
        // Servers before 7.0 take one name at a time.
        for name in SETTINGS {
            let asked = self.answer(redis::cmd("CONFIG").arg("GET").arg(name));
            match asked {
                Ok(answer) => match settings_of(answer) {
                    Ok(pairs) => settings.extend(pairs),
                    Err(why) => withheld = Some(Withheld(why)),
                },
                Err(e) if is_lost(&e) => {
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
        let asked = self.answer(redis::cmd("MODULE").arg("LIST"));
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
            Ok(answer) => match settings_of(answer) {
                Ok(pairs) if pairs.is_empty() => {
                    let why = "its answer to CONFIG GET holds none";
                    seen.withheld = Some(Withheld(why.to_owned()));
                }
                Ok(pairs) => seen.settings.extend(pairs.into_iter().map(setting)),
                Err(why) => seen.withheld = Some(Withheld(why)),
            },
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

    /// The whole answer to a command, waited for as long as patience lasts.
    fn answer(&mut self, command: &Cmd) -> RedisResult<Value> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => connected(&self.client, self.patience)?,
        };
        let command = command.clone();
        let (answer, connection) = within(self.patience, move || {
            let answer = command.query::<Value>(&mut connection);
            (answer, connection)
        })?;
        self.connection = answer.as_ref().err().is_none_or(|e| !is_lost(e)).then_some(connection);
        answer
    }

    /// The answer to a command, or why it is refused.
    fn told(&mut self, command: &Cmd) -> Result<std::result::Result<Value, String>> {
        match self.answer(command) {
            Ok(answer) => Ok(Ok(answer)),
            Err(e) if is_lost(&e) => {
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
        let connection = self.connection.as_mut();
        // Databases are selected on a connection: another one does not go on where it stood.
        let Some(connection) = connection else {
            return Err(failed(&self.address, "the connection was given up".to_owned()));
        };
        let answers = connection.req_packed_commands(&packed, 0, commands.len());
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
}

/// A connection, within so long. Each read of it waits no longer, either, so that an answer that was given up ends.
fn connected(client: &Client, patience: Duration) -> RedisResult<redis::Connection> {
    let client = client.clone();
    within(patience, move || {
        let connection = client.get_connection_with_timeout(patience)?;
        connection.set_read_timeout(Some(patience))?;
        connection.set_write_timeout(Some(patience))?;
        Ok(connection)
    })?
}

/// Whether nothing more can be asked on a connection after this.
fn is_lost(e: &RedisError) -> bool {
    e.is_io_error() || e.kind() == Kind::Parse
}

fn client(address: &Address, access: &Access) -> RedisResult<Client> {
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

/// Of an answer that is none of the protocol; in what it stops making sense helps nobody.
const NO_SERVER: &str =
    "what answers there is no Redis and no Valkey: its answer is not of their protocol";

/// Why there is no connection.
fn connecting(e: &RedisError) -> String {
    let why = said(e);
    if e.is_timeout() {
        return "the server does not answer in time".to_owned();
    }
    match e.kind() {
        Kind::Parse => NO_SERVER.to_owned(),
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
        _ if e.kind() == Kind::Parse => NO_SERVER.to_owned(),
        Some("NOAUTH") => {
            "the server wants a password: AOFKIT_SERVER_PASSWORD or --server-password-file"
                .to_owned()
        }
        Some("NOPERM") => format!("this user may not ask {command}: {}", said(e)),
        _ => format!("{command}: {}", said(e)),
    }
}

/// The pairs of an answer to `CONFIG GET`; why it is none, without what it holds: that may be anything.
fn settings_of(answer: Value) -> std::result::Result<Vec<(String, String)>, String> {
    let wrong =
        |what: &str| format!("its answer to CONFIG GET is {what}, and no list of names and values");
    let words = match answer {
        Value::Array(words) => words,
        Value::Map(pairs) => pairs.into_iter().flat_map(|(name, value)| [name, value]).collect(),
        Value::Nil => return Err(wrong("nothing")),
        _ => return Err(wrong("something else")),
    };
    let is_text = |word: &Value| matches!(word, Value::BulkString(_) | Value::SimpleString(_));
    if words.len() % 2 != 0 || !words.iter().all(is_text) {
        return Err(wrong("another list"));
    }
    let mut words = words.into_iter().map(text);
    Ok(std::iter::from_fn(|| words.next().zip(words.next())).collect())
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
