//! Where a record might begin again after damage.

use memchr::memchr_iter;

/// Offsets in `window` of places that look like the start of a record: `*`, a digit that is not 0, and
/// nothing but digits up to CRLF and `$` as far as the window shows. Finding out whether it is one is
/// the caller's business.
pub fn candidates(window: &[u8]) -> impl Iterator<Item = usize> + '_ {
    memchr_iter(b'*', window).filter(|&at| plausible(&window[at + 1..]))
}

fn plausible(rest: &[u8]) -> bool {
    let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
    let after = &rest[digits..];
    let tail = b"\r\n$";
    let shown = after.len().min(tail.len());
    rest.first().is_none_or(|&b| b != b'0')
        && (digits > 0 || rest.is_empty())
        && digits <= 10
        && after[..shown] == tail[..shown]
}

/// Offsets in `window` of places that look like the header of an argument, as far as the window shows.
pub fn argument_headers(window: &[u8]) -> impl Iterator<Item = usize> + '_ {
    memchr_iter(b'$', window).filter(|&at| {
        let rest = &window[at + 1..];
        let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
        let after = &rest[digits..];
        let shown = after.len().min(2);
        (digits > 0 || rest.is_empty()) && digits <= 10 && after[..shown] == b"\r\n"[..shown]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_places_that_can_begin_a_record_are_candidates() {
        let places = |bytes: &[u8]| candidates(bytes).collect::<Vec<_>>();
        assert_eq!(places(b"xx*3\r\n$3\r\nSET"), [2]);
        assert_eq!(places(b"*0\r\n$1*x*12\n*3\r\n:"), [] as [usize; 0]);
        assert_eq!(places(b"***3\r\n"), [2]);
        assert_eq!(places(b"x*"), [1]);
    }
}
