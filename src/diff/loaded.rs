//! Two sets that servers have loaded, compared key by key.
//!
//! A value is compared by what commands tell of it, so that another encoding is no other value. Keys whose time has passed
//! when both were read are no part of it. Keys are read in as many passes as memory asks for.

use std::collections::{HashMap, HashSet};
use std::time::{SystemTime, UNIX_EPOCH};

use super::hash::of_key;
use super::rows::{Differences, Kind, NEVER, Row, is_in, passes};
use crate::error::Result;
use crate::server::{KeySeen, Server};
use crate::trial::Held;

/// Compares the keys that two servers hold, and tells of at most so many that differ.
///
/// # Errors
/// When a server does not answer.
pub fn compare_loaded(a: &Held, b: &Held, most: usize) -> Result<Differences> {
    let (mut one, mut two) = (a.connect()?, b.connect()?);
    let keys = |held: &Held| held.keys.values().sum::<u64>();
    let passes = passes(keys(a).max(keys(b)));
    let mut differences = Differences::new(most);
    for pass in 0..passes {
        let (mut ours, slack) = rows(&mut one, (pass, passes))?;
        let (mut theirs, other_slack) = rows(&mut two, (pass, passes))?;
        let now = now();
        for rows in [&mut ours, &mut theirs] {
            rows.retain(|row| row.expires == NEVER || row.expires > now);
        }
        differences.add(ours, theirs, slack.max(other_slack).unsigned_abs());
    }
    let wanted: HashSet<_> = differences.rows.iter().map(|row| row.hash).collect();
    let mut names = HashMap::with_capacity(wanted.len());
    for server in [&mut one, &mut two] {
        server.walk(&mut |_, db, batch| {
            for name in batch {
                let hash = of_key(db, &name);
                if wanted.contains(&hash) {
                    names.insert(hash, (db, name));
                }
            }
            Ok(names.len() < wanted.len())
        })?;
    }
    differences.name(&names);
    Ok(differences)
}

/// The keys of one pass, and by how much their expiries may be wrong.
fn rows(server: &mut Server, (pass, passes): (u64, u64)) -> Result<(Vec<Row>, i64)> {
    let asking = server.asking()?;
    let (mut rows, mut slack) = (Vec::new(), 0);
    server.walk(&mut |server, db, mut names| {
        names.retain(|name| is_in(of_key(db, name), pass, passes));
        for (name, seen) in names.iter().zip(server.values(asking, &names)?) {
            let Some(seen) = seen else { continue };
            slack = slack.max(seen.slack_ms);
            rows.push(row(of_key(db, name), &seen));
        }
        Ok(true)
    })?;
    Ok((rows, slack))
}

fn row(key: u128, seen: &KeySeen) -> Row {
    let value = seen.value.map_or(0, |value| value.max(1));
    let kind = Kind::of(&seen.kind);
    Row { key, value, expires: seen.expires_ms.unwrap_or(NEVER), kind }
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
