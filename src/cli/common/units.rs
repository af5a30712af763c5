//! Numbers, times and colours for people.

use std::borrow::Cow;
use std::io::IsTerminal;

use jiff::Timestamp;

pub use aofkit::text::size;

/// Whether and how to colour, and how wide the screen is.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    color: bool,
    /// The terminal is one that has no other signs than those of ASCII.
    is_ascii: bool,
    /// Columns.
    pub width: usize,
}

/// Widest output: what fits beside a log on one screen.
const WIDEST: usize = 100;

/// Narrowest output that is laid out as a table.
const NARROWEST: usize = 60;

impl Style {
    /// Colours or not; the width from `COLUMNS` or the terminal.
    pub fn new(color: bool) -> Self {
        let given = std::env::var("COLUMNS").ok().and_then(|text| text.parse().ok());
        let terminal = || terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
        let width = given.or_else(terminal).unwrap_or(WIDEST);
        let is_ascii = std::io::stdout().is_terminal() && is_ascii(|name| std::env::var(name).ok());
        Self { color, is_ascii, width: width.clamp(NARROWEST, WIDEST) }
    }

    /// Text as this terminal can show it: bars, charts and marks in ASCII where it has nothing else. What stands in names
    /// is not touched.
    pub fn drawn(self, text: &str) -> Cow<'_, str> {
        if !self.is_ascii || text.is_ascii() {
            return Cow::Borrowed(text);
        }
        text.split_inclusive('\n').map(in_ascii).collect::<String>().into()
    }

    fn paint(self, code: &str, text: &str) -> String {
        if self.color { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// All that it may put around text.
    pub fn marks(self) -> &'static [&'static str] {
        let all = &["\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[1;32m", "\x1b[1;33m", "\x1b[1;31m"];
        if self.color { all } else { &[] }
    }

    pub fn bold(self, text: &str) -> String {
        self.paint("1", text)
    }

    pub fn dim(self, text: &str) -> String {
        self.paint("2", text)
    }

    /// What begins and what ends dim text.
    pub fn dim_marks(self) -> (&'static str, &'static str) {
        if self.color { ("\x1b[2m", "\x1b[0m") } else { ("", "") }
    }

    pub fn good(self, text: &str) -> String {
        self.paint("1;32", text)
    }

    pub fn warn(self, text: &str) -> String {
        self.paint("1;33", text)
    }

    pub fn bad(self, text: &str) -> String {
        self.paint("1;31", text)
    }
}

/// Whether the locale says that a terminal takes no UTF-8. Where none is set nobody knows, and nearly all do.
fn is_ascii(value: impl Fn(&str) -> Option<String>) -> bool {
    let set = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().filter_map(value);
    let locale = set.map(|value| value.to_ascii_lowercase()).find(|value| !value.is_empty());
    locale.is_some_and(|locale| !locale.contains("utf-8") && !locale.contains("utf8"))
}

/// One line, with signs of ASCII in the place of those that draw.
fn in_ascii(line: &str) -> String {
    // The sign that ends a bar is also the thinnest part of one.
    let frame = line.find('▕').and_then(|_| line.rfind('▏'));
    let sign = |(at, c): (usize, char)| match c {
        _ if Some(at) == frame => ']',
        '▕' => '[',
        '▌' | '▋' | '▊' | '▉' | '█' | '▄' | '▅' | '▆' | '▇' => '#',
        '▏' | '▎' | '▍' | '▁' | '▂' | '▃' => '.',
        '│' => '|',
        '┤' | '└' => '+',
        '─' | '▔' => '-',
        '…' | '±' => '~',
        other => other,
    };
    line.char_indices().map(sign).collect()
}

/// A part of a whole in percent: `12.3 %`.
pub fn share(part: u64, whole: u64) -> String {
    format!("{:.1} %", ratio(part, whole) * 100.0)
}

