//! Families of keys as a tree of words, in which a place that has too many words closes.
//!
//! A path from the root spells a pattern. As soon as more than [`SIBLINGS`] words stand in one place, all of them become `*`
//! there, what lies below them becomes one, and this is remembered: what comes later is `*` at once. So the tree stays small
//! while it grows, and each word costs one search among at most so many. Which places close depends on the set of patterns
//! alone, not on their order, nor on how they were split among trees that are merged: words in one place are never forgotten
//! before it closes.

/// Words in one place that are still told apart.
const SIBLINGS: usize = 64;

/// Stands for what differs.
const STAR: &[u8] = b"*";

/// The node at which all patterns begin.
const ROOT: u32 = 0;

/// What ends a word: a separator, or the end of the key.
type End = Option<u8>;

#[derive(Clone, Debug, Default)]
struct Node {
    /// Words with what ends them, in order, and where they lead.
    words: Vec<(Word, u32)>,
    /// Ends of words that all became `*` here.
    closed: Vec<End>,
    family: Option<u32>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Word {
    end: End,
    text: Box<[u8]>,
}

impl Word {
    fn star(end: End) -> Self {
        Self { end, text: STAR.into() }
    }

    fn is_star(&self) -> bool {
        *self.text == *STAR
    }
}

impl Node {
    fn find(&self, text: &[u8], end: End) -> Result<usize, usize> {
        self.words.binary_search_by(|(word, _)| word.end.cmp(&end).then((*word.text).cmp(text)))
    }

    /// An end of more words than may stand here, unless they are closed and gone.
    fn crowded(&self, most: usize) -> Option<End> {
        let of_one_end = self.words.chunk_by(|(a, _), (b, _)| a.end == b.end);
        of_one_end
            .filter_map(|words| {
                let open = words.iter().filter(|(word, _)| !word.is_star()).count();
                let end = words[0].0.end;
                let must_go = open > most || open > 0 && self.closed.contains(&end);
                must_go.then_some(end)
            })
            .next()
    }
}

/// Where a pattern leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// The family.
    pub(super) family: u32,
    /// Words of it became `*` because their place is closed.
    pub(super) was_closed: bool,
}

/// The tree.
#[derive(Clone, Debug)]
pub(super) struct Tree {
    nodes: Vec<Node>,
    most: usize,
    /// The family of `*` alone.
    rest: u32,
    /// All patterns lead there, for even stars were too many.
    is_flat: bool,
    /// Nodes that are no longer in use.
    free: Vec<u32>,
    /// Which families have become which others, since somebody asked.
    joined: Vec<(u32, u32)>,
}

impl Tree {
    /// One in which `*` alone leads to this family.
    pub(super) fn new(rest: u32) -> Self {
        let (nodes, free, joined) = (vec![Node::default()], Vec::new(), Vec::new());
        let mut tree = Self { nodes, most: SIBLINGS, rest, is_flat: false, free, joined };
        let star = tree.add(ROOT, Word::star(None));
        tree.node(star).family = Some(rest);
        tree
    }

    fn node(&mut self, at: u32) -> &mut Node {
        &mut self.nodes[at as usize]
    }

    /// A new node behind a word that is not there.
    fn add(&mut self, at: u32, word: Word) -> u32 {
        let new = self.free.pop().unwrap_or_else(|| {
            self.nodes.push(Node::default());
            self.nodes.len() as u32 - 1
        });
        let node = self.node(at);
        if let Err(place) = node.find(&word.text, word.end) {
            node.words.insert(place, (word, new));
        }
        new
    }

