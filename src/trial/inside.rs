//! The processes between us and a server on trial: this program once more, by a first argument that nobody types.
//!
//! The *keeper* leaves network and processes of others behind, makes the program reachable, starts the *founder*, and ends it
//! when its standard input ends, which it does when we are gone. The founder is the first process of its own kind:
//! it becomes another user, puts up the other walls, and runs the program; when it dies all that is in there dies.

use std::ffi::{OsStr, OsString};
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitOptions};

use super::arguments;
use super::bounds::{Bounds, Watch};
use super::walls;

/// The first argument of such a process.
pub const WORD: &str = "--inside-a-trial";

/// Begins a line that says what could not be done.
pub const WITHOUT: &str = "\u{1}without ";

/// Begins a line that says why nothing is run, after the system's number for that.
pub const CANNOT: &str = "\u{1}cannot ";

/// Begins the line that says why a program was ended by us.
pub const ENDED: &str = "\u{1}ended ";

/// What a keeper is told when its program is ready.
pub const READY: &[u8] = b"r";

/// How often it is looked whether the founder has ended by itself.
const LOOK: Timespec = Timespec { tv_sec: 0, tv_nsec: 10_000_000 };

/// Who runs the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum As {
    /// A user who has nothing else.
    User(u32),
    /// Root without powers.
    BareRoot,
    /// Whoever we are.
    Ourselves,
}

/// What to run, and how.
#[derive(Clone, Debug)]
pub struct Order {
    pub who: As,
    /// Where it runs, and may write.
    pub dir: PathBuf,
    pub bounds: Bounds,
    pub program: PathBuf,
    pub args: Vec<OsString>,
}

impl Order {
    /// The arguments of a keeper.
    pub fn words(&self) -> Vec<OsString> {
        self.of("keeper")
    }

    fn of(&self, stage: &str) -> Vec<OsString> {
        let who = match self.who {
            As::User(number) => number.to_string(),
            As::BareRoot => "bare".to_owned(),
            As::Ourselves => "same".to_owned(),
        };
        let mut words: Vec<OsString> = vec![WORD.into(), stage.into(), who.into()];
        words.push(self.dir.clone().into());
        let Bounds { file_bytes, seconds, spare } = self.bounds;
        words.extend([file_bytes, seconds, spare].map(|n| n.to_string().into()));
        words.push(self.program.clone().into());
        words.extend(self.args.iter().cloned());
        words
    }

    fn read(words: &[OsString]) -> Option<Self> {
        let [who, dir, file_bytes, seconds, spare, program, args @ ..] = words else {
            return None;
        };
        let who = match who.to_str()? {
            "bare" => As::BareRoot,
            "same" => As::Ourselves,
            number => As::User(number.parse().ok()?),
        };
        let number = |word: &OsString| word.to_str()?.parse().ok();
        let bounds = Bounds {
            file_bytes: number(file_bytes)?,
            seconds: number(seconds)?,
            spare: number(spare)?,
        };
        let (dir, program) = (dir.into(), program.into());
        Some(Self { who, dir, bounds, program, args: args.to_vec() })
    }
}

/// Whether this program knows what to do when it is started as one of these processes.
static TAKES_PART: AtomicBool = AtomicBool::new(false);

/// Whether [`take_part`] was called.
pub fn takes_part() -> bool {
    TAKES_PART.load(Ordering::Relaxed)
}

/// For the first line of a program's `main`: where the program was started as one of the processes between itself and a
/// server on trial, does the work of that process and answers its exit status, which is then the program's.
pub fn take_part() -> Option<ExitCode> {
    TAKES_PART.store(true, Ordering::Relaxed);
    run(&std::env::args_os().collect::<Vec<_>>())
}

/// Runs such a process, when that is what the arguments ask for.
fn run(words: &[OsString]) -> Option<ExitCode> {
    let [_, word, stage, order @ ..] = words else { return None };
    if word != WORD {
        return None;
    }
    let code = match (stage.to_str(), Order::read(order)) {
        (Some("keeper"), Some(order)) => keep(&order),
        (Some("founder"), Some(order)) => found(&order),
        _ => 2,
    };
    Some(ExitCode::from(code))
}

/// This program, by a path that stays right when another one is put in its place.
pub fn ourselves() -> PathBuf {
    match cfg!(target_os = "linux") {
        true => PathBuf::from(format!("/proc/{}/exe", std::process::id())),
        false => std::env::current_exe().unwrap_or_else(|_| "aofkit".into()),
    }
}

fn say(begin: &str, what: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{begin}{what}").and_then(|()| out.flush());
}

fn cannot(what: &str, e: &std::io::Error) -> u8 {
    say(CANNOT, &format!("{} {what}: {e}", e.raw_os_error().unwrap_or(0)));
    126
}

fn keep(order: &Order) -> u8 {
    walls::close_what_was_handed_down();
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o022));
    let is_root = order.who != As::Ourselves;
    let (uid, gid) = (rustix::process::getuid(), rustix::process::getgid());
    let left = walls::Left::leave(is_root);
    if let Err(e) = left.network {
        say(WITHOUT, &format!("a network of its own ({e})"));
    }
    if let Err(e) = left.processes {
        say(WITHOUT, &format!("processes of its own ({e})"));
    } else if !is_root && let Err(e) = walls::keep_ids(uid.as_raw(), gid.as_raw()) {
        return cannot("keep its user", &e);
    }
    if matches!(order.who, As::User(_)) && left.mounts.is_ok() {
        // Whether it was needed shows when the program is run.
        if let Err(e) = walls::make_reachable(&needed(order)) {
            say(WITHOUT, &format!("a way to the program ({e})"));
        }
    }
    if left.processes.is_err() {
        // Whoever leaves its group and its parent comes to us.
        let _ = walls::adopt_orphans();
    }
    let mut founder = Command::new(ourselves());
    founder.args(order.of("founder")).stdin(Stdio::piped()).process_group(0);
    match founder.spawn() {
        Err(e) => cannot("start a process", &e),
        Ok(mut founder) => {
            // Open as long as we are there.
            let _line = founder.stdin.take();
            wait(founder, Watch::new(order.bounds), left.processes.is_err())
        }
    }
}

