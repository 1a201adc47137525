//! Bits that flip on their way between a client and a broker, as often as the deployment says: what checksums are for.
//!
//! Datagrams are either lost or whole in every world there is, so this is where damage comes from. Who gets a damaged
//! batch must find that out by its checksum, which is the producer's and goes with the batch to its last reader.

use super::super::partition::Partition;
use super::super::record::{Batch, Content, Payload};
use super::super::tags::Tags;
use super::{Client, Fact};
use rehearsal_env::Env;
use std::sync::Arc;

/// Of so many batches the knob says how many are damaged.
const OF: u64 = 1_000;

impl<E: Env<Fact = Fact>> Client<E> {
    /// The payload as it comes out at the other end.
    pub(super) fn on_its_way(&self, partition: Partition, payload: Arc<Payload>) -> Arc<Payload> {
        if self.flips == 0 || self.env.below(OF) >= u64::from(self.flips) {
            return payload;
        }
        let mut damaged = Payload::clone(&payload);
        let Content::Records(records) = &mut damaged.content else { return payload };
        let which = self.env.below(records.len() as u64) as usize;
        let record = match (&mut records[which], &mut damaged.producer) {
            (_, Some(stamp)) if self.env.below(8) == 0 => {
                stamp.sequence ^= 1 << self.env.below(32);
                None
            }
            (record, _) => {
                match (self.env.below(8), &mut record.key) {
                    (0, Some(key)) => self.flip(key),
                    (1, _) if !record.tags.is_empty() => record.tags = self.flip_one_of(&record.tags),
                    _ => self.flip(&mut record.value),
                }
                Some(record.checksum())
            }
        };
        self.env.observe(Fact::BitFlipped { partition, checksum: damaged.checksum(), record });
        Arc::new(damaged)
    }

    fn flip_one_of(&self, tags: &Tags) -> Tags {
        let bit = self.env.below(16 * tags.iter().count() as u64);
        let flipped = |(place, tag): (u64, u16)| if bit / 16 == place { tag ^ 1 << (bit % 16) } else { tag };
        (0..).zip(tags.iter()).map(flipped).collect()
    }

    fn flip(&self, bytes: &mut Arc<[u8]>) {
        let bit = self.env.below(8 * bytes.len().max(1) as u64) as usize;
        let mut flipped = bytes.to_vec();
        if let Some(byte) = flipped.get_mut(bit / 8) {
            *byte ^= 1 << (bit % 8);
        }
        *bytes = flipped.into();
    }

    /// Batches as they come out at this end.
    pub(super) fn as_they_come(&self, partition: Partition, batches: Vec<Arc<Batch>>) -> Vec<Arc<Batch>> {
        let arrive = |batch: Arc<Batch>| {
            let payload = self.on_its_way(partition, batch.payload.clone());
            if Arc::ptr_eq(&payload, &batch.payload) {
                return batch;
            }
            Arc::new(Batch { payload, ..Batch::clone(&batch) })
        };
        batches.into_iter().map(arrive).collect()
    }
}
