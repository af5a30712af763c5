//! The bytes around a place in a file.

use aofkit::aof::{Aof, Segment};

use super::parts::HexLine;

/// Bytes of a line.
const LINE: u64 = 16;

/// Lines before and after the line of the place.
const AROUND: u64 = 5;

/// The bytes around an offset; none where they cannot be read again.
pub fn around(aof: &Aof, file: &[u8], offset: u64) -> Vec<HexLine> {
    let segment = aof.segments.iter().find(|segment| *segment.name == *file);
    segment.and_then(|segment| read(segment, offset)).unwrap_or_default()
}

fn read(segment: &Segment, offset: u64) -> Option<Vec<HexLine>> {
    let len = segment.len()?;
    let from = (offset / LINE).saturating_sub(AROUND) * LINE;
    let to = ((offset / LINE + AROUND + 1) * LINE).min(len);
    if from >= to {
        return None;
    }
    let mut source = segment.source().ok()?;
    let wanted = usize::try_from(to - from).ok()?;
    let window = source.window(from, wanted).ok()?;
    let bytes = &window[..wanted.min(window.len())];
    let lines = bytes.chunks(LINE as usize).zip((from..).step_by(LINE as usize));
    Some(lines.map(|(bytes, at)| line(bytes, at, offset)).collect())
}

fn line(bytes: &[u8], at: u64, place: u64) -> HexLine {
    let is_here = (at..at + LINE).contains(&place);
    let mark = if is_here { '>' } else { ' ' };
    let hex: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let plain = |byte: &u8| if (0x20..0x7f).contains(byte) { char::from(*byte) } else { '.' };
    HexLine {
        offset: format!("{mark} {at:>12}"),
        hex: format!("{:<47}", hex.join(" ")),
        text: bytes.iter().map(plain).collect(),
    }
}
