//! Files of a set lose bytes under their running server: somebody empties one, cuts it, or copies another over it; or the
//! server cuts it itself on a full disk.

use std::fs;
use std::os::unix::fs::FileExt;

use super::*;

const INCREMENT: &str = "appendonly.aof.2.incr.aof";
const SAVES_ALL: &str = "BGREWRITEAOF saves all";

fn text(verb: &str, dir: &Path, more: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_aofkit"))
        .arg(verb)
        .arg(dir)
        .args(more)
        .output()
        .expect("run aofkit");
    let text = String::from_utf8_lossy(&output.stdout);
    // Without the breaks of lines.
    (output.status.code(), text.split_whitespace().collect::<Vec<_>>().join(" "))
}

fn url(dir: &Path) -> String {
    format!("unix://{}", dir.join("s").display())
}

/// A base with 5 keys and an increment with 20, written by the process that began it; or, `restarted`, by one that was started on
/// them and opened the increment to append to it.
fn started(server: &Server, dir: &Path, restarted: bool) -> (Live, PathBuf) {
    let mut live = logging(server, dir);
    fill(&mut live, "old", 5);
    rewrite(&mut live);
    fill(&mut live, "later", 20);
    if restarted {
        live.shut_down();
        live = logging(server, dir);
    }
    (live, dir.join("appendonlydir").join(INCREMENT))
}

/// What hands do to a file, and how it is seen: without `--server` too.
struct Deed {
    what: &'static str,
    deed: fn(&Path),
    /// Keys that are written afterwards.
    afterwards: usize,
    /// Whether `/proc` alone tells, where the process keeps its own place, and where it appends.
    is_seen: [bool; 2],
}

/// Writes over a file as `cp` does.
fn copy_over(file: &Path, bytes: &[u8]) {
    fs::write(file, bytes).expect("write");
}

/// The first records of a file.
fn beginning(file: &Path) -> Vec<u8> {
    let mut log = fs::read(file).expect("read");
    let at = log.windows(7).position(|window| window == b"later:3").expect("it is there");
    let record = log[..at].iter().rposition(|&byte| byte == b'*').expect("a record");
    log.truncate(record);
    log
}

fn deeds() -> Vec<Deed> {
    let emptied: fn(&Path) = |file| copy_over(file, b"");
    let cut: fn(&Path) = |file| {
        let handle = fs::File::options().write(true).open(file).expect("open");
        handle.set_len(handle.metadata().expect("look").len() - 100).expect("cut");
    };
    let older: fn(&Path) = |file| copy_over(file, &beginning(file));
    vec![
        // Who was started on the file has no place of its own in it before it writes.
        Deed { what: "emptied", deed: emptied, afterwards: 0, is_seen: [true, false] },
        Deed { what: "emptied", deed: emptied, afterwards: 2, is_seen: [true, false] },
        Deed { what: "cut in a record", deed: cut, afterwards: 2, is_seen: [true, true] },
        Deed { what: "an older copy over it", deed: older, afterwards: 0, is_seen: [true, false] },
        Deed { what: "an older copy over it", deed: older, afterwards: 2, is_seen: [true, false] },
    ]
}

#[test]
fn bytes_that_are_taken_from_a_file_under_its_server_are_told_first_and_a_rewrite_saves_them() {
    for server in servers() {
        for (restarted, deed) in [false, true]
            .into_iter()
            .flat_map(|restarted| deeds().into_iter().map(move |d| (restarted, d)))
        {
            let case = format!("{} {} {restarted} {}", server.name, deed.what, deed.afterwards);
            let dir = tempfile::tempdir().expect("make a directory");
            let (mut live, file) = started(&server, dir.path(), restarted);
            assert_silent(dir.path(), &case);
            (deed.deed)(&file);
            fill(&mut live, "afterwards", deed.afterwards);
            let (status, alone) = text("check", dir.path(), &[]);
            let is_told = alone.starts_with("error deleted-but-open");
            assert_eq!(is_told, deed.is_seen[usize::from(restarted)], "{case}: {alone}");
            assert_eq!(is_told, status == Some(22), "{case}: {alone}");
            assert!(!alone.contains(SAVES_ALL), "nobody was asked for its keys: {case}: {alone}");
            for verb in ["check", "growth", "inspect"] {
                // In the middle of a file only the judgement of what is in it sees that, and growth does not judge.
                let is_inner = match restarted {
                    true => deed.what.starts_with("cut"),
                    false => deed.what != "emptied" && deed.afterwards > 0,
                };
                if verb == "growth" && is_inner {
                    continue;
                }
                let (_, asked) = text(verb, dir.path(), &["--server", &url(dir.path())]);
                assert!(asked.starts_with("error deleted-but-open"), "{case} {verb}: {asked}");
                assert!(asked.contains(SAVES_ALL), "{case} {verb}: {asked}");
            }
            // The advice is followed.
            rewrite(&mut live);
            assert_silent(dir.path(), &case);
            live.shut_down();
            let keys = 25 + deed.afterwards as u64;
            assert_eq!(logging(&server, dir.path()).must("DBSIZE").number(), keys, "{case}");
        }
    }
}

