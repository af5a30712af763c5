//! Bytes in JSON: a member with the text and, with `_b64` behind its name, one with the bytes in base64. One of both is null:
//! the second where the bytes are text, else the first; both where there are none.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use base64::prelude::{BASE64_STANDARD, Engine};
use serde::Serialize;

/// Bytes that are text when they can be, and base64 when not.
pub struct Text {
    pub plain: Option<String>,
    pub b64: Option<String>,
}

pub fn text(bytes: &[u8]) -> Text {
    match std::str::from_utf8(bytes) {
        Ok(plain) => Text { plain: Some(plain.to_owned()), b64: None },
        Err(_) => Text { plain: None, b64: Some(BASE64_STANDARD.encode(bytes)) },
    }
}

pub fn path_text(path: &Path) -> Text {
    text(path.as_os_str().as_bytes())
}

/// Types of pairs of members, to be flattened into the object that has them.
macro_rules! pairs {
    ($($name:ident $plain:literal $b64:literal;)*) => { $(
        #[derive(Default, Serialize)]
        pub struct $name {
            #[serde(rename = $plain)]
            plain: Option<String>,
            #[serde(rename = $b64)]
            b64: Option<String>,
        }

        impl From<Text> for $name {
            fn from(text: Text) -> Self {
                Self { plain: text.plain, b64: text.b64 }
            }
        }

        impl From<Option<Text>> for $name {
            fn from(text: Option<Text>) -> Self {
                text.map(Self::from).unwrap_or_default()
            }
        }
    )* };
}

pairs! {
    CommandText "command" "command_b64";
    FileText "file" "file_b64";
    KeptAtText "kept_at" "kept_at_b64";
    KeyText "key" "key_b64";
    LargestKeyText "largest_key" "largest_key_b64";
    ManifestText "manifest" "manifest_b64";
    NameText "name" "name_b64";
    NewFileText "new_file" "new_file_b64";
    OutputText "output" "output_b64";
    PathText "path" "path_b64";
    PrefixText "prefix" "prefix_b64";
    RepositoryText "repository" "repository_b64";
    TargetText "target" "target_b64";
    WhatText "what" "what_b64";
}
