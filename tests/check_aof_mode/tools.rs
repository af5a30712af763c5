//! The real programs and ours, run on one case each, and what the real ones did, recorded.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use super::cases::Case;

/// What a run did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// Exit status; negative when a signal ended it.
    pub exit: i32,
    /// Standard output, then standard error, what differs from run to run masked.
    pub output: String,
    /// Files that have another length now, as `name=length`.
    pub cut: String,
}

/// Runs `program` on the case.
pub fn run(program: &Path, case: &Case) -> Done {
    let dir = tempfile::tempdir().unwrap();
    lay_out(case, dir.path());
    let output = call(program, case, dir.path());
    let mut cut = Vec::new();
    for (name, bytes) in &case.files {
        let now = fs::read(dir.path().join(name)).unwrap();
        assert!(bytes.starts_with(&now), "{name} holds other bytes than before");
        if now.len() != bytes.len() {
            cut.push(format!("{name}={}", now.len()));
        }
    }
    let said = [&output.stdout[..], &output.stderr].concat();
    let exit = output
        .status
        .code()
        .unwrap_or_else(|| -std::os::unix::process::ExitStatusExt::signal(&output.status).unwrap());
    let output = without_what_was_never_read(case, &masked(&said));
    Done { exit, output, cut: cut.join(" ") }
}

/// Writes the files of a case.
pub fn lay_out(case: &Case, dir: &Path) {
    for (name, bytes) in &case.files {
        let path = dir.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
}

/// Runs `program` in a directory where the files of the case lie.
pub fn call(program: &Path, case: &Case, dir: &Path) -> Output {
    let mut child = Command::new(program)
        .args(&case.args)
        .current_dir(dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It may end without reading.
    let _ = child.stdin.take().unwrap().write_all(case.stdin);
    child.wait_with_output().unwrap()
}

/// Without what differs from run to run: the program's path, process and time of log lines.
fn masked(said: &[u8]) -> String {
    let lines = said.split(|&byte| byte == b'\n').map(|line| {
        let line = aofkit::text::escape(line);
        if line.starts_with("Usage: ") {
            let options = line.find(" [").map_or("", |at| &line[at..]);
            return format!("Usage: PROGRAM{options}");
        }
        if let Some((version, _)) = line.split_once(" sha=") {
            return version.to_owned();
        }
        match line.split_once(" # ").or_else(|| line.split_once(" * ")) {
            Some((stamp, rest)) if stamp.contains(":C ") => format!("LOG # {rest}"),
            Some((stamp, rest)) if stamp.contains(":M ") => format!("LOG * {rest}"),
            _ => line,
        }
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Stands where the program prints a byte that it never read.
const ANYTHING: &str = "..";

/// Without bytes of uninitialised memory. Where a line should end behind its number, the program prints two bytes:
/// when the line it has read ends there, the first is the NUL behind it, and the second whatever lay in its
/// buffer before, which hangs on the environment and on the length of paths.
fn without_what_was_never_read(case: &Case, output: &str) -> String {
    let lines: Vec<&str> = output.split('\n').collect();
    let mask = |(number, line): (usize, &&str)| {
        let Some((place, _)) = line.split_once(": Expected \\\\r\\\\n, got: 00") else {
            return (*line).to_owned();
        };
        let name = lines[number..].iter().find_map(|later| {
            let name = later.split_once("AOF analyzed: filename=")?.1;
            Some(name.split_once(", size=")?.0)
        });
        let file = case.files.iter().find(|(of, _)| {
            let of = Path::new(of).file_name();
            name.is_some_and(|name| of == Path::new(name).file_name())
        });
        let offset = u64::from_str_radix(place.trim_start_matches("0x").trim_start(), 16).ok();
        match (file, offset) {
            (Some((_, bytes)), Some(offset)) if ends_behind_its_number(bytes, offset as usize) => {
                format!("{place}: Expected \\\\r\\\\n, got: 00{ANYTHING}")
            }
            _ => (*line).to_owned(),
        }
    };
    lines.iter().enumerate().map(mask).collect::<Vec<_>>().join("\n")
}

/// Whether the header line at `at`, as it is read into a buffer of 128 bytes, ends where its number does.
fn ends_behind_its_number(bytes: &[u8], at: usize) -> bool {
    let rest = &bytes[at..bytes.len().min(at + 127)];
    let len = rest.iter().position(|&b| b == b'\n').map_or(rest.len(), |place| place + 1);
    let line = &rest[1..len];
    let blanks = line.iter().take_while(|b| b" \t\n\x0b\x0c\r".contains(b)).count();
    let sign = usize::from(line.get(blanks).is_some_and(|b| b"+-".contains(b)));
    let digits = line[blanks + sign..].iter().take_while(|b| b.is_ascii_digit()).count();
    let number = if digits == 0 { 0 } else { blanks + sign + digits };
    number == line.len()
}

/// Our binary, called by another name.
pub struct Ours {
    _dir: tempfile::TempDir,
    pub path: PathBuf,
}

pub fn ours() -> Ours {
    called("redis-check-aof")
}

pub fn called(name: &str) -> Ours {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(name);
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_aofkit"), &path).unwrap();
    Ours { _dir: dir, path }
}

/// The real programs: the one whose ways ours has first.
pub const REAL: [(&str, &str); 4] = [
    ("redis-8.6", "8.6.2"),
    ("redis-8.2", "8.2.3"),
    ("redis-7.0", "7.0.15"),
    ("valkey-9.1", "valkey 9.1.2"),
];

/// What they did, by case, in that order.
pub type Recorded = BTreeMap<String, [Done; 4]>;

fn header() -> String {
    let each = REAL.map(|(_, version)| format!("exit_{version}\tcut_{version}\toutput_{version}"));
    format!("case\t{}", each.join("\t"))
}

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/cases/redis-check-aof-runs.tsv")
}

pub fn recorded() -> Recorded {
    let text = fs::read_to_string(path()).unwrap();
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some(&*header()));
    let rows = lines.map(|line| {
        let cells: Vec<&str> = line.split('\t').collect();
        let done = |from: usize| Done {
            exit: cells[from].parse().unwrap(),
            cut: cells[from + 1].to_owned(),
            output: cells[from + 2].replace("\\N", "\n"),
        };
        let first = done(1);
        let other = |from: usize| if cells[from] == "=" { first.clone() } else { done(from) };
        (cells[0].to_owned(), [first.clone(), other(4), other(7), other(10)])
    });
    rows.collect()
}

/// Writes the record anew.
pub fn record(runs: &Recorded) {
    let mut text = format!("{}\n", header());
    let cells = |done: &Done| {
        assert!(!done.output.contains('\t'));
        format!("{}\t{}\t{}", done.exit, done.cut, done.output.replace('\n', "\\N"))
    };
    for (name, all) in runs {
        let other = |done: &Done| if *done == all[0] { "=\t\t".to_owned() } else { cells(done) };
        let others: Vec<_> = all[1..].iter().map(other).collect();
        text.push_str(&format!("{name}\t{}\t{}\n", cells(&all[0]), others.join("\t")));
    }
    fs::write(path(), text).unwrap();
}
