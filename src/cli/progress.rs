//! Progress on a terminal: bytes, rate and time left, on standard error.

use std::cell::RefCell;
use std::time::Duration;

use aofkit::progress::Progress;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How long a run may take before it shows a bar: what is over sooner needs none.
const DELAY: Duration = Duration::from_millis(400);

/// A bar that appears when there is something to wait for.
pub struct Bar {
    shown: bool,
    bar: RefCell<Option<ProgressBar>>,
}

impl Bar {
    /// A bar, or nothing at all.
    pub fn new(shown: bool) -> Self {
        Self { shown, bar: RefCell::new(None) }
    }
}

impl Progress for Bar {
    fn begin(&self, total: Option<u64>) {
        if !self.shown {
            return;
        }
        let template = match total {
            Some(_) => {
                "{bar:30} {binary_bytes}/{binary_total_bytes} {binary_bytes_per_sec} ETA {eta}"
            }
            None => "{spinner} {binary_bytes} {binary_bytes_per_sec}",
        };
        let style = ProgressStyle::with_template(template);
        let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::hidden());
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        *self.bar.borrow_mut() = Some(bar);
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
