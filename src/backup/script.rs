//! The script beside a snapshot, which restores it with sh, cat, zstd and sha256sum alone.

use super::entry::{Entry, FileEntry};
use super::list;

/// The script for an entry; depends on nothing else.
pub(super) fn script(entry: &Entry) -> String {
    let mut text = String::new();
    text.push_str("#!/bin/sh\n");
    text.push_str(&format!("# Restores snapshot {} of {}.\n", entry.id, entry.source));
    text.push_str(PROLOGUE);
    proofs(&mut text, entry);
    for (file, number) in entry.files.iter().zip(1..) {
        one_file(&mut text, file, number, "$dest");
    }
    if !entry.extras.is_empty() {
        text.push_str("mkdir -p -- \"$dest.extra\"\n");
    }
    for (file, number) in entry.extras.iter().zip(entry.files.len() + 1..) {
        one_file(&mut text, file, number, "$dest.extra");
    }
    if let Some(manifest) = &entry.manifest {
        let name = variable(&manifest.name.bytes().unwrap_or_default());
        let bytes = octal(&manifest.text.bytes().unwrap_or_default());
        text.push_str(&name);
        text.push_str(&format!("printf '{bytes}' > \"$dest/$name\"\n"));
        text.push_str(&check_hash("$dest", &manifest.sha256));
    }
    text.push_str("sync\necho \"restored to $dest\"\n");
    text
}

const PROLOGUE: &str = r#"# usage: sh THIS-FILE DEST    DEST must not exist, or be an empty directory
set -eu
umask 077
case ${1:?where to? give a new directory} in
    /*) dest=$1 ;;
    *) dest=$PWD/$1 ;;
esac
cd -- "$(dirname -- "$0")/../../.."
test -f format.json || { echo "this script must stay in its repository" >&2; exit 1; }
mkdir -p -- "$dest"
test -z "$(ls -A -- "$dest")" || { echo "$dest is not empty" >&2; exit 1; }
"#;

/// Tells each file's lists and objects, and proves all of them before anything is written.
fn proofs(text: &mut String, entry: &Entry) {
    let mut names = Vec::new();
    for (file, number) in entry.all_files().zip(1..).filter(|(f, _)| !f.segments.is_empty()) {
        let lists = file.lists.iter().map(|one| &one.list);
        let objects = list::unlisted(file).iter().map(|segment| &segment.object);
        text.push_str(&format!("file_{number}() {{ cat <<'END'\n"));
        lists.chain(objects).for_each(|key| text.push_str(&format!("{key}\n")));
        text.push_str("END\n}\n");
        names.push(format!("file_{number}; "));
    }
    if names.is_empty() {
        return;
    }
    text.push_str(&format!("files() {{ {}}}\n", names.concat()));
    text.push_str(FUNCTIONS);
    if entry.lists().next().is_some() {
        text.push_str("files | lists | sums | sha256sum -c --quiet -\n");
    }
    text.push_str("files | objects | sums | sha256sum -c --quiet -\n");
}

/// What a script does with keys. A line of a list begins with an object's.
const FUNCTIONS: &str = r#"lists() {
    while read -r key; do case $key in lists/*) echo "$key" ;; esac; done
}
objects() {
    while read -r key; do case $key in lists/*) cat -- "$key" || exit 1 ;; *) echo "$key" ;; esac; done
}
sums() {
    while read -r key rest; do hash=${key##*/}; echo "${hash%.*}  $key"; done
}
bytes() {
    while read -r key rest; do cat -- "$key" || exit 1; done
}
"#;

fn one_file(text: &mut String, file: &FileEntry, number: usize, dir: &str) {
    text.push_str(&variable(&file.name.bytes().unwrap_or_default()));
    match file.segments.is_empty() {
        true => text.push_str(&format!(": > \"{dir}/$name\"\n")),
        false => text
            .push_str(&format!("file_{number} | objects | bytes | zstd -dcq > \"{dir}/$name\"\n")),
    }
    let (mode, size) = (file.mode & 0o777, file.size);
    text.push_str(&format!("test \"$(wc -c < \"{dir}/$name\")\" -eq {size}\n"));
    if let Some(hash) = &file.sha256 {
        text.push_str(&check_hash(dir, hash));
    }
    text.push_str(&format!("chmod {mode:04o} \"{dir}/$name\"\n"));
}

fn check_hash(dir: &str, hash: &str) -> String {
    format!("test \"$(sha256sum < \"{dir}/$name\")\" = \"{hash}  -\"\n")
}

/// Sets `name`, whatever bytes are in it. The end that a substitution would swallow is guarded by a dot.
fn variable(name: &[u8]) -> String {
    match std::str::from_utf8(name) {
        Ok(plain) if plain.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b)) => {
            format!("name={plain}\n")
        }
        _ => format!("name=$(printf '{}.'); name=${{name%.}}\n", octal(name)),
    }
}

/// Bytes as the format of printf takes them, on one line.
fn octal(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for &byte in bytes {
        match byte {
            b'\n' => text.push_str("\\n"),
            b'\\' => text.push_str("\\\\"),
            b'\'' | b'%' => text.push_str(&format!("\\{byte:03o}")),
            b' '..=b'~' => text.push(char::from(byte)),
            _ => text.push_str(&format!("\\{byte:03o}")),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_gets_back_the_bytes_that_were_written_for_it() {
        let bytes: Vec<u8> = (1..=255).chain(*b"%s\\n'\n\n").collect();
        let text = format!("{}printf '%s' \"$name\"", variable(&bytes));
        let out = std::process::Command::new("sh").args(["-c", &text]).output().unwrap();
        assert_eq!(out.stdout, bytes);
        let text = format!("printf '{}'", octal(&bytes));
        let out = std::process::Command::new("sh").args(["-c", &text]).output().unwrap();
        assert_eq!(out.stdout, bytes);
    }
}
