//! `start-below-watermark`: on every replica start ≤ watermark ≤ end. What a leader calls its watermark lies within its own
//! log, and so does what any replica takes for it when its log has become shorter and when it begins to lead or to follow;
//! and no replica starts, after retention, beyond the highest watermark that any leader has told. *Global*.
//!
//! That a replica joins the set only once it has everything below the watermark is judged by `isr-ordering`.
//!
//! Broken by: a replica that is elected before it has heard a watermark (KAFKA-9491), or that takes one over without the
//! records below it.

use super::cluster::SharedCluster;
use crate::Monitor;
use rehearsal_env::{Stamp, Violation};
use rehearsal_model::queue::facts::Fact;
use rehearsal_model::queue::offset::Offset;
use rehearsal_model::queue::partition::Partition;
use std::collections::BTreeMap;

const NAME: &str = "start-below-watermark";

/// Compares the watermark with the log.
#[derive(Debug)]
pub struct StartBelowWatermark {
    cluster: SharedCluster,
    /// The highest watermark that was told, and by which fact.
    highest: BTreeMap<Partition, (Offset, u64)>,
}

impl StartBelowWatermark {
    /// Judges this cluster.
    pub fn new(cluster: SharedCluster) -> StartBelowWatermark {
        StartBelowWatermark { cluster, highest: BTreeMap::new() }
    }

    fn moved(&mut self, stamp: &Stamp, partition: Partition, to: Offset) -> Result<(), Violation> {
        let highest = self.highest.entry(partition).or_insert((to, stamp.number));
        *highest = (*highest).max((to, stamp.number));
        let cluster = self.cluster.borrow();
        let Some(copy) = cluster.own_copy(partition, stamp.node) else { return Ok(()) };
        if (copy.start()..=copy.end()).contains(&to) {
            return Ok(());
        }
        let (start, end) = (copy.start(), copy.end());
        let message =
            format!("the watermark of {partition} is {to}, and the leader's log goes from {start} to {end}");
        let last = copy.last().map(|last| last.number);
        Err(Violation::new(NAME, message, last.into_iter().chain([stamp.number])))
    }

    /// What a replica takes for the watermark.
    fn held(&self, stamp: &Stamp, partition: Partition, at: Offset) -> Result<(), Violation> {
        let cluster = self.cluster.borrow();
        let own =
            cluster.broker(stamp.node).and_then(|broker| Some((broker, cluster.copy(partition, broker)?)));
        let Some((broker, copy)) = own else { return Ok(()) };
        let (start, end) = (copy.start(), copy.end());
        if (start..=end).contains(&at) {
            return Ok(());
        }
        let message = format!(
            "{broker} takes {at} for the watermark of {partition}, and its log goes from {start} to {end}"
        );
        Err(Violation::new(NAME, message, [stamp.number]))
    }

    fn dropped(&self, stamp: &Stamp, partition: Partition, to: Offset) -> Result<(), Violation> {
        let (highest, number) = self.highest.get(&partition).copied().unwrap_or_default();
        if to <= highest {
            return Ok(());
        }
        let message = format!(
            "a log of {partition} starts at {to} after retention, and no leader has told a watermark above {highest}"
        );
        Err(Violation::new(NAME, message, [number, stamp.number]))
    }
}

impl Monitor<Fact> for StartBelowWatermark {
    fn name(&self) -> &'static str {
        NAME
    }

    fn witness(&mut self, stamp: &Stamp, fact: &Fact) -> Result<(), Violation> {
        match *fact {
            Fact::WatermarkMoved { partition, to, .. } => self.moved(stamp, partition, to),
            Fact::WatermarkHeld { partition, at } => self.held(stamp, partition, at),
            Fact::Dropped { partition, to, .. } => self.dropped(stamp, partition, to),
            _ => Ok(()),
        }
    }
}
