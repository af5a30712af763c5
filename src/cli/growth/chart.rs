//! A timeline drawn with block characters.

use aofkit::growth::{Axis, Bucket, Peak, Timeline};

use crate::cli::common::units::{Style, size, time};

/// Rows of the plot.
const ROWS: usize = 7;

/// Columns for the labels at the left.
const LABEL: usize = 11;

/// Steps of a row, from a lower one eighth up to the full block.
const EIGHTHS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The timeline as lines, with the numbers of its peaks below their columns.
pub fn chart(timeline: &Timeline, peaks: &[Peak], style: Style) -> String {
    let room = style.width.saturating_sub(LABEL + 4).max(10);
    let coarse = timeline.coarse(room);
    let stretch = (room / coarse.buckets.len().max(1)).clamp(1, 8);
    let heights: Vec<f64> = coarse.buckets.iter().map(|bucket| height(&coarse, bucket)).collect();
    let highest = heights.iter().copied().fold(0.0, f64::max);
    if highest <= 0.0 {
        return String::new();
    }
    let is_peak: Vec<bool> =
        (0..heights.len()).map(|at| mark(&coarse, peaks, at).is_some()).collect();
    let mut text = String::new();
    for row in (0..ROWS).rev() {
        let label = match row {
            _ if row == ROWS - 1 => unit(&coarse, highest),
            _ if row == ROWS / 2 => unit(&coarse, highest * (row as f64 + 0.5) / ROWS as f64),
            _ => String::new(),
        };
        let axis = if label.is_empty() { '│' } else { '┤' };
        let cells: String = (heights.iter().zip(&is_peak))
            .map(|(height, is_peak)| {
                let cell = cell(height / highest, row).to_string().repeat(stretch);
                if *is_peak && cell.trim() != "" { style.warn(&cell) } else { cell }
            })
            .collect();
        let line = format!("{label:>LABEL$} {axis}{cells}");
        text += &format!("{}\n", line.trim_end());
    }
    text += &format!("{:>LABEL$} └{}\n", "0", "─".repeat(heights.len() * stretch));
    text += &marks(&coarse, peaks, stretch);
    text + &ticks(&coarse, stretch)
}

/// Bytes by bucket in one line of at most so many columns; something shows whenever there is anything.
pub fn sparkline(buckets: &[u64], columns: usize) -> String {
    let each = buckets.len().div_ceil(columns.max(1)).max(1);
    let sums: Vec<u64> = buckets.chunks(each).map(|chunk| chunk.iter().sum()).collect();
    let highest = sums.iter().copied().max().unwrap_or(0).max(1);
    let step = |sum: &u64| {
        let eighths = (*sum as f64 / highest as f64 * 8.0).round() as usize;
        EIGHTHS[eighths.max(usize::from(*sum > 0)).min(8)]
    };
    sums.iter().map(step).collect::<String>().trim_end().to_owned()
}

/// What is drawn of a bucket: bytes a second, or along the log bytes per command.
fn height(timeline: &Timeline, bucket: &Bucket) -> f64 {
    let by = match timeline.axis {
        Axis::Time => timeline.width.unsigned_abs(),
        Axis::Offset => bucket.commands,
    };
    bucket.bytes as f64 / by.max(1) as f64
}

fn unit(timeline: &Timeline, value: f64) -> String {
    let per = if timeline.axis == Axis::Time { "/s" } else { "" };
    format!("{}{per}", size(value.round() as u64))
}

/// The part of a column that lies in a row; something shows whenever there is anything.
fn cell(part: f64, row: usize) -> char {
    let eighths = (part * (ROWS * 8) as f64).round() as usize;
    let eighths = eighths.max(usize::from(part > 0.0));
    EIGHTHS[eighths.saturating_sub(row * 8).min(8)]
}

/// The number of the peak that a bucket belongs to.
fn mark(timeline: &Timeline, peaks: &[Peak], at: usize) -> Option<usize> {
    let (from, to) = (timeline.begins_at(at), timeline.begins_at(at + 1));
    peaks.iter().position(|peak| peak.from < to && from < peak.to)
}

/// A line with the numbers of peaks, each where its peak begins.
fn marks(timeline: &Timeline, peaks: &[Peak], stretch: usize) -> String {
    if peaks.is_empty() {
        return String::new();
    }
    let mut line = String::new();
    let mut before = None;
    for at in 0..timeline.buckets.len() {
        let peak = mark(timeline, peaks, at);
        let shown = match peak {
            Some(number) if before != peak => format!("{:<stretch$}", number + 1),
            Some(_) => "▔".repeat(stretch),
            None => " ".repeat(stretch),
        };
        line += &shown;
        before = peak;
    }
    format!("{:>LABEL$}  {}\n", "peaks", line.trim_end())
}

/// Where the plot begins and ends.
fn ticks(timeline: &Timeline, stretch: usize) -> String {
    let end = timeline.begins_at(timeline.buckets.len());
    let label = |place: i64| match timeline.axis {
        Axis::Time => time(place).replace('T', " ").trim_end_matches('Z').to_owned(),
        Axis::Offset => size(place.unsigned_abs()),
    };
    let (first, last) = (label(timeline.start), label(end));
    let columns = timeline.buckets.len() * stretch;
    let gap = columns.saturating_sub(first.len() + last.len()).max(2);
    let line = format!("{:>LABEL$}  {first}{}{last}", "", " ".repeat(gap));
    format!("{line}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_high_as_their_part() {
        let column = |part| (0..ROWS).map(|row| cell(part, row)).collect::<String>();
        assert_eq!(column(1.0), "█".repeat(ROWS));
        assert_eq!(column(0.0), " ".repeat(ROWS));
        assert_eq!(column(1e-9), "▁      ");
        assert_eq!(column(0.5), "███▄   ");
    }
}
