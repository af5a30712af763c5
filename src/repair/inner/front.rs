//! What becomes of the RDB part of a segment that is not sound, event by event.

use super::base::{self, Choice, Flawed};
use super::refusal::OfRdb;
use super::sieve::Sieve;
use crate::aof::{Aof, Event};
use crate::error::Result;
use crate::format::rdb::Checksum;
use crate::text;

/// Whether an event was dealt with because it is an RDB part that is not sound.
pub(super) enum Front {
    Plain,
    Taken,
    Refused(OfRdb),
}

/// Looks whether it is one, and decides what becomes of it.
///
/// # Errors
/// When the bytes cannot be read.
pub(super) fn front(
    aof: &Aof,
    position: usize,
    event: &Event<'_>,
    flushes: bool,
    sieve: &mut Sieve<'_, '_>,
    notes: &mut Vec<String>,
) -> Result<Front> {
    let name = &aof.segments[position].name;
    match event {
        Event::Rdb(part) if matches!(part.walked.checksum, Checksum::Mismatch { .. }) => {
            match base::only_flaw(aof, position)? {
                Flawed::No => {}
                Flawed::Unproven(why) => {
                    return Ok(Front::Refused(OfRdb::Flaws(why)));
                }
                Flawed::OneKey(key) => {
                    notes.push(base::note_of_key(name, &key));
                    let gaps = [(key.from, key.to)];
                    let checksum = base::checksum_without(aof, position, &gaps, part.end)?;
                    sieve.rdb_without_keys(vec![key], part.end, checksum);
                    return Ok(Front::Taken);
                }
            }
            sieve.rdb_without_checksum(part.end);
            notes.push(format!(
                "{}: some byte of the RDB is not what was written, and nobody can tell which: its \
                 checksum is switched off, so that servers load it with the wrong value in it; prefer a \
                 backup of the base",
                text::name(name)
            ));
            Ok(Front::Taken)
        }
        Event::Rdb(part) if part.walked.outcome.strays.seen > 0 => {
            let copies = base::stray_copies(aof, position, &part.walked.outcome.strays)?;
            if copies.is_empty() {
                return Ok(Front::Plain);
            }
            notes.push(base::note_of_copies(name, &copies));
            let gaps: Vec<_> = copies.iter().map(|key| (key.from, key.to)).collect();
            let checksum = match part.walked.checksum {
                Checksum::Match(_) => base::checksum_without(aof, position, &gaps, part.end)?,
                _ => 0,
            };
            sieve.rdb_without_keys(copies, part.end, checksum);
            Ok(Front::Taken)
        }
        Event::Damage(damage) => match &damage.rdb {
            Some(stop) => match base::choose(damage, stop, flushes) {
                Choice::Keys { proven } => {
                    // What is wrong inside of a key may come before what breaks the structure.
                    let flaw = base::first_flaw(aof, position)?.map_or(proven, |(key, _)| key);
                    let end = proven.min(flaw);
                    let keys = base::keys_before(aof, position, end)?;
                    if keys == 0 && !flushes {
                        return Ok(Front::Refused(OfRdb::NothingWhole));
                    }
                    notes.push(base::note(name, keys, flushes));
                    sieve.rdb_ends(end, damage.end, damage.fault.to_string())?;
                    Ok(Front::Taken)
                }
                Choice::Refuse(why) => Ok(Front::Refused(why)),
            },
            None if damage.start == 0 && base::was_rdb(aof, position)? => {
                Ok(Front::Refused(OfRdb::Beginning))
            }
            None => Ok(Front::Plain),
        },
        _ => Ok(Front::Plain),
    }
}
