//! What lies beside a set, as every verb that judges one looks at it.

use aofkit::aof::Aof;
use aofkit::error::Result;
use aofkit::neighbours::{Neighbours, survey};
use aofkit::progress::Silent;

use crate::cli::common::context::Context;

/// Opens the files beside the set.
pub fn neighbours(aof: &Aof, context: &Context) -> Result<Neighbours> {
    let now_ms = jiff::Timestamp::now().as_millisecond();
    survey(aof, now_ms, &context.pace, &Silent)
}
