//! Writes one of the logs that the benches read, for other programs to read:
//!
//! ```text
//! cargo bench --bench generate -- --value 256 --size 1GiB --seed 1 OUT
//! ```
//!
//! With `--distinct N` it is N commands, each of another key, and nothing else.
//!
//! OUT is a new file, or `-` for standard output. Without OUT it does nothing, so that a plain
//! `cargo bench` passes it by.

#[path = "support/generate.rs"]
mod generate;

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

use generate::Shape;

const USAGE: &str =
    "usage: generate [--value BYTES] [--size BYTES] [--seed NUMBER] [--distinct KEYS] OUT|-
sizes may end in KiB, MiB or GiB; defaults: --value 256 --size 64MiB --seed 1";

fn main() -> ExitCode {
    match run(std::env::args().skip(1)) {
        Ok(told) => {
            eprintln!("{told}");
            ExitCode::SUCCESS
        }
        Err(e) => {
            eprintln!("generate: {e}\n{USAGE}");
            ExitCode::FAILURE
        }
    }
}

fn run(mut words: impl Iterator<Item = String>) -> Result<String, String> {
    let mut shape = Shape { value: 256, bytes: 64 << 20, seed: 1 };
    let (mut out, mut distinct) = (None, None);
    while let Some(word) = words.next() {
        let mut number = || words.next().and_then(|w| size(&w)).ok_or(format!("{word}: a number"));
        match word.as_str() {
            "--value" => shape.value = number()? as usize,
            "--size" => shape.bytes = number()?,
            "--seed" => shape.seed = number()?,
            "--distinct" => distinct = Some(number()?),
            // Cargo says this to every bench.
            "--bench" | "--test" => {}
            other if other.starts_with("--") => return Err(format!("unknown option {other}")),
            _ => out = Some(word),
        }
    }
    let Some(path) = out else { return Ok(USAGE.to_owned()) };
    let written = write(&path, shape, distinct).map_err(|e| format!("{path}: {e}"))?;
    Ok(format!("{path}: {written} bytes, values of {} bytes, seed {}", shape.value, shape.seed))
}

fn write(path: &str, shape: Shape, distinct: Option<u64>) -> io::Result<u64> {
    let mut out: Box<dyn Write> = match path {
        "-" => Box::new(io::stdout().lock()),
        path => Box::new(File::create_new(path)?),
    };
    let mut buffered = BufWriter::with_capacity(1 << 20, &mut out);
    let written = match distinct {
        Some(keys) => generate::distinct(&mut buffered, keys)?,
        None => generate::generate(&mut buffered, shape)?,
    };
    buffered.flush()?;
    Ok(written)
}

/// `4096`, `4KiB`, `1GiB`.
fn size(text: &str) -> Option<u64> {
    let units = [("KiB", 10), ("MiB", 20), ("GiB", 30)];
    let unit = units.into_iter().find_map(|(unit, shift)| Some((text.strip_suffix(unit)?, shift)));
    let (digits, shift) = unit.unwrap_or((text, 0));
    digits.parse::<u64>().ok()?.checked_mul(1 << shift)
}
