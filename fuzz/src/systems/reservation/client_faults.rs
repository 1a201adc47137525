//! The faults of guests: double clicks and retries, counted from facts.

use crate::jury::ClientFaults;
use rehearsal_model::reservation::facts::{Attempt, Fact};
use rehearsal_model::reservation::stay::ReservationId;
use rehearsal_sim::FaultClass;
use std::collections::BTreeMap;

/// Counts each when it is sent; it had an effect when a server found its order decided by an earlier copy.
pub(super) fn counter() -> ClientFaults<Fact> {
    let mut sent_again: BTreeMap<ReservationId, FaultClass> = BTreeMap::new();
    Box::new(move |fact, tally| match fact {
        Fact::Asked { attempt, reservation, .. } => {
            let class = match attempt {
                Attempt::DoubleClick => Some(FaultClass::DuplicateClick),
                Attempt::Retry => Some(FaultClass::Retry),
                Attempt::First => return,
                // From here on it may be this request, and no copy, that finds the order decided.
                Attempt::Poll => None,
            };
            if let Some(class) = class {
                tally.strike(class);
            }
            match (reservation, class) {
                (Some(reservation), Some(class)) => drop(sent_again.insert(*reservation, class)),
                (Some(reservation), None) => drop(sent_again.remove(reservation)),
                (None, _) => {}
            }
        }
        Fact::DuplicateAbsorbed { reservation } => {
            if let Some(class) = sent_again.remove(reservation) {
                tally.effect(class);
            }
        }
        Fact::Settled { reservation: Some(reservation), .. } => {
            sent_again.remove(reservation);
        }
        _ => {}
    })
}
