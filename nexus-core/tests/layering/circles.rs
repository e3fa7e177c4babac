//! Which source files import each other in a circle.
//!
//! Files are read as text: `use` declarations, and paths that begin with `crate`, `super`, `self` or
//! a child module. An item that a module only re-exports counts as the file's that defines it. What is
//! looked for is circles of siblings: a module may use its children, and they what it has for all.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

type Module = Vec<String>;

/// A source file, by what it says.
struct Source {
    path: PathBuf,
    /// Paths that it uses, from the crate's root.
    uses: BTreeSet<Module>,
    /// The names that it re-exports, and the paths of what they are.
    handed_on: BTreeMap<String, Module>,
}

/// The groups of files of the crate with this `src` folder that import each other in a circle.
pub(crate) fn circles(sources: &Path, files: &[PathBuf]) -> Vec<Vec<PathBuf>> {
    let modules: Vec<(Module, &PathBuf)> = files
        .iter()
        .filter(|file| !is_test(file))
        .map(|file| (module_of(file.strip_prefix(sources).unwrap()), file))
        .collect();
    let is_module = |path: &[String]| modules.iter().any(|(module, _)| module == path);
    let mut crate_files = BTreeMap::new();
    for (module, file) in &modules {
        let mut source =
            Source { path: (*file).clone(), uses: BTreeSet::new(), handed_on: BTreeMap::new() };
        read(&fs::read_to_string(file).unwrap(), module, &is_module, &mut source);
        crate_files.insert(module.clone(), source);
    }
    let edges: BTreeMap<&Module, BTreeSet<Module>> = crate_files
        .iter()
        .map(|(module, source)| {
            let imports = source.uses.iter().filter_map(|path| defined_in(path, &crate_files, 8));
            // A module and its children belong together, whoever of them imports the other.
            let is_family = |other: &Module| other.starts_with(module) || module.starts_with(other);
            (module, imports.filter(|other| !is_family(other)).collect())
        })
        .collect();
    strongly_connected(&edges)
        .into_iter()
        .map(|group| group.iter().map(|module| crate_files[module].path.clone()).collect())
        .collect()
}

fn is_test(file: &Path) -> bool {
    file.file_stem().is_some_and(|stem| stem == "tests") || file.ends_with("engine/model.rs")
}

/// `a/b.rs` and `a/b/mod.rs` are the module `a::b`.
fn module_of(inside: &Path) -> Module {
    let mut module: Module =
        inside.with_extension("").iter().map(|part| part.to_str().unwrap().to_owned()).collect();
    if module.last().is_some_and(|last| ["mod", "lib", "main"].contains(&last.as_str())) {
        module.pop();
    }
    module
}

/// Finds the paths in a file's text.
fn read(text: &str, module: &Module, is_module: &dyn Fn(&[String]) -> bool, into: &mut Source) {
    let code: String = text
        .lines()
        .take_while(|line| !line.starts_with("mod tests"))
        .map(|line| line.split("//").next().unwrap_or("").to_owned() + "\n")
        .collect();
    let mut rest = code.as_str();
    while let Some(at) = next_word(rest, "use") {
        let before = rest[..at].trim_end();
        let is_public = before.ends_with("pub")
            || before.ends_with(')') && {
                let open = before.rfind('(').unwrap_or(0);
                before[..open].ends_with("pub")
            };
        rest = &rest[at + 3..];
        let tree = &rest[..rest.find(';').unwrap_or(rest.len())];
        for path in use_tree(&mut tokens(tree).into_iter().peekable(), &[]) {
            let Some(path) = absolute(&path, module, is_module) else { continue };
            if is_public {
                into.handed_on.insert(path.last().cloned().unwrap_or_default(), path);
            } else {
                into.uses.insert(path);
            }
        }
    }
    let words = tokens(&code);
    for (at, word) in words.iter().enumerate() {
        let begins = words.get(at + 1).is_some_and(|next| next == "::")
            && (at == 0 || words[at - 1] != "::" && words[at - 1] != "$");
        if begins && word != "::" {
            let path: Module = words[at..]
                .chunks(2)
                .scan(true, |goes_on, pair| {
                    let taken =
                        std::mem::replace(goes_on, pair.get(1).is_some_and(|next| next == "::"));
                    taken.then(|| pair[0].clone())
                })
                .collect();
            // A `use` declaration has been read already, with all that stands in its braces.
            if path.last().is_some_and(|last| last != "{") {
                into.uses.extend(absolute(&path, module, is_module));
            }
        }
    }
    for path in into.handed_on.values() {
        into.uses.remove(path);
    }
}

