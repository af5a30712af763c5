//! What ours does otherwise on purpose, and what becomes of the bytes it cuts.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use aofkit::change::{Keep, Options, Undo};
use aofkit::disk::LocalDisk;
use aofkit::progress::Silent;

use crate::cases::{COMMANDS, Case, case, recorded};
use crate::support::put_program;
use crate::tools::{call, lay_out, ours, run};

const TORN: &[u8] = b"*3\r\n$3\r\nSE";
const TWO: &[u8] = b"file b.aof seq 1 type b\nfile i.aof seq 1 type i\n";

#[test]
fn an_rdb_of_valkey_9_is_looked_through_like_any_other() {
    let program = ours();
    let rdb = recorded("valkey-9.1.2/rdb-base/aof/appendonly.aof.2.base.rdb");
    let whole = run(&program.path, &case("", &[("f", &rdb)], &["f"], b""));
    assert_eq!(whole.exit, 0, "{whole:?}");
    for said in
        ["Checksum OK", "[info] 30 keys read", "RDB preamble is OK, proceeding", "AOF f is valid"]
    {
        assert!(whole.output.contains(said), "{said} in {whole:?}");
    }
    let set: &[(&str, &[u8])] = &[("b.aof", &rdb), ("i.aof", COMMANDS), ("m.manifest", TWO)];
    let whole = run(&program.path, &case("", set, &["m.manifest"], b""));
    assert_eq!(whole.exit, 0, "{whole:?}");
    assert!(whole.output.contains("Start to check BASE AOF (RDB format)."), "{whole:?}");

    let mut flipped = rdb.clone();
    flipped[rdb.len() / 2] ^= 1;
    let broken = run(&program.path, &case("", &[("f", &flipped)], &["--fix", "f"], b"y\n"));
    assert_eq!((broken.exit, broken.cut.as_str()), (1, ""), "{broken:?}");
    assert!(broken.output.ends_with("RDB preamble of AOF file is not sane, aborting.\n"));
}

#[test]
fn fix_keeps_an_rdb_that_servers_load() {
    let program = ours();
    let new = recorded("redis-8.2.3/history/aof/appendonly.aof.3.base.rdb");
    let foreign = recorded("valkey-9.1.2/rdb-base/aof/appendonly.aof.2.base.rdb");
    for rdb in [&new, &foreign] {
        let torn = [rdb, TORN].concat();
        let base: &[(&str, &[u8])] = &[("b.aof", &torn), ("m", b"file b.aof seq 1 type b\n")];
        let fixed = run(&program.path, &case("", base, &["--fix", "m"], b"y\n"));
        assert_eq!((fixed.exit, fixed.cut), (0, format!("b.aof={}", rdb.len())));
        // In an increment redis-check-aof does not look for one, and would cut it away.
        let set: &[(&str, &[u8])] = &[("b.aof", COMMANDS), ("i.aof", &torn), ("m", TWO)];
        let refused = run(&program.path, &case("", set, &["--fix", "m"], b"y\n"));
        assert_eq!((refused.exit, refused.cut.as_str()), (1, ""), "{refused:?}");
        assert!(refused.output.contains("Failed to truncate AOF i.aof because"), "{refused:?}");
    }
}

/// Cuts, and answers the directory.
fn cut(case: &Case) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    lay_out(case, dir.path());
    let output = call(&ours().path, case, dir.path());
    assert!(output.status.success(), "{output:?}");
    // A script takes any word on standard error for a failure.
    assert!(output.stderr.is_empty(), "{output:?}");
    assert!(!String::from_utf8(output.stdout).unwrap().contains("aofkit"));
    dir
}

fn undo(subject: &Path, base: &Path) {
    let last = Undo::last(subject, base, &Keep::Beside).unwrap().expect("something to take back");
    assert_eq!(last.journal.verb, "redis-check-aof");
    last.apply(&LocalDisk, &Options::default(), &Silent).unwrap();
}

#[test]
fn what_is_cut_is_kept_and_comes_back_byte_for_byte() {
    let torn = [COMMANDS, TORN].concat();
    let single = case("", &[("f", &torn)], &["--fix", "f"], b"y\n");
    let dir = cut(&single);
    let file = dir.path().join("f");
    assert_eq!(fs::read(&file).unwrap(), COMMANDS);
    undo(&file, dir.path());
    assert_eq!(fs::read(&file).unwrap(), torn);

    let later = [b"#TS:100\r\n", COMMANDS, b"#TS:200\r\n", COMMANDS].concat();
    let args = ["--truncate-to-timestamp", "150", "d/m"];
    let set: &[(&str, &[u8])] = &[("d/b.aof", COMMANDS), ("d/i.aof", &later), ("d/m", TWO)];
    let dir = cut(&case("", set, &args, b""));
    let base = dir.path().join("d");
    assert_eq!(fs::read(base.join("i.aof")).unwrap(), &later[..later.len() / 2]);
    undo(&base, &base);
    assert_eq!(fs::read(base.join("i.aof")).unwrap(), later);
}

#[test]
fn a_file_that_a_process_writes_to_is_not_cut() {
    let torn = [COMMANDS, TORN].concat();
    let fix = case("", &[("f", &torn)], &["--fix", "f"], b"y\n");
    let dir = tempfile::tempdir().unwrap();
    lay_out(&fix, dir.path());
    let mut writer = Command::new("sh")
        .args(["-c", "exec 9>>f; echo ready; read _"])
        .current_dir(dir.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Read::read_exact(writer.stdout.as_mut().unwrap(), &mut [0; 6]).unwrap();
    let output = call(&ours().path, &fix, dir.path());
    writer.kill().unwrap();
    writer.wait().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.ends_with("Failed to truncate AOF f because a process has it open for writing\n"));
    assert_eq!(fs::read(dir.path().join("f")).unwrap(), torn);
}

#[test]
fn both_names_are_known_and_no_other() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("f"), COMMANDS).unwrap();
    for (name, is_meant) in
        [("redis-check-aof", true), ("valkey-check-aof", true), ("redis-check", false)]
    {
        let program = dir.path().join(name);
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_aofkit"), &program).unwrap();
        let output = Command::new(&program).arg("f").current_dir(dir.path()).output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        assert_eq!(said.ends_with("AOF f is valid\n"), is_meant, "{name}: {said}");
    }
}

/// Files and directory that others may only read, looked at by somebody else.
#[test]
fn looking_needs_no_permission_to_write() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    use std::os::unix::process::CommandExt;
    let dir = tempfile::tempdir().unwrap();
    let program = dir.path().join("redis-check-aof");
    put_program(&program, &fs::read(env!("CARGO_BIN_EXE_aofkit")).unwrap());
    fs::write(dir.path().join("f"), COMMANDS).unwrap();
    fs::set_permissions(dir.path().join("f"), fs::Permissions::from_mode(0o444)).unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o555)).unwrap();
    let mut command = Command::new(&program);
    command.arg("f").current_dir(dir.path());
    // Nothing is forbidden to root, and somebody else comes here only if all directories above let them.
    let mut above = dir.path().ancestors();
    let is_open = above.all(|dir| fs::metadata(dir).unwrap().mode() & 0o001 != 0);
    if fs::metadata(dir.path()).unwrap().uid() == 0 && is_open {
        command.uid(65534);
    }
    let output = command.output().unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}
