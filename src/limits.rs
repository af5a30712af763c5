//! Every bound, each with its reason. A number read from a file meets one of these before it is used.

/// Bytes of one window a reader may ask for at a time, and the size up to which a record is parsed in
/// one piece. Two of them fit in a core's second-level cache, so a file is parsed from cache, not memory.
pub const WINDOW: usize = 256 * 1024;

/// Bytes read of a file at a time as long as its records are small: so few that what was read is still near
/// when it is parsed, together with what an observer keeps.
pub const READ_STEP: usize = 128 * 1024;

/// Bytes a reader may look at far from its window: a few header lines.
pub const PEEK: usize = 4096;

/// Bytes of a file mapped at a time. Small enough that a few of them stay far under the memory promise,
/// large enough that the cost of mapping vanishes.
pub const MAPPED_REGION: u64 = 8 * 1024 * 1024;

/// Bytes of a stream (standard input, zstd) kept behind the reading position, so that damage found late
/// in a record can be read again from its beginning.
pub const STREAM_BACK: usize = 4 * 1024 * 1024;

/// Largest zstd window accepted, as a power of two: 32 MiB, what `zstd --ultra -20` writes. More would
/// break the promise on resident memory.
pub const ZSTD_WINDOW_LOG: u32 = 25;

/// Longest header line the loaders read in one piece, newline included: a 1024-byte buffer keeps one
/// byte for its terminator. What is longer is read as two lines.
pub const LOADER_LINE: usize = 1023;

/// Longest number line redis-check-aof reads in one piece, newline included (a 128-byte buffer).
pub const CHECKER_LINE: usize = 127;

/// Arguments of a record larger than a window whose lengths and first bytes are kept.
pub const OUTLINE_ARGUMENTS: usize = 1024;

/// First bytes kept of each argument of a record larger than a window: names and keys, not values.
pub const OUTLINE_HEAD: usize = 1024;

/// Longest key or library of a base that is held in memory, as it stands in the file and as it is meant, and longest
/// name of a key by which a server is asked for it. Servers allow 512 MB, and nobody has one.
pub const KEY: u64 = 64 * 1024 * 1024;

/// Bytes of the manifest read at most. A line names one file in at most 1 KiB; a set with more than
/// tens of thousands of increments does not exist.
pub const MANIFEST: u64 = 16 * 1024 * 1024;

/// Lines of a manifest at most: each is a file of the set, of which up to 1 KiB is held in memory.
pub const MANIFEST_LINES: usize = 131_072;

/// Bytes of a configuration read at most, everything it includes counted as often as it is included.
pub const CONF: u64 = 16 * 1024 * 1024;

/// Files of a configuration read at most, each as often as it is included: includes of includes multiply.
pub const CONF_FILES: usize = 1000;

/// Names of files that are compared with the patterns of includes at most: a pattern may ask for half of the file system.
pub const CONF_NAMES: usize = 100_000;

/// `include` directives followed into one another before it is called a loop.
pub const CONF_DEPTH: usize = 16;

/// Times a set that keeps changing while it is opened is tried again before giving up.
pub const OPEN_ATTEMPTS: usize = 50;

/// Problems of a sort kept per segment; the rest is counted, so that a file of noise cannot fill memory.
pub const PROBLEMS: usize = 200;

/// Problems kept of all segments of a set from which on each further segment keeps one of each sort.
pub const SET_SEEN: usize = 10_000;

/// Rows of a table of `stats` at most, whatever was asked for: they are held in memory, with their keys, beside what counts
/// them.
pub const TOP: usize = 40_000;

/// Problems of one kind listed of a set beyond the bytes of its files: its manifest has as many lines as it likes, and its
/// directory as many files.
pub const SET_PROBLEMS: u64 = 1000;

/// Places that a plan may take out of a set: beyond that it is noise, or the log of another server. Each is kept as a few
/// numbers, so that a plan stays within [`PLAN_MEMORY`].
pub const RANGES: usize = 400_000;

/// Bytes of context shown around a fault.
pub const CONTEXT: usize = 24;

/// Bytes of a command's name that are told and compared: no server has a command with a longer one.
pub const NAME: usize = 128;

/// Names of commands kept of a segment that no table has.
pub const NAMES: usize = 1024;

