//! Subscriptions: consumers that are sent what becomes readable, as far as their credit goes.
//!
//! 1. Take a subscription if this broker serves the partition on its terms; once, however often it comes.
//! 2. Push what can be read, below what a fetch would see, as long as there is credit.
//! 3. Wait until there is more, or more credit.
//! 4. Let it go when its consumer says so or is silent, and end it with the epoch in which it began.

use super::super::facts::{Fact, PushFact};
use super::super::offset::{LeaderEpoch, Offset};
use super::super::partition::Partition;
use super::super::protocol::Refusal;
use super::super::pushing::{Outflow, PushFrame, SubscriptionId, cost};
use super::super::reading::{Footing, Terms};
use super::{Broker, Host};
use crate::race::race;
use rehearsal_env::{Env, NodeId, Port, Received, Time};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use tokio::sync::Notify;

/// The subscriptions at this broker.
struct Pushing<E: Env<Fact = Fact>> {
    broker: Rc<Broker<E>>,
    port: E::Port<PushFrame>,
    subscribers: RefCell<BTreeMap<(NodeId, SubscriptionId), Rc<Subscriber>>>,
}

/// One of them.
struct Subscriber {
    client: NodeId,
    id: SubscriptionId,
    host: Rc<Host>,
    terms: Terms,
    /// Where it begins, and what its consumer knows of the log before that.
    begins: (Offset, Footing),
    /// Pushes of one subscription are all of one epoch: what another leader has it has to be asked for.
    epoch: LeaderEpoch,
    outflow: RefCell<Outflow>,
    /// Whether it was told that the credit is spent.
    spent: Cell<bool>,
    heard: Cell<Time>,
    /// The consumer has said something.
    word: Notify,
    over: Cell<bool>,
}

/// What is to be done next in a subscription.
enum Step {
    Push(PushFrame),
    Wait,
    End(Refusal),
}

impl<E: Env<Fact = Fact>> Broker<E> {
    /// Serves subscriptions.
    pub(super) async fn push_to_consumers(self: Rc<Self>) {
        let port = self.env.bind();
        let pushing = Rc::new(Pushing { broker: self, port, subscribers: RefCell::default() });
        loop {
            let Received { from, message } = pushing.port.recv().await;
            pushing.hear(from, message);
        }
    }
}

impl<E: Env<Fact = Fact>> Pushing<E> {
    fn hear(self: &Rc<Self>, client: NodeId, frame: PushFrame) {
        match frame {
            PushFrame::Subscribe { subscription, partition, offset, terms, footing, credit } => {
                if self.word_of(client, subscription, 0).is_none() {
                    let outflow = Outflow::new(offset, credit, self.broker.plan.defects);
                    self.begin(client, subscription, partition, (terms, footing), outflow);
                }
                self.say_that_it_stands(client, subscription);
            }
            PushFrame::Credit { subscription, through } => {
                self.word_of(client, subscription, through);
            }
            PushFrame::Ask { subscription, through } => match self.word_of(client, subscription, through) {
                Some(_) => self.say_that_it_stands(client, subscription),
                None => self.port.send(client, PushFrame::Ended { subscription, why: None }),
            },
            PushFrame::Unsubscribe { subscription } => self.forget(client, subscription),
            PushFrame::Alive { .. } | PushFrame::Push { .. } | PushFrame::Ended { .. } => {}
        }
    }

    /// The consumer says how far it is, in a subscription that is known.
    fn word_of(&self, client: NodeId, id: SubscriptionId, through: u64) -> Option<()> {
        let subscribers = self.subscribers.borrow();
        let subscriber = subscribers.get(&(client, id))?;
        subscriber.outflow.borrow_mut().worked_through(through);
        subscriber.heard.set(self.broker.env.now());
        subscriber.word.notify_one();
        Some(())
    }

    fn say_that_it_stands(&self, client: NodeId, subscription: SubscriptionId) {
        if let Some(subscriber) = self.subscribers.borrow().get(&(client, subscription)) {
            let pushed = subscriber.outflow.borrow().pushed();
            self.port.send(client, PushFrame::Alive { subscription, pushed });
        }
    }

