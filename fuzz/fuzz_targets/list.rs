//! Any bytes as a list of segments in a repository.
#![no_main]

#[path = "../../tests/support/laws.rs"]
mod laws;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    laws::a_list_is_refused_or_within_bounds(bytes);
});
