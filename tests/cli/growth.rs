//! `growth` as a script and as a reader sees it.

use std::fs;

use serde_json::Value;

use super::schema::faults;
use super::world::*;

fn growth(words: &[&str], set: &Set) -> Value {
    let mut command = aofkit();
    finish(command.args(["growth", "--json"]).args(words).arg(set.dir())).expect(0).json()
}

/// A quarter of an hour of writes, with a burst of another command in the middle of it.
fn busy() -> Vec<u8> {
    busy_from(1_764_000_000)
}

/// The same from this second on.
fn busy_from(first: u64) -> Vec<u8> {
    let mut log = Vec::new();
    for second in 0..900 {
        log.extend(format!("#TS:{}\r\n", first + second).into_bytes());
        let user = format!("user:{}:profile", second % 50);
        log.extend(record(&[b"SET", user.as_bytes(), &[b'v'; 100]]));
        if (400..430).contains(&second) {
            for i in 0..40 {
                log.extend(record(&[b"LPUSH", b"queue:mail", format!("mail {i}").as_bytes()]));
            }
        }
    }
    log
}

fn now() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.unwrap().as_secs()
}

#[test]
fn the_rule_and_the_sizes_are_those_of_the_files() {
    let set = Set::of(&busy());
    let base = fs::metadata(set.file(BASE)).unwrap().len();
    let increment = fs::metadata(set.file(INCREMENT)).unwrap().len();
    let report = growth(&[], &set);
    assert_eq!(report["base_bytes"], base);
    assert_eq!(report["increment_bytes"], increment);
    assert_eq!(report["growth_percent"], (base + increment) * 100 / base.max(1) - 100);
    assert_eq!(report["trigger"]["rewrite_at_bytes"], (64 << 20) + 1);
    assert_eq!(report["trigger"]["remaining_bytes"], (64 << 20) + 1 - base - increment);
    assert_eq!(report["trigger"]["source"], "default");
    let conf = set.root().join("redis.conf");
    let (root, dir) = (set.root().display(), set.dir());
    let dir = dir.file_name().unwrap().to_str().unwrap();
    let rule = "auto-aof-rewrite-percentage 0\naof-use-rdb-preamble no";
    fs::write(&conf, format!("dir {root}\nappenddirname {dir}\n{rule}\n")).unwrap();
    let report = run(["growth", "--json", "--conf", conf.to_str().unwrap()]).expect(0).json();
    assert!(report["trigger"]["rewrite_at_bytes"].is_null());
    assert_eq!(
        (&report["trigger"]["source"], &report["holds"][0]["kind"]),
        (&"conf".into(), &"off".into())
    );
    assert_eq!(report["rewrite"]["format"], "resp");
}

#[test]
fn bytes_over_time_add_up_and_a_peak_is_named() {
    let set = Set::of(&busy_from(now() - 1000));
    let report = growth(&[], &set);
    let rows = report["timeline"].as_array().unwrap();
    let bytes: u64 = rows.iter().map(|row| row["bytes"].as_u64().unwrap()).sum();
    let stats = run(["stats", "--json", set.dir().to_str().unwrap()]).json();
    let base = fs::metadata(set.file(BASE)).unwrap().len();
    assert_eq!(stats["totals"]["command_bytes"], base + bytes, "what a rewrite wrote is not in it");
    let seconds: u64 = rows.iter().map(|row| row["seconds"].as_u64().unwrap()).sum();
    assert!((900..=1000).contains(&seconds), "{seconds}");
    let peaks = report["peaks"].as_array().unwrap();
    assert_eq!(peaks.len(), 1);
    assert_eq!(
        (&peaks[0]["command"], &peaks[0]["prefix"]),
        (&"LPUSH".into(), &"queue:mail".into())
    );
    let rate = report["rate_bytes_per_second"].as_f64().unwrap();
    assert!((rate * 899.0 / bytes as f64 - 1.0).abs() < 0.01, "{rate}");
    assert_eq!(report["rate_source"], "annotations");
    assert!(report["forecast"]["rewrite_at"].is_string());
    // 50 users, 1200 elements and the base's 10 keys are alive, of 900, 1200 and 10 writes.
    let rewritten = report["rewrite"]["resp_bytes"].as_u64().unwrap();
    assert!((20_000..30_000).contains(&rewritten), "{rewritten}");
    assert_eq!(
        (&report["rewrite"]["keys"], &report["rewrite"]["complete"]),
        (&61.into(), &true.into())
    );
}

/// A set of strings, and one more record.
fn strings_and(more: &[&[u8]]) -> Set {
    let mut log = sets(50);
    log.extend(record(more));
    Set::of(&log)
}

