//! A node's disk.

use std::future::Future;

/// Why a disk operation failed. Whether it happened is said at each variant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum StorageError {
    /// No such file. The operation definitely did not happen.
    #[error("there is no such file")]
    NotFound,
    /// The disk is full. The operation definitely did not happen; the file is not poisoned.
    #[error("the disk is full")]
    NoSpace,
    /// The device failed. Whether the write or sync happened, wholly or in part, is unknown, and the
    /// file is poisoned.
    #[error("the device failed")]
    Device,
    /// An earlier write or sync of this file failed, so nothing about its content is sure any
    /// more. This operation did not happen. The program should exit and recover.
    #[error("an earlier failure poisoned the file")]
    Poisoned,
}

impl StorageError {
    /// Whether the failed operation definitely did not happen.
    pub fn definitely_did_not_happen(self) -> bool {
        !matches!(self, StorageError::Device)
    }
}

/// Files of bytes under flat names.
///
/// Creating, renaming and removing are atomic, and sure to survive a crash only once a later
/// [`sync_dir`](Storage::sync_dir) has returned Ok. A crash keeps a prefix of those not yet sure, in
/// the order in which they were made, as a journalling file system does. An operation whose future is
/// dropped, or that is under way at a crash, may or may not have happened.
pub trait Storage {
    /// An open file.
    type File: File;

    /// Opens the file `name`, creating it empty if there is none.
    ///
    /// # Errors
    /// [`StorageError::NoSpace`] when it would have to be created and there is no room.
    fn open(&self, name: &str) -> impl Future<Output = Result<Self::File, StorageError>>;

    /// Gives the file `from` the name `to`, replacing a file of that name.
    ///
    /// # Errors
    /// [`StorageError::NotFound`] when there is no file `from`.
    fn rename(&self, from: &str, to: &str) -> impl Future<Output = Result<(), StorageError>>;

    /// Removes the file `name`.
    ///
    /// # Errors
    /// [`StorageError::NotFound`] when there is none.
    fn remove(&self, name: &str) -> impl Future<Output = Result<(), StorageError>>;

    /// The names of all files, sorted.
    ///
    /// # Errors
    /// [`StorageError::Device`].
    fn list(&self) -> impl Future<Output = Result<Vec<String>, StorageError>>;

    /// Makes the creations, renames and removals whose futures had resolved before the call survive
    /// any crash.
    ///
    /// # Errors
    /// [`StorageError::Device`]: what of them will survive is unknown.
    fn sync_dir(&self) -> impl Future<Output = Result<(), StorageError>>;
}

/// An open file.
///
/// A write is seen at once by this node's reads and survives a crash for sure only when a later
/// [`sync`](File::sync) returned Ok; `sync` covers the writes whose futures had resolved before it was
/// called. At a crash each unsynced write is kept, torn at a 512-byte sector, or lost, each on its own; a lost
/// write below a kept one leaves zeros. After a failed write or sync the file is poisoned: every
/// later use fails until the node restarts.
#[allow(
    clippy::len_without_is_empty,
    reason = "a length costs a disk access, and whoever pays it has the answer"
)]
pub trait File: 'static {
    /// Up to `length` bytes from `offset`; fewer at the end of the file.
    ///
    /// # Errors
    /// [`StorageError::Device`], [`StorageError::Poisoned`].
    fn read_at(&self, offset: u64, length: usize) -> impl Future<Output = Result<Vec<u8>, StorageError>>;

    /// Writes `bytes` at `offset`; a gap before it reads as zeros.
    ///
    /// # Errors
    /// [`StorageError::NoSpace`] (nothing written), [`StorageError::Device`], [`StorageError::Poisoned`].
    fn write_at(&self, offset: u64, bytes: &[u8]) -> impl Future<Output = Result<(), StorageError>>;

    /// Writes `bytes` at the end as it is when the write happens, and returns the offset where they
    /// begin.
    ///
    /// # Errors
    /// As [`write_at`](File::write_at).
    fn append(&self, bytes: &[u8]) -> impl Future<Output = Result<u64, StorageError>>;

    /// The length in bytes.
    ///
    /// # Errors
    /// [`StorageError::Poisoned`].
    fn len(&self) -> impl Future<Output = Result<u64, StorageError>>;

    /// Cuts or extends (with zeros) the file to `length` bytes. Sure after a sync, as a write.
    ///
    /// # Errors
    /// As [`write_at`](File::write_at).
    fn truncate(&self, length: u64) -> impl Future<Output = Result<(), StorageError>>;

    /// Makes every write whose future had resolved before the call survive any crash.
    ///
    /// # Errors
    /// [`StorageError::Device`]: what survives is unknown, and the file is poisoned.
    /// [`StorageError::Poisoned`].
    fn sync(&self) -> impl Future<Output = Result<(), StorageError>>;
}
