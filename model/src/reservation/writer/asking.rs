//! The writers, as those who ask them see them.

use super::request::{Change, Done, Request};
use super::service::{meaning, partition_of, queue_of};
use crate::queue::client::{Client, Sender};
use crate::queue::facts::Fact as QueueFact;
use crate::queue::plan::Plan as QueuePlan;
use crate::queue::producer::settings;
use crate::queue::production::Fate;
use crate::reservation::facts::Fact;
use crate::reservation::plan::Plan;
use rehearsal_env::{Env, NodeId, Part, Port};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Duration;
use tokio::sync::oneshot;

/// What is on its way into the queue, or in it and not known to be done. What was acknowledged there a writer will get to,
/// however long it takes: asked for once more it would only make the others wait, and guests ask again and again.
type Asked = Rc<RefCell<BTreeSet<Change>>>;

/// Who waits for what to be done.
type Waiting = Rc<RefCell<BTreeMap<Change, Vec<oneshot::Sender<()>>>>>;

/// Whoever has nights taken and given back through the queue.
pub struct Writers<E: Env> {
    env: E,
    queue: QueuePlan,
    sender: Rc<Sender<Part<E, QueueFact>>>,
    asked: Asked,
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
        let (asked, waiting) = (Asked::default(), Waiting::default());
        env.spawn(hear(env.bind(), asked.clone(), waiting.clone()));
        Some(Writers { env: env.clone(), queue, sender, asked, waiting })
    }

    /// Asks for a change, unless it was asked for from here. Whether and when it is made the database will show.
    pub(in crate::reservation) fn tell(&self, change: Change) {
        if !self.asked.borrow_mut().insert(change) {
            return;
        }
        self.env.observe(Fact::ChangeAsked { reservation: change.reservation() });
        let record = Request { change, reply_to: self.env.id() }.record(self.env.wall().micros());
        let asked = self.asked.clone();
        self.sender.send(partition_of(&self.queue, change.room_type()), record, move |fate| {
            if !matches!(fate, Fate::Acknowledged { .. }) {
                asked.borrow_mut().remove(&change);
            }
        });
    }

    /// The database shows that it is done.
    pub(in crate::reservation) fn saw(&self, change: &Change) {
        self.asked.borrow_mut().remove(change);
    }

    /// Asks for a change, and waits until it is said to be made, or for so long.
    pub(in crate::reservation) async fn ask(&self, change: Change, within: Duration) {
        let (sender, done) = oneshot::channel();
        {
            let mut waiting = self.waiting.borrow_mut();
            let of_this = waiting.entry(change).or_default();
            of_this.retain(|sender| !sender.is_closed());
            of_this.push(sender);
        }
        self.tell(change);
        // Whoever asked looks into the database in any case.
        let _ = self.env.timeout(within, done).await;
    }
}

/// Wakes those who wait for what is done.
async fn hear<P: Port<Done>>(replies: P, asked: Asked, waiting: Waiting) {
    loop {
        let Done { change } = replies.recv().await.message;
        asked.borrow_mut().remove(&change);
        let woken = waiting.borrow_mut().remove(&change);
        for sender in woken.unwrap_or_default() {
            // It may have waited long enough.
            let _ = sender.send(());
        }
    }
}
