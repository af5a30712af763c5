//! Any bytes as the files of a set: opened, scanned and judged.
#![no_main]

#[path = "../../tests/support/laws.rs"]
mod laws;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    laws::a_checked_set_adds_up(bytes);
});
