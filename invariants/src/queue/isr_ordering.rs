//! `isr-ordering`: who leads is in the in-sync set; a partition's state changes by compare-and-set alone, so that its
//! versions rise one at a time and each is one state, its epochs never fall, and within an epoch nobody else leads; a leader is elected from
//! those who have everything (R7), unless the topic allows another or nobody is left of them. The watermark of the
//! newest epoch's leader is at most what every member of the accepted set holds (R2), and never falls within one epoch
//! and life; and whoever joins the set holds all that was below any leader's watermark (R5). *Global*: a leader's word is
//! compared with what other brokers hold at that moment. In the end, in the calm,
//! everybody who lives is in the set, and the watermark and every member's log end where the leader's does.
//!
//! What a member holds is what it has of its leader's log, and not what else may stand there; under `flush = before-ack`
//! it is what its disk has of that. Under `background` a member that has stopped is
//! not judged from the moment it comes up until it has left the set: what it had, its leader may have counted (KIP-966).
//! A leader that has reported no watermark in its epoch found it where it belongs, as far as the facts tell.
//!
//! Broken by: a set that is written blindly; a set that grows before the replica has caught up; a watermark that counts
//! those who have left, ignores those who are about to join, or counts what was fetched in another epoch; an election
//! from outside of the set.

use super::cluster::{Cluster, Known, PartitionBook, SharedCluster};
use super::copy::LogCopy;
use crate::Monitor;
use rehearsal_env::{Stamp, Time, Violation};
use rehearsal_model::queue::brokers::{BrokerId, Brokers};
use rehearsal_model::queue::controller::PartitionState;
use rehearsal_model::queue::facts::Fact;
use rehearsal_model::queue::offset::{LeaderEpoch, Offset};
use rehearsal_model::queue::partition::Partition;
use rehearsal_model::queue::replica::Flush;
use std::collections::BTreeMap;

const NAME: &str = "isr-ordering";

/// A watermark as a leader told it last.
#[derive(Clone, Copy, Debug)]
struct Told {
    life: u32,
    epoch: LeaderEpoch,
    to: Offset,
    number: u64,
}

/// Remembers the watermarks, and who has stopped and may have lost what it had.
#[derive(Debug)]
pub struct IsrOrdering {
    cluster: SharedCluster,
    told: BTreeMap<(Partition, BrokerId), Told>,
    /// The highest watermark of each epoch, and the number of the fact that told it.
    highest: BTreeMap<(Partition, LeaderEpoch), (Offset, u64)>,
    /// The state of each version, and the number of the fact that told it first.
    versions: BTreeMap<(Partition, u32), (PartitionState, u64)>,
    /// Members of the set that came up again, by partition; `true` once they are registered.
    doubtful: BTreeMap<(Partition, BrokerId), bool>,
}

impl IsrOrdering {
    /// Judges this cluster.
    pub fn new(cluster: SharedCluster) -> IsrOrdering {
        let (told, versions, doubtful) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        IsrOrdering { cluster, told, highest: BTreeMap::new(), versions, doubtful }
    }

    /// A version that is told again must be what it was: of two changes of the same state one is lost.
    fn is_one_state(
        &mut self,
        partition: Partition,
        state: &PartitionState,
        number: u64,
    ) -> Result<(), Violation> {
        let version = state.version;
        let known = self.versions.entry((partition, version)).or_insert_with(|| (state.clone(), number));
        if known.0 == *state {
            return Ok(());
        }
        let message = format!("version {version} of the state of {partition} is written twice, and differs");
        Err(Violation::new(NAME, message, [known.1, number]))
    }

    fn settle_doubts(&mut self, partition: Partition, members: Brokers) {
        self.doubtful
            .retain(|(of, broker), registered| *of != partition || !*registered || members.has(*broker));
    }

