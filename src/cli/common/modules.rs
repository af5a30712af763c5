//! Asks the running server of `--server` for the modules that it has loaded.

use aofkit::error::Result;
use aofkit::rules::{By, Modules};

use crate::cli::args::Verb;
use crate::cli::common::context::Context;
use crate::cli::common::in_use::is_absent;

/// Takes them for what is said of the target's modules, unless the user has said it.
///
/// # Errors
/// When nobody answers, where a set is to be judged; what changes a set deals with that itself.
pub fn ask(verb: &Verb, context: &mut Context) -> Result<()> {
    let is_said = context.open.modules != Modules::default();
    let Some(asked) = context.server.as_ref().filter(|_| !is_said) else { return Ok(()) };
    let judges = matches!(verb, Verb::Check(_) | Verb::Inspect(_) | Verb::Convert(_));
    if !judges && is_absent(asked) {
        return Ok(());
    }
    match asked.connect()?.modules()? {
        Some(names) => context.open.modules = Modules::complete(names, By::Server),
        None => context.note(&format!(
            "the server at {} does not tell which modules it has loaded: --modules does",
            asked.address
        )),
    }
    Ok(())
}
