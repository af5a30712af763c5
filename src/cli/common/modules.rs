//! Asks the running server of `--server` for the modules that it has loaded.

use aofkit::error::Result;
use aofkit::rules::{By, Modules};

use super::beside;
use super::context::Context;

/// Takes them for what is said of the target's modules, unless the user has said it.
///
/// # Errors
/// When nobody answers, where a set is to be judged; what changes a set deals with that itself.
pub fn ask(judges: bool, context: &mut Context) -> Result<()> {
    let is_said = context.open.modules != Modules::default();
    let Some(asked) = context.server.as_ref().filter(|_| !is_said) else { return Ok(()) };
    let told = match asked.modules() {
        // Looked at last, for it takes a connection.
        Err(_) if !judges && asked.address.is_absent() => return Ok(()),
        told => told?,
    };
    match told {
        Some(names) => context.open.modules = Modules::complete(names, By::Server),
        None => match asked.state() {
            // It tells nothing at all.
            Err(error) => beside::note_refusal(asked, &error, context),
            Ok(_) => context.note(&format!(
                "the server at {} does not tell which modules it has loaded: --modules does",
                asked.address
            )),
        },
    }
    Ok(())
}
