//! A set of vectors (Redis 8): its elements with their vectors, as they are stored, and attributes.
//!
//! The graph between them is left out: a server draws lots for it, so two servers that ran the same commands have
//! different ones. The names of all elements come in one answer, because no command gives them in pieces.

use redis::{Cmd, Value, cmd};

use super::replies::{into_bytes, items, pairs};
use super::seen::add_all;
use crate::server::contents::Hash;

/// Elements asked for at a time.
const ELEMENTS: usize = 500;

/// What belongs to all of it.
const OF_SET: [&[u8]; 2] = [b"hnsw-m", b"projection-input-dim"];

/// A set of vectors that is being read.
#[derive(Default)]
pub(super) struct Vectors {
    /// Elements that are still to be asked for; `None` before they are known.
    left: Option<Vec<Vec<u8>>>,
}

impl Vectors {
    pub fn ask(&self, name: &[u8], asked: &mut Vec<Cmd>) {
        let Some(left) = &self.left else {
            // As many as there are: more than that are never given.
            asked.push(cmd("VRANDMEMBER").arg(name).arg(i64::MAX).take());
            return asked.push(cmd("VINFO").arg(name).take());
        };
        for element in left.iter().rev().take(ELEMENTS) {
            asked.push(cmd("VEMB").arg(name).arg(element).arg("RAW").take());
            asked.push(cmd("VGETATTR").arg(name).arg(element).take());
        }
    }

    /// Takes the answers: what has an order goes into `hash`, the elements into the sum. Answers whether that was all.
    pub fn take(&mut self, answers: &[Value], hash: &mut Hash, sum: &mut u128) -> bool {
        let Some(left) = &mut self.left else {
            let names = answers.first().map_or(&[][..], items);
            let info = answers.get(1).into_iter().flat_map(pairs);
            for (word, value) in info.filter(|(word, _)| OF_SET.contains(word)) {
                hash.add(word);
                add_all(hash, value);
            }
            self.left = Some(names.iter().cloned().map(into_bytes).collect());
            return names.is_empty();
        };
        for told in answers.chunks(2) {
            let mut element = Hash::default();
            element.add(&left.pop().unwrap_or_default());
            told.iter().for_each(|value| add_all(&mut element, value));
            *sum = sum.wrapping_add(element.wide());
        }
        left.is_empty()
    }
}
