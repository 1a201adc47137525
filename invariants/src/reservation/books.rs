//! The books: what the database holds, kept along from the facts of its commits.
//!
//! Every invariant about durable state reads them. They are witness to each fact before all others are, and are
//! the one place that knows a repeat: after a restart the database reports the end of its log again, and
//! what is reported twice has happened once.
//!
//! ```text
//!  commit 7: Booked, InventorySet, InventorySet, Committed{7}    the books take it
//!  crash, restart
//!  commit 7: Booked, InventorySet, InventorySet, Committed{7}    a repeat: nobody takes it
//!  commit 8: Paid, Committed{8}                                  found in the log, new to everybody
//!  Recovered{8}
//! ```

use super::commit_at_hand::{CommitAtHand, ReservationChange};
use super::rate_history::RateHistory;
use crate::Monitor;
use rehearsal_env::{Stamp, Time, Violation};
use rehearsal_model::database::LogPosition;
use rehearsal_model::reservation::facts::Fact;
use rehearsal_model::reservation::stay::{Night, Order, OrderState, ReservationId, Status, StepKind};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

/// The books as the invariants share them.
pub type SharedBooks = Rc<RefCell<Books>>;

/// A night as the books have it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct NightBook {
    /// Rooms there are.
    pub total_inventory: i64,
    /// Rooms taken, by the column.
    pub total_reserved: i64,
    /// Rooms taken, summed over the live reservations that cover the night.
    pub live_rooms: i64,
    /// The numbers of the last fact of the row and of the one before it.
    pub rows: [Option<u64>; 2],
}

/// An order as the books have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OrderBook {
    /// The order.
    pub order: Order,
    /// Whether it can still be booked.
    pub state: OrderState,
    /// The number of the fact that placed it.
    pub placed: u64,
}

/// A reservation as the books have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ReservationBook {
    /// Its id, guest, stay and price.
    pub order: Order,
    /// The status.
    pub status: Status,
    /// When its making was reported.
    pub made_at: Time,
    /// The number of the fact that made it.
    pub made: u64,
    /// The number of the fact that paid it.
    pub paid: Option<u64>,
    /// The number of the last fact about it.
    pub changed: u64,
    /// Place in the log of that fact.
    pub position: LogPosition,
}

/// A charge that was not given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Charge {
    /// In cents.
    pub amount: i64,
    /// The number of the fact.
    pub number: u64,
}

/// What the provider took and gave back for one reservation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Account {
    /// The charges that stand, oldest first.
    pub standing: Vec<Charge>,
    /// What was given back beyond them, in cents.
    pub overdrawn: i64,
}

/// The books. They never object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Books {
    nights: BTreeMap<Night, NightBook>,
    rates: RateHistory,
    orders: BTreeMap<ReservationId, OrderBook>,
    reservations: BTreeMap<ReservationId, ReservationBook>,
    steps: BTreeMap<ReservationId, (StepKind, u64)>,
    accounts: BTreeMap<ReservationId, Account>,
    commit: CommitAtHand,
    /// The newest complete commit, and the number of the fact that completed it.
    complete: (LogPosition, u64),
    repeat: bool,
}

impl Books {
    /// Empty books, to be shared.
    pub fn shared() -> SharedBooks {
        Rc::default()
    }

    /// Whether the fact at hand belongs to a commit that was reported before, so that it says nothing new.
    pub fn is_repeat(&self) -> bool {
        self.repeat
    }

    /// The newest commit that was reported, and the number of its `Committed`.
    pub fn newest(&self) -> (LogPosition, u64) {
        self.complete
    }

    /// The commit at hand; complete when its `Committed` is the fact at hand.
    pub fn commit(&self) -> &CommitAtHand {
        &self.commit
    }

    /// A night, if its row was made or a reservation covers it.
    pub fn night(&self, night: &Night) -> Option<&NightBook> {
        self.nights.get(night)
    }

    /// The rates.
    pub fn rates(&self) -> &RateHistory {
        &self.rates
    }

    /// An order.
    pub fn order(&self, id: ReservationId) -> Option<&OrderBook> {
        self.orders.get(&id)
    }

