//! Managed servers of ElastiCache, by what its command line prints.
//!
//! Source: the user guide and the API reference of ElastiCache; no such cloud was at hand.

use std::collections::BTreeSet;

use crate::audit::elasticache::{CacheCluster, Described, ReplicationGroup, keeps_log, of_family};
use crate::audit::finding::{Finding, Fix, Place};
use crate::audit::rule::{Group, Rule};
use crate::audit::subject::Subject;
use crate::check::Severity::{Error, Info, Warning};

macro_rules! rule {
    ($id:literal, $name:literal, $severity:ident, $title:literal, $why:literal) => {
        Rule {
            id: $id,
            name: $name,
            group: Group::ElastiCache,
            severity: $severity,
            title: $title,
            why: $why,
        }
    };
}

static NO_LOG: Rule = rule!(
    "AOF-090",
    "elasticache-appendonly",
    Error,
    "`appendonly yes` has no effect on this engine version.",
    "ElastiCache keeps no append-only file from Redis 2.8.22 on, nor with Valkey: replicas, failover and snapshots are what is left."
);
static NODE_TYPE: Rule = rule!(
    "AOF-091",
    "elasticache-appendonly-node",
    Error,
    "Nodes of this type keep no append-only file.",
    "On cache.t1.micro and cache.t2 nodes the parameter `appendonly` is ignored."
);
static FAILOVER: Rule = rule!(
    "AOF-092",
    "elasticache-failover",
    Error,
    "No replica takes over by itself.",
    "Without automatic failover writes fail until somebody promotes a replica; it is what stands in for the log here."
);
static ZONES: Rule = rule!(
    "AOF-093",
    "elasticache-multi-az",
    Warning,
    "Multi-AZ is off.",
    "Nothing keeps primary and replicas in different zones: one zone that fails may take all copies."
);
static SNAPSHOTS: Rule = rule!(
    "AOF-094",
    "elasticache-snapshots",
    Error,
    "No snapshots are taken.",
    "A command that deletes or overwrites keys reaches all replicas at once; only a snapshot brings them back."
);
static REPLICAS: Rule = rule!(
    "AOF-095",
    "elasticache-replicas",
    Error,
    "A shard has no replica.",
    "When its node is lost, so are its keys."
);
static ONE_ZONE: Rule = rule!(
    "AOF-096",
    "elasticache-one-zone",
    Warning,
    "All nodes of a shard are in one zone.",
    "When that zone fails, the shard is lost."
);
static TRANSIT: Rule = rule!(
    "AOF-097",
    "elasticache-transit-encryption",
    Error,
    "Traffic is not encrypted, or need not be.",
    "Passwords and values cross the network in clear text; and without it there are no passwords and users at all."
);
static AT_REST: Rule = rule!(
    "AOF-098",
    "elasticache-at-rest-encryption",
    Warning,
    "Snapshots are not encrypted.",
    "They hold all keys and values; it can only be turned on when a replication group is made."
);
static AUTH: Rule = rule!(
    "AOF-099",
    "elasticache-auth",
    Error,
    "Nobody is asked for a password.",
    "Whatever reaches the network of the cache may read and delete all keys."
);
static POLICY: Rule = rule!(
    "AOF-100",
    "elasticache-policy",
    Info,
    "At the limit of memory the cache refuses writes.",
    "With `noeviction` every write ends in an OOM error once memory is full."
);
static RESERVE: Rule = rule!(
    "AOF-101",
    "elasticache-reserved-memory",
    Warning,
    "Too little memory is reserved for snapshots and failover.",
    "Writes that come in while a snapshot or a full synchronisation runs need memory of their own; without it the node swaps, or the snapshot fails."
);
static SINGLE: Rule = rule!(
    "AOF-102",
    "elasticache-single-node",
    Error,
    "The cluster is a single node.",
    "There is no replica, and so no failover: when the node is replaced, its keys are gone."
);
static ALARMS: Rule = rule!(
    "AOF-103",
    "elasticache-alarms",
    Info,
    "Alarms are to be set in CloudWatch.",
    "Each of them fires before an outage: memory, CPU, evictions, swap, connections, lag."
);
static UPGRADES: Rule = rule!(
    "AOF-104",
    "elasticache-upgrades",
    Warning,
    "Minor versions are not brought in by themselves.",
    "Security fixes wait until somebody installs them."
);
static VERSION: Rule = rule!(
    "AOF-105",
    "elasticache-version",
    Warning,
    "The engine is older than Redis 7.",
    "It lacks what later servers have mended in replication, memory and access control."
);

