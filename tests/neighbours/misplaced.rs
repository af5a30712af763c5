//! What hands put in a wrong place, and what rotations of logs leave, as public reports tell it.

use std::fs;
use std::time::{Duration, SystemTime};

use super::*;

const INCREMENT: &str = "appendonly.aof.2.incr.aof";
const BASE: &str = "appendonly.aof.2.base.rdb";

/// A set that was shut down, with that many keys in its base and in its increment; answers its directory.
fn shut(server: &Server, dir: &Path, prefix: &str, keys: [usize; 2]) -> PathBuf {
    let mut live = logging(server, dir);
    fill(&mut live, &format!("{prefix}-base"), keys[0]);
    rewrite(&mut live);
    fill(&mut live, &format!("{prefix}-later"), keys[1]);
    live.shut_down();
    dir.join("appendonlydir")
}

fn copy_all(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("make a directory");
    for file in fs::read_dir(from).expect("list").flatten() {
        if file.path().is_file() {
            fs::copy(file.path(), to.join(file.file_name())).expect("copy");
        }
    }
}

fn keys(server: &Server, dir: &Path) -> u64 {
    logging(server, dir).must("DBSIZE").number()
}

/// `cp -r BACKUP/appendonlydir DATA/appendonlydir` where the target is there already.
#[test]
fn a_set_that_a_copy_put_inside_the_directory_of_the_set_is_told_with_the_way_to_have_it_read() {
    for server in servers() {
        let (dir, other) = (tempfile::tempdir().expect("make"), tempfile::tempdir().expect("make"));
        let set = shut(&server, dir.path(), "own", [5, 7]);
        let backup = shut(&server, other.path(), "restored", [20, 20]);
        let inside = set.join("appendonlydir");
        copy_all(&backup, &inside);
        let (status, report) = json("check", dir.path(), &[]);
        let told = problems(&report, "neighbour-data");
        assert_eq!((status, told.len()), (Some(0), 1), "{}: {report:#}", server.name);
        assert!(told[0].2.contains("inside the set's own"), "{told:?}");
        assert!(told[0].2.contains("40 keys"), "{told:?}");
        // The advice is followed.
        fs::rename(&set, dir.path().join("before")).expect("rename");
        fs::rename(dir.path().join("before/appendonlydir"), &set).expect("rename");
        fs::remove_dir_all(dir.path().join("before")).expect("remove");
        assert_eq!(keys(&server, dir.path()), 40, "{}", server.name);
        // One that only repeats the set is nothing to tell of.
        copy_all(&set, &set.join("again"));
        assert_silent(dir.path(), &server.name);
    }
}

/// The files of a set, restored into the directory that the server works in.
#[test]
fn a_set_that_lies_a_level_too_high_is_told_for_its_server_reads_another() {
    for server in servers() {
        let (dir, other) = (tempfile::tempdir().expect("make"), tempfile::tempdir().expect("make"));
        let backup = shut(&server, other.path(), "restored", [20, 20]);
        let live = logging(&server, dir.path());
        live.shut_down();
        copy_all(&backup, dir.path());
        let (status, report) = json("check", dir.path(), &[]);
        let told = problems(&report, "neighbour-data");
        assert_eq!((status, told.len()), (Some(0), 1), "{}: {report:#}", server.name);
        assert!(told[0].2.contains("a level too high"), "{told:?}");
        assert_eq!(keys(&server, dir.path()), 0, "{}: it reads the other", server.name);
        // Put where it belongs, it is read.
        let set = dir.path().join("appendonlydir");
        fs::remove_dir_all(&set).expect("remove");
        copy_all(&backup, &set);
        for file in names(&backup, "") {
            fs::remove_file(dir.path().join(file.file_name().expect("a name"))).expect("remove");
        }
        assert_silent(dir.path(), &server.name);
        assert_eq!(keys(&server, dir.path()), 40, "{}", server.name);
    }
}

/// The single file of an older server, put into the directory of a newer one's set.
#[test]
fn a_file_of_an_older_server_inside_the_directory_of_a_set_is_told_and_adopted() {
    let Some(older) = Server::find("redis-6.2") else {
        return eprintln!("not run: redis-6.2 is not installed (tests/servers/fetch)");
    };
    for server in servers() {
        let (dir, other) = (tempfile::tempdir().expect("make"), tempfile::tempdir().expect("make"));
        let set = shut(&server, dir.path(), "own", [1, 1]);
        let mut live = logging(&older, other.path());
        fill(&mut live, "six", 9);
        live.shut_down();
        fs::copy(other.path().join("appendonly.aof"), set.join("appendonly.aof")).expect("copy");
        let (status, report) = json("check", dir.path(), &[]);
        let told = problems(&report, "neighbour-data");
        assert_eq!((status, told.len()), (Some(0), 1), "{}: {report:#}", server.name);
        assert!(told[0].2.contains("9 keys"), "{told:?}");
        assert_eq!(adopted(&server, dir.path(), &[]), 9, "{}", server.name);
    }
}

