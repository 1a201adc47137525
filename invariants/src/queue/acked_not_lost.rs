//! `acked-not-lost`: a message that was acknowledged under `acks = all` stands where the producer was told, in the log
//! of every leader elected from then on. *Global*: judged when somebody begins to lead in the newest epoch, when a
//! producer is told, when a member of the set comes up or cuts its log and no other has the message, and at the end.
//!
//! What may be lost all the same:
//!
//! | setting | may be lost |
//! |---|---|
//! | `flush = before-ack` | nothing |
//! | `flush = background` | what the last member that had it did not find again when it came up: no in-sync memory or disk was whole |
//! | `unclean_election` | what was appended before an election from outside of those who have everything |
//! | retention | what it took from any log; whether it might is said by `retention-honest` |
//!
//! Broken by: an answer before the disk has the batch, before every member of the set has it, or by a leader that
//! counts on a smaller set before it was accepted; a set that grows too early; a truncation to the watermark; an
//! election from outside of the set where that is not allowed.

use super::cluster::{Cluster, PartitionBook, SharedCluster};
use crate::Monitor;
use rehearsal_env::{Stamp, Time, Violation};
use rehearsal_model::queue::facts::{Fact, Fate};
use rehearsal_model::queue::message::MessageId;
use rehearsal_model::queue::offset::Offset;
use rehearsal_model::queue::partition::Partition;
use rehearsal_model::queue::production::Acks;
use rehearsal_model::queue::replica::Flush;
use std::collections::BTreeMap;

const NAME: &str = "acked-not-lost";

/// The acknowledged messages of one partition, by place, and the number of the fact that acknowledged each.
type Acknowledged = BTreeMap<(Offset, MessageId), u64>;

/// Remembers what was acknowledged, and looks for it wherever it might be gone.
#[derive(Debug)]
pub struct AckedNotLost {
    cluster: SharedCluster,
    told: BTreeMap<Partition, Acknowledged>,
}

impl AckedNotLost {
    /// Judges this cluster.
    pub fn new(cluster: SharedCluster) -> AckedNotLost {
        AckedNotLost { cluster, told: BTreeMap::new() }
    }

    fn told(
        &mut self,
        cluster: &Cluster,
        partition: Partition,
        place: (Offset, MessageId),
        number: u64,
    ) -> Result<(), Violation> {
        let Some(book) = cluster.partition(partition) else { return Ok(()) };
        if is_forgiven(cluster, book, place) || place.0 < book.taken {
            return Ok(());
        }
        let told = BTreeMap::from([(place, number)]);
        self.told.entry(partition).or_default().extend(told.clone());
        match book.led {
            Some((broker, epoch, led)) if book.is_led_by(broker, epoch) => {
                judge_leader(partition, book, &told, Some(led))
            }
            _ => Ok(()),
        }
    }

    /// A copy may have become shorter. What it lacks is lost if no member of the set has it.
    fn shortened(
        &mut self,
        cluster: &Cluster,
        partition: Partition,
        stamp: &Stamp,
        recovered: bool,
    ) -> Result<(), Violation> {
        let (Some(told), Some(book)) = (self.told.get_mut(&partition), cluster.partition(partition)) else {
            return Ok(());
        };
        let Some(broker) = cluster.broker(stamp.node).filter(|broker| book.complete_members().has(*broker))
        else {
            return Ok(());
        };
        let stands = |(offset, message): (Offset, MessageId), broker| {
            book.copies.get(&broker).is_some_and(|copy| copy.message_at(offset) == Some(message))
        };
        let lost = |place: &(Offset, MessageId), _: &mut u64| {
            !stands(*place, broker) && !book.complete_members().iter().any(|member| stands(*place, member))
        };
        let end = book.copies.get(&broker).map_or(Offset::ZERO, |copy| copy.end());
        let beyond = (end, MessageId { producer: 0, number: 0 });
        let mut lost = told.extract_if(beyond.., lost);
        if recovered && cluster.rules().flush == Flush::Background {
            lost.for_each(drop);
            return Ok(());
        }
        match lost.next() {
            Some(((offset, message), number)) => {
                let message = format!(
                    "{message} was acknowledged at offset {offset} of {partition}; {broker} had it last, and has it no more"
                );
                Err(Violation::new(NAME, message, [number, stamp.number]))
            }
            None => Ok(()),
        }
    }

