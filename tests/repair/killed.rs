//! The program itself, killed, out of room, or on a disk that fails: the set is the old one or the new one, and the
//! next run completes what was begun.
//!
//! Two kinds of kills. One walks over the calls that can change a file: between two of them nothing changes, so
//! these are all the states there are. The other is by the clock, wherever that hits. `AOFKIT_KILLS`: how many of
//! each; all of the first kind when there are fewer.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use aofkit::disk::LocalDisk;

use super::crash::{Case, age, cases, ends};
use super::library::{State, apply, state};
use super::support::mutate::Random;
use super::support::small_disk::SmallDisk;
use super::support::trace::{Act, Traced, Tracer};
use super::support::{in_parallel, number_from_env};
use super::world::{Set, aofkit, finish, sets};

/// One way to run the program on a case.
struct Work {
    case: Case,
    words: Vec<&'static str>,
    old: State,
    new: State,
}

/// Every case with what goes kept and not kept, and taken back.
fn works() -> Vec<Work> {
    let mut works = Vec::new();
    for more in [&[][..], &["--no-keep"]] {
        for case in cases() {
            let (old, new) = ends(&case);
            let words = [&["repair", "--apply", "--quiet"], case.words, more].concat();
            works.push(Work { case, words, old, new });
        }
    }
    for case in cases() {
        let (new, old) = ends(&case);
        works.push(Work { case, words: vec!["repair", "--undo", "--apply", "--quiet"], old, new });
    }
    works
}

impl Work {
    fn name(&self) -> String {
        format!("{} by {:?}", self.case.name, self.words)
    }

    fn is_undo(&self) -> bool {
        self.words.contains(&"--undo")
    }

    /// The set as it is before.
    fn set(&self) -> (Set, PathBuf) {
        let set = (self.case.make)().in_memory();
        age(&set);
        let path = (self.case.path)(&set);
        if self.is_undo() {
            apply(&(self.case.plan)(&path), &LocalDisk).unwrap();
        }
        (set, path)
    }

    /// Runs the program, and something happens to it at the `at`-th of `calls` that concern the set.
    fn traced(&self, tracer: &Tracer, set: &Set, path: &Path, act: Act<'_>) -> Traced {
        let words = [&self.words[..], &[path.to_str().unwrap()]].concat();
        tracer.run(act, &[set.root()], &words)
    }

    /// At how many calls that change something it can be ended.
    fn calls(&self, tracer: &Tracer) -> u64 {
        let (set, path) = self.set();
        let unhurt = self.traced(tracer, &set, &path, Act { what: "count", at: 0, calls: CHANGES });
        // A verdict is no failure.
        assert!(![1, 2].contains(&unhurt.code), "{}: {}", self.name(), unhurt.stderr);
        assert_eq!(state(&set.dir()), self.new, "{}", self.name());
        unhurt.calls
    }

    /// What lies there is the old set or the new one; the next run completes it, and again it can be taken back.
    fn holds(&self, set: &Set, path: &Path, at: &str) {
        let now = state(&set.dir());
        let now = loaded(&now);
        let is_old = now == loaded(&self.old);
        assert!(is_old || now == loaded(&self.new), "{at}: neither the old set nor the new one");
        let again = finish(aofkit().args(&self.words).arg(path));
        assert_ne!(again.code, 1, "{at}: {again:#?}");
        let now = state(&set.dir());
        let names: Vec<_> = now.keys().collect();
        // A cut that keeps nothing has no journal that would know of the time it had not set yet.
        let same = match self.words.contains(&"--no-keep") {
            true => bytes(&now) == bytes(&self.new),
            false => now == self.new,
        };
        assert!(same, "{at}: not completed, with {names:?}: {again:#?}");
        let kept = PathBuf::from(format!("{}.aofkit", path.display()));
        if self.words.contains(&"--no-keep") {
            assert!(!kept.exists(), "{at}: something stays behind");
        } else if !self.is_undo() {
            assert_eq!(again.code, 0, "{at}: {again:#?}");
            finish(aofkit().args(["repair", "--undo", "--apply"]).arg(path));
            assert_eq!(state(&set.dir()), self.old, "{at}: taken back");
        }
    }
}