/// `logrotate` with `copytruncate`: a copy with a number, and the file emptied under its server.
#[test]
fn a_copy_that_a_rotation_left_before_it_emptied_the_file_is_named_where_its_bytes_are_missing() {
    for server in servers() {
        let dir = tempfile::tempdir().expect("make a directory");
        let mut live = logging(&server, dir.path());
        fill(&mut live, "old", 5);
        rewrite(&mut live);
        fill(&mut live, "later", 7);
        let file = dir.path().join("appendonlydir").join(INCREMENT);
        let copy = file.with_file_name(format!("{INCREMENT}.1"));
        fs::copy(&file, &copy).expect("copy");
        fs::write(&file, b"").expect("empty");
        fill(&mut live, "after", 2);
        // The server is lost as well: no rewrite can save what it had.
        drop(live);
        let (status, report) = json("check", dir.path(), &[]);
        let told = problems(&report, "corrupt-range");
        assert_eq!((status, told.len()), (Some(21), 1), "{}: {report:#}", server.name);
        assert!(
            told[0].2.contains(&format!("{INCREMENT}.1 beside it has as many bytes")),
            "{told:?}"
        );
        // What the message says is so.
        let (first, mut log) = (fs::read(&copy).expect("read"), fs::read(&file).expect("read"));
        log[..first.len()].copy_from_slice(&first);
        fs::write(&file, log).expect("write");
        let (status, report) = json("check", dir.path(), &[]);
        assert_eq!(status, Some(0), "{}: {report:#}", server.name);
        assert_eq!(keys(&server, dir.path()), 14, "{}", server.name);
    }
}

/// `logrotate` with `compress`: the base, which nobody writes to, is packed and gone.
#[test]
fn a_base_that_a_rotation_packed_is_named_with_what_unpacks_it() {
    for server in servers() {
        let dir = tempfile::tempdir().expect("make a directory");
        let set = shut(&server, dir.path(), "own", [5, 7]);
        let packed = Command::new("gzip").arg(set.join(BASE)).status();
        if !packed.is_ok_and(|status| status.success()) {
            return eprintln!("not run: no gzip");
        }
        let (status, report) = json("check", dir.path(), &[]);
        let told = problems(&report, "segment-missing");
        assert_eq!((status, told.len()), (Some(22), 1), "{}: {report:#}", server.name);
        assert!(told[0].2.contains("gzip") && told[0].2.contains("unpack it"), "{told:?}");
        assert!(
            Command::new("gunzip")
                .arg(set.join(format!("{BASE}.gz")))
                .status()
                .expect("run")
                .success()
        );
        assert_silent(dir.path(), &server.name);
        assert_eq!(keys(&server, dir.path()), 12, "{}", server.name);
    }
}

fn written(file: &Path, ago: u64) {
    let at = SystemTime::now() - Duration::from_secs(ago);
    fs::File::options().write(true).open(file).expect("open").set_modified(at).expect("set a time");
}

/// A dump of now, copied over the base of then: commands that count are counted twice.
#[test]
fn a_dump_in_the_place_of_a_base_that_is_later_than_its_increment_is_told() {
    for server in servers() {
        let dir = tempfile::tempdir().expect("make a directory");
        let mut live = logging(&server, dir.path());
        rewrite(&mut live);
        for _ in 0..5 {
            live.must("INCR counter");
        }
        live.must("SAVE");
        live.shut_down();
        let set = dir.path().join("appendonlydir");
        fs::copy(dir.path().join("dump.rdb"), set.join(BASE)).expect("copy");
        // Hours passed between the last write and the save.
        written(&set.join(INCREMENT), 7200);
        let (status, report) = json("check", dir.path(), &[]);
        let told = problems(&report, "mixed-moments");
        assert_eq!((status, told.len()), (Some(0), 1), "{}: {report:#}", server.name);
        assert!(told[0].2.contains("The base is a plain dump"), "{told:?}");
        let mut live = logging(&server, dir.path());
        assert_eq!(live.must("GET counter").number(), 10, "{}: it is so", server.name);
        // Where the base's own time is earlier than what it says of itself, times were set, and tell nothing.
        live.shut_down();
        written(&set.join(BASE), 9999);
        assert_silent(dir.path(), &server.name);
    }
}

/// A set that was idle for long before and after a rewrite.
#[test]
fn an_increment_that_was_last_written_to_long_ago_and_a_base_before_it_are_nothing_to_tell_of() {
    for server in servers() {
        let dir = tempfile::tempdir().expect("make a directory");
        let set = shut(&server, dir.path(), "own", [5, 7]);
        written(&set.join(INCREMENT), 30);
        assert_silent(dir.path(), &server.name);
        // A rewrite that nothing followed.
        let mut live = logging(&server, dir.path());
        rewrite(&mut live);
        live.shut_down();
        written(&set.join("appendonly.aof.3.incr.aof"), 7200);
        assert_silent(dir.path(), &server.name);
    }
}
