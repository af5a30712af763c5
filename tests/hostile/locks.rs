//! Two changes of one set at a time, where its file system has no locks on directories: the lock file beside it
//! keeps one of them out.

use std::fs;

use aofkit::disk::{Dir, Hold};

use super::support::trace::{Act, Tracer};
use super::tree::tree;
use super::world::*;

#[test]
fn where_directories_have_no_locks_a_second_change_is_kept_out_by_the_lock_file() {
    let Some(tracer) = Tracer::find() else { return };
    let torn = [sets(20), b"*3\r\n$3\r\nSE".to_vec()].concat();
    // NFS answers the one, others the other.
    for what in ["errors=9", "errors=95"] {
        let set = Set::of(&torn);
        let (dir, kept) = (set.dir(), set.root().join("aof.aofkit"));
        let apply = || {
            let words = ["repair", "--apply", dir.to_str().unwrap()];
            let act = Act { what, at: 1, calls: "dirlocks" };
            let traced = tracer.run(act, &[set.root()], &words);
            assert!(traced.hit.is_some(), "it locks no directory");
            traced
        };
        fs::create_dir(&kept).unwrap();
        let other = Dir::open(&kept).unwrap().lock("lock", Hold::Alone).unwrap().unwrap();
        let before = tree(set.root());
        let refused = apply();
        assert_eq!(refused.code, 11, "{}", refused.stderr);
        assert_eq!(tree(set.root()), before);
        drop(other);
        let done = apply();
        assert_eq!(done.code, 0, "{}", done.stderr);
        assert_eq!(fs::read(dir.join(INCREMENT)).unwrap(), sets(20));
    }
}