    /// 1.
    fn begin(
        self: &Rc<Self>,
        client: NodeId,
        id: SubscriptionId,
        partition: Partition,
        (terms, footing): (Terms, Footing),
        outflow: Outflow,
    ) {
        let Some(host) = self.broker.host(partition) else {
            let why = Some((Refusal::UnknownPartition, outflow.next()));
            return self.port.send(client, PushFrame::Ended { subscription: id, why });
        };
        let epoch = host.cores.borrow().replica.epoch();
        let subscriber = Rc::new(Subscriber {
            client,
            id,
            host,
            terms,
            begins: (outflow.next(), footing),
            epoch,
            outflow: RefCell::new(outflow),
            spent: Cell::new(false),
            heard: Cell::new(self.broker.env.now()),
            word: Notify::new(),
            over: Cell::new(false),
        });
        self.subscribers.borrow_mut().insert((client, id), subscriber.clone());
        self.broker.env.spawn(self.clone().serve(subscriber));
    }

    async fn serve(self: Rc<Self>, subscriber: Rc<Subscriber>) {
        let Broker { env, plan, .. } = &*self.broker;
        let silence = plan.knobs.silence.duration();
        while !subscriber.over.get() {
            match self.broker.next_step(&subscriber).await {
                // 2.
                Step::Push(frame) => self.port.send(subscriber.client, frame),
                // 3.
                Step::Wait => {
                    let something = race(subscriber.host.changed.notified(), subscriber.word.notified());
                    let _ = env.timeout(silence / 2, something).await;
                    if env.now().since(subscriber.heard.get()) > silence {
                        return self.forget(subscriber.client, subscriber.id);
                    }
                }
                // 4.
                Step::End(refusal) => {
                    let (subscription, at) = (subscriber.id, subscriber.outflow.borrow().next());
                    let why = Some((refusal, at));
                    self.port.send(subscriber.client, PushFrame::Ended { subscription, why });
                    return self.forget(subscriber.client, subscriber.id);
                }
            }
        }
    }

    fn forget(&self, client: NodeId, subscription: SubscriptionId) {
        if let Some(subscriber) = self.subscribers.borrow_mut().remove(&(client, subscription)) {
            subscriber.over.set(true);
            subscriber.word.notify_one();
        }
    }
}

impl<E: Env<Fact = Fact>> Broker<E> {
    async fn next_step(&self, subscriber: &Subscriber) -> Step {
        let Subscriber { host, terms, begins: (begins, footing), .. } = subscriber;
        let (from, at_most) = {
            let outflow = subscriber.outflow.borrow();
            (outflow.next(), outflow.room().min(u64::from(self.plan.knobs.fetch_bytes)))
        };
        // Behind the first push stands what this log has there: it is cut in no epoch.
        let footing = if from == *begins { *footing } else { Footing::default() };
        let read = self.read(host, from, (*terms, footing), at_most).await;
        let cores = host.cores.borrow();
        if cores.replica.epoch() != subscriber.epoch {
            return Step::End(Refusal::NotLeader);
        }
        let fetched = match read {
            Ok(fetched) if fetched.next > from => fetched,
            Ok(_) => return Step::Wait,
            Err(refusal) => return Step::End(refusal),
        };
        let mut outflow = subscriber.outflow.borrow_mut();
        let cost = cost(&fetched.batches);
        if !outflow.admits(cost) {
            if !subscriber.spent.replace(true) {
                let what = PushFact::CreditSpent { subscription: subscriber.id, partition: host.partition };
                self.env.observe(Fact::Pushing(what));
            }
            return Step::Wait;
        }
        subscriber.spent.set(false);
        if !cores.replica.leads() {
            self.tell_what_a_follower_serves(host, from, &fetched);
        }
        let number = outflow.push(cost, fetched.next);
        Step::Push(PushFrame::Push { subscription: subscriber.id, number, fetched })
    }
}
