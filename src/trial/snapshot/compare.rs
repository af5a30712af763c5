//! What two servers hold, and where the base alone decides, how many keys there must be.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::path::Path;
use std::thread;
use std::time::Duration;

use crate::backup::Entry;
use crate::error::{Error, Result};
use crate::server::{self, Contents, How, Server};
use crate::text::escape;

use super::super::server::OwnServer;
use super::loaded::{Difference, LoadedSnapshot, connected};
use super::second::Told;

/// A difference must be seen so often: a server that rebuilds a large table may name an item of it twice.
const LOOKS: usize = 3;

/// How long to wait before looking again.
const PAUSE: Duration = Duration::from_secs(1);

/// Differing keys and libraries that are named.
const NAMED: usize = 5;

/// What two servers were seen to hold.
struct Seen {
    ours: Contents,
    theirs: Contents,
    /// Both were read before this, Unix milliseconds.
    end: i64,
    /// Keys of the first, those that are left out included.
    all: BTreeMap<u64, u64>,
    left_out: u64,
    found: Vec<server::Difference>,
}

impl Seen {
    fn look(first: &mut Server, second: &mut Server) -> Result<Self> {
        let (ours, theirs) = thread::scope(|scope| {
            let theirs = thread::Builder::new().spawn_scoped(scope, || second.contents());
            let theirs = theirs.map_err(|e| Error::io(Path::new("a thread of its own"), e))?;
            let ours = first.contents();
            let theirs = theirs.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            Ok((ours, theirs))
        })?;
        let (mut ours, mut theirs) = (ours?, theirs?);
        let end = now();
        let all = ours.living(end);
        let out = ours.unread().iter().chain(theirs.unread()).copied().collect();
        let left_out = ours.leave_out(&out);
        theirs.leave_out(&out);
        let found = ours.differences(&theirs, end);
        Ok(Self { ours, theirs, end, all, left_out, found })
    }
}

impl Seen {
    /// Leaves out what a server that has loaded the same files as the first has otherwise, or in another form. Answers how
    /// many keys that are.
    fn forgive(&mut self, third: &mut Server) -> Result<u64> {
        let other = third.contents()?;
        let unsteady = self.ours.differences(&other, self.end.max(now()));
        let unsteady: BTreeSet<_> = unsteady.iter().filter_map(server::Difference::key).collect();
        let found = self.found.len();
        self.found.retain(|one| one.key().is_none_or(|key| !unsteady.contains(&key)));
        let kept = self.ours.leave_out(&unsteady);
        self.theirs.leave_out(&unsteady);
        Ok(if self.found.len() < found { kept } else { 0 })
    }
}

fn now() -> i64 {
    crate::backup::now().milliseconds()
}

/// Compares all that two servers hold; the numbers of keys also with the base, where that alone decides.
pub fn compare(
    loaded: &mut LoadedSnapshot,
    told: &Told,
    entry: &Entry,
    mut first: Server,
    second: Option<Server>,
    again: &mut dyn FnMut() -> Result<Option<OwnServer>>,
) -> Result<()> {
    let Some(mut second) = second else {
        let (ours, end) = (first.contents()?, now());
        note(loaded, &ours, end, ours.living(end));
        return Ok(());
    };
    let mut seen = Seen::look(&mut first, &mut second)?;
    for _ in 1..LOOKS {
        if seen.found.is_empty() {
            break;
        }
        thread::sleep(PAUSE);
        seen = Seen::look(&mut first, &mut second)?;
    }
    if !seen.found.is_empty()
        && let Some(third) = again()?
    {
        loaded.not_comparable = seen.forgive(&mut connected(&third)?)?;
    }
    let Seen { ours, theirs, end, all, left_out, found } = seen;
    let given = theirs.living(end).into_iter().map(|(db, keys)| (db, keys..=keys)).collect();
    numbers(loaded, &ours.living(end), &given, "the commands in it give");
    name(loaded, &found[..found.len().min(NAMED)], &mut first, &mut second)?;
    if let Some(expected) = told.expected(entry, end) {
        numbers(loaded, &all, &expected, "its base holds");
    }
    loaded.left_out = left_out;
    note(loaded, &ours, end, all);
    Ok(())
}

fn note(loaded: &mut LoadedSnapshot, ours: &Contents, end: i64, databases: BTreeMap<u64, u64>) {
    loaded.digest = Some(ours.digest(end));
    loaded.keys = databases.values().sum();
    loaded.databases = databases;
}

/// Notes differences with the names of their keys.
fn name(
    loaded: &mut LoadedSnapshot,
    found: &[server::Difference],
    first: &mut Server,
    second: &mut Server,
) -> Result<()> {
    let keys: BTreeSet<_> = found.iter().filter_map(server::Difference::key).collect();
    let mut names = first.names(&keys)?;
    names.append(&mut second.names(&keys)?);
    for one in found {
        loaded.differences.push(match one {
            server::Difference::Key(id, how) => {
                let what = format!("db {}: {}", id.db, of_key(*how));
                Difference { what, key: names.remove(id) }
            }
            server::Difference::Library(name, how) => {
                let what =
                    format!("the library of functions \"{}\": {}", escape(name), of_library(*how));
                Difference { what, key: None }
            }
        });
    }
    Ok(())
}

fn of_key(how: How) -> &'static str {
    match how {
        How::OnlyFirst => "the files give this key, the commands in them do not",
        How::OnlySecond => "the commands give this key, the files as the server loads them do not",
        How::Value => "this key has another value by the files than by the commands in them",
        How::Expiry => "this key expires at another time by the files than by the commands in them",
        How::Field => {
            "a field of this key that expires is another one by the files than by the commands in them"
        }
    }
}

fn of_library(how: How) -> &'static str {
    match how {
        How::OnlyFirst => "the files give it, the commands in them do not",
        How::OnlySecond => "the commands give it, the files as the server loads them do not",
        _ => "it is another one by the files than by the commands in them",
    }
}

/// Notes the databases that have not as many keys as they should.
fn numbers(
    loaded: &mut LoadedSnapshot,
    found: &BTreeMap<u64, u64>,
    expected: &BTreeMap<u64, RangeInclusive<u64>>,
    who: &str,
) {
    let dbs: BTreeSet<_> = found.keys().chain(expected.keys()).collect();
    for db in dbs {
        let keys = found.get(db).copied().unwrap_or(0);
        let should = expected.get(db).cloned().unwrap_or(0..=0);
        if should.contains(&keys) {
            continue;
        }
        let (least, most) = should.into_inner();
        let should = if least == most { least.to_string() } else { format!("{least} to {most}") };
        let what = format!("db {db}: {keys} loaded, {who} {should}");
        loaded.differences.push(Difference { what, key: None });
    }
}
