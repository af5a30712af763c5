//! Keys that the target has otherwise: their values are kept first, and replaced only while nobody changes them.

use super::by_commands::commands_of;
use super::kept::Old;
use super::source::{Selected, Source, dumps};
use super::words::words;
use super::write::{
    Done, Fate, Writer, fate_of, in_part, is_unreadable, no_commands, restore, stop, transaction,
};
use crate::error::Result;
use crate::server::Answer;

/// How often keys are tried again that others have changed.
const TRIES: usize = 4;

impl Writer<'_, '_> {
    /// Replaces some keys of one database, all or none of them at a time.
    pub(super) fn replace(
        &mut self,
        selected: &mut Selected<'_>,
        at: usize,
        part: Vec<Source>,
    ) -> Result<()> {
        let there = selected.with_payloads(part)?;
        if !self.takes_payloads(at, selected.db, &there)? {
            return self.replace_each_by_commands(selected, at, there);
        }
        if there.is_empty() || self.replace_all(selected, at, &there)? {
            return Ok(());
        }
        // Somebody changed one of them: each by itself, then.
        for one in there {
            let mut is_done = false;
            for _ in 0..TRIES {
                is_done = self.replace_all(selected, at, std::slice::from_ref(&one))?;
                if is_done {
                    break;
                }
            }
            if !is_done {
                self.note(selected, &one.0, Fate::Changed, true);
            }
        }
        Ok(())
    }

    /// Watches keys, and keeps what they hold.
    fn keep(&mut self, selected: &Selected<'_>, at: usize, keys: &[&Source]) -> Result<()> {
        let node = &mut self.target.nodes[at];
        let names: Vec<_> = keys.iter().map(|key| key.name.clone()).collect();
        let mut watch = words(&[b"WATCH"]);
        watch.extend(names.iter().cloned());
        let answers = node.server.call(&[watch])?;
        if let Some(why) = answers.iter().find_map(Answer::refusal) {
            return Err(stop(node, why));
        }
        let heads = node.server.heads(node.asking, &names)?;
        let borrowed: Vec<&[u8]> = names.iter().map(Vec::as_slice).collect();
        let payloads = dumps(&mut node.server, &borrowed)?;
        let before: Vec<_> = heads.into_iter().zip(payloads).collect();
        // A value that is there and that DUMP does not tell could not be brought back.
        if before.iter().any(|(head, payload)| head.is_some() && payload.is_none()) {
            return Err(stop(node, "it does not answer DUMP, so old values cannot be kept"));
        }
        let old = names.iter().zip(&before).filter_map(|(name, (head, payload))| {
            let expires_ms = head.as_ref().and_then(|head| head.expires_ms);
            Some(Old { name, expires_ms, payload: payload.as_deref()? })
        });
        if let Some(kept) = &mut self.kept {
            kept.keep(selected.db, &old.collect::<Vec<_>>())?;
        }
        Ok(())
    }

    /// Replaces keys by one transaction. Answers whether they stood still meanwhile.
    fn replace_all(
        &mut self,
        selected: &mut Selected<'_>,
        at: usize,
        keys: &[(Source, Vec<u8>)],
    ) -> Result<bool> {
        self.keep(selected, at, &keys.iter().map(|(key, _)| key).collect::<Vec<_>>())?;
        let mut asked = vec![words(&[b"MULTI"])];
        asked.extend(keys.iter().map(|(key, payload)| restore(key, payload, true)));
        asked.push(words(&[b"EXEC"]));
        let mut answers = self.target.nodes[at].server.call(&asked)?;
        let all = match answers.pop() {
            Some(Answer::List(all)) => all,
            Some(Answer::Nil) => return Ok(false),
            end => {
                let queued = answers.iter().find_map(Answer::refusal);
                let why = queued.or(end.as_ref().and_then(Answer::refusal));
                let why = why.unwrap_or("its answer cannot be understood").to_owned();
                return Err(stop(&self.target.nodes[at], &why));
            }
        };
        for ((key, _), answer) in keys.iter().zip(all) {
            let fate = match fate_of(&answer) {
                Ok(Fate::Refused(why)) if is_unreadable(&why) => {
                    self.replace_by_commands(selected, at, key)?
                }
                Ok(fate) => fate,
                Err(why) => return Err(stop(&self.target.nodes[at], &why)),
            };
            self.note(selected, key, fate, true);
        }
        Ok(true)
    }

    fn replace_each_by_commands(
        &mut self,
        selected: &mut Selected<'_>,
        at: usize,
        keys: Vec<(Source, Vec<u8>)>,
    ) -> Result<()> {
        for (key, _) in keys {
            let fate = self.replace_by_commands(selected, at, &key)?;
            self.note(selected, &key, fate, true);
        }
        Ok(())
    }

    fn replace_by_commands(
        &mut self,
        selected: &mut Selected<'_>,
        at: usize,
        key: &Source,
    ) -> Result<Fate> {
        let counts = self.target.nodes[at].is_of_seven();
        let Some(commands) = commands_of(selected.server, key, counts)? else {
            return Ok(Fate::Refused(no_commands(key)));
        };
        for _ in 0..TRIES {
            self.keep(selected, at, &[key])?;
            let node = &mut self.target.nodes[at];
            let mut all = vec![words(&[b"DEL", &key.name])];
            all.extend(commands.iter().cloned());
            match transaction(node, all)? {
                Done::All => {
                    self.written.by_commands += 1;
                    return Ok(Fate::Written);
                }
                Done::Not => {}
                Done::Refused(why) => return Ok(Fate::Refused(why)),
                Done::Partly(why) => {
                    return Ok(Fate::Refused(format!("{}; its old value is kept", in_part(&why))));
                }
            }
        }
        Ok(Fate::Changed)
    }
}
