//! Key patterns as KEYS and SCAN MATCH understand them: on bytes, without a special meaning of `/` or `:`.
//!
//! | in a pattern | stands for |
//! |---|---|
//! | `*` | any bytes, or none |
//! | `?` | any one byte |
//! | `[abc]` `[a-z]` | one of these; a range may be given backwards |
//! | `[^abc]` | any one byte but these |
//! | `\x` | the byte `x` itself, in brackets too |
//!
//! What is odd in a server's matcher is kept: brackets that are not closed end with the pattern, a range
//! takes the byte after `-` even when it is `]`, bytes beyond 127 come before all others in it (as a signed
//! `char` does on x86-64), and a backslash at the very end means itself. One thing
//! differs: `*` here takes the empty key as well, as KEYS does and SCAN does not.

/// A pattern, read once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glob(Vec<Token>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    /// Any bytes.
    Many,
    /// Any one byte.
    One,
    /// This byte.
    Byte(u8),
    /// One of a set of bytes.
    Class(Box<[bool; 256]>),
}

impl Token {
    fn takes(&self, byte: u8) -> bool {
        match self {
            Self::Many | Self::One => true,
            Self::Byte(own) => *own == byte,
            Self::Class(set) => set[usize::from(byte)],
        }
    }
}

impl Glob {
    /// Reads a pattern. Every sequence of bytes is one.
    pub fn new(pattern: &[u8]) -> Self {
        let mut tokens = Vec::new();
        let mut rest = pattern;
        while let Some((&byte, after)) = rest.split_first() {
            rest = after;
            tokens.push(match byte {
                b'*' if tokens.last() == Some(&Token::Many) => continue,
                b'*' => Token::Many,
                b'?' => Token::One,
                b'[' => {
                    let (set, after) = class(rest);
                    rest = after;
                    Token::Class(Box::new(set))
                }
                b'\\' => match rest.split_first() {
                    Some((&escaped, after)) => {
                        rest = after;
                        Token::Byte(escaped)
                    }
                    None => Token::Byte(b'\\'),
                },
                _ => Token::Byte(byte),
            });
        }
        Self(tokens)
    }

    /// Whether the whole of `key` fits.
    pub fn matches(&self, key: &[u8]) -> bool {
        let tokens = &self.0;
        let (mut token, mut at) = (0, 0);
        // The last `*` and where it would end if it took one byte more: all there is to go back to.
        let mut retry: Option<(usize, usize)> = None;
        loop {
            match tokens.get(token) {
                Some(Token::Many) => {
                    retry = Some((token, at + 1));
                    token += 1;
                    continue;
                }
                Some(one) if key.get(at).is_some_and(|byte| one.takes(*byte)) => {
                    token += 1;
                    at += 1;
                    continue;
                }
                None if at == key.len() => return true,
                _ => {}
            }
            match retry {
                Some((star, from)) if from <= key.len() => {
                    (token, at) = (star + 1, from);
                    retry = Some((star, from + 1));
                }
                _ => return false,
            }
        }
    }
}

/// The bytes that a bracket expression takes, and the pattern after it.
fn class(pattern: &[u8]) -> ([bool; 256], &[u8]) {
    let mut set = [false; 256];
    let (negated, mut rest) = match pattern.split_first() {
        Some((b'^', after)) => (true, after),
        _ => (false, pattern),
    };
    loop {
        rest = match *rest {
            [] => break,
            [b'\\', escaped, ref after @ ..] => {
                set[usize::from(escaped)] = true;
                after
            }
            [b']', ref after @ ..] => {
                rest = after;
                break;
            }
            [from, b'-', to, ref after @ ..] => {
                let (from, to) = (from.cast_signed(), to.cast_signed());
                for byte in from.min(to)..=from.max(to) {
                    set[usize::from(byte.cast_unsigned())] = true;
                }
                after
            }
            [byte, ref after @ ..] => {
                set[usize::from(byte)] = true;
                after
            }
        };
    }
    if negated {
        set.iter_mut().for_each(|taken| *taken = !*taken);
    }
    (set, rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_take_what_a_server_takes() {
        let cases: [(&str, &[&str], &[&str]); 14] = [
            ("user:42", &["user:42"], &["user:421", "user:4", ""]),
            ("*", &["", "a", "a:b/c"], &[]),
            ("user:*", &["user:", "user:42"], &["xuser:1"]),
            ("*:42", &["user:42", ":42"], &["user:421"]),
            ("a*b*c", &["abc", "axbyc", "abcbc"], &["ab", "abcd"]),
            ("h?llo", &["hello", "h?llo"], &["hllo", "heello"]),
            ("h[ae]llo", &["hallo", "hello"], &["hillo"]),
            ("h[^ae]llo", &["hillo"], &["hallo", "hllo"]),
            ("[c-a]", &["a", "b", "c"], &["d"]),
            ("\\*", &["*"], &["a", "\\*"]),
            ("[\\]]x", &["]x"], &["\\x"]),
            ("a\\", &["a\\"], &["a"]),
            ("x[ab", &["xa", "xb"], &["x", "xab"]),
            ("[a-]", &["]", "^", "a"], &["-"]),
        ];
        for (pattern, yes, no) in cases {
            let glob = Glob::new(pattern.as_bytes());
            for key in yes {
                assert!(glob.matches(key.as_bytes()), "{pattern} takes {key}");
            }
            for key in no {
                assert!(!glob.matches(key.as_bytes()), "{pattern} does not take {key}");
            }
        }
    }

    #[test]
    fn many_stars_take_no_more_than_a_moment() {
        let glob = Glob::new("a*".repeat(200).as_bytes());
        assert!(!glob.matches(&[b"a".repeat(100), b"b".repeat(10_000)].concat()));
        assert!(glob.matches(&b"a".repeat(10_000)));
    }
}
