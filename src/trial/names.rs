//! The names of all commands in a copy, looked at before a server is given it.

use std::path::Path;

use crate::aof::{Aof, Event, OpenOptions};
use crate::command::{may_be_trap, trap};
use crate::error::{Error, ErrorKind, Result};
use crate::progress::Progress;
use crate::scan::{Context, Observer, Pace, scan};

/// A copy without a command that no server logs.
#[derive(Clone, Copy, Debug)]
pub struct Looked {
    /// As large as it is.
    pub bytes: u64,
    /// Bytes of the RDB that a set begins with: keys take more in memory than they do there. 0 where there is none, or
    /// where a server leaves out what has expired.
    pub base_bytes: u64,
}

/// Looks at every record of the set whose files a server is to be given.
///
/// # Errors
/// [`ErrorKind::NotTried`] when there is such a command; or when not all of it can be read: then nothing is known of it.
pub fn look(copy: &Path, progress: &dyn Progress) -> Result<Looked> {
    let aof = Aof::open(copy, &OpenOptions::default())?;
    let bytes = aof.live().filter_map(|(_, segment)| segment.len()).sum();
    let names = scan(&aof, Names::default(), &Pace::default(), progress)?;
    let base_bytes = if aof.manifest.is_some() { names.rdb_bytes } else { 0 };
    match names.found {
        None => Ok(Looked { bytes, base_bytes }),
        Some((position, offset, command)) => {
            let file = crate::text::name(&aof.segments[position].name);
            let why = format!("not loaded: the log holds {command} at {file}:{offset}");
            Err(Error::new(ErrorKind::NotTried(why), copy))
        }
    }
}

/// What was met.
#[derive(Default)]
struct Names {
    /// The first command that stops a trial: in which segment, where, and what it is.
    found: Option<(usize, u64, String)>,
    rdb_bytes: u64,
}

impl Observer for Names {
    type Report = Self;

    fn observe(&mut self, at: &Context, event: &Event<'_>) {
        let record = match event {
            Event::Record(record, _) => record,
            Event::Rdb(_) => {
                let (start, end) = event.span();
                self.rdb_bytes += end - start;
                return;
            }
            _ => return,
        };
        if self.found.is_none() {
            let mut args = record.args().map(|arg| arg.head);
            let Some(name) = args.next().filter(|name| may_be_trap(name)) else { return };
            let first = args.next();
            let found = trap(name, first).map(|_| told(name, first));
            self.found = found.map(|command| (at.segment, record.start, command));
        }
    }

    fn is_done(&self) -> bool {
        self.found.is_some()
    }

    fn finish(self) -> Self {
        self
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
    let upper = |bytes: &[u8]| crate::text::escape(&bytes.to_ascii_uppercase());
    let name = upper(name);
    match first.filter(|first| CONTAINERS.contains(&&*name) && first.len() <= 32) {
        Some(first) => format!("{name} {}", upper(first)),
        None => name,
    }
}
