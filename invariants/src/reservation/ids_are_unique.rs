//! `ids-are-unique`: no id is taken twice and no two orders are placed under one, over all servers, their lives,
//! and all steps of their clocks.
//!
//! Example: a server takes id 77, dies, comes up with its clock a second behind, and takes id 77 again.
//!
//! Broken by: an id made of the wall clock and the node.

use super::books::SharedBooks;
use super::wording::ReservationName;
use crate::Monitor;
use rehearsal_env::{Stamp, Violation};
use rehearsal_model::reservation::facts::Fact;
use rehearsal_model::reservation::stay::ReservationId;
use std::collections::BTreeMap;

/// Remembers every id, with the numbers of the facts that took it and that placed its order.
#[derive(Debug)]
pub struct IdsAreUnique {
    books: SharedBooks,
    taken: BTreeMap<ReservationId, u64>,
    placed: BTreeMap<ReservationId, u64>,
}

impl IdsAreUnique {
    /// Judges by these books.
    pub fn new(books: SharedBooks) -> IdsAreUnique {
        IdsAreUnique { books, taken: BTreeMap::new(), placed: BTreeMap::new() }
    }
}

impl Monitor<Fact> for IdsAreUnique {
    fn name(&self) -> &'static str {
        "ids-are-unique"
    }

    fn witness(&mut self, stamp: &Stamp, fact: &Fact) -> Result<(), Violation> {
        let (id, before) = match fact {
            Fact::IdTaken { id } => (*id, self.taken.insert(*id, stamp.number)),
            Fact::OrderPlaced { order, .. } if !self.books.borrow().is_repeat() => {
                (order.id, self.placed.insert(order.id, stamp.number))
            }
            _ => return Ok(()),
        };
        match before {
            Some(before) => {
                let message = format!("the id of {} is used a second time", ReservationName(id));
                Err(Violation::new(self.name(), message, [before, stamp.number]))
            }
            None => Ok(()),
        }
    }
}
