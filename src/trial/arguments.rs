//! Arguments that a user adds to those of a server on trial, such as `--loadmodule` and the module's file.

use super::refusal::Refusal;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::disk;
use crate::error::{Error, Result};

/// A line of a configuration as one argument. Words that begin with two dashes would be directives of their own, were they
/// arguments of their own.
pub fn line(directive: &str, words: &[&[u8]]) -> OsString {
    let mut line = format!("--{directive}");
    for word in words {
        line.push_str(" \"");
        for &byte in *word {
            match byte.is_ascii_alphanumeric() {
                true => line.push(char::from(byte)),
                false => line.push_str(&format!("\\x{byte:02x}")),
            }
        }
        line.push('"');
    }
    line.into()
}

/// The files of modules that a server is told to load by its arguments, in two words or in one.
pub fn modules(arguments: &[OsString]) -> Vec<PathBuf> {
    const DIRECTIVE: &[u8] = b"--loadmodule";
    let in_two = arguments.windows(2).filter_map(|pair| match pair {
        [word, file] if word.as_bytes().eq_ignore_ascii_case(DIRECTIVE) => Some(file.as_bytes()),
        _ => None,
    });
    let in_one = arguments.iter().filter_map(|line| {
        let (word, rest) = line.as_bytes().split_at_checked(DIRECTIVE.len())?;
        let is_one = word.eq_ignore_ascii_case(DIRECTIVE) && rest.first() == Some(&b' ');
        is_one.then(|| rest.trim_ascii().split(|byte| *byte == b' ').next()).flatten()
    });
    let files = in_two.chain(in_one).map(|file| PathBuf::from(OsStr::from_bytes(file)));
    files.filter(|file| file.is_absolute()).collect()
}

/// Ensures that the server on trial can read the files that its arguments name. As root it runs as another user, to whom
/// they must be open.
///
/// # Errors
/// Names the first one that it cannot read.
pub fn ensure_readable(arguments: &[OsString]) -> Result<()> {
    if !rustix::process::geteuid().is_root() {
        return Ok(());
    }
    let named = arguments.iter().map(Path::new).filter(|path| path.is_absolute());
    let mut files = named.filter(|path| disk::exists(path));
    match files.find(|path| !disk::is_open_to_others(path)) {
        None => Ok(()),
        Some(path) => Err(Error::refused(Refusal::NotReadable, path)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_directive_loads_is_a_module() {
        let words = |all: &[&str]| all.iter().map(OsString::from).collect::<Vec<_>>();
        let found = |all: &[&str]| modules(&words(all));
        let two = ["--loadmodule", "/m/a.so", "/m/argument", "--LOADMODULE", "/m/b.so"];
        assert_eq!(found(&two), [PathBuf::from("/m/a.so"), "/m/b.so".into()]);
        assert_eq!(found(&["--loadmodule /m/c.so 1 2"]), [PathBuf::from("/m/c.so")]);
        assert!(found(&["--aclfile", "/etc/passwd", "--loadmodule", "here.so"]).is_empty());
        let renamed = line("rename-command", &[b"GET", b"--loadmodule"]);
        assert!(modules(&[renamed, "/m/d.so".into()]).is_empty());
        assert!(modules(&[line("rename-command", &[b"GET", b"/etc/passwd"])]).is_empty());
    }

    #[test]
    fn a_line_is_quoted_as_servers_read_it() {
        let told = line("rename-command", &[b"GET", b"--g \"\xff", b""]);
        assert_eq!(told, r#"--rename-command "GET" "\x2d\x2dg\x20\x22\xff" """#);
    }
}
