//! Which database was selected where a damaged range may have held a SELECT. Pure.

use super::sorted::{Db, Question, Sorted, Step};
use crate::change::Piece;
use crate::command::{Renames, select};

/// The database taken for a stretch of records, and how sure that is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Database {
    /// Offset from which it applies.
    pub from: u64,
    /// The database.
    pub db: u64,
    /// How it is known.
    pub known: Known,
}

/// How a database is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// The file never selects another one.
    OnlyOne,
    /// The SELECT can still be read in the lost bytes.
    Readable,
    /// The next SELECT names the one from before, which servers do only when another was selected
    /// meanwhile, and the file selects only these two.
    OtherOfTwo,
    /// The same as before; the next SELECT names another one, which fits. Not proven.
    AsBefore,
    /// The next SELECT names the one from before, so that another was probably selected meanwhile; which one
    /// is not known, and it is taken for the one from before.
    Unknown,
}

impl Known {
    /// Why it may be another database; `None` when it cannot.
    pub const fn doubt(self) -> Option<&'static str> {
        match self {
            Self::OnlyOne => None,
            Self::Readable => Some("the SELECT that can still be read in the lost bytes says so"),
            Self::OtherOfTwo => Some(
                "the next SELECT shows that the database was changed in the lost bytes, and this is the \
                 only other one in the file",
            ),
            Self::AsBefore => Some(
                "the same as before; a SELECT may have been among the lost bytes, nothing shows it",
            ),
            Self::Unknown => Some(
                "the same as before, but the next SELECT shows that the database was changed in the lost \
                 bytes; to which one is not known",
            ),
        }
    }
}

/// Answers every question of a segment, in order.
pub(super) fn answers(sorted: &Sorted) -> Vec<Database> {
    let mut all: Vec<Database> = Vec::with_capacity(sorted.questions.len());
    for question in &sorted.questions {
        let before = resolved(question.before, &all);
        let (db, known) = answer(question, before, sorted);
        all.push(Database { from: question.at, db, known });
    }
    all
}

fn resolved(db: Db, answers: &[Database]) -> u64 {
    match db {
        Db::At(db) => db,
        Db::Asked(question) => answers[question].db,
    }
}

fn answer(question: &Question, before: u64, sorted: &Sorted) -> (u64, Known) {
    if let Some(db) = question.readable {
        return (db, Known::Readable);
    }
    if sorted.databases.iter().all(|&db| db == before) {
        return (before, Known::OnlyOne);
    }
    // A server that was started anew selects again what was selected already.
    if question.next != Some(before) || sorted.redundant > 0 {
        return (before, Known::AsBefore);
    }
    let mut others = sorted.databases.iter().filter(|&&db| db != before);
    match (others.next(), others.next()) {
        (Some(&other), None) => (other, Known::OtherOfTwo),
        _ => (before, Known::Unknown),
    }
}

/// The new content of the segment at position `file`, for a server that has commands by these names.
pub(super) fn pieces(
    sorted: &Sorted,
    answers: &[Database],
    file: usize,
    names: &Renames,
) -> Vec<Piece> {
    let mut pieces = Vec::with_capacity(sorted.steps.len());
    for step in &sorted.steps {
        match *step {
            Step::Keep { from: 0, to } if sorted.header.is_some() => {
                let header = sorted.header.clone().unwrap_or_default();
                let from = header.len() as u64;
                pieces.extend([Piece::Insert(header), Piece::Keep { file, from, to }]);
            }
            Step::Keep { from, to } => pieces.push(Piece::Keep { file, from, to }),
            Step::Select { from, to } => {
                let (from, to) = (resolved(from, answers), resolved(to, answers));
                if from != to {
                    pieces.push(Piece::Insert(select(to, names)));
                }
            }
            Step::RdbEnd => pieces.push(Piece::Insert([&[0xFF][..], &[0; 8]].concat())),
            Step::NoChecksum => pieces.push(Piece::Insert(vec![0; 8])),
            Step::Checksum(sum) => pieces.push(Piece::Insert(sum.to_le_bytes().to_vec())),
        }
    }
    pieces
}

/// What does not stay, in order: bytes that no step keeps.
pub(super) fn gaps(sorted: &Sorted) -> Vec<(u64, u64)> {
    let mut gaps = Vec::new();
    let mut at = 0;
    for step in &sorted.steps {
        let (from, to) = match *step {
            Step::Keep { from, to } => (from, to),
            // The checksum is replaced, which loses nothing.
            Step::NoChecksum | Step::Checksum(_) => (at, at + 8),
            _ => continue,
        };
        if from > at {
            gaps.push((at, from));
        }
        at = at.max(to);
    }
    if at < sorted.len {
        gaps.push((at, sorted.len));
    }
    gaps
}
