//! Memory and the kernel.

use crate::audit::finding::{Finding, Fix, Place};
use crate::audit::rule::{Group, Rule};
use crate::audit::settings::Seen;
use crate::audit::subject::{SetSeen, Subject};
use crate::check::RdbFacts;
use crate::check::Severity::{Error, Info, Warning};
use crate::disk::HugePages;
use crate::text;

static UNSET: Rule = Rule {
    id: "AOF-040",
    name: "maxmemory-unset",
    group: Group::Memory,
    severity: Warning,
    title: "The server's memory has no limit.",
    why: "Without `maxmemory` the data grow until the kernel ends the server, and a rewrite that is running then is lost.",
};

static TOO_LARGE: Rule = Rule {
    id: "AOF-041",
    name: "maxmemory-against-machine",
    group: Group::Memory,
    severity: Warning,
    title: "`maxmemory` leaves too little of the machine's memory.",
    why: "Buffers of replicas and clients, and the pages that change while a child rewrites the log, come on top of `maxmemory`.",
};

static POLICY: Rule = Rule {
    id: "AOF-042",
    name: "eviction-policy",
    group: Group::Memory,
    severity: Warning,
    title: "At `maxmemory` the server refuses writes.",
    why: "With `noeviction`, or with a `volatile-` policy and no key that has an expiry, nothing can be evicted, and every write ends in an OOM error.",
};

static EVICTING: Rule = Rule {
    id: "AOF-043",
    name: "keys-evicted",
    group: Group::Memory,
    severity: Warning,
    title: "The server has evicted keys, or may have.",
    why: "An evicted key is deleted in the log too: no restart and no backup taken later brings it back.",
};

static NEAR: Rule = Rule {
    id: "AOF-044",
    name: "memory-near-limit",
    group: Group::Memory,
    severity: Warning,
    title: "Memory in use is close to `maxmemory`.",
    why: "From the limit on the server evicts keys or refuses writes.",
};

static SAMPLES: Rule = Rule {
    id: "AOF-045",
    name: "maxmemory-samples",
    group: Group::Memory,
    severity: Warning,
    title: "The number of keys that eviction compares is unusual.",
    why: "With fewer than 5 samples often the wrong keys are evicted; with many each eviction costs time in which no command runs.",
};

static OVERCOMMIT: Rule = Rule {
    id: "AOF-046",
    name: "overcommit-memory",
    group: Group::Memory,
    severity: Warning,
    title: "The kernel may refuse the memory for a rewrite.",
    why: "A rewrite forks the server; unless `vm.overcommit_memory` is 1 the kernel can refuse that although the child needs little memory of its own.",
};

static HUGE_PAGES: Rule = Rule {
    id: "AOF-047",
    name: "transparent-huge-pages",
    group: Group::Memory,
    severity: Warning,
    title: "Transparent huge pages are on for the server.",
    why: "While a rewrite runs, each write then copies 2 MiB instead of 4 KiB: commands wait, and memory runs short.",
};

static BACKLOG: Rule = Rule {
    id: "AOF-048",
    name: "somaxconn",
    group: Group::Memory,
    severity: Warning,
    title: "The kernel cuts the queue of new connections.",
    why: "The kernel takes the smaller of `tcp-backlog` and `net.core.somaxconn`; when many clients connect at once, the rest is refused.",
};

pub(super) static RULES: [&Rule; 9] =
    [&UNSET, &TOO_LARGE, &POLICY, &EVICTING, &NEAR, &SAMPLES, &OVERCOMMIT, &HUGE_PAGES, &BACKLOG];

pub(super) fn judge(subject: &Subject, findings: &mut Vec<Finding>) {
    if let Some(limit) = subject.setting("maxmemory") {
        findings.extend(unset(subject, &limit));
        findings.extend(too_large(subject, &limit));
        findings.extend(near(subject, &limit));
    }
    findings.extend(policy(subject));
    findings.extend(samples(subject));
    evicted(subject, findings);
    kernel(subject, findings);
}

const MIB: u64 = 1 << 20;

/// A log that is smaller than this part of `maxmemory` is not taken for one of a server that evicts.
const SHARE: u64 = 16;

/// Bytes that come on top of the data: what replicas read again from, and one replica that is fetching a copy.
fn buffers(subject: &Subject) -> u64 {
    let backlog = subject.setting("repl-backlog-size").and_then(|seen| seen.bytes()).unwrap_or(0);
    let limits = subject.setting("client-output-buffer-limit");
    let words = limits.map(|seen| seen.words().to_vec()).unwrap_or_default();
    let hard = words.chunks_exact(4).find_map(|class| {
        let is_replica = [&b"slave"[..], b"replica"].contains(&class[0].as_slice());
        is_replica.then(|| crate::format::conf::parse_size(&class[1])).flatten()
    });
    backlog.saturating_add(hard.unwrap_or(0))
}

