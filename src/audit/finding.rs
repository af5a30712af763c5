//! A rule that is broken: where, by what, and how to mend it.

use std::fmt;
use std::path::{Path, PathBuf};

use super::rule::Rule;
use crate::check::Severity;
use crate::text;

/// Where something was seen.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// A line of a configuration.
    Line {
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        number: u64,
    },
    /// A setting of a running server.
    Setting {
        /// Its address, without a password.
        server: String,
        /// The setting, or the field of `INFO`.
        name: String,
    },
    /// A setting that a configuration says nothing about.
    Unset {
        /// The file.
        file: PathBuf,
        /// The setting.
        name: String,
    },
    /// A file or directory.
    Path(PathBuf),
    /// A parameter of a parameter group, or a field of a replication group.
    ParameterGroup {
        /// The JSON file.
        file: PathBuf,
        /// The group, and the parameter or field.
        name: String,
    },
    /// Something of this machine, such as a file below `/proc`.
    Machine(String),
}

impl Place {
    /// The name of its kind in JSON.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Line { .. } => "line",
            Self::Setting { .. } => "setting",
            Self::Unset { .. } => "unset",
            Self::Path(_) => "path",
            Self::ParameterGroup { .. } => "parameter-group",
            Self::Machine(_) => "machine",
        }
    }

    /// The file that it is in, or is.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::Line { file, .. } | Self::Unset { file, .. } => Some(file),
            Self::Path(file) | Self::ParameterGroup { file, .. } => Some(file),
            Self::Setting { .. } | Self::Machine(_) => None,
        }
    }

    /// The line, where it is one.
    pub const fn line(&self) -> Option<u64> {
        match self {
            Self::Line { number, .. } => Some(*number),
            _ => None,
        }
    }

    /// The setting, parameter or thing of the machine that it names.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Setting { name, .. } | Self::Unset { name, .. } => Some(name),
            Self::ParameterGroup { name, .. } | Self::Machine(name) => Some(name),
            Self::Line { .. } | Self::Path(_) => None,
        }
    }

    /// The server that was asked.
    pub fn server(&self) -> Option<&str> {
        match self {
            Self::Setting { server, .. } => Some(server),
            _ => None,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line { file, number } => write!(f, "{}, line {number}", text::path(file)),
            Self::Setting { server, name } => write!(f, "{server}, {name}"),
            Self::Unset { file, name } => {
                write!(f, "{}, which is silent on {name}", text::path(file))
            }
            Self::Path(path) => f.write_str(&text::path(path)),
            Self::ParameterGroup { file, name } => write!(f, "{}, {name}", text::path(file)),
            Self::Machine(name) => f.write_str(name),
        }
    }
}

/// What to do about a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fix {
    /// A line to write into the configuration.
    Line(String),
    /// A command to run.
    Command(String),
    /// Something to do, in words.
    Text(String),
}

impl Fix {
    /// A line to write.
    pub fn line(text: impl Into<String>) -> Self {
        Self::Line(text.into())
    }

    /// A command to run.
    pub fn command(text: impl Into<String>) -> Self {
        Self::Command(text.into())
    }

    /// Something to do.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// The name of its kind in JSON.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Line(_) => "line",
            Self::Command(_) => "command",
            Self::Text(_) => "text",
        }
    }

    /// The line, the command or the words.
    pub fn what(&self) -> &str {
        match self {
            Self::Line(text) | Self::Command(text) | Self::Text(text) => text,
        }
    }
}

/// A rule that is broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The rule.
    pub rule: &'static Rule,
    /// How much it matters here.
    pub severity: Severity,
    /// What was seen, in words for people; holds no secret.
    pub seen: String,
    /// Where.
    pub place: Place,
    /// What to do, the best first.
    pub fix: Vec<Fix>,
}

impl Finding {
    /// A finding as severe as its rule says.
    pub fn new(rule: &'static Rule, place: Place, seen: impl Into<String>) -> Self {
        Self { rule, severity: rule.severity, seen: seen.into(), place, fix: Vec::new() }
    }

    /// The same, of another severity.
    pub fn as_severe_as(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }

    /// The same, with one thing more to do.
    pub fn with(mut self, fix: Fix) -> Self {
        self.fix.push(fix);
        self
    }
}
