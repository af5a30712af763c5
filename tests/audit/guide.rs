//! The configuration that a guide recommends.

use std::fs;

use crate::asked::{audit, findings, report};
use crate::configurations::{guide, guide_path};
use crate::sets::{chmod, private};

#[test]
fn the_comment_behind_the_port_is_found_and_the_line_to_write_told() {
    let report = report(&["--conf".as_ref(), guide_path().as_os_str()]);
    let found = findings(&report).iter().find(|one| one["rule"] == "AOF-112").unwrap();
    assert_eq!(found["place"]["line"], 5);
    assert_eq!(found["fix"][0]["text"], "port 0");
    let answer = audit(&[
        "--fail-on".as_ref(),
        "error".as_ref(),
        "--conf".as_ref(),
        guide_path().as_os_str(),
    ]);
    assert_eq!(answer.code, 30, "{}", answer.err);
    assert!(answer.out.contains("Write: port 0"), "{}", answer.out);
}

/// The password and the certificates are those of a guide: replaced by real ones, nothing is left.
#[test]
fn mended_and_with_secrets_of_its_own_nothing_is_above_info() {
    let dir = private();
    let lines =
        guide().join("\n").replace("your_strong_password_here", "Tei7ahxohl2quiecTei7ahxohl2quiec");
    let Some(files) = crate::sets::certificates(dir.path()) else { return };
    let lines =
        lines.replace("/path/to/redis.crt", &files[0]).replace("/path/to/redis.key", &files[1]);
    let lines = lines.replace("/path/to/ca.crt", &files[2]);
    let conf = dir.path().join("redis.conf");
    fs::write(&conf, lines).unwrap();
    // Where it is read by a server is not known: as a copy that others can read it is worth a remark.
    chmod(dir.path(), 0o755);
    for mode in [0o640, 0o644] {
        chmod(&conf, mode);
        let report = report(&["--conf".as_ref(), conf.as_os_str()]);
        let above: Vec<_> =
            findings(&report).iter().filter(|one| one["severity"] != "info").collect();
        assert!(above.is_empty(), "{mode:o}: {above:#?}");
    }
}
