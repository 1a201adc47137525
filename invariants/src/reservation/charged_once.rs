//! `charged-once`: at most one charge of a reservation stands at any time, it is of the order's price, and no more
//! is given back than was taken. A charge that stands makes nothing paid that was rejected or canceled: one of the
//! two wins. In the calm every charge that stands belongs to a paid reservation,
//! and every paid reservation has exactly one.
//!
//! Example: the charge of reservation 3 times out after it happened; the payment service asks again under another
//! key, and the provider charges a second time: two charges stand.
//!
//! Broken by: charged again on retry; cancel and charge both win; the provider's timeout read as a refusal; a
//! refund forgotten after a crash.

use super::books::{Books, SharedBooks};
use super::rules::Rules;
use super::wording::ReservationName;
use crate::Monitor;
use rehearsal_env::{Stamp, Time, Violation};
use rehearsal_model::reservation::facts::Fact;
use rehearsal_model::reservation::stay::{ReservationId, Status};

const NAME: &str = "charged-once";

/// Keeps the provider's accounts.
#[derive(Debug)]
pub struct ChargedOnce {
    books: SharedBooks,
    rules: Rules,
}

impl ChargedOnce {
    /// Judges by these books.
    pub fn new(books: SharedBooks, rules: Rules) -> ChargedOnce {
        ChargedOnce { books, rules }
    }

    fn charged(&self, stamp: &Stamp, id: ReservationId, amount: i64) -> Result<(), Violation> {
        let books = self.books.borrow();
        let standing = books.standing(id);
        let name = ReservationName(id);
        if standing.len() > 1 {
            let message = format!("{} charges stand for {name}", standing.len());
            return Err(Violation::new(NAME, message, standing.iter().map(|charge| charge.number)));
        }
        match books.order(id) {
            Some(book) if book.order.price != amount => {
                let message = format!("{name} is charged {amount} for an order of {}", book.order.price);
                Err(Violation::new(NAME, message, [book.placed, stamp.number]))
            }
            _ => Ok(()),
        }
    }

    fn returned(&self, stamp: &Stamp, id: ReservationId) -> Result<(), Violation> {
        let books = self.books.borrow();
        match books.account(id) {
            Some(account) if account.overdrawn > 0 => {
                let message =
                    format!("{} is given back {} that was not taken", ReservationName(id), account.overdrawn);
                let charges = account.standing.iter().map(|charge| charge.number);
                Err(Violation::new(NAME, message, charges.chain([stamp.number])))
            }
            _ => Ok(()),
        }
    }

    /// A commit that makes paid what had ended, because a charge stands.
    fn committed(&self, stamp: &Stamp) -> Result<(), Violation> {
        let books = self.books.borrow();
        if books.is_repeat() {
            return Ok(());
        }
        for change in books.commit().reservations() {
            let ended = change.from.is_some_and(|from| !from.is_live());
            let standing = books.standing(change.reservation);
            if ended && change.to == Some(Status::Paid) && !standing.is_empty() {
                let name = ReservationName(change.reservation);
                let message = format!("{name} ended, and then its charge won as well");
                let charges = standing.iter().map(|charge| charge.number);
                return Err(Violation::new(NAME, message, charges.chain([change.number, stamp.number])));
            }
        }
        Ok(())
    }

    /// A reservation may be pending for so long that its charge is still on its way.
    fn is_undecided(&self, books: &Books, id: ReservationId, end: Time) -> bool {
        books.reservation(id).is_some_and(|book| {
            book.status == Status::Pending && end.since(book.made_at) <= self.rules.hold + self.rules.round
        })
    }
}

impl Monitor<Fact> for ChargedOnce {
    fn name(&self) -> &'static str {
        NAME
    }

    fn witness(&mut self, stamp: &Stamp, fact: &Fact) -> Result<(), Violation> {
        match *fact {
            Fact::Charged { reservation, amount } => self.charged(stamp, reservation, amount),
            Fact::MoneyReturned { reservation, .. } => self.returned(stamp, reservation),
            Fact::Committed { .. } => self.committed(stamp),
            _ => Ok(()),
        }
    }

    fn conclude(&self, end: Time) -> Result<(), Violation> {
        let books = self.books.borrow();
        for (id, account) in books.accounts() {
            let book = books.reservation(id);
            let due = book.is_some_and(|book| book.status == Status::Paid);
            if !due && !account.standing.is_empty() && !self.is_undecided(&books, id, end) {
                let status = book.map_or("not there".to_owned(), |book| format!("{:?}", book.status));
                let message = format!("a charge stands for {}, which is {status}", ReservationName(id));
                let charges = account.standing.iter().map(|charge| charge.number);
                return Err(Violation::new(NAME, message, charges.chain(book.map(|book| book.changed))));
            }
        }
        for book in books.reservations().filter(|book| book.status == Status::Paid) {
            let standing = books.standing(book.order.id);
            if standing.len() != 1 {
                let name = ReservationName(book.order.id);
                let message = format!("{name} is paid, and {} charges stand for it", standing.len());
                let charges = standing.iter().map(|charge| charge.number);
                return Err(Violation::new(NAME, message, charges.chain([book.changed])));
            }
        }
        Ok(())
    }

    fn is_at_rest(&self, now: Time) -> bool {
        self.conclude(now + self.rules.hold + self.rules.round).is_ok()
    }
}