fn next_word(text: &str, word: &str) -> Option<usize> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word)
        .map(|(at, _)| at)
        .find(|at| !text[..*at].ends_with(is_part) && !text[at + word.len()..].starts_with(is_part))
}

fn tokens(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut goes_on = false;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let is_part = c.is_alphanumeric() || c == '_';
        match found.last_mut() {
            Some(last) if is_part && goes_on => last.push(c),
            _ if c == ':' && chars.peek() == Some(&':') => {
                chars.next();
                found.push("::".to_owned());
            }
            _ if c.is_whitespace() => {}
            _ => found.push(c.to_string()),
        }
        goes_on = is_part;
    }
    found
}

/// The paths of `a::{b, c::{d as e, self}}`.
fn use_tree(
    words: &mut std::iter::Peekable<std::vec::IntoIter<String>>,
    before: &[String],
) -> Vec<Module> {
    let mut path = before.to_vec();
    let mut found = Vec::new();
    while let Some(word) = words.next() {
        match word.as_str() {
            "::" => {}
            "{" => {
                while words.peek().is_some_and(|word| word != "}") {
                    found.extend(use_tree(words, &path));
                    words.next_if(|word| word == ",");
                }
                words.next();
                return found;
            }
            "self" if path.len() > before.len() || !before.is_empty() => {}
            "as" => {
                words.next();
            }
            _ => path.push(word),
        }
        if words.peek().is_none_or(|word| word == "," || word == "}") {
            break;
        }
    }
    found.push(path);
    found
}

/// A path from the crate's root; `None` for one into another crate.
fn absolute(
    path: &[String],
    module: &Module,
    is_module: &dyn Fn(&[String]) -> bool,
) -> Option<Module> {
    let mut at = module.clone();
    let mut rest = path;
    match path.first()?.as_str() {
        "crate" => at.clear(),
        "self" => {}
        "super" => {
            at.pop();
        }
        child => {
            at.push(child.to_owned());
            if !is_module(&at) {
                return None;
            }
        }
    }
    rest = &rest[1..];
    while rest.first().is_some_and(|word| word == "super") {
        at.pop();
        rest = &rest[1..];
    }
    at.extend(rest.iter().cloned());
    Some(at)
}

/// The module of the file that defines what a path names.
fn defined_in(path: &[String], files: &BTreeMap<Module, Source>, depth: usize) -> Option<Module> {
    let length = (0..=path.len()).rev().find(|length| files.contains_key(&path[..*length]))?;
    let (module, item) = path.split_at(length);
    let handed_on = item.first().and_then(|name| files[module].handed_on.get(name));
    match handed_on {
        Some(path) if depth > 0 => defined_in(path, files, depth - 1),
        _ => Some(module.to_vec()),
    }
}

/// The groups of more than one in which each leads to each.
fn strongly_connected(edges: &BTreeMap<&Module, BTreeSet<Module>>) -> Vec<BTreeSet<Module>> {
    let reached = |from: &Module| {
        let mut seen = BTreeSet::new();
        let mut next = vec![from];
        while let Some(module) = next.pop() {
            for other in edges.get(module).into_iter().flatten() {
                if seen.insert(other.clone()) {
                    next.push(other);
                }
            }
        }
        seen
    };
    let all: BTreeMap<&Module, BTreeSet<Module>> =
        edges.keys().map(|module| (*module, reached(module))).collect();
    let mut groups: Vec<BTreeSet<Module>> = Vec::new();
    for (module, seen) in &all {
        if seen.contains(*module) && !groups.iter().any(|group| group.contains(*module)) {
            let back = |other: &&Module| all.get(other).is_some_and(|seen| seen.contains(*module));
            groups.push(seen.iter().filter(back).cloned().collect());
        }
    }
    groups
}
