//! Subscriptions of this node: what brokers push comes in at one port, and waits with the subscription that it is for.
//!
//! 1. Ask a broker to push, again and again until a word of it comes.
//! 2. Put what comes where it waits, in its order. Tell the broker what is worked through.
//! 3. When nothing was heard or said for a while, ask whether the subscription still stands, and how many pushes there were.
//! 4. It is over when a push stays missing, when nothing is heard for too long, or when the broker says so.

use super::super::defects::Defects;
use super::super::facts::{Fact, PushFact};
use super::super::knobs::Knobs;
use super::super::offset::Offset;
use super::super::partition::Partition;
use super::super::protocol::{Fetched, Refusal};
use super::super::pushing::{Ending, Inflow, Next, PushFrame, SubscriptionId, cost};
use super::super::reading::{Footing, Terms};
use super::{Client, NotAnswered};
use crate::session::Patience;
use rehearsal_env::{Env, NodeId, Port, Received, Time};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;
use tokio::sync::Notify;

/// By name, those that are wanted.
type Inboxes = Rc<RefCell<BTreeMap<SubscriptionId, Rc<Inbox>>>>;

/// All subscriptions that this node has. Cheap to clone.
pub(super) struct Subscriptions<E: Env> {
    env: E,
    port: Rc<E::Port<PushFrame>>,
    inboxes: Inboxes,
    patience: Patience,
    credit: u32,
}

impl<E: Env> Clone for Subscriptions<E> {
    fn clone(&self) -> Self {
        let Subscriptions { env, port, inboxes, patience, credit } = self;
        let (env, port, inboxes) = (env.clone(), port.clone(), inboxes.clone());
        Subscriptions { env, port, inboxes, patience: *patience, credit: *credit }
    }
}

/// Where what is pushed waits.
struct Inbox {
    id: SubscriptionId,
    broker: NodeId,
    partition: Partition,
    inflow: RefCell<Inflow>,
    /// How it ended, and what is out of range if that is why.
    over: Cell<Option<(Ending, Option<Offset>)>>,
    /// Whether whoever reads was told of it.
    told: Cell<bool>,
    /// Something came, or it is over.
    something: Notify,
    /// Nobody wants it any more, or it is over.
    done: Notify,
    /// When the broker was heard last, and spoken to; whether it was heard at all.
    heard: Cell<(Time, bool)>,
    said: Cell<Time>,
}

/// What there is for one who reads.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Pushed {
    /// This.
    Fetched(Fetched),
    /// Nothing for some time.
    Nothing,
    /// The subscription is over, and why; the offset is what a refusal speaks of.
    Over(Ending, Option<Offset>),
}

/// One of them. Dropping it ends it.
pub(super) struct Subscription<E: Env> {
    of: Subscriptions<E>,
    inbox: Rc<Inbox>,
}

impl<E: Env<Fact = Fact>> Subscriptions<E> {
    /// Binds the port on this node.
    pub(super) fn bind(env: &E, patience: Patience, knobs: &Knobs) -> Self {
        let subscriptions = Subscriptions {
            env: env.clone(),
            port: Rc::new(env.bind()),
            inboxes: Inboxes::default(),
            patience,
            credit: knobs.credit,
        };
        env.spawn(subscriptions.clone().sort_frames());
        subscriptions
    }

