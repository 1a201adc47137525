//! `sold-out-is-true`: nobody is told "sold out" while the rooms were there. From the first time that booking an
//! order was asked until the guest is told, there was a moment at which some night of the stay had fewer rooms
//! left below the limit than were asked for. Whoever is told so of an asked order asked for a night that was not on
//! the calendar.
//!
//! Example: 10 rooms, 10 percent, 10 taken. A guest who asks for one room and is told "sold out" was told wrongly,
//! for the limit is 11; unless the eleventh was taken for a while and given back.
//!
//! Broken by: a constraint without overbooking; an optimistic server that gives up as "sold out", not "busy".

use super::books::{Books, SharedBooks};
use super::rules::Rules;
use super::wording::ReservationName;
use crate::Monitor;
use rehearsal_env::{Stamp, Violation};
use rehearsal_model::reservation::facts::{Answer, Fact, Operation};
use rehearsal_model::reservation::stay::{Intent, Night, ReservationId, Stay};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

const NAME: &str = "sold-out-is-true";

type Wanted = (Intent, ReservationId);

/// A booking that was asked for.
#[derive(Clone, Copy, Debug)]
struct Booking {
    stay: Stay,
    /// The number of the fact that first asked.
    asked: u64,
    /// Whether a night was scarce at some moment since.
    scarce: bool,
}

/// An order that was asked for.
#[derive(Clone, Copy, Debug)]
struct AskedOrder {
    /// The number of the fact that first asked.
    asked: u64,
    /// Whether all its nights were on the calendar then; what is on it stays there.
    for_sale: bool,
}

/// Watches the nights of those bookings that were never short of rooms so far.
#[derive(Debug)]
pub struct SoldOutIsTrue {
    books: SharedBooks,
    rules: Rules,
    orders: BTreeMap<Intent, AskedOrder>,
    bookings: BTreeMap<Wanted, Booking>,
    /// Per night, whoever wants most rooms first: it is the first to find them too few.
    watched: BTreeSet<(Night, Reverse<i64>, Wanted)>,
}

impl SoldOutIsTrue {
    /// Judges by the limit of these rules.
    pub fn new(books: SharedBooks, rules: Rules) -> SoldOutIsTrue {
        let (orders, bookings, watched) = (BTreeMap::new(), BTreeMap::new(), BTreeSet::new());
        SoldOutIsTrue { books, rules, orders, bookings, watched }
    }

    fn rooms_left(&self, books: &Books, night: Night) -> i64 {
        let book = books.night(&night).copied().unwrap_or_default();
        self.rules.limit(book.total_inventory) - book.total_reserved
    }

    fn ask(&mut self, stamp: &Stamp, wanted: Wanted, wish: &Stay) {
        if self.bookings.contains_key(&wanted) {
            return;
        }
        let books = self.books.borrow();
        let stay = books.order(wanted.1).map_or(*wish, |book| book.order.stay);
        let scarce = stay.nights().any(|night| self.rooms_left(&books, night) < stay.rooms);
        self.bookings.insert(wanted, Booking { stay, asked: stamp.number, scarce });
        if !scarce {
            self.watched.extend(stay.nights().map(|night| (night, Reverse(stay.rooms), wanted)));
        }
    }

    fn ask_order(&mut self, stamp: &Stamp, intent: Intent, stay: &Stay) {
        let books = self.books.borrow();
        self.orders.entry(intent).or_insert_with(|| AskedOrder {
            asked: stamp.number,
            for_sale: stay.nights().all(|night| books.night(&night).is_some()),
        });
    }

    /// A night changed: bookings that are short of rooms now need not be watched any more.
    fn change(&mut self, night: Night, rooms_left: i64) {
        let greatest = (night, Reverse(i64::MAX), (Intent(0), ReservationId(i64::MIN)));
        while let Some((_, Reverse(rooms), wanted)) =
            self.watched.range(greatest..).next().copied().filter(|(other, ..)| *other == night)
            && rooms > rooms_left
        {
            let booking = self.bookings.get_mut(&wanted).expect("what is watched is wanted");
            booking.scarce = true;
            unwatch(&mut self.watched, wanted, &booking.stay);
        }
    }

    fn forget(&mut self, wanted: Wanted) {
        if let Some(booking) = self.bookings.remove(&wanted)
            && !booking.scarce
        {
            unwatch(&mut self.watched, wanted, &booking.stay);
        }
    }

    fn settle(&mut self, intent: Intent) {
        self.orders.remove(&intent);
        let of_intent = (intent, ReservationId(i64::MIN))..=(intent, ReservationId(i64::MAX));
        while let Some((wanted, _)) = self.bookings.range(of_intent.clone()).next() {
            self.forget(*wanted);
        }
    }

    fn judge(&self, stamp: &Stamp, wanted: Wanted) -> Result<(), Violation> {
        match self.bookings.get(&wanted) {
            Some(booking) if !booking.scarce => {
                let message = format!(
                    "a guest is told that {} is sold out, and since it was asked for, {} rooms were left of every night",
                    ReservationName(wanted.1),
                    booking.stay.rooms,
                );
                let books = self.books.borrow();
                let rows = booking.stay.nights().filter_map(|night| books.night(&night)?.rows[0]);
                Err(Violation::new(NAME, message, rows.chain([booking.asked, stamp.number])))
            }
            _ => Ok(()),
        }
    }

    fn judge_order(&self, stamp: &Stamp, intent: Intent, stay: &Stay) -> Result<(), Violation> {
        match self.orders.get(&intent) {
            Some(order) if order.for_sale => {
                let message = "a guest is told that a night is not for sale, and all are on the calendar";
                let books = self.books.borrow();
                let rows = stay.nights().filter_map(|night| books.night(&night)?.rows[0]);
                Err(Violation::new(NAME, message, rows.chain([order.asked, stamp.number])))
            }
            _ => Ok(()),
        }
    }
}

fn unwatch(watched: &mut BTreeSet<(Night, Reverse<i64>, Wanted)>, wanted: Wanted, stay: &Stay) {
    for night in stay.nights() {
        watched.remove(&(night, Reverse(stay.rooms), wanted));
    }
}

impl Monitor<Fact> for SoldOutIsTrue {
    fn name(&self) -> &'static str {
        NAME
    }

    fn witness(&mut self, stamp: &Stamp, fact: &Fact) -> Result<(), Violation> {
        match fact {
            Fact::Asked { intent, reservation: Some(id), operation: Operation::Book, stay, .. } => {
                self.ask(stamp, (*intent, *id), stay);
            }
            Fact::Asked { intent, operation: Operation::Order, stay, .. } => {
                self.ask_order(stamp, *intent, stay);
            }
            Fact::InventorySet { night, total_inventory, total_reserved, .. }
                if !self.watched.is_empty() && !self.books.borrow().is_repeat() =>
            {
                self.change(*night, self.rules.limit(*total_inventory) - total_reserved);
            }
            Fact::Told { intent, operation: Operation::Order, answer: Answer::SoldOut, stay, .. } => {
                return self.judge_order(stamp, *intent, stay);
            }
            Fact::Told { intent, reservation: Some(id), answer: Answer::SoldOut, .. } => {
                return self.judge(stamp, (*intent, *id));
            }
            // A "sold out" after this contradicts it: that is for no-double-booking to judge.
            Fact::Told { intent, reservation: Some(id), answer: Answer::Booked, .. } => {
                self.forget((*intent, *id));
            }
            Fact::Settled { intent, .. } => self.settle(*intent),
            _ => {}
        }
        Ok(())
    }
}