    fn watermark_moved(&mut self, stamp: &Stamp, fact: &Fact) -> Result<(), Violation> {
        let Fact::WatermarkMoved { partition, epoch, to } = *fact else { return Ok(()) };
        let cluster = self.cluster.borrow();
        let Some(broker) = cluster.broker(stamp.node) else { return Ok(()) };
        let life = cluster.copy(partition, broker).map_or(0, LogCopy::lives);
        let told = Told { life, epoch, to, number: stamp.number };
        let highest = self.highest.entry((partition, epoch)).or_insert((to, stamp.number));
        *highest = (*highest).max((to, stamp.number));
        if let Some(before) = self.told.insert((partition, broker), told)
            && (before.life, before.epoch) == (told.life, told.epoch)
            && to < before.to
        {
            let message =
                format!("the watermark of {partition} falls from {} to {to} in epoch {epoch}", before.to);
            return Err(Violation::new(NAME, message, [before.number, stamp.number]));
        }
        let Some(book) = cluster.partition(partition).filter(|book| book.is_led_by(broker, epoch)) else {
            return Ok(());
        };
        let Some(Known { state, number }) = &book.now else { return Ok(()) };
        for member in state.in_sync.iter().filter(|member| !self.doubtful.contains_key(&(partition, *member)))
        {
            if let Some(lacks) = lacks(&cluster, book, member, to) {
                let message = format!(
                    "the watermark of {partition} moves to {to} in epoch {epoch}, and {member}, which is in sync, {lacks}"
                );
                return Err(Violation::new(NAME, message, [*number, stamp.number]));
            }
        }
        Ok(())
    }

    /// Whoever has joined the set may be elected from now on, so it must have all that was shown or acknowledged. (Where
    /// a leader came from outside of those who had everything, what was told before it counts no more; and who joins by a
    /// move is judged by `reassignment-keeps-copies`.)
    fn joined(&self, partition: Partition) -> Result<(), Violation> {
        let cluster = self.cluster.borrow();
        let Some(book) = cluster.partition(partition) else { return Ok(()) };
        let (Some(Known { state, number }), Some(before)) = (&book.now, &book.before) else { return Ok(()) };
        let since = book.unclean.unwrap_or_default();
        let told = self.highest.range((partition, since)..=(partition, state.epoch)).map(|(_, told)| *told);
        let Some((to, told)) = told.max() else { return Ok(()) };
        let joined = state.in_sync.minus(before.state.in_sync).minus(state.adding);
        for member in joined.iter().filter(|member| !self.doubtful.contains_key(&(partition, *member))) {
            let held = held(&cluster, book, member);
            if held < to {
                let message = format!(
                    "{member} joins the set of {partition}, a leader has told the watermark {to}, and {member} has \
                     everything before {held} only"
                );
                return Err(Violation::new(NAME, message, [told, *number]));
            }
        }
        Ok(())
    }

    fn at_rest(&self, cluster: &Cluster, partition: Partition) -> Result<(), Violation> {
        let Some((book, Known { state, number })) =
            cluster.partition(partition).and_then(|book| Some((book, book.now.as_ref()?)))
        else {
            return Err(Violation::new(NAME, format!("{partition} never came to be"), []));
        };
        let violation = |message: String, also: Option<u64>| {
            Err(Violation::new(NAME, message, also.into_iter().chain([*number])))
        };
        let Some(leader) = state.leader else {
            return violation(format!("nobody leads {partition} at the end"), None);
        };
        let missing = state.replicas.and(cluster.live()).minus(state.in_sync);
        if !missing.is_empty() {
            return violation(format!("{missing} live, and are not in sync in {partition} at the end"), None);
        }
        let end = book.copies.get(&leader.broker).map_or(Offset::ZERO, |copy| copy.end());
        for member in state.in_sync.iter() {
            let held = held(cluster, book, member);
            if held != end {
                let message = format!(
                    "at the end {member}, which is in sync, has {partition} up to {held}, and its leader up to {end}"
                );
                return violation(message, None);
            }
            if let Some(lacks) = lacks(cluster, book, member, end) {
                return violation(format!("at the end {member}, in sync in {partition}, {lacks}"), None);
            }
        }
        match self.told.get(&(partition, leader.broker)) {
            Some(told) if told.epoch == state.epoch && told.to != end => {
                let message = format!(
                    "at the end the watermark of {partition} is {}, and its log ends at {end}",
                    told.to
                );
                violation(message, Some(told.number))
            }
            _ => Ok(()),
        }
    }
}

/// Up to where a leader may count on this broker.
fn held(cluster: &Cluster, book: &PartitionBook, broker: BrokerId) -> Offset {
    let copy = book.copies.get(&broker);
    copy.map_or(Offset::ZERO, |copy| match cluster.rules().flush {
        Flush::BeforeAck => copy.persisted(),
        Flush::Background => copy.end(),
    })
}

