//! How a delayed message stands in the delayed topic: as itself, but that its key says what is to become of it.

use crate::queue::partition::Partition;
use crate::queue::record::Record;
use rehearsal_env::{Span, WallTime};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// When a message is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Due {
    /// So long after it was appended to the delayed topic.
    After(Span),
    /// When wall clocks show this.
    At(WallTime),
}

/// What the key of a record of the delayed topic says. Its value is the message's own, so that no limit of sizes is met
/// on the way.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Postponed {
    /// Where the record goes.
    pub target: Partition,
    /// When.
    pub due: Due,
    /// The key with which it is to stand there.
    pub key: Option<Arc<[u8]>>,
}

impl Postponed {
    /// The record as it is to stand in the delayed topic.
    ///
    /// # Panics
    /// Never: this can always be written as bytes.
    pub fn wrap(record: Record, target: Partition, due: Due) -> Record {
        let postponed = Postponed { target, due, key: record.key };
        let key = postcard::to_allocvec(&postponed).expect("it can be written as bytes");
        Record { key: Some(key.into()), ..record }
    }

    /// What a record of the delayed topic says, and the record as it is to stand in its target; none when it was not made
    /// by [`wrap`](Postponed::wrap).
    pub fn unwrap(record: &Record) -> Option<(Postponed, Record)> {
        let postponed: Postponed = postcard::from_bytes(record.key.as_ref()?).ok()?;
        let moved = Record { key: postponed.key.clone(), ..record.clone() };
        Some((postponed, moved))
    }
}
