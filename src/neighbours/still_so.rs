//! Whether a manifest is what it was.

use crate::aof::{ManifestState, OpenedManifest};
use crate::disk;
use crate::limits;

/// Whether the manifest is the one that the set was opened by. A server deletes the files of before a rewrite once the new
/// manifest is there, and closes them a little later.
pub(super) fn is_still_so(manifest: &OpenedManifest) -> bool {
    match manifest.state {
        ManifestState::Missing => !disk::exists(&manifest.path),
        _ => disk::read_small(&manifest.path, limits::MANIFEST)
            .is_ok_and(|bytes| bytes == manifest.bytes),
    }
}
