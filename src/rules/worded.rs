//! Lines of a configuration of several words that mean different things.
//!
//! | form | words |
//! |---|---|
//! | `address` | a host and a port up to 65535, or no one |
//! | `numbers COUNT LEAST MOST` | so many whole numbers |
//! | `percentages LEAST MOST` | any number of numbers, also with a fraction |
//! | `buffer-limits A\|B` | groups of a class of clients, two sizes, and seconds |
//! | `buffer-limit A\|B` | one such group, of which only the class and the sign of the seconds are looked at |
//! | `acl SIGNS WORDS` | a name, and rules: one of these words, or something behind one of these signs |
//!
//! Numbers are read as C reads them: white space and a plus may stand in front, and nothing at all is 0. Source: the
//! programs' own complaints about such lines.

use super::complaints::{counted, fits, one_of, size, wrong_count};

/// Why a line of this form is refused with these words; `None` where it is taken, or the form is another one.
pub(super) fn refusal(kind: &str, rest: &str, args: &[Vec<u8>]) -> Option<String> {
    let counts = match kind {
        "address" => "2 2".to_owned(),
        "numbers" => {
            let count = rest.split(' ').next().unwrap_or_default();
            format!("{count} {count}")
        }
        "buffer-limit" => "4 4".to_owned(),
        "acl" => "1 -".to_owned(),
        _ => "0 -".to_owned(),
    };
    if !fits(&counts, args.len()) {
        return Some(wrong_count(args.len(), &counted(&counts)));
    }
    match kind {
        "address" => address(args),
        "numbers" => numbers(rest, args),
        "percentages" => percentages(rest, args),
        "buffer-limit" => buffer_limit(rest, args, false),
        "buffer-limits" => buffer_limits(rest, args),
        "acl" => acl(rest, args),
        _ => None,
    }
}

/// Whether lines of this form are the business of this module.
pub(super) fn knows(kind: &str) -> bool {
    ["address", "numbers", "percentages", "buffer-limit", "buffer-limits", "acl"].contains(&kind)
}

/// A whole number as `strtol` reads it, and whether nothing stands behind it. Too large ones are the largest.
fn number(value: &[u8]) -> (i64, bool) {
    let text = value.trim_ascii_start();
    let (sign, digits) = match text {
        [b'-', digits @ ..] => (-1, digits),
        [b'+', digits @ ..] => (1, digits),
        digits => (1, digits),
    };
    let count = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if count == 0 {
        return (0, value.is_empty());
    }
    let add = |sum: i64, digit: &u8| sum.saturating_mul(10).saturating_add(i64::from(digit - b'0'));
    (sign * digits[..count].iter().fold(0, add), count == digits.len())
}

fn address(args: &[Vec<u8>]) -> Option<String> {
    let is = |place: usize, word: &str| args[place].eq_ignore_ascii_case(word.as_bytes());
    let is_port = matches!(number(&args[1]), (0..=65535, true));
    (!(is_port || is(0, "no") && is(1, "one"))).then(|| "must name a host and a port".to_owned())
}

fn numbers(rest: &str, args: &[Vec<u8>]) -> Option<String> {
    let mut bounds = rest.split(' ').skip(1).filter_map(|word| word.parse::<i64>().ok());
    let (least, most) = (bounds.next()?, bounds.next()?);
    let is_fine = |arg: &Vec<u8>| {
        let (number, is_whole) = number(arg);
        is_whole && (least..=most).contains(&number)
    };
    (!args.iter().all(is_fine)).then(|| format!("must be whole numbers between {least} and {most}"))
}

fn percentages(rest: &str, args: &[Vec<u8>]) -> Option<String> {
    let (least, most) = rest.split_once(' ')?;
    let (low, high) = (least.parse::<f64>().ok()?, most.parse::<f64>().ok()?);
    let is_fine = |arg: &Vec<u8>| {
        let text = arg.trim_ascii();
        // Some servers read these, others do not.
        let is_hexadecimal = text.get(..2).is_some_and(|head| head.eq_ignore_ascii_case(b"0x"));
        let number = std::str::from_utf8(text).ok().and_then(|text| text.parse::<f64>().ok());
        text.is_empty()
            || is_hexadecimal
            || number.is_some_and(|number| (low..=high).contains(&number))
    };
    (!args.iter().all(is_fine)).then(|| format!("must be numbers between {least} and {most}"))
}

fn buffer_limits(classes: &str, args: &[Vec<u8>]) -> Option<String> {
    let groups = args.chunks_exact(4);
    if !groups.remainder().is_empty() {
        return Some("takes a class of clients, two sizes and seconds".to_owned());
    }
    groups.clone().find_map(|group| buffer_limit(classes, group, true))
}

fn buffer_limit(classes: &str, args: &[Vec<u8>], is_strict: bool) -> Option<String> {
    let [class, hard, soft, seconds] = args else { return None };
    if let Some(why) = one_of(classes, class) {
        return Some(format!("the class of clients {why}"));
    }
    let is_size = |arg: &Vec<u8>| arg.is_empty() || size(arg).is_some() || !is_plain_size(arg);
    if is_strict && !(is_size(hard) && is_size(soft)) {
        return Some("its limits must be sizes such as 1048576, 1mb or 1m".to_owned());
    }
    let (seconds, is_whole) = number(seconds);
    // Kept in 32 bits.
    let is_negative = (seconds as i32) < 0;
    (is_negative || is_strict && !is_whole)
        .then(|| "its seconds must be a whole number, and not below 0".to_owned())
}

