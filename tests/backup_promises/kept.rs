//! What `prune` keeps, against a model of restic's rules that was written apart: its own calendar, its own loops.

use std::sync::Arc;

use aofkit::backup::{Entry, Interval, Keep, Moment};

use super::home::{Home, set};
use super::support::number_from_env;
use super::{Random, aofkit, expect};

/// A point in time in a calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Local {
    year: i64,
    month: i64,
    day: i64,
    hour: i64,
    days: i64,
}

/// Days since 1970 of a date, counted year by year and month by month.
fn days_of(year: i64, month: i64, day: i64) -> i64 {
    let leap = |y: i64| (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
    let years: i64 = (1970..year).map(|y| if leap(y) { 366 } else { 365 }).sum();
    let lengths = [31, if leap(year) { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    years + lengths[..month as usize - 1].iter().sum::<i64>() + day - 1
}

fn local(seconds: i64) -> Local {
    let days = seconds.div_euclid(86_400);
    let mut year = 1970;
    while days_of(year + 1, 1, 1) <= days {
        year += 1;
    }
    let month = (1..=12).rev().find(|m| days_of(year, *m, 1) <= days).unwrap();
    let day = days - days_of(year, month, 1) + 1;
    Local { year, month, day, hour: seconds.rem_euclid(86_400) / 3600, days }
}

/// Monday is 0; 1970 began with a Thursday.
fn weekday(days: i64) -> i64 {
    (days + 3).rem_euclid(7)
}

/// Seconds that Berlin is ahead: two hours from the last Sunday of March to that of October, at 01:00 UTC.
fn berlin(seconds: i64) -> i64 {
    let year = local(seconds).year;
    let last_sunday = |month| {
        let last = days_of(year, month, 31);
        (last - (weekday(last) + 1) % 7) * 86_400 + 3600
    };
    if (last_sunday(3)..last_sunday(10)).contains(&seconds) { 7200 } else { 3600 }
}

/// The year of an ISO week is that of its Thursday, and weeks are counted from the first of those.
fn iso_week(days: i64) -> (i64, i64) {
    let thursday = days - weekday(days) + 3;
    let year = local(thursday * 86_400).year;
    (year, (thursday - days_of(year, 1, 1)) / 7 + 1)
}

#[derive(Clone, Debug, Default)]
struct Rules {
    counts: [u64; 6],
    within_hours: Option<i64>,
    tag: bool,
    in_berlin: bool,
}

/// Which of these, the oldest first, a model of the rules keeps.
fn model(times: &[i64], tagged: &[bool], now: i64, rules: &Rules) -> Vec<bool> {
    let mut keep = vec![false; times.len()];
    *keep.last_mut().unwrap() = true;
    let nothing_asked = rules.counts == [0; 6] && rules.within_hours.is_none() && !rules.tag;
    for at in 0..times.len() {
        keep[at] |= times[at] > now || nothing_asked || rules.tag && tagged[at];
    }
    let past: Vec<usize> = (0..times.len()).filter(|at| times[*at] <= now).collect();
    for (rule, count) in rules.counts.iter().enumerate() {
        let mut buckets = Vec::new();
        for &at in past.iter().rev() {
            let shift = if rules.in_berlin { berlin(times[at]) } else { 0 };
            let l = local(times[at] + shift);
            let bucket = match rule {
                0 => vec![at as i64],
                1 => vec![l.days, l.hour],
                2 => vec![l.days],
                3 => vec![iso_week(l.days).0, iso_week(l.days).1],
                4 => vec![l.year, l.month],
                _ => vec![l.year],
            };
            if buckets.last() != Some(&bucket) {
                if buckets.len() as u64 == *count {
                    break;
                }
                buckets.push(bucket);
                keep[at] = true;
            }
        }
    }
    if let (Some(hours), Some(newest)) =
        (rules.within_hours, past.iter().map(|at| times[*at]).max())
    {
        for &at in &past {
            keep[at] |= times[at] >= newest - hours * 3600;
        }
    }
    keep
}

fn keep_of(rules: &Rules) -> Keep {
    let [last, hourly, daily, weekly, monthly, yearly] = rules.counts;
    Keep {
        last,
        hourly,
        daily,
        weekly,
        monthly,
        yearly,
        within: rules.within_hours.map(|hours| format!("PT{hours}H").parse().unwrap()),
        tags: if rules.tag { vec!["nightly".to_owned()] } else { Vec::new() },
        pitr: None,
        accept_missing: false,
        accept_shrinks: false,
        zone: rules.in_berlin.then(|| jiff_zone("Europe/Berlin")),
    }
}

fn entry() -> Entry {
    let home = Home::with_increment(&set("a", b"1"));
    home.backup().entry
}

fn at(template: &Entry, seconds: i64, seq: u64) -> Entry {
    let taken = Moment::of_seconds(seconds).text();
    Entry { taken, seq, id: format!("{seq}"), ..template.clone() }
}

const BEGIN: i64 = 1_703_980_800; // 2023-12-31, a Sunday: years and weeks end

#[test]
fn the_calendar_of_the_model_is_right() {
    // From a calendar on paper.
    let known =
        [(2021, 1, 3, 6, (2020, 53)), (2021, 1, 4, 0, (2021, 1)), (2024, 12, 30, 0, (2025, 1))];
    for (year, month, day, of_week, week) in known {
        let days = days_of(year, month, day);
        assert_eq!((weekday(days), iso_week(days)), (of_week, week), "{year}-{month}-{day}");
        let l = local(days * 86_400 + 7200);
        assert_eq!((l.year, l.month, l.day, l.hour), (year, month, day, 2));
    }
    assert_eq!(
        local(BEGIN),
        Local { year: 2023, month: 12, day: 31, hour: 0, days: BEGIN / 86_400 }
    );
}

#[test]
fn the_rules_keep_what_an_independent_model_keeps() {
    let template = entry();
    let mut random = Random(20_261_124);
    let mut decided = 0;
    for case in 0..number_from_env("AOFKIT_KEEP_CASES", 400) {
        let step = [600, 3600, 40_000, 86_400, 700_000][random.below(5) as usize];
        let mut times = Vec::new();
        let mut time = BEGIN - 86_400 * 3 + random.below(86_400 * 300) as i64;
        for _ in 0..1 + random.below(40) {
            time += 1 + random.below(2 * step) as i64;
            times.push(time);
        }
        let last = *times.last().unwrap();
        let now = if random.below(4) == 0 { times[times.len() / 2] } else { last };
        let tagged: Vec<bool> = times.iter().map(|_| random.below(6) == 0).collect();
        let mut rules = Rules { in_berlin: random.below(2) == 0, ..Rules::default() };
        for count in &mut rules.counts {
            *count = if random.below(3) == 0 { random.below(6) } else { 0 };
        }
        rules.within_hours = (random.below(4) == 0).then(|| random.below(100) as i64);
        rules.tag = random.below(5) == 0;
        let entries: Vec<Entry> = times
            .iter()
            .zip(&tagged)
            .zip(1..)
            .map(|((time, tagged), seq)| {
                let tags = if *tagged { vec!["nightly".to_owned()] } else { Vec::new() };
                Entry { tags, ..at(&template, *time, seq) }
            })
            .collect();
        let reasons = keep_of(&rules).reasons(&entries, Moment::of_seconds(now));
        let kept: Vec<bool> = reasons.iter().map(|reasons| !reasons.is_empty()).collect();
        assert_eq!(kept, model(&times, &tagged, now, &rules), "case {case}: {rules:?} {times:?}");
        decided += kept.len();
    }
    println!("{decided} decisions");
}

#[test]
fn a_snapshot_dated_in_the_future_is_kept_and_told_and_takes_nobodys_place() {
    let template = entry();
    let day = 86_400;
    let entries: Vec<Entry> = [0, day, 2 * day, 400 * day, 3 * day]
        .iter()
        .zip(1..)
        .map(|(time, seq)| at(&template, BEGIN + time, seq))
        .collect();
    let now = Moment::of_seconds(BEGIN + 3 * day + 60);
    let keep = Keep { last: 2, within: Some("P2D".parse().unwrap()), ..Keep::default() };
    let reasons = keep.reasons(&entries, now);
    let kept: Vec<bool> = reasons.iter().map(|reasons| !reasons.is_empty()).collect();
    assert_eq!(kept, [false, true, true, true, true], "{reasons:?}");
    assert_eq!(reasons[3], ["dated in the future"]);
}

/// The zone as `prune --tz` takes it.
fn jiff_zone(name: &str) -> jiff::tz::TimeZone {
    jiff::tz::TimeZone::get(name).unwrap()
}

/// Snapshots over rewrites: each has a base, an increment that grows, and covers time up to its end.
fn histories(template: &Entry, random: &mut Random) -> Vec<Entry> {
    let mut entries = Vec::new();
    let (mut clock, mut base, mut base_at, mut pieces) = (BEGIN, 1, BEGIN, 0);
    for seq in 1..=2 + random.below(25) {
        clock += 60 + random.below(7200) as i64;
        if random.below(4) == 0 {
            base += 1;
            (base_at, pieces) = (clock, 0);
            clock += 30;
        }
        pieces += 1;
        let mut one = at(template, clock, seq);
        let segment = one.files[1].segments[0].clone();
        one.files[0].name = aofkit::backup::Words::new(format!("{base}.base").as_bytes());
        one.files[1].name = aofkit::backup::Words::new(format!("{base}.incr").as_bytes());
        Arc::make_mut(&mut one.files[0].segments[0]).object = format!("base {base}");
        one.files[1].segments = (0..pieces)
            .map(|n| {
                let mut one = segment.clone();
                Arc::make_mut(&mut one).object = format!("{base} {n}");
                one
            })
            .collect();
        let text = |seconds| Moment::of_seconds(seconds).seconds_text();
        one.covers = match random.below(8) {
            0 => Vec::new(),
            _ => vec![Interval { from: text(base_at), to: text(clock) }],
        };
        entries.push(one);
    }
    entries
}

#[test]
fn keep_pitr_loses_no_instant_of_its_window() {
    let template = entry();
    let mut random = Random(7);
    let mut removed = 0;
    for case in 0..300 {
        let entries = histories(&template, &mut random);
        let newest = Moment::parse(&entries.last().unwrap().taken).unwrap();
        let hours = 1 + random.below(30) as i64;
        let keep = Keep { pitr: Some(format!("PT{hours}H").parse().unwrap()), ..Keep::default() };
        let reasons = keep.reasons(&entries, newest);
        let kept: Vec<&Entry> =
            entries.iter().zip(&reasons).filter(|(_, r)| !r.is_empty()).map(|(e, _)| e).collect();
        removed += entries.len() - kept.len();
        let from = newest.milliseconds() / 1000 - hours * 3600;
        let covers = |entry: &Entry, t: i64| {
            entry.covers.iter().any(|covered| {
                let at = |text: &str| Moment::parse(text).unwrap().milliseconds() / 1000;
                (at(&covered.from)..=at(&covered.to)).contains(&t)
            })
        };
        for t in (from..=newest.milliseconds() / 1000).step_by(17) {
            let before = entries.iter().any(|entry| covers(entry, t));
            let after = kept.iter().any(|entry| covers(entry, t));
            assert_eq!(before, after, "case {case}, {hours} h, second {t}");
        }
        // Without a history only its own state can be restored: each in the window stays.
        for entry in entries.iter().filter(|entry| entry.covers.is_empty()) {
            let time = Moment::parse(&entry.taken).unwrap().milliseconds() / 1000;
            assert!(time < from || kept.iter().any(|k| k.id == entry.id), "case {case}");
        }
        // One for what was there when the window begins.
        let older =
            |entry: &&Entry| Moment::parse(&entry.taken).unwrap().milliseconds() / 1000 < from;
        assert_eq!(entries.iter().any(|e| older(&e)), kept.iter().any(older), "case {case}");
    }
    assert!(removed > 1000, "it kept nearly all: {removed}");
}

#[test]
fn the_command_line_keeps_by_tag_source_and_zone_and_never_the_last_of_a_source() {
    let home = Home::with_increment(&set("a", b"1"));
    let (set_dir, repo) = (home.set(), home.repo());
    let (set_dir, repo) = (set_dir.to_str().unwrap(), repo.to_str().unwrap());
    for (source, tag) in [("a", "nightly"), ("a", "x"), ("a", "y"), ("b", "x"), ("b", "z")] {
        let words = ["backup", set_dir, "--repo", repo, "--source", source, "--tag", tag];
        expect(0, &[&words[..], &["--min-free", "0"]].concat());
    }
    let plan = |words: &[&str]| -> serde_json::Value {
        let words = [&["prune", "--repo", repo, "--json"], words].concat();
        let ran = aofkit(&words);
        assert!(ran.status.success(), "{words:?}");
        serde_json::from_slice(&ran.stdout).unwrap()
    };
    let counts = |plan: &serde_json::Value| {
        let of = |key: &str| plan[key].as_array().unwrap().len();
        (of("kept"), of("removed"))
    };
    assert_eq!(counts(&plan(&[])), (5, 0));
    assert_eq!(counts(&plan(&["--keep-tag", "nightly"])), (3, 2));
    assert_eq!(counts(&plan(&["--keep-last", "1"])), (2, 3));
    assert_eq!(counts(&plan(&["--keep-last", "1", "--source", "b"])), (4, 1));
    assert_eq!(counts(&plan(&["--keep-daily", "7", "--tz", "Asia/Kolkata"])), (2, 3));
    assert_eq!(counts(&plan(&["--keep-within", "1h"])), (5, 0));
    assert_eq!(counts(&plan(&["--keep-pitr", "1h"])).1, 0);
    expect(2, &["prune", "--repo", repo, "--keep-daily", "1", "--tz", "Nowhere/At all"]);
    expect(2, &["prune", "--repo", repo, "--keep-within", "yesterday"]);
    assert_eq!(home.repository().list().unwrap().len(), 5, "a plan removed something");
    expect(0, &["prune", "--repo", repo, "--keep-last", "1", "--source", "b", "--apply"]);
    assert_eq!(home.repository().list().unwrap().len(), 4);
}
