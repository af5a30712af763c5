//! Opens sets consistently, also beside a server that keeps rewriting them.

use super::options::OpenOptions;
use std::cell::{Cell, OnceCell, RefCell};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::configured::{by_settings, configuration};
use super::leftover::{self, LeftoverKind};
use super::locate::{self, Found, Located, segment_name};
use super::segments::{by_name, history, listed};
use super::set::{
    Aof, Input, KeptFile, Layout, ManifestState, OpenedManifest, Role, Segment, Writer,
};
use crate::command::Renames;
use crate::disk::{self, Access, FilePath, FrozenFile, LookOnce};
use crate::error::{Error, ErrorKind, Result};
use crate::format::conf::Settings;
use crate::format::fault::Fault;
use crate::format::foreign;
use crate::format::manifest::{self, Dialect, Manifest};
use crate::format::rdb;
use crate::rules::{Modules, Target};
use crate::{limits, text};

/// Opens every set at `path`, each with its own outcome: one that cannot be opened is no reason to say
/// nothing of the others. Behind them stands an error for each directory that could not be looked at: whether a set lies
/// there is not known.
///
/// # Errors
/// When there is none ([`ErrorKind::NotFound`]), or it cannot be looked for.
pub fn open_each(path: &Path, options: &OpenOptions) -> Result<Vec<Result<Aof>>> {
    let (mut opened, unreadable) = open_all(path, options)?;
    opened.extend(unreadable.into_iter().map(Err));
    Ok(opened)
}

/// The same without these errors: for whoever works on the one set that is found.
///
/// # Errors
/// As [`open_each`].
pub fn open_found(path: &Path, options: &OpenOptions) -> Result<Vec<Result<Aof>>> {
    open_all(path, options).map(|(opened, _)| opened)
}

type Opened = (Vec<Result<Aof>>, Vec<Error>);

fn open_all(path: &Path, options: &OpenOptions) -> Result<Opened> {
    let configuration = configuration(options)?;
    let Located { sets: found, unreadable } = match &configuration {
        Some(conf) if path.as_os_str().is_empty() => {
            conf.says_where()?;
            by_settings(&conf.path, &conf.settings)?.into()
        }
        _ => locate::locate(path, &options.processes)?,
    };
    let settings = configuration.as_ref().map(|conf| conf.settings.clone()).unwrap_or_default();
    let is_one_by_path = found.len() == 1 && unreadable.is_empty() && !path.as_os_str().is_empty();
    let opened = found.into_iter().map(|one| {
        let mut aof = open(one, options, settings.clone())?;
        aof.configure(configuration.clone());
        aof.look = options.processes.clone();
        if is_one_by_path {
            aof.path = path.to_owned();
        }
        Ok(aof)
    });
    Ok((opened.collect(), unreadable))
}

/// A set whose files lie in no file system, in the order a server loads them; `manifest` is its name and
/// bytes. `path` is what it is called.
///
/// # Errors
/// When its first bytes cannot be read.
pub fn open_kept(
    path: &Path,
    manifest: Option<(&[u8], &[u8])>,
    files: Vec<KeptFile>,
    options: &OpenOptions,
) -> Result<Aof> {
    let segments = files.into_iter().map(|file| Segment {
        at: Some(Box::new(FilePath::from(&*path.join(OsStr::from_bytes(&file.name))))),
        name: file.name.into(),
        role: file.role,
        seq: file.seq,
        is_link: false,
        is_held: false,
        input: Input::Kept(Box::new(file.bytes)),
    });
    let mut aof = finish(empty(path.to_owned(), segments.collect()), options)?;
    aof.configure(configuration(options)?);
    let Some((name, bytes)) = manifest else { return Ok(aof) };
    let path = path.join(OsStr::from_bytes(name));
    let manifest = judged(path, bytes.to_vec(), aof.target());
    Ok(Aof { layout: Layout::MultiPart, manifest: Some(Arc::new(manifest)), ..aof })
}

type Read = std::result::Result<Manifest, Fault<manifest::Reason>>;

