//! What lies beside a set, as every verb that judges one looks at it.

use aofkit::aof::Aof;
use aofkit::error::Result;
use aofkit::neighbours::{self, Neighbours};
use aofkit::progress::Silent;

use super::args::Context;

/// Opens the files beside the set.
pub fn around(aof: &Aof, context: &Context) -> Result<Neighbours> {
    let now_ms = jiff::Timestamp::now().as_millisecond();
    neighbours::survey(aof, now_ms, &context.pace, &Silent)
}
