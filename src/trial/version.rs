//! The version of a server, in what its `--version` prints.

/// The number after `v=`.
pub(super) fn major(told: &str) -> u32 {
    let version = told.split(" v=").nth(1).unwrap_or_default();
    version.split('.').next().and_then(|number| number.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_number_of_a_version_is_taken_from_what_servers_print() {
        assert_eq!(major("Redis server v=6.2.14 sha=00000000:0 malloc=jemalloc bits=64"), 6);
        assert_eq!(major("Valkey server v=9.1.2 sha=00000000:0"), 9);
        assert_eq!(major("something else"), 0);
    }
}
