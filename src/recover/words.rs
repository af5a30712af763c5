//! Commands as the words that they are sent as.

use crate::error::Result;
use crate::server::{Answer, Server};

/// A command's words.
pub(super) type Words = Vec<Vec<u8>>;

/// The words of a command, owned.
pub(super) fn words(words: &[&[u8]]) -> Words {
    words.iter().map(|word| word.to_vec()).collect()
}

/// The answer to one command.
pub(super) fn ask(server: &mut Server, words: &[&[u8]]) -> Result<Answer> {
    Ok(server.call(&[words.to_vec()])?.into_iter().next().unwrap_or(Answer::Nil))
}
