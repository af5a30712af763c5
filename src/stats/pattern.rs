//! The pattern that keys of one family share: `user:*:profile`, or their first words.

/// Words of a key that are looked at; what follows is one more.
const WORDS: usize = 32;

/// Longest pattern, in bytes: what is longer is no family of keys but noise.
const LONGEST: usize = 256;

/// How keys are put into families.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grouping {
    /// Bytes that end a word.
    separators: Vec<u8>,
    /// Families by so many first words, one report for each number; none: whatever looks like an
    /// identifier is taken for one.
    pub(super) depths: Vec<usize>,
    /// What every byte says about the word it is in.
    classes: [u8; 256],
}

/// The byte ends a word.
const SEPARATOR: u8 = 1;
const DIGIT: u8 = 2;
/// No hexadecimal number has it.
const NOT_HEX: u8 = 4;
/// No number, date or address has it.
const NOT_NUMBER: u8 = 8;
const UPPER: u8 = 16;
const LOWER: u8 = 32;
/// No printable ASCII.
const UNPRINTABLE: u8 = 64;

fn class(byte: u8) -> u8 {
    let when = |condition: bool, class: u8| if condition { class } else { 0 };
    when(byte.is_ascii_digit(), DIGIT)
        | when(!(byte.is_ascii_hexdigit() || b"-x".contains(&byte)), NOT_HEX)
        | when(!(byte.is_ascii_digit() || b"-._+".contains(&byte)), NOT_NUMBER)
        | when(byte.is_ascii_uppercase(), UPPER)
        | when(byte.is_ascii_lowercase(), LOWER)
        | when(!(b' '..=b'~').contains(&byte), UNPRINTABLE)
}

impl Default for Grouping {
    fn default() -> Self {
        Self::new(b":", &[])
    }
}

impl Grouping {
    /// Words end with any of `separators`. With `depths` families share so many first words; without,
    /// whatever looks like an identifier is taken for one.
    pub fn new(separators: &[u8], depths: &[usize]) -> Self {
        let mut classes = [0; 256];
        for (byte, of_byte) in (0..=u8::MAX).zip(&mut classes) {
            *of_byte = class(byte) | if separators.contains(&byte) { SEPARATOR } else { 0 };
        }
        Self { separators: separators.to_vec(), depths: depths.to_vec(), classes }
    }

    fn deepest(&self) -> Option<usize> {
        self.depths.iter().max().copied()
    }

    /// Writes the pattern of `key` to `pattern`.
    pub fn pattern(&self, key: &[u8], pattern: &mut Vec<u8>) {
        pattern.clear();
        match self.deepest() {
            Some(depth) => {
                let head = self.head(key, depth);
                pattern.extend_from_slice(&head[..head.len().min(LONGEST)]);
                pattern.push(b'*');
            }
            None if key.is_empty() => pattern.push(b'*'),
            None => self.shape(key, pattern),
        }
    }

    /// Words as they are, and `*` for identifiers. One look at every byte.
    fn shape(&self, key: &[u8], pattern: &mut Vec<u8>) {
        let mut from = 0;
        for _ in 0..WORDS {
            let (at, spelled) = self.word(key, from);
            let word = &key[from..at];
            if pattern.len() + spelled >= LONGEST {
                break;
            }
            pattern.extend_from_slice(&word[..spelled]);
            if spelled < word.len() {
                pattern.push(b'*');
            }
            match key.get(at) {
                Some(&separator) => pattern.push(separator),
                None => return,
            }
            from = at + 1;
        }
        pattern.push(b'*');
    }

    /// Where the word of `key` that begins at `from` ends, and how much of it is spelled out in a pattern.
    #[inline]
    fn word(&self, key: &[u8], from: usize) -> (usize, usize) {
        let (mut seen, mut digits, mut plain_end, mut at) = (0, 0, from, from);
        while let Some(&byte) = key.get(at) {
            let class = self.classes[usize::from(byte)];
            if class & SEPARATOR != 0 {
                break;
            }
            seen |= class;
            digits += usize::from(class & DIGIT != 0);
            at += 1;
            if class & DIGIT == 0 {
                plain_end = at;
            }
        }
        (at, spelled(&key[from..at], seen, digits, plain_end - from))
    }

    /// Whether `pattern`, which some key has, plainly is the one of `key` too: the words are the same but
    /// for identifiers. `false` where it takes a closer look; quicker than to make the pattern.
    #[inline]
    pub(super) fn is_plainly(&self, pattern: &[u8], key: &[u8]) -> bool {
        if !self.depths.is_empty() {
            return false;
        }
        let (mut at, mut begins) = (0, true);
        for &byte in pattern {
            if begins && byte == b'*' {
                let (end, spelled) = self.word(key, at);
                if end == at || spelled > 0 {
                    return false;
                }
                at = end;
            } else if key.get(at) == Some(&byte) {
                at += 1;
            } else {
                return false;
            }
            begins = self.classes[usize::from(byte)] & SEPARATOR != 0;
        }
        at == key.len()
    }

