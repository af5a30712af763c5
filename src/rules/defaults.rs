//! What is in force where a configuration says nothing, as each recorded server told it (`settings.txt`).

use std::collections::BTreeMap;
use std::sync::OnceLock;

use super::target::{Knowledge, Target};
use crate::format::rdb::Family;

/// Values of one setting, each with the servers that have it.
type Rows = Vec<(&'static str, &'static str)>;

/// What stands for all servers that were asked.
const ALL: &str = "*";

fn table() -> &'static BTreeMap<&'static str, Rows> {
    static TABLE: OnceLock<BTreeMap<&'static str, Rows>> = OnceLock::new();
    TABLE.get_or_init(|| {
        let mut table = BTreeMap::<_, Rows>::new();
        for row in include_str!("settings.txt").lines() {
            let mut cells = row.split('\t');
            if let (Some(name), Some(value), Some(servers)) =
                (cells.next(), cells.next(), cells.next())
            {
                table.entry(name).or_default().push((value, servers));
            }
        }
        table
    })
}

/// The default of a setting in this server. Of one that was not run: what all of its family agree on that were. `None`
/// where it has no such setting, or that is not known.
pub fn of(target: &Target, name: &str) -> Option<&'static str> {
    match target.knowledge {
        Knowledge::Recorded | Knowledge::Asked => recorded(target, name),
        _ => common(name, |other| other.family == target.family),
    }
}

/// The default that all recorded servers with multi-part logs agree on.
pub fn agreed(name: &str) -> Option<&'static str> {
    common(name, |_| true)
}

fn common(name: &str, is_asked: impl Fn(&Target) -> bool) -> Option<&'static str> {
    let is_old = |target: &Target| target.family == Family::Redis && target.version < (7, 0);
    let mut all = Target::recorded().iter().filter(|one| !is_old(one) && is_asked(one));
    let first = recorded(all.next()?, name)?;
    all.all(|target| recorded(target, name) == Some(first)).then_some(first)
}

fn recorded(target: &Target, name: &str) -> Option<&'static str> {
    let server = target.rules.name;
    let has = |servers: &str| servers == ALL || servers.split(',').any(|one| one == server);
    table().get(name)?.iter().find(|(_, servers)| has(servers)).map(|(value, _)| *value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_those_of_the_server_or_what_all_agree_on() {
        let of = |target: &str, name: &str| super::of(&target.parse().unwrap(), name);
        assert_eq!(of("redis-6.2", "appenddirname"), None);
        assert_eq!(of("redis-7.0", "appenddirname"), Some("appendonlydir"));
        assert_eq!(of("redis-7.2", "appendfsync"), Some("everysec"), "one between");
        assert_eq!(agreed("auto-aof-rewrite-min-size"), Some("67108864"));
        assert_eq!(agreed("requirepass"), Some(""));
        assert_eq!((agreed("no-such-setting"), agreed("rdb-version-check")), (None, None));
    }
}
