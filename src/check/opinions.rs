//! What several loaders think of one call.

use crate::rules::{Call, Presence};

/// What a loader thinks of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opinion {
    Fine,
    /// It has no such command or subcommand.
    Unknown,
    /// Too few or too many arguments, and it goes on.
    GoesOn,
    /// Too few or too many arguments: it refuses the file or dies of it.
    WrongArity,
    /// Well formed, and it ends the loading server.
    Deadly,
    /// Its module is known to be absent.
    Missing,
    /// It depends on a module of which nobody says that it is there.
    Unsure,
}

impl Opinion {
    /// Whether the loading goes on after it.
    pub(crate) fn goes_on(self) -> bool {
        matches!(self, Self::Fine | Self::GoesOn)
    }
}

impl From<Presence> for Opinion {
    fn from(presence: Presence) -> Self {
        match presence {
            Presence::There(_) => Self::Fine,
            Presence::Missing => Self::Missing,
            Presence::Unsure => Self::Unsure,
        }
    }
}

impl From<Call> for Opinion {
    fn from(call: Call) -> Self {
        match call {
            Call::Fine => Self::Fine,
            Call::Unknown => Self::Unknown,
            Call::GoesOn => Self::GoesOn,
            Call::WrongArity => Self::WrongArity,
            Call::Deadly => Self::Deadly,
        }
    }
}

/// The opinions of several loaders, three bits each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Opinions(u64);

impl Opinions {
    /// All take it.
    pub(crate) const FINE: Self = Self(0);
    /// So many loaders fit in.
    pub(crate) const MOST: usize = 21;

    pub(crate) fn each(opinions: impl Iterator<Item = Opinion>) -> Self {
        let bits = |(place, opinion): (usize, Opinion)| (opinion as u64) << (3 * place);
        Self(opinions.take(Self::MOST).enumerate().map(bits).sum())
    }

    pub(crate) fn of(self, place: usize) -> Opinion {
        match self.0 >> (3 * place) & 7 {
            0 => Opinion::Fine,
            1 => Opinion::Unknown,
            2 => Opinion::GoesOn,
            3 => Opinion::WrongArity,
            4 => Opinion::Deadly,
            5 => Opinion::Missing,
            _ => Opinion::Unsure,
        }
    }

    /// Which of the first `count` loaders do not know it.
    pub(crate) fn ignorant(self, count: usize) -> u64 {
        self.that(count, |opinion| opinion == Opinion::Unknown)
    }

    /// Which of them may lack the module for it, where another has it.
    pub(crate) fn unsure(self, count: usize) -> u64 {
        let unsure = self.that(count, |opinion| opinion == Opinion::Unsure);
        let is_everywhere = unsure.count_ones() as usize == count;
        if is_everywhere { 0 } else { unsure }
    }

    fn that(self, count: usize, is: impl Fn(Opinion) -> bool) -> u64 {
        (0..count).map(|place| u64::from(is(self.of(place))) << place).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opinions_are_kept_apart() {
        use Opinion::{Deadly, Fine, GoesOn, Missing, Unknown, Unsure, WrongArity};
        let all = [Fine, Unknown, GoesOn, WrongArity, Deadly, Unknown, Missing, Unsure];
        let opinions = Opinions::each(all.into_iter());
        let back: Vec<_> = (0..all.len()).map(|place| opinions.of(place)).collect();
        assert_eq!(back, all);
        assert_eq!(opinions.ignorant(all.len()), 0b10_0010);
        assert_eq!(opinions.unsure(all.len()), 0b1000_0000);
        assert_eq!(Opinions::each([Unsure; 3].into_iter()).unsure(3), 0);
        assert_eq!(Opinions::each([Fine; 21].into_iter()), Opinions::FINE);
    }
}
