//! `retention-honest`: retention takes nothing too early and leaves nothing behind. *Global*: what a broker drops is
//! compared with what the blob store has.
//!
//! - What a broker drops was appended longer ago than `retention_age`, by the newest append of the segment and the
//!   broker's own clock; or `retention_bytes` are left without it.
//! - Where there is an archive, it has everything before that is dropped, without a gap.
//! - What is read from the archive is what was appended there, byte for byte: the same checksum, epoch and time.
//! - In the end, in the calm, no closed segment is left that has been out of retention for long; where there is an archive,
//!   none that the leader has closed too.
//!
//! After an election from outside of those who have everything a partition's archive is not judged: it may hold what the
//! log has forgotten. A segment counts as closed when its broker said so, and not any more when the broker cut its log
//! there or came up without the next one.
//!
//! Broken by: a segment dropped that is still written to; ages by the clocks of producers; a drop that does not wait for
//! the archive; an archive that goes on behind a gap.

use super::cluster::{Cluster, SharedCluster};
use crate::Monitor;
use rehearsal_env::{NodeId, Stamp, Time, Violation};
use rehearsal_model::queue::facts::{Fact, Stretch};
use rehearsal_model::queue::offset::{LeaderEpoch, Offset};
use rehearsal_model::queue::partition::Partition;
use std::collections::BTreeMap;
use std::time::Duration;

const NAME: &str = "retention-honest";

/// How long a closed segment may be left that is out of retention, in microseconds: it is looked for it from time to time,
/// and it waits for its archiving.
const GRACE: i64 = 10_000_000;

/// A segment that its broker has closed.
#[derive(Clone, Copy, Debug)]
struct Closed {
    end: Offset,
    bytes: u64,
    number: u64,
}

/// Remembers what is archived and what is closed.
#[derive(Debug)]
pub struct RetentionHonest {
    cluster: SharedCluster,
    /// The pieces that the blob store has: where each begins, and the furthest end of those.
    archived: BTreeMap<Partition, BTreeMap<Offset, Offset>>,
    /// What was appended, as it was told first.
    appended: BTreeMap<(Partition, LeaderEpoch, Offset), (Stretch, u64)>,
    closed: BTreeMap<(NodeId, Partition), BTreeMap<Offset, Closed>>,
    /// What the brokers' wall clocks show at the start of the run, in microseconds, as far as is known.
    origin: Option<i64>,
}

/// What a broker dropped.
#[derive(Clone, Copy)]
struct Drop {
    partition: Partition,
    from: Offset,
    to: Offset,
    left: u64,
    at: i64,
}

impl RetentionHonest {
    /// Judges this cluster.
    pub fn new(cluster: SharedCluster) -> RetentionHonest {
        let (archived, appended, closed) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        RetentionHonest { cluster, archived, appended, closed, origin: None }
    }

    fn dropped(&mut self, stamp: &Stamp, dropped: Drop) -> Result<(), Violation> {
        let Drop { partition, from, to, left, at } = dropped;
        if let Some(closed) = self.closed.get_mut(&(stamp.node, partition)) {
            *closed = closed.split_off(&to);
        }
        let cluster = self.cluster.borrow();
        let Some(retention) = cluster.rules().retention.get(&partition) else {
            let message = format!("{partition} has no retention, and offsets {from} to {to} are dropped");
            return Err(Violation::new(NAME, message, [stamp.number]));
        };
        let Some(copy) = cluster.own_copy(partition, stamp.node) else { return Ok(()) };
        let newest = copy.dropped().iter().max_by_key(|placed| placed.stretch.appended);
        let is_old = |appended: i64| retention.age_micros.is_some_and(|age| at - appended > age);
        let is_too_much = retention.bytes.is_some_and(|kept| left >= kept);
        if let Some(newest) = newest.filter(|newest| !is_too_much && !is_old(newest.stretch.appended)) {
            let age = (at - newest.stretch.appended) / 1_000;
            let message = format!(
                "offsets {from} to {to} of {partition} are dropped, which leaves {left} bytes, and the newest of them \
                 were appended {age} ms ago"
            );
            return Err(Violation::new(NAME, message, [newest.number, stamp.number]));
        }
        let is_judged = cluster.rules().archive && cluster.unclean(partition).is_none();
        if is_judged && !self.is_archived(partition, from, to) {
            let message =
                format!("offsets {from} to {to} of {partition} are dropped, and not all are archived");
            let last = copy.dropped().last().map(|last| last.number);
            return Err(Violation::new(NAME, message, last.into_iter().chain([stamp.number])));
        }
        Ok(())
    }

    fn is_archived(&self, partition: Partition, mut from: Offset, to: Offset) -> bool {
        let Some(pieces) = self.archived.get(&partition) else { return false };
        while from < to {
            let furthest = pieces.range(..=from).map(|(_, end)| *end).max();
            match furthest.filter(|end| *end > from) {
                Some(end) => from = end,
                None => return false,
            }
        }
        true
    }

    fn replayed(&self, stamp: &Stamp, partition: Partition, batches: &[Stretch]) -> Result<(), Violation> {
        if self.cluster.borrow().unclean(partition).is_some() {
            return Ok(());
        }
        for stretch in batches {
            let known = self.appended.get(&(partition, stretch.epoch, stretch.base));
            if known.is_some_and(|(appended, _)| appended == stretch) {
                continue;
            }
            let message = format!(
                "what is read from the archive at offset {} of {partition} is not what was appended there",
                stretch.base
            );
            let appended = known.map(|(_, number)| *number);
            return Err(Violation::new(NAME, message, appended.into_iter().chain([stamp.number])));
        }
        Ok(())
    }