/// A manifest as the target and as redis-check-aof read it.
pub(super) fn judged(path: PathBuf, bytes: Vec<u8>, target: Target) -> OpenedManifest {
    let strict = manifest::parse(&bytes, Dialect::Strict);
    judged_as(path, bytes, target, strict)
}

/// The same, where it was read strictly already: a large one is in memory once.
fn judged_as(path: PathBuf, bytes: Vec<u8>, target: Target, strict: Read) -> OpenedManifest {
    let for_checker = Some(for_checker(&bytes, &strict));
    let read = match target.rules.dialect() {
        Dialect::Strict => strict,
        other => {
            drop(strict);
            manifest::parse(&bytes, other)
        }
    };
    let state = match read {
        Ok(manifest) => ManifestState::Valid(manifest),
        Err(fault) => ManifestState::Invalid(fault),
    };
    OpenedManifest { path, bytes, state, for_checker }
}

fn open(found: Found, options: &OpenOptions, settings: Settings) -> Result<Aof> {
    let mut aof = match found {
        Found::Stdin => {
            let mut source = disk::open_stdin()?;
            if !options.takes_any {
                locate::refuse_foreign(
                    Path::new("-"),
                    source.window(0, limits::PEEK)?,
                    limits::PEEK,
                )?;
            }
            alone(Path::new("-"), Input::Stdin(Box::new(RefCell::new(Some(source)))))
        }
        Found::File(path) => {
            let file = FrozenFile::open_growing(&path)?;
            let input = single(file, &path, options)?;
            let mut aof = alone(&path, input);
            aof.has_empty_append_dir = beside_empty_append_dir(&path, &settings);
            aof
        }
        Found::ManifestDirectory(path) => {
            let dir = path.parent().unwrap_or(Path::new(".")).to_owned();
            let name = path.file_name().unwrap_or_default().as_bytes();
            let (segments, leftovers) = by_name(&dir, manifest::stem(name).unwrap_or(name))?;
            let reason = manifest::Reason { line: 0, kind: manifest::Kind::Directory };
            let state = ManifestState::Invalid(Fault::new(0, reason));
            let mut aof = multi_part(&dir, path, state, segments);
            aof.leftovers = leftovers;
            aof
        }
        Found::Lost(dir, stem) => {
            let path = dir.join(OsStr::from_bytes(&manifest::name_of(&stem)));
            let (segments, leftovers) = by_name(&dir, &stem)?;
            let mut aof = multi_part(&dir, path, ManifestState::Missing, segments);
            aof.leftovers = leftovers;
            aof
        }
        Found::Manifest(path) => return with_manifest(&path, options, settings),
    };
    aof.settings = settings;
    finish(aof, options)
}

/// What a file by itself holds, inside zstd or not.
fn single(file: FrozenFile, path: &Path, options: &OpenOptions) -> Result<Input> {
    let is_packed = disk::zstd_magic(&file.head(4)?);
    if !options.takes_any {
        match is_packed {
            true => {
                let mut source = disk::open_zstd(&file)?;
                locate::refuse_foreign(path, source.window(0, limits::PEEK)?, limits::PEEK)?;
            }
            false => locate::refuse_foreign(path, &file.head(foreign::HEAD)?, foreign::HEAD)?,
        }
    }
    Ok(match is_packed {
        true => Input::Zstd(Box::new(file)),
        false => Input::File(Arc::new(file), Access::Read),
    })
}

/// A set of one file.
fn alone(path: &Path, input: Input) -> Aof {
    let stream = matches!(input, Input::Stdin(_));
    let name = path.file_name().unwrap_or(path.as_os_str()).as_bytes().into();
    let role = if stream { Role::Stream } else { Role::Single };
    let at = stream.then(|| Box::new(FilePath::from(path)));
    let segment = Segment { name, at, role, seq: None, is_link: false, is_held: false, input };
    let layout = if stream { Layout::Stream } else { Layout::SingleFile };
    Aof { layout, ..empty(path.to_owned(), vec![segment]) }
}

