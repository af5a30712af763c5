//! A log that ends in an annotation without a line end was taken for sound: servers load it. What they write next is
//! glued to that line, and the load after that fails in the middle of the file.

use std::fs;

use super::plans::{left_alone, repair};
use super::servers::loads;
use super::support::live::Live;
use super::support::server::Server;
use super::world::*;

const ENDS: [&[u8]; 5] =
    [b"#", b"#TS:17000", b"#TS:1700000000", b"#TS:1700000000\r", b"#something else"];

/// A set whose increment ends in `end`, and nobody is in the middle of writing.
fn ends_in(end: &[u8]) -> Set {
    left_alone(&[&sets(7)[..], end].concat())
}

#[test]
fn an_annotation_without_a_line_end_is_told_and_cut() {
    for end in ENDS {
        let set = ends_in(end);
        let (code, report) = check_json(&set.dir());
        assert_eq!((code, report["loads"].as_str()), (0, Some("yes")), "{end:?}");
        assert_eq!(kinds(&report, "warning"), ["bad-annotation"], "{end:?}");
        let problem = &report["problems"][0];
        assert_eq!(problem["offset"], sets(7).len(), "{end:?}");
        assert_eq!(problem["lost"]["bytes"], end.len(), "{end:?}");
        assert!(problem["next"].as_str().unwrap().starts_with("aofkit repair "), "{problem}");
        let planned = repair(&["--json"], &set).expect(0).json();
        assert_eq!(planned["loss"]["bytes"], end.len(), "{end:?}");
        assert_eq!(planned["loss"]["commands"], 0, "{end:?}");
        repair(&["--apply"], &set).expect(0);
        assert_eq!(fs::read(set.file(INCREMENT)).unwrap(), sets(7), "{end:?}");
        assert_eq!(check_json(&set.dir()).1["problems"].as_array().unwrap().len(), 0, "{end:?}");
        repair(&["--undo", "--apply"], &set).expect(0);
        assert!(fs::read(set.file(INCREMENT)).unwrap().ends_with(end), "taken back");
    }
}

#[test]
fn nothing_is_cut_where_nothing_is_appended() {
    let set = ends_in(b"#TS:17000");
    set.put("appendonly.aof.2.incr.aof", &sets(3));
    set.manifest(&format!(
        "file {BASE} seq 1 type b\nfile {INCREMENT} seq 1 type i\n\
         file appendonly.aof.2.incr.aof seq 2 type i\n"
    ));
    let (code, report) = check_json(&set.dir());
    assert_eq!(code, 0);
    assert!(kinds(&report, "warning").is_empty(), "{report}");
    assert_eq!(kinds(&report, "info"), ["bad-annotation"]);
    let planned = repair(&["--json"], &set).expect(0).json();
    assert_eq!(planned["actions"].as_array().unwrap().len(), 0);
    // Made one file, commands come behind it.
    let joined = set.root().join("joined");
    let mut convert = aofkit();
    convert.args(["convert", "--to", "file", "--output"]).arg(&joined).arg(set.dir());
    finish(&mut convert).expect(0);
    assert_eq!(check_json(&joined).1["problems"].as_array().unwrap().len(), 0);
}

/// Starts the server on the set, has it write a key, and answers how many keys it then has; `None` when it
/// does not start.
fn write_a_key(server: &Server, set: &Set, key: &str, annotates: &str) -> Option<u64> {
    let dir = set.dir();
    let appenddirname = dir.file_name().unwrap().to_str().unwrap();
    let settings = [
        ["--appendonly", "yes"],
        ["--appenddirname", appenddirname],
        ["--appendfilename", "appendonly.aof"],
        ["--auto-aof-rewrite-percentage", "0"],
        ["--aof-timestamp-enabled", annotates],
    ];
    if !loads(server, set.root()) {
        return None;
    }
    let mut live = Live::start_with(server, set.root(), &settings.concat());
    while !live.must("INFO persistence").text().contains("\nloading:0") {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    live.must(&format!("SET {key} v"));
    let keys = live.must("DBSIZE").number();
    live.shut_down();
    Some(keys)
}

#[test]
fn servers_do_with_it_what_check_says() {
    let names = ["redis-7.0", "redis-8.2", "valkey-9.1"];
    let Some(servers) = Server::find_all(&names) else {
        eprintln!("not run: real servers are missing (tests/servers/fetch)");
        return;
    };
    for server in &servers {
        for end in ENDS {
            let at = format!("{} {end:?}", server.name);
            let set = ends_in(end);
            let once = write_a_key(server, &set, "first", "no").expect("it loads");
            assert_eq!(write_a_key(server, &set, "second", "no"), None, "{at}");
            let set = ends_in(end);
            assert_eq!(write_a_key(server, &set, "first", "yes"), Some(once), "{at}");
            assert_eq!(write_a_key(server, &set, "second", "yes"), Some(once + 1), "{at}");
            let set = ends_in(end);
            repair(&["--apply"], &set).expect(0);
            assert_eq!(write_a_key(server, &set, "first", "no"), Some(once), "{at}");
            assert_eq!(write_a_key(server, &set, "second", "no"), Some(once + 1), "{at}");
        }
    }
}
