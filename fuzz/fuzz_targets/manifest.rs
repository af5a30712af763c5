//! Any bytes as a manifest: read, printed and read again.
#![no_main]

#[path = "../../tests/support/laws.rs"]
mod laws;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    laws::a_printed_manifest_means_the_same(bytes);
});
