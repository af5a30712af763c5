//! Configurations to be changed: the guide's, and what each server has by default written out as lines.

use std::fs;
use std::path::Path;

/// The lines of the guide, with the comment behind the port on a line of its own.
pub fn guide() -> Vec<String> {
    let text = fs::read_to_string(guide_path()).unwrap();
    let mended = text.replace("port 0  # Disable", "# Disable\nport 0\n# Disable");
    mended.lines().map(str::to_owned).collect()
}

/// The guide's configuration, as it is.
pub fn guide_path() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/configurations/guide.conf")
}

/// Every default of a server, a line each.
pub fn defaults(server: &str) -> Vec<String> {
    let of = |row: (&str, &str, &str)| {
        let (name, value, servers) = row;
        let has = servers == "*" || servers.split(',').any(|one| one == server);
        has.then(|| line(name, value))
    };
    rows().into_iter().filter_map(of).collect()
}

/// The recorded defaults: name, value, servers.
pub fn rows() -> Vec<(&'static str, &'static str, &'static str)> {
    let cells = |row: &'static str| {
        let mut cells = row.split('\t');
        Some((cells.next()?, cells.next()?, cells.next()?))
    };
    include_str!("../../src/rules/settings.txt").lines().filter_map(cells).collect()
}

/// A setting as a line: several words where the server takes several.
fn line(name: &str, value: &str) -> String {
    let is_of_several = ["bind", "save", "client-output-buffer-limit", "oom-score-adj-values"]
        .contains(&name)
        || name == "latency-tracking-info-percentiles";
    match is_of_several && !value.is_empty() {
        true => format!("{name} {value}"),
        false => format!("{name} \"{value}\""),
    }
}
