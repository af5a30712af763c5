//! Any bytes as one segment: parsed, walked through every source, split and merged.
#![no_main]

#[path = "../../tests/support/laws.rs"]
mod laws;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    laws::records_are_what_their_arguments_spell(bytes);
    laws::header_lines_stay_in_bounds(bytes);
    laws::every_source_gives_the_same_events(bytes);
    laws::a_split_mix_merges_to_the_whole(bytes);
    laws::what_is_printed_can_be_fed_to_a_server(bytes);
});
