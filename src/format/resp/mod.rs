//! RESP as append-only files use it.
//!
//! | bytes | meaning |
//! |---|---|
//! | `*<argc>\r\n` | a record of `argc` arguments begins |
//! | `$<len>\r\n<len bytes>\r\n` | one argument |
//!
//! Nothing else may stand in a record. Servers write *canonical* numbers only: no sign, no leading zero,
//! CRLF everywhere. What loaders tolerate beyond that is told by [`lenient`]; here, [`record`] takes
//! canonical records and says exactly where one stops being canonical or where the window ends.
//! nom types stop at this door.

mod grammar;
pub mod lenient;
mod oddities;
mod reason;
mod record;
mod records;
pub mod resync;
mod spelled;

pub use oddities::Oddities;
pub use reason::Reason;
pub use record::{Arg, Args, Outline, Record, Shape, Stop, record};
pub use records::{Records, records};
pub use spelled::spelled;
