//! Hashes and the names made of them; documents that prove themselves.
//!
//! A document is one JSON object on one line. Its first member is `sum`: the SHA-256 of the whole file with
//! the 64 digits of `sum` taken as zeros. So no byte of it can change unseen.

use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

/// Directory of the lists.
pub(super) const LISTS: &str = "lists/";

/// Directory of the objects.
const OBJECTS: &str = "objects/";

const SUM_HEAD: &str = "{\"sum\":\"";
const HEX: usize = 64;

/// A hash as hexadecimal digits.
pub(super) fn hex(hash: &[u8]) -> String {
    use std::fmt::Write;
    hash.iter().fold(String::with_capacity(HEX), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The SHA-256 of bytes.
pub(super) fn hex_of(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// The key of the object that holds these bytes.
pub(super) fn object_key(stored_hash: &str) -> String {
    format!("{OBJECTS}{}/{stored_hash}.zst", &stored_hash[..2])
}

/// The key of the list of segments that is these bytes.
pub(super) fn list_key(hash: &str) -> String {
    format!("{LISTS}{}/{hash}.txt", &hash[..2])
}

/// The hash in an object's key; `None` when it is no such key.
pub(super) fn hash_in_key(key: &str) -> Option<&str> {
    hash_between(OBJECTS, key, ".zst")
}

/// The hash in a list's key; `None` when it is no such key.
pub(super) fn hash_in_list_key(key: &str) -> Option<&str> {
    hash_between(LISTS, key, ".txt")
}

fn hash_between<'k>(dir: &str, key: &'k str, ending: &str) -> Option<&'k str> {
    let (fan_out, file) = key.strip_prefix(dir)?.split_once('/')?;
    let hash = file.strip_suffix(ending)?;
    let digits = hash.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    (hash.len() == HEX && digits && hash.starts_with(fan_out) && fan_out.len() == 2).then_some(hash)
}

/// Whether it is the key of an object.
pub(super) fn is_object_key(key: &str) -> bool {
    hash_in_key(key).is_some()
}

/// Whether snapshots share what lies under this key: an object or a list.
pub(super) fn is_shared_key(key: &str) -> bool {
    is_object_key(key) || is_list_key(key)
}

/// Whether it is the key of a list of segments.
pub(super) fn is_list_key(key: &str) -> bool {
    hash_in_list_key(key).is_some()
}

/// A value as a document.
pub(super) fn sealed(value: &impl Serialize) -> Vec<u8> {
    let mut bytes = format!("{SUM_HEAD}{}\"", "0".repeat(HEX)).into_bytes();
    let members = bytes.len();
    // Plain data with string keys: this cannot fail. An entry may have very many files, so it is written once.
    let _ = serde_json::to_writer(&mut bytes, value);
    if let Some(brace) = bytes.get_mut(members) {
        *brace = b',';
    }
    bytes.push(b'\n');
    let sum = hex_of(&bytes);
    bytes[SUM_HEAD.len()..SUM_HEAD.len() + HEX].copy_from_slice(sum.as_bytes());
    bytes
}

/// A JSON object as a document of a catalog, with its sum; what is no object becomes an empty one.
pub fn document(json: &str) -> Vec<u8> {
    let members: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(json).unwrap_or_default();
    sealed(&members)
}

/// The key of a list of segments that is these bytes.
pub fn key_of_list(bytes: &[u8]) -> String {
    list_key(&hex_of(bytes))
}

/// The value in a document, or why there is none.
pub(super) fn unsealed<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    let sum = bytes.get(SUM_HEAD.len()..SUM_HEAD.len() + HEX);
    let Some(sum) = sum.filter(|_| bytes.starts_with(SUM_HEAD.as_bytes())) else {
        return Err("it does not begin with its sum".to_owned());
    };
    let zeroed = Sha256::new_with_prefix(SUM_HEAD).chain_update([b'0'; HEX]);
    let hash = zeroed.chain_update(&bytes[SUM_HEAD.len() + HEX..]).finalize();
    if hex(&hash).as_bytes() != sum {
        return Err("its bytes do not fit its sum".to_owned());
    }
    serde_json::from_slice(bytes).map_err(|e| format!("it cannot be understood: {e}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Document {
        number: u64,
    }

    #[test]
    fn no_byte_of_a_document_changes_unseen() {
        let bytes = sealed(&Document { number: 7 });
        assert_eq!(unsealed::<Document>(&bytes), Ok(Document { number: 7 }));
        for at in 0..bytes.len() {
            for bit in [1, 0x20, 0x80] {
                let mut changed = bytes.clone();
                changed[at] ^= bit;
                assert!(unsealed::<Document>(&changed).is_err(), "byte {at}");
            }
        }
        assert!(unsealed::<Document>(&bytes[..bytes.len() - 1]).is_err());
        assert!(unsealed::<Document>(&[&bytes[..], b"\n"].concat()).is_err());
    }

    #[test]
    fn object_keys_are_told_from_others() {
        let key = object_key(&hex_of(b"x"));
        assert_eq!(hash_in_key(&key), Some(&*hex_of(b"x")));
        for wrong in ["objects/ab/cd.zst", "objects/..", &key[1..], &key.replace('/', "-")] {
            assert!(!is_object_key(wrong), "{wrong}");
        }
        let list = list_key(&hex_of(b"x"));
        assert!(is_list_key(&list) && !is_object_key(&list) && !is_list_key(&key));
    }
}
