//! Every verb on a set whose last command, one of a module, was torn, and on sets with vector sets.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::verbs::{increment, words};
use super::world::*;
use super::{OF_MODULES, OF_VECTORS};

/// A set with the first bytes of one more command of a module behind its last one, and what was there before.
fn torn(name: &str) -> (Set, PathBuf, Vec<u8>) {
    let set = Set::recorded(name);
    let file = increment(&set);
    let whole = fs::read(&file).unwrap();
    let next = record(&[b"TS.ADD", b"temp:9", b"1764000000000", b"21.5"]);
    fs::write(&file, [&whole[..], &next[..next.len() - 4]].concat()).unwrap();
    (set, file, whole)
}

fn json_of(verb: &str, rest: &[&str], set: &Path, code: i32) -> Value {
    words(verb, rest, set).expect(code).json()
}

#[test]
fn verbs_that_read_take_a_torn_command_of_a_module_for_a_torn_end() {
    for name in OF_MODULES {
        let (set, file, whole) = torn(name);
        let before = fs::read(&file).unwrap();
        let sound = Set::recorded(name);
        let needed = json_of("check", &[], &sound.dir(), 0)["needs_modules"].clone();
        for verb in ["inspect", "stats"] {
            let told = json_of(verb, &[], &set.dir(), 0);
            assert_eq!(told["needs_modules"], needed, "{name} {verb}");
        }
        assert_eq!(inspect_json(&set.dir())["verdict"], "tail-damage");
        let stats = |set: &Set| json_of("stats", &["--by", "command,key"], &set.dir(), 0);
        assert_eq!(stats(&set)["keys"], stats(&sound)["keys"]);
        assert_eq!(
            stats(&set)["totals"]["unparsed_bytes"],
            before.len() - whole.len(),
            "the torn bytes are counted apart"
        );
        let printed = |set: &Set| run(["cat", set.dir().to_str().unwrap()]).expect(0).out;
        assert!(printed(&set).starts_with(&printed(&sound)), "{}", printed(&set));
        json_of("growth", &[], &set.dir(), 0);
        assert_eq!(json_of("clean", &[], &set.dir(), 0)["actions"], json!([]));
        let home = Set::empty();
        let out = home.root().join("out");
        words("convert", &["--output", out.to_str().unwrap()], &set.dir()).expect(1);
        assert_eq!(fs::read(&file).unwrap(), before, "nobody has changed it");
    }
}

#[test]
fn a_backup_of_a_torn_set_with_modules_gives_back_what_was_whole() {
    for name in OF_MODULES {
        let (set, file, whole) = torn(name);
        let home = Set::empty();
        let (repo, back) = (home.root().join("repo"), home.root().join("back"));
        let to = ["--repo", repo.to_str().unwrap()];
        let made = json_of("backup", &to, &set.dir(), 0);
        let torn = fs::read(&file).unwrap().len() - whole.len();
        assert_eq!(made["snapshot"]["cut_bytes"], torn, "{name}");
        let verified = run(["verify", "--json", "--data", to[0], to[1]]).expect(0).json();
        assert_eq!(verified["problems"], json!([]));
        let snapshot = format!("{}::latest", repo.display());
        run(["restore", &snapshot, back.to_str().unwrap()]).expect(0);
        assert_eq!(fs::read(back.join(file.file_name().unwrap())).unwrap(), whole);
        let (code, report) = check_json(&back);
        assert_eq!((code, &report["verdict"]), (0, &json!("healthy")), "{name}");
    }
}

#[test]
fn a_torn_set_with_modules_is_rewound_to_before_any_of_their_commands() {
    for name in OF_MODULES {
        let (set, file, whole) = torn(name);
        let listed = json_of("rewind", &["--list"], &set.dir(), 0);
        assert!(listed["candidates"].is_array(), "{listed:#}");
        let home = Set::empty();
        let out = home.root().join("out");
        let rest = ["--before-command", "JSON.SET:first", "--output", out.to_str().unwrap()];
        let answer = json_of("rewind", &rest, &set.dir(), 0);
        assert_eq!(answer["verdict_after"], "healthy", "{answer:#}");
        let kept = fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().path());
        let kept = kept.into_iter().find(|path| path.to_str().unwrap().ends_with(".incr.aof"));
        let kept = kept.map_or_else(Vec::new, |path| fs::read(path).unwrap());
        assert!(whole.starts_with(&kept) && kept.len() < whole.len());
        let holds = |bytes: &[u8]| bytes.windows(8).any(|part| part == b"JSON.SET");
        assert!(holds(&whole) && !holds(&kept), "{}", file.display());
    }
}

/// What lies there after a change is opened with all that was said of the set before, and by the same configuration.
#[test]
fn a_module_of_a_configuration_is_told_once_also_after_a_change() {
    let (set, ..) = torn(OF_MODULES[0]);
    let conf = set.root().join("redis.conf");
    let libraries = ["rejson", "rejson", "redisbloom", "redisearch", "redistimeseries"];
    let lines = libraries.map(|name| format!("loadmodule /opt/{name}.so\n"));
    fs::write(&conf, format!("appendonly yes\n{}", lines.concat())).unwrap();
    let conf = ["--conf", conf.to_str().unwrap()];
    for rest in [&conf[..], &[conf[0], conf[1], "--apply"]] {
        let code = if rest.len() == 2 { 20 } else { 0 };
        let answer = json_of("repair", rest, &set.dir(), code);
        let rows = answer["modules"].as_array().unwrap();
        let names: Vec<_> = rows.iter().map(|row| row["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["ReJSON", "bf", "search", "timeseries"], "{rest:?}");
    }
}

#[test]
fn every_verb_takes_sets_with_vector_sets_as_any_other() {
    for (name, server) in OF_VECTORS {
        let set = Set::recorded(name);
        let (code, check) = check_json(&set.dir());
        assert_eq!((code, &check["verdict"]), (0, &json!("healthy")), "{server}");
        let needed = &check["needs_modules"];
        assert!(needed.to_string().contains("vectorset"), "{needed}");
        for verb in ["inspect", "stats", "repair"] {
            assert_eq!(&json_of(verb, &[], &set.dir(), 0)["needs_modules"], needed, "{verb}");
        }
        for verb in ["growth", "clean"] {
            json_of(verb, &[], &set.dir(), 0);
        }
        let home = Set::empty();
        let at = |name: &str| home.root().join(name).to_str().unwrap().to_owned();
        let out = at("out");
        let converted = json_of("convert", &["--output", &out], &set.dir(), 0);
        assert_eq!(&converted["needs_modules"], needed);
        let repo = at("repo");
        json_of("backup", &["--repo", &repo], &set.dir(), 0);
        run(["verify", "--data", "--repo", &repo]).expect(0);
        let back = at("back");
        run(["restore", &format!("{repo}::latest"), &back]).expect(0);
        assert_eq!(&check_json(Path::new(&back)).1["needs_modules"], needed);
        let text = run(["cat", "--with-base", set.dir().to_str().unwrap()]).expect(0).out;
        assert!(text.contains("VADD") || text.contains("vectorset"), "{server}: {text}");
    }
}
