//! `clean` for people and for scripts.

use std::collections::HashMap;
use std::path::Path;

use aofkit::change::Action;
use aofkit::clean::Found;
use aofkit::text::{count, name, shell_word};
use comfy_table::CellAlignment::{Left, Right};
use serde::Serialize;

use super::report::Cleaned;
use crate::cli::common::json::{VERSION, modules, needs_modules, pretty, source};
use crate::cli::common::layout::{laid_out, table, wrap};
use crate::cli::common::members::text as plain_text;
use crate::cli::common::members::{FileText, KeptAtText, PathText, path_text};
use crate::cli::common::needs::needs;
use crate::cli::common::units::{Style, size, time};
use crate::cli::common::verdict::verdict_lines;
use crate::cli::common::wire::{ModuleJson, NeededJson, Source};

/// What goes, what stays and why.
pub fn text(cleaned: &Cleaned, style: Style) -> String {
    let survey = &cleaned.survey;
    let path = name(cleaned.aof.path.as_os_str().as_encoded_bytes());
    let goes = survey.plan.actions.iter().filter(|a| matches!(a, Action::Remove { .. }));
    let (files, bytes) = (goes.count() as u64, survey.plan.loss.bytes);
    let what = format!("{}, {}", count(files, "file"), size(bytes));
    let first = match (cleaned.applied, survey.plan.is_empty()) {
        (true, _) if cleaned.is_delete => format!("{what}: deleted"),
        (true, _) => format!("{what}: moved aside"),
        (false, true) if survey.found.is_empty() => "nothing to clean up".to_owned(),
        (false, true) => "nothing that can go now; nothing was changed".to_owned(),
        (false, false) => format!("a plan; nothing was changed: {what} can go"),
    };
    let mut text = format!("{}\n", style.bold(&format!("{path}: {first}")));
    if !survey.found.is_empty() {
        text += &format!("\n{}", files_table(cleaned, style));
    }
    let lines = survey.plan.actions.iter().any(|a| matches!(a, Action::Manifest { .. }));
    let mut notes = Vec::new();
    if !survey.plan.is_empty() && !cleaned.is_delete && !cleaned.applied {
        notes.push(format!(
            "moving aside frees about {} of {}: the kept files are packed (zstd); --delete frees all of it",
            size(frees(cleaned)),
            size(bytes)
        ));
    }
    if lines {
        notes.push("the manifest loses the lines of its history files".to_owned());
    }
    if !survey.servers.is_empty() {
        let pids: Vec<_> = survey.servers.iter().map(u32::to_string).collect();
        notes.push(format!("the set is in use by process {}", pids.join(", ")));
    }
    if !survey.all_seen {
        notes.push("not all processes can be seen from here: one may have a file open".to_owned());
    }
    if let Some(kept) = &cleaned.kept_at {
        notes.push(format!("kept in {}", name(kept.as_os_str().as_encoded_bytes())));
        notes.extend(
            shell_word(cleaned.aof.path.as_os_str().as_encoded_bytes())
                .map(|path| format!("undo: aofkit repair --undo --apply {path}")),
        );
    }
    for note in notes {
        text += &format!("{}\n", wrap(&note, style.width, "  "));
    }
    if let Some(outlook) = &cleaned.outlook {
        let is_to_come = !cleaned.applied && !survey.plan.is_empty();
        text += if is_to_come { "\nthen: " } else { "\nnow: " };
        text += &verdict_lines(&outlook.report, style, "");
        text += &needs(&outlook.report.needs_modules, &outlook.report.modules, style, "  ");
    }
    text
}

/// About how many bytes are freed: what is moved aside is packed, and stays.
fn frees(cleaned: &Cleaned) -> u64 {
    let survey = &cleaned.survey;
    let stays = if cleaned.is_delete { 0 } else { survey.packed_bytes };
    survey.plan.loss.bytes.saturating_sub(stays)
}

fn files_table(cleaned: &Cleaned, style: Style) -> String {
    let head = [
        ("", Left),
        ("FILE", Left),
        ("KIND", Left),
        ("AGE", Right),
        ("SIZE", Right),
        ("WHY", Left),
    ];
    let mut rows = table(style, &head);
    for found in &cleaned.survey.found {
        let why = found.spared.as_ref().map_or_else(String::new, ToString::to_string);
        rows.add_row([
            if found.spared.is_none() { "goes" } else { "stays" }.to_owned(),
            place(cleaned, found),
            found.leftover.kind.as_str().to_owned(),
            found.age.map_or_else(|| "?".to_owned(), |age| short(age.as_secs())),
            size(found.leftover.len),
            why,
        ]);
    }
    laid_out(&mut rows)
}

/// The file's name; with `../` where it lies beside the set's directory.
fn place(cleaned: &Cleaned, found: &Found) -> String {
    let path = &found.leftover.path;
    let file = name(path.file_name().unwrap_or_default().as_encoded_bytes());
    let is_inside = path.parent() == Some(&cleaned.aof.dir());
    if is_inside || cleaned.aof.manifest.is_none() { file } else { format!("../{file}") }
}

