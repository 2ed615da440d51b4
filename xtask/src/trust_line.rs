//! The floors of the core: each module imports only from lower ones, and the plaintext side and the ciphertext side
//! (`vault`, `client` | `node`) never import each other. Resolves every path of the source, not only its text.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use syn::visit::{self, Visit};
use syn::{ItemUse, UseTree};

use crate::process::project;

/// The modules of the core by floor: a module may import itself and whatever stands strictly lower.
const FLOORS: &[&[&str]] = &[
    &["id", "time", "rng", "config", "gauge"],
    &["error"],
    &["cas", "codec", "crypto"],
    &["job"],
    &["driver", "record"],
    &["wire"],
    &["session", "vault"],
    &["client", "node"],
    &["sim"],
    &["fuzz"],
];

/// The sides of the trust line.
const SIDES: [&[&str]; 2] = [&["vault", "client"], &["node"]];

/// Absolute path of something that a file mentions: `["node", "store", "LocalStore"]` for `crate::node::store::LocalStore`.
type Mention = Vec<String>;

struct Mentions {
    /// Module of the code being visited, from the crate's root.
    module: Vec<String>,
    found: Vec<Mention>,
}

impl Mentions {
    fn of(source: &str, module: &[String]) -> Vec<Mention> {
        let file = syn::parse_file(source).expect("the source parses");
        let mut mentions = Self { module: module.to_vec(), found: Vec::new() };
        mentions.visit_file(&file);
        mentions.found
    }

    fn resolve(&mut self, path: &[String]) {
        let mut absolute = match path[0].as_str() {
            "crate" | "quantumsync_core" => Vec::new(),
            "self" => self.module.clone(),
            "super" => self.module[..self.module.len().saturating_sub(1)].to_vec(),
            // Any other path begins at something that a `use` has brought in, which was resolved there,
            // or in another crate.
            _ => return,
        };
        for segment in &path[1..] {
            if segment == "super" {
                absolute.pop();
            } else {
                absolute.push(segment.clone());
            }
        }
        self.found.push(absolute);
    }

    fn use_tree(&mut self, tree: &UseTree, prefix: &[String]) {
        let with = |name: String| [prefix, &[name]].concat();
        match tree {
            UseTree::Path(path) => self.use_tree(&path.tree, &with(path.ident.to_string())),
            UseTree::Name(name) => self.resolve(&with(name.ident.to_string())),
            UseTree::Rename(rename) => self.resolve(&with(rename.ident.to_string())),
            UseTree::Glob(_) => self.resolve(&with("*".into())),
            UseTree::Group(group) => group.items.iter().for_each(|item| self.use_tree(item, prefix)),
        }
    }
}

impl<'ast> Visit<'ast> for Mentions {
    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        self.use_tree(&item.tree, &[]);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        self.resolve(&segments);
        visit::visit_path(self, path);
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        self.module.push(item.ident.to_string());
        visit::visit_item_mod(self, item);
        self.module.pop();
    }
}

