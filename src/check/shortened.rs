//! What is said of files that lost bytes while their server has them open.

use super::finding::bytes;
use crate::neighbours::{Running, Shortened, Sign};
use crate::text;

/// What happened, without what to do; `None` where nothing was shortened.
pub(super) fn told(running: &Running) -> Option<String> {
    let one = running.shortened.first()?;
    let name = text::name(&one.name);
    let who = running
        .servers
        .first()
        .map_or_else(|| "its server".to_owned(), |server| format!("process {}", server.pid));
    let what = match one.sign {
        Sign::EndsBefore(place) => format!(
            "{name} ends at byte {}, and {who}, which has it open, has written up to byte {}: somebody has cut it or \
             written another file over it, or the server took back a write that failed (INFO then says \
             aof_last_write_status:err)",
            text::thousands(one.len),
            text::thousands(place)
        ),
        Sign::Hole(at) if is_its_own(running) => format!(
            "from byte {} of {name} on stand NUL bytes that {who} left there itself: a write failed, as on a full disk, it cut \
             off what had been written of it and went on behind that place. By its count nothing is lost, but no server \
             loads the file as it is",
            text::thousands(at)
        ),
        Sign::Hole(at) => format!(
            "from byte {} of {name} on stand NUL bytes, and {who} writes behind them: somebody has cut the file or written \
             another one over it, or a write of the server failed, as on a full disk (--server tells which). No server loads \
             it as it is",
            text::thousands(at)
        ),
        Sign::Damage(at) => format!(
            "{name} is damaged at byte {}, and {who} has it open and writes on behind that: no server loads it as it is, so \
             it was damaged since. What stood there is in the memory of that server",
            text::thousands(at)
        ),
        Sign::Count { counted, files } => format!(
            "the server counts {} of this set, and the files have {}: somebody has cut one under it, or written another file \
             over it",
            bytes(counted),
            text::thousands(files)
        ),
    };
    Some(what + &more(&running.shortened))
}

/// Whether its count shows that the server left the NUL bytes itself: it does not count what it took back.
fn is_its_own(running: &Running) -> bool {
    let sizes = running.answer.as_ref().and_then(|answer| answer.sizes);
    sizes.is_some_and(|sizes| sizes.counted < sizes.files)
}

fn more(all: &[Shortened]) -> String {
    match all.len() as u64 {
        0 | 1 => String::new(),
        more => format!(" (and {} like that)", text::count(more - 1, "more file")),
    }
}
