//! Reads which file of the sources needs which: its `use` statements and the paths in its code, resolved as the
//! compiler would resolve them.

use std::collections::{BTreeMap, BTreeSet};

/// By which paths a file needs others.
pub type Needs<'s> = BTreeMap<&'s str, BTreeMap<&'s str, BTreeSet<String>>>;

/// What one file says of modules.
struct File {
    /// Its module: `aof::walker`.
    module: Vec<String>,
    /// Names that it imports for itself, and where they lead.
    imports: BTreeMap<String, Vec<String>>,
    /// Names that it hands on (`pub use`), and where they lead.
    exports: BTreeMap<String, Vec<String>>,
    /// Modules of which it hands on everything.
    globs: Vec<Vec<String>>,
    /// All its code without the `use` statements.
    code: String,
}

/// The files of one crate, by module.
pub struct Sources {
    files: BTreeMap<String, File>,
    /// Which file is which module.
    modules: BTreeMap<Vec<String>, String>,
}

/// `aof/walker.rs` is `aof::walker`, `aof/mod.rs` is `aof`, and the crate's own file is nothing.
fn module(file: &str) -> Vec<String> {
    let name = file.trim_end_matches(".rs");
    let is_root = name == "lib" || name == "main";
    let parts = name.split('/').filter(|part| *part != "mod" && !is_root);
    parts.map(str::to_owned).collect()
}

/// The paths of a tree such as `a::{b, c::{self, d as e}}`, each with the name that it gets.
fn leaves(tree: &str, before: &[String], into: &mut Vec<(String, Vec<String>)>) {
    let tree = tree.trim();
    if let Some((head, list)) = tree.split_once('{') {
        let mut path = before.to_vec();
        path.extend(head.split("::").map(str::trim).filter(|s| !s.is_empty()).map(str::to_owned));
        let list = list.rsplit_once('}').map_or(list, |(list, _)| list);
        let (mut depth, mut start) = (0, 0);
        for (at, c) in list.char_indices().chain([(list.len(), ',')]) {
            depth += i32::from(c == '{') - i32::from(c == '}');
            if c == ',' && depth == 0 {
                leaves(&list[start..at], &path, into);
                start = at + 1;
            }
        }
        return;
    }
    let (path, alias) = tree.split_once(" as ").map_or((tree, None), |(p, a)| (p, Some(a.trim())));
    let mut full = before.to_vec();
    full.extend(path.split("::").map(|s| s.trim().to_owned()).filter(|s| !s.is_empty()));
    if full.last().is_some_and(|last| last == "self") {
        full.pop();
    }
    if let Some(last) = full.last() {
        into.push((alias.unwrap_or(last).to_owned(), full.clone()));
    }
}

impl File {
    fn read(name: &str, text: &str) -> Self {
        let module = module(name);
        let (mut imports, mut exports) = (BTreeMap::new(), BTreeMap::new());
        let (mut globs, mut code) = (Vec::new(), String::new());
        let mut rest = text;
        while let Some(at) = next_use(rest) {
            let (before, after) = rest.split_at(at);
            let line = before.rsplit('\n').next().unwrap_or_default();
            let (tree, left) = after.split_once(';').unwrap_or((after, ""));
            code += before;
            let mut found = Vec::new();
            leaves(tree.trim_start_matches("use "), &[], &mut found);
            for (alias, path) in found {
                match (line.trim_start().starts_with("pub"), alias.as_str()) {
                    (true, "*") => globs.push(path[..path.len() - 1].to_vec()),
                    (true, _) => drop(exports.insert(alias, path)),
                    (false, _) => drop(imports.insert(alias, path)),
                }
            }
            rest = left;
        }
        code += rest;
        Self { module, imports, exports, globs, code }
    }
}

/// Where the next statement begins that imports something.
fn next_use(text: &str) -> Option<usize> {
    let mut from = 0;
    while let Some(at) = text[from..].find("use ") {
        let at = from + at;
        let line = text[..at].rsplit('\n').next().unwrap_or_default().trim();
        if line.is_empty() || line.starts_with("pub") && !line.contains([';', '{']) {
            return Some(at);
        }
        from = at + 4;
    }
    None
}

/// The paths in code, each a list of at least two names.
fn paths(code: &str) -> Vec<Vec<String>> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let pieces = code.split(|c: char| !is_word(c) && c != ':');
    let of = |piece: &str| -> Vec<String> {
        piece.split("::").filter(|s| !s.is_empty() && !s.contains(':')).map(str::to_owned).collect()
    };
    pieces.filter(|piece| piece.contains("::")).map(of).collect()
}

