//! A user who may start no more threads is told so, and nothing is left half done.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use super::home::{Home, set, tree, verified};

const NOBODY: u32 = 65_534;

#[test]
fn without_a_thread_more_verbs_end_with_an_error_that_says_so() {
    let home = Home::with_increment(&set("a", b"1"));
    home.backup();
    home.append(&set("b", b"2"));
    let (root, repo) = (home.root.path(), home.repo());
    let opened = Command::new("chmod").args(["-R", "a+rwX"]).arg(root).status();
    assert!(opened.unwrap().success());
    fs::set_permissions(root, fs::Permissions::from_mode(0o777)).unwrap();
    let binary = root.join("aofkit");
    fs::copy(env!("CARGO_BIN_EXE_aofkit"), &binary).unwrap();
    let run = |words: &[&str]| {
        let mut command = Command::new("prlimit");
        command.args(["--nproc=0:0", "--"]).arg(&binary).args(words).stdin(Stdio::null());
        // Root may start as many as it likes.
        let is_root = fs::metadata("/proc/self")
            .is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0);
        if is_root {
            command.uid(NOBODY).gid(NOBODY);
        }
        command.output()
    };
    let (repo_text, set_dir) = (repo.to_str().unwrap(), home.set());
    let (from, target) = (format!("{repo_text}::latest"), root.join("out"));
    let before = tree(&repo.join("sources"));
    for words in [
        &["backup", set_dir.to_str().unwrap(), "--repo", repo_text, "--min-free", "0"][..],
        &["verify", "--data", "--repo", repo_text],
        &["restore", &from, target.to_str().unwrap()],
    ] {
        let Ok(output) = run(words) else {
            println!("there is no prlimit: nothing was tried");
            return;
        };
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{words:?}: {told}");
        assert!(told.contains("thread") && !told.contains("panicked"), "{words:?}: {told}");
    }
    assert!(!target.exists());
    assert_eq!(tree(&repo.join("sources")).len(), before.len());
    assert!(verified(&home.repository()).is_good());
}
