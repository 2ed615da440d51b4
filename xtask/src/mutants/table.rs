//! The mutations as the table of `core/TESTING.md`: a test sees that it is the table of today.

use super::all;
use crate::process::Outcome;

/// Prints it.
#[expect(clippy::unnecessary_wraps, reason = "every task ends with an outcome")]
pub(crate) fn print() -> Outcome {
    print!("{}", table());
    Ok(())
}

fn table() -> String {
    let mut table =
        String::from("| kind | rule that is taken out | where | tests that fail |\n|---|---|---|---|\n");
    for mutation in all() {
        let mut files: Vec<&str> = mutation.places.iter().map(|place| place.file).collect();
        files.dedup();
        let (group, rule, tests) = (mutation.group, mutation.rule, mutation.tests.join("`, `"));
        table.push_str(&format!("| {group} | {rule} | `{}` | `{tests}` |\n", files.join("`, `")));
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::project;
    use std::fs;

    const BEGIN: &str = "<!-- mutants: begin -->\n";
    const END: &str = "<!-- mutants: end -->\n";

    #[test]
    fn the_table_of_the_book_is_that_of_the_list() {
        let path = project().join("core/TESTING.md");
        let text = fs::read_to_string(&path).unwrap();
        let begin = text.find(BEGIN).expect("the table's beginning is marked") + BEGIN.len();
        let end = text.find(END).expect("the table's end is marked");
        if std::env::var_os("QUANTUMSYNC_REWRITE").is_some() {
            fs::write(&path, [&text[..begin], &table(), &text[end..]].concat()).unwrap();
            return;
        }
        let advice = "rewrite it with: QUANTUMSYNC_REWRITE=1 cargo test -p xtask mutants";
        assert!(text[begin..end] == table(), "{} is out of date; {advice}", path.display());
    }
}
