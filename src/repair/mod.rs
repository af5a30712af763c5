//! Turns what is wrong with a set into a plan that makes it whole again.
//!
//! Knows what a check found and what a loader takes; writes nothing itself: what comes out is a
//! [`crate::change::Plan`].

pub mod inner;