#[test]
fn a_command_of_a_module_leaves_a_lower_bound_and_is_named() {
    let words: [&[u8]; 4] = [b"JSON.SET", b"doc", b"$", b"{\"a\":1}"];
    let set = strings_and(&words);
    let report = growth(&[], &set);
    let rewrite = &report["rewrite"];
    assert_eq!((&rewrite["complete"], &rewrite["unfollowed_commands"]), (&false.into(), &1.into()));
    assert_eq!(rewrite["unfollowed_bytes"], record(&words).len());
    assert_eq!(rewrite["unfollowed"][0]["command"], "JSON.SET");
    for unknown in ["estimated_bytes", "at_most_bytes", "error_percent", "reclaimable_bytes"] {
        assert!(rewrite[unknown].is_null(), "{unknown}: {rewrite}");
    }
    assert!(rewrite["at_least_bytes"].as_u64().unwrap() > 1000, "{rewrite}");
    let text = finish(aofkit().arg("growth").arg(set.dir())).expect(0).out;
    assert!(text.contains("JSON.SET (1, ") && text.contains("at least"), "{text}");
    assert!(!text.contains('±'), "{text}");
    // A key that it names may be gone.
    let words: [&[u8]; 3] = [b"JSON.DEL", b"key:7", b"$"];
    let other = growth(&[], &strings_and(&words));
    let least = |report: &Value| report["rewrite"]["at_least_bytes"].as_u64().unwrap();
    assert!(least(&other) < least(&report), "{other}");
}

#[test]
fn after_a_script_nothing_is_said_but_that() {
    for words in [&[b"EVAL".as_slice(), b"return 1", b"0"][..], &[b"GONE", b"key:7"]] {
        let set = strings_and(words);
        let report = growth(&["--fail-above", "reclaimable_bytes=1"], &set);
        let rewrite = &report["rewrite"];
        for unknown in ["estimated_bytes", "at_least_bytes", "at_most_bytes", "peak_disk_bytes"] {
            assert!(rewrite[unknown].is_null(), "{unknown}: {rewrite}");
        }
        let output =
            finish(aofkit().args(["growth", "--fail-above", "reclaimable_bytes=1"]).arg(set.dir()));
        let told = output.expect(0);
        assert!(told.out.contains("they may have changed any key"), "{}", told.out);
        assert!(told.err.contains("reclaimable_bytes is not known"), "{}", told.err);
    }
}

#[test]
fn whether_a_base_would_be_compressed_is_told_by_the_configuration_or_both_are_in_the_range() {
    let set = Set::of(&busy());
    let conf = set.root().join("redis.conf");
    let (root, dir) = (set.root().display(), set.dir());
    let dir = dir.file_name().unwrap().to_str().unwrap();
    let asked = |line: &str| {
        let rule = "aof-use-rdb-preamble yes";
        fs::write(&conf, format!("dir {root}\nappenddirname {dir}\n{rule}\n{line}\n")).unwrap();
        let report = run(["growth", "--json", "--conf", conf.to_str().unwrap()]).expect(0).json();
        let rewrite = &report["rewrite"];
        let bytes = |name: &str| rewrite[name].as_u64().unwrap();
        (rewrite["compressed"].as_bool(), bytes("at_least_bytes"), bytes("at_most_bytes"))
    };
    let (on, off, open) =
        (asked("rdbcompression yes"), asked("rdbcompression no"), asked("# nothing"));
    assert_eq!((on.0, off.0, open.0), (Some(true), Some(false), None));
    assert!(on.2 < off.1, "{on:?} {off:?}");
    assert_eq!((open.1, open.2), (on.1, off.2));
}

#[test]
fn without_annotations_it_is_told_along_the_log() {
    let report = growth(&[], &Set::of(&sets(5000)));
    assert_eq!(report["timeline_axis"], "offset");
    assert!(
        report["timeline"][0]["start_at"].is_null() && report["timeline"][0]["start_bytes"] == 0
    );
    let text = finish(aofkit().arg("growth").arg(Set::of(&sets(5000)).dir())).expect(0).out;
    assert!(text.contains("bytes per command along the log"), "{text}");
}

#[test]
fn other_rules_are_played_over_the_same_time() {
    let words = ["--percentage", "50,400", "--min-size", "1kb"];
    let report = growth(&words, &Set::of(&busy()));
    let rules = report["simulations"].as_array().unwrap();
    assert_eq!(rules.len(), 3);
    let rewrites: Vec<_> = rules.iter().map(|rule| rule["rewrites"].as_u64().unwrap()).collect();
    assert!(rewrites[0] == 0 && rewrites[1] > rewrites[2] && rewrites[2] > 0, "{rewrites:?}");
    run(["growth", "--min-size", "much", "."]).expect(2);
}

