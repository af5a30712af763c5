//! What `aofkit repair` found, for whoever prints it.

use aofkit::aof::Aof;
use aofkit::change::{Entry, Plan, State, Undo};
use aofkit::check::Report;
use aofkit::repair::{Way, inner::Inner};
use aofkit::text::{count, shell_word};

use crate::cli::changing::{Changing, Run};

/// A repair and all that should be known of it.
pub struct Repair {
    pub run: Run,
    pub inner: Option<Inner>,
    /// For damage inside that no word was given for.
    pub ways: Vec<Way>,
}

/// What `--undo` lists and does.
pub struct Undone {
    pub aof: Aof,
    pub entries: Vec<Entry>,
    pub last: Option<Undo>,
    pub applied: bool,
    /// The judgement on what lies there now.
    pub now: Report,
}

/// The command that takes the last change of this plan's set back.
pub fn undo_command(plan: &Plan, changing: &Changing) -> Option<String> {
    let word = |path: &std::path::Path| shell_word(path.as_os_str().as_encoded_bytes());
    let keep_in = match &changing.keep_in {
        Some(dir) => format!(" --keep-in {}", word(dir)?),
        None => String::new(),
    };
    Some(format!("aofkit repair --undo --apply{keep_in} {}", word(&plan.path)?))
}

/// How a kept change is called for people.
pub fn state(entry: &Entry) -> &'static str {
    match entry.state {
        State::Begun | State::Ready => "cut short",
        State::Done => "done",
        State::Undone => "taken back",
    }
}

/// `3 files, 45 bytes kept`
pub fn kept(entry: &Entry) -> String {
    entry.journal.as_ref().map_or_else(
        || "its journal cannot be read".to_owned(),
        |j| {
            let files = j.files().count() as u64;
            format!("{}, {} kept", count(files, "file"), count(j.kept_bytes(), "byte"))
        },
    )
}
