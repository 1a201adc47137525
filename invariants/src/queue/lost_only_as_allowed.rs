//! `lost-only-as-allowed`: with `acks = none` or `leader` a message that was acknowledged, and is missing from the
//! leader's log at the end, is missing for one of these causes. *Global*, as what each leader had when it began; and the
//! loss: *final*.
//!
//! | cause, told as a remark | acks | says |
//! |---|---|---|
//! | `lost-with-its-request` | none | no leader has appended it, and no broker has refused it |
//! | `lost-since-it-was-refused` | none | no leader has appended it; a broker refused it, which nobody waits to hear |
//! | `lost-with-its-leader` | both | the epoch of its leader ended before the next that began to lead had fetched it |
//! | `lost-in-an-unclean-election` | both | who leads next was elected from outside of those who had everything |
//!
//! A loss without a cause is a violation:
//!
//! - Where an offset was told, the message was appended there.
//! - The leader that has it, and still leads, loses nothing.
//! - Nothing that came below a watermark is lost, but as `acked-not-lost` says for `background` and `unclean_election`.
//! - Who had fetched it, or had it on its disk, does not begin to lead without it: unless a leader between was without it,
//!   with whose log its own then had to agree. What a follower had in memory alone may go with that.
//! - Where nothing goes wrong in the world around, no operator asks for anything and the lead has never passed on, nothing
//!   is lost at all, but what is refused because it is too large.
//!
//! What retention may have taken is not judged here (`retention-honest`).
//!
//! Broken by: a leader that answers and does not append; a follower that cuts its log at its own watermark, and leads; an
//! election from outside of the set where that is not allowed.

use super::cluster::{Append, Cluster, PartitionBook, SharedCluster};
use super::markers::{
    LOST_IN_UNCLEAN_ELECTION, LOST_SINCE_REFUSED, LOST_WITH_ITS_LEADER, LOST_WITH_ITS_REQUEST,
};
use super::succession::{Departure, Successions};
use crate::{Monitor, Remark};
use rehearsal_env::{Marker, Stamp, Time, Violation};
use rehearsal_model::queue::facts::{Fact, Fate};
use rehearsal_model::queue::message::MessageId;
use rehearsal_model::queue::offset::Offset;
use rehearsal_model::queue::partition::Partition;
use rehearsal_model::queue::production::Acks;
use rehearsal_model::queue::protocol::Refusal;
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

/// A message that was acknowledged.
#[derive(Clone, Copy, Debug)]
struct Told {
    partition: Partition,
    message: MessageId,
    /// Where it is to stand, if its producer waited for that.
    offset: Option<Offset>,
    /// The number of the fact.
    number: u64,
}

/// A loss that is allowed: of which kind, and what led to it.
struct Loss {
    marker: Marker,
    because: String,
    /// The numbers of the facts that say so.
    evidence: Vec<u64>,
}

/// Remembers what was acknowledged, what came below a watermark, and what each leader had.
#[derive(Debug)]
pub struct LostOnlyAsAllowed {
    cluster: SharedCluster,
    told: BTreeMap<(Partition, MessageId), (Option<Offset>, u64)>,
    /// What was refused last, why, and by which fact.
    refused: BTreeMap<(Partition, MessageId), (String, u64)>,
    settled: BTreeMap<Partition, Settled>,
    successions: Successions,
}

