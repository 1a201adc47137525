//! What is told of a batch.

use crate::queue::identity::ProducerIdentity;
use crate::queue::message::MessageId;
use crate::queue::offset::{LeaderEpoch, Offset};
use crate::queue::partition::{Partition, Topic};
use crate::queue::record::{Batch, Content, Verdict};
use serde::{Deserialize, Serialize};

/// One batch in a log: which stretch of offsets, in whose time, and what it holds.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Stretch {
    /// Where it begins.
    pub base: Offset,
    /// Where the next one begins.
    pub end: Offset,
    /// The epoch of the leader that appended it.
    pub epoch: LeaderEpoch,
    /// When the leader appended it, in microseconds of its wall clock.
    pub appended: i64,
    /// The checksum of its payload: the same bytes have the same.
    pub checksum: u32,
    /// The messages in it, one an offset; none for what is the queue's own.
    pub messages: Vec<MessageId>,
    /// To which transaction it belongs, if to any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<Within>,
}

/// What a batch is to a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Within {
    /// It holds records of this producer's transaction.
    Records(ProducerIdentity),
    /// It ends the transactions of this producer that have smaller epochs.
    Marker(ProducerIdentity, Verdict),
}

impl Stretch {
    /// What is told of a batch. The queue's own records are no messages.
    pub fn of(partition: Partition, batch: &Batch) -> Stretch {
        let is_workload = !matches!(partition.topic, Topic::Offsets | Topic::Transactions | Topic::Loans);
        let messages = if is_workload { MessageId::of_payload(&batch.payload) } else { Vec::new() };
        let producer = batch.payload.producer.filter(|_| batch.payload.transactional);
        let within = producer.map(|stamp| match batch.payload.content {
            Content::Records(_) | Content::Routing(_) => Within::Records(stamp.into()),
            Content::Marker(verdict) => Within::Marker(stamp.into(), verdict),
        });
        let Batch { base, epoch, appended, checksum, .. } = *batch;
        Stretch { base, end: batch.end(), epoch, appended, checksum, messages, within }
    }
}
