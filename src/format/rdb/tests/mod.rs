//! Walks of hand-made files: vectors, every layout, faults, and the laws that hold for any bytes.

mod entries;
mod faults;
mod laws;
mod layouts;
pub mod samples;
mod tables;
mod vectors;