    /// The family of a pattern, which is `fresh` where there is none yet; `path` becomes the pattern under which it is told.
    pub(super) fn find<'p>(
        &mut self,
        words: impl Iterator<Item = (&'p [u8], End)>,
        fresh: u32,
        path: &mut Vec<u8>,
    ) -> Found {
        let (mut at, mut was_closed) = (ROOT, false);
        path.clear();
        if self.is_flat {
            path.extend_from_slice(STAR);
            return Found { family: self.rest, was_closed: false };
        }
        for (text, end) in words {
            let node = &self.nodes[at as usize];
            let is_closed = text != STAR && node.closed.contains(&end);
            let text = if is_closed { STAR } else { text };
            was_closed |= is_closed;
            path.extend_from_slice(text);
            path.extend(end);
            at = match node.find(text, end) {
                Ok(place) => node.words[place].1,
                Err(_) => {
                    let new = self.add(at, Word { end, text: text.into() });
                    if self.nodes[at as usize].crowded(self.most).is_some() {
                        self.settle(at);
                        was_closed = true;
                        // What was spelled out of it is a star now.
                        let spelled = text.len() + usize::from(end.is_some());
                        path.truncate(path.len() - spelled);
                        path.extend_from_slice(STAR);
                        path.extend(end);
                        self.behind_star(at, end)
                    } else {
                        new
                    }
                }
            };
        }
        Found { family: *self.node(at).family.get_or_insert(fresh), was_closed }
    }

    fn behind_star(&mut self, at: u32, end: End) -> u32 {
        match self.nodes[at as usize].find(STAR, end) {
            Ok(place) => self.nodes[at as usize].words[place].1,
            Err(_) => self.add(at, Word::star(end)),
        }
    }

    /// Closes what is crowded at a node, until nothing is.
    fn settle(&mut self, at: u32) {
        while let Some(end) = self.nodes[at as usize].crowded(self.most) {
            let node = self.node(at);
            if !node.closed.contains(&end) {
                node.closed.push(end);
            }
            let goes = |(word, _): &(Word, u32)| word.end == end && !word.is_star();
            let gone: Vec<_> = node.words.extract_if(.., |entry| goes(entry)).collect();
            let star = self.behind_star(at, end);
            for (_, below) in gone {
                self.join(star, below);
            }
            self.settle(star);
        }
    }

    /// Puts all that lies at and below a node to another one, without a look at how many words that are.
    fn join(&mut self, to: u32, from: u32) {
        let Node { words, closed, family } = std::mem::take(self.node(from));
        self.free.push(from);
        for end in closed {
            if !self.node(to).closed.contains(&end) {
                self.node(to).closed.push(end);
            }
        }
        self.adopt_family(to, family);
        for (word, below) in words {
            match self.nodes[to as usize].find(&word.text, word.end) {
                Ok(place) => {
                    let mine = self.nodes[to as usize].words[place].1;
                    self.join(mine, below);
                    self.settle(mine);
                }
                Err(place) => self.node(to).words.insert(place, (word, below)),
            }
        }
    }

    fn adopt_family(&mut self, to: u32, family: Option<u32>) {
        let Some(family) = family else { return };
        match self.node(to).family {
            Some(mine) => self.joined.push((family, mine)),
            None => self.node(to).family = Some(family),
        }
    }

    /// Families that have become others since this was asked last: which, and what each is now.
    pub(super) fn take_joined(&mut self) -> Vec<(u32, u32)> {
        std::mem::take(&mut self.joined)
    }

    /// Has fewer words stand in one place from now on; where that is none already, nothing is told apart any more.
    pub(super) fn narrow(&mut self) {
        if self.most == 0 {
            return self.flatten();
        }
        self.most /= 2;
        self.settle_below(ROOT);
    }

    fn flatten(&mut self) {
        let all = self.patterns().into_iter().map(|(family, _)| family);
        let gone = all.filter(|family| *family != self.rest).map(|family| (family, self.rest));
        let joined: Vec<_> = std::mem::take(&mut self.joined).into_iter().chain(gone).collect();
        *self = Self { most: 0, is_flat: true, joined, ..Self::new(self.rest) };
    }

    fn settle_below(&mut self, at: u32) {
        self.settle(at);
        let below: Vec<u32> = self.nodes[at as usize].words.iter().map(|(_, node)| *node).collect();
        below.into_iter().for_each(|node| self.settle_below(node));
    }

    /// Gives families other numbers.
    pub(super) fn renumber(&mut self, number: impl Fn(u32) -> u32) {
        for node in &mut self.nodes {
            node.family = node.family.map(&number);
        }
    }

