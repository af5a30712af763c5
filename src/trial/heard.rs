//! What a server says while it loads: which line tells why it gave up, and the errors that did not stop it.

/// Kinds of errors that are told of one load; the rest is counted.
const KINDS: usize = 50;

/// Bytes of a line that are kept.
const LINE: usize = 2000;

/// An error that a server met while it loaded, and went on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Complaint {
    /// The first line of its kind, without time and process.
    pub line: String,
    /// How many there were.
    pub count: u64,
    kind: String,
}

/// What was heard so far.
#[derive(Debug, Default)]
pub(super) struct Heard {
    /// Seconds that it says it took.
    pub seconds: Option<f64>,
    /// Errors by kind, in the order of their first.
    pub errors: Vec<Complaint>,
    /// How many were of further kinds.
    pub unlisted: u64,
    /// It says that it cut the log.
    pub has_cut: bool,
    /// The first of the warnings that were the last thing it said.
    run: Option<String>,
    /// The same, from before it said something else.
    earlier: Option<String>,
    /// Why it crashed.
    crash: Option<String>,
    in_report: bool,
    /// What it said that is no line of a log.
    raw: Vec<String>,
}

impl Heard {
    pub fn line(&mut self, line: &str) {
        self.seconds = seconds(line).or(self.seconds);
        self.has_cut |= line.contains("Truncating the AOF");
        if line.contains(" BUG REPORT START") {
            self.in_report = true;
            return;
        }
        match message(line) {
            Some((_, text)) if self.in_report => self.crashes(text),
            None if self.in_report => {}
            Some(('#', text)) => self.warns(text),
            Some(_) => self.earlier = self.run.take().or(self.earlier.take()),
            None if !line.trim().is_empty() && self.raw.len() < KINDS => {
                self.raw.push(kept(line.trim()));
            }
            None => {}
        }
    }

    fn warns(&mut self, text: &str) {
        if is_of_a_start(text) {
            return;
        }
        if text.starts_with("== CRITICAL ==") {
            self.complains(text);
        } else if self.run.is_none() {
            self.run = Some(kept(text));
        }
    }

    fn complains(&mut self, text: &str) {
        let kind: String = text.chars().take(LINE).filter(|c| !c.is_ascii_digit()).collect();
        if let Some(known) = self.errors.iter_mut().find(|one| one.kind == kind) {
            known.count += 1;
        } else if self.errors.len() < KINDS {
            self.errors.push(Complaint { line: kept(text), count: 1, kind });
        } else {
            self.unlisted += 1;
        }
    }

    /// The first line of a crash report that says why.
    fn crashes(&mut self, text: &str) {
        let says = ["==> ", "Guru Meditation: "].iter().any(|begin| text.starts_with(begin))
            || text.contains(" crashed by signal: ");
        if says && self.crash.is_none() {
            self.crash = Some(kept(text));
        }
    }

    /// The line that tells why it did not start: what it said before it crashed or left, not the last line of a report.
    pub fn fatal(&self) -> Option<String> {
        let raw = || self.raw.iter().find(|line| !line.starts_with("***")).cloned();
        let said = self.run.clone().or_else(|| self.crash.clone());
        said.or_else(|| self.earlier.clone()).or_else(raw)
    }
}

/// The seconds in `DB loaded from append only file: 1.234 seconds`, or `from disk`.
pub(super) fn seconds(line: &str) -> Option<f64> {
    let begins = ["DB loaded from append only file: ", "DB loaded from disk: "];
    let (_, rest) = begins.iter().find_map(|begin| line.split_once(begin))?;
    rest.split(' ').next()?.parse().ok()
}

/// Level and text of a line such as `1:M 01 Jan 2026 00:00:00.000 # text`.
fn message(line: &str) -> Option<(char, &str)> {
    let mut parts = line.splitn(7, ' ');
    let (process, _) = parts.next()?.split_once(':')?;
    if process.is_empty() || !process.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let level = parts.nth(4)?;
    let mut signs = level.chars();
    let sign = signs.next().filter(|sign| ".-*#".contains(*sign) && signs.next().is_none())?;
    Some((sign, parts.next().unwrap_or_default()))
}

/// What every start of a server warns of, whatever it loads.
fn is_of_a_start(text: &str) -> bool {
    let begins = [
        "WARNING",
        "Warning: ",
        "oO0OoO0",
        "Redis version=",
        "Configuration loaded",
        "Server initialized",
    ];
    begins.iter().any(|begin| text.starts_with(begin))
}

fn kept(text: &str) -> String {
    let end = (0..=LINE.min(text.len())).rev().find(|at| text.is_char_boundary(*at));
    text[..end.unwrap_or(0)].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(lines: &[&str]) -> Heard {
        let mut heard = Heard::default();
        for line in lines {
            match line.split_once(' ') {
                Some((level @ ("#" | "*"), text)) => {
                    heard.line(&format!("1:M 01 Jan 2026 00:00:00.000 {level} {text}"));
                }
                _ => heard.line(line),
            }
        }
        heard
    }

    #[test]
    fn the_time_is_taken_from_the_servers_log() {
        let line = "1:M 01 Jan 2026 00:00:00.000 * DB loaded from append only file: 0.125 seconds";
        assert_eq!(seconds(line), Some(0.125));
        assert_eq!(seconds("* DB loaded from base file x: 0.1 seconds"), None);
    }

    #[test]
    fn the_fatal_line_is_the_one_that_says_why_and_not_the_last_of_a_report() {
        let crashed = heard(&[
            "# WARNING overcommit_memory is set to 0!",
            "# Server initialized",
            "* Reading RDB base file on AOF loading...",
            "# RDB has duplicated key 'k0' in DB 0",
            "",
            "=== VALKEY BUG REPORT START: Cut & paste starting from here ===",
            "# ------------------------------------------------",
            "# Guru Meditation: Duplicated key found in RDB file #rdb.c:3457",
            "------ STACK TRACE ------",
            "# the last line",
        ]);
        assert_eq!(crashed.fatal().as_deref(), Some("RDB has duplicated key 'k0' in DB 0"));
        let died = heard(&[
            "* Ready",
            "=== REDIS BUG REPORT START: Cut & paste starting from here ===",
            "# Redis 7.0.15 crashed by signal: 11, si_code: 1",
            "# Accessing address: (nil)",
        ]);
        let fatal = died.fatal();
        assert_eq!(fatal.as_deref(), Some("Redis 7.0.15 crashed by signal: 11, si_code: 1"));
        let left = heard(&[
            "# Can't handle RDB format version 12",
            "# Error reading the RDB base file a, AOF loading aborted",
            "# Fatal error loading the DB, check server logs. Exiting.",
        ]);
        assert_eq!(left.fatal().as_deref(), Some("Can't handle RDB format version 12"));
        let misled =
            heard(&["*** FATAL CONFIG FILE ERROR (Redis 7.4) ***", "Reading the file, at line 5"]);
        assert_eq!(misled.fatal().as_deref(), Some("Reading the file, at line 5"));
    }

    #[test]
    fn errors_are_counted_by_kind_and_are_not_why_it_left() {
        let line = "# == CRITICAL == This server is sending an error to its AOF-loading-client: 'WRONGTYPE x' \
                    after processing the command 'incr'";
        let other = line.replace("incr", "restore");
        let heard = heard(&[line, line, &other, "# Bad file format reading the append only file"]);
        let counts: Vec<_> = heard.errors.iter().map(|one| one.count).collect();
        assert_eq!(counts, [2, 1]);
        assert!(heard.fatal().unwrap().starts_with("Bad file format"));
    }
}
