//! What a server holds, read by commands alone, in a form that does not depend on how it is stored.

use std::collections::BTreeMap;

use crate::support::live::{Live, Reply};

pub type Name = (u64, String);
pub type State = BTreeMap<Name, String>;

pub const DATABASES: [u64; 2] = [0, 3];

/// Everything that a server holds.
pub fn state(live: &mut Live) -> State {
    let mut state = State::new();
    for db in DATABASES {
        live.must(&format!("SELECT {db}"));
        for key in live.must("KEYS *").list() {
            let key = key.text();
            let kind = live.must(&format!("TYPE {key}")).text();
            let value = value(live, &key, &kind);
            let until = live.must(&format!("PEXPIRETIME {key}")).text();
            state.insert((db, key), format!("{kind} {until} {value:?}"));
        }
    }
    live.must("SELECT 0");
    state
}

fn value(live: &mut Live, key: &str, kind: &str) -> Reply {
    let read = match kind {
        "string" => format!("GET {key}"),
        "list" => format!("LRANGE {key} 0 -1"),
        "hash" => format!("HGETALL {key}"),
        "set" => format!("SMEMBERS {key}"),
        "zset" => format!("ZRANGE {key} 0 -1 WITHSCORES"),
        _ => {
            let info = live.must(&format!("XINFO STREAM {key} FULL COUNT 0")).list();
            let named = |name: &str| {
                info.chunks(2).find(|pair| pair[0].text() == name).map(|pair| pair[1].clone())
            };
            let groups = named("groups").unwrap().list();
            let groups = groups.into_iter().map(|group| stable(group.list()));
            let mut all = vec![named("last-generated-id").unwrap(), named("entries").unwrap()];
            all.extend(named("entries-added"));
            all.extend(groups);
            return Reply::List(all);
        }
    };
    let mut value = live.must(&read);
    if let ("set" | "hash", Reply::List(list)) = (kind, &mut value) {
        let step = if kind == "hash" { 2 } else { 1 };
        let mut parts: Vec<Vec<Reply>> = list.chunks(step).map(<[_]>::to_vec).collect();
        parts.sort_by_key(|part| part[0].text());
        *list = parts.concat();
    }
    value
}

/// A group without what a server says of when consumers were seen.
fn stable(group: Vec<Reply>) -> Reply {
    let wanted = ["name", "last-delivered-id", "pel-count", "pending", "entries-read"];
    let pairs = group.chunks(2).filter(|pair| wanted.contains(&pair[0].text().as_str()));
    Reply::List(pairs.flatten().cloned().collect())
}

/// What these bytes of a log make an empty server hold.
pub fn replayed(live: &mut Live, bytes: &[u8]) -> State {
    live.must("SELECT 0");
    live.must("FLUSHALL");
    let (_, errors) = live.pipe(bytes);
    assert_eq!(errors, Vec::<String>::new());
    state(live)
}