/// Whole records in a row, each of a name that has the form of one, that prove a place to be sound although nobody knows
/// their names: as many do not come about inside a value by chance.
pub const STRANGERS: usize = 16;

/// Sound records in a row that prove a place after damage to be sound again (the last ones before the
/// end of the file may be fewer).
pub const SOUND_RECORDS: usize = 3;

/// Sets reported for one directory.
pub const SETS: usize = 10_000;

/// Depth of sub-directories searched for sets below a data directory.
pub const SET_DEPTH: usize = 3;

/// Bytes of a file that go into one object of a backup: small enough that a few fit in memory, large enough
/// that a set of a terabyte has some ten thousand.
pub const BACKUP_SEGMENT: u64 = 64 * 1024 * 1024;

/// Bytes that a backup packs at a time, into one frame: copied while they are walked over, so a few of them are in memory
/// at once; so many that zstd at its first two levels loses 0.1 to 0.6 % by beginning anew, where 2 MiB lose up to 1.2 %.
pub const BACKUP_BLOCK: usize = 8 * 1024 * 1024;

/// The same from level 3 on, whose windows are larger: 8 MiB would lose 1.3 % there and 2.3 % at level 6.
pub const BACKUP_LARGE_BLOCK: usize = 32 * 1024 * 1024;

/// From this level on, whole segments are packed at a time: 8 MiB would lose 6 %, 16 MiB 2.5 %. Who asks for it has the
/// memory, which zstd needs for itself as well.
pub const BACKUP_WHOLE_LEVEL: i32 = 9;

/// Packed bytes of whole segments that may wait for the store while others are packed: more than one that could not be
/// compressed, so that neither waits for the other all the time.
pub const BACKUP_FLIGHT: usize = 96 * 1024 * 1024;

/// Segments in the lists that snapshots share, the longest first. Entry and script repeat fewer of each kind than the next
/// length has of it, so that a snapshot adds the same few KiB however long its files have grown, and every segment
/// is written into three lists at most.
pub const BACKUP_LISTS: [usize; 3] = [4096, 256, 16];

/// Bytes of one document of a repository's catalog read at most: some hundred thousand segments.
pub const CATALOG_DOCUMENT: u64 = 64 * 1024 * 1024;

/// Files of a set that one snapshot holds at most: an entry takes some 750 bytes for each, and with more it might be longer than
/// [`CATALOG_DOCUMENT`], which is known only when all is read and stored.
pub const BACKUP_FILES: usize = 80_000;

/// Largest zstd window accepted in a repository, as a power of two: what `zstd -d` takes without being asked.
pub const BACKUP_WINDOW_LOG: u32 = 27;

/// Bytes of an object of a repository at most. What is packed makes little more than a segment, and so do small frames that
/// were joined; a longer one was not written by aofkit, and is not read.
pub const BACKUP_OBJECT: u64 = 2 * BACKUP_SEGMENT;

/// Directories that an object of a repository lies in, the root counted; they are looked through one in another.
pub const BACKUP_DEPTH: usize = 8;

/// Bytes of one list of segments: twenty times the longest that is written.
pub const BACKUP_LIST: u64 = 16 * 1024 * 1024;

/// Segments that one snapshot names at most: of 64 MiB each, 256 TiB. As references to shared ones they are 32 MiB.
pub const BACKUP_SEGMENTS: u64 = 4 * 1024 * 1024;

/// Segments that all snapshots together may name when they are in memory at a time: 512 MiB of references.
pub const BACKUP_ALL_SEGMENTS: u64 = 64 * 1024 * 1024;

/// Bytes of lists that are kept in memory at a time; thousands of snapshots share them.
pub const BACKUP_ALL_LISTS: u64 = 512 * 1024 * 1024;

/// Backups by which every object that they take over is read and proven once, whatever it costs: a 64th of them each time.
/// At most 256, for the parts follow from the first byte of their names.
pub const BACKUP_TURNS: u32 = 64;

/// Bytes of objects taken over up to which a backup proves more than the part whose turn it is: some 20 ms.
pub const BACKUP_PROVEN: u64 = 16 * 1024 * 1024;

/// Labels of a snapshot.
pub const BACKUP_TAGS: usize = 1000;

