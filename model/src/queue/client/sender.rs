//! Sends records: the producer's core with its timers, its sessions and its identity.

use super::super::defects::Defects;
use super::super::facts::Fact;
use super::super::identity::ProducerIdentity;
use super::super::message::MessageId;
use super::super::partition::{Partition, Topic};
use super::super::production::{
    Acks, BatchId, Fate, Input, Outcome, Output, Production, RecordId, Settings, Timer,
};
use super::super::protocol::{Answer, Refusal, Request};
use super::super::record::{Payload, Record};
use super::super::transactions::TransactionalId;
use super::Client;
use rehearsal_env::{Env, TaskHandle};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, oneshot};

/// What is done when the fate of a record is known.
pub type Told = Box<dyn FnOnce(Fate)>;

/// A producer that any program can send through.
pub struct Sender<E: Env> {
    env: E,
    client: Rc<Client<E>>,
    acks: Acks,
    backoff: Duration,
    transaction: Option<TransactionalId>,
    core: RefCell<Production>,
    identity: Cell<ProducerIdentity>,
    timers: RefCell<BTreeMap<Timer, E::Task>>,
    /// Who waits for the fate of each record.
    waiting: RefCell<BTreeMap<RecordId, Told>>,
    /// How many records were sent.
    count: Cell<u64>,
    sent: RefCell<BTreeSet<BatchId>>,
    /// Whoever asks for each batch that is in flight.
    asking: RefCell<BTreeMap<BatchId, E::Task>>,
    /// Batches that nobody waits for, in order; a partition is in it while somebody sends them.
    outbox: RefCell<BTreeMap<Partition, VecDeque<Arc<Payload>>>>,
    progress: Notify,
    /// By which version of their states the records of topics are sent whose partitions change.
    routing: RefCell<BTreeMap<Topic, u32>>,
}

impl<E: Env<Fact = Fact>> Sender<E> {
    /// A new producer. Its identity is drawn at random, so no two have the same: nobody has to be asked for one.
    pub fn new(env: &E, client: Rc<Client<E>>, settings: Settings, defects: Defects) -> Rc<Self> {
        let sender = Self::unidentified(env, client, settings, defects, None);
        sender.identify(ProducerIdentity::first(env.bits()));
        sender
    }

    /// A producer that sends within transactions, and nothing before it is [identified](Sender::identify).
    pub fn transactional(
        env: &E,
        client: Rc<Client<E>>,
        settings: Settings,
        defects: Defects,
        id: TransactionalId,
    ) -> Rc<Self> {
        Self::unidentified(env, client, settings, defects, Some(id))
    }

    fn unidentified(
        env: &E,
        client: Rc<Client<E>>,
        settings: Settings,
        defects: Defects,
        transaction: Option<TransactionalId>,
    ) -> Rc<Self> {
        Rc::new(Sender {
            client,
            acks: settings.acks,
            backoff: settings.backoff,
            transaction,
            core: RefCell::new(Production::new(settings, defects)),
            identity: Cell::new(ProducerIdentity::first(0)),
            timers: RefCell::default(),
            waiting: RefCell::default(),
            count: Cell::new(0),
            sent: RefCell::default(),
            asking: RefCell::default(),
            outbox: RefCell::default(),
            progress: Notify::new(),
            routing: RefCell::default(),
            env: env.clone(),
        })
    }

    /// From now on it sends as this one.
    pub fn identify(self: &Rc<Self>, identity: ProducerIdentity) {
        self.identity.set(identity);
        self.step(Input::Identified(identity));
    }

    /// From now on records of this topic are sent by this version of its state. The fate of all before must be known.
    pub fn route(&self, topic: Topic, version: u32) {
        self.routing.borrow_mut().insert(topic, version);
    }

    /// Gives everything up whose fate is not known.
    pub fn abandon(self: &Rc<Self>) {
        self.step(Input::Abandon);
    }

    /// Sends a record, after all that were sent before it. `told` is called when its fate is known, at the latest when
    /// it has waited for room as long as it may, and the delivery timeout is over.
    pub fn send(self: &Rc<Self>, partition: Partition, record: Record, told: impl FnOnce(Fate) + 'static) {
        let id = RecordId(self.count.replace(self.count.get() + 1));
        self.waiting.borrow_mut().insert(id, Box::new(told));
        self.step(Input::Send { id, partition, record });
        if let Some((message, partition)) = self.waits_for_room(id) {
            self.env.observe(Fact::WaitsForRoom { message, partition });
        }
    }

    /// Sends a record, and waits until its fate is known.
    pub async fn deliver(self: &Rc<Self>, partition: Partition, record: Record) -> Fate {
        let (sender, receiver) = oneshot::channel();
        self.send(partition, record, move |fate| {
            // Whoever waits may have been aborted.
            let _ = sender.send(fate);
        });
        receiver.await.unwrap_or(Fate::Unknown)
    }

