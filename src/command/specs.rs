//! Where a command's keys are, as the `key_specs` column of the table says it.
//!
//! The column is JSON of one fixed form: a list of
//! `{"fl":[FLAGS],"b":{"type":T,...},"f":{"type":T,...}}`, written by a program. It is read by looking
//! for its names, once, when the table is built.

/// Where to begin counting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Begin {
    /// At this argument, the name being 0.
    Index(usize),
    /// After the first argument that is this word in any case, searched from this argument on.
    Keyword(&'static str, usize),
    /// The same, searched backwards from the end: 1 is the last argument.
    KeywordFromEnd(&'static str, usize),
}

/// Which arguments from there on are keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Find {
    /// Up to `last`: from the beginning when not negative, from the number of arguments otherwise. With
    /// `limit` only the first of so many equal parts.
    Range { last: i64, step: usize, limit: usize },
    /// As many as the argument `index` after the beginning says, from `first` after the beginning.
    Count { index: usize, first: usize, step: usize },
}

/// One group of keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Spec {
    pub(super) begin: Begin,
    pub(super) find: Find,
}

/// The groups of keys in one cell of the column. What only code can find is left out, as is what is no
/// key at all (channels).
pub(super) fn parse(cell: &'static str) -> Vec<Spec> {
    cell.split("{\"fl\":[").skip(1).filter_map(spec).collect()
}

fn spec(text: &'static str) -> Option<Spec> {
    let (flags, rest) = text.split_once(']')?;
    if flags.contains("\"not_key\"") {
        return None;
    }
    let begin = object(rest, "\"b\":{")?;
    let find = object(rest, "\"f\":{")?;
    let begin = match word(begin, "type")? {
        "index" => Begin::Index(usize::try_from(number(begin, "index")?).ok()?),
        "keyword" => {
            let from = number(begin, "startfrom")?;
            let at = usize::try_from(from.unsigned_abs()).ok()?;
            let keyword = word(begin, "keyword")?;
            if from < 0 { Begin::KeywordFromEnd(keyword, at) } else { Begin::Keyword(keyword, at) }
        }
        _ => return None,
    };
    let size = |name| usize::try_from(number(find, name)?).ok();
    let find = match word(find, "type")? {
        "range" => Find::Range {
            last: number(find, "lastkey")?,
            step: size("keystep")?.max(1),
            limit: size("limit")?,
        },
        "keynum" => Find::Count {
            index: size("keynumidx")?,
            first: size("firstkey")?,
            step: size("keystep")?.max(1),
        },
        _ => return None,
    };
    Some(Spec { begin, find })
}

fn object(text: &'static str, opening: &str) -> Option<&'static str> {
    text.split_once(opening)?.1.split_once('}').map(|(inside, _)| inside)
}

/// The text after `"name":`.
fn value(text: &'static str, name: &str) -> Option<&'static str> {
    text.split_once(&format!("\"{name}\":")).map(|(_, value)| value)
}

fn word(text: &'static str, name: &str) -> Option<&'static str> {
    value(text, name)?.strip_prefix('"')?.split_once('"').map(|(word, _)| word)
}

fn number(text: &'static str, name: &str) -> Option<i64> {
    value(text, name)?.split(',').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_column_is_understood() {
        let cell = r#"[{"fl":["OW","update"],"b":{"type":"index","index":1},"f":{"type":"range","lastkey":-1,"keystep":2,"limit":0}}]"#;
        let find = Find::Range { last: -1, step: 2, limit: 0 };
        assert_eq!(parse(cell), [Spec { begin: Begin::Index(1), find }]);
        let cell = r#"[{"fl":["RO"],"b":{"type":"keyword","keyword":"STREAMS","startfrom":4},"f":{"type":"keynum","keynumidx":0,"firstkey":1,"keystep":1}}]"#;
        let find = Find::Count { index: 0, first: 1, step: 1 };
        assert_eq!(parse(cell), [Spec { begin: Begin::Keyword("STREAMS", 4), find }]);
        let cell = r#"[{"fl":["not_key"],"b":{"type":"index","index":1},"f":{"type":"range","lastkey":0,"keystep":1,"limit":0}},{"fl":["RO"],"b":{"type":"unknown"},"f":{"type":"unknown"}}]"#;
        assert_eq!(parse(cell), []);
        assert_eq!(parse("[]"), []);
        assert_eq!(parse("key_specs"), []);
    }
}
