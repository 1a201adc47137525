//! The writers, as those who ask them see them.

use super::request::{Change, Done, Request};
use super::service::{meaning, partition_of, queue_of};
use crate::queue::client::{Client, Sender};
use crate::queue::facts::Fact as QueueFact;
use crate::queue::plan::Plan as QueuePlan;
use crate::queue::producer::settings;
use crate::reservation::facts::Fact;
use crate::reservation::plan::Plan;
use crate::reservation::stay::ReservationId;
use rehearsal_env::{Env, NodeId, Part, Port};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Duration;
use tokio::sync::oneshot;

type Waiting = Rc<RefCell<BTreeMap<ReservationId, Vec<oneshot::Sender<()>>>>>;

/// Whoever has nights taken and given back through the queue.
pub struct Writers<E: Env> {
    env: E,
    queue: QueuePlan,
    sender: Rc<Sender<Part<E, QueueFact>>>,
    /// What was handed to the sender, and may not be in the queue yet: handed over once more it would only be there
    /// twice.
    on_their_way: Rc<RefCell<BTreeSet<Change>>>,
    waiting: Waiting,
}

impl<E: Env<Fact = Fact>> Writers<E> {
    /// If nights are taken by writers, they, as seen from this node.
    pub(in crate::reservation) fn if_any(env: &E, plan: &Plan, brokers: Vec<NodeId>) -> Option<Self> {
        if !plan.has_writers() {
            return None;
        }
        let (part, queue) = (Part::of(env, meaning), queue_of(plan));
        let client = Client::bind(&part, brokers, &queue.knobs);
        let sender = Sender::new(&part, client, settings(&queue), queue.defects);
        let waiting = Waiting::default();
        env.spawn(hear(env.bind(), waiting.clone()));
        Some(Writers { env: env.clone(), queue, sender, on_their_way: Rc::default(), waiting })
    }

    /// Asks for a change, unless it is being asked for. Whether and when it is made the database will show.
    pub(in crate::reservation) fn tell(&self, change: Change) {
        if !self.on_their_way.borrow_mut().insert(change) {
            return;
        }
        self.env.observe(Fact::ChangeAsked { reservation: change.reservation() });
        let record = Request { change, reply_to: self.env.id() }.record(self.env.wall().micros());
        let on_their_way = self.on_their_way.clone();
        self.sender.send(partition_of(&self.queue, change.room_type()), record, move |_| {
            on_their_way.borrow_mut().remove(&change);
        });
    }

    /// Asks for a change, and waits until it is said to be made, or for so long.
    pub(in crate::reservation) async fn ask(&self, change: Change, within: Duration) {
        let (sender, done) = oneshot::channel();
        {
            let mut waiting = self.waiting.borrow_mut();
            let of_this = waiting.entry(change.reservation()).or_default();
            of_this.retain(|sender| !sender.is_closed());
            of_this.push(sender);
        }
        self.tell(change);
        // Whoever asked looks into the database in any case.
        let _ = self.env.timeout(within, done).await;
    }
}

/// Wakes those who wait for what is done.
async fn hear<P: Port<Done>>(replies: P, waiting: Waiting) {
    loop {
        let Done { reservation } = replies.recv().await.message;
        let woken = waiting.borrow_mut().remove(&reservation);
        for sender in woken.unwrap_or_default() {
            // It may have waited long enough.
            let _ = sender.send(());
        }
    }
}
