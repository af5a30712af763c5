//! Any bytes as a journal: read or refused, and never believed beyond the set.
#![no_main]

#[path = "../../tests/support/change_laws.rs"]
mod change_laws;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    change_laws::a_journal_is_read_or_refused(bytes);
    change_laws::a_journal_touches_nothing_outside(bytes);
});
