//! What coordinators remember, as records of their partitions: the key says whose it is, the value what.

use super::super::keys;
use super::super::record::{Content, Payload, Record};
use super::super::tags::Tags;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;

/// An entry about whoever has this key, made at this wall time in microseconds.
pub(super) fn record(key: &[u8], entry: &impl Serialize, created: i64) -> Record {
    let value: Arc<[u8]> = keys::encode(entry).into();
    Record { key: Some(key.to_vec().into()), value, tags: Tags::default(), created }
}

/// One entry as a coordinator's own batch.
pub(super) fn payload(record: Record) -> Payload {
    Payload { producer: None, transactional: false, content: Content::Records(vec![record]) }
}

/// What a record says, and of which group. None when it says nothing of the kind.
pub(super) fn of_group<T: DeserializeOwned>(record: &Record) -> Option<(u32, T)> {
    let key: [u8; 4] = record.key.as_deref()?.try_into().ok()?;
    Some((u32::from_le_bytes(key), postcard::from_bytes(&record.value).ok()?))
}