impl LostOnlyAsAllowed {
    /// Judges this cluster.
    pub fn new(cluster: SharedCluster) -> LostOnlyAsAllowed {
        LostOnlyAsAllowed {
            cluster,
            told: BTreeMap::new(),
            refused: BTreeMap::new(),
            settled: BTreeMap::new(),
            successions: Successions::default(),
        }
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

    /// How the message was lost, if it was.
    fn judge(&self, cluster: &Cluster, told: Told) -> Result<Option<Loss>, Violation> {
        let Told { partition, message, offset, number } = told;
        let Some((book, log)) =
            cluster.partition(partition).and_then(|book| Some((book, book.leaders_log()?)))
        else {
            return Ok(None);
        };
        let appends = book.appends.get(&message).map_or(&[][..], Vec::as_slice);
        if offset.is_some_and(|offset| !appends.iter().any(|append| append.offset == offset)) {
            let message =
                format!("{message} was acknowledged, and was never appended where its producer was told");
            return Err(Violation::new(NAME, message, [number]));
        }
        let is_taken = appends.iter().any(|append| append.offset < book.taken);
        if is_taken || log.place_of(message).is_some() {
            return Ok(None);
        }
        let loss = match appends.last() {
            None => self.never_appended(told),
            Some(last) => {
                if let Some((evidence, why)) = self.unexcused(book, told, appends) {
                    return Err(violation(told, why, evidence));
                }
                self.left_behind(partition, message, *last)
            }
        };
        let refused = self.refused.get(&(partition, message));
        // Who is named as leader may not have heard of it yet.
        let expected = [Refusal::TooLarge, Refusal::NotLeader].map(|refusal| refusal.to_string());
        let is_refused = refused.is_some_and(|(why, _)| expected.contains(why));
        if cluster.rules().has_faults || book.leaders.len() > 1 || is_refused {
            return Ok(Some(loss));
        }
        let why = format!("although nothing goes wrong in the world around: {}", loss.because);
        Err(violation(told, why, loss.evidence))
    }

    fn never_appended(&self, Told { partition, message, number, .. }: Told) -> Loss {
        match self.refused.get(&(partition, message)) {
            Some((why, refused)) => Loss {
                marker: LOST_SINCE_REFUSED,
                because: format!("it was refused: {why}"),
                evidence: vec![number, *refused],
            },
            None => Loss {
                marker: LOST_WITH_ITS_REQUEST,
                because: "no broker has heard of it".to_owned(),
                evidence: vec![number],
            },
        }
    }

    /// Why a message that was appended must not be missing, and the facts that say so; nothing if it may be.
    fn unexcused(&self, book: &PartitionBook, told: Told, appends: &[Append]) -> Option<(Vec<u64>, String)> {
        let Told { partition, message, .. } = told;
        if let Some(append) = appends.iter().find(|append| append.epoch == book.epoch()) {
            let why = "although the leader that appended it leads still";
            return Some((vec![append.number], why.to_owned()));
        }
        let settled = self.settled.get(&partition).and_then(|settled| settled.messages.get(&message));
        if let Some(settled) = settled {
            return Some((vec![*settled], "although it had come below the watermark".to_owned()));
        }
        let succession = self.successions.of(partition)?;
        if let Some((leader, epoch)) = succession.leader()
            && book.is_led_by(leader, epoch)
            && succession.has(message)
        {
            let why =
                format!("although {leader} had it when it began to lead in epoch {epoch}, and leads still");
            return Some((Vec::new(), why));
        }
        let Departure { heir, epoch, number, given_up, .. } = *succession.departure(message)?;
        let why = format!(
            "since {heir}, which leads in epoch {epoch}, gave up what it and every leader before had"
        );
        Some((vec![given_up?, number], why))
    }

    fn left_behind(&self, partition: Partition, message: MessageId, last: Append) -> Loss {
        match self.successions.of(partition).and_then(|succession| succession.departure(message)) {
            Some(Departure { heir, epoch, number, is_unclean, .. }) => Loss {
                marker: if *is_unclean { LOST_IN_UNCLEAN_ELECTION } else { LOST_WITH_ITS_LEADER },
                because: format!("{heir} began to lead in epoch {epoch} without it"),
                evidence: vec![last.number, *number],
            },
            None => Loss {
                marker: LOST_WITH_ITS_LEADER,
                because: format!("it was appended in epoch {} when another had been elected", last.epoch),
                evidence: vec![last.number],
            },
        }
    }

    /// Every message that was acknowledged, and is to be judged here.
    fn all_told(&self) -> impl Iterator<Item = Told> + '_ {
        self.told.iter().map(|(&(partition, message), &(offset, number))| Told {
            partition,
            message,
            offset,
            number,
        })
    }
}

fn violation(Told { partition, message, number, .. }: Told, why: String, evidence: Vec<u64>) -> Violation {
    let message = format!("{message} was acknowledged and is missing from {partition}, {why}");
    Violation::new(NAME, message, evidence.into_iter().chain([number]))
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

    fn witness(&mut self, stamp: &Stamp, fact: &Fact) -> Result<(), Violation> {
        if self.cluster.borrow().rules().acks == Acks::All {
            return Ok(());
        }
        self.successions.witness(stamp, fact, &self.cluster.borrow());
        match *fact {
            Fact::Told { message, partition, fate: Fate::Acknowledged(offset) } => {
                self.told.insert((partition, message), (offset, stamp.number));
            }
            Fact::Refused { partition, ref why, ref messages } => {
                let refused =
                    messages.iter().map(|message| ((partition, *message), (why.clone(), stamp.number)));
                self.refused.extend(refused);
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
        self.all_told().try_for_each(|told| self.judge(&cluster, told).map(|_| ()))
    }

    fn remarks(&self) -> Vec<Remark> {
        let cluster = self.cluster.borrow();
        let losses = self.all_told().filter_map(|told| Some((told, self.judge(&cluster, told).ok()??)));
        let remarks = losses.map(|(Told { partition, message, .. }, Loss { marker, because, .. })| Remark {
            marker,
            message: format!("{message}, acknowledged in {partition}: {because}"),
        });
        remarks.collect()
    }
}