/// The largest limit that leaves a quarter of the machine beside the data and the buffers.
fn fitting(subject: &Subject) -> Option<u64> {
    let all = subject.machine.as_ref()?.bytes()?;
    let fits = (all / 4 * 3).saturating_sub(buffers(subject)) / MIB;
    (fits > 0).then_some(fits)
}

fn limit_fix(subject: &Subject) -> Fix {
    match fitting(subject) {
        Some(mib) => Fix::line(format!("maxmemory {mib}mb")),
        None => Fix::text(
            "Set maxmemory to at most three quarters of the memory of the machine or container, less the replication buffers.",
        ),
    }
}

fn unset(subject: &Subject, limit: &Seen) -> Option<Finding> {
    (limit.bytes() == Some(0))
        .then(|| Finding::new(&UNSET, limit.place.clone(), limit.shown()).with(limit_fix(subject)))
}

fn too_large(subject: &Subject, limit: &Seen) -> Option<Finding> {
    let bytes = limit.bytes().filter(|&bytes| bytes > 0)?;
    let all = subject.machine.as_ref()?.bytes()?;
    let taken = bytes.saturating_add(buffers(subject));
    let severity = match all.saturating_sub(taken) {
        0 => Error,
        left if left < all / 4 => Warning,
        _ => return None,
    };
    let seen = format!(
        "maxmemory {}, with replication buffers {}, of {} of memory",
        text::size(bytes),
        text::size(taken),
        text::size(all)
    );
    let finding = Finding::new(&TOO_LARGE, limit.place.clone(), seen).as_severe_as(severity);
    Some(finding.with(limit_fix(subject)))
}

fn near(subject: &Subject, limit: &Seen) -> Option<Finding> {
    let server = subject.server.as_ref()?;
    let most = server.state.maxmemory_bytes.or_else(|| limit.bytes()).filter(|&most| most > 0)?;
    let used = server.state.used_memory_bytes?;
    let is_near = u128::from(used) * 10 >= u128::from(most) * 9;
    is_near.then(|| {
        let seen = format!("used_memory {} of {}", text::size(used), text::size(most));
        Finding::new(&NEAR, field(subject, "used_memory"), seen)
            .with(Fix::text("Raise maxmemory where the machine has room, delete keys, or spread them over more servers."))
    })
}

/// A field of `INFO` of the server that was asked.
fn field(subject: &Subject, name: &str) -> Place {
    let server = subject.server.as_ref().map(|seen| seen.address.clone()).unwrap_or_default();
    Place::Setting { server, name: name.to_owned() }
}

fn is_limited(subject: &Subject) -> bool {
    subject.setting("maxmemory").and_then(|seen| seen.bytes()).is_some_and(|bytes| bytes > 0)
}

fn policy(subject: &Subject) -> Option<Finding> {
    let policy = subject.setting("maxmemory-policy").filter(|_| is_limited(subject))?;
    let name = policy.text()?.to_ascii_lowercase();
    if name == "noeviction" {
        let finding = Finding::new(&POLICY, policy.place.clone(), policy.shown());
        return Some(finding.as_severe_as(Info).with(Fix::text(
            "Keep noeviction where no key may be lost, and watch used_memory; for a cache set volatile-lru or allkeys-lru.",
        )));
    }
    if !name.starts_with("volatile-") {
        return None;
    }
    let seen = without_expiry(subject)?;
    let finding =
        Finding::new(&POLICY, policy.place.clone(), format!("{}: {seen}", policy.shown()));
    Some(finding.with(Fix::text(
        "Give keys that may be evicted an expiry, or set maxmemory-policy allkeys-lru where every key may go.",
    )))
}

/// That no key has an expiry, as the server counts them, or as a set shows.
fn without_expiry(subject: &Subject) -> Option<String> {
    if let Some(server) = &subject.server {
        let databases = server
            .info
            .iter()
            .filter(|(name, _)| name.strip_prefix("db").is_some_and(|n| n.parse::<u64>().is_ok()));
        let count = |value: &str, name: &str| -> Option<u64> {
            value
                .split(',')
                .find_map(|pair| pair.strip_prefix(name)?.strip_prefix('=')?.parse().ok())
        };
        let (mut keys, mut expires) = (0, 0);
        for (_, value) in databases {
            keys += count(value, "keys")?;
            expires += count(value, "expires")?;
        }
        return (keys > 0 && expires == 0)
            .then(|| format!("none of {} has an expiry", text::count(keys, "key")));
    }
    let [set] = &subject.sets[..] else { return None };
    let (keys, expires) = base_keys(set)?;
    let has_none = keys > 0 && expires == 0 && set.deletes.expires == 0;
    has_none.then(|| {
        format!(
            "none of {} of the base has an expiry, and the log gives none",
            text::count(keys, "key")
        )
    })
}

