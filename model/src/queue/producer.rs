//! A producer: sends its messages when it is time, each to the partition of its key, and waits until it knows what became
//! of all of them.

use super::brokers::BrokerId;
use super::facts::{Fact, Fate as Learned};
use super::identity::ProducerIdentity;
use super::message::MessageId;
use super::partition::Partition;
use super::plan::{Plan, Sending};
use super::production::{Acks, BatchId, Fate, Input, Outcome, Output, Production, RecordId, Settings, Timer};
use super::protocol::{Answer, Clients, Request};
use super::record::{Payload, Record};
use crate::session::Patience;
use rehearsal_env::{Env, NodeId, TaskHandle, Time};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

struct Producer<E: Env> {
    env: E,
    plan: Arc<Plan>,
    number: u32,
    brokers: Vec<NodeId>,
    clients: Clients<E>,
    core: RefCell<Production>,
    identity: RefCell<ProducerIdentity>,
    timers: RefCell<BTreeMap<Timer, E::Task>>,
    /// Where each message goes.
    going: RefCell<BTreeMap<RecordId, Partition>>,
    sent: RefCell<BTreeSet<BatchId>>,
    /// Whoever asks for each batch that is in flight.
    asking: RefCell<BTreeMap<BatchId, E::Task>>,
    /// Batches that nobody waits for, in order; a partition is in it while somebody sends them.
    outbox: RefCell<BTreeMap<Partition, VecDeque<Arc<Payload>>>>,
    leaders: RefCell<BTreeMap<Partition, BrokerId>>,
    progress: Notify,
}

/// Sends what the plan has for this producer. Returns when the fate of every message is known.
pub async fn produce<E: Env<Fact = Fact>>(env: E, plan: Arc<Plan>, brokers: Vec<NodeId>, number: u32) {
    let patience = Patience { resend: plan.knobs.resend.duration(), silence: plan.knobs.silence.duration() };
    let producer = Rc::new(Producer {
        clients: Clients::bind(&env, patience),
        core: RefCell::new(Production::new(settings(&plan), plan.defects)),
        identity: RefCell::new(ProducerIdentity { id: env.bits(), epoch: 0 }),
        timers: RefCell::default(),
        going: RefCell::default(),
        sent: RefCell::default(),
        asking: RefCell::default(),
        outbox: RefCell::default(),
        leaders: RefCell::default(),
        progress: Notify::new(),
        env,
        plan,
        number,
        brokers,
    });
    producer.clone().run().await;
}

fn settings(plan: &Plan) -> Settings {
    let knobs = &plan.knobs;
    Settings {
        acks: knobs.acks,
        idempotent: knobs.idempotent,
        transactional: false,
        max_in_flight: knobs.max_in_flight as usize,
        batch_records: knobs.batch_records as usize,
        batch_bytes: 16_384,
        linger: knobs.linger.duration(),
        backoff: knobs.backoff.duration(),
        delivery_timeout: knobs.delivery_timeout.duration(),
    }
}

impl<E: Env<Fact = Fact>> Producer<E> {
    async fn run(self: Rc<Self>) {
        // Drawn at random, no two producers have the same: nobody has to be asked for one.
        let identity = *self.identity.borrow();
        self.step(Input::Identified(identity));
        let mut mine: Vec<Sending> =
            self.plan.sendings.iter().filter(|sending| sending.producer == self.number).copied().collect();
        mine.sort_by_key(|sending| sending.at);
        for (number, sending) in mine.into_iter().enumerate() {
            self.env.sleep_until(Time(sending.at.0)).await;
            self.send(number as u32, sending);
        }
        while !self.core.borrow().is_idle() || !self.outbox.borrow().is_empty() {
            self.progress.notified().await;
        }
    }

    fn send(self: &Rc<Self>, number: u32, sending: Sending) {
        let message = MessageId { producer: self.number, number };
        let partition = self.plan.partition_of(sending.topic, sending.key);
        let key: Arc<[u8]> = sending.key.to_le_bytes().to_vec().into();
        let value = message.value(sending.bytes as usize);
        let record = Record { key: Some(key), value, tag: None, created: self.env.wall().micros() };
        self.env.observe(Fact::Sent { message, partition, acks: self.plan.knobs.acks });
        let id = RecordId(u64::from(number));
        self.going.borrow_mut().insert(id, partition);
        self.step(Input::Send { id, partition, record });
    }

    fn step(self: &Rc<Self>, input: Input) {
        let mut out = Vec::new();
        self.core.borrow_mut().step(input, &mut out);
        for output in out {
            match output {
                Output::Send { batch, payload } => self.send_batch(batch, payload),
                Output::Report { id, fate } => self.report(id, fate),
                Output::WantsIdentity => {
                    let next = self.identity.borrow().successor(self.env.bits());
                    *self.identity.borrow_mut() = next;
                    self.step(Input::Identified(next));
                }
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
        self.step(Input::TimerFired(timer));
    }

    fn report(&self, id: RecordId, fate: Fate) {
        let message = MessageId { producer: self.number, number: id.0 as u32 };
        let partition = self.going.borrow_mut().remove(&id).expect("what is reported was sent");
        let fate = match fate {
            Fate::Acknowledged { offset } => Learned::Acknowledged(offset),
            Fate::DefinitelyNot => Learned::DefinitelyNot,
            Fate::Unknown => Learned::Unknown,
        };
        self.env.observe(Fact::Told { message, partition, fate });
    }

    fn send_batch(self: &Rc<Self>, batch: BatchId, payload: Arc<Payload>) {
        if !self.sent.borrow_mut().insert(batch) {
            let messages = MessageId::of_payload(&payload);
            self.env.observe(Fact::SentAgain { partition: batch.partition, messages });
        }
        if self.plan.knobs.acks == Acks::None {
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
                producer.ask(partition, payload).await;
            }
            producer.outbox.borrow_mut().remove(&partition);
            producer.progress.notify_one();
        });
    }

    /// Asks the partition's leader, as far as it is known.
    async fn ask(&self, partition: Partition, payload: Arc<Payload>) -> Outcome {
        let unknown_leader = Outcome::Refused { definitely_not_appended: true, retriable: true };
        let known = self.leaders.borrow().get(&partition).copied();
        let leader = match known {
            Some(leader) => leader,
            None => match self.find_leader(partition).await {
                Some(leader) => leader,
                None => return unknown_leader,
            },
        };
        let (acks, checksum) = (self.plan.knobs.acks, payload.checksum());
        let request = Request::Produce { partition, acks, payload, checksum };
        let node = self.brokers[usize::from(leader.0)];
        let outcome = match self.clients.ask(node, request).await {
            Ok(Answer::Produced(Ok(base))) => return Outcome::Appended { base },
            Ok(Answer::Produced(Err(refusal))) => Outcome::Refused {
                definitely_not_appended: refusal.definitely_not_appended(),
                retriable: refusal.is_retriable(),
            },
            Ok(_) | Err(_) => Outcome::NoAnswer,
        };
        self.leaders.borrow_mut().remove(&partition);
        outcome
    }

    async fn find_leader(&self, partition: Partition) -> Option<BrokerId> {
        let any = self.brokers[self.env.below(self.brokers.len() as u64) as usize];
        if let Ok(Answer::Metadata(leaders)) = self.clients.ask(any, Request::Metadata).await {
            *self.leaders.borrow_mut() = leaders;
        }
        self.leaders.borrow().get(&partition).copied()
    }
}
