//! A check that goes on as the set grows: it reads what was appended, and nothing twice.
//!
//! The last file is taken up again behind the last thing that more bytes cannot change: a whole record, or damage behind
//! which sound records follow. A set of other files, or whose files were changed in another way than by appending, is
//! not followed: it has to be checked as a whole again.

use std::sync::Arc;

use super::growing::{Growing, Sure};
use super::{Check, Facts};
use crate::aof::{Aof, Pulse, Role, Segment, Start};
use crate::disk::Identity;
use crate::error::{ErrorKind, Result};
use crate::format::conf::Settings;
use crate::progress::Progress;
use crate::scan::{Context, Meter, Observer, Pace};

/// Bytes before the place where a file is taken up again that have to be what they were.
const PROOF: usize = 64;

/// A check that was made, and can be continued.
pub struct Following {
    /// All of the set was shown to it.
    check: Check,
    /// As it was where the last file is taken up again, if that is not its end.
    sure: Option<Box<Sure<Check>>>,
    /// The state at the end of the last file, and where that is.
    at: Context,
    from: Start,
    files: Vec<Seen>,
    /// The last file was begun, so it has to be ended.
    is_open: bool,
    /// The bytes before the place where the last file is taken up again.
    proof: Vec<u8>,
    settings: Settings,
}

/// A file as it was shown.
struct Seen {
    name: Arc<[u8]>,
    len: Option<u64>,
    /// Which file it is, and when it was written to; `None` where it lies in no file system or is not there.
    file: Option<(Identity, i128)>,
    is_plain: bool,
}

impl Seen {
    fn of(segment: &Segment) -> Self {
        let file = segment.file();
        Self {
            name: Arc::clone(&segment.name),
            len: segment.len(),
            file: file.map(|file| (file.identity(), file.stamp().modified_ns())),
            is_plain: segment.is_plain(),
        }
    }

    fn is_as_it_was(&self, now: &Self) -> bool {
        self.name == now.name && self.len == now.len && self.file == now.file
    }

    /// Whether it is the same plain file, which may be longer.
    fn is_the_same_file(&self, now: &Self) -> bool {
        let which = |one: &Self| one.file.map(|(identity, _)| identity);
        self.name == now.name
            && self.is_plain
            && now.is_plain
            && which(self).is_some()
            && which(self) == which(now)
    }
}

/// What became of a set since it was last looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Its files are as they were.
    Nothing,
    /// Its last file is longer, or files came behind it.
    Grown,
    /// Anything else: it has to be checked as a whole.
    Another,
}