/// A base is open nowhere: the count of the server tells, and its keys.
#[test]
fn an_older_base_over_the_one_that_was_loaded_is_told_by_the_servers_count() {
    for server in servers() {
        let dir = tempfile::tempdir().expect("make a directory");
        let (mut live, file) = started(&server, dir.path(), true);
        let base = file.with_file_name("appendonly.aof.2.base.rdb");
        let other = tempfile::tempdir().expect("make a directory");
        let mut other_live = logging(&server, other.path());
        rewrite(&mut other_live);
        let other_base = other.path().join("appendonlydir/appendonly.aof.2.base.rdb");
        copy_over(&base, &fs::read(other_base).expect("read"));
        let (_, asked) = text("check", dir.path(), &["--server", &url(dir.path())]);
        assert!(asked.starts_with("error deleted-but-open"), "{}: {asked}", server.name);
        assert!(asked.contains(SAVES_ALL), "{}: {asked}", server.name);
        rewrite(&mut live);
        live.shut_down();
        assert_eq!(logging(&server, dir.path()).must("DBSIZE").number(), 25, "{}", server.name);
    }
}

/// A server that cut a torn end at its start counts it all the same, and has lost nothing since.
#[test]
fn a_torn_end_that_the_server_cut_itself_is_no_loss_and_is_told_as_a_count_that_differs() {
    for server in servers() {
        let dir = tempfile::tempdir().expect("make a directory");
        let (live, file) = started(&server, dir.path(), false);
        live.shut_down();
        let len = fs::metadata(&file).expect("look").len();
        let handle = fs::File::options().write(true).open(&file).expect("open");
        handle.write_all_at(b"*3\r\n$3\r\nSET\r\n$1", len).expect("write");
        let mut live = logging(&server, dir.path());
        fill(&mut live, "afterwards", 2);
        assert_silent(dir.path(), &server.name);
        let (status, asked) = text("check", dir.path(), &["--server", &url(dir.path())]);
        assert_eq!(status, Some(0), "{}: {asked}", server.name);
        assert!(!asked.contains("deleted-but-open"), "{}: {asked}", server.name);
        assert!(asked.contains("it cut a torn end of 15 bytes at its start"), "{asked}");
        let (_, report) = json("check", dir.path(), &["--server", &url(dir.path())]);
        let told = &report["server"];
        let number = |name: &str| told[name].as_u64().expect("a number");
        assert_eq!(number("aof_current_bytes"), number("files_bytes") + 15, "{told:#}");
        assert_eq!(told["same_log"], true);
    }
}

/// Keys that expire say nothing: a server has them until it removes them, and a set has them no more.
#[test]
fn a_server_that_has_not_yet_removed_what_has_expired_is_no_loss() {
    for server in servers() {
        let dir = tempfile::tempdir().expect("make a directory");
        let (live, file) = started(&server, dir.path(), false);
        live.shut_down();
        let len = fs::metadata(&file).expect("look").len();
        let handle = fs::File::options().write(true).open(&file).expect("open");
        handle.write_all_at(b"*3\r\n$3\r\nSET\r\n$1", len).expect("write");
        let settings =
            ["--appendonly", "yes", "--appendfsync", "no", "--enable-debug-command", "yes"];
        let mut live = Live::start_with(&server, dir.path(), &settings);
        live.must("DEBUG SET-ACTIVE-EXPIRE 0");
        for n in 0..10 {
            live.must(&format!("SET short:{n} x PX 1"));
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
        let (status, asked) = text("check", dir.path(), &["--server", &url(dir.path())]);
        assert_eq!(status, Some(0), "{}: {asked}", server.name);
    }
}