    /// 1. For one who is at `offset`, from `from` on.
    pub(super) fn begin(
        &self,
        broker: NodeId,
        (group, partition): (u32, Partition),
        (offset, from): (Offset, Offset),
        (terms, footing): (Terms, Footing),
        defects: Defects,
    ) -> Subscription<E> {
        let (id, now, credit) = (SubscriptionId(self.env.bits()), self.env.now(), self.credit);
        let inbox = Rc::new(Inbox {
            id,
            broker,
            partition,
            inflow: RefCell::new(Inflow::new(offset, defects)),
            over: Cell::new(None),
            told: Cell::new(false),
            something: Notify::new(),
            done: Notify::new(),
            heard: Cell::new((now, false)),
            said: Cell::new(now),
        });
        self.inboxes.borrow_mut().insert(id, inbox.clone());
        let begun = PushFact::Subscribed { group, partition, subscription: id, offset: from, credit };
        self.env.observe(Fact::Pushing(begun));
        let ask = PushFrame::Subscribe { subscription: id, partition, offset: from, terms, footing, credit };
        self.port.send(broker, ask.clone());
        self.env.spawn(self.clone().keep(inbox.clone(), ask));
        Subscription { of: self.clone(), inbox }
    }

    /// 2.
    async fn sort_frames(self) {
        loop {
            let Received { from, message } = self.port.recv().await;
            let (PushFrame::Push { subscription, .. }
            | PushFrame::Alive { subscription, .. }
            | PushFrame::Ended { subscription, .. }) = message
            else {
                continue;
            };
            let inbox =
                self.inboxes.borrow().get(&subscription).filter(|inbox| inbox.broker == from).cloned();
            match inbox {
                Some(inbox) => self.take(&inbox, message),
                None if matches!(message, PushFrame::Ended { .. }) => {}
                None => self.port.send(from, PushFrame::Unsubscribe { subscription }),
            }
        }
    }

    fn take(&self, inbox: &Inbox, frame: PushFrame) {
        inbox.heard.set((self.env.now(), true));
        match frame {
            PushFrame::Push { subscription, number, fetched } => {
                let bytes = cost(&fetched.batches);
                if inbox.inflow.borrow_mut().came(number, fetched) {
                    self.env.observe(Fact::Pushing(PushFact::Came { subscription, number, bytes }));
                    inbox.something.notify_one();
                }
            }
            PushFrame::Alive { pushed, .. } => inbox.inflow.borrow_mut().told(pushed),
            PushFrame::Ended { why: Some((refusal, at)), .. } => {
                self.end(inbox, Ending::Refused(refusal), Some(at));
            }
            _ => self.end(inbox, Ending::Forgotten, None),
        }
    }

    /// 3 and 4.
    async fn keep(self, inbox: Rc<Inbox>, subscribe: PushFrame) {
        let Patience { resend, silence } = self.patience;
        let mut missing = None;
        while self.env.timeout(resend, inbox.done.notified()).await.is_err() {
            let (now, (heard, answered)) = (self.env.now(), inbox.heard.get());
            if now.since(heard) > silence {
                return self.end(&inbox, Ending::Silent, None);
            }
            let first_missing = inbox.inflow.borrow().missing();
            if first_missing.is_some() && first_missing == missing {
                return self.end(&inbox, Ending::Lost, None);
            }
            missing = first_missing;
            if !answered {
                self.port.send(inbox.broker, subscribe.clone());
            } else if now.since(heard) >= resend || now.since(inbox.said.get()) >= resend {
                let (subscription, through) = (inbox.id, inbox.inflow.borrow().worked());
                self.port.send(inbox.broker, PushFrame::Ask { subscription, through });
                inbox.said.set(now);
            }
        }
    }

    fn end(&self, inbox: &Inbox, ending: Ending, at: Option<Offset>) {
        if self.inboxes.borrow_mut().remove(&inbox.id).is_none() {
            return;
        }
        inbox.over.set(Some((ending, at)));
        let (subscription, partition) = (inbox.id, inbox.partition);
        self.env.observe(Fact::Pushing(PushFact::Over { subscription, partition, ending }));
        inbox.something.notify_one();
        inbox.done.notify_one();
        if matches!(ending, Ending::Lost | Ending::Silent) {
            self.port.send(inbox.broker, PushFrame::Unsubscribe { subscription });
        }
    }
}

