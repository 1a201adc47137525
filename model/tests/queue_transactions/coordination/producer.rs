//! A producer with transactions: who it is, and what it has sent as that.

use crate::makings::{records, stamped};
use rehearsal_model::queue::identity::ProducerIdentity;
use rehearsal_model::queue::partition::Partition;
use rehearsal_model::queue::record::Payload;
use rehearsal_model::queue::transactions::TransactionalId;
use std::collections::BTreeMap;

pub struct Producer {
    pub id: TransactionalId,
    pub identity: Option<ProducerIdentity>,
    sent: BTreeMap<(ProducerIdentity, Partition), u32>,
}

impl Producer {
    pub fn new(id: TransactionalId) -> Producer {
        Producer { id, identity: None, sent: BTreeMap::new() }
    }

    /// It was told who it is. What is older than what it knows, it forgets.
    pub fn becomes(&mut self, identity: ProducerIdentity) {
        self.identity = self.identity.max(Some(identity));
    }

    pub fn batch(&mut self, partition: Partition, value: u64) -> Option<Payload> {
        let identity = self.identity?;
        let sequence = self.sent.entry((identity, partition)).or_default();
        *sequence += 1;
        Some(stamped(identity, *sequence - 1, true, records([value])))
    }
}
