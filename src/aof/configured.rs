//! What a configuration makes of a set: where it lies, and by which settings its server reads it.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::conf::Configuration;
use super::locate::{Found, segment_name};
use super::options::OpenOptions;
use super::set::Aof;
use crate::command::Renames;
use crate::error::{Error, Result};
use crate::format::conf::Settings;
use crate::format::manifest;
use crate::{disk, text};

/// The configuration that was named.
pub(super) fn configuration(options: &OpenOptions) -> Result<Option<Arc<Configuration>>> {
    let read = options.conf.as_deref().map(Configuration::read).transpose()?;
    Ok(read.map(Arc::new))
}

/// Where a server with these settings has its files.
pub(super) fn by_settings(conf: &Path, settings: &Settings) -> Result<Found> {
    let at = |bytes: &[u8]| PathBuf::from(OsStr::from_bytes(bytes));
    let dir = at(settings.dir());
    let stem = settings.append_file_name();
    let append_dir = dir.join(at(settings.append_dir_name()));
    let manifest = append_dir.join(at(&manifest::name_of(stem)));
    let single = dir.join(at(stem));
    if disk::is_file(&manifest) {
        return Ok(Found::Manifest(manifest));
    }
    if disk::is_dir(&manifest).unwrap_or(false) {
        return Ok(Found::ManifestDirectory(manifest));
    }
    if disk::is_file(&single) {
        return Ok(Found::File(single));
    }
    let ours = |l: &disk::Listed| segment_name(l.name.as_bytes()).is_some_and(|n| n.stem == stem);
    if disk::list_dir(&append_dir).is_ok_and(|listed| listed.iter().any(ours)) {
        return Ok(Found::Lost(append_dir, stem.to_vec()));
    }
    let dump = dir.join(at(settings.db_file_name()));
    if !settings.db_file_name().is_empty() && disk::is_file(&dump) {
        return Ok(Found::File(dump));
    }
    let starts = match settings.append_only() && disk::is_dir(&dir).unwrap_or(false) {
        true => "; the server starts empty there",
        false => "",
    };
    let why = format!(
        "names {} as the set's manifest, and nothing is there{starts}",
        text::path(&manifest)
    );
    Err(Error::io(conf, std::io::Error::new(std::io::ErrorKind::NotFound, why)))
}

impl Aof {
    /// What the server's configuration says applies to it.
    pub(super) fn configure(&mut self, configuration: Option<Arc<Configuration>>) {
        let Some(configuration) = configuration else { return };
        self.names = Renames::of(&configuration.settings.renamed_commands);
        self.settings = configuration.settings.clone();
        let lines = self.settings.load_modules.iter();
        self.modules.add_libraries(lines.filter_map(|words| words.first().cloned()));
        self.configured = true;
        self.configuration = Some(configuration);
    }
}
