//! A consumer: a member of its group, who takes its time over every message and says that it has processed it, or sees to
//! it that it is tried again.

use super::attendance::attend;
use super::client::{Client, Forwarder, Handler, Membership, Place, Seat, Worker};
use super::defects::Defect;
use super::delay::{Due, Postponed};
use super::facts::Fact;
use super::group::CommitRule;
use super::knobs::{Delivery, Retry};
use super::message::MessageId;
use super::offset::Offset;
use super::partition::{Partition, Topic};
use super::plan::{ConsumerPlan, Plan};
use super::record::Record;
use super::retry::{Key, Parked, Parking, Retried};
use rehearsal_env::{Env, NodeId};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

/// Runs a consumer on this node, for ever. What retention has taken it reads from the archive in the blob store, if
/// there is one.
pub async fn consume<E: Env<Fact = Fact>>(
    env: E,
    plan: Arc<Plan>,
    brokers: Vec<NodeId>,
    blobs: Option<NodeId>,
    consumer: ConsumerPlan,
) {
    let client = Client::bind_with_archive(&env, brokers, blobs, &plan.knobs);
    let rule = commit_rule(plan.knobs.delivery);
    let again = plan.tries_in_a_topic().then_some(Topic::Retry(consumer.group));
    let topics = [Topic::Named(consumer.topic)].into_iter().chain(again);
    let seat = Seat::new(&env, client.clone(), plan.clone(), consumer.group, topics, rule);
    let processing = Rc::new(Processing {
        env: env.clone(),
        seat: seat.clone(),
        forwarder: Forwarder::new(&env, client.clone(), seat.clone(), plan.defects),
        fails: plan.failing(),
        parking: RefCell::default(),
        plan: plan.clone(),
    });
    let worker = Worker::new(&env, client, seat.clone(), processing, plan.terms(&consumer), &plan);
    attend(&env, &plan, consumer.number, seat, worker).await;
}

/// When one who writes nothing commits: within no transaction, whatever others do.
pub(super) fn commit_rule(delivery: Delivery) -> CommitRule {
    match delivery {
        Delivery::AtMostOnce => CommitRule::BeforeProcessing,
        Delivery::AtLeastOnce | Delivery::ExactlyOnce => CommitRule::AfterProcessing,
    }
}

/// The processing of messages.
struct Processing<E: Env> {
    env: E,
    plan: Arc<Plan>,
    seat: Rc<Seat<E>>,
    forwarder: Forwarder<E>,
    /// How many of the first tries at a message fail.
    fails: BTreeMap<MessageId, u32>,
    /// What waits in each partition, and since which membership.
    parking: RefCell<BTreeMap<Partition, (Membership, Parking)>>,
}

impl<E: Env<Fact = Fact>> Handler for Rc<Processing<E>> {
    async fn handle(&self, place: Place, record: &Record) -> bool {
        match self.plan.knobs.retry {
            Retry::None => self.try_till_it_succeeds(place, record).await,
            Retry::Topic => self.try_or_write_on(place, record).await,
            Retry::ParkKey => self.try_or_park(place, record).await,
        }
    }

    fn through(&self, place: Place) -> Offset {
        match self.plan.knobs.retry {
            Retry::ParkKey => self.with_parking(place, |parking| parking.through()),
            Retry::None | Retry::Topic => place.offset.plus(1),
        }
    }

    fn pass(&self, place: Place) {
        if self.plan.knobs.retry == Retry::ParkKey {
            self.with_parking(place, |parking| parking.pass(place.offset));
        }
    }
}

impl<E: Env<Fact = Fact>> Processing<E> {
    /// Tries once to process a record, after so many tries in vain. None when it is no longer this member's.
    async fn attempt(&self, place: Place, record: &Record, tries: u32) -> Option<bool> {
        let Place { membership, partition, offset, .. } = place;
        self.env.sleep(self.plan.knobs.processing.duration()).await;
        if !self.seat.is_at_work(membership) {
            return None;
        }
        let (Membership { member, generation, .. }, group) = (membership, self.seat.group());
        let Some(message) = MessageId::of_value(&record.value) else { return Some(true) };
        let succeeds = self.fails.get(&message).is_none_or(|fails| tries >= *fails);
        self.env.observe(match succeeds {
            true => {
                let record = record.checksum();
                Fact::Processed { group, member, generation, partition, offset, message, record }
            }
            false => Fact::Failed { group, member, partition, offset, message, tries: tries + 1 },
        });
        Some(succeeds)
    }

    async fn try_till_it_succeeds(&self, place: Place, record: &Record) -> bool {
        for tries in 0.. {
            match self.attempt(place, record, tries).await {
                Some(true) => return true,
                Some(false) => self.env.sleep(self.plan.knobs.retry_backoff.duration()).await,
                None => return false,
            }
        }
        false
    }