/// Bytes of all labels of a snapshot together, and of each other text in its entry that people read. A path has up to
/// 4 KiB, which escaped are 16.
pub const BACKUP_TEXT: usize = 16 * 1024;

/// Stretches of time and the like in an entry, each; one or two are written.
pub const BACKUP_STRETCHES: usize = 100_000;

/// Bytes that a snapshot may say to have, or commands: so few that sums of thousands are numbers, too.
pub const BACKUP_SUM: u64 = 1 << 50;

/// Bytes of one line of a journal: an old manifest in quotes, each byte written with four.
pub const JOURNAL_LINE: u64 = 4 * MANIFEST + 256;

/// Files of each kind that one journal speaks of at most: no set has as many. Ranges of files are not bounded: they are
/// read as they are needed.
pub const JOURNAL_FILES: usize = 250_000;
/// Bytes resident at most while a set is looked at (`check`, `inspect`, `cat`, `growth`), whatever the size of its files and
/// values: windows, what is kept of large values, and what is counted.
pub const CHECK_MEMORY: u64 = 64 * 1024 * 1024;

/// The same of `stats`, whose tables hold keys.
pub const STATS_MEMORY: u64 = 128 * 1024 * 1024;

/// The same of `report`, which counts all that `stats`, `check` and `growth` count in one pass.
pub const REPORT_MEMORY: u64 = 128 * 1024 * 1024;

/// The same of a plan (`repair`, `rewind`, `clean`, `convert`), with all it may take out of a set ([`RANGES`]).
pub const PLAN_MEMORY: u64 = 128 * 1024 * 1024;

/// The same of `check --thorough`, which tells keys apart.
pub const THOROUGH_MEMORY: u64 = 256 * 1024 * 1024;

/// The same of `backup`, `verify` and `restore` with up to four threads and blocks of [`BACKUP_BLOCK`]: a segment that grows,
/// those in flight ([`BACKUP_FLIGHT`] and one more), and of each thread a block, its frame and room for the next.
pub const BACKUP_MEMORY: u64 = 320 * 1024 * 1024;

/// Files of a set up to which what is told above holds.
pub const SET_FILES: u64 = 100_000;

/// Bytes for each of them, and for each one more; twice as many where a plan is made.
pub const FILE_MEMORY: u64 = 640;

/// The same of `inspect`, which counts commands and keys beside the judgement.
pub const INSPECTED_FILE_MEMORY: u64 = 768;

/// Bytes of names of keys that records behind a command name which is taken out, with what a table of them needs: all of
/// them have to be known by name.
pub const LATER_NAMES: usize = 256 * 1024 * 1024;

/// What a name costs in such a table beside its bytes.
pub const NAME_OVERHEAD: usize = 48;

/// Names of keys that are told apart by hashes, where more than that only make an answer less sharp.
pub const NAMES_TOLD_APART: usize = 1 << 20;

/// Records of a transaction that is taken out by itself: each is held in memory with its keys.
pub const UNIT_RECORDS: usize = 1 << 18;

/// First records of a log that are looked for in another one, to find where both say the same.
pub const DIFF_FIRST: usize = 4096;

/// Distances between the same records of two logs that are counted at a time; the rarest go first.
pub const DIFF_DISTANCES: usize = 65_536;

/// Distances at which two logs are read side by side, those with most votes: each costs a pass.
pub const DIFF_OFFSETS: usize = 4;

/// Different records in a row that prove that two logs tell the same history: fewer may be chance.
pub const DIFF_PROOF: usize = 8;

/// Different records of a common stretch that are counted; more prove no more.
pub const DIFF_EVIDENCE: usize = 64;

/// Records behind a damaged range that are looked for in the other log.
pub const DIFF_AFTER: usize = 16;

/// Records of the other log that may stand in the place of a damaged range: marks of as many are held.
pub const DIFF_LOST: usize = 16_384;

/// Keys of each side that are compared at a time, as rows of 48 bytes; where there are more, several passes are made.
pub const DIFF_ROWS: u64 = 1 << 20;

/// Bytes for the names of keys of which two logs speak after their parting.
pub const DIFF_NAMES: usize = 64 * 1024 * 1024;

/// Families of keys that are told apart on each side after a parting.
pub const DIFF_PREFIXES: usize = 10_000;