/// A part of a whole, 0 to 1.
pub fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// A bar of `columns` for a part of a whole, in eighths of a column; something shows whenever there is
/// anything.
pub fn bar(part: u64, whole: u64, columns: usize) -> String {
    const EIGHTHS: [char; 8] = ['▏', '▎', '▍', '▌', '▋', '▊', '▉', '█'];
    let eighths = (ratio(part, whole) * (columns * 8) as f64).round() as usize;
    let eighths = eighths.clamp(usize::from(part > 0), columns * 8);
    let mut text = "█".repeat(eighths / 8);
    if eighths % 8 > 0 {
        text.push(EIGHTHS[eighths % 8 - 1]);
    }
    let used = text.chars().count();
    text.extend(std::iter::repeat_n(' ', columns - used));
    text
}

/// Unix seconds as RFC 3339 in UTC.
pub fn time(seconds: i64) -> String {
    Timestamp::from_second(seconds).map_or_else(|_| format!("@{seconds}"), |t| t.to_string())
}

/// Unix milliseconds as RFC 3339 in UTC.
pub fn time_ms(ms: i64) -> String {
    Timestamp::from_millisecond(ms).map_or_else(|_| format!("@{}", ms / 1000), |t| t.to_string())
}

/// A span of seconds in its two largest units: `2d 3h`.
pub fn duration(seconds: i64) -> String {
    let units = [(86_400, "d"), (3_600, "h"), (60, "m"), (1, "s")];
    let mut left = seconds;
    let mut parts = Vec::new();
    for (length, unit) in units {
        let n = left / length;
        left %= length;
        if n != 0 && parts.len() < 2 {
            parts.push(format!("{n}{unit}"));
        }
    }
    if parts.is_empty() { "0s".to_owned() } else { parts.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_iec() {
        assert_eq!(size(1023), "1023 B");
        assert_eq!(size(1536), "1.5 KiB");
        assert_eq!(size(64 << 20), "64.0 MiB");
        assert_eq!(size((1 << 20) - 1), "1.0 MiB");
        assert_eq!(size(u64::MAX), "16.0 EiB");
    }

    #[test]
    fn a_terminal_without_utf8_gets_signs_that_it_has() {
        assert_eq!(in_ascii("  ▕█▌▏      ▏ 3 B of a…, ±2\n"), "  [##.      ] 3 B of a~, ~2\n");
        assert_eq!(in_ascii("SET  █▏  4 %"), "SET  #.  4 %");
        assert_eq!(in_ascii("clé ┤▁▄█"), "clé +.##", "names stay as they are");
        let of = |set: &[(&str, &str)]| {
            let set = set.to_vec();
            is_ascii(|name| set.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned()))
        };
        assert!(of(&[("LC_ALL", "C"), ("LANG", "en_US.UTF-8")]));
        assert!(of(&[("LANG", "POSIX")]) && of(&[("LC_ALL", ""), ("LANG", "de_DE")]));
        assert!(!of(&[("LC_CTYPE", "C.UTF-8"), ("LANG", "C")]) && !of(&[("LANG", "en_US.utf8")]));
        assert!(!of(&[]));
    }

    #[test]
    fn bars_never_hide_what_is_there_nor_overflow() {
        assert_eq!(bar(0, 10, 4), "    ");
        assert_eq!(bar(1, 1_000_000, 4), "▏   ");
        assert_eq!(bar(10, 10, 4), "████");
        assert_eq!(bar(1, 2, 3), "█▌ ");
        assert_eq!(bar(1, 0, 2), "▏ ");
    }

    #[test]
    fn times_are_utc() {
        assert_eq!(time(0), "1970-01-01T00:00:00Z");
        assert_eq!(time(i64::MAX), format!("@{}", i64::MAX));
    }

    #[test]
    fn durations_have_two_units_at_most() {
        assert_eq!(duration(0), "0s");
        assert_eq!(duration(61), "1m 1s");
        assert_eq!(duration(90_061), "1d 1h");
    }
}