/// What a broker lacks of what stands before an offset in the log of the newest epoch's leader, in words; nothing if it
/// has all of it. Two logs that have the same last batch there have the same before it (see `logs-agree`), and what
/// retention has taken from one of them is nobody's to compare.
fn lacks(cluster: &Cluster, book: &PartitionBook, broker: BrokerId, to: Offset) -> Option<String> {
    let held = held(cluster, book, broker);
    if held < to {
        return Some(format!("has everything before {held} only"));
    }
    let last = |copy: &LogCopy| {
        let placed = copy.batch_at(Offset(to.0.checked_sub(1)?))?;
        Some((placed.stretch.epoch, placed.stretch.base))
    };
    let (own, leaders) = (book.copies.get(&broker).and_then(last)?, book.leaders_log().and_then(last)?);
    (own != leaders)
        .then(|| format!("has a batch of epoch {} at {} there, and not the leader's", own.0, own.1))
}

fn changed(cluster: &Cluster, partition: Partition, book: &PartitionBook) -> Result<(), Violation> {
    let Some(Known { state, number }) = &book.now else { return Ok(()) };
    let violation = |message: String| {
        let before = book.before.as_ref().map(|before| before.number);
        Err(Violation::new(NAME, message, before.into_iter().chain([*number])))
    };
    if let Some(leader) = state.leader
        && !state.in_sync.has(leader.broker)
    {
        return violation(format!(
            "{} leads {partition}, and is not in its set {}",
            leader.broker, state.in_sync
        ));
    }
    let Some(before) = book.before.as_ref().map(|known| &known.state) else { return Ok(()) };
    if state.version != before.version + 1 {
        let (from, to) = (before.version, state.version);
        return violation(format!("the state of {partition} goes from version {from} to version {to}"));
    }
    if state.epoch < before.epoch {
        let (from, to) = (before.epoch, state.epoch);
        return violation(format!("the epoch of {partition} falls from {from} to {to}"));
    }
    let Some(leader) = state.leader else { return Ok(()) };
    if state.epoch == before.epoch && before.leader != Some(leader) {
        return violation(format!(
            "{} takes over the lead of {partition} in epoch {}",
            leader.broker, state.epoch
        ));
    }
    let complete = before.in_sync.or(before.eligible);
    let free = cluster.rules().unclean_election || complete.is_empty();
    if state.epoch > before.epoch && !free && !complete.has(leader.broker) {
        return violation(format!(
            "{} is elected to lead {partition}, and only {complete} are known to have everything",
            leader.broker
        ));
    }
    Ok(())
}

impl Monitor<Fact> for IsrOrdering {
    fn name(&self) -> &'static str {
        NAME
    }

    fn witness(&mut self, stamp: &Stamp, fact: &Fact) -> Result<(), Violation> {
        match fact {
            Fact::PartitionChanged { partition, state } => {
                self.is_one_state(*partition, state, stamp.number)?;
                if self.cluster.borrow().is_repeat() {
                    return Ok(());
                }
                self.settle_doubts(*partition, state.in_sync);
                self.joined(*partition)?;
                let cluster = self.cluster.borrow();
                cluster.partition(*partition).map_or(Ok(()), |book| changed(&cluster, *partition, book))
            }
            Fact::WatermarkMoved { .. } => self.watermark_moved(stamp, fact),
            Fact::Recovered { broker, partition, .. } => {
                let cluster = self.cluster.borrow();
                let again = cluster.copy(*partition, *broker).is_some_and(|copy| copy.lives() > 1);
                if again && cluster.rules().flush == Flush::Background {
                    self.doubtful.insert((*partition, *broker), false);
                }
                Ok(())
            }
            Fact::BrokerRegistered { broker, .. } => {
                let cluster = self.cluster.borrow();
                self.doubtful.retain(|(partition, doubted), registered| {
                    *registered |= doubted == broker;
                    let state = cluster.partition(*partition).and_then(|book| book.now.as_ref());
                    !*registered || state.is_some_and(|known| known.state.in_sync.has(*doubted))
                });
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn conclude(&self, _end: Time) -> Result<(), Violation> {
        let cluster = self.cluster.borrow();
        cluster.rules().partitions.iter().try_for_each(|partition| self.at_rest(&cluster, *partition))
    }
}
