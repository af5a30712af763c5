//! Who the judgement is made for, once the whole set is known, and what that makes of the facts.

use std::collections::HashMap;
use std::sync::Arc;

use super::facts::{Ends, Facts, SegmentFacts};
use super::halt::Cause;
use super::loader::Loader;
use super::objections::Objections;
use super::opinions::Opinion;
use super::payload::Payload;
use super::raw::Inner;
use super::seen::{Seen, What};
use super::state::State;
use crate::aof::{Aof, Writer};
use crate::rules::{Knowledge, Need, Origin, Target};

impl Objections {
    /// Those of each of these loaders; none where all take all of it.
    pub(super) fn of(loader: &Loader, targets: usize) -> Vec<Self> {
        let each = |place| {
            let [refused, perhaps] = loader.objections(place);
            Self { refused, perhaps, own_cut: loader.own_cut(place) }
        };
        let some = |place| {
            let Self { refused, perhaps, own_cut } = each(place);
            refused.is_some() || perhaps.is_some() || own_cut.is_some()
        };
        match (0..targets).any(some) {
            true => (0..targets).map(each).collect(),
            false => Vec::new(),
        }
    }
}

impl Facts {
    /// Nothing was seen so far; those at places that are `named` do not merely stand for the writer of the set.
    pub(super) fn by(targets: Vec<Target>, named: impl Fn(usize) -> bool) -> Self {
        let named = (0..targets.len()).map(named).collect();
        Self { targets, named, ..Self::default() }
    }

    /// Who wrote the set, and whether the one that it is judged for was named.
    pub(super) fn origin(&self, aof: &Aof) -> Origin {
        let writer = aof.writer.as_ref().and_then(Writer::release);
        Origin { writer, target_given: self.is_named }
    }

    /// Some targets do not know something.
    pub(super) fn learn(&mut self, ignorant: u64) {
        match ignorant.count_ones() as usize == self.targets.len() {
            true => self.is_beyond_all = true,
            false => self.ignorant |= ignorant,
        }
    }

    /// Facts about later segments.
    pub(super) fn add(&mut self, later: Self) {
        self.segments.extend(later.segments);
        self.ignorant |= later.ignorant;
        self.is_beyond_all |= later.is_beyond_all;
    }

    /// Decides who the judgement is made for: the first target that knows all that any of them knows. From then
    /// on the facts are those of that one, and the set says so as well.
    pub fn settle(&mut self, aof: &Aof) -> Target {
        if let (true, Some(&target)) = (self.is_settled, self.targets.first()) {
            aof.settle(target);
            return target;
        }
        let knows = |place: &usize| self.ignorant >> place & 1 == 0;
        let first = (0..self.targets.len()).find(knows);
        // Each of two things may be known to another server, and both to none.
        self.is_beyond_all |= first.is_none();
        self.fit = first.filter(|_| !self.is_beyond_all).map(|place| self.targets[place]);
        let place = first.filter(|_| !aof.target_given).unwrap_or(0);
        let Some(target) = self.targets.get(place).copied() else { return aof.target() };
        // A server that nobody named may have learnt what no server is known to have.
        let knows_all = knows_all(target) && (aof.target_given || !self.is_beyond_all);
        self.settle_as(place, knows_all);
        aof.settle(target);
        target
    }

    /// Which commands the chosen target refuses for certain.
    pub(crate) fn certainty(&self) -> Certainty {
        Certainty { knows_all: self.knows_all }
    }

    /// The facts by the rules of each target. The one at `unnamed` is judged for since nobody named another: it may have
    /// learnt what no server is known to have.
    /// One after the other: a set may have very many files.
    pub fn each(&self, unnamed: Option<usize>) -> impl Iterator<Item = Self> + '_ {
        let places = 0..self.targets.len();
        let one = move |place| {
            let mut one = self.clone();
            let may_have_learnt = unnamed == Some(place) && self.is_beyond_all;
            let knows_all = self.targets.get(place).copied().is_some_and(knows_all);
            one.settle_as(place, knows_all && !may_have_learnt);
            one
        };
        places.map(one)
    }

    /// The facts are those of the target at this place.
    fn settle_as(&mut self, place: usize, knows_all: bool) {
        // What has nothing odd is the same by everybody's rules, and stays shared.
        let odd = self.segments.iter_mut().filter(|segment| !segment.is_plain());
        odd.for_each(|segment| Arc::make_mut(segment).settle(place, knows_all));
        self.knows_all = knows_all;
        self.is_settled = true;
        self.targets = self.targets.get(place).copied().into_iter().collect();
        self.is_named = self.named.get(place).copied().unwrap_or_default();
        self.ignorant = self.ignorant >> place & 1;
    }
}

/// Whether it is known of a command that the target refuses it, or only not known that it takes it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Certainty {
    knows_all: bool,
}

impl Certainty {
    /// Whether the target certainly refuses a record of which it is thought so.
    pub(crate) fn refuses(self, opinion: Opinion) -> bool {
        match opinion {
            Opinion::Unknown => self.knows_all,
            // It may have been loaded with a module that has it.
            Opinion::Unsure => false,
            other => !other.goes_on(),
        }
    }
}

