//! What the answer of a running server adds to what its files say.

use crate::aof::Aof;
use crate::format::conf::Settings;
use crate::server::ServerState;
use crate::text::{count, name, thousands};

use super::trigger::{Since, Trigger};

/// The settings in force: the server's where it tells them, else those of a configuration.
pub(super) fn settings(own: &Settings, server: Option<&ServerState>) -> Settings {
    let mut settings = own.clone();
    let Some(server) = server else { return settings };
    settings.auto_rewrite_percentage =
        server.rewrite_percentage.or(settings.auto_rewrite_percentage);
    settings.auto_rewrite_min_bytes = server.rewrite_min_bytes.or(settings.auto_rewrite_min_bytes);
    settings.use_rdb_preamble = server.rdb_preamble.or(settings.use_rdb_preamble);
    settings
}

/// The rule in the eyes of the server that runs, by its own count; `None` when it keeps no log or does not tell.
pub(super) fn counted(trigger: &Trigger, server: Option<&ServerState>) -> Option<Trigger> {
    let server = server.filter(|server| server.aof_enabled == Some(true))?;
    let (base_bytes, current_bytes) = (server.aof_base_bytes?, server.aof_current_bytes?);
    let files = trigger.current_bytes;
    Some(Trigger {
        since: Since::Running,
        base_bytes,
        current_bytes,
        uncounted_bytes: files.saturating_sub(current_bytes),
        ..*trigger
    })
}

/// Whether the server keeps the log that was read; `None` when it does not tell.
pub(super) fn is_its_log(aof: &Aof, server: &ServerState) -> Option<bool> {
    let file = aof.manifest.as_ref().map_or(aof.path.as_path(), |manifest| &manifest.path);
    server.keeps_log_at(file)
}

/// Where the server and what lies here disagree, in words.
pub(super) fn differences(aof: &Aof, server: &ServerState, files: u64) -> Vec<String> {
    let mut told = Vec::new();
    if is_its_log(aof, server) == Some(false) {
        let own = server.log_path().unwrap_or_default();
        told.push(format!(
            "the server's log is {}, as seen on its own machine: what was read here is a copy, another mount of it, \
             or another set",
            name(own.as_os_str().as_encoded_bytes())
        ));
    }
    if server.aof_enabled == Some(false) {
        told.push(
            "the server keeps no log (appendonly no): what lies here does not grow".to_owned(),
        );
    }
    if let Some(counted) = server.aof_current_bytes {
        told.extend(sizes(files, counted, server.aof_base_bytes));
    }
    if aof.configured {
        let own = &aof.settings;
        let pairs = [
            (
                "auto-aof-rewrite-percentage",
                Some(u64::from(own.auto_rewrite_percentage())),
                server.rewrite_percentage.map(u64::from),
            ),
            (
                "auto-aof-rewrite-min-size",
                Some(own.auto_rewrite_min_bytes()),
                server.rewrite_min_bytes,
            ),
        ];
        for (setting, own, said) in pairs {
            if let Some((own, said)) = own.zip(said).filter(|(own, said)| own != said) {
                told.push(format!(
                    "{setting} is {said} in the server and {own} in the configuration: it was changed with CONFIG \
                     SET and is gone after a restart, or the file was changed since the start"
                ));
            }
        }
    }
    told
}

/// How the size of the files and the server's count differ, where that tells something.
fn sizes(files: u64, counted: u64, base: Option<u64>) -> Option<String> {
    let apart = files.abs_diff(counted);
    if apart == 0 {
        return None;
    }
    let why = match (files > counted, base) {
        (true, Some(0)) => "it leaves out the base that it began with",
        (true, _) => {
            "more was appended since it was asked, or files lie here that it does not write"
        }
        (false, _) => {
            "more was appended since the files were opened, or what was read is an older copy"
        }
    };
    Some(format!(
        "the server counts {}, the files have {}, which is {} {}: {why}",
        count(counted, "byte"),
        count(files, "byte"),
        thousands(apart),
        if files > counted { "more" } else { "less" }
    ))
}
