//! How a result is to be shown. Renderers take this and nothing else of what was typed.

use super::units::Style;

/// How a result is to be shown.
#[derive(Clone, Copy)]
pub struct View {
    /// Colours, and how wide the screen is.
    pub style: Style,
    /// Values are hidden, and keys are shown as hashes.
    pub redact: bool,
    /// Results and errors alone.
    pub quiet: bool,
    /// More than usual.
    pub verbose: bool,
}
