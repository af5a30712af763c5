//! Many keys, within a bound of memory.

use std::fs;
use std::io::Write;
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use crate::ran::{aofkit, command, record, text};
use crate::support::live::Live;
use crate::support::number_from_env;
use crate::support::server::Server;

/// Memory beside that of the server.
const MOST: u64 = 256 << 20;

/// Runs it to its end. Answers the most memory that was seen in it, bytes: of the program itself, and not of its server.
fn measured(words: &[&str]) -> u64 {
    let mut child = command(words).stdout(Stdio::null()).spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    loop {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok());
        peak = peak.max(kib.unwrap_or(0) << 10);
        if let Some(ended) = child.try_wait().unwrap() {
            assert!(ended.success(), "{ended}");
            return peak;
        }
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn memory_stays_within_a_bound_however_many_keys_come_back() {
    let Some(server) = Server::find("redis-8.2") else {
        println!("did not run: redis-8.2 was not found");
        return;
    };
    let keys = number_from_env("AOFKIT_KEYS", 30_000);
    let [home, there] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let path = home.path().join("appendonly.aof");
    let mut file = std::io::BufWriter::new(fs::File::create(&path).unwrap());
    file.write_all(record(&["SELECT", "0"]).as_bytes()).unwrap();
    for n in 0..keys {
        let key = format!("key:{n}");
        file.write_all(record(&["SET", &key, &format!("value of {n}")]).as_bytes()).unwrap();
    }
    file.into_inner().unwrap().sync_all().unwrap();
    let mut live = Live::start_with(&server, there.path(), &["--appendonly", "no"]);
    let (program, url) = (server.program(), format!("unix://{}/s", there.path().display()));
    let words = ["recover", text(&path), "--key", "*", "--load", text(&program), "--json"];
    let words = [&words[..], &["--into", &url, "--apply"]].concat();
    let peak = measured(&words);
    assert_eq!(live.must("DBSIZE").number(), keys);
    println!("{keys} keys: {} KiB", peak >> 10);
    assert!(peak < MOST, "{peak} bytes");
    let again = aofkit(&words);
    assert_eq!(again.json()["equal"]["count"], keys, "{}", again.text());
}
