//! `lost-only-as-allowed`: with `acks = none` or `leader` a message that was acknowledged, and is missing from the
//! leader's log at the end, was appended in an epoch that has ended, and had not come below a watermark. And where an
//! offset was told, the message was appended there. *Final*.
//!
//! So it is lost only if the leader that acknowledged it was deposed or died before every member of the set had it;
//! without such a fault none is missing. Under `acks = none` the request itself may be lost: what was never appended is
//! not judged, and neither is what retention may have taken (`retention-honest`). What came below a watermark may be lost as `acked-not-lost` says for `background` and
//! `unclean_election`.
//!
//! Broken by: a leader that answers and does not append; a follower that cuts its log at its own watermark; an election
//! from outside of the set where that is not allowed.

use super::cluster::{Append, Cluster, PartitionBook, SharedCluster};
use crate::{Monitor, Scope};
use rehearsal_env::{Stamp, Time, Violation};
use rehearsal_model::queue::facts::{Fact, Fate};
use rehearsal_model::queue::message::MessageId;
use rehearsal_model::queue::offset::Offset;
use rehearsal_model::queue::partition::Partition;
use rehearsal_model::queue::production::Acks;
use rehearsal_model::queue::replica::Flush;
use std::collections::BTreeMap;

const NAME: &str = "lost-only-as-allowed";

/// What came below a watermark of one partition.
#[derive(Debug, Default)]
struct Settled {
    through: Offset,
    /// Each message, and the number of the fact by which it did.
    messages: BTreeMap<MessageId, u64>,
}

/// Remembers what was acknowledged and what came below a watermark.
#[derive(Debug)]
pub struct LostOnlyAsAllowed {
    cluster: SharedCluster,
    told: BTreeMap<(Partition, MessageId), (Option<Offset>, u64)>,
    settled: BTreeMap<Partition, Settled>,
}

impl LostOnlyAsAllowed {
    /// Judges this cluster.
    pub fn new(cluster: SharedCluster) -> LostOnlyAsAllowed {
        LostOnlyAsAllowed { cluster, told: BTreeMap::new(), settled: BTreeMap::new() }
    }

    fn watermark_moved(&mut self, stamp: &Stamp, fact: &Fact) {
        let Fact::WatermarkMoved { partition, epoch, to } = *fact else { return };
        let cluster = self.cluster.borrow();
        let Some(broker) = cluster.broker(stamp.node) else { return };
        let Some(book) = cluster.partition(partition).filter(|book| book.is_led_by(broker, epoch)) else {
            return;
        };
        let Some(log) = book.copies.get(&broker) else { return };
        let settled = self.settled.entry(partition).or_default();
        for offset in settled.through.0..to.0 {
            if let Some(message) = log.message_at(Offset(offset)) {
                settled.messages.insert(message, stamp.number);
            }
        }
        settled.through = settled.through.max(to);
    }

    fn judge(
        &self,
        cluster: &Cluster,
        (partition, message): (Partition, MessageId),
        (told_offset, told): (Option<Offset>, u64),
    ) -> Result<(), Violation> {
        let Some((book, log)) =
            cluster.partition(partition).and_then(|book| Some((book, book.leaders_log()?)))
        else {
            return Ok(());
        };
        let appends = book.appends.get(&message).map_or(&[][..], Vec::as_slice);
        let there = |append: &Append| told_offset.is_none_or(|offset| append.offset == offset);
        if told_offset.is_some() && !appends.iter().any(there) {
            let message =
                format!("{message} was acknowledged, and was never appended where its producer was told");
            return Err(Violation::new(NAME, message, [told]));
        }
        let is_taken = appends.iter().any(|append| append.offset < book.taken);
        if is_taken || log.place_of(message).is_some() {
            return Ok(());
        }
        let settled = self.settled.get(&partition).and_then(|settled| settled.messages.get(&message));
        let why = match appends.iter().find(|append| append.epoch == book.epoch()) {
            Some(append) => Some((append.number, "the leader that appended it leads still")),
            None => settled.map(|number| (*number, "it had come below the watermark")),
        };
        match why {
            Some((number, why)) => {
                let message =
                    format!("{message} was acknowledged and is missing from {partition}, although {why}");
                Err(Violation::new(NAME, message, [number, told]))
            }
            None => Ok(()),
        }
    }
}

/// Whether what was below the watermark may be gone with the election at hand.
fn forgets(cluster: &Cluster, book: &PartitionBook) -> bool {
    let rules = cluster.rules();
    let allowed = rules.unclean_election || rules.flush == Flush::Background;
    let begins = book.before.as_ref().is_some_and(|before| before.state.epoch < book.epoch());
    allowed && begins && book.unclean == Some(book.epoch())
}

impl Monitor<Fact> for LostOnlyAsAllowed {
    fn name(&self) -> &'static str {
        NAME
    }

    fn scope(&self) -> Scope {
        Scope::Final
    }

    fn witness(&mut self, stamp: &Stamp, fact: &Fact) -> Result<(), Violation> {
        match *fact {
            Fact::Told { message, partition, fate: Fate::Acknowledged(offset) } => {
                self.told.insert((partition, message), (offset, stamp.number));
            }
            Fact::WatermarkMoved { .. } => self.watermark_moved(stamp, fact),
            Fact::PartitionChanged { partition, .. } => {
                let cluster = self.cluster.borrow();
                let elected = !cluster.is_repeat();
                if elected && cluster.partition(partition).is_some_and(|book| forgets(&cluster, book)) {
                    self.settled.remove(&partition);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn conclude(&self, _end: Time) -> Result<(), Violation> {
        let cluster = self.cluster.borrow();
        if cluster.rules().acks == Acks::All {
            return Ok(());
        }
        self.told.iter().try_for_each(|(message, told)| self.judge(&cluster, *message, *told))
    }
}
