//! What stands on a page.

use std::fs;

use serde_json::Value;

use super::world::*;

/// Bytes that a page has at most.
const LARGEST: usize = 400 << 10;

/// The numbers that a page tells as such.
fn numbers(page: &str) -> Vec<u64> {
    let after = page.split("<data value=\"").skip(1);
    after.map(|rest| rest.split('"').next().unwrap().parse().unwrap()).collect()
}

fn assert_has(page: &str, number: &Value, what: &str) {
    let wanted = number.as_u64().unwrap_or_else(|| panic!("{what} is no number: {number}"));
    assert!(numbers(page).contains(&wanted), "{what}: {wanted} is not on the page");
}

#[test]
fn numbers_are_those_of_the_other_verbs() {
    let dir = tempfile::tempdir().unwrap();
    set(dir.path(), "shop", &shop(3000, true));
    let page = page(dir.path(), &["shop"]);
    let check = told(dir.path(), &["check", "--json", "shop"]);
    assert_has(&page, &check["size_bytes"], "size");
    for segment in check["segments"].as_array().unwrap() {
        assert_has(&page, &segment["size_bytes"], "size of a file");
        assert_has(&page, &segment["commands"], "commands of a file");
    }
    let by = "command,prefix,key";
    let stats = told(dir.path(), &["stats", "--json", "--top", "10", "--by", by, "shop"]);
    for row in stats["commands"].as_array().unwrap() {
        assert_has(&page, &row["bytes"], "bytes of a command");
        assert_has(&page, &row["count"], "count of a command");
        assert_has(&page, &row["largest_bytes"], "largest of a command");
    }
    for table in ["prefixes", "keys", "most_often"] {
        for row in stats[table].as_array().unwrap() {
            assert_has(&page, &row["bytes"], table);
            assert_has(&page, &row["commands"], table);
        }
    }
    for figure in ["keys", "in_transactions", "by_clients", "expires", "flushes", "bytes"] {
        assert_has(&page, &stats["deletes"][figure], figure);
    }
    let growth = told(dir.path(), &["growth", "--json", "--by", "prefix", "--top", "8", "shop"]);
    assert_has(&page, &growth["base_bytes"], "base");
    assert_has(&page, &growth["increment_bytes"], "increment");
    assert_has(&page, &growth["rewrite"]["reclaimable_bytes"], "what a rewrite gives back");
    assert_has(&page, &growth["rewrite"]["estimated_bytes"], "size after a rewrite");
    assert_has(&page, &growth["rewrite"]["keys"], "keys alive");
    for row in growth["prefixes"].as_array().unwrap() {
        assert_has(&page, &row["bytes"], "bytes of a family");
    }
}

#[test]
fn damage_is_named_with_its_bytes_and_the_next_step() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = shop(200, false);
    let middle = log.len() / 2;
    log[middle..middle + 900].fill(b'?');
    set(dir.path(), "torn", &log);
    let shown = page(dir.path(), &["torn"]);
    let check = told(dir.path(), &["check", "--json", "torn"]);
    assert!(shown.contains("inner damage") && shown.contains("Bytes around it"));
    assert!(shown.contains("3f 3f 3f 3f"), "the bytes of the hole");
    assert!(shown.contains("class=\"hit\""), "the hole on the map");
    let next = check["problems"][0]["next"].as_str().unwrap();
    assert!(shown.contains(&next[..20]), "{next}");
    let redacted = page(dir.path(), &["--redact", "torn"]);
    assert!(!redacted.contains("Bytes around it") && !redacted.contains("3f 3f 3f"));
}

#[test]
fn names_of_keys_do_nothing_to_a_page() {
    let dir = tempfile::tempdir().unwrap();
    set(dir.path(), "hostile", &hostile());
    let shown = page(dir.path(), &["hostile"]);
    for tag in [
        "<script",
        "<img",
        "<b>value",
        "src=\"",
        "href=\"http",
        "url(",
        "@import",
        "\u{1b}",
        "\u{202e}",
    ] {
        assert!(!shown.contains(tag), "{tag:?} stands on the page");
    }
    assert_eq!(shown.matches("<style>").count(), 1);
    assert!(shown.contains("default-src &#39;none&#39;"));
    assert!(shown.contains("&#60;script&#62;alert(1)"), "the key is shown");
    let redacted = page(dir.path(), &["--redact", "hostile"]);
    for key in ["alert(1)", "onerror", "evil"] {
        assert!(!redacted.contains(key), "{key} is shown");
    }
}

