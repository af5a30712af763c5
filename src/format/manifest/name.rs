//! Names of manifests.

const END: &[u8] = b".manifest";

/// What the names of a set's files begin with, by the name of its manifest; `None` where a file of this name is none.
pub fn stem(name: &[u8]) -> Option<&[u8]> {
    name.strip_suffix(END)
}

/// Whether a file of this name is the manifest of a set, and not one that a server is about to put in its place.
pub fn is_name(name: &[u8]) -> bool {
    stem(name).is_some() && !name.starts_with(b"temp-")
}

/// The name of the manifest of a set whose files' names begin so.
pub fn name_of(stem: &[u8]) -> Vec<u8> {
    [stem, END].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_is_called_by_its_stem() {
        assert_eq!(stem(b"a.aof.manifest"), Some(&b"a.aof"[..]));
        assert_eq!(stem(b"a.aof.manifest.bak"), None);
        assert_eq!(name_of(b"a.aof"), b"a.aof.manifest");
        assert!(is_name(b"a.manifest") && !is_name(b"temp-a.manifest") && !is_name(b"a.aof"));
    }
}
