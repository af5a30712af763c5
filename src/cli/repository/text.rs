//! The verbs that work on repositories, for people.

use std::path::Path;

use aofkit::backup::{
    Backup, Entry, Gap, Mark, Moment, Planned, PrunePlan, Restored, Verified, short_id,
};
use aofkit::moment::Boundary;
use aofkit::redact::hidden;
use aofkit::text::{count, name, tame, thousands};
use aofkit::trial::LoadedSnapshot;
use comfy_table::CellAlignment::{Left, Right};

use crate::cli::common::layout::{laid_out, table, wrap};
use crate::cli::common::loaded;
use crate::cli::common::needs::needs;
use crate::cli::common::units::{Style, size};

/// `backup`
pub fn backup(made: &Backup, style: Style) -> String {
    let entry = &made.entry;
    let mut what = format!(
        "{} in {}, {}",
        size(entry.logical_bytes()),
        count(entry.files.len() as u64, "file"),
        count(entry.commands(), "command")
    );
    if let Some(known) = entry.keys {
        what += &format!(", {} {}", keys(entry), if known.alive == 1 { "key" } else { "keys" });
    }
    if made.unchanged {
        let text = format!("nothing was appended since {}: {what}", short(&entry.id));
        return format!("{}\n{}\n", style.good("unchanged"), wrap(&text, style.width, "  "));
    }
    let mut text = format!("{} of {}\n", style.bold(&tame(&entry.id)), tame(&entry.source));
    let stored = match &entry.parent {
        None => format!("{what}; {} stored", size(made.new_bytes)),
        Some(parent) => format!(
            "{what}; {} of it as in {}, {} stored",
            size(made.reused_bytes),
            short(parent),
            size(made.new_bytes)
        ),
    };
    text += &(wrap(&stored, style.width, "  ") + "\n");
    text += &needs(&made.needs_modules, &[], style, "  ");
    if entry.cut_bytes() > 0 {
        let cut = count(entry.cut_bytes(), "byte");
        let note =
            format!("{cut} of a command or transaction that was not whole come with the next");
        text += &(wrap(&note, style.width, "  ") + "\n");
    }
    for gap in entry.true_gaps() {
        let note = format!("{}: {}", gap_text(gap), tame(&gap.reason));
        text += &(wrap(&note, style.width, "  ") + "\n");
    }
    text += &extras_kept(entry, style);
    if entry.is_marked(Mark::AS_IS) {
        let note = format!(
            "kept as it was found, not verified; no `latest` leads to it: name it {}",
            tame(&entry.id)
        );
        text += &(style.warn(&wrap(&note, style.width, "  ")) + "\n");
    }
    text
}

/// Files beside the set that were not read this time.
fn extras_kept(entry: &Entry, style: Style) -> String {
    let mut text = String::new();
    for file in &entry.extras {
        let Some(read) = &file.read else { continue };
        let name = name(&file.name.bytes().unwrap_or_default());
        let note =
            format!("{name}: kept as it was read at {} (--include reads it anew)", tame(read));
        text += &(wrap(&note, style.width, "  ") + "\n");
    }
    text
}

/// `snapshots`
pub fn snapshots(repository: &Path, entries: &[Entry], style: Style) -> String {
    let mut text = style.bold(&name(repository.as_os_str().as_encoded_bytes())) + "\n";
    if entries.is_empty() {
        return text + "  no snapshots\n";
    }
    let head = [
        ("SNAPSHOT", Left),
        ("AGE", Right),
        ("SIZE", Right),
        ("NEW", Right),
        ("KEYS", Right),
        ("COMMANDS", Right),
        ("COVERS (#TS)", Left),
        ("TAGS", Left),
    ];
    let now = aofkit::backup::now();
    let mut source = "";
    let mut parts = Vec::new();
    for entry in entries {
        if entry.source != source || parts.is_empty() {
            source = &entry.source;
            let place = format!("{}:{}", tame(&entry.host), tame(&entry.path));
            let title = format!("{}  {}", tame(source), cell(&place, PLACE));
            parts.push((title, table(style, &head), Vec::new()));
        }
        let Some((_, rows, notes)) = parts.last_mut() else { continue };
        rows.add_row([
            short(&entry.id),
            age(&entry.taken, now),
            size(entry.logical_bytes()),
            size(entry.new_bytes),
            keys(entry),
            thousands(entry.commands()),
            covers(entry),
            tags(entry),
        ]);
        notes.extend(entry.true_gaps().map(gap_text));
        let mark = |mark: &Mark| {
            format!("{} MARKED: {}", short(&entry.id), cell(&tame(&mark.message), PLACE))
        };
        notes.extend(entry.marks.iter().map(mark));
    }
    for (title, mut rows, notes) in parts {
        text += &format!("\n{title}\n\n{}", laid_out(&mut rows));
        for note in notes {
            text += &(wrap(&note, style.width, "  ") + "\n");
        }
    }
    let stored: u64 = entries.iter().map(|entry| entry.new_bytes).sum();
    text + &format!("\n{}, {} stored\n", count(entries.len() as u64, "snapshot"), size(stored))
}

