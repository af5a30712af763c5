//! Key patterns take what a server's KEYS takes. Without a server nothing is compared, and the test says so.

use std::collections::BTreeSet;

use crate::support::live::{Live, Reply};
use crate::support::mutate::Random;
use crate::support::server::Server;
use aofkit::command::Glob;

/// Bytes that mean something in a pattern, and a few that do not.
const BYTES: &[u8] = b"ab-]^*?[\\\xff";

fn word(random: &mut Random, longest: usize) -> Vec<u8> {
    (0..=random.below(longest)).map(|_| *random.pick(BYTES)).collect()
}

#[test]
fn patterns_take_the_keys_that_a_server_takes() {
    let Some(server) = Server::find("redis-8.2") else {
        eprintln!("no real server here: nothing was compared");
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let mut live = Live::start(&server, dir.path());
    let mut random = Random::new(7, 0);
    // The empty key is not among them: there KEYS and SCAN differ from each other.
    let keys: BTreeSet<Vec<u8>> = (0..300).map(|_| word(&mut random, 5)).collect();
    for key in &keys {
        live.call(&[b"SET", key, b"1"]);
    }
    for _ in 0..3000 {
        let pattern = word(&mut random, 7);
        let glob = Glob::new(&pattern);
        let told = live.call(&[b"KEYS", &pattern]).list().into_iter().map(|key| match key {
            Reply::Text(key) => key,
            other => panic!("{other:?}"),
        });
        let theirs: BTreeSet<Vec<u8>> = told.collect();
        let takes_another = |key: &&Vec<u8>| theirs.contains(*key) != glob.matches(key);
        let odd: Vec<_> = keys.iter().filter(takes_another).map(|key| key.escape_ascii()).collect();
        assert!(odd.is_empty(), "{}: {odd:?}", pattern.escape_ascii());
    }
}