#[test]
fn the_screen_fits_and_reads_the_same_without_colour() {
    let set = Set::of(&busy());
    let path = set.dir().display().to_string();
    for columns in ["80", "100"] {
        let told = |color: &str| {
            let mut command = aofkit();
            command.args(["growth", "--percentage", "50", "--color", color]).arg(set.dir());
            finish(command.env("COLUMNS", columns)).expect(0).out
        };
        let (plain, painted) = (told("never"), told("always"));
        let width: usize = columns.parse().unwrap();
        let wide = |line: &&str| line.chars().count() > width && !line.contains(&path);
        assert_eq!(plain.lines().filter(wide).collect::<Vec<_>>(), [""; 0]);
        assert!(!plain.contains('\x1b') && painted.contains('\x1b'));
        let plain = plain.split_whitespace().collect::<Vec<_>>().join(" ");
        for words in ["next rewrite", "peak 1", "LPUSH of queue:mail", "disk", "next:"] {
            assert!(plain.contains(words), "{words}: {plain}");
        }
    }
    let hidden = finish(aofkit().args(["growth", "--redact"]).arg(set.dir())).expect(0).out;
    assert!(!hidden.contains("queue"), "{hidden}");
}

#[test]
fn a_threshold_ends_with_30_and_several_sets_begin_with_the_outlier() {
    let set = Set::of(&busy());
    copy_tree(&Set::of(&sets(3)).dir(), &set.root().join("quiet"));
    let root = set.root().to_str().unwrap();
    let report = run(["growth", "--json", root]).expect(0).json();
    let each = report["sets"].as_array().unwrap();
    let percent = |of: &Value| of["growth_percent"].as_u64().unwrap();
    assert!(each.len() == 2 && percent(&each[0]) > percent(&each[1]));
    let sum = each.iter().map(|one| one["current_bytes"].as_u64().unwrap()).sum::<u64>();
    assert_eq!(report["total"]["current_bytes"], sum);
    let schema = serde_json::from_str(&run(["schema", "growth"]).expect(0).out).unwrap();
    assert_eq!(faults(&schema, &report), [""; 0]);
    assert!(run(["growth", root]).expect(0).out.contains("quiet"));
    let above = run(["growth", "--fail-above", "growth_percent=300", root]).expect(30);
    assert!(above.err.contains("growth_percent is"), "{}", above.err);
    run(["growth", "--fail-above", "increments=5", root]).expect(0);
    run(["growth", "--fail-above", "nonsense=5", root]).expect(2);
}

#[test]
fn what_keeps_a_rewrite_from_coming_is_told() {
    let set = Set::of(&sets(10));
    for number in 2..5 {
        set.put(&format!("appendonly.aof.{number}.incr.aof"), b"");
    }
    let lines = (1..5).map(|n| format!("file appendonly.aof.{n}.incr.aof seq {n} type i\n"));
    set.manifest(&format!("file {BASE} seq 1 type b\n{}", lines.collect::<String>()));
    fs::write(set.root().join("temp-rewriteaof-42.aof"), b"so far").unwrap();
    let report = growth(&[], &set);
    let holds = report["holds"].as_array().unwrap();
    let kinds: Vec<_> = holds.iter().map(|hold| hold["kind"].as_str().unwrap()).collect();
    assert!(kinds.contains(&"running") && kinds.contains(&"failing"), "{kinds:?}");
    assert_eq!(report["advice"]["kind"], "find-fault");
    assert_eq!(report["leftover_bytes"], 6);
}

#[test]
fn a_young_set_is_not_told_figures_that_mean_nothing() {
    let growth = |set: &Set, width: &str| {
        let mut command = aofkit();
        let command = command.env("COLUMNS", width).arg("growth").arg(set.dir());
        finish(command).expect(0).out
    };
    let young = Set::of(&sets(3));
    let text = growth(&young, "100");
    assert!(!text.contains("for every byte appended"), "its log alone is written: {text}");
    assert!(text.contains(" % more than the base"), "{text}");
    // Servers count an empty base as one byte: so many percent of that are no figure.
    young.put(BASE, b"");
    let text = growth(&young, "100");
    assert!(text.contains("a base of 0 B and ") && !text.contains("more than the base"), "{text}");
}

