//! What the sieve does where something goes: what the lost bytes may have held, and what that means for the
//! records around them.

use super::super::hidden::{Hidden, hidden, loose_arguments, of_one_broken};
use super::super::sorted::{Cause, Db, Question, Step};
use super::{Sieve, Sign, Taken, Transaction};
use crate::aof::{Damage, Ending, Mended};
use crate::command::CommandId;
use crate::error::Result;
use crate::format::resp::{self, Record};

/// Bytes of a damaged range that are looked at, at either end.
const LOOK: usize = 64 * 1024;

/// Most bytes between two damaged places that can lie in one value.
const VALUE: u64 = 512 << 20;

impl Sieve<'_, '_> {
    pub(super) fn damage(&mut self, damage: &Damage) -> Result<()> {
        let why = damage.fault.to_string();
        let cause = match damage.ending {
            Ending::Resumes | Ending::Crossed(_) if damage.value_to.is_none() => Cause::Broken(why),
            _ => Cause::Tail(why),
        };
        let (start, end) = (damage.start, damage.value_to.unwrap_or(damage.end));
        self.value_to = damage.value_to.unwrap_or(0);
        let taken = self.taken.filter(|taken| taken.end == start);
        if let (Some(Mended::Swallowed { record, next }), Some(taken)) = (damage.mended, taken)
            && taken.start == record
        {
            self.take_back(record, start);
            self.fault(record, next, cause, Some(Hidden::Nothing))?;
            return self.record_at(next, end);
        }
        if let Some(taken) = taken.filter(|taken| taken.is_odd) {
            // A loader can read it, but it has swallowed the beginning of what is broken now.
            self.take_back(taken.start, start);
            return self.fault(taken.start, end, cause, None);
        }
        let bytes = self.look(start, end)?;
        if let Some(taken) = taken.filter(|taken| self.belongs_to(&bytes, *taken)) {
            self.take_back(taken.start, start);
            return self.fault(taken.start, end, cause, Some(Hidden::Nothing));
        }
        let is_one = damage.mended == Some(Mended::Record);
        let hides = is_one.then(|| of_one_broken(&bytes, self.names));
        self.fault(start, end, cause, hides)
    }

    /// Whether a record lost its last arguments because its count became smaller: those are the damage.
    fn belongs_to(&self, bytes: &[u8], taken: Taken) -> bool {
        let Some((count, first)) = loose_arguments(bytes) else { return false };
        let whole = taken.argc + count;
        let (now, before) = (taken.argc.to_string(), whole.to_string());
        let differ = now.bytes().zip(before.bytes()).filter(|(a, b)| a != b).count();
        // What begins with a command's name is rather a record whose header is gone.
        let is_command = self.is_command(first, count);
        now.len() == before.len() && differ == 1 && self.takes(taken.id, whole) && !is_command
    }

    /// The record that ends at `end` is not kept after all.
    fn take_back(&mut self, start: u64, end: u64) {
        if let Some(Step::Keep { from, to }) = self.now.steps.last_mut()
            && *to == end
        {
            *to = start;
            if *from == start {
                self.now.steps.pop();
                self.barrier = self.barrier.min(self.now.steps.len());
            }
        }
    }

    /// A record whose beginning the walk did not see.
    fn record_at(&mut self, start: u64, end: u64) -> Result<()> {
        let need = usize::try_from(end - start).unwrap_or(usize::MAX);
        let window = self.bytes.window(start, need.min(crate::limits::WINDOW))?.to_vec();
        match resp::record(&window) {
            Ok(shape) => {
                let id = self.loader.lookup(shape.name);
                self.record(&Record::canonical(shape, &window, start), id)
            }
            Err(_) => Ok(()),
        }
    }

