//! Filters as they are typed, shared by the verbs that select records.

use aofkit::scan::{Filter, Selected};
use aofkit::text::{count, name};
use clap::Args as ClapArgs;
use jiff::Timestamp;

use super::context::Context;
use super::times;

#[derive(Clone, Debug, ClapArgs)]
#[command(
    next_help_heading = "Filters (all that are given must fit; of one given several times, any)"
)]
pub struct FilterArgs {
    /// Only this database
    #[arg(long, value_name = "N", env = "AOFKIT_DB", value_delimiter = ',')]
    db: Vec<u64>,
    /// Only commands on a key that matches this pattern, as for KEYS: 'user:*'
    #[arg(long, value_name = "GLOB", env = "AOFKIT_KEY")]
    key: Vec<String>,
    /// Only commands on a key that matches this regular expression
    #[arg(long, value_name = "REGEX", env = "AOFKIT_KEY_REGEX")]
    key_regex: Vec<String>,
    /// Only this command: SET, XGROUP (with its subcommands), or 'XGROUP|CREATE'
    #[arg(long, value_name = "NAME", env = "AOFKIT_COMMAND", value_delimiter = ',')]
    command: Vec<String>,
    /// Only commands logged at this time or later: 2026-11-24T03:00:00Z, @1764000000, or 2h (ago).
    ///
    /// Times come from the #TS annotations of aof-timestamp-enabled
    #[arg(long, value_name = "TIME", env = "AOFKIT_SINCE")]
    since: Option<String>,
    /// Only commands logged at this time or earlier
    #[arg(long, value_name = "TIME", env = "AOFKIT_UNTIL")]
    until: Option<String>,
}

impl FilterArgs {
    /// What they select, or why they make no sense.
    pub fn filter(&self, context: &Context) -> Result<Filter, String> {
        let mut filter = Filter::default();
        self.db.iter().for_each(|db| filter.add_db(*db));
        self.key.iter().for_each(|pattern| filter.add_key_pattern(pattern.as_bytes()));
        for expression in &self.key_regex {
            filter.add_key_regex(expression).map_err(|why| format!("--key-regex: {why}"))?;
        }
        for name in &self.command {
            if !filter.add_command(name.as_bytes()) && !is_renamed(name, context) {
                context.note(&format!(
                    "no known server has a command '{name}', and no --conf gives a command that name"
                ));
            }
        }
        let now = Timestamp::now();
        let time = |flag: &str, text: &Option<String>| {
            let parsed = text.as_ref().map(|text| times::parse(text, now)).transpose();
            parsed.map_err(|why| format!("{flag}: {why}"))
        };
        let (since, until) = (time("--since", &self.since)?, time("--until", &self.until)?);
        if since.zip(until).is_some_and(|(since, until)| since > until) {
            return Err("--since is later than --until".to_owned());
        }
        // Annotations have whole seconds: one logged in the middle of a second counts as its beginning.
        if let Some(since) = since {
            filter.since(since.as_second() + i64::from(since.subsec_nanosecond() > 0));
        }
        if let Some(until) = until {
            filter.until(until.as_second());
        }
        Ok(filter)
    }
}

/// Whether the configuration gives a command this name; what is wrong with it is told where the set is opened.
fn is_renamed(name: &str, context: &Context) -> bool {
    context.names().is_ok_and(|names| names.has_given(name.as_bytes()))
}

/// Says what was left out for want of a time.
pub fn note_undated(path: &std::path::Path, selected: Selected, context: &Context) {
    if selected.undated > 0 {
        let path = name(path.as_os_str().as_encoded_bytes());
        let what = count(selected.undated, "command");
        context.note(&format!(
            "{path}: {what} left out that no #TS annotation dates (aof-timestamp-enabled was off)"
        ));
    }
}
