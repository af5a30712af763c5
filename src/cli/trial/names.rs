//! The names of all commands in a copy, looked at before a server is given it.

use std::path::Path;

use aofkit::aof::{Aof, Event, OpenOptions};
use aofkit::command::{may_be_trap, trap};
use aofkit::error::{Error, ErrorKind, Result};
use aofkit::progress::Progress;
use aofkit::scan::{Context, Observer, Pace, scan};

/// A copy without a command that no server logs.
#[derive(Clone, Copy, Debug)]
pub struct Looked {
    /// As large as it is.
    pub bytes: u64,
}

/// Looks at every record of the set whose files a server is to be given.
///
/// # Errors
/// [`ErrorKind::NotTried`] when there is such a command; or when not all of it can be read: then nothing is known of it.
pub fn look(copy: &Path, progress: &dyn Progress) -> Result<Looked> {
    let aof = Aof::open(copy, &OpenOptions::default())?;
    let bytes = aof.live().filter_map(|(_, segment)| segment.len()).sum();
    match scan(&aof, Names::default(), &Pace::default(), progress)? {
        None => Ok(Looked { bytes }),
        Some((position, offset, command)) => {
            let file = aofkit::text::name(&aof.segments[position].name);
            let why = format!("not loaded: the log holds {command} at {file}:{offset}");
            Err(Error::new(ErrorKind::NotTried(why), copy))
        }
    }
}

/// The first command that stops a trial: in which segment, where, and what it is.
#[derive(Default)]
struct Names(Option<(usize, u64, String)>);

impl Observer for Names {
    type Report = Option<(usize, u64, String)>;

    fn observe(&mut self, at: &Context, event: &Event<'_>) {
        let Event::Record(record, _) = event else { return };
        if self.0.is_none() {
            let mut args = record.args().map(|arg| arg.head);
            let Some(name) = args.next().filter(|name| may_be_trap(name)) else { return };
            let first = args.next();
            let found = trap(name, first).map(|_| told(name, first));
            self.0 = found.map(|command| (at.segment, record.start, command));
        }
    }

    fn is_done(&self) -> bool {
        self.0.is_some()
    }

    fn finish(self) -> Self::Report {
        self.0
    }
}

/// Commands that say little without the word after them.
const CONTAINERS: [&str; 13] = [
    "ACL",
    "CLIENT",
    "CLUSTER",
    "COMMANDLOG",
    "CONFIG",
    "DEBUG",
    "HOTKEYS",
    "LATENCY",
    "MEMORY",
    "MODULE",
    "SCRIPT",
    "SENTINEL",
    "SLOWLOG",
];

/// `MODULE LOAD`, whatever case it is written in.
fn told(name: &[u8], first: Option<&[u8]>) -> String {
    let upper = |bytes: &[u8]| aofkit::text::escape(&bytes.to_ascii_uppercase());
    let name = upper(name);
    match first.filter(|first| CONTAINERS.contains(&&*name) && first.len() <= 32) {
        Some(first) => format!("{name} {}", upper(first)),
        None => name,
    }
}
