//! The mark that a broker leaves on its disk when it has stopped in order, and finds when it comes up.

use super::super::keys;
use super::super::restart::Mark;
use rehearsal_env::{Env, File, StorageError};

/// The mark's file.
const MARK: &str = "stopped-in-order";
/// The file while it is written: it gets its name when it is whole.
const UNFINISHED: &str = "stopped-in-order.unfinished";
/// The longest mark, in bytes.
const WHOLE: usize = 64;

/// Leaves the mark. With Ok it survives any crash.
///
/// # Errors
/// See [`StorageError`]: whether there is a mark is unknown.
pub(super) async fn leave<E: Env>(env: &E, mark: Mark) -> Result<(), StorageError> {
    let file = env.open(UNFINISHED).await?;
    file.truncate(0).await?;
    file.write_at(0, &keys::encode(&mark)).await?;
    file.sync().await?;
    env.rename(UNFINISHED, MARK).await?;
    env.sync_dir().await
}

/// The mark of the life before this one, if that has stopped in order: among these files, which are all.
///
/// # Errors
/// See [`StorageError`].
pub(super) async fn find<E: Env>(env: &E, files: &[String]) -> Result<Option<Mark>, StorageError> {
    if !files.iter().any(|file| file == MARK) {
        return Ok(None);
    }
    let bytes = env.open(MARK).await?.read_at(0, WHOLE).await?;
    Ok(postcard::from_bytes(&bytes).ok())
}

/// Takes the mark away, before this life has anything that a crash could take. With Ok it is gone for good.
///
/// # Errors
/// See [`StorageError`]: whether it is still there is unknown.
pub(super) async fn take<E: Env>(env: &E) -> Result<(), StorageError> {
    env.remove(MARK).await?;
    env.sync_dir().await
}
