//! Works through the partitions that a seat owns: fetch, handle record by record, commit before or after.

use super::super::facts::Fact;
use super::super::knobs::Knobs;
use super::super::offset::{LeaderEpoch, Offset};
use super::super::partition::Partition;
use super::super::protocol::{Answer, Refusal, Request};
use super::super::record::{Batch, Content, Record};
use super::Client;
use super::seat::{Commit, Membership, Seat, Work};
use rehearsal_env::Env;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

/// Where a record stands, and as whose member it is handled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// As whom.
    pub membership: Membership,
    /// In which partition.
    pub partition: Partition,
    /// In whose time it was appended.
    pub epoch: LeaderEpoch,
    /// Where.
    pub offset: Offset,
}

/// What is done with a record.
pub trait Handler: 'static {
    /// Takes as long as it needs: the next record of the partition waits. False when it was not handled, because the
    /// partition is no longer this member's.
    fn handle(&self, place: Place, record: &Record) -> impl Future<Output = bool>;

    /// Everything before it is done with, now that the record there was handled: what may be committed. Who says less
    /// than that it is done with this record too says the rest later, by [`Seat::settle`].
    fn through(&self, place: Place) -> Offset {
        place.offset.plus(1)
    }
}

/// Works through what its seat owns.
pub struct Worker<E: Env, H: Handler> {
    env: E,
    client: Rc<Client<E>>,
    seat: Rc<Seat<E>>,
    handler: H,
    commit_interval: Duration,
}

impl<E: Env<Fact = Fact>, H: Handler> Worker<E, H> {
    /// One that hands records to `handler`.
    pub fn new(env: &E, client: Rc<Client<E>>, seat: Rc<Seat<E>>, handler: H, knobs: &Knobs) -> Rc<Self> {
        let commit_interval = knobs.commit_interval.duration();
        Rc::new(Worker { env: env.clone(), client, seat, handler, commit_interval })
    }

    async fn work(self: Rc<Self>, membership: Membership, partition: Partition) {
        while self.seat.is_at_work(membership) {
            let Some(offset) = self.seat.position(partition) else { return };
            match self.client.ask_leader(partition, Request::Fetch { partition, offset }).await {
                Ok(Answer::Fetched(Ok(batches))) => {
                    self.handle_all(membership, partition, offset, batches).await;
                }
                Ok(Answer::Fetched(Err(Refusal::OutOfRange { start, .. })))
                    if self.seat.is_at_work(membership) =>
                {
                    let group = self.seat.group();
                    self.env.observe(Fact::OffsetOutOfRange { group, partition, offset });
                    self.seat.seek(membership, partition, start, false);
                }
                _ => self.seat.pause().await,
            }
        }
    }

    async fn handle_all(
        &self,
        membership: Membership,
        partition: Partition,
        from: Offset,
        batches: Vec<Arc<Batch>>,
    ) {
        let Some(next) = batches.last().map(|batch| batch.end()) else { return };
        let at_work = self.seat.is_at_work(membership);
        if !at_work || !self.seat.member().borrow_mut().fetched(partition, from, next) {
            return;
        }
        for batch in batches {
            let Content::Records(records) = &batch.payload.content else { continue };
            for (number, record) in records.iter().enumerate() {
                let offset = batch.base.plus(number as u64);
                if offset < from {
                    continue;
                }
                let place = Place { membership, partition, epoch: batch.epoch, offset };
                if !self.may_begin(place).await || !self.handler.handle(place, record).await {
                    return;
                }
                self.seat.member().borrow_mut().processed(partition, self.handler.through(place));
            }
        }
    }

    /// Waits until what has to be committed before the record is handled is committed. False when the partition is this
    /// member's no more.
    async fn may_begin(&self, Place { membership, partition, offset, .. }: Place) -> bool {
        while !self.seat.member().borrow().begins(partition, offset) {
            if !self.seat.is_at_work(membership) {
                return false;
            }
            // What is to be committed before it is processed need not wait for its time.
            match self.seat.commit(membership).await {
                Commit::Confirmed => {}
                Commit::NotConfirmed => self.seat.pause().await,
                Commit::NothingDue => self.seat.changed().await,
            }
        }
        true
    }

    async fn keep_committing(self: Rc<Self>, membership: Membership) {
        while self.seat.is_at_work(membership) {
            self.env.sleep(self.commit_interval).await;
            if self.seat.is_at_work(membership) {
                self.seat.commit(membership).await;
            }
        }
    }
}

impl<E: Env<Fact = Fact>, H: Handler> Work for Worker<E, H> {
    fn begin(self: Rc<Self>, membership: Membership, partitions: BTreeSet<Partition>) {
        for partition in partitions {
            self.env.spawn(self.clone().work(membership, partition));
        }
        self.env.spawn(self.clone().keep_committing(membership));
    }
}
