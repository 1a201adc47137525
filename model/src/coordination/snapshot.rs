//! A snapshot as bytes: all keys and sessions, or whatever else the log before it has come to, so that the log
//! can be cut off.
//!
//! `version | checksum | the whole, as postcard writes it`: 4 bytes each for the first two, little-endian; the
//! checksum is CRC-32 of the rest. It is written beside the last one, synced, and given its name; so
//! a bad one under that name is no torn write but corruption.

use rehearsal_env::{Env, File, StorageError};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The files that hold the snapshot, and the next one until it is whole.
pub(super) const SNAPSHOT: &str = "snapshot";
const NEXT_SNAPSHOT: &str = "snapshot.next";

const VERSION: [u8; 4] = *b"\xff\x00\xff\x02";
const HEADER: usize = 8;

/// The snapshot is damaged: what clients were told of is lost, and the service does not start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("the snapshot is corrupt")]
pub struct SnapshotCorrupt;

/// Writes a snapshot as bytes.
///
/// # Panics
/// Never: plain data can always be written as bytes.
pub fn encode_snapshot(whole: &impl Serialize) -> Vec<u8> {
    let written = postcard::to_allocvec(whole).expect("it is plain data, and memory grows");
    [&VERSION[..], &crc32fast::hash(&written).to_le_bytes(), &written].concat()
}

/// Reads a snapshot; none when there are no bytes.
///
/// # Errors
/// [`SnapshotCorrupt`]: nothing of it may be served.
pub fn read_snapshot<T: DeserializeOwned>(bytes: &[u8]) -> Result<Option<T>, SnapshotCorrupt> {
    if bytes.is_empty() {
        return Ok(None);
    }
    let (header, written) = bytes.split_at_checked(HEADER).ok_or(SnapshotCorrupt)?;
    if header[..4] != VERSION || header[4..] != crc32fast::hash(written).to_le_bytes() {
        return Err(SnapshotCorrupt);
    }
    postcard::from_bytes(written).map(Some).map_err(|_| SnapshotCorrupt)
}

/// Puts these bytes in the place of the snapshot, and empties the log, all of which is in them. A crash leaves the
/// one snapshot or the other, and with the new one perhaps the log, which is then to be skipped.
pub(super) async fn replace_snapshot<E: Env>(
    env: &E,
    bytes: &[u8],
    log: &E::File,
) -> Result<(), StorageError> {
    let next = env.open(NEXT_SNAPSHOT).await?;
    next.truncate(0).await?;
    next.write_at(0, bytes).await?;
    next.sync().await?;
    env.rename(NEXT_SNAPSHOT, SNAPSHOT).await?;
    env.sync_dir().await?;
    log.truncate(0).await?;
    log.sync().await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::coordination::{Command, Edit, Registry};

    #[test]
    fn a_snapshot_comes_back_as_it_was_written_or_not_at_all() {
        let mut registry = Registry::new(2);
        for key in ["/a", "/b", "/c"] {
            let writes = vec![Edit::put(key, *b"value")];
            registry.apply(&Command::Transact { session: None, checks: Vec::new(), writes });
        }
        let bytes = encode_snapshot(&registry);
        assert_eq!(read_snapshot(&bytes), Ok(Some(registry)));
        assert_eq!(read_snapshot::<Registry>(&[]), Ok(None));
        for at in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[at] ^= 0x10;
            assert_eq!(read_snapshot::<Registry>(&flipped), Err(SnapshotCorrupt), "byte {at}");
            assert!(at == 0 || read_snapshot::<Registry>(&bytes[..at]).is_err());
        }
    }
}
