//! What a campaign on the counter must have reached.

use crate::MarkerWatch;
use rehearsal_env::{Marker, Stamp};
use rehearsal_model::counter::facts::CounterFact;
use rehearsal_model::counter::messages::Request;
use std::collections::BTreeMap;

const ABSORBED: Marker = Marker("duplicate-absorbed");
const RETRY_ANSWERED: Marker = Marker("retry-answered");
const RECOVERED: Marker = Marker("recovered-after-a-crash");
const TORN_TAIL: Marker = Marker("torn-tail-cut");
const COUNTED_AT_LAST: Marker = Marker("lost-add-counted-again");

/// All of them.
pub const MARKERS: &[Marker] = &[ABSORBED, RETRY_ANSWERED, RECOVERED, TORN_TAIL, COUNTED_AT_LAST];

/// Sees them in the facts.
#[derive(Debug, Default)]
pub struct CounterMarkers {
    recoveries: u32,
    /// How often the server had recovered when a request was first asked.
    asked: BTreeMap<Request, u32>,
}

impl MarkerWatch<CounterFact> for CounterMarkers {
    fn witness(&mut self, _stamp: &Stamp, fact: &CounterFact, reached: &mut dyn FnMut(Marker)) {
        match fact {
            CounterFact::Asked { request, attempt: 0, .. } => {
                self.asked.insert(*request, self.recoveries);
            }
            CounterFact::Asked { .. } => {}
            CounterFact::Absorbed { .. } => reached(ABSORBED),
            CounterFact::Acknowledged { retries, .. } if *retries > 0 => reached(RETRY_ANSWERED),
            CounterFact::Acknowledged { .. } => {}
            CounterFact::Counted(entry) => {
                if self.asked.get(&entry.request).is_some_and(|before| (1..self.recoveries).contains(before))
                {
                    reached(COUNTED_AT_LAST);
                }
            }
            CounterFact::Recovered { entries, cut } => {
                self.recoveries += 1;
                if !entries.is_empty() {
                    reached(RECOVERED);
                }
                if *cut > 0 {
                    reached(TORN_TAIL);
                }
            }
        }
    }
}
