//! Something happens to the binary at the n-th of its system calls that concern a place.
//!
//! strace counts for each thread apart, so that calls of a second thread are never reached; hence a small tracer of
//! our own, in C, which the compiler that links Rust programs builds.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// Exit status of a tracer that cannot do its work here.
const CANNOT: i32 = 125;

/// A tracer that has been built and works.
pub struct Tracer {
    dir: tempfile::TempDir,
}

/// How a traced run ended.
#[derive(Clone, Debug)]
pub struct Traced {
    /// The exit status; 137 when it was killed.
    pub code: i32,
    /// A signal ended it, and it did not exit by itself.
    pub died: bool,
    /// Calls that fit.
    pub calls: u64,
    /// The call to which something was done, and the path it was about.
    pub hit: Option<(String, String)>,
    /// Of every call: name, flags of an opening, third argument and path; or `answer`, what it was, and path; where they were asked for.
    pub listed: Vec<String>,
    pub stdout: String,
    pub stderr: String,
}

/// What to do, at which call, to which calls.
#[derive(Clone, Copy, Debug)]
pub struct Act<'a> {
    /// `count`, `answers`, `kill`, `signal=N`, `short`, `error=N`, `errors=N`, `delay=MS`.
    pub what: &'a str,
    /// Counted from 1.
    pub at: u64,
    /// `change`, `fault`, `list`, `dirlocks`, or names.
    pub calls: &'a str,
}

/// Runs `words` with one of `acts`, in turn, at its first, second, … of `calls` that concerns `place`, each time after
/// `prepare`, until a run comes to its end unhurt; `check` looks at each outcome. Answers how often something was
/// done: never where nothing can be traced.
pub fn at_every_call(
    place: &Path,
    words: &[&str],
    (acts, calls): (&[&str], &str),
    prepare: &dyn Fn(),
    check: &dyn Fn(&Traced, &str),
) -> u64 {
    let Some(tracer) = Tracer::find() else { return 0 };
    for at in 1.. {
        prepare();
        let what = acts[at as usize % acts.len()];
        let traced = tracer.run(Act { what, at, calls }, &[place], words);
        let Some((call, path)) = &traced.hit else {
            assert_eq!(traced.code, 0, "{}", traced.stderr);
            return at - 1;
        };
        check(&traced, &format!("{what} at {at}, {call} of {path}"));
    }
    unreachable!("a run makes a limited number of calls")
}

impl Tracer {
    /// The tracer, or `None`, which is told, where it cannot be built or nothing can be traced.
    pub fn find() -> Option<&'static Tracer> {
        static TRACER: OnceLock<Option<Tracer>> = OnceLock::new();
        TRACER.get_or_init(Tracer::build).as_ref()
    }

    fn build() -> Option<Tracer> {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/trace/tracer.c");
        let tracer = Tracer { dir: tempfile::tempdir().expect("make a temporary directory") };
        let mut cc = Command::new("cc");
        cc.args(["-O1", "-o"]).arg(tracer.program()).arg(source);
        let built = cc.stderr(Stdio::null()).status().is_ok_and(|status| status.success());
        if !built {
            println!("did not run: there is no C compiler that builds the tracer");
            return None;
        }
        let act = Act { what: "error=5", at: 1, calls: "fault" };
        let tried = tracer.run_program("cat", act, &[Path::new("/dev/null")], &["/dev/null"]);
        let works = tried.code == 1 && tried.hit.is_some();
        if !works {
            println!("did not run: nothing can be traced here");
        }
        works.then_some(tracer)
    }

    fn program(&self) -> PathBuf {
        self.dir.path().join("tracer")
    }

    /// Runs the binary.
    pub fn run(&self, act: Act<'_>, places: &[&Path], words: &[&str]) -> Traced {
        let traced = self.run_program(env!("CARGO_BIN_EXE_aofkit"), act, places, words);
        assert_ne!(traced.code, CANNOT, "the tracer failed: {}", traced.stderr);
        traced
    }

    fn run_program(&self, program: &str, act: Act<'_>, places: &[&Path], words: &[&str]) -> Traced {
        let report = tempfile::NamedTempFile::new().expect("make a temporary file");
        let places: Vec<_> = places.iter().map(|p| p.to_str().expect("a path in UTF-8")).collect();
        let mut command = Command::new(self.program());
        command.arg(report.path()).arg(act.what).arg(act.at.to_string());
        command.arg(places.join(":")).args([act.calls, "--", program]).args(words);
        let output = command.stdin(Stdio::null()).output().expect("run the tracer");
        let text = fs::read_to_string(report.path()).expect("read the tracer's report");
        let mut traced = Traced {
            code: output.status.code().unwrap_or(-1),
            died: false,
            calls: 0,
            hit: None,
            listed: Vec::new(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        };
        for line in text.lines() {
            if let Ok(calls) = line.parse() {
                traced.calls = calls;
            } else if line == "died" {
                traced.died = true;
            } else if let Some((call, path)) =
                line.strip_prefix("hit ").and_then(|l| l.split_once(' '))
            {
                traced.hit = Some((call.to_owned(), path.to_owned()));
            } else {
                traced.listed.push(line.to_owned());
            }
        }
        traced
    }
}
