//! `every-add-answered`: whatever was asked before the calm has its answer when the calm is over.
//!
//! Broken by: a server that does not come up again, or waits for something that never comes.

use crate::Monitor;
use rehearsal_env::{Stamp, Time, Violation};
use rehearsal_model::counter::facts::CounterFact;
use rehearsal_model::counter::messages::Request;
use std::collections::BTreeMap;

/// Remembers who waits. What is asked during the calm is not judged, since the run may end before the answer.
#[derive(Debug)]
pub struct EveryAddAnswered {
    calm_begins: Time,
    /// The number of the fact by which each open request was first asked.
    open: BTreeMap<Request, u64>,
}

impl EveryAddAnswered {
    /// For a run whose calm begins at this time.
    pub fn new(calm_begins: Time) -> EveryAddAnswered {
        EveryAddAnswered { calm_begins, open: BTreeMap::new() }
    }
}

impl Monitor<CounterFact> for EveryAddAnswered {
    fn name(&self) -> &'static str {
        "every-add-answered"
    }

    fn witness(&mut self, stamp: &Stamp, fact: &CounterFact) -> Result<(), Violation> {
        match fact {
            CounterFact::Asked { request, attempt: 0, .. } if stamp.time < self.calm_begins => {
                self.open.insert(*request, stamp.number);
            }
            CounterFact::Acknowledged { added, .. } => {
                self.open.remove(&added.request);
            }
            _ => {}
        }
        Ok(())
    }

    fn conclude(&self, end: Time) -> Result<(), Violation> {
        let Some((request, _)) = self.open.first_key_value() else { return Ok(()) };
        let message = format!("{request:?} has no answer at {end}; {} in all have none", self.open.len());
        Err(Violation::new(self.name(), message, self.open.values().copied()))
    }
}
