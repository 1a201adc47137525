//! `taken-by-one`: a message that is lent to a consumer is lent to no other until it is acknowledged, given back, or its
//! time is out; and it is removed if and only if it was acknowledged. *Global*, and *final* for what is to be removed.
//!
//! What was lent, to whom and for how long is told by the consumers: a loan had begun when its borrower was told of it, and
//! not before it had asked. So two loans of a message overlap for sure when the later one's borrower is told of it before
//! the whole time of the earlier one could be over since that one was asked for, by a clock that may be a tenth too fast. What counts is the order of the loans' numbers,
//! not that of the answers, which may be long on their way. Whoever is told that an acknowledgement counts held the last
//! loan of the message. What is removed is told by the lenders, from their log; it must have been acknowledged by a
//! consumer that had processed what stands there, unless retention has taken that from any copy.
//!
//! After an unclean election, of the partition or of the one where the lender remembers, nothing is judged.
//!
//! Broken by: a message lent while another loan of it is on its way; a late acknowledgement that counts; one that is
//! answered before it is on the log, and forgotten; a lender that forgets what is out.

use super::cluster::{Cluster, SharedCluster};
use crate::Monitor;
use crate::drift::by_a_fast_clock;
use rehearsal_env::{NodeId, Stamp, Time, Violation};
use rehearsal_model::queue::facts::{Fact, LendingFact};
use rehearsal_model::queue::lending::{Held, LoanNumber};
use rehearsal_model::queue::offset::Offset;
use rehearsal_model::queue::partition::Partition;
use rehearsal_model::queue::plan::Plan;
use std::collections::{BTreeMap, BTreeSet};

const NAME: &str = "taken-by-one";

/// A message of a group: where it stands.
type Place = (u32, Partition, Offset);

/// A loan of one message, as its borrower knows it.
#[derive(Clone, Copy, Debug)]
struct Borrowed {
    asked: Time,
    told: Time,
    /// The number of the fact.
    number: u64,
    given_back: bool,
}

/// Remembers what was lent and what was acknowledged.
#[derive(Debug)]
pub struct TakenByOne {
    cluster: SharedCluster,
    borrowed: BTreeMap<Place, BTreeMap<LoanNumber, Borrowed>>,
    /// The loan whose acknowledgement counted, and the number of the fact.
    counted: BTreeMap<Place, (LoanNumber, u64)>,
    processed: BTreeSet<(NodeId, Place)>,
    /// Whoever acknowledged it first, and the number of the fact.
    acknowledged: BTreeMap<Place, u64>,
    removed: BTreeSet<Place>,
}

impl TakenByOne {
    /// Judges with this cluster's logs.
    pub fn new(cluster: SharedCluster) -> TakenByOne {
        TakenByOne {
            cluster,
            borrowed: BTreeMap::new(),
            counted: BTreeMap::new(),
            processed: BTreeSet::new(),
            acknowledged: BTreeMap::new(),
            removed: BTreeSet::new(),
        }
    }

    fn borrowed(&mut self, place: Place, loan: LoanNumber, new: Borrowed) -> Result<(), Violation> {
        let (group, partition, offset) = place;
        let loans = self.borrowed.entry(place).or_default();
        loans.insert(loan, new);
        let lasts = self.cluster.borrow().rules().loans.get(&group).copied().unwrap_or_default();
        for (other, known) in loans.iter().filter(|(other, _)| **other != loan) {
            let (earlier, later) = if *other < loan { (known, &new) } else { (&new, known) };
            if later.told < earlier.asked + by_a_fast_clock(lasts) && !earlier.given_back {
                let message = format!(
                    "offset {offset} of {partition} is lent to two in group {group}, as {other} and as {loan}, and the \
                     time of neither was out"
                );
                return Err(Violation::new(NAME, message, [known.number, new.number]));
            }
        }
        self.is_last(place)
    }

    /// Judges that nothing is lent again whose acknowledgement counted.
    fn is_last(&self, place: Place) -> Result<(), Violation> {
        let (group, partition, offset) = place;
        let Some((loan, told)) = self.counted.get(&place) else { return Ok(()) };
        let Some(loans) = self.borrowed.get(&place) else { return Ok(()) };
        match loans.last_key_value() {
            Some((last, borrowed)) if last > loan => {
                let message = format!(
                    "an acknowledgement of offset {offset} of {partition} under {loan} counts in group {group}, and \
                     it is lent as {last} all the same"
                );
                Err(Violation::new(NAME, message, [borrowed.number.min(*told), borrowed.number.max(*told)]))
            }
            _ => Ok(()),
        }
    }

