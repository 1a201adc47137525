//! Sends the messages of topics whose partitions change, each where it belongs.
//!
//! 1. Send by the state of the topic that is known.
//! 2. A leader that knows a newer one refuses. Then send nothing more of the topic, ask brokers for the newer state, and
//!    wait until the fate is known of all that was sent by the older.
//! 3. Go on at step 1 with the newer: first what came back, and then what has waited, in the order in which all of it was
//!    given.
//!
//! So nothing is sent by two states at once, and a key has its records in order wherever it goes. Where that is says a
//! [`Partitioner`]; what it sends where nothing is taken any more is refused as definitely not written.

use super::super::facts::{Fact, OfTopics};
use super::super::message::MessageId;
use super::super::partition::{Partition, Topic};
use super::super::plan::Plan;
use super::super::production::Fate;
use super::super::record::Record;
use super::super::topics::TopicState;
use super::{Client, Partitioner, Sender};
use rehearsal_env::Env;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;
use tokio::sync::Notify;

/// A message on its way.
#[derive(Clone, Debug)]
struct Sending {
    record: Record,
    /// Whether it was refused by an older state.
    refused: bool,
}

/// What is known of one topic, and what is on its way to it.
#[derive(Debug)]
struct Traffic {
    state: TopicState,
    /// What was sent by this state, and has no fate yet.
    under_way: BTreeSet<MessageId>,
    /// What waits for a newer state, in the order in which it was given.
    waiting: BTreeMap<MessageId, Sending>,
    /// Whether a newer state is asked for.
    asking: bool,
}

/// Sends messages through a [`Sender`].
pub struct Router<E: Env> {
    env: E,
    plan: Arc<Plan>,
    client: Rc<Client<E>>,
    sender: Rc<Sender<E>>,
    partitioner: Rc<dyn Partitioner>,
    topics: RefCell<BTreeMap<u32, Traffic>>,
    settled: Notify,
}

impl<E: Env<Fact = Fact>> Router<E> {
    /// One that knows the first states.
    pub fn new(
        env: &E,
        plan: &Arc<Plan>,
        client: Rc<Client<E>>,
        sender: Rc<Sender<E>>,
        partitioner: Rc<dyn Partitioner>,
    ) -> Rc<Self> {
        let (topics, settled) = (RefCell::default(), Notify::new());
        Rc::new(Router { env: env.clone(), plan: plan.clone(), client, sender, partitioner, topics, settled })
    }

    /// Sends a message, after all that this producer was given before it.
    pub fn send(self: &Rc<Self>, topic: u32, message: MessageId, record: Record) {
        {
            let mut topics = self.topics.borrow_mut();
            let traffic = topics.entry(topic).or_insert_with(|| self.begun(topic));
            traffic.waiting.insert(message, Sending { record, refused: false });
        }
        self.go_on(topic);
    }

    /// Waits until the fate of every message is known.
    pub async fn idle(&self) {
        while self.topics.borrow().values().any(|traffic| traffic.asking || !traffic.under_way.is_empty()) {
            self.settled.notified().await;
        }
    }

    fn begun(&self, topic: u32) -> Traffic {
        let state = self.plan.first_state(topic);
        if self.plan.changes(Topic::Named(topic)) {
            self.sender.route(Topic::Named(topic), state.version());
        }
        Traffic { state, under_way: BTreeSet::new(), waiting: BTreeMap::new(), asking: false }
    }

    /// Sends all that waits, unless a newer state is asked for.
    fn go_on(self: &Rc<Self>, topic: u32) {
        let (waiting, state) = {
            let mut topics = self.topics.borrow_mut();
            let Some(traffic) = topics.get_mut(&topic).filter(|traffic| !traffic.asking) else { return };
            let waiting = std::mem::take(&mut traffic.waiting);
            traffic.under_way.extend(waiting.keys());
            (waiting, traffic.state.clone())
        };
        for (message, sending) in waiting {
            let number = self.partitioner.place(&sending.record, &state);
            let partition = Partition { topic: Topic::Named(topic), number };
            let (version, is_taken) = (state.version(), state.takes(number));
            match sending.refused {
                false => self.env.observe(Fact::Sent { message, partition, acks: self.plan.knobs.acks }),
                true if is_taken => {
                    self.env.observe(Fact::OfTopics(OfTopics::Rerouted { message, partition, version }));
                }
                true => {}
            }
            if !is_taken {
                self.env.observe(Fact::OfTopics(OfTopics::Unplaced { message, partition }));
                self.told(topic, partition, (message, sending), Fate::DefinitelyNot);
                continue;
            }
            let (router, record) = (self.clone(), sending.record.clone());
            self.sender.send(partition, record, move |fate| {
                router.told(topic, partition, (message, sending), fate);
            });
        }
    }

    fn told(
        self: &Rc<Self>,
        topic: u32,
        partition: Partition,
        (message, sending): (MessageId, Sending),
        fate: Fate,
    ) {
        if let Some(learned) = super::super::producer::learned(fate) {
            self.env.observe(Fact::Told { message, partition, fate: learned });
        }
        let mut topics = self.topics.borrow_mut();
        let Some(traffic) = topics.get_mut(&topic) else { return };
        traffic.under_way.remove(&message);
        if fate == Fate::Misrouted {
            traffic.waiting.insert(message, Sending { refused: true, ..sending });
            if !std::mem::replace(&mut traffic.asking, true) {
                self.env.spawn(self.clone().switch(topic, traffic.state.version()));
            }
        }
        self.settled.notify_waiters();
    }

    /// Steps 2 and 3.
    async fn switch(self: Rc<Self>, topic: u32, older: u32) {
        let newer = loop {
            match self.client.topic(topic).await.filter(|state| state.version() > older) {
                Some(state) => break state,
                None => self.env.sleep(self.plan.knobs.backoff.duration()).await,
            }
        };
        while self.topics.borrow().get(&topic).is_some_and(|traffic| !traffic.under_way.is_empty()) {
            self.settled.notified().await;
        }
        self.sender.route(Topic::Named(topic), newer.version());
        if let Some(traffic) = self.topics.borrow_mut().get_mut(&topic) {
            (traffic.state, traffic.asking) = (newer, false);
        }
        self.go_on(topic);
        self.settled.notify_waiters();
    }
}
