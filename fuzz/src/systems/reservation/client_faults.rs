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
                Attempt::DoubleClick => FaultClass::DuplicateClick,
                Attempt::Retry => FaultClass::Retry,
                Attempt::First | Attempt::Poll => return,
            };
            tally.strike(class);
            if let Some(reservation) = reservation {
                sent_again.insert(*reservation, class);
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