    fn elected(&mut self, cluster: &Cluster, partition: Partition) {
        let Some(book) = cluster.partition(partition).filter(|book| book.unclean == Some(book.epoch()))
        else {
            return;
        };
        if let Some(told) = self.told.get_mut(&partition) {
            told.retain(|place, _| !is_forgiven(cluster, book, *place));
        }
    }
}

/// Whether a message was appended before an election that may have lost it.
fn is_forgiven(cluster: &Cluster, book: &PartitionBook, (offset, message): (Offset, MessageId)) -> bool {
    let nobody_left = cluster.rules().flush == Flush::Background;
    let Some(unclean) = book.unclean.filter(|_| cluster.rules().unclean_election || nobody_left) else {
        return false;
    };
    let appends = book.appends.get(&message).into_iter().flatten();
    !appends.into_iter().any(|append| append.offset == offset && append.epoch >= unclean)
}

fn judge_leader(
    partition: Partition,
    book: &PartitionBook,
    told: &Acknowledged,
    led: Option<u64>,
) -> Result<(), Violation> {
    let Some((broker, copy)) = book.leader().and_then(|broker| Some((broker, book.copies.get(&broker)?)))
    else {
        return Ok(());
    };
    for ((offset, message), number) in told {
        if copy.message_at(*offset) != Some(*message) {
            let message = format!(
                "{message} was acknowledged at offset {offset} of {partition}, and is not there in the log of {broker}, \
                 which leads in epoch {}",
                book.epoch()
            );
            return Err(Violation::new(NAME, message, led.into_iter().chain([*number])));
        }
    }
    Ok(())
}

impl Monitor<Fact> for AckedNotLost {
    fn name(&self) -> &'static str {
        NAME
    }

    fn witness(&mut self, stamp: &Stamp, fact: &Fact) -> Result<(), Violation> {
        let cluster = self.cluster.clone();
        let cluster = cluster.borrow();
        match fact {
            _ if cluster.rules().acks != Acks::All => Ok(()),
            Fact::Told { message, partition, fate: Fate::Acknowledged(Some(offset)) } => {
                self.told(&cluster, *partition, (*offset, *message), stamp.number)
            }
            Fact::PartitionChanged { partition, .. } => {
                self.elected(&cluster, *partition);
                Ok(())
            }
            Fact::Led { partition, epoch, .. } => {
                let Some(book) = cluster.partition(*partition) else { return Ok(()) };
                let leads = cluster.broker(stamp.node).is_some_and(|broker| book.is_led_by(broker, *epoch));
                match self.told.get(partition).filter(|_| leads) {
                    Some(told) => judge_leader(*partition, book, told, Some(stamp.number)),
                    None => Ok(()),
                }
            }
            Fact::Recovered { partition, .. } => self.shortened(&cluster, *partition, stamp, true),
            Fact::Dropped { partition, .. } => {
                let taken = cluster.partition(*partition).map_or(Offset::ZERO, |book| book.taken);
                if let Some(told) = self.told.get_mut(partition) {
                    *told = told.split_off(&(taken, MessageId { producer: 0, number: 0 }));
                }
                Ok(())
            }
            Fact::Truncated { partition, .. }
            | Fact::BeganAnew { partition, .. }
            | Fact::CopyDropped { partition, .. } => self.shortened(&cluster, *partition, stamp, false),
            _ => Ok(()),
        }
    }

    fn conclude(&self, _end: Time) -> Result<(), Violation> {
        let cluster = self.cluster.borrow();
        self.told.iter().try_for_each(|(partition, told)| match cluster.partition(*partition) {
            Some(book) => judge_leader(*partition, book, told, book.led.map(|(_, _, number)| number)),
            None => Ok(()),
        })
    }
}
