//! Bytes that are written and read as a whole: element by element, as a sequence of numbers is, they would take a tenth of
//! the time of a campaign. What is written is the same.

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::sync::Arc;

/// Bytes as they are to be written, or were read.
struct Whole<T>(T);

impl Serialize for Whole<&Arc<[u8]>> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

impl<'de> Deserialize<'de> for Whole<Arc<[u8]>> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_byte_buf(Read).map(Whole)
    }
}

/// What is made of what was read.
struct Read;

impl<'de> Visitor<'de> for Read {
    type Value = Arc<[u8]>;

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("bytes")
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Self::Value, E> {
        Ok(bytes.into())
    }
}

/// For a field of bytes.
pub(super) mod all {
    use super::{Arc, Deserialize, Deserializer, Serialize, Serializer, Whole};

    pub(in super::super) fn serialize<S: Serializer>(bytes: &Arc<[u8]>, to: S) -> Result<S::Ok, S::Error> {
        Whole(bytes).serialize(to)
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Arc<[u8]>, D::Error> {
        Whole::deserialize(from).map(|Whole(bytes)| bytes)
    }
}

/// For a field that has bytes or none.
pub(super) mod any {
    use super::{Arc, Deserialize, Deserializer, Serialize, Serializer, Whole};

    pub(in super::super) fn serialize<S: Serializer>(
        bytes: &Option<Arc<[u8]>>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        bytes.as_ref().map(Whole).serialize(to)
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<Arc<[u8]>>, D::Error> {
        Ok(Option::deserialize(from)?.map(|Whole(bytes)| bytes))
    }
}

#[cfg(test)]
mod tests {
    use crate::queue::record::Record;

    #[test]
    fn what_is_written_is_a_sequence_and_comes_back() {
        for key in [None, Some(vec![]), Some(vec![0xff, 0])] {
            let value: Vec<u8> = (0..=255).collect();
            let record = Record {
                key: key.clone().map(Into::into),
                value: value.clone().into(),
                tags: [300].into_iter().collect(),
                created: -5,
            };
            let written = postcard::to_allocvec(&record).expect("it is plain data");
            assert_eq!(
                written,
                postcard::to_allocvec(&(key, value, [300_u16].as_slice(), -5_i64)).expect("so is this")
            );
            assert_eq!(postcard::from_bytes(&written), Ok(record));
        }
    }
}
