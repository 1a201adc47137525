//! `legal-status`: a reservation's status changes as this table says and in no other way, and in the calm the
//! charges that stand are those of the last column.
//!
//! | from → to | when | charges standing in the calm |
//! |---|---|---|
//! | – → pending | with its nights | |
//! | pending → paid | the provider charged, and the payment service heard so | one |
//! | pending → rejected | refused, or the hold ran out | none |
//! | pending → canceled | canceled before paid | none |
//! | paid → canceled | canceled | none, by way of refunded |
//! | canceled → refunded | where it had been paid | none |
//!
//! Example: the sweeper rejects reservation 4, and then the payment service, which does not look again, makes it
//! paid: rejected → paid is not in the table.
//!
//! Broken by: a status written without comparing the one before; `paid` written when the charge timed out.

use super::books::{Books, SharedBooks};
use super::commit_at_hand::ReservationChange;
use super::wording::ReservationName;
use crate::Monitor;
use rehearsal_env::{Stamp, Time, Violation};
use rehearsal_model::reservation::facts::Fact;
use rehearsal_model::reservation::stay::{ReservationId, Status};
use std::collections::BTreeMap;

const NAME: &str = "legal-status";

/// What is known of the charge of a reservation that is not paid yet: the numbers of the facts.
#[derive(Clone, Copy, Debug, Default)]
struct Confirmation {
    charged: Option<u64>,
    confirmed: Option<u64>,
}

/// Looks at every change of a status.
#[derive(Debug)]
pub struct LegalStatus {
    books: SharedBooks,
    confirmations: BTreeMap<ReservationId, Confirmation>,
}

impl LegalStatus {
    /// Judges by these books.
    pub fn new(books: SharedBooks) -> LegalStatus {
        LegalStatus { books, confirmations: BTreeMap::new() }
    }

    fn judge(&self, books: &Books, change: &ReservationChange) -> Result<(), String> {
        let name = ReservationName(change.reservation);
        match (change.from, change.to) {
            (Some(Status::Pending), Some(Status::Paid)) => {
                let known = self.confirmations.get(&change.reservation).copied().unwrap_or_default();
                match known {
                    Confirmation { charged: None, .. } => {
                        Err(format!("{name} is paid, and the provider has charged nothing"))
                    }
                    Confirmation { confirmed: None, .. } => {
                        Err(format!("{name} is paid before the payment service heard of the charge"))
                    }
                    _ => Ok(()),
                }
            }
            (Some(Status::Canceled), Some(Status::Refunded)) => {
                let paid = books.reservation(change.reservation).is_some_and(|book| book.paid.is_some());
                if paid { Ok(()) } else { Err(format!("{name} is refunded, and was never paid")) }
            }
            (None, Some(Status::Pending))
            | (Some(Status::Pending), Some(Status::Rejected | Status::Canceled))
            | (Some(Status::Paid), Some(Status::Canceled)) => Ok(()),
            (Some(from), Some(to)) => Err(format!("{name} goes from {from:?} to {to:?}")),
            (_, None) => Err(format!("{name} is removed")),
            (None, Some(to)) => Err(format!("{name} is made {to:?}")),
        }
    }

    fn judge_commit(&mut self, stamp: &Stamp) -> Result<(), Violation> {
        let books = self.books.borrow();
        if books.is_repeat() {
            return Ok(());
        }
        for change in books.commit().reservations() {
            if let Err(message) = self.judge(&books, change) {
                let before = books.reservation(change.reservation).into_iter();
                let facts = before.flat_map(|book| [Some(book.made), book.paid]).flatten();
                let facts = facts.chain([change.number, stamp.number]);
                return Err(Violation::new(NAME, message, facts));
            }
        }
        for change in books.commit().reservations() {
            if change.to != Some(Status::Pending) {
                self.confirmations.remove(&change.reservation);
            }
        }
        Ok(())
    }
}

impl Monitor<Fact> for LegalStatus {
    fn name(&self) -> &'static str {
        NAME
    }

    fn witness(&mut self, stamp: &Stamp, fact: &Fact) -> Result<(), Violation> {
        match fact {
            Fact::Charged { reservation, .. } => {
                self.confirmations.entry(*reservation).or_default().charged = Some(stamp.number);
            }
            Fact::ChargeConfirmed { reservation } => {
                self.confirmations.entry(*reservation).or_default().confirmed = Some(stamp.number);
            }
            Fact::Committed { .. } => return self.judge_commit(stamp),
            _ => {}
        }
        Ok(())
    }

    fn conclude(&self, _end: Time) -> Result<(), Violation> {
        let books = self.books.borrow();
        for book in books.reservations() {
            let due = match book.status {
                // What is still pending is judged by holds-end.
                Status::Pending => continue,
                Status::Paid => 1,
                Status::Rejected | Status::Canceled | Status::Refunded => 0,
            };
            let standing = books.standing(book.order.id);
            if standing.len() != due {
                let message = format!(
                    "{} rests at {:?} with {} charges standing, not {due}",
                    ReservationName(book.order.id),
                    book.status,
                    standing.len()
                );
                let charges = standing.iter().map(|charge| charge.number);
                return Err(Violation::new(NAME, message, charges.chain([book.changed])));
            }
        }
        Ok(())
    }
}
