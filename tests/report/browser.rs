//! Pages in a real browser, where there is one: nothing is asked for, nothing is complained about, and axe-core finds no fault.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::world::*;

/// What is missing here, or the checker of accessibility.
fn tools() -> Result<PathBuf, String> {
    let cache = std::env::var_os("AOFKIT_SERVERS").map(PathBuf::from).or_else(|| {
        let home = std::env::var_os("HOME").map(PathBuf::from)?;
        Some(home.join(".cache/aofkit/servers"))
    });
    let axe = cache.and_then(|servers| Some(servers.parent()?.join("axe-core/axe.min.js")));
    let axe = axe.filter(|file| file.is_file()).ok_or("there is no axe-core in the cache")?;
    match Command::new("chromium").arg("--version").output() {
        Ok(run) if run.status.success() => Ok(axe),
        _ => Err("there is no chromium".to_owned()),
    }
}

/// Opens a copy of the page in which axe-core runs. Its policy lets nothing in but what it had, so the copy has one that
/// also takes scripts that stand in it.
fn faults(dir: &Path, page: &str, axe: &Path, width: u32) -> String {
    let policy = page.find("style-src").unwrap();
    let watched = format!("{}script-src 'unsafe-inline'; {}", &page[..policy], &page[policy..]);
    let script = fs::read_to_string(axe).unwrap();
    let check = "axe.run({resultTypes:['violations']}).then(r=>{document.title='FAULTS '+JSON.stringify(r.violations\
                 .filter(v=>['serious','critical'].includes(v.impact)).map(v=>[v.id,v.nodes.slice(0,3).map(n=>n.html)]))\
                 +' END'})";
    let watched = watched
        .replace("</body>", &format!("<script>{script}</script><script>{check}</script></body>"));
    let file = dir.join(format!("watched-{width}.html"));
    fs::write(&file, watched).unwrap();
    let out = chromium(dir, &file, width, "--dump-dom");
    let from = out.find("FAULTS ").unwrap_or_else(|| {
        panic!("axe-core did not come to its end: {}", &out[..out.len().min(500)])
    });
    let end = out[from..].find(" END").unwrap();
    out[from + 7..from + end].to_owned()
}

/// What the browser prints; it must not complain of anything on the page.
fn chromium(dir: &Path, file: &Path, width: u32, what: &str) -> String {
    let run = Command::new("timeout")
        .args([
            "40",
            "chromium",
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--enable-logging=stderr",
            "--v=0",
        ])
        .args(["--disable-dev-shm-usage", "--no-first-run", "--virtual-time-budget=8000", what])
        .arg(format!("--window-size={width},2000"))
        .arg(format!("--user-data-dir={}", dir.join(format!("profile-{width}")).display()))
        .arg(format!("file://{}", file.display()))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&run.stderr);
    let complaints: Vec<_> = said.lines().filter(|line| line.contains("CONSOLE")).collect();
    assert!(complaints.is_empty(), "{}: {complaints:#?}", file.display());
    String::from_utf8_lossy(&run.stdout).into_owned()
}

#[test]
fn browsers_and_axe_core_find_no_fault() {
    let axe = match tools() {
        Ok(axe) => axe,
        Err(why) => {
            eprintln!("skipped: {why}: no page is opened in a browser");
            return;
        }
    };
    let dir = tempfile::tempdir().unwrap();
    let mut torn = shop(400, true);
    let middle = torn.len() / 2;
    torn[middle..middle + 600].fill(0);
    set(dir.path(), "fleet/one", &torn);
    set(dir.path(), "fleet/two", &shop(100, false));
    set(dir.path(), "fleet/three", b"");
    set(dir.path(), "hostile", &hostile());
    for (name, width) in [("fleet", 1400), ("hostile", 390)] {
        let page = page(dir.path(), &[name]);
        let file = dir.path().join(format!("{name}.html"));
        fs::write(&file, &page).unwrap();
        chromium(dir.path(), &file, width, "--dump-dom");
        let faults = faults(dir.path(), &page, &axe, width);
        assert_eq!(faults, "[]", "{name}");
    }
}
