//! `at-least-once`: with `delivery = at-least-once`, or `exactly-once`, and `acks = all`, whatever was sent before the calm and
//! acknowledged, and stands in the log, has been processed in the end by each group that reads its topic. *Final*.
//!
//! What retention took from the log before a group had read it is not judged, unless there is an archive, where the group
//! can read it still: each replica drops by itself, so that the next leader may have what the one before it had not any
//! more. And not what a group has passed over since its offset was gone, as its reset policy says.
//!
//! Counted are the messages from where the group began: all where it begins at the start of a partition, else those from
//! where a consumer of it first stood. That an acknowledged message stands in the log at all is
//! promised by `acked-not-lost`. After an election from outside of those who have everything a partition is not judged:
//! its offsets may have been given out anew behind the back of the groups. What movers are to do with a delayed message is
//! to move it. A message that was tried in vain is judged by `retried-or-dead`.
//!
//! Broken by: a commit before the processing, and a crash between the two; a member that goes on where it never was; a
//! consumer that starts over at the end.

use super::cluster::{Cluster, SharedCluster};
use crate::{Monitor, Scope};
use rehearsal_env::{Stamp, Time, Violation};
use rehearsal_model::queue::delay::MOVERS;
use rehearsal_model::queue::facts::{Fact, Fate};
use rehearsal_model::queue::knobs::Delivery;
use rehearsal_model::queue::message::MessageId;
use rehearsal_model::queue::offset::Offset;
use rehearsal_model::queue::partition::Partition;
use rehearsal_model::queue::production::Acks;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

const NAME: &str = "at-least-once";

/// Remembers what was acknowledged and what was processed.
#[derive(Debug)]
pub struct AtLeastOnce {
    cluster: SharedCluster,
    sent: BTreeSet<MessageId>,
    told: BTreeMap<(Partition, Offset, MessageId), u64>,
    processed: BTreeSet<(u32, MessageId)>,
    /// Tried in vain.
    failed: BTreeSet<(u32, MessageId)>,
    /// What each group has passed over since it was not in the log, and the end of the log if it has given up.
    passed_over: BTreeMap<(u32, Partition), Vec<Range<Offset>>>,
    /// Where each group that begins where the log ends began, as soon as anybody knows.
    begun: BTreeMap<(u32, Partition), Offset>,
}

impl AtLeastOnce {
    /// Judges with this cluster's logs.
    pub fn new(cluster: SharedCluster) -> AtLeastOnce {
        AtLeastOnce {
            cluster,
            sent: BTreeSet::new(),
            told: BTreeMap::new(),
            processed: BTreeSet::new(),
            failed: BTreeSet::new(),
            passed_over: BTreeMap::new(),
            begun: BTreeMap::new(),
        }
    }

    fn judge(
        &self,
        cluster: &Cluster,
        (partition, offset, message): (Partition, Offset, MessageId),
        told: u64,
    ) -> Result<(), Violation> {
        let Some(book) = cluster.partition(partition) else { return Ok(()) };
        let log = book.leaders_log().filter(|log| log.message_at(offset) == Some(message));
        let placed = log.and_then(|log| log.batch_at(offset)).map(|placed| placed.number);
        let is_archived = cluster.rules().archive && offset < book.taken;
        if placed.is_none() && !is_archived {
            return Ok(());
        }
        for group in cluster.rules().readers(partition.topic) {
            let begins_late = cluster.rules().begins_at_the_end(partition);
            let begun = self.begun.get(&(group, partition)).is_some_and(|begun| *begun <= offset);
            let passed_over = self.passed_over.get(&(group, partition));
            let passed_over = passed_over.is_some_and(|all| all.iter().any(|range| range.contains(&offset)));
            let counts = begun || !begins_late;
            let wanted = counts && cluster.rules().wants(group, message) && (!passed_over || is_archived);
            let seen = [&self.processed, &self.failed].iter().any(|seen| seen.contains(&(group, message)));
            if wanted && !seen {
                let message = format!(
                    "{message} was acknowledged and stands at offset {offset} of {partition}, and group {group} has \
                     never processed it"
                );
                return Err(Violation::new(NAME, message, placed.into_iter().chain([told])));
            }
        }
        Ok(())
    }
}

impl Monitor<Fact> for AtLeastOnce {
    fn name(&self) -> &'static str {
        NAME
    }

    fn scope(&self) -> Scope {
        Scope::Final
    }

    fn witness(&mut self, stamp: &Stamp, fact: &Fact) -> Result<(), Violation> {
        match *fact {
            Fact::Sent { message, .. } if stamp.time < self.cluster.borrow().rules().calm_begins => {
                self.sent.insert(message);
            }
            Fact::Told { message, partition, fate: Fate::Acknowledged(Some(offset)) } => {
                self.told.insert((partition, offset, message), stamp.number);
            }
            Fact::Processed { group, message, .. } => {
                self.processed.insert((group, message));
            }
            Fact::OffsetOutOfRange { group, partition, offset, reset } => {
                let range = offset..reset.unwrap_or(Offset(u64::MAX));
                self.passed_over.entry((group, partition)).or_default().push(range);
            }
            Fact::Moved { message, .. } => {
                self.processed.insert((MOVERS, message));
            }
            Fact::Failed { group, message, .. } => {
                self.failed.insert((group, message));
            }
            // Who committed the beginning may have died before it stood there.
            Fact::Positioned { group, partition, offset, committed: true, .. }
                if self.cluster.borrow().rules().begins_at_the_end(partition) =>
            {
                self.begun.entry((group, partition)).or_insert(offset);
            }
            Fact::Positioned { group, partition, offset, committed: false, .. } => {
                if self.cluster.borrow().rules().begins_at_the_end(partition) {
                    let begun = self.begun.entry((group, partition)).or_insert(offset);
                    *begun = (*begun).min(offset);
                }
                let taken =
                    self.cluster.borrow().partition(partition).map_or(Offset::ZERO, |book| book.taken);
                if offset <= taken {
                    self.passed_over.entry((group, partition)).or_default().push(Offset::ZERO..offset);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn conclude(&self, _end: Time) -> Result<(), Violation> {
        let cluster = self.cluster.borrow();
        let rules = cluster.rules();
        if rules.delivery == Delivery::AtMostOnce || rules.acks != Acks::All {
            return Ok(());
        }
        let judged = self.told.iter().filter(|((partition, _, message), _)| {
            self.sent.contains(message) && cluster.unclean(*partition).is_none()
        });
        judged.into_iter().try_for_each(|(place, told)| self.judge(&cluster, *place, *told))
    }
}
