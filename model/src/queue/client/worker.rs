//! Works through the partitions that a seat owns: fetch, handle record by record, commit before or after.

use super::super::defects::{Defect, Defects};
use super::super::facts::{Fact, Stretch};
use super::super::knobs::{Knobs, OffsetReset};
use super::super::offset::Offset;
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
    /// Where.
    pub offset: Offset,
}

/// What is done with a record.
pub trait Handler: 'static {
    /// Takes as long as it needs: the next record of the partition waits. False when it was not handled, because the
    /// partition is no longer this member's.
    fn handle(&self, place: Place, record: &Record) -> impl Future<Output = bool>;
}

/// Works through what its seat owns.
pub struct Worker<E: Env, H: Handler> {
    env: E,
    client: Rc<Client<E>>,
    seat: Rc<Seat<E>>,
    handler: H,
    commit_interval: Duration,
    reset: OffsetReset,
    defects: Defects,
}

impl<E: Env<Fact = Fact>, H: Handler> Worker<E, H> {
    /// One that hands records to `handler`.
    pub fn new(
        env: &E,
        client: Rc<Client<E>>,
        seat: Rc<Seat<E>>,
        handler: H,
        knobs: &Knobs,
        defects: Defects,
    ) -> Rc<Self> {
        let (commit_interval, reset) = (knobs.commit_interval.duration(), knobs.reset);
        Rc::new(Worker { env: env.clone(), client, seat, handler, commit_interval, reset, defects })
    }

    async fn work(self: Rc<Self>, membership: Membership, partition: Partition) {
        while self.seat.is_at_work(membership) {
            let Some(offset) = self.seat.position(partition) else { return };
            match self.client.ask_leader(partition, Request::Fetch { partition, offset }).await {
                Ok(Answer::Fetched(Ok(batches))) => {
                    let batches = self.client.as_they_come(partition, batches);
                    if self.are_intact(partition, &batches) {
                        self.handle_all(membership, partition, offset, batches).await;
                    }
                }
                Ok(Answer::Fetched(Err(Refusal::OutOfRange { start, end })))
                    if self.seat.is_at_work(membership) =>
                {
                    let archived = match self.client.archive().filter(|_| offset < start) {
                        Some(archive) => archive.read(partition, offset).await,
                        None => Ok(None),
                    };
                    match archived {
                        Ok(Some(batches)) => self.replay(membership, partition, offset, batches).await,
                        Ok(None) if self.seat.is_at_work(membership) => {
                            if !self.reset(membership, partition, offset, (start, end)) {
                                return;
                            }
                        }
                        Ok(None) => {}
                        Err(_) => self.seat.pause().await,
                    }
                }
                _ => self.seat.pause().await,
            }
        }
    }

    /// Whether all of it is what its producers made. What is not is thrown away and fetched again.
    fn are_intact(&self, partition: Partition, batches: &[Arc<Batch>]) -> bool {
        let Some(damaged) = batches.iter().find(|batch| !batch.is_intact()) else { return true };
        if self.defects.has(Defect::FetchedUnchecked) {
            return true;
        }
        self.env.observe(Fact::DamageFound { partition, offset: damaged.base });
        false
    }

    /// The log starts behind what is wanted, which the archive has.
    async fn replay(
        &self,
        membership: Membership,
        partition: Partition,
        from: Offset,
        batches: Vec<Arc<Batch>>,
    ) {
        let stretches = batches.iter().map(|batch| Stretch::of(partition, batch)).collect();
        self.env.observe(Fact::Replayed { group: self.seat.group(), partition, batches: stretches });
        self.handle_all(membership, partition, from, batches).await;
    }

    /// What is wanted is nowhere. False when the partition is not to be read any more.
    fn reset(
        &self,
        membership: Membership,
        partition: Partition,
        offset: Offset,
        (start, end): (Offset, Offset),
    ) -> bool {
        let reset = match self.reset {
            OffsetReset::Earliest => Some(start),
            OffsetReset::Latest => Some(end),
            OffsetReset::Error => None,
        };
        self.env.observe(Fact::OffsetOutOfRange { group: self.seat.group(), partition, offset, reset });
        if let Some(reset) = reset {
            self.seat.reset(membership, partition, reset);
        }
        reset.is_some()
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
                let place = Place { membership, partition, offset };
                if !self.may_begin(place).await || !self.handler.handle(place, record).await {
                    return;
                }
                self.seat.member().borrow_mut().processed(partition, offset.plus(1));
            }
        }
    }

    /// Waits until what has to be committed before the record is handled is committed. False when the partition is this
    /// member's no more.
    async fn may_begin(&self, Place { membership, partition, offset }: Place) -> bool {
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
