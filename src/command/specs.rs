//! Where a command's keys are, as the tables say it.
//!
//! A cell is `FLAGS@BEGIN+LAST/STEP/LIMIT` or `FLAGS@BEGIN#INDEX/FIRST/STEP` for each group of keys, with blanks
//! between; `BEGIN` is a number or `KEYWORD:FROM`; `?` stands where only code can find them. It is read once,
//! when the table is built.

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

/// The groups of keys in one cell of the table. What only code can find is left out, as is what is no
/// key at all (channels).
pub(super) fn parse(cell: &'static str) -> Vec<Spec> {
    cell.split(' ').filter_map(spec).collect()
}

fn spec(text: &'static str) -> Option<Spec> {
    let (flags, place) = text.split_once('@')?;
    if flags.split(',').any(|flag| flag == "not_key") {
        return None;
    }
    let (begin, find) = match place.split_once('#') {
        Some((begin, numbers)) => {
            let [index, first, step] = three(numbers)?;
            let size = |n: i64| usize::try_from(n).ok();
            (
                begin,
                Find::Count { index: size(index)?, first: size(first)?, step: size(step)?.max(1) },
            )
        }
        None => {
            let (begin, numbers) = place.split_once('+')?;
            let [last, step, limit] = three(numbers)?;
            let size = |n: i64| usize::try_from(n).ok();
            (begin, Find::Range { last, step: size(step)?.max(1), limit: size(limit)? })
        }
    };
    Some(Spec { begin: begin_of(begin)?, find })
}

fn begin_of(text: &'static str) -> Option<Begin> {
    let Some((keyword, from)) = text.rsplit_once(':') else {
        return text.parse().ok().map(Begin::Index);
    };
    let from: i64 = from.parse().ok()?;
    let at = usize::try_from(from.unsigned_abs()).ok()?;
    Some(if from < 0 { Begin::KeywordFromEnd(keyword, at) } else { Begin::Keyword(keyword, at) })
}

fn three(text: &str) -> Option<[i64; 3]> {
    let mut numbers = text.split('/').map(|number| number.parse().ok());
    let three = [numbers.next()??, numbers.next()??, numbers.next()??];
    numbers.next().is_none().then_some(three)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_column_is_understood() {
        let find = Find::Range { last: -1, step: 2, limit: 0 };
        assert_eq!(parse("OW,update@1+-1/2/0"), [Spec { begin: Begin::Index(1), find }]);
        let find = Find::Count { index: 0, first: 1, step: 1 };
        let begin = Begin::Keyword("STREAMS", 4);
        assert_eq!(parse("RO@STREAMS:4#0/1/1"), [Spec { begin, find }]);
        let begin = Begin::KeywordFromEnd("KEYS", 2);
        let find = Find::Range { last: -1, step: 1, limit: 0 };
        assert_eq!(parse("RO@KEYS:-2+-1/1/0"), [Spec { begin, find }]);
        assert_eq!(parse("not_key@1+0/1/0 RO@?"), []);
        assert_eq!(parse("-"), []);
        assert_eq!(parse("RO@1+0/1"), []);
    }
}
