//! What is in a reply.

use redis::Value;

pub(super) fn cursor_and_items(page: Value) -> Option<(Vec<u8>, Vec<Value>)> {
    let Value::Array(page) = page else { return None };
    match <[Value; 2]>::try_from(page) {
        Ok([next, Value::Array(items)]) => Some((into_bytes(next), items)),
        _ => None,
    }
}

/// The text of an answer; empty where it is none.
pub(super) fn bytes(value: &Value) -> &[u8] {
    match value {
        Value::BulkString(bytes) => bytes,
        Value::SimpleString(text) => text.as_bytes(),
        Value::VerbatimString { text, .. } => text.as_bytes(),
        Value::Okay => b"OK",
        _ => b"",
    }
}

pub(super) fn into_bytes(value: Value) -> Vec<u8> {
    match value {
        Value::BulkString(bytes) => bytes,
        other => bytes(&other).to_vec(),
    }
}

pub(super) fn items(value: &Value) -> &[Value] {
    match value {
        Value::Array(items) => items,
        _ => &[],
    }
}

/// An answer that is a list of names and values.
pub(super) fn pairs(value: &Value) -> impl Iterator<Item = (&[u8], &Value)> {
    items(value).chunks_exact(2).map(|pair| (bytes(&pair[0]), &pair[1]))
}
