//! Plants mutations in source text: each in the innermost block around it, which then stands there once as it was and
//! once for each mutation, and a switch chooses between them when the program runs.

use std::collections::BTreeMap;
use std::ops::Range;

use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use super::{Mutation, Place};
use crate::process::Outcome;

/// The environment variable with the number of the mutation that is on.
pub(super) const SWITCH: &str = "QUANTUMSYNC_PLANTED";

/// What the copy of the core asks which mutation is on.
const ASK: &str = "
mod planted {
    extern crate std;
    static ON: std::sync::OnceLock<Option<usize>> = std::sync::OnceLock::new();
    pub(crate) fn is(number: usize) -> bool {
        let on = || std::env::var(\"QUANTUMSYNC_PLANTED\").ok().map(|on| on.parse().unwrap());
        *ON.get_or_init(on) == Some(number)
    }
}
";

/// The file that gets it.
const ROOT: &str = "lib.rs";

/// A place, by the number of its mutation and the bytes that it replaces.
struct Found {
    number: usize,
    at: Range<usize>,
    to: &'static str,
}

/// The text of each file that has to change, with all mutations in it; their numbers are their places in the list.
pub(super) fn plant(
    mutations: &[&Mutation],
    read: impl Fn(&str) -> Outcome<String>,
) -> Outcome<BTreeMap<&'static str, String>> {
    let mut files: BTreeMap<&str, Vec<(usize, &Place)>> = BTreeMap::from([(ROOT, Vec::new())]);
    for (number, mutation) in mutations.iter().enumerate() {
        for place in mutation.places {
            files.entry(place.file).or_default().push((number, place));
        }
    }
    let mut planted = BTreeMap::new();
    for (file, places) in files {
        let text = read(file)?;
        let find = |(number, place): (usize, &Place)| {
            let at = place.find(&text).map_err(|why| format!("\"{}\": {why}", mutations[number].rule))?;
            Ok(Found { number, at: at..at + place.from.len(), to: place.to })
        };
        let found = places.into_iter().map(find).collect::<Outcome<Vec<_>>>()?;
        let mut text = plant_all(&text, found).map_err(|why| format!("{file}: {why}"))?;
        if file == ROOT {
            // A rule that is out leaves things unused.
            text = text.replacen("#![no_std]", "#![no_std]\n#![allow(warnings)]", 1) + ASK;
        }
        planted.insert(file, text);
    }
    Ok(planted)
}

fn plant_all(text: &str, found: Vec<Found>) -> Outcome<String> {
    let blocks = Blocks::of(text)?;
    // Blocks of several places: one that lies in another is dropped for it.
    let mut grouped: Vec<(Range<usize>, Vec<Found>)> = Vec::new();
    for found in found {
        let Some(mut block) = blocks.innermost(&found.at) else {
            return Err(format!("`{}` would stand in no block", found.to));
        };
        let mut members = vec![found];
        for (other, others) in std::mem::take(&mut grouped) {
            if other.start < block.end && block.start < other.end {
                block = block.start.min(other.start)..block.end.max(other.end);
                members.extend(others);
            } else {
                grouped.push((other, others));
            }
        }
        grouped.push((block, members));
    }
    // Constant functions cannot ask which mutation is on.
    let is_around = |function: &Range<usize>| grouped.iter().any(|(block, _)| contains(function, block));
    let constants = blocks.constants.iter().filter(|(_, function)| is_around(function));
    let constants: Vec<Range<usize>> = constants.map(|(word, _)| word.clone()).collect();
    let mut edits: Vec<(Range<usize>, String)> =
        constants.into_iter().map(|word| (word, String::new())).collect();
    for (block, members) in grouped {
        let switched = switched(&text[block.clone()], block.start, members);
        edits.push((block, switched));
    }
    // From the back, so that what lies before keeps its place.
    edits.sort_by_key(|(at, _)| std::cmp::Reverse(at.start));
    let mut planted = text.to_owned();
    for (at, edit) in edits {
        planted.replace_range(at, &edit);
    }
    Ok(planted)
}

const fn contains(outer: &Range<usize>, inner: &Range<usize>) -> bool {
    outer.start <= inner.start && inner.end <= outer.end
}