pub(super) static RULES: [&Rule; 16] = [
    &NO_LOG, &NODE_TYPE, &FAILOVER, &ZONES, &SNAPSHOTS, &REPLICAS, &ONE_ZONE, &TRANSIT, &AT_REST,
    &AUTH, &POLICY, &RESERVE, &SINGLE, &ALARMS, &UPGRADES, &VERSION,
];

/// Percent of memory that the user guide advises to reserve; more on small nodes.
const RESERVED_PERCENT: u32 = 25;

pub(super) fn judge(subject: &Subject, findings: &mut Vec<Finding>) {
    let all = &subject.elasticache;
    for file in all {
        parameters(all, file, findings);
        file.replication_groups.iter().for_each(|group| replication(all, file, group, findings));
        file.clusters.iter().for_each(|cluster| self::cluster(all, file, cluster, findings));
    }
}

fn place(file: &Described, name: impl Into<String>) -> Place {
    Place::ParameterGroup { file: file.path.clone(), name: name.into() }
}

/// Engines and versions that any of the files names.
fn engines(all: &[Described]) -> BTreeSet<(String, String)> {
    let groups = all.iter().flat_map(|file| &file.parameter_groups);
    let families =
        groups.filter_map(|group| of_family(group.cache_parameter_group_family.as_deref()?));
    let clusters = all.iter().flat_map(|file| &file.clusters);
    let clusters =
        clusters.filter_map(|one| Some((one.engine.as_deref()?, one.engine_version.as_deref()?)));
    families
        .chain(clusters)
        .map(|(engine, version)| (engine.to_owned(), version.to_owned()))
        .collect()
}

fn node_types(all: &[Described]) -> BTreeSet<String> {
    let groups = all.iter().flat_map(|file| &file.replication_groups);
    let of_groups = groups.filter_map(|group| group.cache_node_type.clone());
    let clusters = all.iter().flat_map(|file| &file.clusters);
    of_groups.chain(clusters.filter_map(|cluster| cluster.cache_node_type.clone())).collect()
}

fn parameters(all: &[Described], file: &Described, findings: &mut Vec<Finding>) {
    if file.parameter("appendonly") == Some("yes") {
        log(all, file, findings);
    }
    if file.parameter("maxmemory-policy") == Some("noeviction") {
        let finding =
            Finding::new(&POLICY, place(file, "maxmemory-policy"), "maxmemory-policy noeviction");
        findings.push(finding.with(modify("maxmemory-policy", "volatile-lru")));
    }
    let types = node_types(all);
    let wanted = match () {
        () if types.iter().any(|one| one.ends_with(".micro")) => 50,
        () if types.iter().any(|one| one.ends_with(".small")) => 30,
        () => RESERVED_PERCENT,
    };
    let reserved =
        file.parameter("reserved-memory-percent").and_then(|text| text.parse::<u32>().ok());
    if let Some(percent) = reserved.filter(|&percent| percent < wanted) {
        let severity = match percent {
            0 => Error,
            RESERVED_PERCENT.. => Info,
            _ => Warning,
        };
        let seen =
            format!("reserved-memory-percent {percent}, and {wanted} is advised for these nodes");
        let finding = Finding::new(&RESERVE, place(file, "reserved-memory-percent"), seen);
        findings.push(
            finding
                .as_severe_as(severity)
                .with(modify("reserved-memory-percent", &wanted.to_string())),
        );
    }
}

fn modify(name: &str, value: &str) -> Fix {
    Fix::command(format!(
        "aws elasticache modify-cache-parameter-group --cache-parameter-group-name GROUP --parameter-name-values ParameterName={name},ParameterValue={value}"
    ))
}

fn log(all: &[Described], file: &Described, findings: &mut Vec<Finding>) {
    let instead = Fix::text(
        "Make a replication group with replicas in several zones, automatic failover and Multi-AZ on, and snapshots kept for some days.",
    );
    let at = || place(file, "appendonly");
    let engines = engines(all);
    let without =
        engines.iter().find(|(engine, version)| keeps_log(engine, version) == Some(false));
    if let Some((engine, version)) = without {
        let seen = format!("appendonly yes, with {engine} {version}");
        findings.push(Finding::new(&NO_LOG, at(), seen).with(instead));
        return;
    }
    if !engines.iter().any(|(engine, version)| keeps_log(engine, version) == Some(true)) {
        let seen = "appendonly yes; the engine version is not in these files, and takes it only before Redis 2.8.22";
        findings
            .push(Finding::new(&NO_LOG, at(), seen).as_severe_as(Warning).with(instead.clone()));
    }
    let types = node_types(all);
    let ignored = types.iter().find(|one| *one == "cache.t1.micro" || one.starts_with("cache.t2."));
    if let Some(node) = ignored {
        let seen = format!("appendonly yes, on {node}");
        findings.push(Finding::new(&NODE_TYPE, at(), seen).with(instead));
    }
}

