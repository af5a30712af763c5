//! `aofkit man`: manual pages, made from the same words as `--help`.

use std::io;
use std::path::Path;

use clap::Command;
use clap_mangen::Man;

use crate::cli::args::command;

/// The page of the whole program, or of one verb. `None`: there is no such verb.
pub fn page(verb: Option<&str>) -> Option<io::Result<Vec<u8>>> {
    let mut program = built();
    let command = match verb {
        None => program,
        Some(verb) => program.find_subcommand_mut(verb)?.clone(),
    };
    let mut page = Vec::new();
    Some(titled(command).render(&mut page).map(|()| page))
}

/// Writes every page into `dir`, which is made when it is not there.
pub fn write_all(dir: &Path) -> io::Result<()> {
    match rustix::fs::mkdir(dir, rustix::fs::Mode::from_raw_mode(0o777)) {
        Ok(()) | Err(rustix::io::Errno::EXIST) => {}
        Err(e) => return Err(e.into()),
    }
    let program = built();
    for verb in program.get_subcommands() {
        titled(verb.clone()).generate_to(dir)?;
    }
    titled(program).generate_to(dir)?;
    Ok(())
}

fn titled(command: Command) -> Man {
    Man::new(command).source(concat!("aofkit ", env!("CARGO_PKG_VERSION")))
}

/// With the global options in every verb, as they can be typed there.
fn built() -> Command {
    let mut program = command().disable_help_subcommand(true);
    program.build();
    program
}
