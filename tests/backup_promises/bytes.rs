//! A later backup reads and stores what was appended, and little more.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use super::home::{Home, INCREMENT, set};
use super::support::number_from_env;
use super::trace::{Act, Tracer};
use super::{Random, expect};

/// Bytes beside those appended that may be read of each file: its beginning and its end, twice.
const READ_BESIDE: u64 = 192 * 1024;

/// Bytes beside what zstd makes of those appended that may be stored.
const STORED_BESIDE: u64 = 8 * 1024;

/// Bytes of the catalog for each segment, beyond what an entry has anyway.
const CATALOG_PER_SEGMENT: u64 = 512;

/// Bytes of an entry and its script, whose files have up to some thousand segments.
const CATALOG_PER_SNAPSHOT: u64 = 16 * 1024;

/// Commands of some text that compresses as data does.
fn commands(random: &mut Random, len: usize) -> Vec<u8> {
    let words: Vec<String> = (0..500).map(|_| format!("{:x}", random.below(1 << 40))).collect();
    let mut bytes = Vec::with_capacity(len + 1000);
    while bytes.len() < len {
        let value: Vec<&str> =
            (0..20).map(|_| words[random.below(500) as usize].as_str()).collect();
        bytes.extend(set(&format!("user:{}", random.below(100_000)), value.join(" ").as_bytes()));
    }
    bytes
}

/// What zstd's own program makes of bytes, at the same level; `None` without it.
fn zstd_size(home: &Home, bytes: &[u8]) -> Option<u64> {
    let file = home.root.path().join("appended");
    fs::write(&file, bytes).unwrap();
    let out = Command::new("zstd").args(["-1", "-q", "-c"]).arg(&file).output().ok()?;
    out.status.success().then_some(out.stdout.len() as u64)
}

/// Bytes that a run read of each file of the set.
fn read_of_each(home: &Home) -> Option<BTreeMap<String, u64>> {
    let (set_dir, repo) = (home.set(), home.repo());
    let words = ["backup", set_dir.to_str().unwrap(), "--repo", repo.to_str().unwrap()];
    let words = [&words[..], &["--min-free", "0"]].concat();
    let calls = "read,pread64,readv,preadv2,sendfile,copy_file_range,mmap";
    let traced = Tracer::find()?.run(Act { what: "answers", at: 0, calls }, &[&set_dir], &words);
    assert_eq!(traced.code, 0, "{}", traced.stderr);
    let mut read = BTreeMap::new();
    for line in &traced.listed {
        let (bytes, path) = line.strip_prefix("answer ").unwrap().split_once(' ').unwrap();
        let bytes: i64 = bytes.parse().unwrap();
        // An address: what is read through a map cannot be counted here.
        assert!(bytes < 1 << 40, "{path} was mapped");
        let name = path.rsplit('/').next().unwrap().to_owned();
        *read.entry(name).or_default() += bytes.max(0) as u64;
    }
    Some(read)
}

#[test]
fn a_later_backup_reads_and_stores_what_was_appended_whatever_the_size() {
    let mut random = Random(42);
    for size in [1 << 20, 24 << 20] {
        let home = Home::in_memory();
        home.fill(&commands(&mut random, size));
        home.put("appendonly.aof.1.base.aof", &commands(&mut random, size));
        home.backup();
        for appended in [100, 10_000, 1 << 20, 24 << 20] {
            let more = commands(&mut random, appended);
            home.append(&more);
            let before = stored(&home);
            let Some(read) = read_of_each(&home) else { return };
            let (of_base, of_log) = (read["appendonly.aof.1.base.aof"], read[INCREMENT]);
            assert!(of_base <= READ_BESIDE, "{of_base} bytes of the base were read");
            let appended = more.len() as u64;
            assert!(of_log <= appended + READ_BESIDE, "{of_log} bytes read for {appended}");
            let now = stored(&home);
            let (objects, catalog) = (now.0 - before.0, now.1 - before.1);
            println!(
                "{size} bytes each, {appended} appended: {of_base} read of the base, {of_log} of the log, \
                 {objects} stored, {catalog} of catalog"
            );
            let Some(compressed) = zstd_size(&home, &more) else { continue };
            assert!(objects <= compressed + STORED_BESIDE, "{objects}, zstd: {compressed}");
        }
    }
}

/// A value larger than a window is jumped over, and a transaction that is open at the end is cut off: neither is a
/// reason to read anything again.
#[test]
fn the_first_backup_reads_every_byte_once_however_many_there_are() {
    let mut random = Random(43);
    let home = Home::in_memory();
    let whole = [commands(&mut random, 60 << 20), set("large", &random.bytes(9 << 20))].concat();
    let open = [b"*1\r\n$5\r\nMULTI\r\n".to_vec(), commands(&mut random, 9 << 20)].concat();
    home.fill(&[&whole[..], &open].concat());
    let Some(read) = read_of_each(&home) else { return };
    let (of_log, there) = (read[INCREMENT], (whole.len() + open.len()) as u64);
    println!("{of_log} bytes read of {there}");
    assert!(of_log >= there && of_log <= there + READ_BESIDE, "{of_log} bytes read of {there}");
    let repository = home.repository();
    let entry = repository.entry(&repository.list().unwrap()[0]).unwrap();
    let log = &entry.files[1];
    assert_eq!((log.size, log.torn_bytes_dropped), (whole.len() as u64, open.len() as u64));
    expect(0, &["verify", "--data", "--repo", home.repo().to_str().unwrap()]);
}

