//! What the command line of ElastiCache prints as JSON: parameters, parameter groups, replication groups and clusters.
//!
//! | printed by `aws elasticache` | begins with |
//! |---|---|
//! | `describe-cache-parameters --cache-parameter-group-name NAME` | `Parameters` |
//! | `describe-cache-parameter-groups` | `CacheParameterGroups` |
//! | `describe-replication-groups` | `ReplicationGroups` |
//! | `describe-cache-clusters` | `CacheClusters` |
//! | `describe-alarms` of `aws cloudwatch` | `MetricAlarms` |
//!
//! Content decides which it is; several may stand in one file. Source: the API reference of ElastiCache, version 2015-02-02. Fields
//! that are not there are unknown.

use std::path::{Path, PathBuf};

use serde::Deserialize;

/// What one file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Described {
    /// The file.
    pub path: PathBuf,
    /// Parameters of a group that the file does not name.
    pub parameters: Vec<Parameter>,
    /// Parameter groups.
    pub parameter_groups: Vec<ParameterGroup>,
    /// Replication groups.
    pub replication_groups: Vec<ReplicationGroup>,
    /// Clusters: of one node each where they are members of a replication group.
    pub clusters: Vec<CacheCluster>,
    /// Alarms of CloudWatch; `None` where the file says nothing of them.
    pub alarms: Option<Vec<Alarm>>,
}

/// An alarm.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Alarm {
    /// What it watches.
    pub metric_name: Option<String>,
    /// Whose metric that is.
    pub namespace: Option<String>,
}

/// A parameter and its value.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Parameter {
    /// Its name.
    pub parameter_name: String,
    /// Its value.
    pub parameter_value: Option<String>,
    /// `user` or `system`.
    pub source: Option<String>,
    /// Whether it can be set at all.
    pub is_modifiable: Option<bool>,
    /// The first engine version that has it.
    pub minimum_engine_version: Option<String>,
}

/// A parameter group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ParameterGroup {
    /// Its name.
    pub cache_parameter_group_name: String,
    /// The engines that it is for: `redis7`.
    pub cache_parameter_group_family: Option<String>,
}

/// A primary with its replicas, or several of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ReplicationGroup {
    /// Its name.
    pub replication_group_id: String,
    /// Its shards.
    pub node_groups: Option<Vec<NodeGroup>>,
    /// `enabled`, `disabled`, or on its way.
    pub automatic_failover: Option<String>,
    /// The same of nodes in several zones.
    #[serde(rename = "MultiAZ")]
    pub multi_az: Option<String>,
    /// Days that snapshots are kept; 0: there are none.
    pub snapshot_retention_limit: Option<u32>,
    /// The type of its nodes.
    pub cache_node_type: Option<String>,
    /// A password is asked for.
    pub auth_token_enabled: Option<bool>,
    /// Users may be asked for.
    pub user_group_ids: Option<Vec<String>>,
    /// TLS.
    pub transit_encryption_enabled: Option<bool>,
    /// `preferred` or `required`.
    pub transit_encryption_mode: Option<String>,
    /// Snapshots and swap are encrypted.
    pub at_rest_encryption_enabled: Option<bool>,
    /// Minor versions are brought in by themselves.
    pub auto_minor_version_upgrade: Option<bool>,
}

/// A shard.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct NodeGroup {
    /// Its name.
    pub node_group_id: Option<String>,
    /// Its nodes, the primary among them.
    pub node_group_members: Option<Vec<Member>>,
}

/// A node of a shard.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Member {
    /// The zone that it is in.
    pub preferred_availability_zone: Option<String>,
}

/// A cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct CacheCluster {
    /// Its name.
    pub cache_cluster_id: String,
    /// `redis`, `valkey` or `memcached`.
    pub engine: Option<String>,
    /// Its version.
    pub engine_version: Option<String>,
    /// The type of its nodes.
    pub cache_node_type: Option<String>,
    /// The replication group that it is in.
    pub replication_group_id: Option<String>,
    /// Its parameter group.
    pub cache_parameter_group: Option<GroupStatus>,
    /// Days that snapshots are kept.
    pub snapshot_retention_limit: Option<u32>,
    /// TLS.
    pub transit_encryption_enabled: Option<bool>,
}

