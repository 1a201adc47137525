//! `everyone-answered`: in the calm every guest is done with every wish, no step is left open, and no transaction
//! is older than a session may be silent.
//!
//! Example: guest 2 asks to book, the server's session ends with its transaction open, and nobody answers:
//! the wish is never settled.
//!
//! Broken by: a retry inside a REPEATABLE READ transaction, which reads the same old version for ever; a step
//! that nobody takes up after a crash; a transaction left open.

use super::books::SharedBooks;
use super::wording::ReservationName;
use crate::Monitor;
use rehearsal_env::{Stamp, Time, Violation};
use rehearsal_model::reservation::facts::Fact;
use rehearsal_model::reservation::stay::Intent;
use std::collections::BTreeMap;

const NAME: &str = "everyone-answered";

/// Remembers what is open.
#[derive(Debug)]
pub struct EveryoneAnswered {
    books: SharedBooks,
    /// By wish: its guest, and the number of the fact that first asked.
    wishes: BTreeMap<Intent, (i64, u64)>,
    /// How many transactions are too old, and the number of the fact that says so.
    old_transactions: (u64, u64),
}

impl EveryoneAnswered {
    /// Judges by these books.
    pub fn new(books: SharedBooks) -> EveryoneAnswered {
        EveryoneAnswered { books, wishes: BTreeMap::new(), old_transactions: (0, 0) }
    }
}

impl Monitor<Fact> for EveryoneAnswered {
    fn name(&self) -> &'static str {
        NAME
    }

    fn witness(&mut self, stamp: &Stamp, fact: &Fact) -> Result<(), Violation> {
        match *fact {
            Fact::Asked { intent, guest, .. } => {
                self.wishes.entry(intent).or_insert((guest, stamp.number));
            }
            Fact::Settled { intent, .. } => {
                self.wishes.remove(&intent);
            }
            Fact::OldTransactions { count } => self.old_transactions = (count, stamp.number),
            // They died with the database; it says so again if there are new ones.
            Fact::Recovered { .. } => self.old_transactions = (0, stamp.number),
            _ => {}
        }
        Ok(())
    }

    fn conclude(&self, _end: Time) -> Result<(), Violation> {
        if let Some((intent, (guest, asked))) = self.wishes.first_key_value() {
            let message = format!("guest {guest} still waits for an answer to wish {}", intent.0);
            return Err(Violation::new(NAME, message, [*asked]));
        }
        if let Some((id, kind, number)) = self.books.borrow().steps().next() {
            let message = format!("the step {kind:?} of {} is still open", ReservationName(id));
            return Err(Violation::new(NAME, message, [number]));
        }
        match self.old_transactions {
            (0, _) => Ok(()),
            (count, number) => {
                let message =
                    format!("{count} transactions are open for longer than a session may be silent");
                Err(Violation::new(NAME, message, [number]))
            }
        }
    }
}