impl Following {
    /// Checks all of the set.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn begin(aof: &Aof, pace: &Pace, progress: &dyn Progress) -> Result<Self> {
        let mut following = Self {
            check: Check::new(aof),
            sure: None,
            at: Context::default(),
            from: Start::default(),
            files: Vec::new(),
            is_open: false,
            proof: Vec::new(),
            settings: aof.settings.clone(),
        };
        progress.begin(aof.live().map(|(_, segment)| segment.len()).sum());
        let mut meter = Meter::new(progress, pace);
        following.take_files(aof, &mut meter)?;
        following.take_proof(aof)?;
        progress.finish();
        Ok(following)
    }

    /// Goes on with the same set, opened again, and reads what was appended. [`Change::Another`] ends it: it must not be
    /// asked any more.
    ///
    /// # Errors
    /// When it cannot be read. That ends it, too.
    pub fn go_on(&mut self, aof: &Aof, pace: &Pace, progress: &dyn Progress) -> Result<Change> {
        let change = self.change(aof)?;
        if change != Change::Grown {
            return Ok(change);
        }
        self.check.roles = aof.segments.iter().map(|segment| segment.role).collect();
        let known = self.files.len();
        let mut meter = Meter::new(progress, pace);
        let gone_on = self
            .take_last_again(aof, known - 1, &mut meter)
            .and_then(|()| self.take_files(aof, &mut meter))
            .and_then(|()| self.take_proof(aof));
        match gone_on {
            Ok(()) => Ok(Change::Grown),
            // Cut while it was read: what was seen of it is not there any more.
            Err(e) if matches!(e.kind(), ErrorKind::Shrank { .. }) => Ok(Change::Another),
            Err(e) => Err(e),
        }
    }

    /// The facts up to here.
    pub fn facts(&self) -> Facts {
        let mut check = self.check.clone();
        if self.is_open {
            check.end(&self.at, self.from.offset);
        }
        check.finish()
    }

    /// Bytes at the end of the last file that are read again when it has grown, because they may be something else then.
    pub fn unsure_bytes(&self) -> u64 {
        self.sure.as_ref().map_or(0, |sure| self.from.offset - sure.from.offset)
    }

    fn change(&self, aof: &Aof) -> Result<Change> {
        let now: Vec<_> = aof.live().map(|(_, segment)| Seen::of(segment)).collect();
        let Some((last, closed)) = self.files.split_last() else { return Ok(Change::Another) };
        let Some((known, new)) = now.split_at_checked(self.files.len()) else {
            return Ok(Change::Another);
        };
        let is_same = closed.iter().zip(known).all(|(was, is)| was.is_as_it_was(is));
        if !is_same || self.settings != aof.settings {
            return Ok(Change::Another);
        }
        let is = &known[closed.len()];
        if last.is_as_it_was(is) {
            return Ok(if new.is_empty() { Change::Nothing } else { Change::Grown });
        }
        let reached = self.taken_up_at();
        let is_longer = last.len != is.len && is.len.is_some_and(|len| len >= reached);
        let is_grown = last.is_the_same_file(is) && is_longer && self.is_proven(aof, reached)?;
        Ok(if is_grown { Change::Grown } else { Change::Another })
    }

    /// Where the last file is taken up again.
    fn taken_up_at(&self) -> u64 {
        self.sure.as_ref().map_or(self.from.offset, |sure| sure.from.offset)
    }

    /// Whether the bytes before that place are what they were.
    fn is_proven(&self, aof: &Aof, reached: u64) -> Result<bool> {
        let Some((_, segment)) = aof.live().nth(self.files.len() - 1) else { return Ok(false) };
        let Some(file) = segment.file() else { return Ok(false) };
        let mut bytes = vec![0; self.proof.len()];
        match file.read_exact_at(&mut bytes, reached - self.proof.len() as u64) {
            Ok(()) => Ok(bytes == self.proof),
            Err(e) if matches!(e.kind(), ErrorKind::Shrank { .. }) => Ok(false),
            Err(e) => Err(e),
        }
    }

    fn take_proof(&mut self, aof: &Aof) -> Result<()> {
        self.proof.clear();
        let last = self.files.len().checked_sub(1).and_then(|last| aof.live().nth(last));
        let Some((_, segment)) = last.filter(|(_, segment)| segment.is_plain()) else {
            return Ok(());
        };
        let reached = self.taken_up_at();
        let len = PROOF.min(usize::try_from(reached).unwrap_or(PROOF));
        let Some(file) = segment.file() else { return Ok(()) };
        self.proof.resize(len, 0);
        file.read_exact_at(&mut self.proof, reached - len as u64)
    }

    /// The last file once more, from where more bytes may have changed it.
    fn take_last_again(&mut self, aof: &Aof, last: usize, meter: &mut Meter<'_>) -> Result<()> {
        let Some((position, segment)) = aof.live().nth(last).filter(|_| self.is_open) else {
            return Ok(());
        };
        if let Some(sure) = self.sure.take() {
            (self.check, self.at, self.from) = (sure.observer, sure.at, sure.from);
        }
        self.files[last] = Seen::of(segment);
        self.walk(aof, position, meter)
    }

    /// The files behind those that were seen.
    fn take_files(&mut self, aof: &Aof, meter: &mut Meter<'_>) -> Result<()> {
        for (position, segment) in aof.live().skip(self.files.len()) {
            if self.is_open {
                self.check.end(&self.at, self.from.offset);
                self.is_open = false;
            }
            self.sure = None;
            self.files.push(Seen::of(segment));
            self.from = Start::default();
            if segment.is_missing() || segment.is_directory() {
                continue;
            }
            self.check.begin(position);
            let in_base = segment.role == Role::Base;
            self.at = Context::at_start(position, in_base, self.at.time);
            self.is_open = true;
            self.walk(aof, position, meter)?;
        }
        Ok(())
    }

    fn walk(&mut self, aof: &Aof, position: usize, meter: &mut Meter<'_>) -> Result<()> {
        meter.begin_at(self.from.offset);
        let (mut at, from) = (self.at, self.from);
        let mut growing = Growing::new(&mut self.check, at, from);
        let len = aof.show_from(position, from, meter, &mut at, &mut growing)?;
        meter.reached(len);
        let sure = growing.sure.take().map(Box::new);
        (self.at, self.from) = (growing.at, growing.from);
        self.sure = sure;
        Ok(())
    }
}