impl Sources {
    pub fn new<'t>(texts: impl Iterator<Item = (&'t str, &'t str)>) -> Self {
        let files: BTreeMap<_, _> =
            texts.map(|(name, text)| (name.to_owned(), File::read(name, text))).collect();
        let modules =
            files.iter().map(|(name, file)| (file.module.clone(), name.clone())).collect();
        Self { files, modules }
    }

    /// A path as it is written in a file, from the crate on. `None` where it leads out of the crate.
    fn absolute(&self, file: &File, path: &[String]) -> Option<Vec<String>> {
        let first = path.first()?;
        let mut from = file.module.clone();
        let mut rest = path;
        match first.as_str() {
            "crate" => return Some(path[1..].to_vec()),
            "self" => rest = &path[1..],
            "super" => {
                while rest.first().is_some_and(|part| part == "super") {
                    from.pop()?;
                    rest = &rest[1..];
                }
            }
            name => {
                let known = file.imports.get(name).or_else(|| file.exports.get(name));
                if let Some(known) = known.filter(|known| known.first() != Some(first)) {
                    let mut whole = self.absolute(file, known)?;
                    whole.extend_from_slice(&path[1..]);
                    return Some(whole);
                }
                let child: Vec<_> = from.iter().chain([first]).cloned().collect();
                self.modules.get(&child)?;
            }
        }
        from.extend_from_slice(rest);
        Some(from)
    }

    /// The file in which stands what a path from the crate on names; through whatever hands it on. `None` for a
    /// module as such, which nobody needs before he names something in it.
    fn home(&self, path: &[String], depth: usize) -> Option<&str> {
        let mut known = 0;
        while known < path.len() && self.modules.contains_key(&path[..=known]) {
            known += 1;
        }
        let name = self.modules.get(&path[..known])?;
        let item = path.get(known)?;
        let file = &self.files[name];
        let handed_on = |target: &Vec<String>| {
            let whole = self.absolute(file, target)?;
            let mut whole = whole.clone();
            whole.extend_from_slice(&path[known + 1..]);
            self.home(&whole, depth + 1)
        };
        if depth > 8 {
            return Some(name);
        }
        if let Some(target) = file.exports.get(item) {
            return handed_on(target);
        }
        if !stands_in(&file.code, item) {
            for glob in &file.globs {
                let mut target = glob.clone();
                target.push(item.clone());
                let found =
                    self.absolute(file, &target).and_then(|whole| self.home(&whole, depth + 1));
                if found.is_some_and(|found| stands_in(&self.files[found].code, item)) {
                    return found;
                }
            }
        }
        Some(name)
    }

    /// The files that each file needs, and by which paths.
    pub fn needs(&self) -> Needs<'_> {
        let one = |name: &str, file: &File| {
            let used = |(alias, _): &(&String, &Vec<String>)| stands_in_words(&file.code, alias);
            let own = file.exports.iter().filter(used).chain(&file.imports);
            let mut found: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
            for path in own.map(|(_, path)| path.clone()).chain(paths(&file.code)) {
                let other = self.absolute(file, &path).and_then(|whole| self.home(&whole, 0));
                if let Some(other) = other.filter(|other| *other != name) {
                    found.entry(other).or_default().insert(path.join("::"));
                }
            }
            found
        };
        self.files.iter().map(|(name, file)| (name.as_str(), one(name, file))).collect()
    }
}

/// Whether something of this name is declared in some code.
fn stands_in(code: &str, name: &str) -> bool {
    const KINDS: [&str; 8] =
        ["fn ", "struct ", "enum ", "trait ", "const ", "static ", "type ", "macro_rules! "];
    KINDS.iter().any(|kind| {
        code.match_indices(&format!("{kind}{name}")).any(|(at, found)| {
            !code[at + found.len()..].starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        })
    })
}

fn stands_in_words(code: &str, name: &str) -> bool {
    code.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').any(|word| word == name)
}

/// Files that need each other, directly or by others: each circle as lines that say who needs whom, and by what.
pub fn circles(needs: &Needs<'_>) -> Vec<String> {
    let reached: BTreeMap<_, _> = needs.keys().map(|file| (*file, reach(needs, file))).collect();
    let (mut told, mut found) = (BTreeSet::<&str>::new(), Vec::new());
    for (file, there) in &reached {
        if !there.contains(file) || told.contains(file) {
            continue;
        }
        let with: BTreeSet<_> =
            there.iter().copied().filter(|o| reached[o].contains(file)).collect();
        let of = |one: &&str| {
            let inside = needs[*one].iter().filter(|(other, _)| with.contains(*other));
            let line = |(other, by): (&&str, &BTreeSet<String>)| {
                let by: Vec<_> = by.iter().map(String::as_str).collect();
                format!("  {one} needs {other} by {}", by.join(", "))
            };
            inside.map(line).collect::<Vec<_>>()
        };
        found.push(with.iter().flat_map(of).collect::<Vec<_>>().join("\n"));
        told.extend(with);
    }
    found
}

/// What a file needs, and what that needs, and so on.
fn reach<'s>(needs: &Needs<'s>, from: &'s str) -> BTreeSet<&'s str> {
    let (mut seen, mut next) = (BTreeSet::new(), vec![from]);
    while let Some(file) = next.pop() {
        let others = needs.get(file).into_iter().flat_map(BTreeMap::keys).copied();
        next.extend(others.filter(|other| seen.insert(*other)));
    }
    seen
}
