//! Names: of snapshots, of sources, and of a snapshot as it is typed.

use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};

use super::moment::Moment;

/// What stands between a repository and a snapshot of it.
const SEPARATOR: &str = "::";

/// A number that nobody else comes up with.
fn random() -> u64 {
    RandomState::new().hash_one((std::time::SystemTime::now(), std::process::id()))
}

/// A random name of the usual form (RFC 9562, version 4).
pub(super) fn uuid() -> String {
    let (a, b) = (random(), random());
    let (version, variant) = ((a & 0xfff) | 0x4000, ((b >> 48) & 0x3fff) | 0x8000);
    let node = b & 0xffff_ffff_ffff;
    format!("{:08x}-{:04x}-{version:04x}-{variant:04x}-{node:012x}", a >> 32, (a >> 16) & 0xffff)
}

/// The name of a new snapshot: when, which in a row, and something random.
pub(super) fn id(at: Moment, seq: u64) -> String {
    format!("{}-{seq}-{:016x}", at.compact(), random())
}

/// The number in a snapshot's name; `None` when it is no such name.
pub(super) fn seq_of(id: &str) -> Option<u64> {
    let mut parts = id.split('-');
    let (time, seq, random) = (parts.next()?, parts.next()?, parts.next()?);
    let well_formed = time.len() == 16 && random.len() == 16 && parts.next().is_none();
    well_formed.then(|| seq.parse().ok()).flatten()
}

/// What is enough of a snapshot's name to find it again.
pub fn short_id(id: &str) -> &str {
    id.rsplit_once('-').map_or(id, |(short, _)| short)
}

/// Whether a source may have this name.
///
/// # Errors
/// Tells why not.
pub fn source_name(name: &str) -> std::result::Result<String, String> {
    let fits = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    if name.is_empty() || name.len() > 128 || name.starts_with('.') || !name.bytes().all(fits) {
        return Err("a source's name has letters, digits, '-', '_' and '.', at most 128".to_owned());
    }
    Ok(name.to_owned())
}

/// What the names of sources end with whose snapshots are files as they were found.
const AS_IS: &str = ".as-is";

/// The source that a source's files go to when they are kept as they were found.
pub(super) fn as_is_source(source: &str) -> String {
    let room = 128 - AS_IS.len();
    format!("{}{AS_IS}", source.get(..room).unwrap_or(source))
}

/// Whether a source has files as they were found.
pub fn is_as_is(source: &str) -> bool {
    source.ends_with(AS_IS)
}

/// The name of a source that was given none: the place of the set, and that hashed.
pub(super) fn default_source(place: &Path) -> String {
    let fits = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    let dir: String = crate::disk::parent(place).to_string_lossy().chars().map(fits).collect();
    let dir = dir.trim_start_matches('-');
    let from = dir.len().saturating_sub(64);
    let hash = super::hash::hex_of(place.as_os_str().as_encoded_bytes());
    format!("{}-{}", dir[from..].trim_start_matches('-'), &hash[..8])
        .trim_start_matches('-')
        .to_owned()
}

/// A snapshot as it is typed: `REPO::latest`, `REPO::latest~2`, `REPO::ID`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotPath {
    /// The repository.
    pub repository: PathBuf,
    /// Which one.
    pub which: Which,
}

/// Which snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// So many before the newest.
    Latest(usize),
    /// By its name, or the beginning of it.
    Id(String),
}

impl SnapshotPath {
    /// Takes a path apart; `None` when it names no snapshot. A path that exists is what it is.
    pub fn parse(path: &Path) -> Option<Self> {
        let text = path.to_str()?;
        let (repository, which) = text.rsplit_once(SEPARATOR)?;
        if repository.is_empty() || which.is_empty() || which.contains('/') {
            return None;
        }
        if crate::disk::exists(path) {
            return None;
        }
        let latest = which.strip_prefix("latest").map(|rest| match rest.strip_prefix('~') {
            Some(number) => number.parse().ok(),
            None => rest.is_empty().then_some(0),
        });
        let which = match latest {
            Some(Some(back)) => Which::Latest(back),
            _ => Which::Id(which.to_owned()),
        };
        Some(Self { repository: PathBuf::from(repository), which })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_path_is_taken_apart_from_the_right() {
        let which = |path: &str| SnapshotPath::parse(Path::new(path)).map(|p| p.which);
        assert_eq!(which("repo::latest"), Some(Which::Latest(0)));
        assert_eq!(which("a::b::latest~12"), Some(Which::Latest(12)));
        assert_eq!(which("repo::2026"), Some(Which::Id("2026".to_owned())));
        assert_eq!(which("repo::latest~x"), Some(Which::Id("latest~x".to_owned())));
        assert_eq!(which("repo"), None);
        assert_eq!(which("::latest"), None);
        assert_eq!(which("a::b/c"), None);
    }

    #[test]
    fn the_number_of_a_snapshot_is_in_its_name() {
        assert_eq!(seq_of("20261123T005316Z-4711-0123456789abcdef"), Some(4711));
        assert_eq!(seq_of("20261123T005316Z-4711"), None);
        assert_eq!(seq_of("x"), None);
    }
}
