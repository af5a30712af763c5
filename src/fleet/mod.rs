//! Many sets at once: the state of each in one row, what they make together, and which of them stands out.
//!
//! [`State`] puts the library's own reports together: the judgement, growth and outlook, what the set's server says, and
//! what a repository has of it, from one pass over the files. Knows sets, repositories and servers; never writes.

mod cluster;
mod home;
mod join;
mod look;
mod outlier;
mod row;
mod side_by_side;
mod source;
mod together;

pub use cluster::{Coverage, SlotsOfNode, Stretch, coverage, nodes_in};
pub use home::{Place, Vacant, homes, vacant};
pub use join::join;
pub use look::{Around, look, server_dir};
pub use outlier::{Measured, Outlier, Why, outliers};
pub use row::{FilesOfRole, State};
pub use side_by_side::side_by_side;
pub use source::{Backed, Source, sources};
pub use together::{Together, Unfinished};