fn bytes(state: &State) -> Vec<(&String, &Vec<u8>)> {
    state.iter().map(|(name, (bytes, ..))| (name, bytes)).collect()
}

/// What a server reads: the manifest and the files it names, or all there is.
fn loaded(state: &State) -> Vec<(&String, &Vec<u8>)> {
    let all = bytes(state).into_iter().filter(|(name, _)| !name.starts_with("temp-"));
    let manifest = state.get("appendonly.aof.manifest").map(|file| &file.0[..]).unwrap_or_default();
    let names: Vec<&[u8]> = manifest
        .split(|&b| b == b'\n')
        .filter_map(|line| line.split(|&b| b == b' ').nth(1))
        .collect();
    let is_read = |name: &String| names.contains(&name.as_bytes());
    all.filter(|(name, _)| names.is_empty() || name.ends_with(".manifest") || is_read(name))
        .collect()
}

/// Some of them, each as likely as any other, or all of them.
fn some<T: Clone>(all: &[T], most: usize) -> Vec<T> {
    let mut all = all.to_vec();
    let mut random = Random::new(number_from_env("AOFKIT_SEED", 7), all.len() as u64);
    for i in 0..all.len() {
        let other = i + random.below(all.len() - i);
        all.swap(i, other);
    }
    all.truncate(most);
    all
}

/// Calls by which a program changes what others see. A kill between two of them leaves the same as a kill at the
/// second, so that all of them are all states a kill can leave behind.
const CHANGES: &str = "change";

/// Every piece of work with every call at which it can be ended.
fn all_places(works: &[Work], tracer: &Tracer) -> Vec<(usize, u64)> {
    let calls = in_parallel(works.len(), |i| works[i].calls(tracer));
    let each = |(i, calls): (usize, u64)| (1..=calls).map(move |at| (i, at));
    calls.into_iter().enumerate().flat_map(each).collect()
}

#[test]
fn killed_at_any_call_that_changes_something() {
    let Some(tracer) = Tracer::find() else { return };
    let works = works();
    let all = all_places(&works, tracer);
    let chosen = some(&all, number_from_env("AOFKIT_KILLS", 60) as usize);
    let killed = in_parallel(chosen.len(), |n| {
        let (work, at) = (&works[chosen[n].0], chosen[n].1);
        let (set, path) = work.set();
        let act = Act { what: "kill", at, calls: CHANGES };
        let traced = work.traced(tracer, &set, &path, act);
        work.holds(&set, &path, &format!("{}, killed at {:?}", work.name(), traced.hit));
        usize::from(traced.died)
    });
    let killed: usize = killed.into_iter().sum();
    println!("repair: {killed} of {} runs were killed at one of {} calls", chosen.len(), all.len());
    assert!(killed * 10 >= chosen.len() * 9, "only {killed} runs were killed");
}

#[test]
fn interrupted_it_ends_on_one_side_and_says_so() {
    let Some(tracer) = Tracer::find() else { return };
    let works = works();
    let all = all_places(&works, tracer);
    let chosen = some(&all, number_from_env("AOFKIT_KILLS", 40) as usize);
    let sides = in_parallel(chosen.len(), |n| {
        let (work, at) = (&works[chosen[n].0], chosen[n].1);
        let (set, path) = work.set();
        let act = Act { what: "signal=2", at, calls: CHANGES };
        let traced = work.traced(tracer, &set, &path, act);
        let at = format!("{}, interrupted at {:?}", work.name(), traced.hit);
        let now = state(&set.dir());
        // Nothing is half done, and nothing is left to be cleared up.
        assert!(now == work.old || now == work.new, "{at}: between the old set and the new one");
        let kept = PathBuf::from(format!("{}.aofkit", path.display()));
        for change in fs::read_dir(&kept).into_iter().flatten().flatten() {
            let unfinished = ["begun", "ready"].map(|name| change.path().join(name));
            assert!(
                !unfinished.iter().any(|path| path.exists()),
                "{at}: {change:?} is not finished"
            );
        }
        // Before it changes anything an interruption ends it on the spot, and after its last word it is over.
        assert!(traced.code == 130 || now == work.new, "{at}: {}", traced.code);
        if traced.died {
            assert!(now == work.old, "{at}: killed while it changed something");
        }
        let side = [now == work.old && !traced.died, now == work.new && traced.code == 130];
        work.holds(&set, &path, &at);
        side.map(usize::from)
    });
    let undone: usize = sides.iter().map(|side| side[0]).sum();
    let finished: usize = sides.iter().map(|side| side[1]).sum();
    println!(
        "repair: of {} interrupted runs {undone} took back what they had begun and {finished} finished it, \
         with status 130",
        chosen.len()
    );
    assert!(undone > 0 && finished > 0);
}

