//! Hands out what a set holds, record by record and key by key, in a form that a [`Form`] knows.
//!
//! [`Printer`] selects and finds the bytes, also those that no window holds; [`Resp`] writes what another
//! server can be fed with. Forms for people and scripts are the caller's. Writes where it is told to,
//! and never reads a file by itself.

mod base;
mod clients;
mod out;
mod printed;
mod printer;
mod resp;
mod templates;

pub use crate::aof::{Arguments, Part};
pub use base::{Key, Library, Value, text};
pub use out::Out;
pub use printed::{LeftOut, Printed, Unprinted};
pub use printer::{Form, Options, Printer};
pub use resp::Resp;
