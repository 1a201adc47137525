//! What a blob store knows, and how a blob looks as a file.

use std::collections::BTreeMap;

/// What is to become of a put.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Admission {
    /// It is to be written.
    Write,
    /// The same bytes are there already.
    Same,
    /// Other bytes are there.
    Occupied,
}

/// The blobs that are durable, each with the checksum of its bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Store(BTreeMap<String, u32>);

/// What the name of a file ends with that is not whole yet.
const PART: &str = ".part";
/// How many bytes of a file are the checksum of the others.
const CHECKSUM: usize = 4;

impl Store {
    /// What is to become of these bytes under this name.
    pub fn admit(&self, name: &str, bytes: &[u8]) -> Admission {
        match self.0.get(name) {
            None => Admission::Write,
            Some(checksum) if *checksum == crc32fast::hash(bytes) => Admission::Same,
            Some(_) => Admission::Occupied,
        }
    }

    /// These bytes are durable under this name.
    pub fn stored(&mut self, name: String, bytes: &[u8]) {
        self.0.insert(name, crc32fast::hash(bytes));
    }

    /// Whether there is anything of this name.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// The names that begin so, sorted.
    pub fn names<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = &'a String> {
        self.0
            .range(prefix.to_owned()..)
            .map(|(name, _)| name)
            .take_while(move |name| name.starts_with(prefix))
    }
}

/// The name of the file that becomes the blob's when it is whole.
pub(super) fn part_of(name: &str) -> String {
    format!("{name}{PART}")
}

/// Whether a file of this name was never finished.
pub(super) fn is_part(file: &str) -> bool {
    file.ends_with(PART)
}

/// A blob as a file.
pub fn seal(bytes: &[u8]) -> Vec<u8> {
    [&crc32fast::hash(bytes).to_le_bytes(), bytes].concat()
}

/// The blob in a file; `None` when it is not what was written.
pub fn unseal(file: &[u8]) -> Option<&[u8]> {
    let (checksum, bytes) = file.split_first_chunk::<CHECKSUM>()?;
    (crc32fast::hash(bytes) == u32::from_le_bytes(*checksum)).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_belongs_to_the_bytes_that_came_first() {
        let mut store = Store::default();
        assert_eq!(store.admit("a", b"one"), Admission::Write);
        store.stored("a".to_owned(), b"one");
        assert_eq!(store.admit("a", b"one"), Admission::Same);
        assert_eq!(store.admit("a", b"two"), Admission::Occupied);
        store.stored("ab".to_owned(), b"two");
        store.stored("b".to_owned(), b"two");
        assert_eq!(store.names("a").collect::<Vec<_>>(), ["a", "ab"]);
    }

    #[test]
    fn whatever_bit_of_a_file_flips_it_is_no_blob_any_more() {
        let file = seal(b"bytes");
        assert_eq!(unseal(&file), Some(&b"bytes"[..]));
        for bit in 0..file.len() * 8 {
            let mut rotten = file.clone();
            rotten[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(unseal(&rotten), None, "bit {bit}");
        }
        assert_eq!(unseal(b"abc"), None);
    }
}
