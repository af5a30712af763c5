//! `--conf`: a server's configuration in the place of PATH.

use std::fs;

use serde_json::{Value, json};

use super::world::*;

/// `aofkit VERB --json --conf FILE`, run in the set's root.
fn by_conf(set: &Set, verb: &str, conf: &str) -> Run {
    let mut command = aofkit();
    command.args([verb, "--json", "--conf", conf]).current_dir(set.root());
    finish(&mut command)
}

fn write(set: &Set, name: &str, text: &str) {
    let path = set.root().join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text.replace("ROOT", set.root().to_str().unwrap())).unwrap();
}

#[test]
fn custom_names_lead_to_the_set() {
    let set = Set::of(&sets(3));
    fs::rename(set.dir(), set.root().join("my logs")).unwrap();
    let dir = set.root().join("my logs");
    fs::rename(dir.join("appendonly.aof.manifest"), dir.join("orders.aof.manifest")).unwrap();
    write(
        &set,
        "redis.conf",
        "# ours\nport 7000\nDIR ROOT\nappenddirname \"my logs\"\nappendfilename 'orders.aof'\n",
    );
    let report = by_conf(&set, "check", "redis.conf").expect(0).json();
    let manifest = dir.join("orders.aof.manifest");
    assert_eq!(report["source"]["manifest"], manifest.to_str().unwrap());
    assert_eq!(report["segments"].as_array().unwrap().len(), 2);
}

#[test]
fn includes_are_followed_relative_absolute_and_by_pattern_and_the_last_word_counts() {
    let set = Set::of(&sets(3));
    write(&set, "redis.conf", "dir /nowhere\ninclude conf/one.conf\ninclude ROOT/conf/d/*.conf\n");
    write(&set, "conf/one.conf", "dir ROOT\nappenddirname wrong\n");
    write(&set, "conf/d/1.conf", "appenddirname wrong-too\n");
    write(&set, "conf/d/2.conf", "appenddirname aof\nauto-aof-rewrite-percentage 50\n");
    // A pattern may match nothing.
    write(&set, "conf/d/3.conf", "include ROOT/none/*.conf\n");
    let report = by_conf(&set, "inspect", "redis.conf").expect(0).json();
    assert_eq!(report["growth"]["trigger"]["percentage"], 50);
    // Also from another working directory.
    let conf = set.root().join("redis.conf");
    run(["check", "--conf", conf.to_str().unwrap()]).expect(0);
}

#[test]
fn the_rewrite_trigger_is_the_configured_one_in_redis_units() {
    let set = Set::of(&sets(3));
    write(
        &set,
        "redis.conf",
        "dir ROOT\nappenddirname aof\nauto-aof-rewrite-min-size 2k\nauto-aof-rewrite-percentage 10\n",
    );
    let growth = by_conf(&set, "inspect", "redis.conf").expect(0).json()["growth"].clone();
    let trigger = &growth["trigger"];
    assert_eq!(trigger["min_size_bytes"], 2000);
    assert_eq!(trigger["rewrite_at_bytes"], 2001);
    assert_eq!(trigger["source"], "conf");
    assert_eq!(trigger["remaining_bytes"], 2001 - growth["current_bytes"].as_u64().unwrap());
    assert_eq!(inspect_json(&set.dir())["growth"]["trigger"]["source"], "default");
    write(&set, "off.conf", "dir ROOT\nappenddirname aof\nauto-aof-rewrite-percentage 0\n");
    let growth = by_conf(&set, "inspect", "off.conf").expect(0).json()["growth"].clone();
    assert_eq!(growth["trigger"]["rewrite_at_bytes"], Value::Null);
    assert_eq!(growth["trigger"]["due"], false);
}

#[test]
fn a_server_told_not_to_cut_does_not_load_a_torn_tail() {
    let mut torn = sets(3);
    torn.extend(b"*3\r\n$3\r\nSET");
    let set = Set::of(&torn);
    for (setting, loads) in [("yes", "after-truncation"), ("no", "no")] {
        let conf = format!("dir ROOT\nappenddirname aof\naof-load-truncated {setting}\n");
        write(&set, "redis.conf", &conf);
        let report = by_conf(&set, "check", "redis.conf").expect(20).json();
        assert_eq!(report["loads"], loads, "aof-load-truncated {setting}");
    }
}

#[test]
fn a_pre_7_server_directory_is_found_by_its_configuration() {
    let set = Set::recorded("redis-6.2.14/plain");
    write(&set, "redis.conf", "dir .\nappendonly yes\n");
    let report = by_conf(&set, "check", "redis.conf").expect(0).json();
    assert_eq!(report["source"]["layout"], "single-file");
}

#[test]
fn a_configuration_whose_manifest_is_lost_says_so() {
    let set = Set::of(&sets(3));
    fs::remove_file(set.file("appendonly.aof.manifest")).unwrap();
    write(&set, "redis.conf", "dir ROOT\nappenddirname aof\n");
    let report = by_conf(&set, "check", "redis.conf").expect(22).json();
    assert_eq!(report["loads"], json!("starts-empty"));
}

#[test]
fn what_leads_nowhere_is_not_found_and_what_makes_no_sense_is_refused() {
    let set = Set::empty();
    write(&set, "empty.conf", "dir ROOT\n");
    by_conf(&set, "check", "empty.conf").expect(10);
    by_conf(&set, "check", "missing.conf").expect(10);
    write(&set, "loop.conf", "include ROOT/loop.conf\n");
    by_conf(&set, "check", "loop.conf").expect(1);
    write(&set, "quote.conf", "dir \"ROOT\n");
    by_conf(&set, "check", "quote.conf").expect(1);
    write(&set, "gone.conf", "include ROOT/nothing.conf\n");
    by_conf(&set, "check", "gone.conf").expect(1);
}

#[test]
fn conf_and_path_together_are_a_contradiction_but_a_path_overrides_the_environment() {
    let set = Set::of(&sets(3));
    write(&set, "redis.conf", "dir ROOT\nappenddirname aof\n");
    let (conf, dir) = (set.root().join("redis.conf"), set.dir());
    let words = ["check", dir.to_str().unwrap(), "--conf", conf.to_str().unwrap()];
    assert!(run(words).expect(2).err.contains("--conf"));
    // Before the verb as well as behind it.
    run(["--conf", conf.to_str().unwrap(), "check"]).expect(0);
    finish(aofkit().arg("check").env("AOFKIT_CONF", &conf)).expect(0);
    let elsewhere = recorded("redis-8.2.3/fresh");
    let by_env =
        finish(aofkit().args(["check", "--json"]).arg(&elsewhere).env("AOFKIT_CONF", &conf));
    assert_eq!(by_env.json()["source"]["path"], elsewhere.to_str().unwrap());
}

/// Each of them was put after all before it, anew: a file of a few MiB took minutes.
#[test]
fn a_million_steps_of_dir_take_no_longer_than_reading_them() {
    let set = Set::of(&sets(3));
    write(
        &set,
        "steps.conf",
        &format!("dir ROOT\n{}appenddirname aof\n", "dir .\n".repeat(1_000_000)),
    );
    let started = std::time::Instant::now();
    by_conf(&set, "check", "steps.conf");
    assert!(started.elapsed() < std::time::Duration::from_secs(20), "{:?}", started.elapsed());
}
