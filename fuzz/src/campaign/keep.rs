//! What is kept of a failure: the repro, its story, and the scenario as it was drawn. Files are written whole or not at
//! all.

use super::{Conviction, Group};
use crate::report::figures::replay_command;
use crate::scenario_file;
use crate::system::System;
use crate::whole_file;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// A result cannot be written.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[error("{} cannot be written", path.display())]
#[diagnostic(
    code(rehearsal::out),
    help(
        "name a folder that you may write to, on a disk with room, by `--out`; what was there is as it was"
    )
)]
pub struct KeepError {
    /// The folder, or the file in it.
    pub path: PathBuf,
    /// What the operating system said.
    pub source: io::Error,
}

/// Makes the folder, and sees that a file can be written in it, before hours are spent on what could not be kept.
///
/// # Errors
/// [`KeepError`] when it cannot.
pub fn prepare(folder: &Path) -> Result<(), KeepError> {
    let failed = |source| KeepError { path: folder.to_owned(), source };
    fs::create_dir_all(folder).map_err(failed)?;
    let mut trial = NamedTempFile::new_in(folder).map_err(failed)?;
    trial.write_all(b"trial").map_err(failed)?;
    trial.close().map_err(failed)
}

/// Keeps a failing scenario as it was drawn, as `<system>-<invariant>-<seed>.toml`.
///
/// # Errors
/// [`KeepError`]; an earlier file of that name is as it was.
pub fn keep(folder: &Path, conviction: &Conviction) -> Result<PathBuf, KeepError> {
    let invariant = &conviction.violations[0].invariant;
    let path = folder.join(format!("{}-{invariant}-{}.toml", conviction.scenario.system, conviction.seed));
    write_whole(&path, &scenario_file::write(&conviction.scenario))?;
    Ok(path)
}

/// Keeps what a group shrank to as `<system>-<invariant>-<seed>.toml`, its story beside it as `.md`, and the scenario
/// as it was drawn as `.drawn.toml`. The path of the first; None when it was not shrunk.
///
/// # Errors
/// [`KeepError`]; earlier files of those names are as they were, or new.
pub fn keep_group(
    folder: &Path,
    system: &dyn System,
    group: &Group,
    drawn: &Conviction,
) -> Result<Option<PathBuf>, KeepError> {
    let Some(shrunk) = &group.shrunk else { return Ok(None) };
    let name = format!("{}-{}-{}", drawn.scenario.system, group.invariant, drawn.seed);
    let path = folder.join(format!("{name}.toml"));
    write_whole(&folder.join(format!("{name}.drawn.toml")), &scenario_file::write(&drawn.scenario))?;
    write_whole(&path, &shrunk.text(system))?;
    if let Some(story) = &group.story {
        write_whole(&path.with_extension("md"), &story.markdown(&replay_command(&path)))?;
    }
    Ok(Some(path))
}

/// Writes a file whole, in the place of an earlier one, or not at all.
///
/// # Errors
/// [`KeepError`]; an earlier file is as it was.
pub fn write_whole(path: &Path, text: &str) -> Result<(), KeepError> {
    whole_file::write(path, |out| out.write_all(text.as_bytes()))
        .map_err(|source| KeepError { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_is_a_file_is_refused_and_left_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("taken");
        fs::write(&file, "mine").expect("a file");
        assert_eq!(prepare(&file).expect_err("a file").path, file);
        assert_eq!(fs::read_to_string(&file).expect("the file"), "mine");
    }

    #[test]
    fn a_folder_that_is_ready_holds_nothing_yet() {
        let folder = tempfile::tempdir().expect("a folder");
        let new = folder.path().join("a").join("b");
        prepare(&new).expect("it can be written");
        assert_eq!(fs::read_dir(&new).expect("it is there").count(), 0);
    }
}
