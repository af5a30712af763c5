//! The recorded defaults are those of the real servers.

use std::collections::BTreeMap;
use std::process::Command;

use crate::configurations::rows;
use crate::support::in_parallel;
use crate::support::live::{Live, Reply};
use crate::support::processes::unshares;
use crate::support::server::{ALL, Server};

/// What depends on where and how a server is started.
const OF_THE_PLACE: [&str; 3] = ["dir", "unixsocket", "pidfile"];

/// The settings of a server that was given none, in a network of its own.
fn told(server: &Server) -> BTreeMap<String, String> {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("s");
    let mut command = Command::new("unshare");
    command.arg("-rn").arg(server.program()).env("LC_ALL", "C").arg("--unixsocket").arg(&socket);
    let mut live = Live::spawn(server, command, dir.path(), &socket);
    let words: Vec<_> = live.must("CONFIG GET *").list().iter().map(Reply::text).collect();
    let pairs = words.chunks_exact(2).map(|pair| (pair[0].clone(), pair[1].clone()));
    pairs.filter(|(name, _)| !OF_THE_PLACE.contains(&name.as_str())).collect()
}

#[test]
fn every_server_has_the_defaults_that_are_recorded_of_it() {
    let servers = Server::all_or_none(&ALL);
    if !unshares("-rn") {
        return println!("did not run: no network of its own can be made here");
    }
    in_parallel(servers.len(), |i| {
        let server = &servers[i];
        let recorded = rows().into_iter().filter(|(_, _, servers)| {
            *servers == "*" || servers.split(',').any(|one| one == server.name)
        });
        let recorded: BTreeMap<_, _> =
            recorded.map(|(name, value, _)| (name.to_owned(), value.to_owned())).collect();
        assert_eq!(told(server), recorded, "{}: tests/servers/record --settings", server.name);
    });
}
