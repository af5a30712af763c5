//! Repairs by the library, and a disk that fails or dies when it is told to.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use aofkit::aof::{Aof, OpenOptions};
use aofkit::change::{self, Applied, Keep, Options, Proposal, Undo};
use aofkit::check::{Check, Report, Wording, judge};
use aofkit::disk::{Attributes, Dir, Durable, Extended, FrozenFile, LocalDisk, Output, Stamp};
use aofkit::error::{Error, Result};
use aofkit::progress::Silent;
use aofkit::repair::{self, inner};
use aofkit::scan::{Pace, scan};

/// Opens and judges a set.
pub fn judged(path: &Path) -> (Aof, Report) {
    let aof = repair::subject(Aof::open(path, &OpenOptions::default()).unwrap()).unwrap();
    let facts = scan(&aof, Check::new(&aof), &Pace::default(), &Silent).unwrap();
    let report = judge(&aof, facts, &Wording::default()).unwrap();
    (aof, report)
}

/// The plan for tail and manifest.
pub fn plan(path: &Path) -> Proposal {
    let (aof, report) = judged(path);
    repair::tail_and_manifest(&aof, &report).unwrap()
}

/// The plan that drops damaged ranges.
pub fn salvage(path: &Path) -> Proposal {
    let (aof, report) = judged(path);
    match inner::salvage(&aof, &report, &repair::Drops::default()).unwrap() {
        inner::Answer::Plan(inner) => inner.plan,
        inner::Answer::Refused(why) => panic!("refused: {why}"),
    }
}

/// The plan that cuts at the first damage.
pub fn truncate(path: &Path) -> Proposal {
    let (aof, report) = judged(path);
    match inner::truncate(&aof, &report, &repair::Drops::default()).unwrap() {
        inner::Answer::Plan(inner) => inner.plan,
        inner::Answer::Refused(why) => panic!("refused: {why}"),
    }
}

/// Nobody is asked whether files are open: other tests of this process start programs, which hold all files of
/// this one for a moment.
const OPTIONS: Options<'static> =
    Options { keep: None, force: true, stop: None, verdict_before: "", most: None };

pub fn apply(plan: &Proposal, disk: &dyn Durable) -> Result<Applied> {
    plan.apply(disk, &OPTIONS, &Silent)
}

/// Takes the last change back.
pub fn undo(path: &Path, disk: &dyn Durable) -> Result<()> {
    let (aof, _) = judged(path);
    let undo = Undo::last(&change::subject(&aof), &aof.dir(), &Keep::Beside).unwrap();
    undo.expect("something to take back").apply(disk, &OPTIONS, &Silent).map(drop)
}

/// Finishes or clears what was cut short.
pub fn clear_up(path: &Path) {
    let (aof, _) = judged(path);
    change::clear_up(&change::subject(&aof), &aof.dir(), &Keep::Beside, &LocalDisk).unwrap();
}

/// Files of a directory by name: bytes, mode, owner, group, time of the last write. Manifests have no time: a
/// new one is new.
pub type State = BTreeMap<String, (Vec<u8>, u32, u32, u32, i64, i64)>;

pub fn state(dir: &Path) -> State {
    let mut all = State::new();
    for entry in fs::read_dir(dir).unwrap() {
        let entry = entry.unwrap();
        let meta = entry.metadata().unwrap();
        if meta.is_dir() {
            continue;
        }
        let name = entry.file_name().into_string().unwrap();
        let (seconds, ns) = match name.ends_with(".manifest") {
            true => (0, 0),
            false => (meta.mtime(), meta.mtime_nsec()),
        };
        let bytes = fs::read(entry.path()).unwrap();
        all.insert(name, (bytes, meta.mode(), meta.uid(), meta.gid(), seconds, ns));
    }
    all
}

/// Fails at the n-th call, or from the n-th call on, as a machine does that loses its power.
pub struct Failing {
    left: Cell<u64>,
    dies: bool,
}

impl Failing {
    pub fn at(call: u64, dies: bool) -> Self {
        Self { left: Cell::new(call), dies }
    }

