//! Lines whose words are nobody else's business.

/// Settings that hold passwords, or names that go with them.
const SECRET: [&str; 10] = [
    "requirepass",
    "masterauth",
    "masteruser",
    "primaryauth",
    "primaryuser",
    "tls-key-file-pass",
    "tls-client-key-file-pass",
    "user",
    "sentinel-pass",
    "sentinel-user",
];

/// Whether the words of such a line are never to be shown.
pub fn is_secret(name: &str) -> bool {
    SECRET.iter().any(|secret| secret.eq_ignore_ascii_case(name))
}