impl<E: Env<Fact = Fact>> Subscription<E> {
    /// Whether one who is at `offset`, and is done with all before, can go on in it. Gives credit back for that.
    pub(super) fn goes_on_at(&self, offset: Offset) -> bool {
        let Subscription { of, inbox } = self;
        let mut inflow = inbox.inflow.borrow_mut();
        let before = inflow.worked();
        let goes_on = match inflow.read(offset) {
            Next::Pushed(_) => true,
            Next::Nothing => !inbox.told.get(),
            Next::Elsewhere => false,
        };
        let (subscription, through) = (inbox.id, inflow.worked());
        if through > before && inbox.over.get().is_none() {
            of.env.observe(Fact::Pushing(PushFact::CreditGiven { subscription, through }));
            of.port.send(inbox.broker, PushFrame::Credit { subscription, through });
            inbox.said.set(of.env.now());
        }
        goes_on
    }

    /// What there is for one who is at `offset`. Waits for something as long as a fetch would.
    pub(super) async fn next(&self, offset: Offset, wait: Duration) -> Pushed {
        let Subscription { of, inbox } = self;
        let something = async {
            loop {
                if let Next::Pushed(fetched) = inbox.inflow.borrow_mut().read(offset) {
                    return Pushed::Fetched(fetched);
                }
                if let Some((ending, at)) = inbox.over.get() {
                    inbox.told.set(true);
                    return Pushed::Over(ending, at);
                }
                inbox.something.notified().await;
            }
        };
        of.env.timeout(wait, something).await.unwrap_or(Pushed::Nothing)
    }

    /// Where another one begins for a consumer that is at `offset`, when this one is over.
    pub(super) fn begins_anew_at(&self, offset: Offset) -> Offset {
        self.inbox.inflow.borrow().begins_anew_at(offset)
    }
}

impl<E: Env<Fact = Fact>> Client<E> {
    /// Subscribes for a consumer that is at `offset`, from `from` on: at the broker that is nearby, or at the leader.
    ///
    /// # Errors
    /// [`NotAnswered`]: nobody who was asked knows who leads the partition, or pushes are not what is wanted here.
    pub(super) async fn subscribe(
        &self,
        of: (u32, Partition),
        is_nearby: bool,
        (offset, from): (Offset, Offset),
        terms: (Terms, Footing),
        defects: Defects,
    ) -> Result<Subscription<E>, NotAnswered> {
        let broker = match is_nearby {
            true => self.nearby.get(),
            false => self.brokers[usize::from(self.leader(of.1).await.ok_or(NotAnswered)?.0)],
        };
        let subscriptions = self.subscriptions.as_ref().ok_or(NotAnswered)?;
        Ok(subscriptions.begin(broker, of, (offset, from), terms, defects))
    }

    /// Whoever was subscribed at, the one nearby or the leader, does not serve the partition, or is silent.
    pub(super) fn look_elsewhere(&self, partition: Partition, is_nearby: bool) {
        match is_nearby {
            true => self.nearby.set(super::any_of(&self.env, &self.brokers)),
            false => {
                self.leaders.borrow_mut().remove(&partition);
            }
        }
    }
}

impl<E: Env> Drop for Subscription<E> {
    fn drop(&mut self) {
        let subscription = self.inbox.id;
        if self.of.inboxes.borrow_mut().remove(&subscription).is_some() {
            self.inbox.done.notify_one();
            self.of.port.send(self.inbox.broker, PushFrame::Unsubscribe { subscription });
        }
    }
}

impl Pushed {
    /// Whether it says that another broker is to be asked.
    pub(super) fn is_from_the_wrong_broker(&self) -> bool {
        match self {
            Pushed::Over(Ending::Refused(refusal), _) => {
                !matches!(refusal, Refusal::OutOfRange { .. } | Refusal::Diverged { .. })
            }
            Pushed::Over(Ending::Silent | Ending::Forgotten, _) => true,
            Pushed::Over(Ending::Lost, _) | Pushed::Fetched(_) | Pushed::Nothing => false,
        }
    }
}
