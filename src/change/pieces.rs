//! What a file that is written consists of, and how it is written.

use super::control::Control;
use std::io::{ErrorKind as ErrorOf, Read};
use std::path::Path;

use super::plan::Sieve;
use crate::disk::{FrozenFile, Output};
use crate::error::{Error, ErrorKind, Result};
use crate::limits;

/// Bytes of a file to be written.
pub(super) enum NewBytes {
    /// Of a file of the set, by its position in [`Work::files`].
    Range { file: usize, from: u64, to: u64 },
    /// These.
    These(Vec<u8>),
    /// What a sieve leaves of a file of the set.
    Sifted { file: usize, len: u64, sieve: Sieve },
    /// The next ones that were kept.
    Kept(u64),
}

/// Writes pieces one after the other.
pub(super) fn write(
    output: &mut dyn Output,
    path: &Path,
    pieces: &mut dyn Iterator<Item = Result<NewBytes>>,
    files: &[FrozenFile],
    mut kept: Option<&mut Box<dyn Read>>,
    control: &Control<'_>,
) -> Result<()> {
    let failed = |e| Error::io(path, e);
    for (position, piece) in pieces.enumerate() {
        match piece? {
            NewBytes::Range { file, from: 0, to }
                if position == 0 && output.share(&files[file], to)? =>
            {
                control.advance(to, path)?;
            }
            NewBytes::Range { file, from, to } => {
                let mut at = from;
                while at < to {
                    let n = output.copy(&files[file], at, to)?;
                    if n == 0 {
                        let why = "it has become shorter".to_owned();
                        return Err(Error::new(ErrorKind::Stale(why), &files[file].path()).at(at));
                    }
                    at += n;
                    control.advance(n, path)?;
                }
            }
            NewBytes::These(bytes) => output.write_all(&bytes).map_err(failed)?,
            NewBytes::Sifted { file, len, sieve } => {
                let mut sum = 0;
                sieve.0.sift(&files[file], &mut |bytes| {
                    sum += bytes.len() as u64;
                    output.write_all(bytes).map_err(failed)?;
                    control.advance(bytes.len() as u64, path)
                })?;
                if sum != len {
                    let why = "it is not what it was".to_owned();
                    return Err(Error::new(ErrorKind::Stale(why), &files[file].path()));
                }
            }
            NewBytes::Kept(n) => {
                let kept = kept.as_deref_mut();
                let kept = kept.ok_or_else(|| failed(ErrorOf::UnexpectedEof.into()))?;
                copy_kept(output, path, kept, n, control)?;
            }
        }
    }
    // Only at its end is the checksum of what was kept compared.
    match kept.map_or(Ok(0), |kept| kept.read(&mut [0])).map_err(failed)? {
        0 => Ok(()),
        _ => Err(failed(std::io::Error::other("more was kept than the journal says"))),
    }
}

/// The next `n` bytes of what was kept.
fn copy_kept(
    output: &mut dyn Output,
    path: &Path,
    kept: &mut Box<dyn Read>,
    n: u64,
    control: &Control<'_>,
) -> Result<()> {
    let failed = |e| Error::io(path, e);
    let mut left = n;
    let mut buffer = vec![0; limits::WINDOW.min(usize::try_from(n).unwrap_or(usize::MAX))];
    while left > 0 {
        let some = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        let buffer = &mut buffer[..some];
        kept.read_exact(buffer).map_err(failed)?;
        output.write_all(buffer).map_err(failed)?;
        left -= some as u64;
        control.advance(some as u64, path)?;
    }
    Ok(())
}
