//! An entry of the server's file, and the file as bytes.
//!
//! ```text
//! entry:  client | number | amount | total | filling | checksum
//!            4        4        4       8       176        4       = 200 bytes, little-endian
//! ```

use super::messages::Request;
use serde::Serialize;

/// One counted request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Entry {
    /// Which request.
    pub request: Request,
    /// What it added.
    pub amount: u32,
    /// The counter right after it.
    pub total: u64,
}

/// Bytes of an entry. It is filled up to this length so that entries lie across the borders of sectors, as those
/// of real logs do: only there can a crash tear them.
pub const LENGTH: usize = 200;
const CHECKSUM_AT: usize = LENGTH - 4;
/// Not zero, so that sectors which were never written do not look like it.
const FILLING: u8 = 0xa5;

impl Entry {
    /// The entry as bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(LENGTH);
        bytes.extend(self.request.client.to_le_bytes());
        bytes.extend(self.request.number.to_le_bytes());
        bytes.extend(self.amount.to_le_bytes());
        bytes.extend(self.total.to_le_bytes());
        bytes.resize(CHECKSUM_AT, FILLING);
        bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
        bytes
    }

    /// The entry that these bytes are; `None` when they are not one, or not whole.
    pub fn decode(bytes: &[u8]) -> Option<Entry> {
        let (content, checksum) = bytes.split_at_checked(CHECKSUM_AT)?;
        if checksum != crc32fast::hash(content).to_le_bytes() {
            return None;
        }
        let number = |at: usize| u32::from_le_bytes(content[at..at + 4].try_into().expect("four bytes"));
        let total = u64::from_le_bytes(content[12..20].try_into().expect("eight bytes"));
        let request = Request { client: number(0), number: number(4) };
        Some(Entry { request, amount: number(8), total })
    }
}

/// Reads a file up to its first torn entry. One entry is written at a time, and the next one only after it is
/// synced, so whatever stands behind a torn one was never answered.
pub fn read_entries(bytes: &[u8]) -> Vec<Entry> {
    bytes.chunks(LENGTH).map_while(Entry::decode).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(number: u32) -> Entry {
        Entry { request: Request { client: 1, number }, amount: 5, total: 5 * u64::from(number + 1) }
    }

    fn file() -> Vec<u8> {
        (0..3).flat_map(|number| entry(number).encode()).collect()
    }

    #[test]
    fn entries_are_read_back_as_they_were_written() {
        assert_eq!(read_entries(&file()), [entry(0), entry(1), entry(2)]);
        assert_eq!(read_entries(&[]), []);
    }

    #[test]
    fn a_torn_entry_ends_the_file_wherever_it_is_torn() {
        for length in 2 * LENGTH..3 * LENGTH {
            assert_eq!(read_entries(&file()[..length]), [entry(0), entry(1)], "{length} bytes");
        }
    }

    #[test]
    fn no_changed_byte_passes_for_an_entry() {
        for at in 0..LENGTH {
            let mut bytes = entry(7).encode();
            bytes[at] ^= 1;
            assert_eq!(Entry::decode(&bytes), None, "byte {at}");
        }
        assert_eq!(Entry::decode(&[0; LENGTH]), None, "a sector that was never written");
    }
}
