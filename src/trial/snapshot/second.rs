//! The second way into a server: a snapshot's content as our own readers tell it, written as one log.

use std::collections::BTreeMap;
use std::io::Write;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::aof::{Event, OpenOptions, RdbItem};
use crate::backup::{Entry, FileType, Repository, open_snapshot};
use crate::disk::{self, Dir, NewFile};
use crate::error::{Error, Result};
use crate::print::{Options, Printed, Printer, Resp};
use crate::progress::Progress;
use crate::scan::{Context, Depth, Observer, Pace, Wants, scan};
use crate::text::count;
use crate::trial::handed_on::HandedOn;

/// What our readers say of a snapshot.
pub struct Told {
    printed: Printed,
    /// The keys of its base.
    base: Base,
}

/// A new file for a trial.
pub fn new_file(path: &Path) -> Result<NewFile> {
    let dir = Dir::open(disk::parent(path))?;
    NewFile::create_in(&dir, path.file_name().unwrap_or_default(), 0o600)
}

/// Writes a snapshot as commands into a new file.
pub fn write(
    repository: Repository,
    entry: &Entry,
    file: &Path,
    renames: &HandedOn,
    progress: &dyn Progress,
) -> Result<Told> {
    let mut aof = open_snapshot(Arc::new(repository), entry, file, &OpenOptions::default())?;
    aof.names = renames.names().clone();
    let mut log = Log { file: new_file(file)?, at: 0 };
    let options = Options { with_base: true, ..Options::default() };
    let form = Resp::of(renames.names()).logged(true);
    let printer = Printer::new(form, options, &mut log);
    let (printed, base) = scan(&aof, (printer, Base::default()), &Pace::default(), progress)?;
    if let Err(e) = &printed.written {
        let e = std::io::Error::new(e.kind(), e.to_string());
        return Err(Error::io(file, e));
    }
    Ok(Told { printed, base })
}

impl Told {
    /// What the snapshot says of itself and our readers do not find.
    pub fn broken_promise(&self, entry: &Entry) -> Option<String> {
        let (found, promised) = (self.printed.records, entry.commands());
        if self.printed.damaged_bytes > 0 {
            return Some(format!(
                "{} in it are no commands",
                count(self.printed.damaged_bytes, "byte")
            ));
        }
        (found != promised)
            .then(|| format!("it holds {}, and says {promised}", count(found, "command")))
    }

    /// How many keys there must be beyond an instant, by database, when the base alone decides that: at least and at
    /// most, for a hash goes with the last of its fields.
    pub fn expected(
        &self,
        entry: &Entry,
        after: i64,
    ) -> Option<BTreeMap<u64, RangeInclusive<u64>>> {
        let decides =
            entry.commands() == 0 && entry.files.iter().any(|f| f.kind != FileType::Extra);
        if !decides {
            return None;
        }
        let mut expected = self.base.lasting.clone();
        for (db, _) in self.base.expiring.iter().filter(|(_, at)| *at > after) {
            *expected.entry(*db).or_insert(0) += 1;
        }
        let least =
            |db, most: u64| most.saturating_sub(self.base.fading.get(&db).copied().unwrap_or(0));
        Some(expected.into_iter().map(|(db, most)| (db, least(db, most)..=most)).collect())
    }
}

/// A new file that is written from its beginning to its end.
struct Log {
    file: NewFile,
    at: u64,
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let failed = |e: Error| std::io::Error::other(e.to_string());
        self.file.write_at(bytes, self.at).map_err(failed)?;
        self.at += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The keys of a base: how many there are by database, and when each expires that does.
#[derive(Default)]
struct Base {
    lasting: BTreeMap<u64, u64>,
    expiring: Vec<(u64, i64)>,
    /// Keys with fields that expire.
    fading: BTreeMap<u64, u64>,
}

impl Observer for Base {
    type Report = Self;

    fn observe(&mut self, _: &Context, _: &Event<'_>) {}

    fn wants(&self) -> Wants {
        Depth::Entries.into()
    }

    fn item(&mut self, _: &Context, item: &RdbItem<'_>) {
        let RdbItem::Key(entry) = item else { return };
        if entry.field_ttls.is_some_and(|fields| fields > 0) {
            *self.fading.entry(entry.db).or_insert(0) += 1;
        }
        match entry.expire_ms {
            Some(at) => self.expiring.push((entry.db, at)),
            None => *self.lasting.entry(entry.db).or_insert(0) += 1,
        }
    }

    fn finish(self) -> Self {
        self
    }
}

/// Where the log and what belongs to it lie in a server's directory.
pub struct Place {
    pub log: PathBuf,
    pub manifest: Option<(PathBuf, &'static [u8])>,
}

/// Its append directory in the server's, and the stem of its files there.
pub const DIR: &str = "told";

impl Place {
    /// A set of one base, or a single file for servers before 7.0.
    pub fn new(home: &Path, as_set: bool) -> Self {
        let dir = home.join(DIR);
        match as_set {
            true => Self {
                log: dir.join("told.1.base.aof"),
                manifest: Some((dir.join("told.manifest"), b"file told.1.base.aof seq 1 type b\n")),
            },
            false => Self { log: dir.join(DIR), manifest: None },
        }
    }
}
