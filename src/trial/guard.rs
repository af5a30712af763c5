//! How a program is run that a log may lead: found out once for each program, by asking it for its version.

use super::refusal::Refusal;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::disk;
use crate::error::{Error, Result};

use super::bounds::Bounds;
use super::inside::{self, As, CANNOT, Order, WITHOUT};
use super::leash::{Leash, OwnDir};
use super::said::Said;
use super::settings::Setting;
use super::version::{major, version};
use crate::rules::Target;

/// How long a program may take to tell its version; one that does not is taken for a server all the same.
const PATIENCE: Duration = Duration::from_secs(5);

/// Users who have nothing: numbers that no system gives to people, nor to services for good.
const NOBODIES: std::ops::Range<u32> = 61_184..65_520;

/// The one who has nothing wherever few users are known.
const NOBODY: u32 = 65_534;

/// What a program finds in its environment of ours.
const ENVIRONMENT: [&str; 2] = ["PATH", "LD_LIBRARY_PATH"];

/// A server program, and how far it can be kept from everything else.
pub struct Guard {
    pub(super) program: PathBuf,
    who: As,
    /// The first number of its version; 0 when it does not tell.
    pub major: u32,
    /// Its name and version, as it says them.
    version: Option<(String, String)>,
    /// What is taken from it, as far as it knows that.
    pub(super) settings: Mutex<Vec<Setting>>,
    /// Walls that do not stand, to be told.
    pub missing: Vec<String>,
}

/// What came of an attempt to run a program.
#[derive(Default)]
struct Asked {
    said: String,
    /// It had not ended when patience had.
    waits: bool,
    without: Vec<String>,
    /// The system's number and words for why it was not run.
    cannot: Option<(i32, String)>,
}

impl Asked {
    fn knows_its_version(&self) -> bool {
        self.cannot.is_none() && (self.waits || self.said.contains(" v="))
    }

    fn why(&self) -> String {
        let said = self.cannot.as_ref().map(|(_, why)| why.as_str());
        let said = said.or(self.said.lines().last()).unwrap_or("it says nothing");
        crate::text::escape(said.trim().as_bytes())
    }
}

impl Guard {
    /// Finds out how to run a program.
    ///
    /// # Errors
    /// When it cannot be run at all.
    pub fn new(program: &Path, home: &OwnDir, leash: &Leash) -> Result<Self> {
        let program = found(program)?;
        home.scratch().let_through()?;
        let mut tried = Vec::new();
        for who in ways() {
            let name = PathBuf::from(format!("asked-{}", tried.len()));
            let dir = home.scratch().make_dir(&name)?;
            let args = vec!["--version".into()];
            let bounds = Bounds::of_load(0);
            let order = Order { who, dir, bounds, program: program.clone(), args };
            let asked = match give(home, &name, who) {
                Ok(()) => ask(&order, leash).map_err(|e| Error::io(&program, e))?,
                // Root need not be allowed to give something away.
                Err(e) => Asked { cannot: Some((0, e.to_string())), ..Asked::default() },
            };
            let enough = asked.knows_its_version();
            tried.push((who, asked));
            if enough {
                break;
            }
        }
        let runs = |(_, asked): &(As, Asked)| asked.cannot.is_none();
        let chosen = match tried.last() {
            Some(last) if last.1.knows_its_version() => Some(last),
            // It runs, and is no server that we know: as the least of them, then.
            _ => tried.iter().find(|one| runs(one)),
        };
        let Some((who, asked)) = chosen else {
            let mut numbers = tried.iter().filter_map(|(_, asked)| asked.cannot.as_ref());
            let number = numbers.find_map(|(number, _)| (*number != 0).then_some(*number));
            let e = std::io::Error::from_raw_os_error(
                number.unwrap_or(rustix::io::Errno::ACCESS.raw_os_error()),
            );
            return Err(Error::io(&program, e));
        };
        let mut missing = asked.without.clone();
        if let (As::BareRoot, Some((_, first))) = (who, tried.first()) {
            missing.insert(0, format!("a user of its own ({})", first.why()));
        }
        let major = major(&asked.said);
        let settings = Mutex::new(Setting::all(major));
        let version = version(&asked.said);
        Ok(Self { program, who: *who, major, version, settings, missing })
    }

    /// Whether it knows sets of several files, which came with 7.0.
    pub fn knows_sets(&self) -> bool {
        self.major == 0 || self.major >= 7
    }

    /// What it calls itself, such as `Redis 8.2.3`; else its program.
    pub fn name(&self) -> String {
        match &self.version {
            Some((name, version)) => format!("{name} {version}"),
            None => crate::text::path(&self.program),
        }
    }