    /// Where the only `*` of a pattern stands, when that is a whole word: all of `user:*:profile` but this
    /// word is spelled out.
    pub(super) fn only_star(&self, pattern: &[u8]) -> Option<usize> {
        let mut stars = memchr::memchr_iter(b'*', pattern);
        let at = stars.next().filter(|_| self.depths.is_empty())?;
        let separates = |byte: &u8| self.classes[usize::from(*byte)] & SEPARATOR != 0;
        let is_word =
            pattern[..at].last().is_none_or(separates) && pattern.get(at + 1).is_none_or(separates);
        (is_word && stars.next().is_none()).then_some(at)
    }

    /// As [`Self::is_plainly`] for a pattern whose [`Self::only_star`] is at `star`; quicker.
    #[inline]
    pub(super) fn is_plainly_with(&self, pattern: &[u8], star: usize, key: &[u8]) -> bool {
        let (head, tail) = (&pattern[..star], &pattern[star + 1..]);
        // At least one byte stands in the place of the `*`.
        if key.len() < pattern.len() || !key.starts_with(head) || !key.ends_with(tail) {
            return false;
        }
        let word = &key[star..key.len() - tail.len()];
        let (mut seen, mut digits, mut plain_end) = (0, 0, 0);
        for (at, &byte) in word.iter().enumerate() {
            let class = self.classes[usize::from(byte)];
            let is_digit = class & DIGIT != 0;
            seen |= class;
            digits += usize::from(is_digit);
            plain_end = if is_digit { plain_end } else { at + 1 };
        }
        seen & SEPARATOR == 0 && spelled(word, seen, digits, plain_end) == 0
    }

    /// Whether all of a key but for one word is spelled out in a pattern whose [`Self::only_star`] is at `star`, whatever that
    /// word is.
    #[inline]
    pub(super) fn is_any_word(&self, pattern: &[u8], star: usize, key: &[u8]) -> bool {
        let (head, tail) = (&pattern[..star], &pattern[star + 1..]);
        // In a longer key not all words may be looked at.
        let is_alike = (pattern.len()..LONGEST).contains(&key.len())
            && key.starts_with(head)
            && key.ends_with(tail);
        let separates = |byte: &u8| self.classes[usize::from(*byte)] & SEPARATOR != 0;
        is_alike && !key[star..key.len() - tail.len()].iter().any(separates)
    }

    /// The first `depth` words of a key that has more, with the separator after them. Of a shorter key
    /// all but the last word, which names the key.
    pub(super) fn head<'k>(&self, key: &'k [u8], depth: usize) -> &'k [u8] {
        let ends = key.iter().enumerate().filter(|(_, byte)| self.separators.contains(byte));
        let end = ends.take(depth).last().map_or(0, |(at, _)| at + 1);
        &key[..end]
    }

    /// Words, each with the separator that ends it.
    pub(super) fn words<'k>(&self, key: &'k [u8]) -> impl Iterator<Item = (&'k [u8], Option<u8>)> {
        key.split_inclusive(|byte| self.separators.contains(byte))
            .map(|piece| match piece.split_last() {
                Some((last, word)) if self.separators.contains(last) => (word, Some(*last)),
                _ => (piece, None),
            })
            .chain(match key.last() {
                // A separator at the end is followed by an empty word.
                Some(last) if self.separators.contains(last) => Some((&[][..], None)),
                _ => None,
            })
    }

    /// The next wider family of so many first words: the last one goes. `None` when there is nothing left to widen.
    pub(super) fn wider(&self, pattern: &[u8]) -> Option<Vec<u8>> {
        let body = pattern.strip_suffix(b"*")?;
        let body = &body[..body.len().checked_sub(1)?];
        let last = body.iter().rposition(|byte| self.separators.contains(byte));
        let mut wider = body[..last.map_or(0, |at| at + 1)].to_vec();
        wider.push(b'*');
        Some(wider)
    }
}