    /// A reservation.
    pub fn reservation(&self, id: ReservationId) -> Option<&ReservationBook> {
        self.reservations.get(&id)
    }

    /// Whether a reservation of this id holds its nights.
    pub fn is_live(&self, id: ReservationId) -> bool {
        self.reservation(id).is_some_and(|reservation| reservation.status.is_live())
    }

    /// Every reservation, by id.
    pub fn reservations(&self) -> impl Iterator<Item = &ReservationBook> {
        self.reservations.values()
    }

    /// The steps that are open, by id, each with the number of its fact.
    pub fn steps(&self) -> impl Iterator<Item = (ReservationId, StepKind, u64)> {
        self.steps.iter().map(|(id, (kind, number))| (*id, *kind, *number))
    }

    /// The charges that stand for an id.
    pub fn standing(&self, id: ReservationId) -> &[Charge] {
        self.account(id).map_or(&[], |account| &account.standing)
    }

    /// What the provider took and gave back for an id, if that is not even.
    pub fn account(&self, id: ReservationId) -> Option<&Account> {
        self.accounts.get(&id)
    }

    /// Every account that is not even, by id.
    pub fn accounts(&self) -> impl Iterator<Item = (ReservationId, &Account)> {
        self.accounts.iter().map(|(id, account)| (*id, account))
    }

    /// The numbers of the facts that made the live reservations which cover a night. Looks at all of them: for
    /// evidence only.
    pub fn live_facts(&self, night: Night) -> impl Iterator<Item = u64> {
        self.reservations
            .values()
            .filter(move |reservation| reservation.status.is_live() && covers(&reservation.order, night))
            .map(|reservation| reservation.made)
    }

    /// Takes note of a fact of the commit at this position; false when it is a repeat.
    fn enter(&mut self, position: LogPosition) -> bool {
        self.repeat = position <= self.complete.0;
        if !self.repeat {
            self.commit.enter(position);
        }
        !self.repeat
    }

    fn set_inventory(&mut self, night: Night, total: i64, reserved: [i64; 2], number: u64) {
        let book = self.nights.entry(night).or_default();
        book.total_inventory = total;
        book.total_reserved = reserved[1];
        book.rows = [Some(number), book.rows[0]];
        self.commit.column_rose(night, reserved[1] - reserved[0]);
    }

    fn hold(&mut self, order: &Order, rooms: i64) {
        for night in order.stay.nights() {
            self.nights.entry(night).or_default().live_rooms += rooms;
            self.commit.live_rose(night, rooms);
        }
    }

    fn make(&mut self, stamp: &Stamp, position: LogPosition, order: &Order) {
        let book = ReservationBook {
            order: *order,
            status: Status::Pending,
            made_at: stamp.time,
            made: stamp.number,
            paid: None,
            changed: stamp.number,
            position,
        };
        let before = self.reservations.insert(order.id, book);
        self.hold(order, order.stay.rooms);
        self.commit.reservation_changed(ReservationChange {
            reservation: order.id,
            from: None,
            to: Some(Status::Pending),
            number: stamp.number,
            made_before: before.map(|before| before.made),
        });
    }

    fn change(&mut self, stamp: &Stamp, id: ReservationId, from: Option<Status>, to: Option<Status>) {
        let number = stamp.number;
        let change = ReservationChange { reservation: id, from, to, number, made_before: None };
        self.commit.reservation_changed(change);
        let Some(book) = self.reservations.get_mut(&id) else { return };
        let was_live = book.status.is_live();
        let order = book.order;
        book.changed = number;
        book.position = self.commit.position();
        match to {
            None => {
                self.reservations.remove(&id);
            }
            Some(status) => {
                book.status = status;
                book.paid = if status == Status::Paid { Some(number) } else { book.paid };
            }
        }
        match (was_live, to.is_some_and(Status::is_live)) {
            (true, false) => self.hold(&order, -order.stay.rooms),
            (false, true) => self.hold(&order, order.stay.rooms),
            _ => {}
        }
    }

    fn return_money(&mut self, id: ReservationId, amount: i64) {
        let account = self.accounts.entry(id).or_default();
        match account.standing.iter().position(|charge| charge.amount == amount) {
            Some(place) => {
                account.standing.remove(place);
            }
            None => account.overdrawn += amount,
        }
        if *account == Account::default() {
            self.accounts.remove(&id);
        }
    }