    /// Takes over another tree. `family` answers the number here of a family there, given the one that stands in its place here
    /// already.
    pub(super) fn merge(&mut self, other: &Self, family: &mut impl FnMut(u32, Option<u32>) -> u32) {
        while self.most > other.most {
            self.narrow();
        }
        if other.is_flat && !self.is_flat {
            self.flatten();
        }
        if self.is_flat {
            for (number, _) in other.patterns() {
                family(number, Some(self.rest));
            }
            return;
        }
        self.graft(ROOT, other, ROOT, family);
        self.settle_below(ROOT);
    }

    fn graft(
        &mut self,
        at: u32,
        other: &Self,
        from: u32,
        family: &mut impl FnMut(u32, Option<u32>) -> u32,
    ) {
        let theirs = &other.nodes[from as usize];
        for end in &theirs.closed {
            if !self.node(at).closed.contains(end) {
                self.node(at).closed.push(*end);
            }
        }
        if let Some(number) = theirs.family {
            let mine = family(number, self.node(at).family);
            self.node(at).family = Some(mine);
        }
        for (word, below) in &theirs.words {
            let mine = match self.nodes[at as usize].find(&word.text, word.end) {
                Ok(place) => self.nodes[at as usize].words[place].1,
                Err(_) => self.add(at, word.clone()),
            };
            self.graft(mine, other, *below, family);
        }
    }

    /// Every family, and the pattern that leads to it.
    pub(super) fn patterns(&self) -> Vec<(u32, Vec<u8>)> {
        let (mut found, mut path) = (Vec::new(), Vec::new());
        self.spell(ROOT, &mut path, &mut found);
        found
    }

    fn spell(&self, at: u32, path: &mut Vec<u8>, found: &mut Vec<(u32, Vec<u8>)>) {
        let node = &self.nodes[at as usize];
        found.extend(node.family.map(|family| (family, path.clone())));
        for (word, below) in &node.words {
            let before = path.len();
            path.extend_from_slice(&word.text);
            path.extend(word.end);
            self.spell(*below, path, found);
            path.truncate(before);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(tree: &mut Tree, pattern: &str, fresh: u32) -> u32 {
        let words: Vec<_> = pattern.split_inclusive(':').collect();
        let words = words.iter().map(|word| match word.strip_suffix(':') {
            Some(text) => (text.as_bytes(), Some(b':')),
            None => (word.as_bytes(), None),
        });
        let family = tree.find(words, fresh, &mut Vec::new()).family;
        tree.take_joined().into_iter().fold(
            family,
            |family, (from, to)| {
                if family == from { to } else { family }
            },
        )
    }

    fn told(tree: &Tree) -> Vec<String> {
        let patterns = tree.patterns().into_iter();
        patterns.map(|(_, pattern)| String::from_utf8(pattern).unwrap()).collect()
    }

    #[test]
    fn a_place_of_too_many_words_closes_and_stays_closed() {
        let mut tree = Tree::new(0);
        for number in 1..=SIBLINGS as u32 {
            assert_eq!(find(&mut tree, &format!("user:w{number}:x"), number), number);
        }
        assert_eq!(tree.patterns().len(), 1 + SIBLINGS);
        let family = find(&mut tree, "user:another:x", 900);
        assert_eq!(told(&tree), ["*", "user:*:x"]);
        assert_eq!(find(&mut tree, "user:one-more:x", 901), family);
        assert_eq!(find(&mut tree, "user:*:y", 902), 902, "what follows is told apart");
    }

    #[test]
    fn nodes_that_are_gone_are_used_again() {
        let mut tree = Tree::new(0);
        let mut fresh = 1;
        for place in 0..40 {
            for number in 0..SIBLINGS + 9 {
                find(&mut tree, &format!("p{place}:w{number}:x"), fresh);
                fresh += 1;
            }
        }
        assert_eq!(tree.patterns().len(), 41);
        assert!(tree.nodes.len() < 400, "{}", tree.nodes.len());
        tree.narrow();
        assert_eq!(told(&tree), ["*", "*:*:x"]);
        (0..6).for_each(|_| tree.narrow());
        assert_eq!((tree.most, told(&tree).len()), (0, 2));
        tree.narrow();
        assert_eq!((told(&tree), find(&mut tree, "a:b", 7)), (vec!["*".to_owned()], 0));
    }
}
