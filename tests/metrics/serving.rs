//! `metrics --listen`.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crate::world::{Set, aofkit, sets};
use crate::{promtool, samples};

/// A run that serves; it is ended when this is dropped.
pub struct Serving {
    child: Child,
    pub address: String,
}

impl Serving {
    pub fn of(path: &Path) -> Self {
        let mut command = aofkit();
        command.arg("metrics").arg(path).args(["--watch", "1s"]);
        Self::start(command)
    }

    pub fn start(mut command: std::process::Command) -> Self {
        command.args(["--listen", "0"]).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stderr.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim_end().strip_prefix("aofkit: serving http://");
        let address = address.and_then(|rest| rest.strip_suffix("/metrics"));
        let address = address.unwrap_or_else(|| panic!("{line}")).to_owned();
        assert!(address.starts_with("127.0.0.1:"), "{address}");
        Self { child, address }
    }

    /// What is answered: the head and the body.
    pub fn ask(&self, head: &str) -> (String, String) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.to_owned(), body.to_owned())
    }

    pub fn get(&self, path: &str) -> (String, String) {
        self.ask(&format!("GET {path} HTTP/1.1\r\nHost: here\r\n\r\n"))
    }

    /// The metrics, once the first look is done.
    pub fn metrics(&self) -> String {
        let started = Instant::now();
        loop {
            let (head, body) = self.get("/metrics");
            if head.starts_with("HTTP/1.1 200 ") {
                return body;
            }
            assert!(head.starts_with("HTTP/1.1 503 "), "{head}");
            assert!(started.elapsed() < Duration::from_secs(30), "no look comes to its end");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn the_metrics_are_served_and_nothing_else() {
    let set = Set::of(&sets(3));
    let serving = Serving::of(set.root());
    let text = serving.metrics();
    assert_eq!(samples(&text).iter().filter(|(name, _)| name.contains("check_success")).count(), 1);
    if promtool::is_there() {
        promtool::check_metrics(&text);
    }
    let (head, body) = serving.get("/metrics?x=1");
    let lower = head.to_ascii_lowercase();
    assert!(lower.contains("content-type: text/plain; version=0.0.4"), "{head}");
    assert!(lower.contains(&format!("content-length: {}", body.len())), "{head}");
    let (head, body) = serving.ask("HEAD /metrics HTTP/1.1\r\nHost: here\r\n\r\n");
    assert!(
        head.starts_with("HTTP/1.1 200 ") && head.to_ascii_lowercase().contains("content-length: ")
    );
    assert_eq!(body, "");
    for path in ["/", "/metric", "/metrics/", "/../etc/passwd", "/favicon.ico"] {
        assert!(serving.get(path).0.starts_with("HTTP/1.1 404 "), "{path}");
    }
    let (head, _) =
        serving.ask("POST /metrics HTTP/1.1\r\nHost: here\r\nContent-Length: 0\r\n\r\n");
    assert!(
        head.starts_with("HTTP/1.1 405 ") && head.to_ascii_lowercase().contains("allow: get, head")
    );
    let (head, _) = serving.ask("nonsense\r\n\r\n");
    assert!(head.starts_with("HTTP/1.1 400 "), "{head}");
    // HTTP/1.0, as old scrapers speak it.
    assert!(serving.ask("GET /metrics HTTP/1.0\r\n\r\n").1.contains("aof_check_success"));
}

#[test]
fn clients_that_are_slow_keep_nobody_waiting() {
    let set = Set::of(&sets(3));
    let serving = Serving::of(set.root());
    serving.metrics();
    let silent: Vec<_> = (0..100).map(|_| TcpStream::connect(&serving.address).unwrap()).collect();
    let mut slow: Vec<_> =
        (0..100).map(|_| TcpStream::connect(&serving.address).unwrap()).collect();
    for stream in &mut slow {
        stream.write_all(b"GET /metrics HTTP/1.1\r\nX: ").unwrap();
    }
    let started = Instant::now();
    serving.metrics();
    assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
    // They are let go after a few seconds, also those that send a byte from time to time.
    let mut one = slow.pop().unwrap();
    one.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    let mut rest = Vec::new();
    loop {
        assert!(started.elapsed() < Duration::from_secs(30), "a slow client is kept");
        if one.write_all(b"x").is_err() {
            break;
        }
        match one.read_to_end(&mut rest) {
            Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => {}
            _ => break,
        }
    }
    drop((silent, slow));
}

#[test]
fn what_is_served_goes_on_and_ends_by_a_signal() {
    let set = Set::of(&sets(3));
    let mut serving = Serving::of(set.root());
    serving.metrics();
    std::fs::remove_file(set.file(crate::world::BASE)).unwrap();
    let started = Instant::now();
    while !serving.metrics().contains("kind=\"segment-missing\"") {
        assert!(started.elapsed() < Duration::from_secs(30), "the change is not seen");
        std::thread::sleep(Duration::from_millis(100));
    }
    let pid = serving.child.id().to_string();
    std::process::Command::new("kill").args(["-INT", &pid]).status().unwrap();
    assert_eq!(serving.child.wait().unwrap().code(), Some(0));
    let address = &serving.address;
    assert!(TcpStream::connect(address).is_err(), "nobody listens any more");
    // The address is taken.
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let run =
        crate::world::run(["metrics", set.root().to_str().unwrap(), "--listen", &port]).expect(1);
    assert!(run.err.contains(&port), "{}", run.err);
}
