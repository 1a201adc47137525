//! A guest: looks, orders, books, perhaps cancels; clicks twice, asks again when no answer comes.
//!
//! What a guest does not know it asks again under the same id, at another server, until it is told. A guest who
//! gives up withdraws the order first, so that no late click of its own books it.

use super::defects::Defect;
use super::facts::{Answer, Attempt, Fact, Operation};
use super::plan::{Plan, Wish};
use super::protocol::GuestRequest;
use super::stay::{Intent, Order, ReservationId};
use crate::rpc::{Caller, NoAnswer};
use rehearsal_env::{Env, NodeId, Time};
use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// How often a guest hears "busy" before giving up.
const BUSY_ENOUGH: u32 = 3;

/// One guest.
pub(super) struct Guest<E: Env> {
    env: E,
    plan: Arc<Plan>,
    servers: Rc<[NodeId]>,
    caller: Caller<E, GuestRequest, Answer>,
    number: i64,
    requests: Rc<Cell<u64>>,
}

impl<E: Env> Clone for Guest<E> {
    fn clone(&self) -> Self {
        Guest {
            env: self.env.clone(),
            plan: self.plan.clone(),
            servers: self.servers.clone(),
            caller: self.caller.clone(),
            number: self.number,
            requests: self.requests.clone(),
        }
    }
}

/// One wish under way.
#[derive(Clone, Copy)]
pub(super) struct Errand {
    pub(super) intent: Intent,
    pub(super) wish: Wish,
    pub(super) order: Option<Order>,
}

/// Fulfils the wishes of guest `number`, one after the other; then the guest is done.
pub async fn live<E: Env<Fact = Fact>>(env: E, plan: Arc<Plan>, servers: Vec<NodeId>, number: u32) {
    let guest = Guest::new(&env, plan, servers, number);
    for (intent, wish) in guest.plan.wishes_of(number) {
        env.sleep_until(Time(wish.at.0)).await;
        guest.fulfil(Errand { intent, wish, order: None }).await;
    }
}

impl<E: Env<Fact = Fact>> Guest<E> {
    pub(super) fn new(env: &E, plan: Arc<Plan>, servers: Vec<NodeId>, number: u32) -> Self {
        Guest {
            caller: Caller::bind(env),
            servers: servers.into(),
            number: i64::from(number),
            requests: Rc::new(Cell::new(u64::from(number) << 32)),
            env: env.clone(),
            plan,
        }
    }

    /// 1. Look. 2. Order; a night that is not for sale ends the wish. 3. Book. 4. Perhaps cancel. 5. Perhaps look
    ///    at the list.
    async fn fulfil(&self, mut errand: Errand) {
        if errand.wish.looks {
            self.once(&errand, Operation::Availability).await;
        }
        errand.order = self.order(&errand).await;
        if errand.order.is_some() {
            self.book_and_perhaps_cancel(&mut errand).await;
        }
        if errand.wish.history {
            self.once(&errand, Operation::History).await;
        }
        self.settled(&errand);
    }

    async fn book_and_perhaps_cancel(&self, errand: &mut Errand) {
        let (mut answer, settled_order) = self.book(*errand).await;
        errand.order = Some(settled_order);
        if let (Answer::Booked, Some(after)) = (&answer, errand.wish.cancel_after) {
            self.env.sleep(after.duration()).await;
            answer = self.insist(errand, Operation::Cancel).await;
        }
        if matches!(answer, Answer::Busy | Answer::Pending) {
            self.insist(errand, Operation::Cancel).await;
        }
    }

    /// Nothing more will be asked about this wish.
    pub(super) fn settled(&self, errand: &Errand) {
        let reservation = errand.order.map(|order| order.id);
        self.env.observe(Fact::Settled { guest: self.number, intent: errand.intent, reservation });
    }

    /// Asks until there is an order; None when a night is not for sale.
    pub(super) async fn order(&self, errand: &Errand) -> Option<Order> {
        match self.insist(errand, Operation::Order).await {
            Answer::Ordered(id, price) => {
                Some(Order { id, guest: self.number, stay: errand.wish.stay(), price })
            }
            Answer::SoldOut => None,
            other => unreachable!("an order is not answered with {other:?}"),
        }
    }

