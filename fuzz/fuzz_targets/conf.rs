//! Any bytes as a configuration: lines, settings, includes, sizes, and a set that is judged by it.
#![no_main]

#[path = "../../tests/support/conf_laws.rs"]
mod conf_laws;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    conf_laws::directives_are_what_their_lines_spell(bytes);
    conf_laws::settings_are_the_same_in_any_files(bytes);
    conf_laws::a_configuration_is_read_or_refused(bytes);
    conf_laws::sizes_are_digits_times_units(bytes);
    conf_laws::a_set_is_judged_under_any_configuration(bytes);
});
