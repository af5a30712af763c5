//! Tongues: bytes in, values out. No I/O, no clock, no log; the rooms do not know each other; what two of them
//! need (a fault, quoted words, the slot of a key) is a room of its own.
//!
//! Public for people who hold only bytes.

pub mod annotation;
pub mod conf;
pub mod fault;
pub mod foreign;
pub mod manifest;
pub mod nodes;
pub mod rdb;
pub mod resp;
pub mod slot;
pub mod words;
