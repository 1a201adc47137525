//! `placement-spread`: each partition has as many copies as was asked for, each on a broker of its own, and more only while
//! it moves. In the end, in the calm, copies are on members alone, and no member has two copies more than another, or leads
//! two partitions more. *Local* to the coordination service; and the end: *final*.
//!
//! A set of brokers holds each once, so its size says all.
//!
//! Broken by: a placement that counts a broker twice, or goes on while too few brokers live; leads that are never evened
//! out, so that whoever was up when the others were not leads on.

use super::cluster::{Cluster, SharedCluster};
use crate::{Monitor, Scope};
use rehearsal_env::{Stamp, Time, Violation};
use rehearsal_model::queue::brokers::BrokerId;
use rehearsal_model::queue::controller::PartitionState;
use rehearsal_model::queue::facts::Fact;

const NAME: &str = "placement-spread";

/// Counts the copies.
#[derive(Debug)]
pub struct PlacementSpread {
    cluster: SharedCluster,
}

impl PlacementSpread {
    /// Judges this cluster.
    pub fn new(cluster: SharedCluster) -> PlacementSpread {
        PlacementSpread { cluster }
    }
}

fn on_members(cluster: &Cluster) -> Result<(), Violation> {
    let members = cluster.members();
    for (partition, known) in cluster.partitions().filter_map(|(of, book)| Some((of, book.now.as_ref()?))) {
        let strangers = known.state.replicas.minus(members);
        if !strangers.is_empty() {
            let message =
                format!("at the end {partition} has copies on {strangers}, and {members} are to have them");
            return Err(Violation::new(NAME, message, [known.number]));
        }
    }
    Ok(())
}

/// Whether what partitions have of a broker is the same for all members, but for one.
fn evenly(
    cluster: &Cluster,
    what: &str,
    counts: impl Fn(&PartitionState, BrokerId) -> bool,
) -> Result<(), Violation> {
    let states = || cluster.partitions().filter_map(|(_, book)| book.now.as_ref());
    let count = |broker| states().filter(|known| counts(&known.state, broker)).count();
    let by_count = || cluster.members().iter().map(|broker| (count(broker), broker));
    let (Some((least, few)), Some((most, many))) = (by_count().min(), by_count().max()) else {
        return Ok(());
    };
    if most <= least + 1 {
        return Ok(());
    }
    let because = states().filter(|known| counts(&known.state, many)).map(|known| known.number);
    let message = format!("at the end {many} {what} {most} partitions, and {few} {least}");
    Err(Violation::new(NAME, message, because))
}

impl Monitor<Fact> for PlacementSpread {
    fn name(&self) -> &'static str {
        NAME
    }

    fn scope(&self) -> Scope {
        Scope::Local
    }

    fn witness(&mut self, stamp: &Stamp, fact: &Fact) -> Result<(), Violation> {
        let Fact::PartitionChanged { partition, state } = fact else { return Ok(()) };
        let cluster = self.cluster.borrow();
        let rules = cluster.rules();
        let (copies, factor) = (state.replicas.len(), rules.factor as usize);
        if copies < factor || copies > factor && !state.moves() {
            let message = format!("{partition} has {copies} copies instead of {factor}");
            return Err(Violation::new(NAME, message, [stamp.number]));
        }
        if let Some(unknown) = state.replicas.iter().find(|broker| u32::from(broker.0) >= rules.brokers) {
            let message = format!("{partition} is placed on {unknown}, which there is not");
            return Err(Violation::new(NAME, message, [stamp.number]));
        }
        Ok(())
    }

    fn conclude(&self, _end: Time) -> Result<(), Violation> {
        let cluster = self.cluster.borrow();
        on_members(&cluster)?;
        evenly(&cluster, "has a copy of", |state, broker| state.replicas.has(broker))?;
        evenly(&cluster, "leads", |state, broker| state.leader.is_some_and(|leader| leader.broker == broker))
    }
}
