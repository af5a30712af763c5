//! What the server's configuration makes of the set, and what a server makes of the configuration.

use std::os::unix::ffi::OsStrExt;

use super::databases::databases;
use super::finding::{Kind, Problem, Severity};
use super::scene::{Scene, times};
use super::seen::Seen;
use crate::aof::{Aof, Layout, Line};
use crate::command::Renames;
use crate::limits;
use crate::rules::Target;
use crate::text::{self, thousands};

/// A database that the configuration does not give.
pub(super) fn beyond(scene: &Scene<'_>, seen: &Seen, db: u64, is_rdb: bool) -> Problem {
    let (aof, target) = (scene.aof, scene.aof.target());
    let there = match databases(aof, target) {
        Some(1) if aof.settings.cluster_enabled == Some(true) => {
            "a node of a cluster (cluster-enabled yes) has database 0 alone".to_owned()
        }
        there => {
            let there = text::count(there.unwrap_or_default(), "database");
            format!("the configuration gives {there}")
        }
    };
    let then = match is_rdb {
        true => format!("{target} refuses to start"),
        false => format!(
            "{target} would log an error and go on in the database selected before: keys would come to lie where they \
             do not belong"
        ),
    };
    let what = if is_rdb { "the RDB has keys in" } else { "the log goes to" };
    let message = format!("{what} database {db}{}, and {there}; {then}", times(seen));
    let problem = scene.problem(Kind::RefusedByConfiguration, Severity::Error, seen, message);
    // Nothing is broken, wherever it stands.
    Problem { at_the_end: false, ..problem }
}

/// What is to be said of the configuration itself.
pub(super) fn problems(aof: &Aof) -> Vec<Problem> {
    let Some(configuration) = &aof.configuration else { return Vec::new() };
    let mut found: Vec<_> = not_read(aof).into_iter().collect();
    let mut renames = Renames::default();
    let (mut listed, mut unlisted) = (0, 0);
    for line in &configuration.lines {
        let Some(why) = refusal(aof, line, &mut renames) else { continue };
        listed += 1;
        if listed > limits::SET_PROBLEMS {
            unlisted += 1;
            continue;
        }
        found.push(refused(aof.target(), line, &why));
    }
    if unlisted > 0 {
        let message = format!("{} more lines that are refused are not listed", thousands(unlisted));
        let path = configuration.path.as_os_str().as_bytes();
        found.push(Problem::of_file(Kind::LimitExceeded, Severity::Info, path, message));
    }
    found
}

/// Why the target does not take a line.
fn refusal(aof: &Aof, line: &Line, renames: &mut Renames) -> Option<String> {
    let target = aof.target();
    let Some(directive) = &line.directive else { return line.refused.clone() };
    let by_form = target.refusal(directive, &aof.settings);
    let is_rename = directive.name == b"rename-command";
    let by_name = is_rename.then(|| target.refuses_rename(directive, renames)).flatten();
    by_form.or(by_name).or_else(|| line.refused.clone())
}

fn refused(target: Target, line: &Line, why: &str) -> Problem {
    let name = line.directive.as_ref().map(|directive| text::name(&directive.name));
    let name = name.map_or_else(|| "this line".to_owned(), |name| format!("\"{name}\""));
    let message = format!(
        "{target} does not start with {name} in line {}: {why}. What is said of the set leaves the line out",
        line.number
    );
    let file = line.file.as_os_str().as_bytes();
    let problem = Problem::of_file(Kind::ServerTrap, Severity::Warning, file, message);
    Problem { line: Some(line.number), offset: Some(line.at), ..problem }
}

/// A set that the configured server does not look at.
fn not_read(aof: &Aof) -> Option<Problem> {
    let is_snapshot = aof.layout == Layout::SingleFile
        && aof.segments.first().is_some_and(|s| *s.name == *aof.settings.db_file_name());
    if is_snapshot {
        return None;
    }
    let target = aof.target();
    let (severity, why) = match aof.settings.append_only {
        Some(true) => return None,
        Some(false) => (Severity::Warning, "the configuration says appendonly no"),
        None => {
            (Severity::Info, "the configuration does not say appendonly yes, and no is the default")
        }
    };
    let message = format!(
        "{why}: {target} does not read this set when it starts with that; it reads {}, where that is there",
        match aof.settings.db_file_name() {
            b"" => "nothing".to_owned(),
            dump => text::name(dump),
        }
    );
    Some(Problem::of_set(Kind::ServerTrap, severity, message))
}
