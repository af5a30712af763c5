//! What backups promise in numbers and rules: bytes read and stored, what is covered, what is kept, and how it comes back.
#![allow(clippy::unwrap_used)]

mod by_hand;
mod bytes;
mod covered;
#[path = "../support/home.rs"]
#[allow(dead_code)]
mod home;
mod kept;
mod replaced;
mod resumed;
mod schedules;
#[path = "../support/mod.rs"]
mod support;

use std::process::{Command, Output, Stdio};

use support::trace;

/// Runs the binary.
fn aofkit(words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_aofkit"));
    command.args(words).stdin(Stdio::null()).output().unwrap()
}

/// Runs the binary, which must end with this status; answers its output.
fn expect(code: i32, words: &[&str]) -> String {
    let ran = aofkit(words);
    let told = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert_eq!(ran.status.code(), Some(code), "{words:?}: {told}");
    String::from_utf8(ran.stdout).unwrap() + &told
}

/// Random numbers, the same for the same seed.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    fn bytes(&mut self, len: usize) -> Vec<u8> {
        let mut bytes: Vec<u8> = (0..len / 8 + 1).flat_map(|_| self.next().to_le_bytes()).collect();
        bytes.truncate(len);
        bytes
    }
}
