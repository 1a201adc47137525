//! What the controller knows, and what it makes of it: a function of who lives and how the partitions are.

use super::{Leader, PartitionState};
use crate::queue::brokers::{BrokerEpoch, BrokerId, Brokers};
use crate::queue::partition::Partition;
use crate::queue::replica::{Flush, Settings};
use std::collections::BTreeMap;

/// Everything that the controller decides by.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Metadata {
    /// Who lives, and which life.
    pub live: BTreeMap<BrokerId, BrokerEpoch>,
    /// The newest life of each broker that was taken note of.
    pub noted: BTreeMap<BrokerId, BrokerEpoch>,
    /// The partitions that there are.
    pub partitions: BTreeMap<Partition, PartitionState>,
}

/// One thing to be written, whole or not at all.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Change {
    /// A broker begins another life: that it is noted, and what it means to the partitions.
    Life {
        /// Which broker.
        broker: BrokerId,
        /// Which life.
        life: BrokerEpoch,
        /// The partitions that it changes.
        partitions: BTreeMap<Partition, PartitionState>,
    },
    /// A partition comes to be.
    Create(Partition, PartitionState),
    /// A partition changes.
    Partition(Partition, PartitionState),
}

/// What the controller goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rules {
    /// How many copies a partition has.
    pub factor: usize,
    /// Whether a leader may come from outside of the in-sync set.
    pub unclean_election: bool,
    /// What the replicas go by.
    pub settings: Settings,
}

impl Metadata {
    /// What is to be done next. Done in this order, and asked again afterwards, until there is nothing.
    pub fn due(&self, wanted: &[Partition], rules: Rules) -> Vec<Change> {
        let mut due: Vec<Change> = self.lives_due(rules).collect();
        // What a new life means must be known before anybody is elected.
        if due.is_empty() {
            due.extend(self.partitions.iter().filter_map(|(partition, state)| {
                let next = self.next_state(*partition, state, rules)?;
                Some(Change::Partition(*partition, next))
            }));
            due.extend(self.creations_due(wanted, rules));
        }
        due
    }

    fn lives_due(&self, rules: Rules) -> impl Iterator<Item = Change> + '_ {
        let news = self.live.iter().filter(|(broker, life)| self.noted.get(broker) != Some(life));
        news.map(move |(broker, life)| {
            let Settings { flush, min_insync, defects } = rules.settings;
            let may_have_lost = flush == Flush::Background && self.noted.contains_key(broker);
            let restarted = self.partitions.iter().filter(|(_, state)| state.replicas.has(*broker));
            let partitions = restarted.filter_map(|(partition, state)| {
                let next = state.restarted(*broker, may_have_lost, min_insync, defects);
                let changes = (next.leader, next.in_sync, next.eligible)
                    != (state.leader, state.in_sync, state.eligible);
                changes.then_some((*partition, next))
            });
            Change::Life { broker: *broker, life: *life, partitions: partitions.collect() }
        })
    }

    /// Where this partition stands differently from how it should: who is dead leaves, and somebody leads.
    fn next_state(
        &self,
        partition: Partition,
        state: &PartitionState,
        rules: Rules,
    ) -> Option<PartitionState> {
        let min_insync = rules.settings.min_insync;
        let live: Brokers = self.live.keys().copied().collect();
        let leads = |leader: Leader| self.live.get(&leader.broker) == Some(&leader.life);
        if let Some(leader) = state.leader.filter(|leader| !leads(*leader)) {
            return Some(state.departed(leader.broker, min_insync));
        }
        if state.leader.is_none() {
            let leader = self.choose(partition, state, live, rules)?;
            return Some(state.elected(leader, min_insync));
        }
        let dead = state.in_sync.minus(live).iter().next()?;
        Some(state.departed(dead, min_insync))
    }

    /// Who shall lead: of those who may, the one who is preferred.
    fn choose(
        &self,
        partition: Partition,
        state: &PartitionState,
        live: Brokers,
        rules: Rules,
    ) -> Option<Leader> {
        let safe = state.candidates(live, rules.settings.defects);
        // When nobody is left who surely has everything, whoever lives is as good as any.
        let nobody = state.in_sync.is_empty() && state.eligible.is_empty();
        let candidates = match () {
            () if !safe.is_empty() => safe,
            () if rules.unclean_election || nobody => state.replicas.and(live),
            () => Brokers::NONE,
        };
        let preferred: Vec<BrokerId> = candidates.iter().collect();
        let turn = (partition.number as usize).checked_rem(preferred.len())?;
        let broker = preferred[turn];
        Some(Leader { broker, life: *self.live.get(&broker)? })
    }

    /// Partitions that are wanted and not there yet, once enough brokers live: each on others than the one before it.
    fn creations_due(&self, wanted: &[Partition], rules: Rules) -> Vec<Change> {
        let live: Vec<(BrokerId, BrokerEpoch)> =
            self.live.iter().map(|(broker, life)| (*broker, *life)).collect();
        if live.len() < rules.factor {
            return Vec::new();
        }
        let missing =
            wanted.iter().enumerate().filter(|(_, partition)| !self.partitions.contains_key(partition));
        missing
            .map(|(place, partition)| {
                let spread = (0..rules.factor).map(|copy| live[(place + copy) % live.len()]);
                let replicas: Brokers = spread.clone().map(|(broker, _)| broker).collect();
                let (broker, life) = spread.clone().next().expect("a partition has a copy");
                Change::Create(*partition, PartitionState::new(replicas, Leader { broker, life }))
            })
            .collect()
    }
}
