//! The rules, by what they are about: a list of each, and who judges by it.

mod capacity;
mod cluster;
mod cluster_slots;
mod cluster_view;
mod elasticache;
mod memory;
mod network;
mod persistence;
mod restart;
mod rewrite;
mod rights;
mod security;
mod sentinel;
mod sentinel_lines;
mod side_by_side;
mod syntax;
mod tls;
mod users;
mod versions;
mod written;

use super::finding::Finding;
use super::rule::Rule;
use super::subject::Subject;

/// Rules that are judged together.
struct Family {
    /// The rules, by number.
    rules: &'static [&'static Rule],
    /// Adds what breaks them.
    judge: fn(&Subject, &mut Vec<Finding>),
}

/// All families, in the order of their rules' numbers.
const FAMILIES: &[Family] = &[
    Family { rules: &persistence::RULES, judge: persistence::judge },
    Family { rules: &restart::RULES, judge: restarted },
    Family { rules: &rewrite::RULES, judge: rewrite::judge },
    Family { rules: &capacity::RULES, judge: capacity::judge },
    Family { rules: &memory::RULES, judge: memory::judge },
    Family { rules: &cluster::RULES, judge: cluster::judge },
    Family { rules: &sentinel::RULES, judge: sentinel::judge },
    Family { rules: &security::RULES, judge: security::judge },
    Family { rules: &elasticache::RULES, judge: elasticache::judge },
    Family { rules: &syntax::RULES, judge: syntax::judge },
    Family { rules: &side_by_side::RULES, judge: side_by_side::judge },
    Family { rules: &versions::RULES, judge: versions::judge },
];

/// What a restart would change is judged by all rules, too.
fn restarted(subject: &Subject, findings: &mut Vec<Finding>) {
    restart::judge(subject, findings, &judge_all);
}

/// What breaks any of the rules, family by family.
pub(super) fn judge_all(subject: &Subject) -> Vec<Finding> {
    let mut findings = Vec::new();
    FAMILIES.iter().for_each(|family| (family.judge)(subject, &mut findings));
    findings
}

/// Every rule there is, by number.
pub fn rules() -> impl Iterator<Item = &'static Rule> {
    FAMILIES.iter().flat_map(|family| family.rules.iter().copied())
}