#[test]
fn several_sets_are_a_table_whose_figures_stay_whole_on_a_narrow_screen() {
    let (busy, young) = (Set::of(&busy()), Set::of(&sets(3)));
    let fleet = Set::empty();
    copy_tree(&busy.dir(), &fleet.root().join("a-rather-long-name-of-a-host/appendonlydir"));
    copy_tree(&young.dir(), &fleet.root().join("b/appendonlydir"));
    for (width, columns) in [("60", 5), ("79", 5), ("80", 6), ("100", 7)] {
        let mut command = aofkit();
        let text =
            finish(command.env("COLUMNS", width).arg("growth").arg(fleet.root())).expect(0).out;
        let width: usize = width.parse().unwrap();
        assert!(text.lines().skip(1).all(|line| line.chars().count() <= width), "{text}");
        let head = text.lines().find(|line| line.starts_with("SET")).unwrap();
        assert_eq!(
            head.split("  ").filter(|word| !word.trim().is_empty()).count(),
            columns,
            "{text}"
        );
        let whole = text.lines().filter(|line| line.trim_end().ends_with("  nothing")).count();
        assert_eq!(whole, 2, "the last column is never broken: {text}");
    }
}

#[test]
fn an_overdue_rewrite_is_called_overdue_with_the_reason_and_never_nothing_to_do() {
    let set = Set::of(&sets(40));
    let conf = set.root().join("redis.conf");
    std::fs::write(&conf, "auto-aof-rewrite-percentage 10\nauto-aof-rewrite-min-size 1\n").unwrap();
    let grown = |words: &[&str]| {
        let mut command = aofkit();
        finish(command.arg("growth").arg(set.dir()).arg("--conf").arg(&conf).args(words)).expect(0)
    };
    let advice = grown(&["--json"]).json()["advice"].clone();
    assert_eq!(advice["kind"], "overdue", "{advice}");
    let reason = advice["reason"].to_string();
    assert!(reason.contains("no process") || reason.contains("Either none works"), "{reason}");
    let told = grown(&[]).out;
    assert!(told.contains("overdue") && !told.contains("nothing to do"), "{told}");
    // Somebody writes to it.
    let file = std::fs::File::options().append(true).open(set.file(INCREMENT)).unwrap();
    let mut child = std::process::Command::new("sleep");
    let mut child = child.arg("60").stdout(file).spawn().unwrap();
    let advice = grown(&["--json"]).json()["advice"].clone();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(
        advice["reason"].to_string().contains("a process has the last increment open"),
        "{advice}"
    );
}

#[test]
fn growth_of_a_set_with_a_missing_file_says_that_first() {
    let set = Set::of(&sets(40));
    std::fs::remove_file(set.file(INCREMENT)).unwrap();
    let told = run([std::ffi::OsStr::new("growth"), set.dir().as_os_str()]).expect(0).out;
    let second = told.lines().nth(1).unwrap();
    assert!(second.contains(INCREMENT) && second.contains("missing"), "{told}");
    assert!(told.contains("mend the set first") && !told.contains("nothing to do"), "{told}");
}

/// Without annotations the times of files tell how fast a set grows, unless somebody has copied them.
#[test]
fn the_times_of_a_copy_tell_no_rate() {
    let set = Set::of(&sets(400));
    let now = std::time::SystemTime::now();
    let seconds = |at: std::time::SystemTime| {
        at.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() as u32
    };
    let day = std::time::Duration::from_secs(86_400);
    let mut rdb = b"REDIS0011\xfa\x05ctime\xc2".to_vec();
    rdb.extend(seconds(now - day).to_le_bytes());
    rdb.extend(b"\xff\0\0\0\0\0\0\0\0");
    set.put("appendonly.aof.1.base.rdb", &rdb);
    set.manifest(&format!(
        "file appendonly.aof.1.base.rdb seq 1 type b\nfile {INCREMENT} seq 1 type i\n"
    ));
    let date = |name: &str, at: std::time::SystemTime| {
        std::fs::File::options()
            .append(true)
            .open(set.file(name))
            .unwrap()
            .set_modified(at)
            .unwrap();
    };
    let growth = || {
        let mut command = aofkit();
        finish(command.args(["growth", "--json"]).arg(set.dir())).expect(0).json()
    };
    // As a server left them: the base when it was saved, the increment until now.
    date("appendonly.aof.1.base.rdb", now - day);
    date(INCREMENT, now);
    assert_eq!(growth()["rate_source"], "file-times");
    // As `cp -r` leaves them: one after the other, a day later than what is in them.
    date("appendonly.aof.1.base.rdb", now - std::time::Duration::from_millis(1500));
    let report = growth();
    assert_eq!(
        (&report["rate_source"], &report["forecast"]["rewrite_at"]),
        (&Value::Null, &Value::Null)
    );
    let told = run([std::ffi::OsStr::new("growth"), set.dir().as_os_str()]).expect(0).out;
    assert!(told.contains("times of a copy"), "{told}");
}
