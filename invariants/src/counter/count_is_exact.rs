//! `count-is-exact`: every request is counted at most once, each total is the one before plus the amount, and
//! clients are told the total that their request was counted with.
//!
//! Broken by: the answer to request 4 is lost, the client asks again, and the server adds its amount a second time.

use crate::Monitor;
use rehearsal_env::{Stamp, Violation};
use rehearsal_model::counter::entry::Entry;
use rehearsal_model::counter::facts::CounterFact;
use rehearsal_model::counter::messages::{Added, Request};
use std::collections::BTreeMap;

/// Counts along.
#[derive(Debug, Default)]
pub struct CountIsExact {
    total: u64,
    /// The total that each request was counted with, and the number of the fact that says so.
    counted: BTreeMap<Request, (u64, u64)>,
}

impl CountIsExact {
    fn count(&mut self, stamp: &Stamp, entry: &Entry) -> Result<(), Violation> {
        if let Some((_, before)) = self.counted.insert(entry.request, (entry.total, stamp.number)) {
            let message = format!("{:?} is counted twice", entry.request);
            return Err(Violation::new(self.name(), message, [before, stamp.number]));
        }
        let expected = self.total + u64::from(entry.amount);
        if entry.total != expected {
            let Entry { request, amount, total } = entry;
            let message = format!("{request:?} adds {amount} to {} and makes it {total}", self.total);
            return Err(Violation::new(self.name(), message, [stamp.number]));
        }
        self.total = expected;
        Ok(())
    }

    fn told(&self, stamp: &Stamp, added: &Added) -> Result<(), Violation> {
        match self.counted.get(&added.request) {
            Some((total, counted)) if *total != added.total => {
                let Added { request, total: told } = added;
                let message =
                    format!("the answer to {request:?} says {told}, and it was counted with {total}");
                Err(Violation::new(self.name(), message, [*counted, stamp.number]))
            }
            // An answer to what is not counted is judged where it is lost: acknowledged-adds-survive.
            _ => Ok(()),
        }
    }
}

impl Monitor<CounterFact> for CountIsExact {
    fn name(&self) -> &'static str {
        "count-is-exact"
    }

    fn witness(&mut self, stamp: &Stamp, fact: &CounterFact) -> Result<(), Violation> {
        match fact {
            CounterFact::Counted(entry) => self.count(stamp, entry),
            CounterFact::Acknowledged { added, .. } => self.told(stamp, added),
            CounterFact::Recovered { entries, .. } => {
                *self = CountIsExact::default();
                entries.iter().try_for_each(|entry| self.count(stamp, entry))
            }
            CounterFact::Asked { .. } | CounterFact::Absorbed { .. } => Ok(()),
        }
    }
}