    /// The bytes of a range, or its first and last ones.
    pub(super) fn look(&mut self, from: u64, to: u64) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let look = LOOK as u64;
        let pieces = match to - from > 2 * look {
            true => vec![(from, from + look), (to - look, to)],
            false => vec![(from, to)],
        };
        for (mut at, end) in pieces {
            while at < end {
                let left = (end - at) as usize;
                let window = self.bytes.window(at, left.min(LOOK))?;
                let piece = &window[..window.len().min(left)];
                if piece.is_empty() {
                    break;
                }
                bytes.extend_from_slice(piece);
                at += piece.len() as u64;
            }
        }
        Ok(bytes)
    }

    /// A range goes. `hides`: what it held, where that is known; its bytes are asked otherwise.
    pub(super) fn fault(
        &mut self,
        from: u64,
        to: u64,
        cause: Cause,
        hides: Option<Hidden>,
    ) -> Result<()> {
        let is_broken = !matches!(cause, Cause::Refused(_));
        self.now.faults.push(from, to, cause);
        // What one wrong byte explains is a damage of its own.
        let in_value = match self.broken.filter(|_| is_broken && hides.is_none()) {
            Some((_, end, _)) if self.ends_a_value(end, from, to)? => self.broken,
            _ => None,
        };
        // One damage in two events.
        let one = self.last.filter(|(_, end, _)| *end == from && hides.is_none());
        let (start, before) = match in_value.or(one) {
            Some((first, _, before)) => {
                self.restore(before);
                (first, before)
            }
            None => (from, self.snapshot()),
        };
        let hides = match hides.filter(|_| start == from) {
            Some(hides) => hides,
            None => hidden(&self.look(start, to)?, false, self.names),
        };
        self.last = Some((start, to, before));
        if is_broken {
            self.broken = self.last;
        }
        self.taken = None;
        match hides {
            Hidden::Nothing | Hidden::Multi | Hidden::Exec => {}
            Hidden::Select(db) => self.db = Db::At(db),
            Hidden::Anything { .. } => {
                let select = if let Hidden::Anything { select } = hides { select } else { None };
                let question = Question { at: to, before: self.db, readable: select, next: None };
                self.now.questions.push(question);
                self.db = Db::Asked(self.now.questions.len() - 1);
            }
        }
        self.transaction_after(hides);
        Ok(())
    }

    /// Whether the sound stretch from `stretch` to the damage at `from` was part of a value: the damage is no
    /// more than the end of that value and the line end that closes an argument, perhaps with more arguments
    /// behind. One damage explains both places then.
    fn ends_a_value(&mut self, stretch: u64, from: u64, to: u64) -> Result<bool> {
        if from - stretch > VALUE || to - from > LOOK as u64 {
            return Ok(false);
        }
        let bytes = self.look(from, to)?;
        let Some(end) = memchr::memmem::find(&bytes, b"\r\n") else { return Ok(false) };
        let rest = &bytes[end + 2..];
        Ok(rest.is_empty()
            || loose_arguments(rest).is_some_and(|(count, first)| !self.is_command(first, count)))
    }

    /// Whether a record of so many arguments could begin with this one.
    fn is_command(&self, first: &[u8], count: u32) -> bool {
        self.loader.lookup(first).is_some_and(|id| self.takes(id, count))
    }

    fn takes(&self, id: CommandId, argc: u32) -> bool {
        let wanted = self.rules.arity_of(id).unwrap_or(0);
        let least = u32::from(wanted.unsigned_abs());
        argc == least || wanted < 0 && argc > least
    }

    fn transaction_after(&mut self, hides: Hidden) {
        use Transaction::{Broken, Open, Outside, Unsure};
        // A SELECT is put back, or asked for; the transaction is whole without it.
        if matches!(hides, Hidden::Select(_)) {
            return;
        }
        if let (Open { over, .. }, Hidden::Exec) = (&mut self.transaction, hides) {
            // This is its EXEC, so what looked like that was not.
            *over = over.filter(|over| over.sign == Sign::Restart);
        }
        let was_open = matches!(self.transaction, Open { .. }) && self.abandon();
        let here = self.mark();
        self.transaction = match (self.transaction, hides) {
            (_, Hidden::Multi) => Broken,
            (_, Hidden::Anything { .. }) => Unsure(here),
            (Unsure(mark), Hidden::Exec) => {
                self.back_to(mark);
                Outside
            }
            (_, Hidden::Exec) => Outside,
            _ if was_open => Broken,
            (unchanged, _) => unchanged,
        };
    }

    /// The open transaction goes. Answers `false` when it had ended before, so that what came after that stays.
    pub(super) fn abandon(&mut self) -> bool {
        let Transaction::Open { mark, at, over, .. } = self.transaction else { return false };
        self.transaction = Transaction::Outside;
        let Some(over) = over else {
            self.back_to(mark);
            return true;
        };
        // A server that began anew selects a database by itself.
        let select = match over.sign {
            Sign::Restart => None,
            Sign::GarbledExec { .. } => {
                Some(Step::Select { from: mark.selected, to: over.mark.selected })
            }
        };
        self.now.steps.splice(mark.steps..over.mark.steps, select);
        self.barrier = self.now.steps.len();
        (self.last, self.broken) = (None, None);
        if let Sign::GarbledExec { end } = over.sign {
            self.now.garbled_execs.push(over.at);
            self.now.faults.push(at, end, Cause::GarbledExec);
        }
        false
    }
}
