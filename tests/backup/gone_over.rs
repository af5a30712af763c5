//! A server that goes over to another set between one of its answers and the next look at its files: what is exact is the set
//! that it writes to. The moment is chosen here, so it is hit each time.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::beside::run;
use super::home::set;

const MANIFEST: &str = "appendonly.aof.manifest";
const OLD: &str = "appendonly.aof.1.incr.aof";
const NEW: &str = "appendonly.aof.2.incr.aof";

/// What a server of 7.0 or later says of its log while its first rewrite runs, and after that.
fn info(rewrites: bool) -> String {
    let (running, done) = if rewrites { (1, 3) } else { (0, 4) };
    format!(
        "redis_version:8.2.3\r\nrun_id:1\r\nrole:master\r\nloading:0\r\naof_enabled:1\r\naof_rewrite_in_progress:{running}\r\n\
         aof_rewrite_scheduled:0\r\naof_last_write_status:ok\r\naof_rewrites:{done}\r\naof_buffer_length:0\r\n"
    )
}

/// Gives the manifest its new content, as a server does: the new file is there already.
fn go_over(dir: &Path) {
    let new = dir.join("temp-manifest");
    fs::write(&new, format!("file {NEW} seq 2 type i\n")).unwrap();
    fs::rename(new, dir.join(MANIFEST)).unwrap();
}

/// The words of one command; `None` at the end.
fn command(from: &mut BufReader<TcpStream>) -> Option<Vec<String>> {
    let line = |from: &mut BufReader<TcpStream>| {
        let mut line = String::new();
        from.read_line(&mut line).ok().filter(|n| *n > 0)?;
        line.trim_end()[1..].parse::<usize>().ok()
    };
    let count = line(from)?;
    let mut words = Vec::new();
    for _ in 0..count {
        let len = line(from)?;
        let mut bytes = vec![0; len + 2];
        from.read_exact(&mut bytes).ok()?;
        words.push(String::from_utf8_lossy(&bytes[..len]).into_owned());
    }
    Some(words)
}

/// A server that goes over before it answers the INFO of this number.
fn serve(listener: TcpListener, dir: PathBuf, at: usize, asked: Arc<AtomicUsize>) {
    for stream in listener.incoming() {
        let (dir, asked) = (dir.clone(), Arc::clone(&asked));
        // Several connections may be open at a time.
        thread::spawn(move || answer(stream.unwrap(), &dir, at, &asked));
    }
}

fn answer(mut out: TcpStream, dir: &Path, at: usize, asked: &AtomicUsize) {
    let mut from = BufReader::new(out.try_clone().unwrap());
    while let Some(words) = command(&mut from) {
        let answer = match words[0].to_ascii_uppercase().as_str() {
            "INFO" => {
                let number = asked.fetch_add(1, Ordering::SeqCst) + 1;
                if number == at {
                    go_over(dir);
                }
                let text = info(number < at);
                format!("${}\r\n{text}\r\n", text.len())
            }
            "CONFIG" => "*0\r\n".to_owned(),
            "PING" => "+PONG\r\n".to_owned(),
            _ => "-ERR unknown command\r\n".to_owned(),
        };
        if out.write_all(answer.as_bytes()).is_err() {
            break;
        }
    }
}

#[test]
fn what_is_exact_is_the_set_that_the_server_has_gone_over_to() {
    let mut taken = 0;
    for at in 1..=6 {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("appendonlydir");
        fs::create_dir(&dir).unwrap();
        fs::write(dir.join(MANIFEST), format!("file {OLD} seq 1 type i\n")).unwrap();
        fs::write(dir.join(OLD), set("counter", b"1")).unwrap();
        fs::write(dir.join(NEW), set("counter", b"2")).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("redis://{}", listener.local_addr().unwrap());
        let asked = Arc::new(AtomicUsize::new(0));
        let (served, count) = (dir.clone(), Arc::clone(&asked));
        thread::spawn(move || serve(listener, served, at, count));
        let repo = root.path().join("repo");
        let [data, repo] = [&dir, &repo].map(|path| path.to_str().unwrap());
        let words = ["backup", data, "--repo", repo, "--min-free", "0", "--server", &address];
        let made = run(&[&words[..], &["--exact=2"]].concat());
        assert!(asked.load(Ordering::SeqCst) > 1, "at {at}: {}", made.err);
        if made.code == Some(0) {
            let back = root.path().join("back");
            let latest = format!("{repo}::latest");
            let restored = run(&["restore", &latest, back.to_str().unwrap()]);
            assert_eq!(restored.code, Some(0), "at {at}: {}", restored.err);
            assert!(back.join(NEW).exists() && !back.join(OLD).exists(), "at {at}: of before");
            taken += 1;
        } else {
            assert_eq!(made.code, Some(1), "at {at}: {}", made.err);
        }
    }
    assert!(taken > 2, "{taken} were taken");
}