#[test]
fn killed_at_any_moment() {
    let works = works();
    // From the moment something is seen to be written.
    let lasts = in_parallel(works.len(), |i| {
        let (set, path) = works[i].set();
        let mut run = started(&works[i], &path);
        let begun = wait_for_change(&mut run, &set, &path);
        run.wait().unwrap();
        begun.elapsed()
    });
    let most = number_from_env("AOFKIT_KILLS", 60);
    let killed = in_parallel(most as usize, |n| {
        let mut random = Random::new(number_from_env("AOFKIT_SEED", 7), n as u64);
        let which = random.below(works.len());
        let (work, last) = (&works[which], lasts[which]);
        let (set, path) = work.set();
        let mut run = started(work, &path);
        wait_for_change(&mut run, &set, &path);
        let nap = Duration::from_nanos(random.next() % (last.as_nanos() as u64).max(1));
        let until = Instant::now() + nap;
        while Instant::now() < until {
            std::hint::spin_loop();
        }
        run.kill().unwrap();
        let killed = run.wait().unwrap().code().is_none();
        work.holds(&set, &path, &format!("{}, killed after {nap:?}", work.name()));
        usize::from(killed)
    });
    let killed: usize = killed.into_iter().sum();
    println!("repair: {killed} of {most} runs were killed before their end by the clock");
    assert!(killed as u64 * 4 >= most, "only {killed} of {most} were still running");
}

fn started(work: &Work, path: &Path) -> std::process::Child {
    let null = || (Stdio::null(), Stdio::null());
    let (out, err) = null();
    aofkit().args(&work.words).arg(path).stdout(out).stderr(err).spawn().unwrap()
}

/// Returns when something has changed in the set's directories, or the run is over.
fn wait_for_change(run: &mut std::process::Child, set: &Set, path: &Path) -> Instant {
    let kept = PathBuf::from(format!("{}.aofkit", path.display()));
    let seen = || {
        let count = |dir: &Path| fs::read_dir(dir).map_or(0, |entries| entries.count());
        let bytes = fs::metadata(path).map_or(0, |meta| meta.len());
        (count(set.root()), count(&set.dir()), count(&kept), bytes)
    };
    let before = seen();
    while seen() == before && run.try_wait().unwrap().is_none() {}
    Instant::now()
}

#[test]
fn a_sync_that_fails_is_told_and_the_next_run_goes_on() {
    let Some(tracer) = Tracer::find() else { return };
    let works = works();
    let every = if number_from_env("AOFKIT_KILLS", 0) > 0 { 1 } else { 3 };
    let failed = in_parallel(works.len().div_ceil(every), |i| {
        let work = &works[i * every];
        let mut failed = 0;
        // One sync alone fails, or from one on all do.
        let both = ["error=5", "errors=5"];
        let kinds =
            if number_from_env("AOFKIT_KILLS", 0) > 0 { &both[..] } else { &both[i % 2..][..1] };
        for what in kinds {
            for n in 1.. {
                let (set, path) = work.set();
                let act = Act { what, at: n, calls: "fsync" };
                let traced = work.traced(tracer, &set, &path, act);
                let at = format!("{}, {what} at sync {n}", work.name());
                if traced.code != 1 {
                    assert_eq!(state(&set.dir()), work.new, "{at}: told to be well");
                    break;
                }
                failed += 1;
                work.holds(&set, &path, &at);
            }
        }
        failed
    });
    let failed: usize = failed.into_iter().sum();
    println!("repair: {failed} runs saw a sync fail");
    assert!(failed > works.len() * 2, "hardly anything is synced");
}