    /// Which server it is, where it tells.
    pub fn target(&self) -> Option<Target> {
        let (name, version) = self.version.as_ref()?;
        format!("{}-{version}", name.to_ascii_lowercase()).parse().ok()
    }

    /// Tells of walls that do not stand, before anything is run: nobody runs a log as root unknowingly.
    pub fn warn(&self, tell: &dyn Fn(&str)) {
        if self.missing.is_empty() {
            return;
        }
        let program = crate::text::name(self.program.as_os_str().as_encoded_bytes());
        let as_whom =
            if self.who == As::BareRoot { " as root, stripped of its powers," } else { "" };
        let without = self.missing.join(", ");
        tell(&format!("warning: {program} runs{as_whom} without {without}"));
    }

    /// Gives a directory of the home to who runs the program.
    ///
    /// # Errors
    /// When there is something in it that is no plain file, or the system refuses.
    pub(super) fn give(&self, home: &OwnDir, name: &Path) -> Result<()> {
        give(home, name, self.who)
    }

    /// What runs the program in a directory, within these bounds.
    pub(super) fn command(
        &self,
        dir: &Path,
        bounds: Bounds,
        args: Vec<std::ffi::OsString>,
    ) -> Command {
        let (dir, program) = (dir.to_owned(), self.program.clone());
        keeper(&Order { who: self.who, dir, bounds, program, args })
    }
}

/// Who may run it, the least first.
fn ways() -> Vec<As> {
    if !cfg!(target_os = "linux") || !rustix::process::geteuid().is_root() {
        return vec![As::Ourselves];
    }
    let one = NOBODIES.start + std::process::id() % (NOBODIES.end - NOBODIES.start);
    vec![As::User(one), As::User(NOBODY), As::BareRoot]
}

fn give(home: &OwnDir, name: &Path, who: As) -> Result<()> {
    let to = match who {
        As::User(number) => number,
        As::BareRoot | As::Ourselves => rustix::process::geteuid().as_raw(),
    };
    home.scratch().give(name, to)
}

/// A program by its whole path; a mere name is looked for in PATH.
fn found(program: &Path) -> Result<PathBuf> {
    if program.components().count() > 1 {
        // The name stays: a program may go by it. The way there must not lead over a link that only we can follow.
        let name = program.file_name().unwrap_or_default();
        let path = disk::real_path(disk::parent(program))?.join(name);
        return match disk::exists(&path) {
            true => Ok(path),
            false => Err(Error::io(program, std::io::ErrorKind::NotFound.into())),
        };
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut all = std::env::split_paths(&path).map(|dir| dir.join(program));
    all.find(|path| path.is_absolute() && disk::is_file(path))
        .ok_or_else(|| Error::refused(Refusal::NoProgram, program))
}

fn keeper(order: &Order) -> Command {
    let mut command = Command::new(inside::ourselves());
    command.args(order.words()).env_clear().stdout(Stdio::piped()).stderr(Stdio::null());
    for name in ENVIRONMENT {
        command.envs(std::env::var_os(name).map(|value| (name, value)));
    }
    command.env("HOME", &order.dir).env("TMPDIR", &order.dir).env("LC_ALL", "C");
    command
}

/// Runs a program to its end, as far as that comes soon.
fn ask(order: &Order, leash: &Leash) -> std::io::Result<Asked> {
    let ward = leash.ward(&mut keeper(order))?;
    let output = ward.output().ok_or(std::io::ErrorKind::BrokenPipe)?;
    // A few lines ahead: what nobody asked for may have no end.
    let (send, receive) = sync_channel(16);
    thread::Builder::new().spawn(move || {
        let mut lines = Said::new(output);
        while lines.next().is_some_and(|line| send.send(line).is_ok()) {}
    })?;
    let (mut asked, until) = (Asked::default(), Instant::now() + PATIENCE);
    loop {
        match receive.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(line) => asked.hear(&line),
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {
                asked.waits = true;
                break;
            }
        }
        // Nobody tells so much of a version.
        if asked.said.len() > 1 << 16 {
            break;
        }
    }
    ward.end();
    Ok(asked)
}

impl Asked {
    fn hear(&mut self, line: &str) {
        if let Some(what) = line.strip_prefix(WITHOUT) {
            self.without.push(what.to_owned());
        } else if let Some(rest) = line.strip_prefix(CANNOT) {
            let (number, why) = rest.split_once(' ').unwrap_or(("0", rest));
            self.cannot = Some((number.parse().unwrap_or(0), why.to_owned()));
        } else {
            self.said += line;
            self.said.push('\n');
        }
    }
}
