//! Works through the partitions that a seat owns so that each record has its effect once: what comes of the records, and
//! that the group goes on behind them, is committed in one transaction (KIP-98, KIP-447).
//!
//! 1. Fetch what is committed.
//! 2. Begin a transaction, write what comes of the records, and where to go on.
//! 3. Commit. If any of this fails, ask the group where to go on: it knows whether the transaction was committed.

use super::super::defects::{Defect, Defects};
use super::super::facts::Fact;
use super::super::offset::Offset;
use super::super::partition::Partition;
use super::super::plan::Plan;
use super::super::reading::{Shown, ShownRecord, Terms};
use super::super::record::Record;
use super::reader::{Read, Reader};
use super::seat::{Membership, Seat, Work};
use super::transaction::{Lost, Transactional};
use super::{Client, Place};
use rehearsal_env::Env;
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;
use tokio::sync::Mutex;

/// What comes of a record.
pub trait Transform: 'static {
    /// Takes as long as it needs. What comes of it, and where that goes; none when the partition is this member's no more.
    fn transform(
        &self,
        place: Place,
        record: &Record,
    ) -> impl Future<Output = Option<Vec<(Partition, Record)>>>;
    /// Everywhere where what comes of a record may go.
    fn targets(&self) -> BTreeSet<Partition>;
}

/// Works through what its seat owns, in transactions.
pub struct Transactor<E: Env, T: Transform> {
    env: E,
    seat: Rc<Seat<E>>,
    reader: Reader<E>,
    transform: T,
    defects: Defects,
    /// One transaction at a time.
    producer: Mutex<Transactional<E>>,
    /// How many records a transaction takes at most: half as many when one was lost, for it may have been too large for
    /// its time, and one more when one was committed.
    most: Cell<usize>,
}

/// How many records the first transaction takes at most.
const MOST: usize = 64;

impl<E: Env<Fact = Fact>, T: Transform> Transactor<E, T> {
    /// One that writes what comes of the records of `seat`'s partitions.
    pub fn new(
        env: &E,
        client: Rc<Client<E>>,
        seat: Rc<Seat<E>>,
        producer: Transactional<E>,
        transform: T,
        terms: Terms,
        plan: &Arc<Plan>,
    ) -> Rc<Self> {
        let reader = Reader::new(env, client, seat.clone(), terms, plan);
        let (producer, defects) = (Mutex::new(producer), plan.defects);
        let most = Cell::new(MOST);
        Rc::new(Transactor { env: env.clone(), seat, reader, transform, defects, producer, most })
    }

    async fn work(self: Rc<Self>, membership: Membership, partition: Partition) {
        let mut source = self.reader.source(membership, partition);
        while self.seat.is_at_work(membership) {
            let Some(offset) = self.seat.position(partition) else { return };
            match source.read(offset).await {
                Read::Shown(shown) => self.take(membership, partition, offset, shown).await,
                Read::Reset(to) => {
                    self.seat.reset(membership, partition, to);
                    let nothing = Shown { records: Vec::new(), next: to };
                    self.take(membership, partition, to, nothing).await;
                }
                Read::Nothing => {}
                Read::Over => return,
            }
        }
    }

    /// One transaction for what was fetched, once those before it have ended.
    async fn take(&self, membership: Membership, partition: Partition, from: Offset, shown: Shown) {
        let mut producer = self.producer.lock().await;
        if !self.seat.is_at_work(membership) || self.seat.position(partition) != Some(from) {
            return;
        }
        match self.transact(&mut producer, membership, partition, shown).await {
            Ok(next) => {
                self.most.update(|most| (most + 1).min(MOST));
                self.seat.worked_through(partition, from, next);
                let (group, Membership { member, generation, .. }) = (self.seat.group(), membership);
                let offsets = BTreeMap::from([(partition, next)]);
                self.env.observe(Fact::CommitConfirmed { group, member, generation, offsets });
            }
            Err(Lost) => {
                self.most.update(|most| (most / 2).max(1));
                producer.abort().await;
                self.seat.go_on_where_committed(membership, partition).await;
            }
        }
    }

    async fn transact(
        &self,
        producer: &mut Transactional<E>,
        membership: Membership,
        partition: Partition,
        Shown { records, mut next }: Shown,
    ) -> Result<Offset, Lost> {
        let mut touched = self.transform.targets();
        touched.insert(Plan::offsets_partition(self.seat.group()));
        let identity = producer.begin(touched).await?;
        if self.defects.has(Defect::OffsetsOutsideTransaction) {
            self.seat.commit_now(membership, BTreeMap::from([(partition, next)])).await;
        }
        let (begun, mut under_way) = (self.env.now(), Vec::new());
        for (count, ShownRecord { offset, epoch, record }) in (1..).zip(records) {
            let place = Place { membership, partition, epoch, offset };
            for (target, result) in self.transform.transform(place, &record).await.ok_or(Lost)? {
                under_way.push(producer.send(target, result));
            }
            // The rest has to wait for the next one: this one must end before its time is out.
            if count == self.most.get() || self.env.now().since(begun) > producer.timeout() / 2 {
                next = offset.plus(1);
                break;
            }
        }
        for sent in under_way {
            sent.await?;
        }
        if !self.defects.has(Defect::OffsetsOutsideTransaction) {
            let offsets = BTreeMap::from([(partition, next)]);
            self.seat.commit_within(membership, producer.id(), identity, offsets).await?;
        }
        producer.commit().await.map(|()| next)
    }
}

impl<E: Env<Fact = Fact>, T: Transform> Work for Transactor<E, T> {
    fn begin(self: Rc<Self>, membership: Membership, partitions: BTreeSet<Partition>) {
        for partition in partitions {
            self.env.spawn(self.clone().work(membership, partition));
        }
    }
}
