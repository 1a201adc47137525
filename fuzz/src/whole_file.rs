//! Files that are written whole or not at all.
//!
//! What is written goes to a file without a name beside the one that is meant, reaches the disk, and only then takes
//! the name. Whatever fails on the way, and whenever the program is killed, what was there before is as it was.

use std::fs;
use std::io::{self, BufWriter, Error, Write};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// Writes what `content` writes to the file `path`, in the place of what it held; a link stays, and the file that it
/// leads to is replaced.
///
/// # Errors
/// What `content` or the operating system says. Also when something other than a file has that name, as a folder or
/// a device: that would not be replaced but lost. The file is as it was then.
pub fn write(path: &Path, content: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let path = destination(path)?;
    let mut file = BufWriter::new(beside(&path)?);
    content(&mut file)?;
    let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.as_file().sync_all()?;
    file.persist(&path).map_err(|error| error.error)?;
    Ok(())
}

fn destination(path: &Path) -> io::Result<PathBuf> {
    match fs::metadata(path) {
        Ok(there) if there.is_file() => fs::canonicalize(path),
        Ok(_) => Err(Error::other("it is there, and is no ordinary file")),
        Err(_) => Ok(path.to_owned()),
    }
}

/// A file in the same folder that disappears unless it is given its name. Others may read it if the user's umask lets
/// them.
fn beside(path: &Path) -> io::Result<NamedTempFile> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let names = fs::read_dir(folder).expect("a folder");
        names.map(|entry| entry.expect("an entry").file_name().into_string().expect("a name")).collect()
    }

    #[test]
    fn a_file_takes_the_place_of_the_old_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("file");
        for text in ["the first, which is longer", "the second"] {
            write(&path, |out| out.write_all(text.as_bytes())).expect("it is written");
            assert_eq!(fs::read_to_string(&path).expect("the file"), text);
        }
        assert_eq!(names(folder.path()), ["file"]);
    }

    #[test]
    fn a_failure_half_way_leaves_the_old_file_and_nothing_else() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("file");
        fs::write(&path, "mine").expect("a file");
        let failed = write(&path, |out| {
            out.write_all(&[b'x'; 100_000])?;
            Err(Error::other("the disk is full"))
        });
        assert_eq!(failed.expect_err("it failed").to_string(), "the disk is full");
        assert_eq!(fs::read_to_string(&path).expect("the file"), "mine");
        assert_eq!(names(folder.path()), ["file"]);
    }

    #[test]
    fn a_failure_leaves_no_file_where_there_was_none() {
        let folder = tempfile::tempdir().expect("a folder");
        write(&folder.path().join("file"), |_| Err(Error::other("no"))).expect_err("it failed");
        assert!(names(folder.path()).is_empty());
    }

    #[test]
    fn what_is_no_ordinary_file_is_not_replaced() {
        let folder = tempfile::tempdir().expect("a folder");
        write(folder.path(), |out| out.write_all(b"text")).expect_err("it is a folder");
        assert!(folder.path().is_dir() && names(folder.path()).is_empty());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_and_its_file_is_replaced() {
        let folder = tempfile::tempdir().expect("a folder");
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        fs::write(&file, "old").expect("a file");
        std::os::unix::fs::symlink(&file, &link).expect("a link");
        write(&link, |out| out.write_all(b"new")).expect("it is written");
        assert_eq!(fs::read_to_string(&file).expect("the file"), "new");
        assert!(fs::symlink_metadata(&link).expect("the link").is_symlink());
    }
}