    /// What fails is written to where it is tried again, or to the dead letters, before the next record is begun.
    async fn try_or_write_on(self: &Rc<Self>, place: Place, record: &Record) -> bool {
        let again = matches!(place.partition.topic, Topic::Retry(_)).then(|| Retried::of(record)).flatten();
        let before = again.as_ref().map_or(0, |retried| retried.tries);
        match self.attempt(place, record, before).await {
            None => return false,
            Some(true) => return true,
            Some(false) => {}
        }
        let Place { partition, offset, .. } = place;
        let first = Retried { tries: 0, partition, offset, key: record.key.clone() };
        let retried = Retried { tries: before + 1, ..again.unwrap_or(first) };
        let group = self.seat.group();
        let (to, copy) = if retried.tries >= self.plan.knobs.tries {
            (Plan::dead_partition(group), retried.wrap(record))
        } else {
            let target = Plan::retry_partition(group);
            let due = Due::After(self.plan.knobs.retry_backoff);
            (Plan::delayed_partition(target), Postponed::wrap(retried.wrap(record), target, due))
        };
        if self.plan.defects.has(Defect::ForgetsToWaitForRetry) {
            let processing = self.clone();
            self.env.spawn(async move {
                processing.write_on(place, to, copy).await;
            });
            return true;
        }
        self.write_on(place, to, copy).await
    }

    /// False when the record is no longer this member's; whether it is written on is unknown then.
    async fn write_on(&self, source: Place, to: Partition, record: Record) -> bool {
        let message = MessageId::of_value(&record.value);
        let Some(place) = self.forwarder.forward(source, to, record).await else { return false };
        if !self.seat.is_at_work(source.membership) {
            return false;
        }
        let (group, Place { partition, offset, .. }) = (self.seat.group(), source);
        if let Some(message) = message {
            self.env.observe(Fact::Forwarded { group, partition, offset, message, to, place });
        }
        true
    }

    /// What fails is parked with its key, and so is what comes behind it with the same key.
    async fn try_or_park(self: &Rc<Self>, place: Place, record: &Record) -> bool {
        if !self.seat.is_at_work(place.membership) {
            return false;
        }
        let Place { partition, epoch, offset, .. } = place;
        let parked = Parked { offset, epoch, record: record.clone() };
        if self.with_parking(place, |parking| parking.arrive(parked.clone())) {
            if let Some(message) = MessageId::of_value(&record.value) {
                let group = self.seat.group();
                self.env.observe(Fact::Parked { group, partition, offset, message });
            }
            return true;
        }
        match self.attempt(place, record, 0).await {
            None => return false,
            Some(true) => self.with_parking(place, |parking| parking.finish(offset)),
            Some(false) => {
                let key = parked.key();
                if self.with_parking(place, |parking| parking.park(parked)) {
                    self.env.spawn(self.clone().work_off(place, key));
                }
            }
        }
        true
    }

    /// Tries what is parked with a key again, one after the other, until nothing is. `failed` is the first.
    async fn work_off(self: Rc<Self>, failed: Place, key: Key) {
        let mut tries = 1;
        loop {
            if !self.seat.is_at_work(failed.membership) {
                return;
            }
            let Some(Parked { offset, epoch, record }) =
                self.with_parking(failed, |parking| parking.first(&key).cloned())
            else {
                return;
            };
            match self.try_again(Place { offset, epoch, ..failed }, &record, tries).await {
                None => return,
                Some(false) => tries += 1,
                Some(true) => {
                    tries = 0;
                    let through = self.with_parking(failed, |parking| {
                        parking.unpark(&key);
                        parking.through()
                    });
                    self.seat.settle(failed.membership, failed.partition, through);
                }
            }
        }
    }

    /// Whether a parked record is done with: processed, or, after its last try, a dead letter. None when it is no longer
    /// this member's.
    async fn try_again(&self, place: Place, record: &Record, tries: u32) -> Option<bool> {
        let Place { partition, offset, .. } = place;
        if tries >= self.plan.knobs.tries {
            let retried = Retried { tries, partition, offset, key: record.key.clone() };
            let dead = Plan::dead_partition(self.seat.group());
            let written = self.write_on(place, dead, retried.wrap(record)).await;
            return written.then_some(true);
        }
        if tries > 0 {
            self.env.sleep(self.plan.knobs.retry_backoff.duration()).await;
        }
        self.attempt(place, record, tries).await
    }

    /// What waits in a partition in the present membership: in each a consumer begins anew.
    fn with_parking<T>(&self, place: Place, with: impl FnOnce(&mut Parking) -> T) -> T {
        let mut all = self.parking.borrow_mut();
        let empty = || (place.membership, Parking::from(place.offset, self.plan.defects));
        let (membership, parking) = all.entry(place.partition).or_insert_with(empty);
        if *membership != place.membership {
            (*membership, *parking) = empty();
        }
        with(parking)
    }
}
