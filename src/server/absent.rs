//! What stands in for a connection in a build without a client.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;

use crate::error::{Error, ErrorKind, Result};

use super::{
    Access, Address, Answer, Contents, EachBatch, KeyId, KeySeen, ServerSeen, ServerState,
};

/// A connection to a server; this build has no client, so there is never one.
#[derive(Debug)]
pub struct Server(Infallible);

/// How a server is asked for its keys; here none is.
#[derive(Clone, Copy, Debug)]
pub struct Asking(Infallible);

impl Server {
    /// Connects.
    ///
    /// # Errors
    /// Always: this build has no client.
    pub fn connect(address: &Address, _: &Access) -> Result<Self> {
        let why = "this build speaks to no server: it was made without the feature `server`";
        Err(Error::new(ErrorKind::Server(why.to_owned()), address.to_string().as_ref()))
    }

    /// What the server says of itself.
    ///
    /// # Errors
    /// There is no such connection.
    pub fn state(&mut self) -> Result<ServerState> {
        match self.0 {}
    }

    /// The names of its modules.
    ///
    /// # Errors
    /// There is no such connection.
    pub fn modules(&mut self) -> Result<Option<Vec<String>>> {
        match self.0 {}
    }

    /// Everything that it tells of itself.
    ///
    /// # Errors
    /// There is no such connection.
    pub fn seen(&mut self) -> Result<ServerSeen> {
        match self.0 {}
    }

    /// Everything it holds.
    ///
    /// # Errors
    /// There is no such connection.
    pub fn contents(&mut self) -> Result<Contents> {
        match self.0 {}
    }

    /// The names of keys.
    ///
    /// # Errors
    /// There is no such connection.
    pub fn names(&mut self, _: &BTreeSet<KeyId>) -> Result<BTreeMap<KeyId, Vec<u8>>> {
        match self.0 {}
    }

    /// The answers to some commands.
    ///
    /// # Errors
    /// There is no such connection.
    pub fn call<W: AsRef<[u8]>>(&mut self, _: &[Vec<W>]) -> Result<Vec<Answer>> {
        match self.0 {}
    }

    /// How this server is asked for its keys.
    ///
    /// # Errors
    /// There is no such connection.
    pub fn asking(&mut self) -> Result<Asking> {
        match self.0 {}
    }

    /// How many keys each database has.
    ///
    /// # Errors
    /// There is no such connection.
    pub fn key_counts(&mut self) -> Result<BTreeMap<u64, u64>> {
        match self.0 {}
    }

    /// Names all keys in batches.
    ///
    /// # Errors
    /// There is no such connection.
    pub fn walk(&mut self, _: EachBatch<'_, Self>) -> Result<()> {
        match self.0 {}
    }

    /// Selects a database.
    ///
    /// # Errors
    /// There is no such connection.
    pub fn select(&mut self, _: u64) -> Result<()> {
        match self.0 {}
    }

    /// Types and expiries of some keys.
    ///
    /// # Errors
    /// There is no such connection.
    pub fn heads(&mut self, _: Asking, _: &[Vec<u8>]) -> Result<Vec<Option<KeySeen>>> {
        match self.0 {}
    }

    /// The same with their values.
    ///
    /// # Errors
    /// There is no such connection.
    pub fn values(&mut self, _: Asking, _: &[Vec<u8>]) -> Result<Vec<Option<KeySeen>>> {
        match self.0 {}
    }

    /// The bytes that some keys take in memory.
    ///
    /// # Errors
    /// There is no such connection.
    pub fn memory_of(&mut self, _: &[Vec<u8>]) -> Result<Vec<Option<u64>>> {
        match self.0 {}
    }
}