/// Keys of the bases, and those of them that expire; `None` where one could not be read to its end.
fn base_keys(set: &SetSeen) -> Option<(u64, u64)> {
    let facts = set.report.segments.iter().filter_map(|segment| segment.facts.as_ref());
    facts.filter_map(|facts| facts.rdb.as_ref()).try_fold(
        (0, 0),
        |(keys, expires), rdb| match rdb {
            RdbFacts::Whole(walked) => {
                Some((keys + walked.outcome.keys, expires + walked.outcome.expires))
            }
            RdbFacts::Broken(_) => None,
        },
    )
}

fn samples(subject: &Subject) -> Option<Finding> {
    let evicts = subject.setting("maxmemory-policy").filter(|_| is_limited(subject))?;
    let compares = ["lru", "lfu", "lrm", "volatile-ttl"];
    if !compares.iter().any(|end| evicts.text().is_some_and(|name| name.ends_with(end))) {
        return None;
    }
    let samples = subject.setting("maxmemory-samples")?;
    let severity = match samples.number()? {
        ..3 => Warning,
        3..5 | 11..=64 => Info,
        5..=10 => return None,
        _ => Warning,
    };
    let finding = Finding::new(&SAMPLES, samples.place.clone(), samples.shown());
    Some(finding.as_severe_as(severity).with(Fix::line("maxmemory-samples 5")))
}

fn evicted(subject: &Subject, findings: &mut Vec<Finding>) {
    if let Some(server) = &subject.server {
        let evicted = server.number("evicted_keys").filter(|&keys| keys > 0);
        findings.extend(evicted.map(|keys| {
            let seen = format!("evicted_keys {} since the server started", text::thousands(keys));
            Finding::new(&EVICTING, field(subject, "evicted_keys"), seen).with(evicted_fix())
        }));
        return;
    }
    let policy = subject.setting("maxmemory-policy");
    let may_evict = policy.is_some_and(|policy| !policy.is_default && !policy.is("noeviction"));
    let limit = subject.setting("maxmemory").and_then(|seen| seen.bytes()).unwrap_or(0);
    if !may_evict || limit == 0 {
        return;
    }
    // Of little data nothing is evicted; in memory it takes several times what it takes on disk.
    for set in subject.sets.iter().filter(|set| set.report.size_bytes >= limit / SHARE) {
        let most = set.deletes.by_anybody();
        // What expires is deleted in the same way, so that this proves nothing: it is worth a line, and no more.
        if most > 0 {
            let seen = format!(
                "at most {} were evicted: the log deletes so many one by one, and does not tell evictions, expiries and \
                 a client's deletions apart",
                text::count(most, "key")
            );
            let place = Place::Path(set.aof.path.clone());
            findings.push(
                Finding::new(&EVICTING, place, seen)
                    .as_severe_as(Info)
                    .with(Fix::text("Ask the server: with --server this rule reads evicted_keys.")),
            );
        }
    }
}

fn evicted_fix() -> Fix {
    Fix::text(
        "Where the keys are data and no cache: raise maxmemory, or set maxmemory-policy noeviction, so that writes fail and nothing is lost in silence.",
    )
}

fn kernel(subject: &Subject, findings: &mut Vec<Finding>) {
    let Some(machine) = &subject.machine else { return };
    if let Some(how) = machine.overcommit.filter(|&how| how != 1) {
        let place = Place::Machine("vm.overcommit_memory".to_owned());
        let finding = Finding::new(&OVERCOMMIT, place, format!("vm.overcommit_memory = {how}"));
        findings.push(finding.with(Fix::command("sysctl -w vm.overcommit_memory=1")).with(
            Fix::text("For the next boot: vm.overcommit_memory = 1 in /etc/sysctl.d/redis.conf."),
        ));
    }
    // By default a server takes itself out of it.
    let leaves = subject.setting("disable-thp").and_then(|seen| seen.flag());
    if machine.huge_pages == Some(HugePages::Always) && leaves == Some(false) {
        let place = Place::Machine("/sys/kernel/mm/transparent_hugepage/enabled".to_owned());
        findings.push(
            Finding::new(&HUGE_PAGES, place, "always, and disable-thp no")
                .with(Fix::line("disable-thp yes"))
                .with(Fix::command("echo madvise > /sys/kernel/mm/transparent_hugepage/enabled")),
        );
    }
    let backlog =
        subject.setting("tcp-backlog").and_then(|seen| u64::try_from(seen.number()?).ok());
    if let Some((queue, most)) = backlog.zip(machine.somaxconn).filter(|(queue, most)| most < queue)
    {
        let place = Place::Machine("net.core.somaxconn".to_owned());
        let seen = format!("net.core.somaxconn = {most}, and tcp-backlog {queue}");
        let fix = Fix::command(format!("sysctl -w net.core.somaxconn={queue}"));
        findings.push(Finding::new(&BACKLOG, place, seen).with(fix));
    }
}