/// Waits for the founder, and kills it when nobody waits for us any more, or when it exceeds its bounds. No thread does
/// that: a process whose children are in a space of their own can have none.
fn wait(mut founder: Child, mut watch: Watch, as_group: bool) -> u8 {
    let pid = Pid::from_child(&founder);
    // Without a space of their own, all that it has started is of its group.
    let kill = || match as_group {
        true => rustix::process::kill_process_group(pid, Signal::KILL),
        false => rustix::process::kill_process(pid, Signal::KILL),
    };
    let mut why = None;
    let ended = loop {
        match founder.try_wait() {
            Ok(None) => {}
            Ok(Some(status)) => break code(status),
            Err(_) => break 1,
        }
        let is_over = match hear(&LOOK) {
            Heard::Nothing => false,
            Heard::Word => {
                watch.is_ready();
                false
            }
            Heard::End => true,
        };
        why = watch.exceeded().filter(|_| !is_over);
        if is_over || why.is_some() {
            let _ = kill();
            break founder.wait().map_or(1, code);
        }
    };
    if as_group {
        let _ = kill();
        end_children();
    }
    // On a line of its own, whatever was said before.
    why.iter().for_each(|why| say(&format!("\n{ENDED}"), why));
    ended
}

/// How long it is tried to end what is started anew all the while.
const PATIENCE: Duration = Duration::from_secs(10);

/// Ends all that has become ours because who had started it is gone.
fn end_children() {
    let started = Instant::now();
    while started.elapsed() < PATIENCE {
        for child in walls::children() {
            let pid = i32::try_from(child).ok().and_then(Pid::from_raw);
            let _ = pid.map(|pid| rustix::process::kill_process(pid, Signal::KILL));
        }
        if matches!(rustix::process::wait(WaitOptions::empty()), Err(Errno::CHILD)) {
            return;
        }
    }
}

/// What came from whoever has started us.
enum Heard {
    Nothing,
    Word,
    /// There is nobody any more.
    End,
}

/// Listens to our standard input for a moment.
fn hear(moment: &Timespec) -> Heard {
    let stdin = std::io::stdin();
    let mut asked = [PollFd::new(&stdin, PollFlags::IN)];
    match rustix::event::poll(&mut asked, Some(moment)) {
        Ok(0) | Err(Errno::INTR) => Heard::Nothing,
        Ok(_) if stdin.lock().read(&mut [0; 64]).is_ok_and(|read| read > 0) => Heard::Word,
        Ok(_) | Err(_) => Heard::End,
    }
}

fn code(status: ExitStatus) -> u8 {
    let signal = status.signal().map(|signal| 128 + signal);
    u8::try_from(status.code().or(signal).unwrap_or(1)).unwrap_or(1)
}

/// What the program must be able to reach.
fn needed(order: &Order) -> Vec<PathBuf> {
    let mut paths = vec![order.program.clone(), order.dir.clone()];
    paths.extend(crate::disk::real_path(&order.program));
    let libraries = std::env::var_os("LD_LIBRARY_PATH").unwrap_or_default();
    let named = libraries.as_bytes().split(|byte| *byte == b':').map(OsStr::from_bytes);
    // Modules, and no other file that an argument may name.
    let modules = arguments::modules(&order.args).into_iter();
    paths.extend(modules.filter(|file| crate::disk::is_file(file)));
    paths.extend(named.map(Path::new).filter(|dir| crate::disk::exists(dir)).map(Path::to_owned));
    paths.retain(|path| path.is_absolute());
    paths.sort_by_key(|path| path.components().count());
    paths.dedup();
    paths
}

fn found(order: &Order) -> u8 {
    let is_first = rustix::process::getpid() == Pid::INIT;
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    walls::offer_to_the_oom_killer();
    let became = match order.who {
        As::User(number) => walls::become_user(number),
        As::BareRoot => walls::drop_powers(),
        As::Ourselves => Ok(()),
    };
    if let Err(e) = became {
        return cannot("run without root's powers", &e.into());
    }
    // Only after that: the kernel forgets it when a process changes its user.
    match walls::die_with_parent() {
        // Whoever died before that has left a pipe without a writer. Its number says nothing: it is of another space.
        Ok(()) if matches!(hear(&Timespec::default()), Heard::End) => return 1,
        Ok(()) => {}
        Err(e) => return cannot("end with aofkit", &e.into()),
    }
    if let Err(e) = walls::limit(order.bounds.file_bytes, matches!(order.who, As::User(_))) {
        return cannot("be limited", &e.into());
    }
    if !walls::wall_off(&order.dir) {
        say(WITHOUT, "files of others closed to it by Landlock");
    }
    let stdout = std::io::stdout();
    let both = match stdout.as_fd().try_clone_to_owned() {
        Ok(both) => both,
        Err(e) => return cannot("be heard", &e),
    };
    let mut program = Command::new(&order.program);
    program.args(&order.args).current_dir(&order.dir).stdin(Stdio::null()).stderr(both);
    let program_name = crate::text::path(&order.program);
    if !is_first {
        return cannot(&program_name, &program.exec());
    }
    // The first of its processes gets no signals that it does not expect, not even its own: a server is another one.
    match program.spawn() {
        Err(e) => cannot(&program_name, &e),
        Ok(mut server) => server.wait().map_or(1, code),
    }
}