/// Whether a command that no table gives to this target is one that it is known not to have: a server that was not run may
/// have learnt it.
fn knows_all(target: Target) -> bool {
    !matches!(target.knowledge, Knowledge::Documented | Knowledge::Newer)
}

impl SegmentFacts {
    fn settle(&mut self, place: usize, knows_all: bool) {
        let objections = self.objections.get(place).copied();
        self.objections = objections.into_iter().collect();
        self.come_to(&objections.unwrap_or_default(), knows_all);
        let mut places: HashMap<(u8, Vec<u8>), usize> = HashMap::new();
        let mut settled: Vec<Seen> = Vec::with_capacity(self.seen.len());
        for seen in std::mem::take(&mut self.seen) {
            let What::Raw(raw) = seen.what else {
                settled.push(seen);
                continue;
            };
            let Some(what) = raw.0.settled(place, knows_all) else { continue };
            let key = key(&what);
            match key.as_ref().and_then(|key| places.get(key)) {
                Some(&first) => {
                    settled[first].count += seen.count;
                    settled[first].bytes += seen.bytes;
                }
                None => {
                    places.extend(key.map(|key| (key, settled.len())));
                    settled.push(Seen { what, ..seen });
                }
            }
        }
        self.seen = settled;
    }

    /// How far the loader comes, and why no further.
    fn come_to(&mut self, objections: &Objections, knows_all: bool) {
        let &Objections { refused, perhaps, own_cut } = objections;
        let at = |state: &State| state.halt.map_or(u64::MAX, |halt| halt.at);
        let is_doubt = |state: &State| {
            !knows_all && state.halt.is_some_and(|halt| halt.cause == Cause::Unknown)
        };
        let (doubted, refused) = match refused {
            Some(state) if is_doubt(&state) => (Some(state), None),
            refused => (None, refused),
        };
        let certain =
            refused.map_or((self.sound(), self.broken), |state| (state.reached, state.halt));
        let stop = certain.1.map_or(u64::MAX, |halt| halt.at);
        let doubt = [doubted, perhaps].into_iter().flatten().min_by_key(at);
        let doubt = doubt.filter(|doubt| at(doubt) < stop);
        let loader = doubt.map_or(certain.0, |doubt| doubt.reached);
        self.end_at(Ends { loader, ..self.ends() });
        self.halt = certain.1;
        self.doubt = doubt.as_ref().map(at);
        self.own_cut = own_cut;
    }
}

/// What is counted together.
fn key(what: &What) -> Option<(u8, Vec<u8>)> {
    match what {
        What::UnknownCommand { name, .. } => Some((0, name.to_ascii_uppercase())),
        What::WrongArity { name, fatal, .. } => {
            Some((1 + u8::from(*fatal), name.to_ascii_uppercase()))
        }
        What::DeadlyCommand(name) => Some((3, name.to_ascii_uppercase())),
        What::MissingModule { name, .. } => Some((4, name.to_ascii_uppercase())),
        _ => None,
    }
}

impl Inner {
    fn settled(self, place: usize, knows_all: bool) -> Option<What> {
        let among = |some: u64| some >> place & 1 == 1;
        match self {
            Self::Call { name, argc, is_taken, opinions } => match opinions.of(place) {
                Opinion::Fine => None,
                opinion @ (Opinion::Unknown | Opinion::Unsure) => {
                    let is_learnt = is_taken || Certainty { knows_all }.refuses(opinion);
                    Some(What::UnknownCommand { name, is_learnt })
                }
                Opinion::Missing => Some(What::MissingModule { name, need: Need::Command }),
                Opinion::GoesOn => Some(What::WrongArity { name, argc, fatal: false }),
                Opinion::WrongArity => Some(What::WrongArity { name, argc, fatal: true }),
                Opinion::Deadly => Some(What::DeadlyCommand(name)),
            },
            Self::RdbVersion { header, refuse } => {
                among(refuse).then_some(What::RdbVersion(header))
            }
            Self::RdbNumber { number, lack } => among(lack).then_some(What::RdbNumber(number)),
            Self::Module { module, missing, .. } if among(missing) => {
                let (name, need) = (module.name.into_bytes(), module.need.into());
                Some(What::MissingModule { name, need })
            }
            Self::Module { module, unsure, .. } => {
                among(unsure).then(|| What::DoubtfulModule(Box::new(module)))
            }
            Self::Trap { name, fatal } => Some(What::Trap { name, fatal: among(fatal) }),
            Self::Database { db, is_rdb, refuse } => {
                among(refuse).then_some(What::BeyondDatabases { db, is_rdb })
            }
            Self::Payload { payload, among: whom, ends } => among(whom).then(|| {
                let ends = among(ends);
                What::Payload(Box::new(Payload { ends, ..payload }))
            }),
            Self::Annotation { refuse } => among(refuse).then_some(What::RefusedAnnotation),
        }
    }
}
