//! The version of a server, in what its `--version` prints.

/// The number after `v=`.
pub(super) fn major(told: &str) -> u32 {
    let version = told.split(" v=").nth(1).unwrap_or_default();
    version.split('.').next().and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// Name and version in what `--version` prints, such as `Redis server v=8.2.3 sha=00000000:0`.
pub(super) fn version(told: &str) -> Option<(String, String)> {
    let (name, rest) = told.lines().find_map(|line| line.split_once(" server v="))?;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
    let version = rest.split(' ').next()?;
    let all_plain = !name.is_empty() && name.chars().chain(version.chars()).all(is_plain);
    all_plain.then(|| (name.to_owned(), version.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_and_version_are_taken_as_the_server_says_them() {
        let told = "Valkey server v=9.1.2 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64 build=1";
        assert_eq!(version(told), Some(("Valkey".to_owned(), "9.1.2".to_owned())));
        assert_eq!(version("\u{1b}[31mRedis server v=9.1.2"), None);
        assert_eq!(version("something else"), None);
    }

    #[test]
    fn the_first_number_of_a_version_is_taken_from_what_servers_print() {
        assert_eq!(major("Redis server v=6.2.14 sha=00000000:0 malloc=jemalloc bits=64"), 6);
        assert_eq!(major("Valkey server v=9.1.2 sha=00000000:0"), 9);
        assert_eq!(major("something else"), 0);
    }
}
