//! What a run of the queue came to, read from its facts.

use crate::compare::latencies::Latencies;
use rehearsal_env::{Stamp, Time, Violation};
use rehearsal_invariants::Monitor;
use rehearsal_model::queue::facts::{Fact, Fate};
use rehearsal_model::queue::message::MessageId;
use rehearsal_model::queue::partition::Topic;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

/// Sums over one or several runs.
#[derive(Clone, Debug, Default)]
pub(super) struct Measurements {
    /// From the first send to the last acknowledgement.
    pub(super) seconds: f64,
    /// Of all who must have a message before it is acknowledged, each for itself.
    pub(super) syncs: u64,
    /// From the send to the acknowledgement.
    pub(super) acknowledged: Latencies,
    /// From the send to the first time it was processed.
    pub(super) processed: Latencies,
    /// From the first send to the last time that one was processed.
    pub(super) seconds_of_work: f64,
    /// What was delivered on the network.
    pub(super) network: u64,
}

impl Measurements {
    pub(super) fn add(&mut self, other: &Measurements) {
        self.seconds += other.seconds;
        self.syncs += other.syncs;
        self.acknowledged.add_all(&other.acknowledged);
        self.processed.add_all(&other.processed);
        self.seconds_of_work += other.seconds_of_work;
        self.network += other.network;
    }
}

#[derive(Debug, Default)]
struct Measure {
    /// When the first was sent, and the last acknowledged.
    busy: Option<(Time, Time)>,
    /// When the last was processed.
    worked: Time,
    unacknowledged: BTreeMap<MessageId, Time>,
    unprocessed: BTreeMap<MessageId, Time>,
    sums: Measurements,
}

/// A measure that is read after the run.
#[derive(Clone, Debug, Default)]
pub(super) struct SharedMeasure(Rc<RefCell<Measure>>);

impl SharedMeasure {
    pub(super) fn measured(&self) -> Measurements {
        let measure = self.0.borrow();
        let Some((from, to)) = measure.busy else { return measure.sums.clone() };
        let seconds = to.since(from).as_secs_f64();
        let seconds_of_work = measure.worked.since(from).as_secs_f64();
        Measurements { seconds, seconds_of_work, ..measure.sums.clone() }
    }
}

impl Monitor<Fact> for SharedMeasure {
    fn name(&self) -> &'static str {
        "measure"
    }

    fn witness(&mut self, stamp: &Stamp, fact: &Fact) -> Result<(), Violation> {
        let Measure { busy, worked, unacknowledged, unprocessed, sums } = &mut *self.0.borrow_mut();
        match fact {
            Fact::Sent { message, .. } => {
                busy.get_or_insert((stamp.time, stamp.time));
                unacknowledged.insert(*message, stamp.time);
                unprocessed.insert(*message, stamp.time);
            }
            Fact::Told { message, fate: Fate::Acknowledged(_), .. } => {
                if let Some(sent) = unacknowledged.remove(message) {
                    sums.acknowledged.add(stamp.time.since(sent));
                    *busy = busy.map(|(from, _)| (from, stamp.time));
                }
            }
            Fact::Processed { message, .. } => {
                if let Some(sent) = unprocessed.remove(message) {
                    sums.processed.add(stamp.time.since(sent));
                    *worked = stamp.time;
                }
            }
            Fact::Persisted { partition, .. } if matches!(partition.topic, Topic::Named(_)) => {
                sums.syncs += 1
            }
            _ => {}
        }
        Ok(())
    }
}
