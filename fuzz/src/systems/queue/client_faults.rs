//! The faults of producers: batches sent once more, counted from facts.

use crate::jury::ClientFaults;
use rehearsal_model::queue::facts::Fact;
use rehearsal_model::queue::message::MessageId;
use rehearsal_model::queue::partition::Partition;
use rehearsal_sim::FaultClass;
use std::collections::BTreeSet;

/// Counts each when it is sent; it had an effect when a leader had the batch already, and knew it again or appended it
/// once more. A batch keeps its messages when it is sent again, so the first of them names it.
pub(super) fn counter() -> ClientFaults<Fact> {
    let mut appended: BTreeSet<(Partition, MessageId)> = BTreeSet::new();
    let mut sent_again: BTreeSet<(Partition, MessageId)> = BTreeSet::new();
    Box::new(move |fact, tally| {
        let had_already = match fact {
            Fact::SentAgain { partition, messages } => {
                tally.strike(FaultClass::Retry);
                sent_again.extend(messages.first().map(|first| (*partition, *first)));
                return;
            }
            Fact::DuplicateAbsorbed { partition, messages, .. } => {
                messages.first().map(|first| (*partition, *first))
            }
            Fact::Appended { partition, stretch } => {
                let first = stretch.messages.first().map(|first| (*partition, *first));
                first.filter(|first| !appended.insert(*first))
            }
            _ => return,
        };
        if had_already.is_some_and(|first| sent_again.remove(&first)) {
            tally.effect(FaultClass::Retry);
        }
    })
}
