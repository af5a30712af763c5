//! A server whose disk is full cuts off what it could not write whole. One that keeps its own place in the file writes on behind
//! that place when there is room again, and leaves NUL bytes.

use std::fs;

use super::support::small_disk::SmallDisk;
use super::*;

fn url(dir: &Path) -> String {
    format!("unix://{}", dir.join("s").display())
}

fn first_message(dir: &Path, more: &[&str]) -> (Option<i32>, String) {
    let (status, report) = json("check", dir, more);
    let first = &report["problems"][0];
    assert_eq!(first["kind"], "deleted-but-open", "{report:#}");
    (status, first["message"].as_str().expect("a message").to_owned())
}

#[test]
fn a_server_that_was_short_of_room_leaves_bytes_of_its_own_that_no_server_loads() {
    for server in servers() {
        let at = tempfile::tempdir().expect("make a directory");
        let Some(disk) = SmallDisk::at(at.path(), "size=4m") else { return };
        let dir = disk.path().join("data");
        fs::create_dir(&dir).expect("make a directory");
        let mut live = logging(&server, &dir);
        fill(&mut live, "old", 5);
        rewrite(&mut live);
        fill(&mut live, "later", 5);
        let filler = disk.path().join("filler");
        fs::write(&filler, vec![b'x'; 2900 << 10]).expect("write");
        let large = "y".repeat(300 << 10);
        let mut kept = 10;
        for n in 0..10 {
            if live.run(&format!("SET large:{n} {large}")).text().contains("MISCONF") {
                break;
            }
            kept += 1;
        }
        // Its disk is full: what it has written of the last one is taken back.
        live.until_it_says("aof_last_write_status:err");
        let (_, told) = first_message(&dir, &[]);
        assert!(told.contains("took back a write that failed"), "{}: {told}", server.name);
        fs::remove_file(&filler).expect("remove");
        live.until_it_says("aof_last_write_status:ok");
        fill(&mut live, "after", 2);
        let increment = dir.join("appendonlydir/appendonly.aof.2.incr.aof");
        assert!(fs::read(&increment).expect("read").contains(&0), "{}", server.name);
        let (status, told) = first_message(&dir, &["--server", &url(&dir)]);
        assert_eq!(status, Some(22));
        assert!(told.contains("left there itself"), "{}: {told}", server.name);
        let (_, alone) = first_message(&dir, &[]);
        assert!(!alone.contains("left there itself"), "nobody was asked: {alone}");
        // The advice is followed.
        assert!(told.contains("BGREWRITEAOF saves all"), "{}: {told}", server.name);
        rewrite(&mut live);
        live.shut_down();
        assert_silent(&dir, &server.name);
        assert_eq!(logging(&server, &dir).must("DBSIZE").number(), kept + 2, "{}", server.name);
    }
}
