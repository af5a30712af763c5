//! Signs that a server has other settings than most, and commands that reach further than the keys they name.

use super::cost::{Cost, Scales};
use super::dialect::Dialect;
use super::held::Held;
use super::kind::Kind;
use super::members::Members;
use super::shown::Shown;
use super::sizes::Limits;
use super::value::Value;
use super::weigh::value_cost;
use super::weighed::Weighed;
use crate::command::{self, CommandId};
use crate::format::resp::Record;

/// What a base shows of the sizes up to which its server packs values.
#[derive(Clone, Debug, Default)]
pub struct Unlike {
    /// Nothing needs to be shown: somebody says it.
    is_told: bool,
    /// The value that is being loaded is no packed encoding.
    is_table: bool,
    /// How many nodes it has.
    nodes: Option<u64>,
    /// Values that are larger than what is packed by default, and packed.
    larger: u64,
    /// Values that are not packed though they are small enough to be, and small ones that are.
    smaller: u64,
    packed: u64,
    shown: Shown,
}

impl Unlike {
    pub fn new(is_told: bool) -> Self {
        Self { is_told, ..Self::default() }
    }

    /// A value of a base begins.
    pub fn begin(&mut self, is_table: bool, nodes: Option<u64>) {
        (self.is_table, self.nodes) = (is_table, nodes);
    }

    /// It is read, with nothing else behind it.
    pub fn end(&mut self, value: &Value, limits: &Limits) {
        self.shown.note(value, self.is_table, self.nodes, limits);
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

    /// Whether the server may hold this value otherwise than by default, for all that was told and shown.
    pub fn is_open(&self, held: &Held, is_in_base: bool) -> bool {
        let is_as_in_base = is_in_base && !held.was_changed();
        !self.is_told && (self.is_shown() || !self.shown.shows(&held.value, is_as_in_base))
    }
}

/// The server may have written it in another form.
pub fn widen(weighed: &mut Weighed, held: &Held, dialects: &[Dialect], scales: &mut Scales) {
    let Some(first) = dialects.first() else { return };
    let (now, _) = value_cost(held, *first, scales);
    let perhaps = match &held.value {
        Value::Members(members) => otherwise(members, held.key_len, now, dialects, scales),
        Value::List(chain) => chain.otherwise(now),
        Value::Stream(stream) => stream.otherwise(now),
        _ => return,
    };
    weighed.perhaps(perhaps);
}

/// By how much a set, sorted set or hash may be smaller or larger in the other forms that servers have for it.
fn otherwise(
    members: &Members,
    key_len: u64,
    now: Cost,
    dialects: &[Dialect],
    scales: &mut Scales,
) -> (Cost, Cost) {
    let weight = (1_u64 << members.shift) as f64;
    let (mut less, mut more) = (Cost::default(), Cost::default());
    for form in members.in_each_form() {
        for dialect in dialects {
            let other = form.cost(key_len, *dialect, scales).0 * weight;
            let difference = Cost { resp: 0.0, ..other.zip(now, |other, now| other - now) };
            less = less.zip(difference, |less, difference| less.max(-difference));
            more = more.zip(difference, f64::max);
        }
    }
    (less, more)
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