#[test]
fn no_page_lies_among_the_files_of_a_set_or_replaces_what_is_no_file() {
    let dir = tempfile::tempdir().unwrap();
    set(dir.path(), "shop", &shop(5, false));
    let before = fs::read_dir(dir.path().join("shop/appendonlydir")).unwrap().count();
    for place in
        ["shop/appendonlydir/page.html", "shop/appendonlydir/appendonly.aof.manifest", "shop"]
    {
        let run = aofkit(dir.path(), &["report", "shop", "-o", place]);
        assert_eq!(run.status.code(), Some(1), "{place}");
        assert!(!run.stderr.is_empty());
    }
    assert_eq!(fs::read_dir(dir.path().join("shop/appendonlydir")).unwrap().count(), before);
    let run = aofkit(dir.path(), &["report", "shop", "-o", "nowhere/page.html"]);
    assert_eq!(run.status.code(), Some(10), "no such directory");
    assert_eq!(aofkit(dir.path(), &["report", "-o", "p.html"]).status.code(), Some(2));
    assert_eq!(aofkit(dir.path(), &["report", "nowhere", "-o", "p.html"]).status.code(), Some(10));
    assert!(!dir.path().join("p.html").exists());
}

/// Without what tells the time, and what is left on the disk.
fn timeless(page: &str) -> String {
    let told = page
        .lines()
        .filter(|line| !line.contains("class=\"made\"") && !line.contains("Free on the disk"));
    told.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_same_set_gives_the_same_page() {
    let dir = tempfile::tempdir().unwrap();
    set(dir.path(), "shop", &shop(12, true));
    let first = page(dir.path(), &["shop"]);
    let second = page(dir.path(), &["shop"]);
    assert!(timeless(&first) == timeless(&second));
    assert!(first.len() < LARGEST);
}

#[test]
fn a_page_of_a_hundred_sets_is_bounded_and_has_the_outlier_first() {
    let dir = tempfile::tempdir().unwrap();
    for n in 0..100 {
        let log = if n == 57 { shop(900, true) } else { shop(30, false) };
        set(dir.path(), &format!("node-{n:03}"), &log);
    }
    let shown = page(dir.path(), &["."]);
    assert!(shown.len() < LARGEST, "{} bytes", shown.len());
    assert!(shown.contains("node-057 stands out"));
    let first = shown.find("id=\"set-1\"").unwrap();
    assert!(shown[first..first + 400].contains("node-057"), "the outlier comes first");
    assert!(shown.contains("more sets have no room on this page"));
    let status = told(dir.path(), &["inspect", "--json", "."]);
    assert_has(&shown, &status["total"]["size_bytes"], "size of all");
}

#[test]
fn a_set_with_very_long_names_is_bounded() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = Vec::new();
    for n in 0..3000_u32 {
        let key = [&vec![b'\xff'; 3000][..], n.to_string().as_bytes(), b":x"].concat();
        log.extend(record(&[b"SET", &key, b"v"]));
        log.extend(record(&[format!("NOSUCH{n}").repeat(30).as_bytes(), &key]));
    }
    set(dir.path(), "long", &log);
    let shown = page(dir.path(), &["long"]);
    assert!(shown.len() < LARGEST, "{} bytes", shown.len());
}

#[test]
fn backups_and_findings_are_shown_where_they_were_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let shop = set(dir.path(), "shop", &shop(50, false));
    let run = aofkit(dir.path(), &["backup", "shop", "--repo", "repo", "--source", "the-shop"]);
    assert_eq!(run.status.code(), Some(0), "{}", String::from_utf8_lossy(&run.stderr));
    fs::write(
        dir.path().join("redis.conf"),
        format!("dir {}\nappendonly yes\nsave \"\"\n", shop.display()),
    )
    .unwrap();
    let shown = page(dir.path(), &["shop", "--repo", "repo", "--conf", "redis.conf"]);
    assert!(shown.contains("Days with snapshots") && shown.contains("the-shop"));
    assert!(shown.contains("by the rules of production") && shown.contains("AOF-0"));
    let snapshot = page(dir.path(), &["repo::latest"]);
    assert!(snapshot.contains("healthy") && snapshot.contains("session:*"));
}
