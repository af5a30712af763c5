//! Bytes behind the end of a plain dump: a server that loads the file as its `dump.rdb` never looks at them.
//!
//! The same bytes in the base of a set are damage, for there every server reads on.

use std::sync::Arc;

use super::facts::{RdbFacts, SegmentFacts};
use super::finding::{Kind, Problem, Severity, bytes};
use super::scene::Scene;
use super::seen::{Seen, What};
use crate::aof::{Aof, Ending, Excerpt, Role};

/// Takes the bytes behind a plain dump that is looked at alone for what they are.
pub(super) fn tell_apart(aof: &Aof, facts: &mut Arc<SegmentFacts>) {
    let is_alone = matches!(aof.segments[facts.position].role, Role::Single | Role::Stream);
    let Some(RdbFacts::Whole(walked)) = &facts.rdb else { return };
    let fields = &walked.outcome.fields;
    let is_log = [fields.aof_base(), fields.aof_preamble()].contains(&Some(true));
    if !is_alone || is_log || facts.commands > 0 {
        return;
    }
    let end = walked.outcome.end;
    let damage = facts.seen.iter().rev().find_map(|seen| match &seen.what {
        What::Damage(damage) if damage.start >= end => Some(damage),
        _ => None,
    });
    let Some(damage) = damage.filter(|damage| !matches!(damage.ending, Ending::Unread(_))) else {
        return;
    };
    let what = What::BehindDump(damage.context.clone());
    let facts = Arc::make_mut(facts);
    facts.seen.retain(|seen| seen.offset < end);
    facts.halt = facts.halt.filter(|halt| halt.at < end);
    facts.broken = facts.broken.filter(|halt| halt.at < end);
    let len = facts.len - end;
    let (count, bytes, commands_before, cut_before) = (1, len, 0, end);
    let likely = Some(0);
    facts.seen.push(Seen {
        offset: end,
        len,
        count,
        bytes,
        commands_before,
        cut_before,
        likely,
        what,
    });
}

/// Wording for it.
pub(super) fn problem(scene: &Scene<'_>, seen: &Seen, context: &Excerpt) -> Problem {
    let message = format!(
        "{} behind the end of the RDB belong to nothing{}: a server that loads this file as its \
         dump.rdb ignores them; as the base of a set they would stop it",
        bytes(seen.len),
        scene.near(context)
    );
    let problem = scene.problem(Kind::GarbageTail, Severity::Warning, seen, message);
    problem.next(scene.repair(""))
}
