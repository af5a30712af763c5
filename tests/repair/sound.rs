//! What real servers wrote is left as it is, whatever word is given.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::world::{Set, all_recorded, aofkit, finish};

/// The files below a directory, and their bytes.
fn files(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()) {
        match entry.is_dir() {
            true => found.extend(files(&entry)),
            false => drop(found.insert(entry.clone(), fs::read(&entry).unwrap())),
        }
    }
    found
}

#[test]
fn no_repair_of_what_a_server_wrote_finds_anything_to_do() {
    for data in all_recorded() {
        let name = data.strip_prefix(super::world::recorded("")).unwrap().display().to_string();
        let set = Set::recorded(&name);
        let before = files(set.root());
        let modes = [&[][..], &["--truncate"], &["--salvage"], &["--drop-command", "SET"]];
        for words in modes {
            for apply in [&[][..], &["--apply"]] {
                let mut command = aofkit();
                command.args(["repair", "--json", "--max-loss", "0"]).args(words).args(apply);
                let run = finish(command.arg(set.root())).expect(0);
                let plan: serde_json::Value = serde_json::from_str(&run.out).unwrap();
                assert_eq!(plan["actions"], json!([]), "{name} {words:?}");
                assert_eq!(plan["loss"]["bytes"], 0, "{name} {words:?}");
                assert_eq!(plan["left"], json!([]), "{name} {words:?}");
                let run = finish(aofkit().arg("repair").args(words).args(apply).arg(set.root()));
                assert!(run.out.contains("nothing to do"), "{name} {words:?}: {}", run.out);
                assert_eq!(files(set.root()), before, "{name} {words:?}");
            }
        }
    }
}
