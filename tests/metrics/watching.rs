//! `metrics --watch`: reads what was appended and nothing twice, beside a server that writes and rewrites, and takes
//! little time for it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::samples;
use crate::spelled::record;
use crate::support::live::Live;
use crate::support::server::Server;
use crate::world::{BASE, INCREMENT, Set, aofkit, check_json, sets};

/// A watch that runs; it is ended when this is dropped.
struct Watch {
    child: Child,
    dir: TempDir,
}

impl Watch {
    fn of(path: &Path) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut command = aofkit();
        command.arg("metrics").arg(path).args(["--watch", "1s", "--output"]);
        command.arg(dir.path().join("m.prom")).stdout(Stdio::null()).stderr(Stdio::null());
        Self { child: command.spawn().unwrap(), dir }
    }

    fn text(&self) -> Option<String> {
        fs::read_to_string(self.dir.path().join("m.prom")).ok()
    }

    /// A sample of the only set, whatever its name.
    fn now(&self, name: &str) -> Option<f64> {
        let all = samples(&self.text()?);
        all.into_iter().find(|(own, _)| without_set(own) == name).map(|(_, value)| value)
    }

    /// Waits until it tells this.
    fn until(&self, name: &str, value: f64) {
        let started = Instant::now();
        while self.now(name) != Some(value) {
            let text = self.text().unwrap_or_default();
            assert!(started.elapsed() < Duration::from_secs(60), "never {name} {value}: {text}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Bytes that it has asked the kernel for so far.
    fn read_bytes(&self) -> u64 {
        let io = fs::read_to_string(format!("/proc/{}/io", self.child.id())).unwrap();
        let line = io.lines().find_map(|line| line.strip_prefix("rchar: "));
        line.unwrap().parse().unwrap()
    }

    /// Processor time that it has taken so far.
    fn seconds(&self) -> f64 {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        let fields: Vec<_> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
        let ticks = fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap();
        ticks / ticks_a_second()
    }
}

/// Ticks of a processor in a second.
fn ticks_a_second() -> f64 {
    rustix::param::clock_ticks_per_second() as f64
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `aof_files{role="incr"}` of `aof_files{set="s",role="incr"}`.
fn without_set(name: &str) -> String {
    let Some((before, rest)) = name.split_once("{set=\"") else { return name.to_owned() };
    match rest.split_once("\",") {
        Some((_, labels)) => format!("{before}{{{labels}"),
        None => before.to_owned(),
    }
}

fn commands(path: &Path) -> f64 {
    let (_, checked) = check_json(path);
    let all = checked["segments"].as_array().unwrap().iter();
    all.filter_map(|segment| segment["commands"].as_u64()).sum::<u64>() as f64
}

fn append(path: &Path, bytes: &[u8]) {
    use std::io::Write;
    fs::File::options().append(true).open(path).unwrap().write_all(bytes).unwrap();
}

#[test]
fn what_was_appended_is_counted_and_what_was_read_is_not_read_again() {
    let set = Set::of(&sets(0));
    // Ten MB that must be read once.
    let value = vec![b'v'; 10_000];
    let large: Vec<u8> = (0..1000).flat_map(|_| record(&[b"SET", b"k", &value])).collect();
    set.put(BASE, &large);
    let watch = Watch::of(set.root());
    watch.until("aof_check_success", 1.0);
    let (first, read) = (watch.now("aof_commands").unwrap(), watch.read_bytes());
    assert_eq!(first, commands(set.root()));
    let mut appended = 0;
    for round in 1..=4 {
        let bytes: Vec<u8> = (0..5).flat_map(|_| record(&[b"SET", b"k", &value])).collect();
        append(&set.file(INCREMENT), &bytes);
        appended += bytes.len() as u64;
        watch.until("aof_commands", first + 5.0 * f64::from(round));
    }
    let more = watch.read_bytes() - read;
    assert!(more < appended + 4 * 200_000, "{more} bytes read for {appended}");
    let told = watch.now("aof_check_read_bytes_total").unwrap();
    let there = fs::metadata(set.file(BASE)).unwrap().len()
        + fs::metadata(set.file(INCREMENT)).unwrap().len();
    assert_eq!(told, there as f64, "every byte once");
}

#[test]
fn damage_that_is_appended_is_told_and_goes_when_it_is_repaired() {
    let set = Set::of(&sets(3));
    let watch = Watch::of(set.root());
    watch.until("aof_check_success", 1.0);
    // A record in two writes is no damage once it is whole.
    let whole = record(&[b"SET", b"k", b"value"]);
    append(&set.file(INCREMENT), &whole[..20]);
    watch.until("aof_check_problems{severity=\"error\",kind=\"truncated-tail\"}", 1.0);
    append(&set.file(INCREMENT), &whole[20..]);
    watch.until("aof_check_success", 1.0);
    assert_eq!(watch.now("aof_commands"), Some(commands(set.root())));
    append(&set.file(INCREMENT), &[b"garbage", &sets(4)[..]].concat());
    watch.until("aof_check_problems{severity=\"error\",kind=\"corrupt-range\"}", 1.0);
    assert_eq!(watch.now("aof_check_success"), Some(0.0));
    // Cut under it, as a server does after a write that failed.
    let file = fs::File::options().write(true).open(set.file(INCREMENT)).unwrap();
    file.set_len(sets(3).len() as u64).unwrap();
    watch.until("aof_check_success", 1.0);
    assert_eq!(watch.now("aof_commands"), Some(commands(set.root())));
}

#[test]
fn what_has_to_be_read_again_is_read_seldom() {
    // Behind a length that may be wrong or the beginning of a large value, the end of the file decides.
    let value = vec![b'v'; 10_000];
    let records: Vec<u8> = (0..10_000).flat_map(|_| record(&[b"SET", b"k", &value])).collect();
    let set = Set::of(&[&b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$900000000\r\n"[..], &records].concat())
        .in_memory();
    let watch = Watch::of(set.root());
    watch.until("aof_check_success", 0.0);
    let size = || {
        ["appendonly.aof.1.base.aof", INCREMENT]
            .map(|name| fs::metadata(set.file(name)).unwrap().len())
    };
    let first = watch.now("aof_check_read_bytes_total").unwrap();
    for _ in 0..6 {
        append(&set.file(INCREMENT), &sets(1));
        std::thread::sleep(Duration::from_secs(1));
    }
    let more = watch.now("aof_check_read_bytes_total").unwrap() - first;
    let size = size().iter().sum::<u64>() as f64;
    assert!(more < 4.5 * size, "{more} bytes of {size}, which grew six times");
    assert!(watch.now("aof_check_success") == Some(0.0));
}

#[test]
fn a_set_that_vanishes_is_told_until_it_comes_back() {
    let set = Set::of(&sets(3));
    let watch = Watch::of(set.root());
    watch.until("aof_check_success", 1.0);
    let away = set.root().join(".away");
    fs::rename(set.dir(), &away).unwrap();
    watch.until("aof_check_error{kind=\"not-found\"}", 1.0);
    assert_eq!(watch.now("aof_check_success"), Some(0.0));
    assert_eq!(watch.now("aof_size_bytes{role=\"base\"}"), None);
    fs::rename(&away, set.dir()).unwrap();
    watch.until("aof_check_success", 1.0);
    assert_eq!(watch.now("aof_check_error{kind=\"not-found\"}"), None);
}

#[test]
fn a_watch_ends_well_by_a_signal_and_leaves_nothing_but_its_file() {
    for signal in ["-INT", "-TERM"] {
        let set = Set::of(&sets(3));
        let mut watch = Watch::of(set.root());
        watch.until("aof_check_success", 1.0);
        let pid = watch.child.id().to_string();
        let sent = std::process::Command::new("kill").args([signal, &pid]).status().unwrap();
        assert!(sent.success());
        assert_eq!(watch.child.wait().unwrap().code(), Some(0));
        let names = fs::read_dir(watch.dir.path()).unwrap().map(|one| one.unwrap().file_name());
        assert_eq!(names.collect::<Vec<_>>(), ["m.prom"]);
    }
}

/// The files that lie in a set now.
fn files(dir: &Path) -> Vec<(PathBuf, u64)> {
    let entries = fs::read_dir(dir).unwrap().filter_map(Result::ok);
    entries.filter_map(|one| Some((one.path(), one.metadata().ok()?.len()))).collect()
}

#[test]
fn a_busy_server_that_rewrites_is_followed_at_little_cost() {
    let Some(server) = Server::find("redis-8.2").or_else(|| Server::find("valkey-9.1")) else {
        return println!("did not run: no server");
    };
    let dir = tempfile::tempdir().unwrap();
    let settings = ["--appendonly", "yes", "--auto-aof-rewrite-percentage", "0"];
    let mut live = Live::start_with(&server, dir.path(), &settings);
    let value = vec![b'v'; 1000];
    let mut written = 0;
    let mut write = |live: &mut Live, count: usize| {
        for n in 0..count {
            let record =
                record(&[b"SET", format!("key:{}", (written + n) % 500).as_bytes(), &value]);
            let (_, errors) = live.pipe(&record);
            assert_eq!(errors, Vec::<String>::new());
        }
        written += count;
    };
    write(&mut live, 500);
    let watch = Watch::of(dir.path());
    watch.until("aof_check_success", 1.0);
    // What it maps is no read to the kernel, so its own count stands beside that.
    let told = |watch: &Watch| watch.now("aof_check_read_bytes_total").unwrap() as u64;
    let (started, read, seconds) = (Instant::now(), watch.read_bytes(), watch.seconds());
    let told_before = told(&watch);
    // Bytes that are new to the watch: what is appended, and each new base.
    let mut bases = 0;
    for round in 0..8 {
        let begun = Instant::now();
        write(&mut live, 200);
        if round % 4 == 1 {
            live.must("BGREWRITEAOF");
            live.until_it_says("aof_rewrite_in_progress:0");
            bases += 1;
        }
        std::thread::sleep(Duration::from_millis(1000).saturating_sub(begun.elapsed()));
    }
    let took = started.elapsed().as_secs_f64();
    let share = (watch.seconds() - seconds) / took;
    let more = watch.read_bytes() - read;
    let appended = 8 * 200 * (value.len() as u64 + 40);
    // A rewrite makes a new set of what is alive: 500 keys, and the increments since.
    let whole = bases * (500 * 1040 + appended / 2);
    let walked = told(&watch) - told_before;
    println!(
        "{:.2} % of a core, {more} bytes read, {walked} looked at, {appended} appended, {bases} rewrites",
        share * 100.0
    );
    assert!(walked <= appended + whole, "{walked} bytes looked at");
    assert!(more < appended + whole + 100_000 * (took as u64 + 2), "{more} bytes read");
    // Some 0.4 % were seen, with every assertion and a clock of 10 ms.
    assert!(share < 0.02, "{share} of a core");
    watch.until("aof_commands", commands(dir.path()));
    assert_eq!(
        watch.now("aof_check_success"),
        Some(1.0),
        "{:?}",
        files(&dir.path().join("appendonlydir"))
    );
}
