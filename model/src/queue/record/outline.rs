//! What a partition's cores need to know of a batch for as long as it is in the log, wherever its bytes are.

use super::{Batch, Content, ProducerStamp, Verdict};
use crate::queue::offset::Offset;

/// A batch without its records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Outline {
    /// Where it begins.
    pub base: Offset,
    /// How many offsets it takes.
    pub offsets: u64,
    /// Whose it is, if its producer numbers what it sends.
    pub producer: Option<ProducerStamp>,
    /// Whether it belongs to a transaction.
    pub transactional: bool,
    /// What it holds.
    pub kind: Kind,
}

/// What a batch holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Records.
    Records,
    /// The end of a transaction.
    Marker(Verdict),
    /// The version of the topic's state by which records are routed from here on.
    Routing(u32),
}

impl From<&Batch> for Outline {
    fn from(batch: &Batch) -> Outline {
        let kind = match batch.payload.content {
            Content::Records(_) => Kind::Records,
            Content::Marker(verdict) => Kind::Marker(verdict),
            Content::Routing(version) => Kind::Routing(version),
        };
        let (producer, transactional) = (batch.payload.producer, batch.payload.transactional);
        Outline { base: batch.base, offsets: batch.payload.offsets(), producer, transactional, kind }
    }
}