fn multi_part(dir: &Path, path: PathBuf, state: ManifestState, segments: Vec<Segment>) -> Aof {
    let manifest = OpenedManifest { path, bytes: Vec::new(), state, for_checker: None };
    let manifest = Some(Arc::new(manifest));
    Aof { layout: Layout::MultiPart, manifest, ..empty(dir.to_owned(), segments) }
}

fn empty(path: PathBuf, segments: Vec<Segment>) -> Aof {
    Aof {
        path,
        layout: Layout::SingleFile,
        manifest: None,
        segments,
        leftovers: Vec::new(),
        writer: None,
        target: Cell::new(Target::default()),
        target_given: false,
        stands_in: false,
        settings: Settings::default(),
        modules: Modules::default(),
        configured: false,
        configuration: None,
        names: Renames::default(),
        upgrade_pending: false,
        has_empty_append_dir: false,
        heard: OnceCell::new(),
        look: LookOnce::default(),
    }
}

/// Whether a directory for a multi-part set lies beside a file, and no set in it: a server has begun to make one.
fn beside_empty_append_dir(path: &Path, settings: &Settings) -> bool {
    let Some(parent) = path.parent() else { return false };
    let dir = parent.join(OsStr::from_bytes(settings.append_dir_name()));
    let of_set = |l: &disk::Listed| {
        let name = l.name.as_bytes();
        manifest::is_name(name) || segment_name(name).is_some()
    };
    disk::is_dir(&dir).unwrap_or(false)
        && disk::list_dir(&dir).is_ok_and(|listed| !listed.iter().any(of_set))
}

/// Finds out who wrote the base, and with that whose rules apply.
fn finish(mut aof: Aof, options: &OpenOptions) -> Result<Aof> {
    aof.writer = writer(&aof.segments)?;
    aof.modules = options.modules.clone();
    aof.target_given = options.target.is_some();
    aof.stands_in = options.stands_in;
    match options.target {
        Some(target) => aof.settle(target),
        None => aof.candidates().first().into_iter().for_each(|target| aof.settle(*target)),
    }
    Ok(aof)
}

/// What the auxiliary fields of the first RDB part say.
fn writer(segments: &[Segment]) -> Result<Option<Writer>> {
    let Some(first) = segments.iter().find(|s| s.is_live()) else { return Ok(None) };
    let head = match &first.input {
        Input::Missing | Input::Directory | Input::Splice(_) => return Ok(None),
        Input::Stdin(source) => match &mut *source.borrow_mut() {
            Some(source) => source.window(0, limits::PEEK)?.to_vec(),
            None => return Ok(None),
        },
        Input::File(file, _) => file.head(limits::PEEK)?,
        Input::Zstd(file) => disk::open_zstd(file)?.window(0, limits::PEEK)?.to_vec(),
        Input::Kept(kept) => kept.source()?.window(0, limits::PEEK)?.to_vec(),
    };
    if rdb::sniff(&head).is_none() {
        return Ok(None);
    }
    // The fields come first; where the walk stops after them does not matter here.
    let mut walker = rdb::Walker::new(0);
    let _ = walker.step(&head);
    Ok(walker
        .fields()
        .writer()
        .map(|writer| Writer { family: writer.family, version: writer.version.to_owned() }))
}

/// Opens a manifest's set so that manifest and files belong together.
fn with_manifest(path: &Path, options: &OpenOptions, settings: Settings) -> Result<Aof> {
    let mut bytes = manifest_bytes(path)?;
    for attempt in 0..limits::OPEN_ATTEMPTS {
        let opened = try_manifest(path, &bytes, options, settings.clone());
        // The manifest is replaced by rename, so equal bytes before and after mean: nothing moved. A
        // manifest that vanished meanwhile is told by the error of reading it again.
        let again = manifest_bytes(path)?;
        if again == bytes {
            return opened;
        }
        bytes = again;
        std::thread::sleep(Duration::from_millis(attempt.min(20) as u64));
    }
    Err(Error::new(ErrorKind::KeepsChanging, path))
}

