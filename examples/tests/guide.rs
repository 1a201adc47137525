//! The guide says what the example is: its code is quoted, and the failure that it tells is the one that is found.

use rehearsal::prelude::*;
use rehearsal_examples::lock;
use std::fs;
use std::path::Path;

fn page() -> String {
    read("docs/guide.md")
}

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The blocks of this language.
fn blocks<'a>(page: &'a str, language: &str) -> Vec<&'a str> {
    let fence = format!("```{language}\n");
    page.split(fence.as_str()).skip(1).filter_map(|rest| rest.split("```").next()).collect()
}

#[test]
fn every_piece_of_code_is_quoted_from_the_example() {
    let sources = [read("examples/src/lock.rs"), read("examples/src/main.rs")];
    let page = page();
    let quoted = blocks(&page, "rust");
    assert!(quoted.len() >= 9, "only {} blocks are read", quoted.len());
    for block in quoted {
        assert!(sources.iter().any(|source| source.contains(block)), "this stands in no source:\n{block}");
    }
}

#[test]
fn the_whole_example_is_in_the_guide() {
    let (page, source) = (page(), read("examples/src/lock.rs"));
    let quoted = blocks(&page, "rust").concat();
    let left_out =
        |line: &&str| !line.trim().is_empty() && !line.starts_with("//!") && !quoted.contains(*line);
    let left_out: Vec<&str> = source.lines().filter(left_out).collect();
    assert_eq!(left_out, ["#[cfg(test)]", "mod tests {", "    use super::*;"]);
}

#[test]
fn the_story_in_the_guide_is_the_one_that_is_found() {
    let broken =
        check(lock::system()).defect("no-fencing").only(&["pauses"]).must_break("newest-writes-last");
    let story = broken.story_text();
    let page = page();
    assert!(blocks(&page, "text").contains(&story.as_str()), "the guide should tell:\n{story}");
}

#[test]
fn the_commands_in_the_guide_are_understood() {
    let page = page();
    let lines: Vec<&str> = blocks(&page, "sh").iter().flat_map(|block| block.lines()).collect();
    assert!(lines.len() >= 4, "only {} commands are read", lines.len());
    for line in lines {
        let arguments = line.strip_prefix("cargo run --release -p rehearsal-examples -- ").expect(line);
        let folder = tempfile::tempdir().expect("a folder");
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_rehearsal-examples"));
        command.args(arguments.split(' ')).current_dir(folder.path());
        let output = command.output().expect("the program runs");
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(matches!(output.status.code(), Some(0 | 1)), "{line}: {told}");
    }
}