fn group_command(group: &ReplicationGroup, options: &str) -> Fix {
    Fix::command(format!(
        "aws elasticache modify-replication-group --replication-group-id {} {options} --apply-immediately",
        group.replication_group_id
    ))
}

fn replication(
    all: &[Described],
    file: &Described,
    group: &ReplicationGroup,
    findings: &mut Vec<Finding>,
) {
    let at = |field: &str| place(file, format!("{}, {field}", group.replication_group_id));
    let is_off =
        |state: &Option<String>| state.as_deref().is_some_and(|state| state.starts_with("disabl"));
    let mut add = |rule, field: &str, seen: String, fix| {
        findings.push(Finding::new(rule, at(field), seen).with(fix))
    };
    if is_off(&group.automatic_failover) {
        let fix = group_command(group, "--automatic-failover-enabled");
        add(&FAILOVER, "AutomaticFailover", "AutomaticFailover disabled".to_owned(), fix);
    }
    if is_off(&group.multi_az) {
        add(
            &ZONES,
            "MultiAZ",
            "MultiAZ disabled".to_owned(),
            group_command(group, "--multi-az-enabled"),
        );
    }
    if group.snapshot_retention_limit == Some(0) {
        let fix =
            group_command(group, "--snapshot-retention-limit 7 --snapshotting-cluster-id REPLICA");
        add(&SNAPSHOTS, "SnapshotRetentionLimit", "SnapshotRetentionLimit 0".to_owned(), fix);
    }
    if group.at_rest_encryption_enabled == Some(false) {
        let fix = Fix::text(
            "Make a new replication group from a snapshot, with --at-rest-encryption-enabled.",
        );
        add(&AT_REST, "AtRestEncryptionEnabled", "AtRestEncryptionEnabled false".to_owned(), fix);
    }
    let has_users = group.user_group_ids.as_ref().is_some_and(|ids| !ids.is_empty());
    if group.auth_token_enabled == Some(false) && !has_users {
        let fix = group_command(group, "--user-group-ids-to-add USERS");
        add(&AUTH, "AuthTokenEnabled", "AuthTokenEnabled false, and no user group".to_owned(), fix);
    }
    if group.auto_minor_version_upgrade == Some(false) {
        let fix = group_command(group, "--auto-minor-version-upgrade");
        add(&UPGRADES, "AutoMinorVersionUpgrade", "AutoMinorVersionUpgrade false".to_owned(), fix);
    }
    transit(file, group, findings);
    shards(file, group, findings);
    alarms(all, file, &group.replication_group_id, true, findings);
}

fn transit(file: &Described, group: &ReplicationGroup, findings: &mut Vec<Finding>) {
    let at = |field: &str| place(file, format!("{}, {field}", group.replication_group_id));
    let on =
        group_command(group, "--transit-encryption-enabled --transit-encryption-mode preferred");
    if group.transit_encryption_enabled == Some(false) {
        let finding = Finding::new(
            &TRANSIT,
            at("TransitEncryptionEnabled"),
            "TransitEncryptionEnabled false",
        );
        findings.push(
            finding
                .with(on)
                .with(Fix::text("When all clients use TLS: --transit-encryption-mode required.")),
        );
    } else if group.transit_encryption_mode.as_deref() == Some("preferred") {
        let finding =
            Finding::new(&TRANSIT, at("TransitEncryptionMode"), "TransitEncryptionMode preferred");
        let fix = group_command(group, "--transit-encryption-mode required");
        findings.push(finding.as_severe_as(Warning).with(fix));
    }
}

fn shards(file: &Described, group: &ReplicationGroup, findings: &mut Vec<Finding>) {
    for shard in group.node_groups.iter().flatten() {
        let Some(members) = &shard.node_group_members else { continue };
        let name = shard.node_group_id.as_deref().unwrap_or("?");
        let at = place(file, format!("{}, NodeGroups {name}", group.replication_group_id));
        if members.len() < 2 {
            let fix = Fix::command(format!(
                "aws elasticache increase-replica-count --replication-group-id {} --new-replica-count 2 --apply-immediately",
                group.replication_group_id
            ));
            findings
                .push(Finding::new(&REPLICAS, at, format!("shard {name} has one node")).with(fix));
            continue;
        }
        let zones: BTreeSet<_> =
            members.iter().map(|node| node.preferred_availability_zone.as_ref()).collect();
        if let [Some(zone)] = zones.into_iter().collect::<Vec<_>>()[..] {
            let seen = format!("all nodes of shard {name} are in {zone}");
            let fix = Fix::text("Add a replica in another zone, and remove one of these.");
            findings.push(Finding::new(&ONE_ZONE, at, seen).with(fix));
        }
    }
}

