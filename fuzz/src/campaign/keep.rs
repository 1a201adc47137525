//! Failing scenarios as files: written whole or not at all.

use super::Conviction;
use crate::scenario_file;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// The folder for results cannot take them.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[error("{} cannot be written", path.display())]
#[diagnostic(
    code(rehearsal::out),
    help(
        "name a folder that you may write to, on a disk with room, by `--out DIR`; what was there is as it was"
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
    let mut trial = temporary_file(folder).map_err(failed)?;
    trial.write_all(b"trial").map_err(failed)?;
    trial.close().map_err(failed)
}

/// Keeps the scenario as `<system>-<invariant>-<seed>.toml`, in the place of an earlier one of that name.
///
/// # Errors
/// [`KeepError`]; an earlier file of that name is as it was.
pub fn keep(folder: &Path, conviction: &Conviction) -> Result<PathBuf, KeepError> {
    let invariant = &conviction.violations[0].invariant;
    let path = folder.join(format!("{}-{invariant}-{}.toml", conviction.scenario.system, conviction.seed));
    let failed = |source| KeepError { path: path.clone(), source };
    let mut file = temporary_file(folder).map_err(failed)?;
    file.write_all(scenario_file::write(&conviction.scenario).as_bytes()).map_err(failed)?;
    file.as_file().sync_all().map_err(failed)?;
    file.persist(&path).map_err(|error| failed(error.error))?;
    Ok(path)
}

/// A file that disappears unless it is given its name. Results may be read by whoever the user's umask lets.
fn temporary_file(folder: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(folder)
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
