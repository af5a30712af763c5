//! What is wrong in production, and the line to write: configuration, running server, files and machine against one list
//! of rules.
//!
//! [`Subject`] holds all that could be looked at, [`audit()`] judges it by the rules of [`rules()`]. A rule speaks only of
//! what was seen: where a setting, a server or a file is not known, it is silent. Nothing here changes anything, and no
//! secret gets into a [`Finding`].

mod access;
mod acl;
mod compared;
mod elasticache;
mod finding;
mod fixes;
mod report;
mod rule;
mod rules;
mod sentinel;
mod settings;
mod subject;

pub use elasticache::Described;
pub use finding::{Finding, Fix, Place};
pub use report::{Report, audit};
pub use rule::{Group, Rule, named};
pub use rules::rules;
pub use sentinel::SentinelConf;
pub use settings::{Seen, Value};
pub use subject::{NodesSeen, SetSeen, Subject};
