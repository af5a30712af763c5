//! Whether the running server of `--server` uses the set that is about to be changed: it is asked, where it answers.

use aofkit::aof::Aof;
use aofkit::error::{Error, ErrorKind, Result};
use aofkit::server::Whose;

use super::context::Context;

/// Refuses to change a set that the server of `--server` uses, or may use.
///
/// # Errors
/// [`ErrorKind::InUse`] when it does, or when it cannot be told apart from one that does; [`ErrorKind::Server`] when
/// somebody listens there and gives no answer.
pub fn ask(aof: &Aof, force: bool, context: &Context) -> Result<()> {
    let Some(asked) = context.server.as_ref().filter(|_| !force) else { return Ok(()) };
    if asked.address.is_absent() {
        context.note(&format!(
            "nobody listens at {}: that server is taken for stopped",
            asked.address
        ));
        return Ok(());
    }
    let why = match asked.connect()?.state()?.owns(&aof.dir()) {
        Whose::Another(dir) => {
            context.note(&format!(
                "the server at {} works in {}",
                asked.address,
                aofkit::text::path(&dir)
            ));
            return Ok(());
        }
        Whose::Its => "runs, and this set is its own".to_owned(),
        Whose::Unknown(why) => format!("runs, and {why}: this set may be its own"),
    };
    let why = format!(
        "the server at {} {why}: stop it first (--force skips this question)",
        asked.address
    );
    Err(Error::new(ErrorKind::InUse(why), &aof.path))
}
