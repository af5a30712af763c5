//! The cost of a value of any type.

use super::cost::{self, Cost};
use super::dialect::Dialect;
use super::held::Held;
use super::value::Value;

/// The bytes of a value, and the variance that a sample inside of it brings.
pub(super) fn value_cost(held: &Held, dialect: Dialect, scales: &mut cost::Scales) -> (Cost, Cost) {
    let cost = match &held.value {
        Value::Text(text) => text.cost(held.key_len, scales),
        Value::List(chain) => chain.cost(held.key_len, scales),
        Value::Stream(stream) => stream.cost(held.key_len, dialect, scales),
        Value::Members(members) => return members.cost(held.key_len, dialect, scales),
        Value::Sketch(sketch) => sketch.cost(held.key_len, scales),
        Value::Vectors(vectors) => vectors.cost(),
        Value::Opaque(bytes) => Cost::of_rdb(*bytes),
    };
    (cost, Cost::default())
}
