//! The messages of a workload: who made them, and how they look as a record's value.

use super::record::{Content, Payload};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

/// One message of one producer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct MessageId {
    /// Whose.
    pub producer: u32,
    /// The how-many-th of that producer, from 0.
    pub number: u32,
}

const LENGTH: usize = 8;
/// What a value is filled up with.
const FILLING: u8 = 0x5a;

impl MessageId {
    /// A value that holds it, so many bytes long, and at least long enough.
    pub fn value(self, bytes: usize) -> Arc<[u8]> {
        let mut value = Vec::with_capacity(bytes.max(LENGTH));
        value.extend(self.producer.to_le_bytes());
        value.extend(self.number.to_le_bytes());
        value.resize(bytes.max(LENGTH), FILLING);
        value.into()
    }

    /// What a value holds; none when it was not made by [`value`](MessageId::value).
    pub fn of_value(value: &[u8]) -> Option<MessageId> {
        let number = |at: usize| Some(u32::from_le_bytes(value.get(at..at + 4)?.try_into().ok()?));
        Some(MessageId { producer: number(0)?, number: number(4)? })
    }

    /// Those of a payload, in order; a record that is no message of a workload is left out, and so are markers.
    pub fn of_payload(payload: &Payload) -> Vec<MessageId> {
        match &payload.content {
            Content::Records(records) => {
                records.iter().filter_map(|record| MessageId::of_value(&record.value)).collect()
            }
            Content::Marker(_) | Content::Routing(_) => Vec::new(),
        }
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "message {} of producer-{}", self.number, self.producer)
    }
}
