//! Any bytes as the last file of a set: repaired or cleaned, and taken back; nothing outside is touched.
#![no_main]

#[path = "../../tests/support/change_laws.rs"]
mod change_laws;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    change_laws::repair_then_undo_is_the_old_set(bytes);
});
