//! Many sets at once: the state of each in one row, what they make together, and which of them stands out.
//!
//! [`State`] puts the library's own reports together: the judgement, growth and outlook, what the set's server says, and
//! what a repository has of it, from one pass over the files. Knows sets, repositories and servers; never writes.

mod look;
mod row;
mod side_by_side;
mod source;

pub use look::{Around, look};
pub use row::{FilesOfRole, State};
pub use side_by_side::side_by_side;
pub use source::{Backed, Source, sources};
