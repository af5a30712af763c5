//! Files that are no append-only files: named as what they are where they are PATH, and no reason to judge otherwise
//! where they lie beside a set.

use std::fs;
use std::process::Output;

use super::*;

fn aofkit(words: &[&str], path: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_aofkit")).args(words).arg(path).output().expect("run aofkit")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// What each begins with, whether it is a product's, and a word of what is said.
fn samples() -> Vec<(&'static str, Vec<u8>, bool, &'static str)> {
    let tar = {
        let mut bytes = vec![0; 512];
        bytes[..5].copy_from_slice(b"a.txt");
        bytes[257..263].copy_from_slice(b"ustar\0");
        bytes
    };
    let postgres = {
        let mut page = vec![0; 8192];
        page[..4].copy_from_slice(&[0x13, 0xd1, 2, 0]);
        page[32..36].copy_from_slice(&(16_u32 << 20).to_le_bytes());
        page[36..40].copy_from_slice(&8192_u32.to_le_bytes());
        page
    };
    let etcd = b"\x04\0\0\0\0\0\0\x84\x08\x04\x10\0\0\0\0\0".to_vec();
    vec![
        ("appendonly.aof.gz", b"\x1f\x8b\x08\0\0\0\0\0".to_vec(), false, "gzip -dc"),
        ("appendonly.aof", b"\x1f\x8b\x08\0\0\0\0\0".to_vec(), false, "gzip -dc"),
        ("set.tar.gz", b"\x1f\x8b\x08\0\0\0\0\0".to_vec(), false, "tar -xzf"),
        ("a.bz2", b"BZh91AY&SYxxxx".to_vec(), false, "bzip2 -dc"),
        ("a.xz", b"\xfd7zXZ\0\0\x04".to_vec(), false, "xz -dc"),
        ("a.zip", b"PK\x03\x04\x14\0".to_vec(), false, "unzip"),
        ("a.tar", tar, false, "tar -xf"),
        ("notes.txt", b"hello\nworld\n".to_vec(), false, "a text file"),
        ("redis.conf", b"# comment\nappendonly yes\ndir /data\n".to_vec(), false, "--conf"),
        (
            "redis.log",
            b"1:M 01 May 2024 10:00:00.123 * Ready to accept connections tcp\n".to_vec(),
            false,
            "messages of a server",
        ),
        ("0.wal", etcd, true, "etcd"),
        ("000000010000000000000001", postgres, true, "PostgreSQL"),
        ("x.db-wal", b"\x37\x7f\x06\x82\0\x2d\xe2\x18".to_vec(), true, "SQLite"),
        ("binlog.000001", b"\xfebin\0\0\0\0".to_vec(), true, "mysqlbinlog"),
    ]
}

#[test]
fn a_foreign_file_is_named_and_never_called_damaged_nor_repaired() {
    let dir = tempfile::tempdir().expect("make a directory");
    for (name, bytes, is_product, word) in samples() {
        let path = dir.path().join(name);
        fs::write(&path, &bytes).expect("write");
        let wanted = if is_product { 24 } else { 10 };
        for words in [&["check"][..], &["inspect"], &["growth"], &["repair", "--apply"], &["stats"]]
        {
            let output = aofkit(words, &path);
            assert_eq!(output.status.code(), Some(wanted), "{words:?} {name}: {output:?}");
            assert!(said(&output).contains(word), "{name}: {}", said(&output));
            assert!(!said(&output).contains("repair"), "{name}: {}", said(&output));
            assert!(output.stdout.is_empty(), "{name}: {output:?}");
        }
        let output = aofkit(&["check", "--json"], &path);
        let error: Value = serde_json::from_slice(&output.stderr).expect("an error");
        assert_eq!(error["error"]["kind"], "foreign-file", "{name}");
        assert_eq!(fs::read(&path).expect("read"), bytes, "{name}: untouched");
        fs::remove_file(&path).expect("remove");
    }
}

#[test]
fn a_stream_that_is_something_else_is_named_too() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_aofkit"))
        .args(["check", "-"])
        .stdin(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("run aofkit");
    let mut stdin = child.stdin.take().expect("a pipe");
    std::io::Write::write_all(&mut stdin, b"\x1f\x8b\x08\0\0\0\0\0").expect("write");
    drop(stdin);
    let output = child.wait_with_output().expect("wait");
    assert_eq!(output.status.code(), Some(10), "{output:?}");
    assert!(said(&output).contains("gzip -dc FILE"), "{}", said(&output));
}

/// A log whose first bytes were overwritten by text is damaged: records stand behind.
#[test]
fn a_damaged_log_is_not_taken_for_text() {
    let dir = tempfile::tempdir().expect("make a directory");
    let path = dir.path().join("log");
    let record = "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n";
    fs::write(&path, ["oops\r\n", record, record, record].concat()).expect("write");
    assert_eq!(aofkit(&["check"], &path).status.code(), Some(21));
    // The front of a log is lost within a long value: its text goes on further than anybody looks.
    let text = "\"name\":\"ada\",\n".repeat(6000);
    fs::write(&path, [&text, "\r\n", record, record, record].concat()).expect("write");
    assert_eq!(aofkit(&["check"], &path).status.code(), Some(21));
    let mut child = Command::new(env!("CARGO_BIN_EXE_aofkit"))
        .args(["check", "-"])
        .stdin(std::process::Stdio::from(fs::File::open(&path).expect("open")))
        .spawn()
        .expect("run aofkit");
    assert_eq!(child.wait().expect("wait").code(), Some(21));
}

/// A data directory with what hands and file systems leave in it.
#[test]
fn what_is_passed_over_in_searching_changes_no_answer() {
    let dir = tempfile::tempdir().expect("make a directory");
    let put = |name: &str, bytes: &[u8]| {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("make a directory");
        fs::write(path, bytes).expect("write");
    };
    let set = b"file a.1.base.aof seq 1 type b\n";
    put("data/appendonlydir/a.manifest", set);
    put("data/appendonlydir/a.1.base.aof", b"");
    let plain = aofkit(&["check", "--json"], dir.path()).stdout;
    put("data/appendonlydir/.a.manifest", b"file x seq 1 type b\n");
    put("data/.snapshot/appendonlydir/a.manifest", set);
    put("lost+found/a.manifest", set);
    put("data/.nfs0000000000000001", b"*1\r\n$4\r\nPING\r\n");
    put("data/old.aof.gz", b"\x1f\x8b\x08\0\0\0\0\0");
    assert_eq!(aofkit(&["check", "--json"], dir.path()).stdout, plain);
    // Where that is all there is, there is no set.
    let output = aofkit(&["check"], &dir.path().join("lost+found"));
    assert_ne!(output.status.code(), Some(10), "an explicit PATH is followed");
    fs::remove_dir_all(dir.path().join("data/appendonlydir")).expect("remove");
    assert_eq!(aofkit(&["check"], dir.path()).status.code(), Some(10));
}

/// Beside a set each is an `info`; a copy is named by its name, and not looked at.
#[test]
fn beside_a_set_it_is_told_and_changes_nothing() {
    let dir = tempfile::tempdir().expect("make a directory");
    let put = |name: &str, bytes: &[u8]| fs::write(dir.path().join(name), bytes).expect("write");
    let record = b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n";
    put("a.manifest", b"file a.1.base.aof seq 1 type b\nfile a.1.incr.aof seq 1 type i\n");
    put("a.1.base.aof", b"");
    put("a.1.incr.aof", record);
    put("a.tar.gz", b"\x1f\x8b\x08\0\0\0\0\0");
    put("a.1.incr.aof.bak", record);
    put("readme.txt", b"hello\n");
    let (status, report) = json("check", dir.path(), &[]);
    assert_eq!((status, report["verdict"].as_str()), (Some(0), Some("healthy")), "{report:#}");
    let told = problems(&report, "foreign-file");
    assert!(told.iter().all(|(_, severity, _)| severity == "info"), "{told:?}");
    let of = |name: &str| told.iter().find(|(file, _, _)| file == name).map(|told| told.2.clone());
    assert!(of("a.tar.gz").is_some_and(|told| told.contains("tar archive")), "{told:?}");
    assert!(of("a.1.incr.aof.bak").is_some_and(|told| told.contains("copy")), "{told:?}");
    assert!(of("readme.txt").is_some_and(|told| told.contains("text")), "{told:?}");
    assert_eq!(told.len(), 3, "{told:?}");
    let (_, done) = json("clean", dir.path(), &["--min-age", "0s", "--apply"]);
    assert!(dir.path().join("a.1.incr.aof.bak").exists(), "{done:#}");
}
