//! Any JSON as the entry of a snapshot.
#![no_main]

#[path = "../../tests/support/laws.rs"]
mod laws;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(json) = std::str::from_utf8(bytes) {
        laws::an_entry_is_refused_or_within_bounds(json, b"");
    }
});