    fn acknowledges(&mut self, cluster: &Cluster, stamp: &Stamp, place: Place) -> Result<(), Violation> {
        let (group, partition, offset) = place;
        self.acknowledged.entry(place).or_insert(stamp.number);
        let taken = cluster.partition(partition).is_some_and(|book| offset < book.taken);
        let Some(message) = cluster.shown(group, partition, offset).filter(|_| !taken) else { return Ok(()) };
        if self.processed.contains(&(stamp.node, place)) {
            return Ok(());
        }
        let text = format!(
            "a consumer of group {group} acknowledges {message}, at offset {offset} of {partition}, and has not \
             processed it"
        );
        Err(Violation::new(NAME, text, [stamp.number]))
    }

    fn removed(&mut self, place: Place, number: u64) -> Result<(), Violation> {
        let (group, partition, offset) = place;
        if self.acknowledged.contains_key(&place) {
            self.removed.insert(place);
            return Ok(());
        }
        let message = format!(
            "offset {offset} of {partition} is lent to nobody any more in group {group}, and nobody acknowledged it"
        );
        Err(Violation::new(NAME, message, [number]))
    }

    fn judge(
        &mut self,
        cluster: &Cluster,
        stamp: &Stamp,
        group: u32,
        what: &LendingFact,
    ) -> Result<(), Violation> {
        let place = |held: &Held| (group, held.partition, held.offset);
        match what {
            LendingFact::Borrowed { loan, partition, offsets, waited } => {
                let asked = Time(stamp.time.nanos() - waited.0);
                let new = Borrowed { asked, told: stamp.time, number: stamp.number, given_back: false };
                offsets.iter().try_for_each(|offset| self.borrowed((group, *partition, *offset), *loan, new))
            }
            LendingFact::GivesBack(held) => {
                let loans = self.borrowed.entry(place(held)).or_default();
                if let Some(borrowed) = loans.get_mut(&held.loan) {
                    borrowed.given_back = true;
                }
                Ok(())
            }
            LendingFact::Acknowledges(held) => self.acknowledges(cluster, stamp, place(held)),
            LendingFact::Told { held, counts: true } => {
                self.counted.insert(place(held), (held.loan, stamp.number));
                self.is_last(place(held))
            }
            LendingFact::Told { counts: false, .. } | LendingFact::RanOut { .. } => Ok(()),
            LendingFact::Removed(held) => self.removed(place(held), stamp.number),
            LendingFact::Loaded { partition, start, acknowledged, .. } => {
                let before = (0..start.0).map(Offset);
                let mut all = before.chain(acknowledged.iter().copied());
                all.try_for_each(|offset| self.removed((group, *partition, offset), stamp.number))
            }
        }
    }

    /// Judges that everything which stands there for the group is removed.
    fn is_all_removed(&self, cluster: &Cluster, group: u32, partition: Partition) -> Result<(), Violation> {
        let Some(log) = cluster.leaders_log(partition) else { return Ok(()) };
        for offset in (log.start().0..log.end().0).map(Offset) {
            let place = (group, partition, offset);
            let Some(message) = cluster.shown(group, partition, offset) else { continue };
            if !self.removed.contains(&place) {
                let text = format!(
                    "at the end {message}, at offset {offset} of {partition}, is not acknowledged in group {group}"
                );
                let placed = log.batch_at(offset).map(|placed| placed.number);
                let acknowledged = self.acknowledged.get(&place).copied();
                return Err(Violation::new(NAME, text, placed.into_iter().chain(acknowledged)));
            }
        }
        Ok(())
    }
}

fn is_judged(cluster: &Cluster, group: u32, partition: Partition) -> bool {
    [partition, Plan::loans_partition(group)].iter().all(|passed| cluster.unclean(*passed).is_none())
}

fn partition_of(what: &LendingFact) -> Partition {
    match what {
        LendingFact::Loaded { partition, .. }
        | LendingFact::RanOut { partition, .. }
        | LendingFact::Borrowed { partition, .. } => *partition,
        LendingFact::Removed(held)
        | LendingFact::Acknowledges(held)
        | LendingFact::GivesBack(held)
        | LendingFact::Told { held, .. } => held.partition,
    }
}

impl Monitor<Fact> for TakenByOne {
    fn name(&self) -> &'static str {
        NAME
    }

    fn witness(&mut self, stamp: &Stamp, fact: &Fact) -> Result<(), Violation> {
        let cluster = self.cluster.clone();
        let cluster = cluster.borrow();
        match fact {
            Fact::Processed { group, partition, offset, .. } if cluster.rules().is_lent(*group) => {
                self.processed.insert((stamp.node, (*group, *partition, *offset)));
                Ok(())
            }
            Fact::Lending { group, what } if is_judged(&cluster, *group, partition_of(what)) => {
                self.judge(&cluster, stamp, *group, what)
            }
            _ => Ok(()),
        }
    }

    fn conclude(&self, _end: Time) -> Result<(), Violation> {
        let cluster = self.cluster.borrow();
        let rules = cluster.rules();
        for group in rules.loans.keys() {
            let mut lent = rules.partitions_of(*group).filter(|of| is_judged(&cluster, *group, *of));
            lent.try_for_each(|partition| self.is_all_removed(&cluster, *group, partition))?;
        }
        Ok(())
    }
}
