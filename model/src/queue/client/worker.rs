//! Works through the partitions that a seat owns: fetch, handle record by record, commit before or after.

use super::super::facts::Fact;
use super::super::offset::{LeaderEpoch, Offset};
use super::super::partition::Partition;
use super::super::plan::Plan;
use super::super::reading::{Shown, ShownRecord, Terms};
use super::super::record::Record;
use super::Client;
use super::reader::{Read, Reader};
use super::seat::{Commit, Membership, Seat, Work};
use rehearsal_env::Env;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;

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

    /// This member is shown nothing more up to this place, the place included.
    fn pass(&self, _place: Place) {}
}

/// Works through what its seat owns.
pub struct Worker<E: Env, H: Handler> {
    env: E,
    seat: Rc<Seat<E>>,
    reader: Reader<E>,
    handler: H,
    plan: Arc<Plan>,
}

impl<E: Env<Fact = Fact>, H: Handler> Worker<E, H> {
    /// One that hands records to `handler`, those that it gets on these terms.
    pub fn new(
        env: &E,
        client: Rc<Client<E>>,
        seat: Rc<Seat<E>>,
        handler: H,
        terms: Terms,
        plan: &Arc<Plan>,
    ) -> Rc<Self> {
        let reader = Reader::new(env, client, seat.clone(), terms, plan);
        Rc::new(Worker { env: env.clone(), seat, reader, handler, plan: plan.clone() })
    }

    async fn work(self: Rc<Self>, membership: Membership, partition: Partition) {
        let mut source = self.reader.source(membership, partition);
        while self.seat.is_at_work(membership) {
            let Some(offset) = self.seat.position(partition) else { return };
            match source.read(offset).await {
                Read::Shown(shown) => self.handle_all(membership, partition, offset, shown).await,
                Read::Reset(to) => self.seat.reset(membership, partition, to),
                Read::Nothing => {}
                Read::Over => return,
            }
        }
    }

    async fn handle_all(
        &self,
        membership: Membership,
        partition: Partition,
        from: Offset,
        Shown { records, next }: Shown,
    ) {
        let at_work = self.seat.is_at_work(membership);
        if !at_work || !self.seat.fetched(partition, from, next) {
            return;
        }
        let mut reached = from;
        for ShownRecord { offset, epoch, record } in records {
            let place = Place { membership, partition, epoch, offset };
            if !self.may_begin(place).await || !self.handler.handle(place, &record).await {
                return;
            }
            // It may have taken so long that the partition is another's, or this member's anew: then it begins elsewhere.
            if !self.seat.is_at_work(membership) {
                return;
            }
            self.seat.processed(partition, self.handler.through(place));
            reached = offset.plus(1);
        }
        if self.seat.is_at_work(membership) && reached < next {
            let offset = Offset(next.0 - 1);
            let last = Place { membership, partition, epoch: LeaderEpoch::default(), offset };
            self.handler.pass(last);
            self.seat.processed(partition, self.handler.through(last));
        }
    }

    /// Waits until what has to be committed before the record is handled is committed. False when the partition is this
    /// member's no more.
    async fn may_begin(&self, Place { membership, partition, offset, .. }: Place) -> bool {
        while !self.seat.begins(partition, offset) {
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
            self.env.sleep(self.plan.knobs.commit_interval.duration()).await;
            let at_work = self.seat.is_at_work(membership);
            if at_work && self.seat.commit(membership).await == Commit::NothingDue {
                self.seat.changed().await;
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
