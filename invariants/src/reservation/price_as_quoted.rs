//! `price-as-quoted`: an order's price is its rooms times the sum of its nights' rates, as they stood together at
//! some moment a little before it was placed; its guest is told that price, its reservation carries it, and
//! that is what the provider charges. A later change of a rate touches no order.
//!
//! Example: night 5 costs 100, then 120. An order for it of 100 is right, whether the change came just before its
//! commit or after. A charge of 120 for that order is not.
//!
//! Broken by: the price read again at the charge; a quote put together from rates that never stood together.

use super::books::SharedBooks;
use super::rate_history::CHANGES_BACK;
use super::wording::ReservationName;
use crate::Monitor;
use rehearsal_env::{Stamp, Violation};
use rehearsal_model::reservation::facts::{Answer, Fact};
use rehearsal_model::reservation::stay::{Order, ReservationId};
use std::collections::BTreeMap;

const NAME: &str = "price-as-quoted";

/// Compares every price with the order's, and the order's with the rates.
#[derive(Debug)]
pub struct PriceAsQuoted {
    books: SharedBooks,
    /// What was charged or told for orders that are not durable yet: the price and the fact's number. A charge
    /// for what never becomes an order is for charged-once to judge.
    early: BTreeMap<ReservationId, Vec<(i64, u64)>>,
}

impl PriceAsQuoted {
    /// Judges by these books.
    pub fn new(books: SharedBooks) -> PriceAsQuoted {
        PriceAsQuoted { books, early: BTreeMap::new() }
    }

    fn judge_order(&mut self, stamp: &Stamp, order: &Order) -> Result<(), Violation> {
        let books = self.books.borrow();
        if books.is_repeat() {
            return Ok(());
        }
        if !books.rates().was_price(&order.stay, order.price) {
            let message = format!(
                "{} is ordered for {}; its nights cost {:?} now and at none of the last {CHANGES_BACK} changes that",
                ReservationName(order.id),
                order.price,
                books.rates().price_now(&order.stay),
            );
            let facts = books.rates().facts(&order.stay).into_iter();
            return Err(Violation::new(NAME, message, facts.chain([stamp.number])));
        }
        drop(books);
        for (price, number) in self.early.remove(&order.id).into_iter().flatten() {
            self.judge_price(number, order.id, price)?;
        }
        Ok(())
    }

    /// Judges a price that the fact of this number names for an order.
    fn judge_price(&mut self, number: u64, id: ReservationId, price: i64) -> Result<(), Violation> {
        let books = self.books.borrow();
        match books.order(id) {
            Some(book) if book.order.price != price => {
                let message =
                    format!("{}, ordered for {}, costs {price} now", ReservationName(id), book.order.price);
                Err(Violation::new(NAME, message, [book.placed, number]))
            }
            Some(_) => Ok(()),
            None => {
                self.early.entry(id).or_default().push((price, number));
                Ok(())
            }
        }
    }
}

impl Monitor<Fact> for PriceAsQuoted {
    fn name(&self) -> &'static str {
        NAME
    }

    fn witness(&mut self, stamp: &Stamp, fact: &Fact) -> Result<(), Violation> {
        match fact {
            Fact::OrderPlaced { order, .. } => self.judge_order(stamp, order),
            Fact::Booked { order, .. } => {
                if self.books.borrow().is_repeat() {
                    return Ok(());
                }
                self.judge_price(stamp.number, order.id, order.price)
            }
            Fact::Told { answer: Answer::Ordered(id, price), .. } => {
                self.judge_price(stamp.number, *id, *price)
            }
            Fact::Charged { reservation, amount } => self.judge_price(stamp.number, *reservation, *amount),
            _ => Ok(()),
        }
    }
}
