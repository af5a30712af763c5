//! Which source of a repository each of several sets is.

use super::look::Around;
use super::row::State;
use super::source::Backed;
use crate::backup::share_out;

/// Says which source each of several sets is that were looked at with these sources around: none is two of them.
pub fn join(states: &mut [State], around: &Around) {
    if !around.has_sources() {
        return;
    }
    let fits: Vec<_> = states.iter().map(|state| state.candidates.fits.clone()).collect();
    for (state, name) in states.iter_mut().zip(share_out(&fits)) {
        let source = around.sources().iter().find(|source| name.as_ref() == Some(&source.name));
        state.backed = match source {
            None => Backed::Never,
            Some(source) => Backed::By {
                is_current: state.candidates.current.get(&source.name) == Some(&true),
                source: Box::new(source.clone()),
            },
        };
    }
}
