//! What the tables say of a command about its keys.

use super::specs::{Begin, Find, Spec};

/// What the table says about the keys of a command.
#[derive(Clone, Debug, Default)]
pub(super) struct Rule {
    pub(super) first: First,
    pub(super) specs: Vec<Spec>,
    pub(super) special: Option<Special>,
}

/// Where the first key is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum First {
    /// There is none.
    #[default]
    Never,
    /// Always at this argument.
    At(usize),
    /// It depends.
    Depends,
    /// It is a container: the subcommand decides.
    Subcommand,
}

/// Commands whose options only code can tell from values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Special {
    Sort,
    Migrate,
}

impl Rule {
    /// The rule of the command of this upper-case name.
    pub(super) fn new(name: &str, specs: Vec<Spec>) -> Self {
        let special = match name {
            "SORT" => Some(Special::Sort),
            "MIGRATE" => Some(Special::Migrate),
            _ => None,
        };
        let first = match (specs.first(), special) {
            (None, _) => First::Never,
            (_, Some(Special::Migrate)) => First::Depends,
            (Some(Spec { begin: Begin::Index(at), find: Find::Range { limit: 0, .. } }), _) => {
                First::At(*at)
            }
            _ => First::Depends,
        };
        Self { first, specs, special }
    }
}
