//! A mover: a member of the group that reads the delayed topic.
//!
//! 1. Put what comes on the shelf, whatever it is, and go on.
//! 2. Wait until it is due.
//! 3. Write it to its target under the name that follows from its source, until all in sync have it.
//! 4. Take it off the shelf. What everything before is moved is committed.

use super::postponed::Postponed;
use super::shelf::{Clocks, Shelf};
use crate::queue::client::{Client, Forwarder, Handler, Membership, Place, Seat, Worker};
use crate::queue::defects::Defects;
use crate::queue::facts::Fact;
use crate::queue::group::CommitRule;
use crate::queue::message::MessageId;
use crate::queue::offset::Offset;
use crate::queue::partition::{Partition, Topic};
use crate::queue::plan::Plan;
use crate::queue::reading::{Isolation, ReadFrom, Terms};
use crate::queue::record::Record;
use rehearsal_env::{Env, NodeId, WallTime};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

/// The group of the movers. Those of consumers have smaller numbers.
pub const MOVERS: u32 = 1_000;

/// What movers want: everything, from the leader.
const TERMS: Terms = Terms { isolation: Isolation::ReadUncommitted, tag: None, of: ReadFrom::Leader };

/// Runs a mover on this node, for ever.
pub async fn move_when_due<E: Env<Fact = Fact>>(env: E, plan: Arc<Plan>, brokers: Vec<NodeId>) {
    let client = Client::bind(&env, brokers, &plan.knobs);
    let rule = CommitRule::AfterProcessing;
    let seat = Seat::new(&env, client.clone(), plan.clone(), MOVERS, [Topic::Delayed], rule);
    let forwarder = Forwarder::new(&env, client.clone(), seat.clone(), plan.defects);
    let (defects, shelves) = (plan.defects, RefCell::default());
    let mover = Rc::new(Mover { env: env.clone(), seat: seat.clone(), forwarder, defects, shelves });
    let worker = Worker::new(&env, client, seat.clone(), mover, TERMS, &plan);
    seat.run(worker).await;
}

struct Mover<E: Env> {
    env: E,
    seat: Rc<Seat<E>>,
    forwarder: Forwarder<E>,
    defects: Defects,
    /// What it holds of each partition, and since which membership.
    shelves: RefCell<BTreeMap<Partition, (Membership, Shelf)>>,
}

impl<E: Env<Fact = Fact>> Handler for Rc<Mover<E>> {
    async fn handle(&self, place: Place, record: &Record) -> bool {
        if !self.seat.is_at_work(place.membership) {
            return false;
        }
        let Some((postponed, moved)) = Postponed::unwrap(record) else {
            // What nobody can read nobody waits for.
            self.with_shelf(place, |shelf| shelf.pass(place.offset));
            return true;
        };
        let (created, clocks) = (WallTime(record.created), self.clocks());
        self.with_shelf(place, |shelf| shelf.hold(place.offset, postponed.due, created, clocks));
        self.env.spawn(self.clone().keep(place, postponed.target, moved));
        true
    }

    fn through(&self, place: Place) -> Offset {
        self.with_shelf(place, |shelf| shelf.through())
    }

    fn pass(&self, place: Place) {
        self.with_shelf(place, |shelf| shelf.pass(place.offset));
    }
}

impl<E: Env<Fact = Fact>> Mover<E> {
    /// Steps 2 to 4 for one record.
    async fn keep(self: Rc<Self>, place: Place, target: Partition, record: Record) {
        let Place { membership, partition, epoch, offset } = place;
        loop {
            if !self.seat.is_at_work(membership) {
                return;
            }
            let Some(wait) = self.with_shelf(place, |shelf| shelf.wait(offset, self.clocks())) else { break };
            self.env.sleep(wait).await;
        }
        let message = MessageId::of_value(&record.value);
        if let Some(message) = message {
            let wall = self.env.wall();
            self.env.observe(Fact::Released { partition, epoch, offset, message, target, wall });
        }
        let Some(stands) = self.forwarder.forward(place, target, record).await else { return };
        if let Some(message) = message {
            self.env.observe(Fact::Moved { partition, offset, message, target, place: stands });
        }
        if self.seat.is_at_work(membership) {
            let through = self.with_shelf(place, |shelf| {
                shelf.moved(offset);
                shelf.through()
            });
            self.seat.settle(membership, partition, through);
        }
    }

    /// The shelf of a partition in the present membership: in each a mover begins anew.
    fn with_shelf<T>(&self, place: Place, with: impl FnOnce(&mut Shelf) -> T) -> T {
        let mut shelves = self.shelves.borrow_mut();
        let empty = || (place.membership, Shelf::from(place.offset, self.defects));
        let (membership, shelf) = shelves.entry(place.partition).or_insert_with(empty);
        if *membership != place.membership {
            (*membership, *shelf) = empty();
        }
        with(shelf)
    }

    fn clocks(&self) -> Clocks {
        Clocks { now: self.env.now(), wall: self.env.wall() }
    }
}