fn manifest_bytes(path: &Path) -> Result<Vec<u8>> {
    // A link is read only where it stays inside, as those of the files are.
    let dir = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let (file, _) = disk::open_inside(dir, path.file_name().unwrap_or_default(), false)?;
    let mut bytes = file.read_small(limits::MANIFEST)?;
    if disk::zstd_magic(&bytes) {
        bytes = disk::unpack_small(&file.path(), limits::MANIFEST)?;
    }
    if bytes.iter().filter(|&&byte| byte == b'\n').count() > limits::MANIFEST_LINES {
        let most = text::thousands(limits::MANIFEST_LINES as u64);
        let why = format!("a manifest of more than {most} lines is not read");
        return Err(Error::io(path, std::io::Error::other(why)));
    }
    Ok(bytes)
}

fn try_manifest(
    path: &Path,
    bytes: &[u8],
    options: &OpenOptions,
    settings: Settings,
) -> Result<Aof> {
    let dir = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let name = path.file_name().unwrap_or_default().as_bytes();
    let stem = manifest::stem(name).unwrap_or(name).to_vec();
    let strict = manifest::parse(bytes, Dialect::Strict);
    let other =
        strict.as_ref().err().and_then(|_| manifest::parse(bytes, Dialect::Concatenating).ok());
    let (segments, mut leftovers, upgrade_pending) = match strict.as_ref().ok().or(other.as_ref()) {
        Some(manifest) => {
            let (segments, upgrade) = listed(dir, &stem, manifest)?;
            let named = manifest.entries.iter().map(|e| &*e.name).collect();
            (segments, leftover::find(dir, &stem, &named), upgrade)
        }
        None => {
            let (segments, leftovers) = by_name(dir, &stem)?;
            (segments, leftovers, false)
        }
    };
    if upgrade_pending {
        leftovers.retain(|l| l.kind != LeftoverKind::OldSingleFile);
    }
    leftovers.extend(history(&segments));
    let state = ManifestState::Missing;
    let mut aof = multi_part(path, path.to_owned(), state, segments);
    aof.leftovers = leftovers;
    aof.upgrade_pending = upgrade_pending;
    aof.settings = settings;
    let mut aof = finish(aof, options)?;
    // Only now is it known whose grammar counts.
    drop(other);
    let target = aof.target();
    let manifest = judged_as(path.to_owned(), bytes.to_vec(), target, strict);
    aof.manifest = Some(Arc::new(manifest));
    Ok(aof)
}

/// redis-check-aof reads what it does not recognise as a manifest as a log.
fn for_checker(bytes: &[u8], strict: &Read) -> std::result::Result<bool, String> {
    if manifest::redis_check_aof_recognises(bytes) {
        return strict.as_ref().map(|_| true).map_err(|fault| fault.reason.to_string());
    }
    match strict {
        Ok(manifest) if manifest.entries.is_empty() => Ok(false),
        Err(fault) if fault.reason.kind == manifest::Kind::Empty => Ok(false),
        _ => Err("the manifest is not recognised and taken for a log".to_owned()),
    }
}

impl Aof {
    /// Opens the one set at `path`: a directory, a manifest, a file, or `-`.
    ///
    /// # Errors
    /// When there is none, or more than one, or it cannot be read.
    pub fn open(path: &Path, options: &OpenOptions) -> Result<Self> {
        let mut sets = open_found(path, options)?;
        match (sets.pop(), sets.len()) {
            (None, _) => Err(Error::new(ErrorKind::NotFound, path)),
            (Some(only), 0) => only,
            (Some(_), others) => {
                let why = format!("{} sets are here, name one of them", others + 1);
                Err(Error::io(path, std::io::Error::other(why)))
            }
        }
    }

    /// The set with the files that lie there by their names, where its manifest names none of them.
    ///
    /// # Errors
    /// When the directory or a file in it cannot be read.
    pub fn with_files_by_name(mut self) -> Result<Self> {
        let Some(manifest) = &self.manifest else { return Ok(self) };
        (self.segments, self.leftovers) = by_name(&self.dir(), manifest.stem())?;
        Ok(self)
    }
}
