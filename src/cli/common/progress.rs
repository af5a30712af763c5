//! Progress on a terminal: bytes, rate and time left, on standard error.

use std::cell::RefCell;
use std::time::Duration;

use aofkit::progress::Progress;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How long a run may take before it shows a bar: what is over sooner needs none.
const DELAY: Duration = Duration::from_millis(400);

/// Columns of the bar itself where there is room.
const LONGEST: usize = 30;

/// Columns of the longest numbers that stand behind the bar, and of the space between:
/// ` 1023.99 GiB/1023.99 GiB 1023.99 MiB/s ETA 59m`.
const BEHIND: usize = 47;

/// A bar that appears when there is something to wait for.
pub struct Bar {
    shown: bool,
    bar: RefCell<Option<ProgressBar>>,
}

impl Bar {
    /// A bar, or nothing at all: where it is unwanted, and where a terminal cannot take back what it shows.
    pub fn new(shown: bool) -> Self {
        let shown = shown && !ProgressDrawTarget::stderr().is_hidden();
        Self { shown, bar: RefCell::new(None) }
    }

    /// A bar that counts so many sets.
    pub fn of_many(shown: bool, sets: u64) -> Self {
        let bar = Self::new(shown);
        if bar.shown {
            bar.start(Some(sets), "{bar:30} {pos}/{len} sets ETA {eta}");
        }
        bar
    }

    fn start(&self, total: Option<u64>, template: &str) {
        let style = ProgressStyle::with_template(template);
        let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::hidden());
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        *self.bar.borrow_mut() = Some(bar);
    }
}

impl Progress for Bar {
    fn begin(&self, total: Option<u64>) {
        if !self.shown {
            return;
        }
        let columns = terminal_size::terminal_size_of(std::io::stderr())
            .map_or(LONGEST + BEHIND, |(width, _)| usize::from(width.0));
        self.start(total, &template(total.is_some(), columns));
    }

    fn advance(&self, bytes: u64) {
        if let Some(bar) = &*self.bar.borrow() {
            if bar.is_hidden() && bar.elapsed() > DELAY {
                bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(10));
            }
            bar.inc(bytes);
        }
    }

    fn finish(&self) {
        if let Some(bar) = self.bar.borrow_mut().take() {
            bar.finish_and_clear();
        }
    }
}

/// What fits one line of so many columns: a line that wraps is drawn twice, and stays when the window changes.
fn template(is_total_known: bool, columns: usize) -> String {
    if !is_total_known {
        return "{spinner} {binary_bytes} {binary_bytes_per_sec}".to_owned();
    }
    match columns.saturating_sub(BEHIND).min(LONGEST) {
        0..5 => "{binary_bytes} {binary_bytes_per_sec} ETA {eta}".to_owned(),
        bar => format!(
            "{{bar:{bar}}} {{binary_bytes}}/{{binary_total_bytes}} {{binary_bytes_per_sec}} ETA {{eta}}"
        ),
    }
}