    /// Whether the call was reached at all.
    pub fn has_failed(&self) -> bool {
        self.left.get() == 0
    }

    fn call(&self, path: &Path) -> Result<()> {
        let left = self.left.get();
        if left > 1 {
            self.left.set(left - 1);
            return Ok(());
        }
        let again = left == 0;
        self.left.set(0);
        if again && !self.dies {
            return Ok(());
        }
        Err(Error::io(path, std::io::Error::from_raw_os_error(5)))
    }
}

impl Durable for Failing {
    fn make_dir(&self, dir: &Dir, name: &OsStr, like: Attributes) -> Result<Dir> {
        self.call(&dir.at(name))?;
        LocalDisk.make_dir(dir, name, like)
    }

    fn create(&self, dir: &Dir, name: &OsStr) -> Result<Box<dyn Output>> {
        self.call(&dir.at(name))?;
        let output = LocalDisk.create(dir, name)?;
        let fails = self.call(&dir.at(name)).is_err();
        Ok(Box::new(FailingOutput { output, fails }))
    }

    fn cut(
        &self,
        dir: &Dir,
        name: &OsStr,
        expected: Stamp,
        to: u64,
        modified_ns: i128,
    ) -> Result<()> {
        self.call(&dir.at(name))?;
        LocalDisk.cut(dir, name, expected, to, modified_ns)?;
        // Cut, and then not synced.
        self.call(&dir.at(name))
    }

    fn rename(&self, from: (&Dir, &OsStr), to: (&Dir, &OsStr)) -> Result<()> {
        self.call(&to.0.at(to.1))?;
        LocalDisk.rename(from, to)?;
        self.call(&to.0.at(to.1))
    }

    fn rename_new(&self, from: (&Dir, &OsStr), to: (&Dir, &OsStr)) -> Result<bool> {
        self.call(&to.0.at(to.1))?;
        let was_free = LocalDisk.rename_new(from, to)?;
        self.call(&to.0.at(to.1))?;
        Ok(was_free)
    }

    fn remove_file(&self, dir: &Dir, name: &OsStr) -> Result<()> {
        self.call(&dir.at(name))?;
        LocalDisk.remove_file(dir, name)
    }

    fn remove_exactly(&self, dir: &Dir, name: &OsStr, expected: Stamp) -> Result<()> {
        self.call(&dir.at(name))?;
        LocalDisk.remove_exactly(dir, name, expected)
    }

    fn remove_dir(&self, dir: &Dir, name: &OsStr) -> Result<()> {
        self.call(&dir.at(name))?;
        LocalDisk.remove_dir(dir, name)
    }

    fn sync_dir(&self, dir: &Dir) -> Result<()> {
        self.call(dir.path())?;
        LocalDisk.sync_dir(dir)
    }
}

/// Writes half of what it is given, then fails; or does as it is told.
struct FailingOutput {
    output: Box<dyn Output>,
    fails: bool,
}

impl std::io::Write for FailingOutput {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if !self.fails {
            return self.output.write(bytes);
        }
        self.output.write_all(&bytes[..bytes.len() / 2])?;
        // No space left on the device.
        Err(std::io::Error::from_raw_os_error(28))
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.output.flush()
    }
}

impl Output for FailingOutput {
    fn share(&mut self, file: &FrozenFile, to: u64) -> Result<bool> {
        if self.fails { Ok(false) } else { self.output.share(file, to) }
    }

    fn copy(&mut self, file: &FrozenFile, from: u64, to: u64) -> Result<u64> {
        if self.fails {
            self.output.copy(file, from, from + (to - from) / 2)?;
            return Err(Error::io(&file.path(), std::io::Error::from_raw_os_error(28)));
        }
        self.output.copy(file, from, to)
    }

    fn take_over(&mut self, file: &FrozenFile, which: Extended) -> Result<Vec<String>> {
        self.output.take_over(file, which)
    }

    fn seal(self: Box<Self>, like: Attributes) -> Result<()> {
        match self.fails {
            true => Err(Error::io(Path::new("sealed"), std::io::Error::from_raw_os_error(5))),
            false => self.output.seal(like),
        }
    }
}
