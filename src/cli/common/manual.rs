//! What the long help and the manual page of a verb end with: examples and exit statuses, from one table a verb.

use super::outcome::Outcome;

/// The end of a verb's manual.
pub struct Manual {
    /// A command line, and what it is for.
    pub examples: &'static [(&'static str, &'static str)],
    /// A remark that belongs to no option; may be empty.
    pub remark: &'static str,
    /// Every status the verb may end with, and when.
    pub exits: &'static [(Outcome, &'static str)],
}

impl Manual {
    /// The text below the options.
    pub fn text(&self) -> String {
        let mut text = "Examples:\n".to_owned();
        let widest = self.examples.iter().map(|(line, _)| line.len()).max().unwrap_or(0);
        for (line, what) in self.examples {
            // Where both do not fit side by side, the remark goes first, as in a script.
            text += &match widest > 52 {
                true => format!("  # {what}\n  {line}\n"),
                false => format!("  {line:<widest$}  {what}\n"),
            };
        }
        if !self.remark.is_empty() {
            text += &format!("\n{}\n", self.remark);
        }
        text += "\nExit status:\n";
        for (outcome, when) in self.exits {
            text += &format!("  {:<3}  {when}\n", *outcome as u8);
        }
        text.trim_end().to_owned()
    }
}
