//! Sums of a walk: what was found so far.

use super::fields::Fields;
use super::met::Tallies;
use super::outcome::Remarks;
use super::strays::Strays;

/// Counters of the current database.
#[derive(Clone, Copy, Debug, Default)]
struct Sizes {
    /// Keys and expires that it should have, and where that stands.
    announced: Option<(u64, u64, u64)>,
    keys: u64,
    expires: u64,
}

/// What was found so far.
#[derive(Clone, Debug)]
pub(super) struct Found {
    /// The current database.
    pub(super) db: u64,
    sizes: Sizes,
    pub(super) keys: u64,
    pub(super) expires: u64,
    pub(super) databases: u64,
    pub(super) highest_db: u64,
    pub(super) functions: u64,
    pub(super) remarks: Remarks,
    /// The slot whose keys these are, where the file says so.
    pub(super) slot: Option<u64>,
    pub(super) strays: Strays,
    pub(super) tallies: Tallies,
    pub(super) fields: Fields,
    pub(super) stored_checksum: Option<u64>,
}

impl Found {
    pub(super) const NOTHING: Self = Self {
        db: 0,
        sizes: Sizes { announced: None, keys: 0, expires: 0 },
        keys: 0,
        expires: 0,
        databases: 0,
        highest_db: 0,
        functions: 0,
        remarks: Remarks::NONE,
        slot: None,
        strays: Strays::NONE,
        tallies: Tallies::NONE,
        fields: Fields::EMPTY,
        stored_checksum: None,
    };

    /// Counts whole keys, `expires` of them with an expiry.
    #[inline]
    pub(super) const fn add_keys(&mut self, keys: u64, expires: u64) {
        self.keys += keys;
        self.sizes.keys += keys;
        self.expires += expires;
        self.sizes.expires += expires;
    }

    /// The file says, at `at`, how many keys and expires the current database has.
    pub(super) const fn announce(&mut self, keys: u64, expires: u64, at: u64) {
        self.sizes.announced = Some((keys, expires, at));
    }

    /// Database `db` begins.
    pub(super) fn open_database(&mut self, db: u64) {
        self.close_database();
        self.slot = None;
        self.db = db;
        self.databases += 1;
        self.highest_db = self.highest_db.max(db);
    }

    /// Compares a database with what was announced for it.
    pub(super) fn close_database(&mut self) {
        let sizes = std::mem::take(&mut self.sizes);
        if let Some((keys, expires, at)) = sizes.announced
            && (keys, expires) != (sizes.keys, sizes.expires)
        {
            self.remarks.wrong_sizes.note(at);
        }
    }
}
