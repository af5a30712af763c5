//! Payloads of RESTORE in a log: their checksum and version in any case, their values when that is asked for.
//!
//! A server that does not take one answers an error, logs it as critical and goes on without the key; some values
//! end it.

use super::loader::Loader;
use super::observe::Check;
use super::payload::{Payload, PayloadFault};
use super::raw::Raw;
use crate::aof::{Arguments, show_bytes};
use crate::disk::Source;
use crate::error::Result;
use crate::format::rdb::payload::{FOOTER_LEN, Footer, Inside, PayloadReader, Verdict};
use crate::format::resp::Record;
use crate::limits;

/// Place of the payload among the arguments of RESTORE.
const PLACE: usize = 3;

impl Check {
    /// A RESTORE.
    #[cold]
    pub(super) fn payload(&mut self, record: &Record<'_>) {
        if let Some(outline) = record.outline() {
            self.outlined = Some(outline);
            return;
        }
        let Some(payload) = record.args().nth(PLACE) else { return };
        let key = key_of(record);
        let Some(footer) = Footer::read(payload.head) else {
            return self.note_payload(record, key, PayloadFault::Short);
        };
        let mut reader = PayloadReader::new(footer, payload.len, self.thorough);
        reader.take(payload.head);
        self.judge_payload(record, key, footer, reader.finish());
    }

    /// One that no window holds.
    pub(super) fn outlined(&mut self, source: &mut dyn Source) -> Result<()> {
        let Some(outline) = self.outlined.take() else { return Ok(()) };
        let record = outline.record();
        let key = key_of(&record);
        if source.oldest() > record.start {
            self.now.unseen.payloads += 1;
            return Ok(());
        }
        let Some((start, len)) = place_of(source, &record)? else { return Ok(()) };
        let footer_at = (start + len).saturating_sub(FOOTER_LEN as u64);
        let last = match len {
            0..10 => None,
            _ => source.window(footer_at, FOOTER_LEN)?.get(..FOOTER_LEN).and_then(Footer::read),
        };
        let Some(footer) = last else {
            self.note_payload(&record, key, PayloadFault::Short);
            return Ok(());
        };
        let mut reader = PayloadReader::new(footer, len, self.thorough);
        show_bytes(source, start..start + len, &mut |bytes| reader.take(bytes))?;
        self.judge_payload(&record, key, footer, reader.finish());
        Ok(())
    }

    fn judge_payload(
        &mut self,
        record: &Record<'_>,
        key: Vec<u8>,
        footer: Footer,
        verdict: Verdict,
    ) {
        self.now.unseen.payload_values += u64::from(!self.thorough);
        let (stored, computed) = (footer.stored, verdict.computed);
        if stored != computed {
            return self.note_payload(record, key, PayloadFault::Checksum { stored, computed });
        }
        if self.loader.that_refuse_rdb(footer.header()) != 0 {
            let fault = PayloadFault::Version(footer.version);
            self.note_payload(record, key.clone(), fault);
        }
        match verdict.inside {
            Some(Inside::NotOpened) => self.now.unseen.payload_values += 1,
            Some(inside) => self.note_payload(record, key, PayloadFault::Inside(inside)),
            None => {}
        }
    }

    fn note_payload(&mut self, record: &Record<'_>, key: Vec<u8>, fault: PayloadFault) {
        let (among, ends) = self.loader.restores(&fault, record.start);
        if among != 0 {
            let payload = Payload { key, fault, ends: false };
            self.note(record.start, record.len, Raw::payload(payload, among, ends).into());
        }
    }
}

fn key_of(record: &Record<'_>) -> Vec<u8> {
    let key = record.args().nth(1).map(|key| key.head).unwrap_or_default();
    key[..key.len().min(limits::CONTEXT)].to_vec()
}

/// Where the payload of a large record lies, and its length.
fn place_of(source: &mut dyn Source, record: &Record<'_>) -> Result<Option<(u64, u64)>> {
    let mut arguments = Arguments::There { source, start: record.start, argc: record.argc };
    arguments.place(PLACE as u32)
}

impl Loader {
    /// Who is concerned by what is wrong with a payload, and whom it ends.
    #[cold]
    fn restores(&mut self, fault: &PayloadFault, at: u64) -> (u64, u64) {
        let footer = |version| Footer { version, stored: 0 }.header();
        let among = match fault {
            PayloadFault::Checksum { stored: 0, .. } => {
                self.that(|player| !player.rules.takes_unsummed)
            }
            PayloadFault::Version(version) => self.that_refuse_rdb(footer(*version)),
            _ => self.that(|_| true),
        };
        let ends = match fault {
            PayloadFault::Inside(inside) if inside.ends_all() => among,
            PayloadFault::Inside(Inside::Flaw(flaw)) => {
                self.that(|player| player.ends_in_restore(flaw))
            }
            _ => 0,
        };
        let perhaps = match fault {
            PayloadFault::Inside(Inside::Flaw(flaw)) => {
                self.that(|player| flaw.may_stop(player.rules.care))
            }
            _ => 0,
        };
        self.ended_by_payload(at, ends, perhaps);
        (among, ends)
    }
}
