//! Versions of servers, as numbers.

/// A version: major and minor.
pub type Version = (u32, u32);

/// A version with its patch: some commands came with one.
pub type Release = (u32, u32, u32);

/// Major and minor of `8.6.2`; nothing else may stand there.
pub fn version(text: &str) -> Option<Version> {
    release(text).map(|(major, minor, _)| (major, minor))
}

/// `8.6.2` in numbers; what is left out is 0, and nothing else may stand there.
pub(super) fn release(text: &str) -> Option<Release> {
    let mut parts = text.split('.').map(|part| part.parse().ok());
    let mut part = || parts.next().unwrap_or(Some(0));
    let release = (part()?, part()?, part()?);
    parts.all(|rest| rest.is_some()).then_some(release)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_numbers_and_points() {
        assert_eq!(version("8.6.2"), Some((8, 6)));
        assert_eq!(version("10"), Some((10, 0)));
        assert_eq!(version("8.x"), None);
        assert_eq!(version("-"), None);
        assert_eq!(release("8.6.2"), Some((8, 6, 2)));
        assert_eq!(release("8.6"), Some((8, 6, 0)));
    }
}