    /// A log was cut there, or found to end there: what ended there may be written to again.
    fn opened(&mut self, node: NodeId, partition: Partition, end: Offset) {
        if let Some(closed) = self.closed.get_mut(&(node, partition)) {
            closed.retain(|_, closed| closed.end < end);
        }
    }

    /// Only what its leader has closed is archived, and replicas do not close their segments at the same places.
    fn waits_for_its_leader(&self, cluster: &Cluster, partition: Partition, end: Offset) -> bool {
        let leader =
            cluster.partition(partition).and_then(|book| Some((book.leader()?, book.leaders_log()?)));
        let Some((leader, log)) = leader.filter(|_| cluster.rules().archive) else { return false };
        let closed = self
            .closed
            .iter()
            .filter(|((node, of), _)| *of == partition && cluster.broker(*node) == Some(leader));
        let last = closed.filter_map(|(_, closed)| Some(closed.last_key_value()?.1.end)).max();
        last.unwrap_or(log.start()) < end
    }

    /// The first closed segment of a copy is out of retention, and should be gone.
    fn is_left(
        &self,
        cluster: &Cluster,
        (node, partition): (NodeId, Partition),
        closed: &BTreeMap<Offset, Closed>,
        now: i64,
    ) -> Result<(), Violation> {
        let Some(retention) = cluster.rules().retention.get(&partition) else { return Ok(()) };
        let Some(broker) = cluster.broker(node).filter(|broker| cluster.live().has(*broker)) else {
            return Ok(());
        };
        let Some(copy) = cluster.copy(partition, broker) else { return Ok(()) };
        let Some((base, first)) = closed.first_key_value() else { return Ok(()) };
        let of_segment = copy.batches().iter().map(|placed| &placed.stretch);
        let newest =
            of_segment.filter(|stretch| stretch.end <= first.end).map(|stretch| stretch.appended).max();
        let behind: u64 = closed.values().skip(1).map(|closed| closed.bytes).sum();
        let last = copy.last().map_or(i64::MAX, |last| last.stretch.appended);
        let is_old =
            retention.age_micros.is_some_and(|age| newest.is_some_and(|newest| now - newest > age + GRACE));
        let is_too_much = retention.bytes.is_some_and(|kept| behind >= kept) && now - last > GRACE;
        if !is_old && !is_too_much || self.waits_for_its_leader(cluster, partition, first.end) {
            return Ok(());
        }
        let message = format!(
            "at the end {broker} still has {partition} from offset {base} to {}, which has been out of retention for long",
            first.end
        );
        Err(Violation::new(NAME, message, [first.number]))
    }
}

impl Monitor<Fact> for RetentionHonest {
    fn name(&self) -> &'static str {
        NAME
    }

    fn witness(&mut self, stamp: &Stamp, fact: &Fact) -> Result<(), Violation> {
        let keeps_all = self.cluster.borrow().rules().retention.is_empty();
        match fact {
            Fact::Dropped { partition, from, to, left, at } => {
                let dropped = Drop { partition: *partition, from: *from, to: *to, left: *left, at: *at };
                return self.dropped(stamp, dropped);
            }
            _ if keeps_all => {}
            Fact::Archived { partition, base, end } => {
                let furthest = self.archived.entry(*partition).or_default().entry(*base).or_insert(*end);
                *furthest = (*furthest).max(*end);
            }
            Fact::Replayed { partition, batches, .. } => return self.replayed(stamp, *partition, batches),
            Fact::Appended { partition, stretch } => {
                self.origin = Some(stretch.appended - (stamp.time.0 / 1_000) as i64);
                let name = (*partition, stretch.epoch, stretch.base);
                self.appended.entry(name).or_insert((stretch.clone(), stamp.number));
            }
            Fact::SegmentClosed { partition, base, end, bytes } => {
                let closed = Closed { end: *end, bytes: *bytes, number: stamp.number };
                self.closed.entry((stamp.node, *partition)).or_default().insert(*base, closed);
            }
            Fact::Truncated { partition, to, .. } => self.opened(stamp.node, *partition, *to),
            Fact::BeganAnew { partition, .. } => {
                self.closed.remove(&(stamp.node, *partition));
            }
            Fact::Recovered { partition, start, log, .. } => {
                let end = log.last().map_or(*start, |last| last.end);
                self.opened(stamp.node, *partition, end);
                if let Some(closed) = self.closed.get_mut(&(stamp.node, *partition)) {
                    *closed = closed.split_off(start);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn conclude(&self, end: Time) -> Result<(), Violation> {
        let cluster = self.cluster.borrow();
        let calm = (end.0.saturating_sub(cluster.rules().calm_begins.0) / 1_000) as i64;
        let Some(origin) = self.origin.filter(|_| calm > GRACE) else { return Ok(()) };
        let now = origin + (end.0 / 1_000) as i64;
        self.closed.iter().try_for_each(|(at, closed)| self.is_left(&cluster, *at, closed, now))
    }

    fn is_at_rest(&self, now: Time) -> bool {
        self.conclude(now + Duration::from_micros(GRACE.unsigned_abs())).is_ok()
    }
}
