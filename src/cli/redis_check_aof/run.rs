//! One run: what is asked for, and what is said meanwhile.

use std::io::Write;

use aofkit::check::preamble::Tool;
use aofkit::check::strict::Strict;
use aofkit::text::tame_bytes;

/// What the tool calls itself.
pub const fn called(tool: Tool) -> &'static str {
    match tool {
        Tool::Redis => "redis-check-aof",
        Tool::Valkey => "valkey-check-aof",
    }
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    Check,
    Fix,
    /// Cut what was written after this second.
    Until(i64),
}

/// Why the run is over before its end. It has been told.
pub struct Ended;

pub type Told<T> = Result<T, Ended>;

/// One run: what is asked for, and what goes from file to file.
pub struct Run {
    pub lines: Strict,
    pub wish: Wish,
    pub tool: Tool,
    /// Where what was cut is kept, and how it comes back.
    pub kept: Option<String>,
}

impl Run {
    /// Prints. Where standard output is gone the exit status still tells. Names and bytes of the file are in it,
    /// which that program prints as they are, and a terminal would obey.
    pub fn say(&self, text: &[u8]) {
        let mut out = std::io::stdout().lock();
        let _ = out.write_all(&tame_bytes(text)).and_then(|()| out.flush());
    }

    /// Prints, and ends the run.
    pub fn end<T>(&self, text: &[u8]) -> Told<T> {
        self.say(text);
        Err(Ended)
    }

    /// Reads the answer to a question: only its first byte counts.
    pub fn asks(&self) -> bool {
        self.say(b"Continue? [y/N]: ");
        let mut answer = [0];
        let read = std::io::Read::read(&mut std::io::stdin().lock(), &mut answer);
        read.is_ok_and(|n| n == 1) && answer[0].eq_ignore_ascii_case(&b'y')
    }
}

/// What the system says about an error, without Rust's number behind it.
pub fn reason(error: &aofkit::error::Error) -> String {
    use std::error::Error;
    let Some(source) = error.source() else { return error.to_string() };
    let text = source.to_string();
    match text.find(" (os error ") {
        Some(end) => text[..end].to_owned(),
        None => text,
    }
}

/// A file to look at.
pub struct File<'a> {
    /// The path that was asked for.
    pub set: &'a [u8],
    /// Where it lies.
    pub path: &'a [u8],
    /// How it is called: by the manifest, or as it was asked for.
    pub name: &'a [u8],
    /// It begins with an RDB.
    pub has_rdb: bool,
    /// No other file is loaded after it.
    pub is_last: bool,
}