    /// Books until the answer is final, or "busy" was said often enough, or pending and the guest impatient. The order is another one only under a
    /// defect.
    pub(super) async fn book(&self, mut errand: Errand) -> (Answer, Order) {
        let mut busy = 0;
        let mut asked = 0;
        let mut attempt = Attempt::First;
        loop {
            let order = errand.order.expect("a guest books what was ordered");
            match self.click(&errand, Operation::Book, attempt).await {
                Ok(Answer::Busy) => {
                    busy += 1;
                    if busy == BUSY_ENOUGH {
                        return (Answer::Busy, order);
                    }
                    attempt = Attempt::Poll;
                }
                Ok(Answer::Pending) if errand.wish.impatient => return (Answer::Pending, order),
                Ok(Answer::Pending) => attempt = Attempt::Poll,
                Ok(answer) => return (answer, order),
                Err(NoAnswer) => {
                    attempt = Attempt::Retry;
                    if self.plan.defects.has(Defect::FreshIdAfterLostAnswer) {
                        let another = self.order(&Errand { order: None, ..errand }).await;
                        errand.order = another.or(errand.order);
                    }
                }
            }
            self.pause(asked).await;
            asked += 1;
        }
    }

    /// Asks until something is answered that is neither "busy" nor "pending".
    pub(super) async fn insist(&self, errand: &Errand, operation: Operation) -> Answer {
        let mut attempt = Attempt::First;
        let mut asked = 0;
        loop {
            attempt = match self.click(errand, operation, attempt).await {
                Ok(Answer::Busy | Answer::Pending) => Attempt::Poll,
                Ok(answer) => return answer,
                Err(NoAnswer) => Attempt::Retry,
            };
            self.pause(asked).await;
            asked += 1;
        }
    }

    /// Asks without caring much for the answer.
    async fn once(&self, errand: &Errand, operation: Operation) {
        // Nothing depends on it.
        let _ = self.ask(errand, operation, Attempt::First).await;
    }

    /// One click, or the wish's several clicks at once; the first answer. All are awaited.
    async fn click(
        &self,
        errand: &Errand,
        operation: Operation,
        attempt: Attempt,
    ) -> Result<Answer, NoAnswer> {
        let extra = if matches!(operation, Operation::Book | Operation::Cancel) && attempt == Attempt::First {
            errand.wish.extra_clicks
        } else {
            0
        };
        if extra == 0 {
            return self.ask(errand, operation, attempt).await;
        }
        let (sender, mut answers) = mpsc::unbounded_channel();
        for number in 0..=extra {
            self.env.spawn(self.clone().one_of_several(*errand, operation, number, sender.clone()));
        }
        drop(sender);
        let mut first = Err(NoAnswer);
        while let Some(answer) = answers.recv().await {
            first = first.or(answer);
        }
        first
    }

    async fn one_of_several(
        self,
        errand: Errand,
        operation: Operation,
        number: u32,
        answers: mpsc::UnboundedSender<Result<Answer, NoAnswer>>,
    ) {
        // The clicks come within milliseconds of each other.
        self.env.sleep(Duration::from_micros(u64::from(number) * self.env.below(3_000))).await;
        let attempt = if number == 0 { Attempt::First } else { Attempt::DoubleClick };
        // The receiver outlives all clicks.
        let _ = answers.send(self.ask(&errand, operation, attempt).await);
    }

    /// Sends one request to some server and reports what is asked and told.
    async fn ask(&self, errand: &Errand, operation: Operation, attempt: Attempt) -> Result<Answer, NoAnswer> {
        let request = self.requests.get();
        self.requests.set(request + 1);
        let (guest, intent, stay) = (self.number, errand.intent, errand.wish.stay());
        let reservation: Option<ReservationId> = errand.order.map(|order| order.id);
        let server = self.servers[self.env.below(self.servers.len() as u64) as usize];
        self.env.observe(Fact::Asked { guest, intent, reservation, operation, stay, attempt, request });
        let body = self.body(errand, operation);
        let answer = self.caller.call(server, body, self.plan.knobs.patience.duration()).await?;
        let told = answer.clone();
        self.env.observe(Fact::Told { guest, intent, reservation, operation, stay, answer: told, request });
        Ok(answer)
    }

    fn body(&self, errand: &Errand, operation: Operation) -> GuestRequest {
        let order = || errand.order.expect("this is asked about an order");
        match operation {
            Operation::Availability => GuestRequest::Availability(errand.wish.stay()),
            Operation::Order => GuestRequest::Order { guest: self.number, stay: errand.wish.stay() },
            Operation::Book => GuestRequest::Book { order: order(), backwards: errand.wish.backwards },
            Operation::Cancel => GuestRequest::Cancel { id: order().id },
            Operation::History => GuestRequest::History { guest: self.number },
        }
    }

    /// Waits a while before asking again: longer each time, since whoever keeps asking keeps the others waiting.
    async fn pause(&self, asked: u32) {
        let longest = 400 << asked.min(3);
        self.env.sleep(Duration::from_millis(100 + self.env.below(longest))).await;
    }
}