/// What lies beside a set is opened once, and not each time that nothing has changed.
#[test]
fn an_unchanged_backup_reads_the_ends_of_the_set_and_nothing_that_lies_beside_it() {
    let mut random = Random(44);
    let home = Home::in_memory();
    home.fill(&commands(&mut random, 1 << 20));
    let orphan = "appendonly.aof.9.base.aof";
    home.put(orphan, &commands(&mut random, 8 << 20));
    // Two clocks are compared, that of the file system and that of the machine.
    std::thread::sleep(std::time::Duration::from_millis(2100));
    let kinds =
        || -> Vec<String> { home.backup().marks.iter().map(|mark| mark.kind.clone()).collect() };
    assert_eq!(kinds(), ["started-empty"]);
    let Some(read) = read_of_each(&home) else { return };
    let of = |name: &str| read.get(name).copied().unwrap_or(0);
    assert!(of(orphan) == 0 && of(INCREMENT) <= READ_BESIDE, "{read:?}");
    assert_eq!(kinds(), ["started-empty"], "what was seen then is still told");
    // A neighbour that has changed since is opened again.
    home.put(orphan, &set("base", b"1"));
    assert_eq!(kinds(), Vec::<String>::new());
}

/// Bytes of objects, and of everything else.
fn stored(home: &Home) -> (u64, u64) {
    let store = home.repository();
    let mut all = store.store().list("").unwrap();
    // One sample of keys for each source, at most 180 KB, which each run that publishes replaces.
    all.retain(|one| !one.key.starts_with("keys/"));
    let of = |objects: bool| {
        all.iter().filter(|o| o.key.starts_with("objects/") == objects).map(|o| o.len).sum()
    };
    (of(true), of(false))
}

/// `AOFKIT_CHAIN` says how many snapshots.
#[test]
fn a_snapshot_adds_a_few_kilobytes_of_catalog_however_many_were_before() {
    let home = Home::in_memory();
    home.fill(&set("a", b"1"));
    home.backup();
    let snapshots = number_from_env("AOFKIT_CHAIN", 600) as usize;
    let (mut sizes, mut of_last) = (Vec::new(), Vec::new());
    for n in 0..snapshots {
        home.append(&set(&format!("key:{n}"), b"1"));
        let made = home.backup();
        let key = format!("sources/{}/snapshots/{}", made.entry.source, made.entry.id);
        let size = |ending: &str| fs::metadata(home.repo().join(format!("{key}{ending}"))).unwrap();
        sizes.push(size(".json").len() + size(".sh").len());
        of_last = made.entry.lists().map(|one| one.list.clone()).collect();
    }
    let store = home.repository();
    let lists = store.store().list("lists/").unwrap();
    let of_lists: u64 = lists.iter().map(|one| one.len).sum();
    let of_entries: u64 = sizes.iter().sum();
    let (first, most) = (sizes[0], sizes.iter().max().unwrap());
    let per_segment = (sizes[12] - first) / 12;
    let (per_snapshot, per_listed) = (of_entries / snapshots as u64, of_lists / snapshots as u64);
    println!(
        "{snapshots} snapshots: the first entry and its script have {first} bytes, each segment adds {per_segment} up \
         to a list; {per_snapshot} a snapshot, at most {most}; {} lists, {per_listed} bytes of them for each segment",
        lists.len()
    );
    assert!(first < 8192, "{first}");
    assert!(per_segment <= CATALOG_PER_SEGMENT, "{per_segment}");
    // Each segment is in a list of each of three lengths at most.
    assert!(per_listed <= 3 * CATALOG_PER_SEGMENT / 2, "{per_listed}");
    assert!(*most <= CATALOG_PER_SNAPSHOT, "{most}");
    let its_own = lists.iter().filter(|one| of_last.contains(&one.key));
    let of_last = sizes[snapshots - 1] + its_own.map(|one| one.len).sum::<u64>();
    println!("the last one alone: {} bytes for each segment", of_last / snapshots as u64);
    assert!(of_last / snapshots as u64 <= CATALOG_PER_SEGMENT, "{of_last}");
}

#[test]
fn an_unchanged_set_is_not_read_again_however_large() {
    let home = Home::in_memory();
    home.fill(&commands(&mut Random(7), 8 << 20));
    home.backup();
    let Some(read) = read_of_each(&home) else { return };
    let most = read.values().max().unwrap();
    assert!(*most <= READ_BESIDE, "{read:?}");
    let (set_dir, repo) = (home.set(), home.repo());
    let words = ["backup", set_dir.to_str().unwrap(), "--repo", repo.to_str().unwrap()];
    assert!(expect(0, &words).contains("unchanged"));
}
