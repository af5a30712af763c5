//! Any bytes as an RDB: walked in windows of any size, and checked thoroughly.
#![no_main]

#[path = "../../tests/support/laws.rs"]
mod laws;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    laws::an_rdb_is_the_same_in_any_window(bytes);
    laws::what_is_printed_can_be_fed_to_a_server(bytes);
});
