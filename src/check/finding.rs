//! Problems: facts with a judgement and a way out.

use crate::text::count;

/// What kind of problem. The names are part of the JSON contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// The last file ends inside a record.
    TruncatedTail,
    /// NUL bytes up to the end.
    ZeroTail,
    /// Other bytes up to the end.
    GarbageTail,
    /// The file ends inside a transaction.
    OpenTransaction,
    /// A damaged range with sound records behind it.
    CorruptRange,
    /// A transaction that kills the loader.
    BadTransaction,
    /// A command the target does not know.
    UnknownCommand,
    /// A command with a wrong number of arguments.
    WrongArity,
    /// Every loader takes it, redis-check-aof refuses it.
    NonCanonical,
    /// A timestamp that cannot be read.
    BadAnnotation,
    /// A file that is not the last one ends inside a record or transaction.
    TruncatedInnerSegment,
    /// An RDB whose first bytes are wrong.
    RdbBadHeader,
    /// An RDB whose structure is broken.
    RdbBadStructure,
    /// An RDB with a changed byte.
    RdbChecksumMismatch,
    /// An RDB that ends too early.
    RdbTruncated,
    /// An RDB that may be sound, but not for the target, or not for aofkit.
    RdbUnsupported,
    /// A database that the server's configuration does not give it.
    RefusedByConfiguration,
    /// A manifest no server reads.
    ManifestInvalid,
    /// Segments without their manifest.
    ManifestMissing,
    /// A manifest that servers read and that does harm, or was edited.
    ManifestHazard,
    /// A file the manifest names and that is not there.
    SegmentMissing,
    /// Increments whose numbers do not follow each other.
    SequenceGap,
    /// A base or increment that no manifest line names.
    OrphanSegment,
    /// A file the manifest lists as history.
    HistoryFile,
    /// A file of an unfinished rewrite.
    TempFile,
    /// Something a server does of its own accord that loses data.
    ServerTrap,
    /// More than aofkit lists.
    LimitExceeded,
    /// Something of a module that is not loaded.
    ModuleMissing,
    /// A key that stands twice in an RDB.
    DuplicateKey,
    /// A payload of RESTORE that its checksum, its version or its value speaks against.
    RestorePayload,
    /// A file beside the set that holds what the set lacks.
    NeighbourData,
    /// A server began the set anew beside files that hold more.
    StartedEmpty,
    /// Files that are not of one moment.
    MixedMoments,
    /// A file of the set is gone, and a process still has it.
    DeletedButOpen,
    /// Two processes write to the set.
    TwoWriters,
    /// The set lies on another file system than its server works on.
    OtherFilesystem,
    /// A file that the server may not read or write.
    NotReadable,
    /// A file beside the set that no server made.
    ForeignFile,
}

impl Kind {
    /// The name in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TruncatedTail => "truncated-tail",
            Self::ZeroTail => "zero-tail",
            Self::GarbageTail => "garbage-tail",
            Self::OpenTransaction => "open-transaction",
            Self::CorruptRange => "corrupt-range",
            Self::BadTransaction => "bad-transaction",
            Self::UnknownCommand => "unknown-command",
            Self::WrongArity => "wrong-arity",
            Self::NonCanonical => "non-canonical",
            Self::BadAnnotation => "bad-annotation",
            Self::TruncatedInnerSegment => "truncated-inner-segment",
            Self::RdbBadHeader => "rdb-bad-header",
            Self::RdbBadStructure => "rdb-bad-structure",
            Self::RdbChecksumMismatch => "rdb-checksum-mismatch",
            Self::RdbTruncated => "rdb-truncated",
            Self::RdbUnsupported => "rdb-unsupported",
            Self::RefusedByConfiguration => "refused-by-configuration",
            Self::ManifestInvalid => "manifest-invalid",
            Self::ManifestMissing => "manifest-missing",
            Self::ManifestHazard => "manifest-hazard",
            Self::SegmentMissing => "segment-missing",
            Self::SequenceGap => "sequence-gap",
            Self::OrphanSegment => "orphan-segment",
            Self::HistoryFile => "history-file",
            Self::TempFile => "temp-file",
            Self::ServerTrap => "server-trap",
            Self::LimitExceeded => "limit-exceeded",
            Self::ModuleMissing => "module-missing",
            Self::DuplicateKey => "duplicate-key",
            Self::RestorePayload => "restore-payload",
            Self::NeighbourData => "neighbour-data",
            Self::StartedEmpty => "started-empty",
            Self::MixedMoments => "mixed-moments",
            Self::DeletedButOpen => "deleted-but-open",
            Self::TwoWriters => "two-writers",
            Self::OtherFilesystem => "other-filesystem",
            Self::NotReadable => "not-readable",
            Self::ForeignFile => "foreign-file",
        }
    }
}

/// How much a problem matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Good to know.
    Info,
    /// The set loads; something is odd, or will bite later.
    Warning,
    /// The set does not load as it is, loses data, or carries damage.
    Error,
}

impl Severity {
    /// The name in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// What a problem costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lost {
    /// Bytes that cannot be kept in any way.
    pub bytes: u64,
    /// Whole commands among them; a torn one is none.
    pub commands: u64,
    /// An estimate of how many commands they held, damaged and torn ones included; `None` where no record tells how long
    /// they were.
    pub likely_commands: Option<u64>,
    /// Whole commands that go, these included, when the file is cut before the problem.
    pub if_truncated_commands: u64,
}

/// One problem: what, where, what it costs, what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What kind.
    pub kind: Kind,
    /// How much it matters.
    pub severity: Severity,
    /// The file's name as the manifest has it, or the path of a configuration; `None`: the set as a whole.
    pub file: Option<Vec<u8>>,
    /// Offset of its first byte in that file.
    pub offset: Option<u64>,
    /// Bytes it takes.
    pub len: Option<u64>,
    /// Line of the manifest, or of the configuration where that is the file, from 1.
    pub line: Option<u64>,
    /// What it is and what the target does, in plain words.
    pub message: String,
    /// The exact next command for a shell.
    pub next: Option<String>,
    /// What it costs.
    pub lost: Option<Lost>,
    /// It lies at the very end of the last file.
    pub at_the_end: bool,
}

impl Problem {
    /// A problem of the whole set.
    pub(super) fn of_set(kind: Kind, severity: Severity, message: String) -> Self {
        Self {
            kind,
            severity,
            file: None,
            offset: None,
            len: None,
            line: None,
            message,
            next: None,
            lost: None,
            at_the_end: false,
        }
    }

    /// A problem of one file.
    pub(super) fn of_file(kind: Kind, severity: Severity, file: &[u8], message: String) -> Self {
        Self { file: Some(file.to_vec()), ..Self::of_set(kind, severity, message) }
    }

    /// Whether it is to be told before anything else, for it does not wait.
    pub fn comes_first(&self) -> bool {
        self.kind == Kind::DeletedButOpen
    }

    pub(super) fn at(mut self, offset: u64, len: u64) -> Self {
        self.offset = Some(offset);
        self.len = Some(len);
        self
    }

    pub(super) fn next(mut self, command: Option<String>) -> Self {
        self.next = command;
        self
    }

    pub(super) fn lost(mut self, lost: Lost) -> Self {
        self.lost = Some(lost);
        self
    }
}

/// `12 bytes`, `1 byte`.
pub(super) fn bytes(n: u64) -> String {
    count(n, "byte")
}

/// `12 commands`, `1 command`.
pub(super) fn commands(n: u64) -> String {
    count(n, "command")
}
