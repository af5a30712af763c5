//! The manifest of a set, as a snapshot keeps it.

use super::entry::{ManifestEntry, Words};
use super::hash;
use crate::aof::{Aof, ManifestState};
use crate::error::{Error, ErrorKind, Result};
use crate::format::manifest::Manifest;

/// The manifest to keep; `None` for a set without one.
pub(super) fn manifest_of(aof: &Aof) -> Result<Option<ManifestEntry>> {
    let refused = |why: &str| Err(Error::new(ErrorKind::Refused(why.to_owned().into()), &aof.path));
    if aof.upgrade_pending {
        return refused(
            "an upgrade from a single file is under way here; let the server finish it",
        );
    }
    let Some(opened) = &aof.manifest else { return Ok(None) };
    match &opened.state {
        ManifestState::Valid(manifest) => {
            let text = without_history(&opened.bytes, manifest);
            let name = opened.path.file_name().unwrap_or_default().as_encoded_bytes();
            let (name, sha256) = (Words::new(name), hash::hex_of(&text));
            Ok(Some(ManifestEntry { name, sha256, text: Words::new(&text) }))
        }
        ManifestState::Missing => refused("the manifest is missing; see `aofkit check`"),
        ManifestState::Invalid(_) => refused("the manifest is not valid; see `aofkit check`"),
    }
}

/// The manifest as it lies there, whatever it says.
pub(super) fn manifest_as_is(aof: &Aof) -> Option<ManifestEntry> {
    let opened = aof.manifest.as_ref()?;
    if matches!(opened.state, ManifestState::Missing) {
        return None;
    }
    let name = Words::new(opened.path.file_name().unwrap_or_default().as_encoded_bytes());
    let (text, sha256) = (Words::new(&opened.bytes), hash::hex_of(&opened.bytes));
    Some(ManifestEntry { name, sha256, text })
}

/// The manifest's bytes without the lines of files that a server would only delete.
fn without_history(bytes: &[u8], manifest: &Manifest) -> Vec<u8> {
    let gone: Vec<_> = manifest.history().map(|entry| entry.span.clone()).collect();
    let kept = |at: usize| !gone.iter().any(|span| span.contains(&(at as u64)));
    bytes.iter().enumerate().filter(|(at, _)| kept(*at)).map(|(_, byte)| *byte).collect()
}
