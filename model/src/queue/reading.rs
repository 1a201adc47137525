//! What of fetched batches a consumer is shown, and where it goes on.

use super::defects::{Defect, Defects};
use super::offset::{LeaderEpoch, Offset};
use super::producers::Aborted;
use super::record::{Batch, Content, Record};
use serde::{Deserialize, Serialize};
use std::borrow::Borrow;

/// What a consumer wants of transactions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Isolation {
    /// All records below the high watermark, those of open and aborted transactions too.
    ReadUncommitted,
    /// Of transactions only the committed records, below the last stable offset.
    ReadCommitted,
}

/// Whom a consumer may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReadFrom {
    /// The leader.
    Leader,
    /// Any replica that is in sync with the leader (KIP-392).
    InSync,
}

/// What a consumer wants of a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Terms {
    /// Of transactions.
    pub isolation: Isolation,
    /// Only records with this tag, if one is named.
    pub tag: Option<u16>,
    /// From whom.
    pub of: ReadFrom,
}

/// What a consumer knows of the log before the offset from which it wants to read on (KIP-320).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Footing {
    /// In whose time the record right before it was appended, if the consumer has read that.
    pub last: Option<LeaderEpoch>,
    /// The newest epoch in which it was served: one who has not heard of that yet, or still leads in an older one, may show
    /// what is not in the log any more.
    pub newest: LeaderEpoch,
}

/// A consumer's rules, and how far it may read.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct View {
    /// What it wants of transactions.
    pub isolation: Isolation,
    /// Only records with this tag, if one is named.
    pub tag: Option<u16>,
    /// Where its sight ends: the last stable offset under read-committed, else the high watermark.
    pub end: Offset,
    /// How far the broker looked: there may be nothing for this consumer.
    pub next: Offset,
    /// The aborted transactions between the batches' offsets: [`Producers::aborted`](super::producers::Producers).
    pub aborted: Vec<Aborted>,
    /// The bugs that are switched on.
    pub defects: Defects,
}

/// A record that a consumer is shown.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ShownRecord {
    /// Where it stands.
    pub offset: Offset,
    /// In whose time it was appended: with the offset, it names this record for ever.
    pub epoch: LeaderEpoch,
    /// The record.
    pub record: Record,
}

/// What a fetch gives.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Shown {
    /// The records to be shown.
    pub records: Vec<ShownRecord>,
    /// Where the next fetch begins: behind all that was looked at, shown or not.
    pub next: Offset,
}

impl View {
    /// What the consumer that stands at `from` is shown of these batches, which follow one another without a gap and of
    /// which the first holds `from` or, where retention has dropped that, lies beyond it.
    pub fn read(&self, from: Offset, batches: &[impl Borrow<Batch>]) -> Shown {
        let records: Vec<ShownRecord> = batches
            .iter()
            .map(Borrow::borrow)
            .filter(|batch| self.shows(batch))
            .flat_map(records_of)
            .filter(|shown| (from..self.end).contains(&shown.offset) && self.matches(&shown.record))
            .collect();
        let mut looked_at = self.next.min(self.end).max(from);
        if self.tag.is_some() && self.defects.has(Defect::FilteredTailLags) {
            looked_at = records.last().map_or(from, |shown| shown.offset.plus(1));
        }
        Shown { records, next: looked_at }
    }

    fn matches(&self, record: &Record) -> bool {
        chooses(self.tag, record, self.defects)
    }

    fn shows(&self, batch: &Batch) -> bool {
        let of = batch.payload.producer.filter(|_| batch.payload.transactional);
        match (self.isolation, of) {
            (Isolation::ReadCommitted, Some(stamp)) => !self.aborted.iter().any(|aborted| {
                aborted.producer == stamp.id && (aborted.first..aborted.marker).contains(&batch.base)
            }),
            (Isolation::ReadCommitted, None) | (Isolation::ReadUncommitted, _) => true,
        }
    }
}

/// Whether a consumer that wants this tag, if any, is to be shown the record: if it is one of the record's tags.
pub fn chooses(tag: Option<u16>, record: &Record, defects: Defects) -> bool {
    tag.is_none_or(|tag| match defects.has(Defect::OnlyFirstTagCounts) {
        true => record.tags.iter().next() == Some(tag),
        false => record.tags.has(tag),
    })
}

fn records_of(batch: &Batch) -> impl Iterator<Item = ShownRecord> {
    let records: &[Record] = match &batch.payload.content {
        Content::Records(records) => records,
        Content::Marker(_) | Content::Routing(_) => &[],
    };
    let shown = |(place, record): (u64, &Record)| ShownRecord {
        offset: batch.base.plus(place),
        epoch: batch.epoch,
        record: record.clone(),
    };
    (0..).zip(records).map(shown)
}