/// Some bytes that do not shrink.
fn noise(len: u32) -> Vec<u8> {
    (0..len).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8 | 1).collect()
}

#[test]
fn a_disk_that_is_full_at_any_point_leaves_the_old_set_and_with_room_it_goes_on() {
    let place = tempfile::tempdir().unwrap();
    let Some(small) = SmallDisk::at(place.path(), "size=1m") else { return };
    let small = small.path();
    let hole = [sets(2000), noise(40_000), sets(2000)].concat();
    let end = [sets(2000), noise(60_000)].concat();
    for (what, bytes, words) in
        [("a hole", &hole, &["--salvage"][..]), ("an end", &end, &["--truncate"])]
    {
        let made = Set::of(&sets(3));
        made.put(super::world::INCREMENT, bytes);
        age(&made);
        let (old, whole) = (
            state(&made.dir()),
            finish(aofkit().args(["repair", "--apply"]).args(words).arg(made.dir())),
        );
        assert_eq!(whole.code, 0, "{whole:#?}");
        let new = state(&made.dir());
        let (mut full, mut free) = (0, 0);
        loop {
            let dir = small.join(format!("{free}")).join("aof");
            fs::create_dir_all(&dir).unwrap();
            for (name, file) in &old {
                fs::write(dir.join(name), &file.0).unwrap();
                let time = std::time::UNIX_EPOCH + Duration::from_secs(1_000_000);
                fs::File::options()
                    .write(true)
                    .open(dir.join(name))
                    .unwrap()
                    .set_modified(time)
                    .unwrap();
            }
            let filler = small.join("filler");
            let _ = fs::write(&filler, vec![1; 1 << 20]);
            let filled = fs::metadata(&filler).unwrap().len();
            let file = fs::File::options().write(true).open(&filler).unwrap();
            file.set_len(filled.saturating_sub(free)).unwrap();
            drop(file);
            let run = finish(aofkit().args(["repair", "--apply"]).args(words).arg(&dir));
            let at = format!("{what}, {free} bytes free");
            if run.code == 0 {
                assert_eq!(state(&dir), new, "{at}");
                break;
            }
            full += 1;
            assert_eq!(run.code, 1, "{at}: {run:#?}");
            assert_eq!(state(&dir), old, "{at}");
            fs::remove_file(&filler).unwrap();
            let again = finish(aofkit().args(["repair", "--apply"]).args(words).arg(&dir));
            assert_eq!(again.code, 0, "{at}: {again:#?}");
            assert_eq!(state(&dir), new, "{at}");
            fs::remove_dir_all(small.join(format!("{free}"))).unwrap();
            free += 4096;
        }
        fs::remove_dir_all(small.join(format!("{free}"))).unwrap();
        let _ = fs::remove_file(small.join("filler"));
        println!("repair: {what}: {full} times the disk was full");
        assert!(full > 1, "{what}: never full");
    }
}

#[test]
fn on_a_disk_without_any_room_no_keep_still_cuts() {
    let place = tempfile::tempdir().unwrap();
    let Some(small) = SmallDisk::at(place.path(), "size=256k") else { return };
    let dir = small.path().join("aof");
    fs::create_dir(&dir).unwrap();
    let file = dir.join("appendonly.aof");
    fs::write(&file, [sets(5), b"x".to_vec(), noise(60_000)].concat()).unwrap();
    // Up to the last byte.
    let _ = fs::write(small.path().join("filler"), vec![1; 1 << 20]);
    let before = fs::read(&file).unwrap();
    let full = finish(aofkit().args(["repair", "--apply"]).arg(&file));
    assert_eq!(full.code, 1, "{full:#?}");
    assert_eq!(fs::read(&file).unwrap(), before);
    let unkept = finish(aofkit().args(["repair", "--apply", "--no-keep"]).arg(&file));
    assert_eq!(unkept.code, 0, "{unkept:#?}");
    assert_eq!(fs::read(&file).unwrap(), sets(5));
}
