//! What stands in for a connection in a build without a client.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;

use crate::error::{Error, ErrorKind, Result};

use super::{Access, Address, Contents, KeyId, ServerSeen, ServerState};

/// A connection to a server; this build has no client, so there is never one.
#[derive(Debug)]
pub struct Server(Infallible);

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
}