    /// Waits until the fate of every record is known, and nothing is on its way.
    pub async fn idle(&self) {
        while !self.core.borrow().is_idle() || !self.outbox.borrow().is_empty() {
            self.progress.notified().await;
        }
    }

    fn step(self: &Rc<Self>, input: Input) {
        let mut out = Vec::new();
        self.core.borrow_mut().step(input, &mut out);
        for output in out {
            match output {
                Output::Send { batch, payload } => self.send_batch(batch, payload),
                Output::Report { id, fate } => {
                    let told = self.waiting.borrow_mut().remove(&id).expect("what is reported was sent");
                    told(fate);
                }
                // Within a transaction, aborting that brings the next one.
                Output::WantsIdentity if self.transaction.is_some() => {}
                Output::WantsIdentity => self.identify(self.identity.get().successor(self.env.bits())),
                Output::SetTimer { timer, after } => {
                    let task = self.env.spawn(self.clone().fire(timer, after));
                    self.timers.borrow_mut().insert(timer, task);
                }
                Output::CancelTimer(timer) => {
                    if let Some(task) = self.timers.borrow_mut().remove(&timer) {
                        task.abort();
                    }
                }
            }
        }
        self.stop_asking();
        self.progress.notify_one();
    }

    async fn fire(self: Rc<Self>, timer: Timer, after: Duration) {
        self.env.sleep(after).await;
        self.timers.borrow_mut().remove(&timer);
        if let Timer::Room(id) = timer
            && let Some((message, partition)) = self.waits_for_room(id)
        {
            self.env.observe(Fact::RefusedForRoom { message, partition });
        }
        self.step(Input::TimerFired(timer));
    }

    fn waits_for_room(&self, id: RecordId) -> Option<(MessageId, Partition)> {
        let core = self.core.borrow();
        let (partition, record) = core.waits_for_room(id)?;
        Some((MessageId::of_value(&record.value)?, partition))
    }

    fn send_batch(self: &Rc<Self>, batch: BatchId, payload: Arc<Payload>) {
        if !self.sent.borrow_mut().insert(batch) {
            let messages = MessageId::of_payload(&payload);
            self.env.observe(Fact::SentAgain { partition: batch.partition, messages });
        }
        if self.acks == Acks::None {
            return self.post(batch.partition, payload);
        }
        let producer = self.clone();
        let task = self.env.spawn(async move {
            let outcome = producer.ask(batch.partition, payload).await;
            producer.asking.borrow_mut().remove(&batch);
            producer.step(Input::Answered { batch, outcome });
        });
        self.asking.borrow_mut().insert(batch, task);
    }

    /// Stops asking for batches that were given up.
    fn stop_asking(&self) {
        let core = self.core.borrow();
        self.asking.borrow_mut().retain(|batch, task| {
            let wanted = core.is_in_flight(*batch);
            if !wanted {
                task.abort();
            }
            wanted
        });
    }

    /// Sends a batch whose end nobody waits for, after those before it: a connection keeps the order of what it carries.
    fn post(self: &Rc<Self>, partition: Partition, payload: Arc<Payload>) {
        if let Some(waiting) = self.outbox.borrow_mut().get_mut(&partition) {
            return waiting.push_back(payload);
        }
        self.outbox.borrow_mut().insert(partition, VecDeque::from([payload]));
        let producer = self.clone();
        self.env.spawn(async move {
            loop {
                let next = producer.outbox.borrow_mut().get_mut(&partition).and_then(VecDeque::pop_front);
                let Some(payload) = next else { break };
                // Nobody sends it again, so it goes out when there is somebody to send it to.
                while producer.client.leader(partition).await.is_none() {
                    producer.env.sleep(producer.backoff).await;
                }
                producer.ask(partition, payload).await;
            }
            producer.outbox.borrow_mut().remove(&partition);
            producer.progress.notify_one();
        });
    }

    /// Asks the partition's leader, as far as it is known. Without one, nothing was sent.
    async fn ask(&self, partition: Partition, payload: Arc<Payload>) -> Outcome {
        let Some(leader) = self.client.leader(partition).await else {
            return Outcome::Refused { definitely_not_appended: true, retriable: true };
        };
        let (acks, checksum) = (self.acks, payload.checksum());
        let payload = self.client.on_its_way(partition, payload);
        let (transaction, routing) = (self.transaction, self.routing.borrow().get(&partition.topic).copied());
        let request = Request::Produce { partition, acks, payload, checksum, transaction, routing };
        match self.client.ask(leader, partition, request).await {
            Ok(Answer::Produced(Ok(base))) => Outcome::Appended { base },
            Ok(Answer::Produced(Err(Refusal::OldRouting | Refusal::Retired))) => Outcome::Misrouted,
            Ok(Answer::Produced(Err(refusal))) => Outcome::Refused {
                definitely_not_appended: refusal.definitely_not_appended(),
                retriable: refusal.is_retriable(),
            },
            Ok(_) | Err(_) => Outcome::NoAnswer,
        }
    }
}