fn cluster(
    all: &[Described],
    file: &Described,
    cluster: &CacheCluster,
    findings: &mut Vec<Finding>,
) {
    let engine = cluster.engine.as_deref().unwrap_or_default();
    if !["redis", "valkey"].contains(&engine) {
        return;
    }
    let at = |field: &str| place(file, format!("{}, {field}", cluster.cache_cluster_id));
    let version = cluster.engine_version.as_deref().unwrap_or_default();
    let major = version.split('.').next().and_then(|part| part.parse::<u32>().ok());
    if engine == "redis" && major.is_some_and(|major| major < 7) {
        let finding = Finding::new(&VERSION, at("EngineVersion"), format!("redis {version}"));
        findings.push(finding.with(Fix::text("Upgrade to Valkey, or to Redis 7.1.")));
    }
    if cluster.replication_group_id.is_some() {
        return;
    }
    let finding = Finding::new(&SINGLE, at("ReplicationGroupId"), "it is in no replication group");
    findings.push(finding.with(Fix::command(format!(
        "aws elasticache create-replication-group --primary-cluster-id {} --automatic-failover-enabled --multi-az-enabled",
        cluster.cache_cluster_id
    ))));
    if cluster.snapshot_retention_limit == Some(0) {
        let finding =
            Finding::new(&SNAPSHOTS, at("SnapshotRetentionLimit"), "SnapshotRetentionLimit 0");
        findings.push(finding.with(Fix::command(format!(
            "aws elasticache modify-cache-cluster --cache-cluster-id {} --snapshot-retention-limit 7",
            cluster.cache_cluster_id
        ))));
    }
    if cluster.transit_encryption_enabled == Some(false) {
        let finding = Finding::new(
            &TRANSIT,
            at("TransitEncryptionEnabled"),
            "TransitEncryptionEnabled false",
        );
        findings.push(finding.with(Fix::text(
            "Make a new cluster from a snapshot, with --transit-encryption-enabled.",
        )));
    }
    alarms(all, file, &cluster.cache_cluster_id, false, findings);
}

/// Metrics by the names that CloudWatch has for them, and from where on each is worth an alarm.
const WATCHED: [(&str, &str); 7] = [
    ("DatabaseMemoryUsagePercentage", "> 80 %"),
    ("EngineCPUUtilization", "> 80 %"),
    ("Evictions", "> 0"),
    ("SwapUsage", "> 50 MB"),
    ("CurrConnections", "near 65000"),
    ("AuthenticationFailures", "> 0"),
    ("ReplicationLag", "> 10 s"),
];

/// Alarms that are not set, as far as it is known which are: one for any node is taken for all.
fn alarms(
    all: &[Described],
    file: &Described,
    name: &str,
    has_replicas: bool,
    findings: &mut Vec<Finding>,
) {
    let told: Vec<_> = all.iter().filter_map(|file| file.alarms.as_ref()).collect();
    let set: BTreeSet<_> = told
        .iter()
        .copied()
        .flatten()
        .filter(|alarm| alarm.namespace.as_deref() == Some("AWS/ElastiCache"))
        .filter_map(|alarm| alarm.metric_name.as_deref())
        .collect();
    let is_wanted =
        |metric: &str| !set.contains(metric) && (has_replicas || metric != "ReplicationLag");
    let wanted: Vec<_> = WATCHED.iter().filter(|(metric, _)| is_wanted(metric)).collect();
    let Some((first, _)) = wanted.first() else { return };
    let listed: Vec<_> = wanted.iter().map(|(metric, limit)| format!("{metric} {limit}")).collect();
    let listed = listed.join(", ");
    let seen = match told.is_empty() {
        true => format!("which alarms are set is not known here; set {listed}"),
        false => format!("not set: {listed}"),
    };
    let finding = Finding::new(&ALARMS, place(file, name), seen);
    findings.push(finding.with(Fix::command(format!(
        "aws cloudwatch put-metric-alarm --namespace AWS/ElastiCache --metric-name {first} --threshold LIMIT \
         --comparison-operator GreaterThanThreshold --statistic Maximum --period 60 --evaluation-periods 5 --alarm-name NAME \
         --dimensions Name=CacheClusterId,Value=NODE --alarm-actions TOPIC"
    ))));
}
