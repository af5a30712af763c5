//! Commands of a caller's own, and what a server answers.
//!
//! Everything else in this room only reads. Here a caller says what is sent; the room `recover` alone sends what writes.

use redis::{Cmd, Value};

use super::Server;
use super::answer::Answer;
use crate::error::Result;

/// Bytes of commands that are sent together: answers are read after that.
const TOGETHER: usize = 4 << 20;

/// Commands that are sent together.
const COMMANDS: usize = 1000;

impl Server {
    /// The answers to some commands, which are sent together as far as that stays small. Each command is a list of words.
    /// A command that is refused has [`Answer::Refused`] for an answer, and the others have theirs.
    ///
    /// # Errors
    /// [`crate::error::ErrorKind::Server`]: no answer. Which of the commands were carried out is not known then, and nothing
    /// more can be asked on this connection.
    pub fn call<W: AsRef<[u8]>>(&mut self, commands: &[Vec<W>]) -> Result<Vec<Answer>> {
        let mut answers = Vec::with_capacity(commands.len());
        let (mut few, mut bytes) = (Vec::new(), 0);
        for words in commands {
            let mut command = Cmd::new();
            for word in words {
                bytes += word.as_ref().len() + 16;
                command.arg(word.as_ref());
            }
            few.push(command);
            if bytes >= TOGETHER || few.len() >= COMMANDS {
                answers.extend(self.ask(&few)?.into_iter().map(answer));
                few.clear();
                bytes = 0;
            }
        }
        if !few.is_empty() {
            answers.extend(self.ask(&few)?.into_iter().map(answer));
        }
        Ok(answers)
    }
}

fn answer(value: Value) -> Answer {
    match value {
        Value::Nil => Answer::Nil,
        Value::Int(number) => Answer::Int(number),
        Value::BulkString(bytes) => Answer::Text(bytes),
        Value::SimpleString(text) => Answer::Text(text.into_bytes()),
        Value::VerbatimString { text, .. } => Answer::Text(text.into_bytes()),
        Value::Okay => Answer::Text(b"OK".to_vec()),
        Value::Array(items) | Value::Set(items) => {
            Answer::List(items.into_iter().map(answer).collect())
        }
        Value::Map(pairs) => {
            Answer::List(pairs.into_iter().flat_map(|(a, b)| [answer(a), answer(b)]).collect())
        }
        Value::Double(number) => Answer::Text(number.to_string().into_bytes()),
        Value::Boolean(yes) => Answer::Int(yes.into()),
        Value::ServerError(e) => {
            let details = e.details().unwrap_or_default();
            Answer::Refused(format!("{} {details}", e.code()).trim_end().to_owned())
        }
        _ => Answer::Nil,
    }
}