/// Whether a size is written in digits and a unit alone; what is too large is not told.
fn is_plain_size(arg: &[u8]) -> bool {
    let digits = arg.iter().take_while(|byte| byte.is_ascii_digit()).count();
    digits < 20
}

/// Rules of a user, as far as one alone is wrong whatever the others are.
fn acl(rest: &str, args: &[Vec<u8>]) -> Option<String> {
    let (signs, words) = rest.split_once(' ')?;
    let has_selectors = signs.contains('(');
    let (mut is_inside, mut keys, mut channels) = (false, false, false);
    for rule in &args[1..] {
        if is_inside || has_selectors && rule.first() == Some(&b'(') {
            is_inside = rule.last() != Some(&b')');
            continue;
        }
        let is = |word: &str| rule.eq_ignore_ascii_case(word.as_bytes());
        if let Some(why) = one_rule(signs, words, rule) {
            return Some(why);
        }
        let adds_to_all = |sign: u8, all: bool| {
            all && rule.first() == Some(&sign) && rule.as_slice() != [sign, b'*']
        };
        if adds_to_all(b'~', keys) || adds_to_all(b'&', channels) {
            return Some("a rule of it adds a pattern to all that there are".to_owned());
        }
        keys = is("allkeys") || is("~*") || keys && !is("resetkeys") && !is("reset");
        channels =
            is("allchannels") || is("&*") || channels && !is("resetchannels") && !is("reset");
    }
    is_inside.then(|| "a rule of it opens a bracket that is not closed".to_owned())
}

fn one_rule(signs: &str, words: &str, rule: &[u8]) -> Option<String> {
    let is_word = words.split('|').any(|word| match word.strip_suffix('=') {
        Some(_) => {
            rule.len() > word.len() && rule[..word.len()].eq_ignore_ascii_case(word.as_bytes())
        }
        None => rule.eq_ignore_ascii_case(word.as_bytes()),
    });
    let sign = rule.first().filter(|sign| signs.as_bytes().contains(sign));
    let is_hash = |hash: &[u8]| {
        hash.len() == 64 && hash.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let is_fine = match sign {
        Some(b'#' | b'!') => is_hash(&rule[1..]),
        Some(b'~' | b'&' | b'%') => !rule.iter().any(|byte| byte.is_ascii_whitespace()),
        Some(_) => true,
        None => is_word,
    };
    // What a rule says is nobody's business.
    (!is_fine).then(|| "has a rule that is none".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn why(form: &str, line: &str) -> Option<String> {
        let (kind, rest) = form.split_once(' ').unwrap_or((form, ""));
        assert!(knows(kind));
        let words = line.split(' ').filter(|word| !word.is_empty());
        refusal(kind, rest, &words.map(|word| word.as_bytes().to_vec()).collect::<Vec<_>>())
    }

    fn check(form: &str, taken: &[&str], refused: &[&str]) {
        for line in taken {
            assert_eq!(why(form, line), None, "{form}: {line}");
        }
        for line in refused {
            assert!(why(form, line).is_some(), "{form}: {line}");
        }
    }

    #[test]
    fn each_form_takes_what_servers_take() {
        check(
            "address",
            &["h 6379", "h 0", "NO one", "h +5", "h 08"],
            &["h 65536", "h -1", "no x", "h 63x", "h", "h 1 2", "h 99999999999999999999"],
        );
        check(
            "numbers 3 -2000 2000",
            &["0 200 800", "-2000 +8 08"],
            &["x 1 2", "0 0 2001", "0 0", "0 0 8x", "0 0 0x5"],
        );
        check(
            "percentages 0.0 100.0",
            &["", "50 99 99.9", "1e1", ".5 5. +5 -0", "0x10"],
            &["x", "101", "-1", "50 x", "nan", "inf", "e1"],
        );
        check(
            "buffer-limits normal|slave|replica|pubsub",
            &[
                "",
                "normal 0 0 0",
                "Replica 1mb 64m 60",
                "normal 1mb 0 0 pubsub 0 0 0",
                "normal 0 0 4294967296",
            ],
            &[
                "master 0 0 0",
                "normal x 0 0",
                "normal 0 -1 0",
                "normal 0 0 -1",
                "normal 0 0 1.5",
                "normal 0 0",
                "normal 0 0 2147483648",
                "normal 0 0 0 foo 0 0 0",
                "normal 5% 0 0",
            ],
        );
        check(
            "buffer-limit normal|slave|replica|pubsub",
            &["normal x 0 0", "normal 0 0 1.5"],
            &["master 0 0 0", "normal 0 0 -1", "normal 0 0 0 pubsub 0 0 0"],
        );
    }

    #[test]
    fn rules_of_users_are_words_or_stand_behind_a_sign() {
        let hash = format!("x #{}", "a".repeat(64));
        check(
            "acl >#<!~&+-%( on|off|nopass|reset|allkeys|resetkeys|allchannels|resetchannels|db=",
            &[
                "x",
                "x on >pw ~a &b +get -@all %R~a (+get ~b)",
                "x ( +get ~a ) on",
                "x allkeys resetkeys ~a",
                "x ~* ~* allkeys",
                "x db=1",
                &hash,
            ],
            &[
                "",
                "x foo",
                "x on # comment",
                "x #abc",
                "x (+get ~a",
                "x allkeys ~a",
                "x &* &a",
                "x db=",
                "x alldbs",
            ],
        );
        check("acl >#<!~&+- on|off", &["x on"], &["x (+get)", "x %R~a"]);
    }
}
