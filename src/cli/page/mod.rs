//! Pages of HTML that need nothing beside them: no network, no script, and no style from elsewhere.

pub mod backups;
pub mod bytes;
pub mod files;
pub mod findings;
pub mod fleet;
pub mod forecast;
pub mod keys;
pub mod parts;
pub mod prefixes;
pub mod seen;
pub mod set;
pub mod timeline;
pub mod treemap;

use askama::Template;
use base64::prelude::{BASE64_STANDARD, Engine};
use sha2::{Digest, Sha256};

use self::parts::{Section, SetPart, Shape};

/// Bytes that a page has at most.
pub const LARGEST: usize = 400 << 10;

/// Bytes for a set's line in the list of sets, and for what names those that are left out.
const LINE: usize = 400;

const STYLE: &str = include_str!("templates/style.css");

#[derive(Template)]
#[template(path = "page.html", config = "src/cli/page/askama.toml")]
pub struct Page {
    pub title: String,
    pub made: String,
    pub version: &'static str,
    pub is_redacted: bool,
    /// What holds for all sets.
    pub sections: Vec<Section>,
    pub sets: Vec<SetPart>,
    /// There is more than one set, or was before those without room were left out.
    pub is_many: bool,
    /// Sets for which there is no room.
    pub left_out: usize,
}

#[derive(Template)]
#[template(path = "set.html", config = "src/cli/page/askama.toml")]
struct SetAlone<'a> {
    set: &'a SetPart,
}

impl Page {
    /// The page, with as many sets as there is room for.
    ///
    /// # Errors
    /// When a template cannot be filled in.
    pub fn text(mut self) -> askama::Result<String> {
        let all = std::mem::take(&mut self.sets);
        self.is_many = all.len() > 1;
        let mut used = self.render()?.len();
        let mut fits = 0;
        self.sets = all;
        for set in &self.sets {
            used += SetAlone { set }.render()?.len() + LINE;
            if used > LARGEST && fits > 0 {
                break;
            }
            fits += 1;
        }
        self.left_out += self.sets.len() - fits;
        self.sets.truncate(fits);
        self.render()
    }

    fn style(&self) -> &'static str {
        STYLE
    }

    /// What a browser may do: nothing but take the one style, which it knows by its hash.
    fn policy(&self) -> String {
        let hash = BASE64_STANDARD.encode(Sha256::digest(STYLE.as_bytes()));
        format!(
            "default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'"
        )
    }
}
