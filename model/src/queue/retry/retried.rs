//! How a message stands in a retry topic and among the dead letters: as itself, but that its key says what it went
//! through.

use crate::queue::offset::Offset;
use crate::queue::partition::Partition;
use crate::queue::record::Record;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What the key of such a record says. Its value is the message's own.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Retried {
    /// How often it was tried, in vain.
    pub tries: u32,
    /// In which partition it stood first.
    pub partition: Partition,
    /// Where.
    pub offset: Offset,
    /// With which key.
    pub key: Option<Arc<[u8]>>,
}

impl Retried {
    /// What a record of a retry topic says; none when it was not made by [`wrap`](Retried::wrap).
    pub fn of(record: &Record) -> Option<Retried> {
        postcard::from_bytes(record.key.as_ref()?).ok()
    }

    /// The record as it is to stand there.
    ///
    /// # Panics
    /// Never: this can always be written as bytes.
    pub fn wrap(&self, record: &Record) -> Record {
        let key = postcard::to_allocvec(self).expect("it can be written as bytes");
        Record { key: Some(key.into()), ..record.clone() }
    }
}
