//! A snapshot as bytes: all keys and sessions, so that the log before it can be cut off.
//!
//! `version | checksum | the registry, as postcard writes it`: 4 bytes each for the first two, little-endian;
//! the checksum is CRC-32 of the registry. It is written beside the last one, synced, and given its name; so
//! a bad one under that name is no torn write but corruption.

use super::registry::Registry;

const VERSION: [u8; 4] = *b"\xff\x00\xff\x02";
const HEADER: usize = 8;

/// The snapshot is damaged: what clients were told of is lost, and the service does not start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("the snapshot is corrupt")]
pub struct SnapshotCorrupt;

/// Writes a snapshot as bytes.
///
/// # Panics
/// Never: a registry can always be written as bytes.
pub fn encode_snapshot(registry: &Registry) -> Vec<u8> {
    let written = postcard::to_allocvec(registry).expect("a registry is plain data, and memory grows");
    [&VERSION[..], &crc32fast::hash(&written).to_le_bytes(), &written].concat()
}

/// Reads a snapshot; none when there are no bytes.
///
/// # Errors
/// [`SnapshotCorrupt`]: nothing of it may be served.
pub fn read_snapshot(bytes: &[u8]) -> Result<Option<Registry>, SnapshotCorrupt> {
    if bytes.is_empty() {
        return Ok(None);
    }
    let (header, written) = bytes.split_at_checked(HEADER).ok_or(SnapshotCorrupt)?;
    if header[..4] != VERSION || header[4..] != crc32fast::hash(written).to_le_bytes() {
        return Err(SnapshotCorrupt);
    }
    postcard::from_bytes(written).map(Some).map_err(|_| SnapshotCorrupt)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::coordination::{Command, Edit};

    #[test]
    fn a_snapshot_comes_back_as_it_was_written_or_not_at_all() {
        let mut registry = Registry::new(2);
        for key in ["/a", "/b", "/c"] {
            let writes = vec![Edit::put(key, *b"value")];
            registry.apply(&Command::Transact { session: None, checks: Vec::new(), writes });
        }
        let bytes = encode_snapshot(&registry);
        assert_eq!(read_snapshot(&bytes), Ok(Some(registry)));
        assert_eq!(read_snapshot(&[]), Ok(None));
        for at in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[at] ^= 0x10;
            assert_eq!(read_snapshot(&flipped), Err(SnapshotCorrupt), "byte {at}");
            assert!(at == 0 || read_snapshot(&bytes[..at]).is_err());
        }
    }
}
