//! `aofkit schema`: what the JSON of each verb looks like.

use clap::ValueEnum;

/// The schemas there are, one document each in `docs/schemas/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Schema {
    /// What `check --json` prints
    Check,
    /// What `inspect --json` prints
    Inspect,
    /// What `stats --json` prints
    Stats,
    /// One line of what `cat --json` prints
    Cat,
    /// What `repair --json` prints
    Repair,
    /// What `backup --json` prints
    Backup,
    /// What `snapshots --json` prints
    Snapshots,
    /// What `verify --json` prints
    Verify,
    /// What `restore --json` prints
    Restore,
    /// What `prune --json` prints
    Prune,
    /// What `convert --json` prints
    Convert,
    /// What `clean --json` prints
    Clean,
    /// What `rewind --json` prints
    Rewind,
    /// What `diff --json` prints
    Diff,
    /// What `recover --json` prints
    Recover,
    /// What `growth --json` prints
    Growth,
    /// What `status --json` prints
    Status,
    /// What `audit --json` prints
    Audit,
    /// What `metrics --json` prints
    Metrics,
    /// What any verb prints on standard error with --json when it fails
    Error,
}

impl Schema {
    /// What the `schema` field of the output says; errors are no result and have none.
    const fn id(self) -> &'static str {
        match self {
            Self::Check => "aofkit.check/1",
            Self::Inspect => "aofkit.inspect/1",
            Self::Stats => "aofkit.stats/1",
            Self::Cat => "aofkit.cat/1",
            Self::Repair => "aofkit.repair/1",
            Self::Backup => "aofkit.backup/1",
            Self::Snapshots => "aofkit.snapshots/1",
            Self::Verify => "aofkit.verify/1",
            Self::Restore => "aofkit.restore/1",
            Self::Prune => "aofkit.prune/1",
            Self::Convert => "aofkit.convert/1",
            Self::Clean => "aofkit.clean/1",
            Self::Rewind => "aofkit.rewind/1",
            Self::Diff => "aofkit.diff/1",
            Self::Recover => "aofkit.recover/1",
            Self::Growth => "aofkit.growth/1",
            Self::Status => "aofkit.status/1",
            Self::Audit => "aofkit.audit/1",
            Self::Metrics => "aofkit.metrics/1",
            Self::Error => "aofkit.error/1",
        }
    }

    const fn verb(self) -> &'static str {
        match self {
            Self::Check => "check",
            Self::Inspect => "inspect",
            Self::Stats => "stats",
            Self::Cat => "cat",
            Self::Repair => "repair",
            Self::Backup => "backup",
            Self::Snapshots => "snapshots",
            Self::Verify => "verify",
            Self::Restore => "restore",
            Self::Prune => "prune",
            Self::Convert => "convert",
            Self::Clean => "clean",
            Self::Rewind => "rewind",
            Self::Diff => "diff",
            Self::Recover => "recover",
            Self::Growth => "growth",
            Self::Status => "status",
            Self::Audit => "audit",
            Self::Metrics => "metrics",
            Self::Error => "error",
        }
    }

    const fn document(self) -> &'static str {
        match self {
            Self::Check => include_str!("../../docs/schemas/check.json"),
            Self::Inspect => include_str!("../../docs/schemas/inspect.json"),
            Self::Stats => include_str!("../../docs/schemas/stats.json"),
            Self::Cat => include_str!("../../docs/schemas/cat.json"),
            Self::Repair => include_str!("../../docs/schemas/repair.json"),
            Self::Backup => include_str!("../../docs/schemas/backup.json"),
            Self::Snapshots => include_str!("../../docs/schemas/snapshots.json"),
            Self::Verify => include_str!("../../docs/schemas/verify.json"),
            Self::Restore => include_str!("../../docs/schemas/restore.json"),
            Self::Prune => include_str!("../../docs/schemas/prune.json"),
            Self::Convert => include_str!("../../docs/schemas/convert.json"),
            Self::Clean => include_str!("../../docs/schemas/clean.json"),
            Self::Rewind => include_str!("../../docs/schemas/rewind.json"),
            Self::Diff => include_str!("../../docs/schemas/diff.json"),
            Self::Recover => include_str!("../../docs/schemas/recover.json"),
            Self::Growth => include_str!("../../docs/schemas/growth.json"),
            Self::Status => include_str!("../../docs/schemas/status.json"),
            Self::Audit => include_str!("../../docs/schemas/audit.json"),
            Self::Metrics => include_str!("../../docs/schemas/metrics.json"),
            Self::Error => include_str!("../../docs/schemas/error.json"),
        }
    }
}

/// One schema; without a name the list of them, or with `json` all of them in one object.
pub fn run(wanted: Option<Schema>, json: bool) -> String {
    let all = Schema::value_variants();
    match wanted {
        Some(schema) => schema.document().to_owned(),
        None if json => {
            let member = |s: &Schema| format!("\"{}\": {}", s.verb(), s.document().trim_end());
            format!("{{\n{}\n}}\n", all.iter().map(member).collect::<Vec<_>>().join(",\n"))
        }
        None => all.iter().map(|s| format!("{:<11}{}\n", s.verb(), s.id())).collect(),
    }
}
