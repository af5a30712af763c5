//! One command of a server, as a line of its table has it.

use super::version::{Release, release};

/// One command of a server.
#[derive(Clone, Debug)]
pub(super) struct Row {
    /// `XGROUP|CREATE`
    pub(super) name: &'static str,
    pub(super) arity: i16,
    pub(super) group: Option<&'static str>,
    pub(super) since: Option<Release>,
    pub(super) writes: bool,
    pub(super) keys: &'static str,
}

pub(super) fn row(text: &'static str) -> Option<Row> {
    let mut cells = text.split('\t');
    let name = cells.next().filter(|name| !name.is_empty())?;
    let arity = cells.next()?.parse().ok()?;
    let group = cells.next().map(|group| (group != "-").then_some(group))?;
    let since = cells.next().map(release)?;
    let writes = cells.next()?.split(',').any(|flag| flag == "write");
    Some(Row { name, arity, group, since, writes, keys: cells.next()? })
}