    fn close(&mut self, number: u64) {
        let nights = &self.nights;
        self.commit.close(|change| {
            let book = nights[&change.night];
            change.total_inventory = book.total_inventory;
            change.total_reserved = book.total_reserved;
            change.live_rooms = book.live_rooms;
            change.rows = book.rows;
        });
        self.complete = (self.commit.position(), number);
    }

    fn take(&mut self, stamp: &Stamp, fact: &Fact) {
        match *fact {
            Fact::InventorySet { night, total_inventory, reserved_before, total_reserved, .. } => {
                self.set_inventory(night, total_inventory, [reserved_before, total_reserved], stamp.number);
            }
            Fact::RateSet { position, night, price } => self.rates.set(position, night, price, stamp.number),
            Fact::OrderPlaced { order, .. } => {
                let book = OrderBook { order, state: OrderState::Open, placed: stamp.number };
                self.orders.entry(order.id).or_insert(book);
            }
            Fact::OrderDecided { reservation, state, .. } => {
                if let Some(book) = self.orders.get_mut(&reservation) {
                    book.state = state;
                }
            }
            Fact::Booked { position, ref order } => self.make(stamp, position, order),
            Fact::Paid { reservation, from, .. } => {
                self.change(stamp, reservation, Some(from), Some(Status::Paid));
            }
            Fact::Rejected { reservation, from, .. } => {
                self.change(stamp, reservation, Some(from), Some(Status::Rejected));
            }
            Fact::Canceled { reservation, from, .. } => {
                self.change(stamp, reservation, Some(from), Some(Status::Canceled));
            }
            Fact::Refunded { reservation, from, .. } => {
                self.change(stamp, reservation, Some(from), Some(Status::Refunded));
            }
            Fact::Reopened { reservation, from, .. } => {
                self.change(stamp, reservation, Some(from), Some(Status::Pending));
            }
            Fact::Removed { reservation, .. } => {
                let from = self.reservation(reservation).map(|book| book.status);
                self.change(stamp, reservation, from, None);
            }
            Fact::StepSet { reservation, step: Some(kind), .. } => {
                self.steps.insert(reservation, (kind, stamp.number));
            }
            Fact::StepSet { reservation, step: None, .. } => {
                self.steps.remove(&reservation);
            }
            Fact::Committed { .. } => self.close(stamp.number),
            Fact::Charged { reservation, amount } => {
                let charge = Charge { amount, number: stamp.number };
                self.accounts.entry(reservation).or_default().standing.push(charge);
            }
            Fact::MoneyReturned { reservation, amount } => self.return_money(reservation, amount),
            _ => {}
        }
    }
}

fn covers(order: &Order, night: Night) -> bool {
    order.stay.room_type == night.room_type && (order.stay.start..order.stay.end).contains(&night.date)
}

/// The place in the log of a fact of a commit; `None` for every other fact.
pub fn position_of(fact: &Fact) -> Option<LogPosition> {
    match *fact {
        Fact::InventorySet { position, .. }
        | Fact::RateSet { position, .. }
        | Fact::OrderPlaced { position, .. }
        | Fact::OrderDecided { position, .. }
        | Fact::Booked { position, .. }
        | Fact::Paid { position, .. }
        | Fact::Rejected { position, .. }
        | Fact::Canceled { position, .. }
        | Fact::Refunded { position, .. }
        | Fact::Reopened { position, .. }
        | Fact::Removed { position, .. }
        | Fact::StepSet { position, .. }
        | Fact::OwnerSet { position, .. }
        | Fact::Committed { position } => Some(position),
        _ => None,
    }
}

impl Monitor<Fact> for SharedBooks {
    fn name(&self) -> &'static str {
        "books"
    }

    fn witness(&mut self, stamp: &Stamp, fact: &Fact) -> Result<(), Violation> {
        let mut books = self.borrow_mut();
        books.repeat = false;
        if position_of(fact).is_none_or(|position| books.enter(position)) {
            books.take(stamp, fact);
        }
        Ok(())
    }
}
