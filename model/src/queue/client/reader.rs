//! Reads a partition for a seat: from the log on the terms that were asked for, from the archive what retention has taken,
//! and where neither has it, from where the reset policy says.

use super::super::facts::{Fact, OfLogs, Stretch};
use super::super::knobs::OffsetReset;
use super::super::offset::Offset;
use super::super::partition::Partition;
use super::super::plan::Plan;
use super::super::protocol::{Fetched, Refusal};
use super::super::reading::{Footing, Shown, Terms, View};
use super::super::record::Batch;
use super::seat::{Membership, Seat};
use super::source::Source;
use super::subscription::Subscription;
use super::trail::{Crossing, Trail};
use super::{Client, NotAnswered};
use rehearsal_env::Env;
use std::rc::Rc;
use std::sync::Arc;

/// What came of reading.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Read {
    /// These records; none where all that was looked at is not for this consumer.
    Shown(Shown),
    /// Nothing now, or something that is to be read again.
    Nothing,
    /// What is wanted is nowhere, or is another by now: go on from there.
    Reset(Offset),
    /// What is wanted is nowhere, and that is an error: the partition is not to be read any more.
    Over,
}

/// Reads for one seat.
pub(super) struct Reader<E: Env> {
    env: E,
    pub(super) client: Rc<Client<E>>,
    seat: Rc<Seat<E>>,
    pub(super) terms: Terms,
    pub(super) plan: Arc<Plan>,
}

impl<E: Env<Fact = Fact>> Reader<E> {
    pub(super) fn new(
        env: &E,
        client: Rc<Client<E>>,
        seat: Rc<Seat<E>>,
        terms: Terms,
        plan: &Arc<Plan>,
    ) -> Self {
        Reader { env: env.clone(), client, seat, terms, plan: plan.clone() }
    }

    /// A partition that is read in this membership.
    pub(super) fn source(&self, membership: Membership, partition: Partition) -> Source<'_, E> {
        Source::new(self, membership, partition)
    }

    /// Asks for what stands at `offset` and behind it. Waits for some time for something.
    pub(super) async fn read(
        &self,
        membership: Membership,
        partition: Partition,
        offset: Offset,
        trail: &mut Trail,
    ) -> Read {
        match self.client.fetch(partition, offset, self.terms, trail.at(offset)).await {
            Ok(Ok(fetched)) => self.look_at(partition, offset, fetched, trail),
            Ok(Err(Refusal::Diverged { end })) if self.seat.is_at_work(membership) => {
                self.go_back(partition, offset, trail.parts_at(end))
            }
            Ok(Err(Refusal::OutOfRange { start, end })) if self.seat.is_at_work(membership) => {
                self.find(membership, partition, offset, (start, end)).await
            }
            _ => self.nothing_yet().await,
        }
    }

    /// Subscribes for one who is at `offset`, from `from` on.
    ///
    /// # Errors
    /// [`NotAnswered`]: nobody knows at whom.
    pub(super) async fn subscribe(
        &self,
        partition: Partition,
        is_nearby: bool,
        places: (Offset, Offset),
        footing: Footing,
    ) -> Result<Subscription<E>, NotAnswered> {
        let of = (self.seat.group(), partition);
        self.client.subscribe(of, is_nearby, places, (self.terms, footing), self.plan.defects).await
    }

    /// Nobody was there to read from: a little later, perhaps.
    pub(super) async fn nothing_yet(&self) -> Read {
        self.seat.pause().await;
        Read::Nothing
    }

    pub(super) fn is_at_work(&self, membership: Membership) -> bool {
        self.seat.is_at_work(membership)
    }

    pub(super) fn look_at(
        &self,
        partition: Partition,
        offset: Offset,
        fetched: Fetched,
        trail: &mut Trail,
    ) -> Read {
        let (epochs, epoch) = (fetched.epochs.clone(), fetched.epoch);
        let shown = self.client.look_at(partition, offset, fetched, self.terms, self.plan.defects);
        let Some(shown) = shown else { return Read::Nothing };
        if let Some(Crossing { last, next }) = trail.read(&epochs, shown.next, epoch) {
            let group = self.seat.group();
            self.env.observe(Fact::OfLogs(OfLogs::EpochCrossed { group, partition, offset, last, next }));
        }
        Read::Shown(shown)
    }

    /// The log was truncated since this consumer has read it: up to `to` it is as it was.
    pub(super) fn go_back(&self, partition: Partition, offset: Offset, to: Offset) -> Read {
        let group = self.seat.group();
        self.env.observe(Fact::OfLogs(OfLogs::TruncationSeen { group, partition, offset, to }));
        if self.plan.knobs.reset == OffsetReset::Error {
            self.env.observe(Fact::OffsetOutOfRange { group, partition, offset, reset: None });
            return Read::Over;
        }
        Read::Reset(to)
    }

    /// The log does not hold the offset.
    pub(super) async fn find(
        &self,
        membership: Membership,
        partition: Partition,
        offset: Offset,
        log: (Offset, Offset),
    ) -> Read {
        let archived = match self.client.archive().filter(|_| offset < log.0) {
            Some(archive) => archive.read(partition, offset).await,
            None => Ok(None),
        };
        match archived {
            Ok(Some(batches)) => self.replay(partition, offset, batches),
            Ok(None) if self.seat.is_at_work(membership) => self.reset(partition, offset, log),
            Ok(None) => Read::Nothing,
            Err(_) => self.nothing_yet().await,
        }
    }

    /// The log starts behind what is wanted, which the archive has. In it nothing is read of transactions.
    fn replay(&self, partition: Partition, offset: Offset, batches: Vec<Arc<Batch>>) -> Read {
        let stretches = batches.iter().map(|batch| Stretch::of(partition, batch)).collect();
        self.env.observe(Fact::Replayed { group: self.seat.group(), partition, batches: stretches });
        let end = batches.last().map_or(offset, |batch| batch.end());
        let Terms { isolation, tag, .. } = self.terms;
        let view = View { isolation, tag, end, next: end, aborted: Vec::new(), defects: self.plan.defects };
        Read::Shown(view.read(offset, &batches))
    }

    fn reset(&self, partition: Partition, offset: Offset, (start, end): (Offset, Offset)) -> Read {
        let reset = match self.plan.knobs.reset {
            OffsetReset::Earliest => Some(start),
            OffsetReset::Latest => Some(end),
            OffsetReset::Error => None,
        };
        self.env.observe(Fact::OffsetOutOfRange { group: self.seat.group(), partition, offset, reset });
        reset.map_or(Read::Over, Read::Reset)
    }
}
