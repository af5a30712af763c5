//! Writes one of the logs that the benches read, for other programs to read:
//!
//! ```text
//! cargo bench --bench generate -- --value 256 --size 1GiB --seed 1 OUT
//! ```
//!
//! `--kind NAME` chooses whose traffic it is (see `support/shapes.rs`).
//!
//! OUT is a new file, or `-` for standard output. Without OUT it does nothing, so that a plain
//! `cargo bench` passes it by.

#[path = "support/generate.rs"]
mod generate;

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

use generate::{Kind, Shape};

const USAGE: &str =
    "usage: generate [--kind NAME] [--value BYTES] [--size BYTES] [--seed NUMBER] OUT|-
sizes may end in KiB, MiB or GiB; defaults: --kind application --value 256 --size 64MiB --seed 1
kinds: application uniform words braces paths wide transactions streams look-alikes";

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
    let mut shape = Shape { kind: Kind::Application, value: 256, bytes: 64 << 20, seed: 1 };
    let mut out = None;
    while let Some(word) = words.next() {
        if word == "--kind" {
            let name = words.next().unwrap_or_default();
            shape.kind = Kind::named(&name).ok_or(format!("there is no kind '{name}'"))?;
            continue;
        }
        let mut number = || words.next().and_then(|w| size(&w)).ok_or(format!("{word}: a number"));
        match word.as_str() {
            "--value" => shape.value = number()? as usize,
            "--size" => shape.bytes = number()?,
            "--seed" => shape.seed = number()?,
            // Cargo says this to every bench.
            "--bench" | "--test" => {}
            other if other.starts_with("--") => return Err(format!("unknown option {other}")),
            _ => out = Some(word),
        }
    }
    let Some(path) = out else { return Ok(USAGE.to_owned()) };
    let written = write(&path, shape).map_err(|e| format!("{path}: {e}"))?;
    let Shape { kind, value, seed, .. } = shape;
    Ok(format!("{path}: {written} bytes, {kind:?}, values of {value} bytes, seed {seed}"))
}

fn write(path: &str, shape: Shape) -> io::Result<u64> {
    let mut out: Box<dyn Write> = match path {
        "-" => Box::new(io::stdout().lock()),
        path => Box::new(File::create_new(path)?),
    };
    let mut buffered = BufWriter::with_capacity(1 << 20, &mut out);
    let written = generate::generate(&mut buffered, shape)?;
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
