//! Counts and commands for scripts, as `stats` and `inspect` print them.

use aofkit::stats::{CommandRow, Totals};
use serde::Serialize;

use crate::cli::common::members::{NameText, text};
use crate::cli::common::units::ratio;

#[derive(Serialize)]
pub struct TotalsJson {
    pub commands: u64,
    pub transactions: u64,
    pub annotations: u64,
    pub resp_bytes: u64,
    pub command_bytes: u64,
    pub annotation_bytes: u64,
    pub unparsed_bytes: u64,
    pub rdb_bytes: u64,
    pub framing: FramingJson,
}

/// What the bytes of the log are for; they add up to `resp_bytes`.
#[derive(Serialize)]
pub struct FramingJson {
    pub payload_bytes: u64,
    pub framing_bytes: u64,
    pub select_bytes: u64,
    pub transaction_bytes: u64,
    pub annotation_bytes: u64,
    pub unparsed_bytes: u64,
    pub overhead_share: f64,
}

#[derive(Serialize)]
pub struct CommandJson {
    #[serde(flatten)]
    pub name: NameText,
    pub group: Option<&'static str>,
    pub count: u64,
    pub bytes: u64,
    pub share: f64,
    pub mean_bytes: f64,
    pub largest_bytes: u64,
}

pub fn totals_json(totals: &Totals) -> TotalsJson {
    TotalsJson {
        commands: totals.commands,
        transactions: totals.transactions,
        annotations: totals.annotations,
        resp_bytes: totals.resp_bytes,
        command_bytes: totals.command_bytes,
        annotation_bytes: totals.annotation_bytes,
        unparsed_bytes: totals.unparsed_bytes,
        rdb_bytes: totals.rdb_bytes,
        framing: FramingJson {
            payload_bytes: totals.framing.payload_bytes,
            framing_bytes: totals.framing.resp_bytes,
            select_bytes: totals.framing.select_bytes,
            transaction_bytes: totals.framing.transaction_bytes,
            annotation_bytes: totals.annotation_bytes,
            unparsed_bytes: totals.unparsed_bytes,
            overhead_share: ratio(totals.overhead_bytes(), totals.resp_bytes),
        },
    }
}

pub fn command(row: &CommandRow, totals: &Totals) -> CommandJson {
    let name = text(&row.name);
    CommandJson {
        name: name.into(),
        group: row.group,
        count: row.count,
        bytes: row.bytes,
        share: ratio(row.bytes, totals.command_bytes),
        mean_bytes: row.mean_bytes(),
        largest_bytes: row.largest_bytes,
    }
}