/// Which parameter group a cluster has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct GroupStatus {
    /// Its name.
    pub cache_parameter_group_name: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Printed {
    parameters: Option<Vec<Parameter>>,
    cache_parameter_groups: Option<Vec<ParameterGroup>>,
    replication_groups: Option<Vec<ReplicationGroup>>,
    cache_clusters: Option<Vec<CacheCluster>>,
    metric_alarms: Option<Vec<Alarm>>,
}

impl Described {
    /// What a file says.
    ///
    /// # Errors
    /// Why it is none of the four, in words.
    pub fn parse(path: &Path, bytes: &[u8]) -> Result<Self, String> {
        let printed: Printed = serde_json::from_slice(bytes)
            .map_err(|e| format!("it is not the JSON that `aws` prints: {e}"))?;
        let is_empty = printed.parameters.is_none()
            && printed.cache_parameter_groups.is_none()
            && printed.replication_groups.is_none()
            && printed.cache_clusters.is_none()
            && printed.metric_alarms.is_none();
        if is_empty {
            return Err("it has none of Parameters, CacheParameterGroups, ReplicationGroups, CacheClusters and MetricAlarms, \
                 which `aws elasticache describe-...` and `aws cloudwatch describe-alarms` print"
                .to_owned());
        }
        Ok(Self {
            path: path.to_owned(),
            parameters: printed.parameters.unwrap_or_default(),
            parameter_groups: printed.cache_parameter_groups.unwrap_or_default(),
            replication_groups: printed.replication_groups.unwrap_or_default(),
            clusters: printed.cache_clusters.unwrap_or_default(),
            alarms: printed.metric_alarms,
        })
    }

    /// Whether all that it lists is none.
    pub fn is_empty(&self) -> bool {
        self.parameters.is_empty()
            && self.parameter_groups.is_empty()
            && self.replication_groups.is_empty()
            && self.clusters.is_empty()
            && self.alarms.is_none()
    }

    /// The value of a parameter.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        let found = self.parameters.iter().find(|one| one.parameter_name == name)?;
        found.parameter_value.as_deref()
    }
}

/// The first Redis version on ElastiCache that keeps no append-only file.
pub const WITHOUT_LOG: (u32, u32, u32) = (2, 8, 22);

/// Whether servers of this engine and version keep an append-only file on ElastiCache; `None` where that cannot be told.
/// Source: "Append only files (AOF) in ElastiCache", user guide: not from Redis 2.8.22 on.
pub fn keeps_log(engine: &str, version: &str) -> Option<bool> {
    match engine {
        "valkey" => Some(false),
        "redis" => {
            let mut numbers = version.split('.').map(|part| part.parse::<u32>().ok());
            let major = numbers.next()??;
            let minor = numbers.next().flatten();
            let patch = numbers.next().flatten();
            if major != 2 {
                return Some(major < 2);
            }
            match (minor, patch) {
                (Some(minor), _) if minor != 8 => Some(minor < 8),
                (Some(minor), Some(patch)) => Some((major, minor, patch) < WITHOUT_LOG),
                _ => None,
            }
        }
        _ => None,
    }
}

/// Engine and version of a family: `redis7`, `redis6.x`, `valkey8`.
pub fn of_family(family: &str) -> Option<(&str, &str)> {
    let at = family.find(|c: char| c.is_ascii_digit())?;
    Some(family.split_at(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_old_redis_keeps_a_log() {
        for (engine, version, keeps) in [
            ("redis", "2.6.13", Some(true)),
            ("redis", "2.8.21", Some(true)),
            ("redis", "2.8.22", Some(false)),
            ("redis", "2.8", None),
            ("redis", "3.2.10", Some(false)),
            ("redis", "6.x", Some(false)),
            ("redis", "7", Some(false)),
            ("valkey", "8", Some(false)),
            ("memcached", "1.6", None),
        ] {
            assert_eq!(keeps_log(engine, version), keeps, "{engine} {version}");
        }
        assert_eq!(of_family("redis6.x"), Some(("redis", "6.x")));
        assert_eq!(of_family("valkey8"), Some(("valkey", "8")));
    }

    #[test]
    fn json_of_something_else_is_named() {
        let parse = |text: &str| Described::parse("f".as_ref(), text.as_bytes());
        assert!(parse("{}").unwrap_err().contains("ReplicationGroups"));
        assert!(parse("[1").unwrap_err().contains("JSON"));
        assert!(parse("{\"Parameters\": []}").is_ok());
    }
}
