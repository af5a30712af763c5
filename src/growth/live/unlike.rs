//! Signs that a server has other settings than most, and commands that reach further than the keys they name.

use super::cost::{Cost, Scales};
use super::dialect::Dialect;
use super::held::Held;
use super::kind::Kind;
use super::sizes::Limits;
use super::value::Value;
use super::weigh::value_cost;
use super::weighed::Weighed;
use crate::command::{self, CommandId};
use crate::format::resp::Record;

/// What a base shows of the sizes up to which its server packs values.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unlike {
    /// Nothing needs to be shown: somebody says it.
    is_told: bool,
    /// The value that is being loaded is no packed encoding.
    is_table: bool,
    /// Values that are larger than what is packed by default, and packed.
    larger: u64,
    /// Values that are not packed though they are small enough to be, and small ones that are.
    smaller: u64,
    packed: u64,
}

impl Unlike {
    pub fn new(is_told: bool) -> Self {
        Self { is_told, ..Self::default() }
    }

    /// A value of a base begins.
    pub fn begin(&mut self, is_table: bool) {
        self.is_table = is_table;
    }

    /// It is read, with nothing else behind it.
    pub fn end(&mut self, value: &Value, limits: &Limits) {
        let Value::Members(members) = value else { return };
        // Servers before 7.2 pack no texts of sets, whatever is set.
        if members.shift > 0 || members.ttls || members.kind == Kind::Set {
            return;
        }
        let packing = limits.packing(members.kind);
        let is_small = members.list.len() <= packing.most
            && members.list.iter().all(|m| m.name_len.max(m.value_len) <= packing.longest);
        match self.is_table {
            true => self.smaller += u64::from(is_small),
            false if members.is_table => self.larger += 1,
            false => self.packed += 1,
        }
    }

    /// Whether nobody says how values are packed, and the base shows that it is not as by default. A table may be small
    /// because it has shrunk: most small values have not been large.
    pub fn is_shown(&self) -> bool {
        !self.is_told && (self.larger > 0 || self.smaller > self.packed)
    }
}

/// The server may have written it in another form.
pub fn widen(weighed: &mut Weighed, held: &Held, dialect: Dialect, scales: &mut Scales) {
    /// Nodes of other sizes have other frames, and compress better or worse, by as much as this.
    const NODES: (f64, f64) = (0.5, 3.0);
    match &held.value {
        Value::Members(members) if members.shift == 0 => {
            let mut other = held.clone();
            other.value = Value::Members(Box::new(members.otherwise()));
            let other = value_cost(&other, dialect, scales).0;
            let (now, _) = value_cost(held, dialect, scales);
            weighed.low = weighed.low.zip(other.zip(now, |o, n| (o - n).min(0.0)), |a, b| a + b);
            weighed.high = weighed.high.zip(other.zip(now, |o, n| (o - n).max(0.0)), |a, b| a + b);
        }
        Value::List(_) | Value::Stream(_) => {
            let only_rdb = |cost: Cost, by: f64| Cost { resp: 0.0, ..cost * by };
            let (now, _) = value_cost(held, dialect, scales);
            let (less, more) = (only_rdb(now, 1.0 - NODES.0), only_rdb(now, NODES.1 - 1.0));
            weighed.perhaps((less, more));
        }
        _ => {}
    }
}

/// Whether a command that is not followed may delete keys that it does not name: of a module that nobody recorded, or one
/// that drops an index with its documents.
pub fn deletes_others(name: &[u8], id: Option<CommandId>, record: &Record<'_>) -> bool {
    let is = |word: &str| name.eq_ignore_ascii_case(word.as_bytes());
    let says = |word: &str| record.args().any(|arg| arg.head.eq_ignore_ascii_case(word.as_bytes()));
    match id {
        None => command::has_module_form(name),
        Some(_) => is("FT.DROPINDEX") && says("DD") || is("FT.DROP") && !says("KEEPDOCS"),
    }
}
