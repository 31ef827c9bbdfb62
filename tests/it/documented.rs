//! What the README and the pages tell people to type is typed here, in real programs.
//!
//! A command that stands in a page and that no test here runs makes a test fail.

mod columns;
mod cookbook;
mod spans;
mod walks;

use std::path::Path;

/// A page of the project, by its path from the root.
fn page(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    std::fs::read_to_string(root.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The texts of a page's blocks of commands, in order.
fn blocks(page: &str) -> Vec<&str> {
    let mut blocks = Vec::new();
    let mut rest = page;
    while let Some((_, behind)) = rest.split_once("\n```") {
        let (kind, behind) = behind.split_once('\n').unwrap();
        let (block, behind) = behind.split_once("```").expect("a block that begins ends");
        if kind == "sh" {
            blocks.push(block);
        }
        rest = behind;
    }
    blocks
}
