//! The script beside a snapshot, which restores it with sh, cat, zstd and sha256sum alone.

use super::entry::{Entry, FileEntry};

/// The script for an entry; depends on nothing else.
pub(super) fn script(entry: &Entry) -> String {
    let mut text = String::new();
    let objects: std::collections::BTreeSet<_> =
        entry.segments().map(|s| s.object.as_str()).collect();
    text.push_str("#!/bin/sh\n");
    text.push_str(&format!("# Restores snapshot {} of {}.\n", entry.id, entry.source));
    text.push_str(PROLOGUE);
    if !objects.is_empty() {
        text.push_str("sha256sum -c --quiet - <<'END'\n");
        for object in objects {
            let hash = super::hash::hash_in_key(object).unwrap_or_default();
            text.push_str(&format!("{hash}  {object}\n"));
        }
        text.push_str("END\n");
    }
    for file in &entry.files {
        one_file(&mut text, file, "$dest");
    }
    if !entry.extras.is_empty() {
        text.push_str("mkdir -p -- \"$dest.extra\"\n");
    }
    for file in &entry.extras {
        one_file(&mut text, file, "$dest.extra");
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

fn one_file(text: &mut String, file: &FileEntry, dir: &str) {
    text.push_str(&variable(&file.name.bytes().unwrap_or_default()));
    if file.segments.is_empty() {
        text.push_str(&format!(": > \"{dir}/$name\"\n"));
    } else {
        text.push_str("cat <<'END' | while read -r o; do cat -- \"$o\" || exit 1; done");
        text.push_str(&format!(" | zstd -dcq > \"{dir}/$name\"\n"));
        for segment in &file.segments {
            text.push_str(&segment.object);
            text.push('\n');
        }
        text.push_str("END\n");
    }
    let (mode, size) = (file.mode, file.size);
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