/// A block that is one of several.
fn switched(block: &str, start: usize, members: Vec<Found>) -> String {
    let mut variants: BTreeMap<usize, Vec<Found>> = BTreeMap::new();
    members.into_iter().for_each(|found| variants.entry(found.number).or_default().push(found));
    let mut switched = String::from("{ ");
    for (number, mut places) in variants {
        places.sort_by_key(|found| std::cmp::Reverse(found.at.start));
        let mut variant = block.to_owned();
        for Found { at, to, .. } in places {
            variant.replace_range(at.start - start..at.end - start, to);
        }
        switched.push_str(&format!("if crate::planted::is({number}) {variant} else "));
    }
    switched + block + " }"
}

/// Where things stand in a file.
#[derive(Default)]
struct Blocks {
    all: Vec<Range<usize>>,
    /// The `const` of each constant function, and the function's block.
    constants: Vec<(Range<usize>, Range<usize>)>,
}

impl Blocks {
    fn of(text: &str) -> Outcome<Self> {
        let file = syn::parse_file(text).map_err(|error| error.to_string())?;
        let mut blocks = Self::default();
        blocks.visit_file(&file);
        Ok(blocks)
    }

    fn innermost(&self, at: &Range<usize>) -> Option<Range<usize>> {
        // What begins with a block's own brace is not inside it.
        let around = self.all.iter().filter(|block| block.start < at.start && at.end < block.end);
        around.min_by_key(|block| block.len()).cloned()
    }

    fn function(&mut self, signature: &syn::Signature, block: &syn::Block) {
        if let Some(constant) = &signature.constness {
            self.constants.push((constant.span().byte_range(), block.span().byte_range()));
        }
    }
}

impl<'ast> Visit<'ast> for Blocks {
    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        self.function(&function.sig, &function.block);
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        self.function(&function.sig, &function.block);
        visit::visit_impl_item_fn(self, function);
    }

    fn visit_block(&mut self, block: &'ast syn::Block) {
        self.all.push(block.span().byte_range());
        visit::visit_block(self, block);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planted(text: &str, from: &'static str, to: &'static str) -> String {
        let at = text.find(from).unwrap();
        plant_all(text, vec![Found { number: 3, at: at..at + from.len(), to }]).unwrap()
    }

    #[test]
    fn a_mutation_stands_beside_what_it_replaces() {
        let text = "fn f(a: u8) -> bool { a > 2 }";
        let wanted = "fn f(a: u8) -> bool { if crate::planted::is(3) { a > 0 } else { a > 2 } }";
        assert_eq!(planted(text, "2", "0"), wanted);
    }

    #[test]
    fn a_constant_function_is_none_any_more() {
        let text = "const fn f() -> u8 { 2 }";
        assert_eq!(planted(text, "2", "0"), " fn f() -> u8 { if crate::planted::is(3) { 0 } else { 2 } }");
    }

    #[test]
    fn only_the_innermost_block_stands_twice() {
        let text = "fn f() { for i in 0..9 { go(i); } }";
        let wanted = "fn f() { for i in 0..9 { if crate::planted::is(3) { go(1); } else { go(i); } } }";
        assert_eq!(planted(text, "go(i)", "go(1)"), wanted);
    }

    #[test]
    fn places_in_blocks_that_lie_in_each_other_share_the_outer_one() {
        let text = "fn f() { a(); { b(); } }";
        let places = [(0, "a()", "c()"), (1, "b()", "d()")];
        let found = places.map(|(number, from, to)| {
            let at = text.find(from).unwrap();
            Found { number, at: at..at + from.len(), to }
        });
        let wanted = "fn f() { if crate::planted::is(0) { c(); { b(); } } \
                      else if crate::planted::is(1) { a(); { d(); } } else { a(); { b(); } } }";
        assert_eq!(plant_all(text, found.into()).unwrap(), wanted);
    }

    #[test]
    fn what_stands_in_no_block_cannot_be_planted() {
        let found = Found { number: 0, at: 13..14, to: "2" };
        assert!(plant_all("const A: u8 = 1;", vec![Found { at: 14..15, ..found }]).is_err());
    }
}