/// Columns of a list of tags that are shown, and of the place of a set: an entry may hold megabytes of them.
const TAGS: usize = 200;

/// See [`TAGS`].
const PLACE: usize = 4096;

fn tags(entry: &Entry) -> String {
    let mut text = String::new();
    for tag in &entry.tags {
        if text.len() > TAGS {
            break;
        }
        text += if text.is_empty() { "" } else { " " };
        text += &tame(&cell(tag, TAGS));
    }
    cell(&text, TAGS)
}

/// Text cut to so many characters.
fn cell(text: &str, columns: usize) -> String {
    match text.char_indices().nth(columns) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn short(id: &str) -> String {
    tame(short_id(id)).into_owned()
}

/// How many keys are there; `?` where that is not known.
pub fn keys(entry: &Entry) -> String {
    match entry.keys {
        Some(keys) if keys.is_estimate() => format!("~{}", thousands(keys.alive)),
        Some(keys) => thousands(keys.alive),
        None => "?".to_owned(),
    }
}

fn gap_text(gap: &Gap) -> String {
    let to = gap.to.as_deref().unwrap_or("the rewrite");
    format!("gap from {} to {}", tame(&gap.from), tame(to))
}

fn covers(entry: &Entry) -> String {
    let Some(covered) = entry.covers.first() else { return "-".to_owned() };
    let length = match (Moment::parse(&covered.from), Moment::parse(&covered.to)) {
        (Some(from), Some(to)) => span((to.milliseconds() - from.milliseconds()) / 1000),
        _ => "?".to_owned(),
    };
    format!("{} +{length}", cell(&tame(&covered.from), PLACE))
}

/// How long ago, in its largest unit.
fn age(taken: &str, now: Moment) -> String {
    let Some(at) = Moment::parse(taken) else { return "?".to_owned() };
    let seconds = (now.milliseconds() - at.milliseconds()) / 1000;
    if seconds < 0 { "future".to_owned() } else { span(seconds) }
}

/// Seconds in the largest unit that has two of them.
fn span(seconds: i64) -> String {
    match seconds {
        ..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// `verify`
pub fn verified(
    repository: &Path,
    verified: &Verified,
    loaded: Option<&[LoadedSnapshot]>,
    redact: bool,
    style: Style,
) -> String {
    let mut text = style.bold(&name(repository.as_os_str().as_encoded_bytes())) + "\n";
    let mut done = format!(
        "{}, {}, {} hashed",
        count(verified.snapshots_checked, "snapshot"),
        count(verified.objects_checked, "object"),
        size(verified.bytes_checked)
    );
    if verified.contents_checked > 0 {
        done += &format!(
            "; {} decompressed, {} parsed",
            size(verified.contents_checked),
            count(verified.commands_checked, "command")
        );
    }
    text += &(wrap(&done, style.width, "  ") + "\n");
    if verified.unreferenced > 0 {
        let what = count(verified.unreferenced, "object");
        let note = format!("{what} that no snapshot needs; `aofkit prune` frees the room");
        text += &(wrap(&note, style.width, "  ") + "\n");
    }
    text += "\n";
    for flaw in &verified.flaws {
        let word = if flaw.harmless { style.warn("warning") } else { style.bad("error") };
        text += &format!("{word} {}\n", tame(&flaw.key));
        text += &(wrap(&tame(&flaw.message), style.width, "  ") + "\n");
        if !flaw.snapshots.is_empty() {
            let ids = format!("needed by {}", flaw.snapshots.join(", "));
            text += &(wrap(&tame(&ids), style.width, "  ") + "\n");
        }
    }
    for one in loaded.into_iter().flatten() {
        text += &loaded_text(one, redact, style);
    }
    let unloaded = loaded.into_iter().flatten().filter(|one| one.is_bad()).count() as u64;
    let untold = loaded.into_iter().flatten().filter(|one| one.not_tried.is_some()).count() as u64;
    let errors = unloaded + verified.flaws.iter().filter(|flaw| !flaw.harmless).count() as u64;
    text += &match errors {
        0 if untold > 0 => {
            let what = count(untold, "snapshot");
            style.warn(&format!(
                "all bytes are as they were written; {what} could not be loaded to the end, or not safely"
            ))
        }
        0 => style.good("all that was checked is as it was written"),
        n => style.bad(&count(n, "problem")),
    };
    text + "\n"
}

fn loaded_text(one: &LoadedSnapshot, redact: bool, style: Style) -> String {
    let id = short(&one.id);
    let source = tame(&one.source);
    if let Some(why) = &one.not_tried {
        let head = format!(
            "{} {id} of {source}
",
            style.warn("warning")
        );
        return head
            + &wrap(why, style.width, "  ")
            + "
";
    }
    if let Some(why) = &one.why {
        let head = format!("{} {id} of {source} does not load\n", style.bad("error"));
        return head + &wrap(why, style.width, "  ") + "\n";
    }
    let digest = tame(one.digest.as_deref().unwrap_or("unknown"));
    let keys = count(one.keys, "key");
    let mut text = format!("loaded {id} of {source}: {keys}, digest {digest}\n");
    let note = match one.differences.is_empty() {
        true => "the commands in it give the same keys, values, expiries and functions".to_owned(),
        false => format!("{}: its content is not what it should be", style.bad("error")),
    };
    text += &(wrap(&note, style.width, "  ") + "\n");
    if one.left_out > 0 {
        let note = format!("{} left out that no command can give", count(one.left_out, "key"));
        text += &(wrap(&note, style.width, "  ") + "\n");
    }
    if one.not_comparable > 0 {
        let keys = count(one.not_comparable, "key");
        let note =
            format!("{keys} not comparable: two loads of the same files give them differently");
        text += &(wrap(&note, style.width, "  ") + "\n");
    }
    for line in loaded::error_lines(&one.errors, one.errors_unlisted, redact) {
        text += &(style.warn(&wrap(&line, style.width, "  ")) + "\n");
    }
    for one in &one.differences {
        let key = one.key.as_ref().map(|key| match redact {
            true => format!(": {}", hidden(key)),
            false => format!(": \"{}\"", aofkit::text::escape(key)),
        });
        let line = format!("{}{}", one.what, key.unwrap_or_default());
        text += &(wrap(&line, style.width, "  ") + "\n");
    }
    text
}

/// `restore`
pub fn restored(
    entry: &Entry,
    restored: &Restored,
    cut: Option<String>,
    config: Option<String>,
    style: Style,
) -> String {
    let target = name(restored.target.as_os_str().as_encoded_bytes());
    let mut text = format!("{} restored to {target}\n", style.bold(&tame(&entry.id)));
    let mut what =
        format!("{} in {}", size(restored.bytes), count(restored.files.len() as u64, "file"));
    if restored.reused_bytes > 0 {
        what += &format!(", {} of them taken from what was there", size(restored.reused_bytes));
    }
    text += &(wrap(&what, style.width, "  ") + "\n");
    if let Some(cut) = cut {
        text += &(wrap(&format!("cut at {cut}"), style.width, "  ") + "\n");
    }
    let notes = [
        ("what was there is now", &restored.kept_old_at),
        ("files beside the set are in", &restored.extras_at),
    ];
    for (word, path) in notes {
        if let Some(path) = path {
            let note = format!("{word} {}", name(path.as_os_str().as_encoded_bytes()));
            text += &(wrap(&note, style.width, "  ") + "\n");
        }
    }
    match config {
        Some(config) => format!("{text}\n{config}"),
        None => text,
    }
}

/// Where a snapshot was cut.
pub fn cut(entry: &Entry, boundary: &Boundary) -> String {
    let (position, offset) = boundary.place;
    let time = boundary.time.map(|at| format!(", at {}", Moment::of_seconds(at).seconds_text()));
    match entry.files.get(position) {
        Some(file) => {
            let file = name(&file.name.bytes().unwrap_or_default());
            format!("byte {offset} of {file}{}", time.unwrap_or_default())
        }
        // The file that begins there was left out as a whole.
        None => format!("the end of the file before{}", time.unwrap_or_default()),
    }
}

/// The lines of redis.conf by which a server finds a restored set.
pub fn config(entry: &Entry, restored: &Restored) -> String {
    let word = |bytes: &[u8]| format!("\"{}\"", aofkit::text::escape(bytes));
    let at = |path: &Path| word(path.as_os_str().as_encoded_bytes());
    let parent = aofkit::disk::parent(&restored.target);
    let dir_name = restored.target.file_name().unwrap_or_default().as_encoded_bytes();
    match (&entry.manifest, entry.files.first()) {
        (Some(manifest), _) => {
            let manifest = manifest.name.bytes().unwrap_or_default();
            let stem = manifest.strip_suffix(b".manifest").unwrap_or(&manifest);
            format!(
                "appendonly yes\ndir {}\nappenddirname {}\nappendfilename {}\n",
                at(parent),
                word(dir_name),
                word(stem)
            )
        }
        (None, Some(file)) => {
            let file_name = file.name.bytes().unwrap_or_default();
            let is_log = file.commands > 0 || file_name.ends_with(b".aof");
            let (switch, key) =
                if is_log { ("yes", "appendfilename") } else { ("no", "dbfilename") };
            format!(
                "appendonly {switch}\ndir {}\n{key} {}\n",
                at(&restored.target),
                word(&file_name)
            )
        }
        (None, None) => String::new(),
    }
}

/// `prune`
pub fn pruned(repository: &Path, plan: &PrunePlan, applied: bool, style: Style) -> String {
    let mut text = style.bold(&name(repository.as_os_str().as_encoded_bytes())) + "\n";
    text += match (applied, plan.is_empty()) {
        (_, true) => "  nothing to remove\n",
        (true, false) => "",
        (false, false) => "  nothing was changed; this is the plan, --apply does it\n",
    };
    let head = [("", Left), ("SNAPSHOT", Left), ("SOURCE", Left), ("WHY", Left)];
    let mut rows = table(style, &head);
    let mut all: Vec<(&Planned, &str)> = plan.kept.iter().map(|p| (p, "keep")).collect();
    all.extend(plan.removed.iter().map(|p| (p, "remove")));
    all.sort_by(|(a, _), (b, _)| (&a.source, &a.taken, &a.id).cmp(&(&b.source, &b.taken, &b.id)));
    for (planned, word) in &all {
        let why = planned.reasons.join(", ");
        rows.add_row([
            (*word).to_owned(),
            short(&planned.id),
            tame(&planned.source).into_owned(),
            tame(&why).into_owned(),
        ]);
    }
    if !all.is_empty() {
        text += &format!("\n{}\n", laid_out(&mut rows));
    }
    if let Some(compaction) = &plan.compaction {
        let (from, to) = compaction.objects();
        let what = match from {
            0 => "nothing to join".to_owned(),
            _ => format!(
                "{} {} {}, {} written; {} {} a new name that begins alike",
                count(from as u64, "object"),
                if applied { "joined into" } else { "to join into" },
                thousands(to as u64),
                size(compaction.bytes()),
                count(compaction.snapshots().count() as u64, "snapshot"),
                if applied { "got" } else { "would get" }
            ),
        };
        text += &(wrap(&what, style.width, "") + "\n");
    }
    let total = format!(
        "{} kept, {} {}, {} and {} {}",
        thousands(plan.kept.len() as u64),
        thousands(plan.removed.len() as u64),
        if applied { "removed" } else { "to remove" },
        count(plan.objects() as u64, "object"),
        size(plan.freed_bytes()),
        if applied { "freed" } else { "to free" }
    );
    text + &style.bold(&total) + "\n"
}
