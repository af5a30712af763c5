//! `aofkit metrics`

mod address;
pub mod args;
mod audited;
mod json;
#[cfg(feature = "listen")]
mod serve;
#[cfg(not(feature = "listen"))]
#[path = "silent.rs"]
mod serve;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::Builder;
use std::time::{Duration, Instant};

use aofkit::error::{Error, Result};
use aofkit::metrics::{Samples, Watcher, alert_rules, dashboard, metrics_page, of_server};

use self::address::Address;
use self::args::{MetricsArgs, Print};
use self::audited::Audited;
use self::serve::Page;
use crate::cli::common::context::Context;
use crate::cli::common::interrupt::Interrupt;
use crate::cli::common::outcome::Outcome;
use crate::cli::common::output::complain;
use crate::cli::common::published;

/// How often it is asked whether a signal came.
const LISTENS_EVERY: Duration = Duration::from_millis(100);

/// Looks once, or again and again.
pub fn run(args: &MetricsArgs, context: &Context) -> Result<(String, Outcome)> {
    let text = match args.print {
        Some(Print::List) => metrics_page(),
        Some(Print::Alerts) => alert_rules(),
        Some(Print::Dashboard) => dashboard(),
        None => return watch(args, context),
    };
    Ok((text, Outcome::Done))
}

fn watch(args: &MetricsArgs, context: &Context) -> Result<(String, Outcome)> {
    if let Some(path) = &args.output {
        published::must_be_plain(path)?;
    }
    let watcher = Watcher::new(args.paths(context), context.open.clone(), context.pace)
        .with_repository(args.repo.clone());
    let audited = args.audit.then(|| Audited::new(args));
    let mut looking = Looking { watcher, audited, context, told: Vec::new() };
    let Some(every) = args.every() else {
        let samples = looking.look();
        return match &args.output {
            Some(path) => {
                published::write(path, &samples.text()).map(|()| (String::new(), Outcome::Done))
            }
            None if context.json => Ok((json::metrics(&samples), Outcome::Done)),
            None => Ok((samples.text(), Outcome::Done)),
        };
    };
    let page = Page::default();
    if let Some(address) = args.listen {
        listen(address, &page, context)?;
    }
    let writing = Arc::new(Mutex::new(()));
    end_by_signal(&writing)?;
    loop {
        let started = Instant::now();
        let text = looking.look().text();
        if let Some(path) = &args.output {
            let _alone = writing.lock().unwrap_or_else(PoisonError::into_inner);
            if let Err(e) = published::write(path, &text) {
                context.complain(&e);
            }
        }
        page.set(text);
        // At full intervals, unless a look takes longer than one.
        std::thread::sleep(every.saturating_sub(started.elapsed()));
    }
}

/// From now on the first SIGINT or SIGTERM ends the run, between two writes and not in one. To end is what a run that
/// goes on for ever is asked for, so it is no failure.
fn end_by_signal(writing: &Arc<Mutex<()>>) -> Result<()> {
    let failed = |e| Error::io(Path::new("signals"), e);
    let interrupt = Interrupt::listen().map_err(failed)?;
    let writing = Arc::clone(writing);
    let wait = move || {
        while !interrupt.came() {
            std::thread::sleep(LISTENS_EVERY);
        }
        let _alone = writing.lock().unwrap_or_else(PoisonError::into_inner);
        std::process::exit(Outcome::Done as i32);
    };
    Builder::new().spawn(wait).map(|_| ()).map_err(failed)
}

/// Serves what is on the page from now on.
fn listen(address: Address, page: &Page, context: &Context) -> Result<()> {
    let failed = |e| Error::io(Path::new(&address.to_string()), e);
    let listener = address.listen().map_err(failed)?;
    let own = listener.local_addr().map_err(failed)?;
    context.note(&format!("serving http://{own}/metrics"));
    if address.is_open_to_others() {
        context.note(
            "whoever reaches this address can read the metrics: there is no password and no TLS",
        );
    }
    let page = page.clone();
    let complaint = move |e: std::io::Error| complain(&format!("aofkit: {own}: {e}"));
    let serve = move || serve::serve(listener, page).unwrap_or_else(complaint);
    Builder::new().spawn(serve).map(|_| ()).map_err(failed)
}

/// Sets, a repository and a server that are looked at.
struct Looking<'c> {
    watcher: Watcher,
    audited: Option<Audited>,
    context: &'c Context,
    /// What went wrong at the last look: it is told once.
    told: Vec<String>,
}

impl Looking<'_> {
    fn look(&mut self) -> Samples {
        let context = self.context;
        let mut failures = Vec::new();
        // Asked before the set is read, so that the files have at least what the server counts.
        let server = context.server.as_ref().map(|asked| {
            let said = asked.connect().and_then(|mut server| server.state());
            (asked.address.to_string(), said.map_err(|e| failures.push(e.to_string())).ok())
        });
        let mut samples = self.watcher.look(&mut |e| failures.push(e.to_string()));
        if let Some((address, said)) = server {
            of_server(&mut samples, &address, said.as_ref());
        }
        if let Some(Err(e)) =
            self.audited.as_mut().map(|audited| audited.tell(&mut samples, context))
        {
            failures.push(e.to_string());
        }
        for failure in failures.iter().filter(|failure| !self.told.contains(failure)) {
            complain(&format!("aofkit: {failure}"));
        }
        self.told = failures;
        samples
    }
}
