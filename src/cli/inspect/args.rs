//! What `aofkit inspect` takes: a path alone.

use crate::cli::common::manual::Manual;
use crate::cli::common::outcome::Outcome;

pub const MANUAL: Manual = Manual {
    examples: &[
        ("aofkit inspect /var/lib/redis", "everything about a set on one screen"),
        ("aofkit inspect --conf /etc/redis.conf", "the set of this server"),
        ("aofkit inspect /srv/redis", "a table of all sets below a directory"),
    ],
    remark: "",
    exits: &[
        (Outcome::Done, "shown, also when the set is damaged: `check` answers for that"),
        (Outcome::CouldNot, "the set could not be read"),
        (Outcome::Usage, "the arguments are wrong"),
        (Outcome::NotFound, "no such path, or no set there"),
    ],
};
