//! How many databases there are by the configuration, and which commands name one.

use crate::aof::Aof;
use crate::format::conf::Settings;
use crate::rules::Target;

/// How many databases this server has by the configuration of the set; `None` where there is none.
pub(super) fn databases(aof: &Aof, target: Target) -> Option<u64> {
    let settings: &Settings = aof.configured.then_some(&aof.settings)?;
    let number = match settings.cluster_enabled {
        Some(true) if target.rules.directives.has(b"cluster-databases") => {
            settings.cluster_databases.unwrap_or(1)
        }
        Some(true) => 1,
        _ => settings.databases(),
    };
    Some(number.into())
}

/// Whether a record of this command may name a database other than the selected one.
pub(super) fn names_database(command: &str) -> bool {
    ["MOVE", "COPY", "SWAPDB"].contains(&command)
}
