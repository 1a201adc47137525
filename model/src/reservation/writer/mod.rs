//! The strategy `single-writer`: who may change the inventory of a room type is decided by a queue.
//!
//! ```text
//!  servers ───────┐  book this order              the room type's partition        one of the group
//!                 ├──▶ Writers ──acks = all──▶ brokers: ▮▮▮▮▮▮▯ ──▶ writer ──▶ database: own · read · check · write
//!  payments ──────┘  end this stay                                    │
//!                 ◀───────────────── "done, look" ────────────────────┘
//! ```
//!
//! Writers are a group of consumers (`queue/client/`), so each partition, and each room type, has one of them, and when
//! it falls silent another takes over. What is asked for is delivered at least once; doing it again does nothing,
//! since the order and the reservation in the database say that it is done. What a writer that was left behind does
//! is refused in the database ([`single_writer`](super::strategy::single_writer)).

mod asking;
mod request;
mod service;

pub use asking::Writers;
pub use request::{Change, Done, Request};
pub use service::{deploy_queue, queue_of};

use super::booking::book::{Tried, record, try_to_book};
use super::booking::end::try_to_end;
use super::booking::{Again, Bookkeeper};
use super::defects::Defect;
use super::facts::{Answer, Fact, RetryReason};
use super::plan::Plan;
use super::stay::OrderState;
use super::strategy::{Ownership, Terms};
use crate::queue::client::{Client, Handler, Membership, Place, Seat, Worker};
use crate::queue::facts::Fact as QueueFact;
use crate::queue::group::{CommitRule, Generation};
use crate::queue::partition::Partition;
use crate::queue::record::Record;
use rehearsal_env::{Env, NodeId, Part, Port};
use service::{GROUP, REQUESTS, meaning};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

/// Runs a writer on this node, for ever: it takes its seat in the group, and works through what it owns there.
pub async fn serve<E: Env<Fact = Fact>>(env: E, plan: Arc<Plan>, database: NodeId, brokers: Vec<NodeId>) {
    let (part, queue) = (Part::of(&env, meaning), Arc::new(queue_of(&plan)));
    let client = Client::bind(&part, brokers, &queue.knobs);
    let rule = CommitRule::AfterProcessing;
    let seat = Seat::new(&part, client.clone(), queue.clone(), GROUP, [REQUESTS], rule);
    let writing = Writing {
        replies: env.bind(),
        books: Bookkeeper::new(&env, plan, database),
        seat: seat.clone(),
        ownerships: RefCell::default(),
        env: env.clone(),
    };
    let terms = queue.terms(&queue.consumers[0]);
    let worker = Worker::new(&part, client, seat.clone(), writing, terms, &queue);
    seat.run(worker).await;
}

/// What a writer does with requests.
struct Writing<E: Env> {
    env: E,
    books: Bookkeeper<E>,
    seat: Rc<Seat<Part<E, QueueFact>>>,
    replies: E::Port<Done>,
    /// What it knows of each partition that it works on.
    ownerships: RefCell<BTreeMap<(Membership, Partition), Rc<Ownership>>>,
}

impl<E: Env<Fact = Fact>> Handler for Writing<E> {
    /// Tries until the database has it, or the room type is another writer's.
    async fn handle(&self, place: Place, record: &Record) -> bool {
        let Some(Request { change, reply_to }) = Request::of(record) else { return true };
        let (id, Generation(generation)) = (change.reservation(), place.membership.generation);
        let ownership = self.ownership(place);
        self.env.observe(Fact::WriteBegun { reservation: id, generation });
        for tried in 0.. {
            if !self.seat.is_at_work(place.membership) {
                return false;
            }
            let done = self.carry_out(&change, &ownership).await;
            if done.is_err() {
                ownership.forget();
            }
            match done {
                Ok(()) => {
                    self.replies.send(reply_to, Done { change });
                    return true;
                }
                Err(Again::Because(RetryReason::Fenced)) => {
                    let room_type = change.room_type();
                    self.env.observe(Fact::WriterFenced { reservation: id, room_type, generation });
                    self.wait_until_left_behind(place).await;
                    return false;
                }
                Err(again) => self.books.again(id, tried, &again).await,
            }
        }
        false
    }
}

impl<E: Env<Fact = Fact>> Writing<E> {
    async fn carry_out(&self, change: &Change, ownership: &Ownership) -> Result<(), Again> {
        let terms = Terms { writer: Some(ownership), ..self.books.terms() };
        match *change {
            Change::Book(order) => match try_to_book(&self.books, &order, false, &terms).await? {
                Tried::SoldOut => {
                    // That transaction was rolled back, and with it that this writer owns the room type.
                    ownership.forget();
                    record(&self.books, order.id, OrderState::SoldOut, Answer::SoldOut).await.map(|_| ())
                }
                Tried::Expired => {
                    record(&self.books, order.id, OrderState::Expired, Answer::Expired).await.map(|_| ())
                }
                Tried::Recorded(_) | Tried::Refused(_) | Tried::Held => Ok(()),
            },
            Change::End { id, ending, .. } => try_to_end(&self.books, id, ending, &terms).await.map(|_| ()),
        }
    }

    /// What is this membership's: whatever was known in another is old.
    fn ownership(&self, place: Place) -> Rc<Ownership> {
        let whose = (place.membership, place.partition);
        let mut all = self.ownerships.borrow_mut();
        all.retain(|(membership, _), _| membership.stint >= place.membership.stint);
        let fenced = !self.books.has(Defect::SingleWriterUnfenced);
        let generation = i64::from(place.membership.generation.0);
        all.entry(whose).or_insert_with(|| Rc::new(Ownership::new(generation, fenced))).clone()
    }

    /// The database knows of a later owner; the group will say so too, and nothing can be done before.
    async fn wait_until_left_behind(&self, place: Place) {
        while self.seat.is_at_work(place.membership) {
            self.env.sleep(self.books.plan.knobs.resend.duration()).await;
        }
    }
}