/// `3d`, `2h`, `15m`, `40s`: the largest unit alone.
fn short(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m", seconds / 60),
        3600..172_800 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86_400),
    }
}

#[derive(Serialize)]
struct CleanJson {
    schema: &'static str,
    tool_version: &'static str,
    source: Source,
    applied: bool,
    actions: Vec<ActionJson>,
    loss: LossJson,
    frees_bytes: u64,
    #[serde(flatten)]
    kept_at: KeptAtText,
    verdict_after: Option<&'static str>,
    loads_after: Option<&'static str>,
    needs_modules: Option<Vec<NeededJson>>,
    modules: Option<Vec<ModuleJson>>,
    spared: Vec<FileJson>,
    in_use_by: Vec<u32>,
    all_processes_seen: bool,
}

#[derive(Serialize)]
struct ActionJson {
    action: &'static str,
    #[serde(flatten)]
    file: FileText,
    from_bytes: u64,
    to_bytes: u64,
    #[serde(flatten)]
    path: PathText,
    kind: Option<&'static str>,
    modified_at: Option<String>,
    age_seconds: Option<u64>,
}

#[derive(Serialize)]
struct LossJson {
    bytes: u64,
    commands: u64,
    likely_commands: u64,
    transactions: u64,
    keys: [(); 0],
    keys_total: u64,
}

#[derive(Serialize)]
struct FileJson {
    #[serde(flatten)]
    file: FileText,
    #[serde(flatten)]
    path: PathText,
    kind: &'static str,
    bytes: u64,
    modified_at: Option<String>,
    age_seconds: Option<u64>,
    why: String,
}

/// The same for scripts.
pub fn json(cleaned: &Cleaned) -> String {
    let (aof, survey) = (&cleaned.aof, &cleaned.survey);
    let kept_at = cleaned.kept_at.as_deref().map(path_text);
    let plan = &survey.plan;
    let by_path: HashMap<_, _> =
        survey.found.iter().map(|found| (found.leftover.path.as_path(), found)).collect();
    let spared = survey.found.iter().filter_map(|found| {
        let (file, path) = names(found);
        Some(FileJson {
            file: file.into(),
            path: path.into(),
            kind: found.leftover.kind.as_str(),
            bytes: found.leftover.len,
            modified_at: modified(found),
            age_seconds: found.age.map(|age| age.as_secs()),
            why: found.spared.as_ref()?.to_string(),
        })
    });
    let after = cleaned.outlook.as_ref().map(|outlook| &outlook.report);
    pretty(&CleanJson {
        schema: "aofkit.clean/1",
        tool_version: VERSION,
        source: source(aof, false),
        applied: cleaned.applied,
        actions: plan.actions.iter().map(|action| action_json(cleaned, action, &by_path)).collect(),
        loss: LossJson {
            bytes: plan.loss.bytes,
            commands: 0,
            likely_commands: 0,
            transactions: 0,
            keys: [],
            keys_total: 0,
        },
        frees_bytes: frees(cleaned),
        kept_at: kept_at.into(),
        verdict_after: cleaned.outlook.as_ref().map(|outlook| outlook.verdict().as_str()),
        loads_after: cleaned.outlook.as_ref().and_then(|outlook| outlook.loads().as_str()),
        needs_modules: after.map(|report| needs_modules(&report.needs_modules)),
        modules: after.map(|report| modules(&report.modules)),
        spared: spared.collect(),
        in_use_by: survey.servers.clone(),
        all_processes_seen: survey.all_seen,
    })
}

fn names(found: &Found) -> (crate::cli::common::members::Text, crate::cli::common::members::Text) {
    let path = &found.leftover.path;
    (plain_text(path.file_name().unwrap_or_default().as_encoded_bytes()), path_text(path))
}

fn modified(found: &Found) -> Option<String> {
    let at = found.leftover.modified?.duration_since(std::time::UNIX_EPOCH).ok()?;
    Some(time(i64::try_from(at.as_secs()).ok()?))
}

fn action_json(cleaned: &Cleaned, action: &Action, by_path: &HashMap<&Path, &Found>) -> ActionJson {
    let plan = &cleaned.survey.plan;
    let (file, path) = match action {
        Action::Remove { file, .. } => {
            (&plan.files[*file].name[..], Some(plan.files[*file].at.path()))
        }
        Action::Manifest { name, .. } | Action::Rewrite { new_name: name, .. } => (&name[..], None),
        Action::Cut { file, .. } => (&plan.files[*file].name[..], None),
    };
    let found = path.as_deref().and_then(|path| by_path.get(path).copied());
    let (name, path) = (plain_text(file), path.map(|path| path_text(&path)));
    let (from_bytes, to_bytes) = action.lengths();
    ActionJson {
        action: action.as_str(),
        file: name.into(),
        from_bytes,
        to_bytes,
        path: path.into(),
        kind: found.map(|found| found.leftover.kind.as_str()),
        modified_at: found.and_then(modified),
        age_seconds: found.and_then(|found| Some(found.age?.as_secs())),
    }
}
