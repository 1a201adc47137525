//! A crowd: real bookings, played day by day. Within a day its bookings come one after the other, or all at once.

use super::facts::{Answer, Fact, Operation};
use super::guest::{Errand, Guest};
use super::plan::{Plan, Wish};
use super::stay::{Intent, Order};
use rehearsal_env::{Env, NodeId};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use tokio::sync::mpsc;

/// A booking of the crowd; its place in the list is its intent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CrowdBooking {
    /// What is wished for.
    pub wish: Wish,
    /// Whether it is canceled as soon as it is booked.
    pub canceled_at_once: bool,
    /// Whether it is canceled on a later day.
    pub canceled_later: bool,
}

/// A day: first the cancellations, then the bookings, by their places in the list of bookings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct CrowdDay {
    /// Bookings of earlier days that are canceled, if they were accepted.
    pub cancellations: Vec<usize>,
    /// Bookings that are made.
    pub bookings: Vec<usize>,
}

/// Everything that a crowd does.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Calendar {
    /// All bookings.
    pub bookings: Vec<CrowdBooking>,
    /// The days on which anything happens, in order.
    pub days: Vec<CrowdDay>,
    /// Whether each thing waits for the one before it.
    pub one_after_the_other: bool,
}

struct Crowd<E: Env> {
    env: E,
    guest: Guest<E>,
    calendar: Arc<Calendar>,
    /// The orders of bookings that were accepted and will be canceled later.
    kept: RefCell<BTreeMap<usize, Order>>,
}

/// Plays the calendar through; then the crowd is done.
pub async fn play<E: Env<Fact = Fact>>(
    env: E,
    plan: Arc<Plan>,
    servers: Vec<NodeId>,
    calendar: Arc<Calendar>,
) {
    let guest = Guest::new(&env, plan, servers, 0);
    let crowd = Rc::new(Crowd { env, guest, calendar: calendar.clone(), kept: RefCell::default() });
    for day in &calendar.days {
        crowd.each(&day.cancellations, Crowd::cancel).await;
        crowd.each(&day.bookings, Crowd::book).await;
    }
}

impl<E: Env<Fact = Fact>> Crowd<E> {
    /// Does `one` for each of the bookings, and waits for all.
    async fn each<F>(self: &Rc<Self>, bookings: &[usize], one: impl Fn(Rc<Self>, usize) -> F)
    where
        F: Future<Output = ()> + 'static,
    {
        if self.calendar.one_after_the_other {
            for &index in bookings {
                one(self.clone(), index).await;
            }
            return;
        }
        let (done, mut all_done) = mpsc::unbounded_channel::<()>();
        for &index in bookings {
            let (task, done) = (one(self.clone(), index), done.clone());
            self.env.spawn(async move {
                task.await;
                drop(done);
            });
        }
        drop(done);
        // The channel closes when the last one has dropped its end.
        while all_done.recv().await.is_some() {}
    }

    async fn book(self: Rc<Self>, index: usize) {
        let booking = self.calendar.bookings[index];
        let mut errand = Errand { intent: Intent(index as u64), wish: booking.wish, order: None };
        errand.order = self.guest.order(&errand).await;
        if errand.order.is_none() {
            return self.guest.settled(&errand);
        }
        let (answer, order) = self.guest.book(errand).await;
        if answer == Answer::Booked && booking.canceled_at_once {
            self.guest.insist(&errand, Operation::Cancel).await;
        } else if answer == Answer::Booked && booking.canceled_later {
            self.kept.borrow_mut().insert(index, order);
            return;
        } else if answer == Answer::Busy {
            self.guest.insist(&errand, Operation::Cancel).await;
        }
        self.guest.settled(&errand);
    }

    async fn cancel(self: Rc<Self>, index: usize) {
        // A refused booking has no later event.
        let Some(order) = self.kept.borrow_mut().remove(&index) else { return };
        let wish = self.calendar.bookings[index].wish;
        let errand = Errand { intent: Intent(index as u64), wish, order: Some(order) };
        self.guest.insist(&errand, Operation::Cancel).await;
        self.guest.settled(&errand);
    }
}
