//! How a consumer looks at what it fetched: a bit may have flipped on the way, and not all of it is for this consumer.

use super::super::defects::{Defect, Defects};
use super::super::facts::Fact;
use super::super::offset::Offset;
use super::super::partition::Partition;
use super::super::protocol::Fetched;
use super::super::reading::{Shown, Terms, View};
use super::super::record::Batch;
use super::Client;
use rehearsal_env::Env;
use std::sync::Arc;

impl<E: Env<Fact = Fact>> Client<E> {
    /// What of it one is shown who reads from `offset` on these terms. None where there is nothing new, or where it is to
    /// be fetched again.
    pub(super) fn look_at(
        &self,
        partition: Partition,
        offset: Offset,
        fetched: Fetched,
        Terms { isolation, tag, .. }: Terms,
        defects: Defects,
    ) -> Option<Shown> {
        let Fetched { batches, next, end, aborted, .. } = fetched;
        let batches = self.as_they_come(partition, batches);
        if !self.are_intact(partition, &batches, defects) {
            return None;
        }
        let view = View { isolation, tag, end, next, aborted, defects };
        Some(view.read(offset, &batches)).filter(|shown| shown.next > offset)
    }

    /// Whether all of it is what its producers made. What is not is thrown away and fetched again.
    fn are_intact(&self, partition: Partition, batches: &[Arc<Batch>], defects: Defects) -> bool {
        let Some(damaged) = batches.iter().find(|batch| !batch.is_intact()) else { return true };
        if defects.has(Defect::FetchedUnchecked) {
            return true;
        }
        self.env.observe(Fact::DamageFound { partition, offset: damaged.base });
        false
    }
}
