//! What an entry may say. Its bytes may come from anybody, so this is asked before anything is done by it.

use std::collections::BTreeSet;

use super::entry::{Entry, FORMAT, FileEntry, Words};
use super::{hash, name};
use crate::disk::is_plain_name;
use crate::limits;
use crate::text;

/// Goes on when there is nothing to say against it.
type Sound = Result<(), String>;

impl Entry {
    /// What in it contradicts itself or the format; `None` when nothing does.
    pub fn contradiction(&self) -> Option<String> {
        self.is_sound().err()
    }

    fn is_sound(&self) -> Sound {
        if self.format != FORMAT {
            return Err(format!("format {} is not known here", self.format));
        }
        self.texts_are_sound()?;
        let (mut segments, mut sum) = (0_u64, 0_u64);
        let set = self.files.iter().map(|file| &file.name);
        names_are_sound(set.chain(self.manifest.iter().map(|manifest| &manifest.name)))?;
        names_are_sound(self.extras.iter().map(|file| &file.name))?;
        for file in self.all_files() {
            let name = text::name(&file.name.bytes().unwrap_or_default());
            file.is_sound().map_err(|why| format!("{name}: {why}"))?;
            segments = segments.saturating_add(file.segments.len() as u64);
            for part in [file.size, file.torn_bytes_dropped, file.commands] {
                sum = sum.saturating_add(part);
            }
        }
        for part in [self.new_bytes, self.reused_bytes] {
            sum = sum.saturating_add(part);
        }
        if segments > limits::BACKUP_SEGMENTS || sum > limits::BACKUP_SUM {
            return Err("it says to have more than any snapshot has".to_owned());
        }
        let Some(manifest) = &self.manifest else { return Ok(()) };
        match manifest.text.bytes() {
            Some(text) if hash::hex_of(&text) == manifest.sha256 => Ok(()),
            Some(_) => Err("the manifest does not fit its hash".to_owned()),
            None => Err("the manifest cannot be decoded".to_owned()),
        }
    }

    /// What people read, and names of other snapshots.
    fn texts_are_sound(&self) -> Sound {
        let names = [&self.parent, &self.supersedes];
        if names.into_iter().flatten().any(|id| name::seq_of(id).is_none()) {
            return Err("what it names is no snapshot's name".to_owned());
        }
        let tags: usize = self.tags.iter().map(String::len).sum();
        if self.tags.len() > limits::BACKUP_TAGS || tags > limits::BACKUP_TEXT {
            return Err("it has more labels than any snapshot has".to_owned());
        }
        let server = self.server.iter().flat_map(|server| [&server.kind, &server.version]);
        let running = self.server.iter().filter_map(|server| server.running.as_ref());
        let running =
            running.flat_map(|one| [Some(&one.run_id), one.replid.as_ref(), one.role.as_ref()]);
        let own = [&self.host, &self.path, &self.tool, &self.taken, &self.script_sha256];
        let stretches = self.covers.iter().flat_map(|one| [&one.from, &one.to]);
        let gaps =
            self.gaps.iter().flat_map(|one| [&one.from, &one.reason].into_iter().chain(&one.to));
        let marks = self.marks.iter().flat_map(|mark| [&mark.kind, &mark.message]);
        let read = self.all_files().filter_map(|file| file.read.as_ref());
        let own = own.into_iter().chain(server).chain(running.flatten());
        let mut texts = own.chain(stretches).chain(gaps).chain(marks).chain(read);
        if texts.any(|text| text.len() > limits::BACKUP_TEXT) {
            return Err("a text in it is longer than any that is written".to_owned());
        }
        let many = [self.covers.len(), self.gaps.len(), self.diverged.len(), self.marks.len()];
        let many = many.into_iter().chain([self.before_shrinks.len()]);
        if many.into_iter().any(|count| count > limits::BACKUP_STRETCHES) {
            return Err("it has more stretches of time than any snapshot has".to_owned());
        }
        Ok(())
    }
}

/// Names of files that come into one directory: plain, and no two alike.
fn names_are_sound<'n>(names: impl Iterator<Item = &'n Words>) -> Sound {
    let mut seen = BTreeSet::new();
    for name in names {
        let Some(name) = name.bytes().filter(|name| is_plain_name(name)) else {
            return Err("a file's name is none".to_owned());
        };
        let shown = text::name(&name);
        if !seen.insert(name) {
            return Err(format!("two files have the name {shown}"));
        }
    }
    Ok(())
}

impl FileEntry {
    fn is_sound(&self) -> Sound {
        let mut at = 0_u64;
        for segment in &self.segments {
            if segment.offset != at || segment.size == 0 {
                return Err(format!("its segments leave a hole or overlap at byte {at}"));
            }
            if !hash::is_object_key(&segment.object) {
                return Err("a segment's object has no object's name".to_owned());
            }
            if segment.size > limits::BACKUP_SEGMENT || segment.stored > limits::BACKUP_OBJECT {
                return Err(format!("its segment at byte {at} is larger than any"));
            }
            let end = at.checked_add(segment.size);
            at = end.ok_or_else(|| "its segments have no end".to_owned())?;
        }
        match at == self.size {
            true => Ok(()),
            false => Err(format!("its segments hold {at} bytes of {}", self.size)),
        }
    }
}