/// Every source file of the core, with its module's path.
fn sources() -> Vec<(PathBuf, Vec<String>)> {
    fn walk(folder: &Path, module: &[String], found: &mut Vec<(PathBuf, Vec<String>)>) {
        for entry in fs::read_dir(folder).expect("the folder can be read") {
            let path = entry.expect("the entry can be read").path();
            let name = path.file_stem().expect("an entry has a name").to_string_lossy().into_owned();
            if path.is_dir() {
                walk(&path, &[module, &[name]].concat(), found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let own = matches!(name.as_str(), "mod" | "lib");
                found.push((path, if own { module.to_vec() } else { [module, &[name]].concat() }));
            }
        }
    }
    let mut found = Vec::new();
    walk(&project().join("core/src"), &[], &mut found);
    found.sort();
    found
}

/// What the crate's root re-exports: `Client` → `client::Client`.
fn root_names(sources: &[(PathBuf, Vec<String>)]) -> BTreeMap<String, Mention> {
    let (root, _) = sources.iter().find(|(path, _)| path.ends_with("src/lib.rs")).expect("lib.rs is there");
    let text = fs::read_to_string(root).expect("lib.rs can be read");
    let file = syn::parse_file(&text).expect("lib.rs parses");
    let mut names = BTreeMap::new();
    for item in &file.items {
        if let syn::Item::Use(item) = item {
            collect_names(&item.tree, &[], &mut names);
        }
    }
    names
}

fn collect_names(tree: &UseTree, prefix: &[String], names: &mut BTreeMap<String, Mention>) {
    let with = |name: String| [prefix, &[name]].concat();
    match tree {
        UseTree::Path(path) if matches!(path.ident.to_string().as_str(), "crate" | "self") => {
            collect_names(&path.tree, prefix, names);
        }
        UseTree::Path(path) => collect_names(&path.tree, &with(path.ident.to_string()), names),
        UseTree::Name(name) => {
            names.insert(name.ident.to_string(), with(name.ident.to_string()));
        }
        UseTree::Rename(rename) => {
            names.insert(rename.rename.to_string(), with(rename.ident.to_string()));
        }
        UseTree::Group(group) => group.items.iter().for_each(|item| collect_names(item, prefix, names)),
        _ => panic!("lib.rs names what it exports one by one"),
    }
}

/// Says what is wrong with a mention in `module`, if anything is.
fn objection(module: &[String], mention: &Mention, root: &BTreeMap<String, Mention>) -> Option<String> {
    let own = module.first()?;
    let mention = mention.first().and_then(|first| root.get(first)).unwrap_or(mention);
    let other = mention.first()?;
    let side = |name: &String| SIDES.iter().position(|side| side.contains(&name.as_str()));
    if let (Some(a), Some(b)) = (side(own), side(other))
        && a != b
    {
        return Some(format!(
            "crosses the trust line: {} mentions {}",
            module.join("::"),
            mention.join("::")
        ));
    }
    // Tests stand above everything: they may use the simulator's parts.
    if other == own || module.iter().any(|part| part.contains("test")) {
        return None;
    }
    let floor = |name: &String| FLOORS.iter().position(|floor| floor.contains(&name.as_str()));
    match (floor(own), floor(other)) {
        (Some(a), Some(b)) if b >= a => {
            Some(format!("imports upward: {} mentions {}", module.join("::"), mention.join("::")))
        }
        (None, _) => Some(format!("{own} stands on no floor: add it to FLOORS")),
        _ => None,
    }
}

fn objections_to(source: &str, module: &[&str], root: &BTreeMap<String, Mention>) -> Vec<String> {
    let module: Vec<String> = module.iter().map(|part| (*part).to_owned()).collect();
    Mentions::of(source, &module).iter().filter_map(|mention| objection(&module, mention, root)).collect()
}

#[test]
fn the_core_imports_only_downward_and_nothing_crosses_the_trust_line() {
    let sources = sources();
    let root = root_names(&sources);
    assert!(sources.len() > 30, "the core's sources were found");
    let mut objections = Vec::new();
    for (path, module) in &sources {
        let module: Vec<&str> = module.iter().map(String::as_str).collect();
        let text = fs::read_to_string(path).expect("the source can be read");
        objections.extend(objections_to(&text, &module, &root));
    }
    assert!(objections.is_empty(), "{objections:#?}");
}

#[test]
fn the_map_in_the_readme_shows_these_floors() {
    let text = fs::read_to_string(project().join("core/README.md")).expect("the README can be read");
    let map = text.split("## Map").nth(1).expect("there is a map");
    // Of a row `| names | what for |` the first cell.
    let cells = map.lines().filter_map(|line| line.strip_prefix("| `")?.split(" |").next());
    let shown: Vec<Vec<&str>> =
        cells.map(|cell| cell.trim_end_matches('`').split("` · `").collect()).collect();
    let sorted = |floor: &&[&'static str]| {
        let mut floor = floor.to_vec();
        floor.sort_unstable();
        floor
    };
    let floors: Vec<Vec<&str>> = FLOORS.iter().rev().map(sorted).collect();
    assert_eq!(shown, floors);
}

#[test]
fn a_planted_import_across_the_trust_line_is_found_however_it_is_written() {
    let root = BTreeMap::from([("Vault".to_owned(), vec!["vault".to_owned(), "Vault".to_owned()])]);
    let planted = [
        "use crate::vault::Vault;",
        "use crate::{id::NodeId, vault::{self, Vault as V}};",
        "use super::super::vault::file;",
        "use crate::Vault;",
        "use crate::vault::*;",
        "fn f() { let _ = crate::vault::Vault::open; }",
        "fn f(_: &super::super::client::Client) {}",
        "mod inner { use super::super::super::vault::Vault; }",
        "#[cfg(test)] mod tests { use crate::vault::Vault; }",
    ];
    for source in planted {
        assert_eq!(objections_to(source, &["node", "store"], &root).len().min(1), 1, "{source}");
    }
    assert_eq!(objections_to("use crate::node::View;", &["vault", "file"], &root).len(), 1);
    assert_eq!(objections_to("use crate::node::View;", &["client"], &root).len(), 1);
}

#[test]
fn an_import_from_a_lower_floor_or_ones_own_is_allowed_and_an_upward_one_is_not() {
    let root = BTreeMap::new();
    assert!(
        objections_to("use crate::wire::Message; use super::keys;", &["node", "store"], &root).is_empty()
    );
    assert!(objections_to("use bytes::Bytes; use alloc::vec::Vec;", &["id"], &root).is_empty());
    assert_eq!(objections_to("use crate::session::Session;", &["wire", "frame"], &root).len(), 1);
    assert_eq!(objections_to("use crate::vault::Vault;", &["session"], &root).len(), 1);
}