/// How much of a word is spelled out in a pattern: all of it, or nothing of an identifier, or what
/// stands before a number. `seen` are the classes of its bytes, and the last that is no digit ends at
/// `plain_end`.
fn spelled(word: &[u8], seen: u8, digits: usize, plain_end: usize) -> usize {
    if seen & UNPRINTABLE != 0 {
        let text = std::str::from_utf8(word).ok().filter(|_| digits == 0);
        let is_word = text.is_some_and(|text| !text.chars().any(char::is_control));
        return if is_word { word.len() } else { 0 };
    }
    if digits == 0 {
        return word.len();
    }
    let is_number = seen & NOT_NUMBER == 0;
    let is_hex = seen & NOT_HEX == 0 && word.len() >= 8;
    let is_mixed = seen & (UPPER | LOWER) == UPPER | LOWER;
    let is_token = word.len() >= 16 && (digits * 8 >= word.len() || is_mixed);
    if is_number || is_hex || is_token {
        return 0;
    }
    // A version or a shard number tells families apart; a longer number counts things.
    if word.len() - plain_end >= 3 { plain_end } else { word.len() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(grouping: &Grouping, key: &str) -> String {
        let mut pattern = Vec::new();
        grouping.pattern(key.as_bytes(), &mut pattern);
        String::from_utf8(pattern).unwrap()
    }

    #[test]
    fn identifiers_collapse_and_words_stay() {
        let grouping = Grouping::default();
        for (key, wanted) in [
            ("user:42:profile", "user:*:profile"),
            ("user:42", "user:*"),
            ("session:00ff12ab90cd34ef", "session:*"),
            ("cart:6ba7b810-9dad-11d1-80b4-00c04fd430c8:items", "cart:*:items"),
            ("log:2024-01-31", "log:*"),
            ("ip:10.0.0.1", "ip:*"),
            ("memtier-4711", "memtier-*"),
            ("config", "config"),
            ("cache:v2:home", "cache:v2:home"),
            ("12345", "*"),
            ("a:", "a:"),
            ("", "*"),
            ("deadbeef:face", "deadbeef:face"),
            ("t:dGhpcyBpcyBhIHRva2VuMTIz", "t:*"),
            ("größe:1", "größe:*"),
            ("bin:\u{1}\u{2}", "bin:*"),
        ] {
            assert_eq!(pattern(&grouping, key), wanted, "{key}");
        }
    }

    #[test]
    fn the_quick_answer_never_differs_from_the_pattern() {
        let words = ["user", "42", "*", "a-7", "e3b0c44298fc1c14", "v2", "", "x4711", "\u{1}"];
        let grouping = Grouping::default();
        let keys: Vec<String> = (0..words.len().pow(3))
            .map(|n| [n % 9, n / 9 % 9, n / 81].map(|at| words[at]).join(":"))
            .collect();
        let (mut agreed, mut with_star) = (0, 0);
        for (n, known) in keys.iter().enumerate().step_by(5) {
            let known = pattern(&grouping, known);
            for key in keys.iter().skip(n % 3).step_by(3) {
                let is_plainly = grouping.is_plainly(known.as_bytes(), key.as_bytes());
                if is_plainly {
                    assert_eq!(pattern(&grouping, key), known, "{key}");
                    agreed += 1;
                }
                if let Some(star) = grouping.only_star(known.as_bytes()) {
                    let with = grouping.is_plainly_with(known.as_bytes(), star, key.as_bytes());
                    assert_eq!(with, is_plainly, "{known} {key}");
                    with_star += usize::from(with);
                }
            }
        }
        assert!(agreed > 100 && with_star > 50, "{agreed} {with_star}");
        assert!(grouping.is_plainly(b"user:*:profile", b"user:31337:profile"));
        assert!(grouping.is_plainly(b"session:*", b"session:e220a8397b1dcdaf"));
    }

    #[test]
    fn depth_counts_words_and_separators_may_be_several() {
        let of = |depth, key| pattern(&Grouping::new(b":/", &[depth]), key);
        assert_eq!(of(1, "user:42:profile"), "user:*");
        assert_eq!(of(2, "user:42/profile"), "user:42/*");
        assert_eq!(of(2, "user:42"), "user:*");
        assert_eq!(of(1, "config"), "*");
        assert_eq!(of(1, ""), "*");
        assert_eq!(of(9, "a:b:c"), "a:b:*");
    }

    #[test]
    fn widening_ends_with_the_rest() {
        let grouping = Grouping::new(b":", &[3]);
        for key in ["a:b:c:d", "a", "::", "", "a:1:b:2", "*"] {
            let mut now = Vec::new();
            grouping.pattern(key.as_bytes(), &mut now);
            for round in 0.. {
                assert!(round < 10, "{key}");
                let Some(wider) = grouping.wider(&now) else { break };
                assert_ne!(wider, now, "{key}");
                now = wider;
            }
        }
    }

    #[test]
    fn any_word_may_stand_in_a_closed_place() {
        let grouping = Grouping::default();
        let is_any = |key: &str| grouping.is_any_word(b"user:*:cart", 5, key.as_bytes());
        assert!(is_any("user:alice:cart") && is_any("user:4711:cart"));
        assert!(!is_any("user::cart") && !is_any("user:a:b:cart") && !is_any("user:a:carts"));
        assert!(!is_any(&format!("user:{}:cart", "x".repeat(LONGEST))));
    }
}
