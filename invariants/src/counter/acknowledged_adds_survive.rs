//! `acknowledged-adds-survive`: what a client was told is counted is there after every crash.
//!
//! Broken by: client-0 is told that request 4 is counted; the server crashes; what it finds in its file afterwards
//! has no request 4.

use crate::Monitor;
use rehearsal_env::{Stamp, Violation};
use rehearsal_model::counter::facts::CounterFact;
use rehearsal_model::counter::messages::Request;
use std::collections::{BTreeMap, BTreeSet};

/// Remembers every answer, and looks for it in what each recovery finds.
#[derive(Debug, Default)]
pub struct AcknowledgedAddsSurvive {
    /// The number of the fact by which a client was told.
    told: BTreeMap<Request, u64>,
}

impl Monitor<CounterFact> for AcknowledgedAddsSurvive {
    fn name(&self) -> &'static str {
        "acknowledged-adds-survive"
    }

    fn witness(&mut self, stamp: &Stamp, fact: &CounterFact) -> Result<(), Violation> {
        match fact {
            CounterFact::Acknowledged { added, .. } => {
                self.told.insert(added.request, stamp.number);
            }
            CounterFact::Recovered { entries, .. } => {
                let found: BTreeSet<Request> = entries.iter().map(|entry| entry.request).collect();
                let lost = self.told.iter().find(|(request, _)| !found.contains(request));
                if let Some((request, told)) = lost {
                    let message = format!("{request:?} was acknowledged, and the server's file has lost it");
                    return Err(Violation::new(self.name(), message, [*told, stamp.number]));
                }
            }
            _ => {}
        }
        Ok(())
    }
}
