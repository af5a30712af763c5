//! From what was counted to what is told.

use super::super::key_report::{KeyReport, KeyRow, PrefixRow, RewriteRow, SlotRow};
use super::super::prefixes::{Families, Family};
use super::super::sketch::{HyperLogLog, Row};
use super::{KeyTraffic, Known, Tally, credit_row};
use crate::format::slot::SLOTS;

/// Bytes of the smallest record that has a key: `DEL` of the empty one.
const SMALLEST: u64 = 19;

/// How often keys were written, told apart: once, 2 to 9 times, 10 to 99 and so on.
const OFTEN: [u64; 6] = [1, 2, 10, 100, 1000, u64::MAX];

impl KeyTraffic {
    pub(super) fn report(mut self) -> KeyReport {
        let keys = self.options.keys.then(|| self.heaviest_keys());
        let most_often = self.options.keys.then(|| self.most_often());
        for row in self.keys.rows() {
            credit_row(&mut self.families, &mut self.slots, &row);
        }
        let keys_estimate = self.keys_estimate();
        let rewrites = self.rewrites(keys_estimate);
        let (total, base, top) = (self.total, self.base_total, self.options.top);
        let prefixes = self.families.map(|families| {
            let told = families.told().into_iter();
            told.flat_map(|(depth, list)| prefix_rows(depth, list, [total, base], top)).collect()
        });
        let slots = self.slots.as_deref().map(slot_rows);
        KeyReport {
            keys,
            most_often,
            prefixes,
            slots_used: slots.as_ref().map_or(0, |rows| rows.len() as u64),
            slots,
            keys_estimate,
            is_exact: self.sample.is_whole(),
            rewrites,
            base_keys: base.commands,
            base_bytes: base.bytes,
            threshold_bytes: self.keys.threshold(),
        }
    }

    /// Different keys: exactly where all of them were sampled.
    fn keys_estimate(&self) -> u64 {
        if self.sample.is_whole() {
            return self.sample.size() as u64;
        }
        let mut all = self.different.clone();
        for (_, family) in self.families.iter().flat_map(Families::iter) {
            all.merge(&family.keys);
        }
        all.estimate()
    }

    fn rewrites(&self, keys: u64) -> Vec<RewriteRow> {
        let n = self.sample.size().max(1) as f64;
        let told = |pair: &[u64]| {
            let found = self.sample.between(pair[0]..pair[1]);
            let part = found as f64 / n;
            let spread = part * (1.0 - part) / n + (part * HyperLogLog::ERROR).powi(2);
            RewriteRow {
                times_from: pair[0],
                times_to: Some(pair[1]).filter(|&end| end < u64::MAX).map(|end| end - 1),
                keys: (keys as f64 * part).round() as u64,
                error_keys: match self.sample.is_whole() {
                    true => 0,
                    false => (keys as f64 * spread.sqrt()).ceil() as u64,
                },
            }
        };
        OFTEN.windows(2).map(told).collect()
    }

    fn heaviest_keys(&self) -> Vec<KeyRow> {
        let mut rows: Vec<_> = self.keys.rows().collect();
        rows.sort_unstable_by(|a, b| {
            let order = b.at_most().cmp(&a.at_most()).then(a.error.cmp(&b.error));
            order.then_with(|| named(a).cmp(&named(b)))
        });
        rows.truncate(self.options.top);
        rows.into_iter().map(|row| self.told(&row)).collect()
    }

    fn most_often(&self) -> Vec<KeyRow> {
        let mut rows: Vec<_> = self.keys.rows().collect();
        rows.sort_unstable_by(|a, b| b.times.cmp(&a.times).then_with(|| named(a).cmp(&named(b))));
        rows.truncate(self.options.top);
        rows.into_iter().map(|row| self.told(&row)).collect()
    }

    fn told(&self, row: &Row<'_, Known>) -> KeyRow {
        let in_base = self.base.weight(row.hash());
        KeyRow {
            key: row.name.to_vec(),
            is_cut: row.data.is_cut,
            db: row.data.db.into(),
            commands: row.times,
            error_commands: row.error / SMALLEST,
            bytes: row.at_most(),
            error_bytes: row.error,
            // What is not among those counted one by one is not there, unless some were given up.
            base_bytes: in_base.or(self.base.is_exact().then_some(0)),
        }
    }
}

fn named<'r>(row: &Row<'r, Known>) -> (&'r [u8], u32) {
    (row.name, row.data.db)
}

/// The heaviest `top` families of one depth, in the log or in the base, and all else as `*`.
fn prefix_rows(
    depth: Option<usize>,
    mut list: Vec<Family>,
    [total, base]: [Tally; 2],
    top: usize,
) -> Vec<PrefixRow> {
    let mut rest = Family { pattern: b"*".to_vec(), ..Family::default() };
    list.retain(|family| {
        let is_rest = family.pattern == b"*";
        if is_rest {
            rest.keys.merge(&family.keys);
        }
        !is_rest
    });
    // A part of the whole, of the log or of the base, in 2^32nds.
    let part = |bytes: u64, of: Tally| (u128::from(bytes) << 32) / u128::from(of.bytes.max(1));
    list.sort_by_cached_key(|family| {
        let weight = part(family.bytes, total).max(part(family.base_bytes, base));
        (std::cmp::Reverse(weight), family.pattern.clone())
    });
    for family in list.drain(top.min(list.len())..) {
        rest.keys.merge(&family.keys);
    }
    list.sort_by(|a, b| {
        let order = b.bytes.cmp(&a.bytes).then(b.base_bytes.cmp(&a.base_bytes));
        order.then_with(|| a.pattern.cmp(&b.pattern))
    });
    // Everything else, whether it has a key or not.
    let sum = |of: fn(&Family) -> u64| list.iter().map(of).sum::<u64>();
    rest.commands = total.commands - sum(|family| family.commands);
    rest.bytes = total.bytes - sum(|family| family.bytes);
    rest.base_keys = base.commands - sum(|family| family.base_keys);
    rest.base_bytes = base.bytes - sum(|family| family.base_bytes);
    list.push(rest);
    let told = |family: Family| PrefixRow {
        keys_estimate: family.keys.estimate(),
        prefix: family.pattern,
        depth,
        commands: family.commands,
        bytes: family.bytes,
        base_keys: family.base_keys,
        base_bytes: family.base_bytes,
    };
    list.into_iter().filter(|f| f.commands > 0 || f.base_keys > 0).map(told).collect()
}

fn slot_rows(slots: &[Tally]) -> Vec<SlotRow> {
    let used = (0..SLOTS).zip(slots).filter(|(_, tally)| tally.commands > 0);
    let mut rows: Vec<_> = used
        .map(|(slot, tally)| SlotRow { slot, commands: tally.commands, bytes: tally.bytes })
        .collect();
    rows.sort_by_key(|row| (std::cmp::Reverse(row.bytes), row.slot));
    rows
}
