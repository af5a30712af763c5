//! What a running server says, beside what its files say.

use aofkit::neighbours::Sizes;
use aofkit::server::{Condition, Replica, RoleOfServer, ServerState, Whose};
use aofkit::text::{count, name, tame, thousands};
use serde::Serialize;

use super::layout::wrap;
use super::units::Style;

/// The answer of a server that was asked beside a set.
pub struct Told {
    /// Where it was asked.
    pub address: String,
    pub state: ServerState,
    /// Whether the set is its own.
    pub whose: Whose,
    /// Its count of bytes and that of the files, where both are of the same files.
    pub sizes: Option<Sizes>,
}

#[derive(Serialize)]
pub struct RunningJson {
    pub address: String,
    pub family: &'static str,
    pub version: Option<String>,
    pub run_id: Option<String>,
    pub role: Option<&'static str>,
    /// Whether it keeps this set; null where that cannot be told.
    pub same_log: Option<bool>,
    pub aof_enabled: Option<bool>,
    pub aof_current_bytes: Option<u64>,
    /// What the files have, where they were held against that.
    pub files_bytes: Option<u64>,
    pub keys: u64,
    pub rewrite_in_progress: Option<bool>,
    pub rewrite_last_ok: Option<bool>,
    pub write_last_ok: Option<bool>,
    pub delayed_fsyncs: Option<u64>,
    pub replicas: Vec<ReplicaJson>,
    pub conditions: Vec<ConditionJson>,
}

#[derive(Serialize)]
pub struct ReplicaJson {
    pub address: String,
    pub state: String,
    pub lag_bytes: Option<u64>,
    pub lag_seconds: Option<u64>,
}

#[derive(Serialize)]
pub struct ConditionJson {
    pub kind: &'static str,
    pub severity: &'static str,
    pub message: String,
}

/// For scripts.
pub fn json(told: &Told) -> RunningJson {
    let said = &told.state;
    RunningJson {
        address: told.address.clone(),
        family: said.family,
        version: said.version.clone(),
        run_id: said.run_id.clone(),
        role: said.role.map(RoleOfServer::as_str),
        same_log: match told.whose {
            Whose::Its => Some(true),
            Whose::Another(_) => Some(false),
            Whose::Unknown(_) => None,
        },
        aof_enabled: said.aof_enabled,
        aof_current_bytes: said.aof_current_bytes,
        files_bytes: told.sizes.map(|sizes| sizes.files),
        keys: said.keys.values().sum(),
        rewrite_in_progress: said.rewrite_in_progress,
        rewrite_last_ok: said.rewrite_last_ok,
        write_last_ok: said.write_last_ok,
        delayed_fsyncs: said.delayed_fsyncs,
        replicas: replicas(said),
        conditions: conditions(said),
    }
}

/// The replicas of a server.
pub fn replicas(said: &ServerState) -> Vec<ReplicaJson> {
    let one = |replica: &Replica| ReplicaJson {
        address: replica.address.clone(),
        state: replica.state.clone(),
        lag_bytes: replica.lag_bytes,
        lag_seconds: replica.lag_seconds,
    };
    said.replicas.iter().map(one).collect()
}

/// What of a server concerns its files.
pub fn conditions(said: &ServerState) -> Vec<ConditionJson> {
    let one = |condition: Condition| ConditionJson {
        kind: condition.kind(),
        severity: if condition.is_warning() { "warning" } else { "info" },
        message: condition.to_string(),
    };
    said.conditions().into_iter().map(one).collect()
}

/// For people.
pub fn lines(told: &Told, style: Style) -> String {
    let said = &told.state;
    let version = tame(said.version.as_deref().unwrap_or("of unknown version"));
    let role = said.role.map_or_else(String::new, |role| format!(", {}", role.as_str()));
    let keys = count(said.keys.values().sum(), "key");
    let mut all = vec![format!(
        "server {} {version} at {}{role}, {keys}",
        said.family,
        name(told.address.as_bytes())
    )];
    match &told.whose {
        Whose::Its => {}
        Whose::Another(dir) => all.push(format!(
            "it works in {}: this set is not its own",
            name(dir.as_os_str().as_encoded_bytes())
        )),
        Whose::Unknown(why) => all.push(format!("whether this set is its own is not known: {why}")),
    }
    all.extend(told.sizes.and_then(sizes));
    all.extend(said.conditions().iter().map(ToString::to_string));
    all.iter().map(|line| wrap(line, style.width, "  ") + "\n").collect()
}

/// What it means that a server counts more than the files have. That it counts less means nothing: it may have been asked
/// before the last writes, and leaves out the base that it began with.
fn sizes(sizes: Sizes) -> Option<String> {
    let Sizes { counted, files } = sizes;
    let gone = counted.checked_sub(files).filter(|gone| *gone > 0)?;
    let gone = count(gone, "byte");
    Some(format!(
        "it counts {}, and the files have {}: it cut a torn end of {gone} at its start, or somebody took {gone} from a file \
         while it runs",
        count(counted, "byte"),
        thousands(files)
    ))
}
