//! Certificates for servers that speak TLS, made anew.

use std::fs;
use std::path::Path;
use std::process::Command;

/// The settings that name files, and the files.
pub const TLS_FILES: [(&str, &str); 3] = [
    ("--tls-cert-file", "own.crt"),
    ("--tls-key-file", "own.key"),
    ("--tls-ca-cert-file", "ca.crt"),
];

/// Makes an authority, a certificate of it for localhost, and an authority that has nothing to do with it.
pub fn certificates(dir: &Path) -> bool {
    let run = |words: &str| {
        let words: Vec<&str> = words.split(' ').collect();
        let done = Command::new("openssl").args(words).current_dir(dir).output();
        done.is_ok_and(|done| done.status.success())
    };
    fs::write(dir.join("names"), "subjectAltName=DNS:localhost,IP:127.0.0.1\n").expect("write");
    let authority =
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj";
    run(&format!("{authority} /CN=authority -keyout ca.key -out ca.crt"))
        && run(&format!("{authority} /CN=other -keyout other.key -out other.crt"))
        && run(
            "req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=localhost -keyout own.key -out own.csr",
        )
        && run(
            "x509 -req -in own.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile names -out own.crt",
        )
}
