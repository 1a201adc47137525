//! What the controller knows, and what it makes of it: a function of who lives and how the partitions are.

use super::{Leader, MOVES_AT_ONCE, PartitionState, balance, placement};
use crate::queue::brokers::{BrokerEpoch, BrokerId, Brokers};
use crate::queue::defects::Defect;
use crate::queue::partition::Partition;
use crate::queue::replica::{Flush, Settings};
use std::collections::{BTreeMap, BTreeSet};

/// Everything that the controller decides by.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Metadata {
    /// Who lives, and which life.
    pub live: BTreeMap<BrokerId, BrokerEpoch>,
    /// The newest life of each broker that was taken note of.
    pub noted: BTreeMap<BrokerId, BrokerEpoch>,
    /// The lives before those that are lived, of brokers that stopped in order: everything that they ever said they have is
    /// on their disks.
    pub after: BTreeMap<BrokerId, BrokerEpoch>,
    /// Who is asked to stop: others are to lead and to be in sync in their place.
    pub stopping: Brokers,
    /// The brokers that copies are placed on.
    pub members: Brokers,
    /// Whether nobody has come or gone for a while, so that leads may pass on for the sake of evenness alone.
    pub quiet: bool,
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

impl Change {
    /// The partitions that it changes or makes, as they are afterwards.
    pub fn states(&self) -> BTreeMap<Partition, PartitionState> {
        match self {
            Change::Life { partitions, .. } => partitions.clone(),
            Change::Create(partition, state) | Change::Partition(partition, state) => {
                BTreeMap::from([(*partition, state.clone())])
            }
        }
    }
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
        }
        // Where partitions come to be, nobody has lived before.
        if due.iter().all(|change| matches!(change, Change::Partition(..)) || change.states().is_empty()) {
            due.extend(self.creations_due(wanted, rules));
        }
        // Copies are moved when all is as well as it can be, and leads when nothing moves.
        if due.is_empty() {
            due.extend(self.moves_due(rules));
        }
        if due.is_empty() && self.quiet {
            due.extend(self.balance_due(rules));
        }
        due
    }

    /// What of that is to be written together: lives that change no partition in common, and all partitions that come to
    /// be. Anything else alone, for the next one is decided by what it leaves.
    pub fn due_together(&self, wanted: &[Partition], rules: Rules) -> Vec<Change> {
        let mut touched = BTreeSet::new();
        let mut together = Vec::new();
        for change in self.due(wanted, rules) {
            let states = change.states();
            let is_alone = matches!(change, Change::Partition(..));
            let fits = !is_alone && states.keys().all(|partition| !touched.contains(partition));
            if !together.is_empty() && !fits {
                break;
            }
            touched.extend(states.into_keys());
            together.push(change);
            if is_alone {
                break;
            }
        }
        together
    }

    fn live(&self) -> Brokers {
        self.live.keys().copied().collect()
    }

    fn leader(&self, broker: BrokerId) -> Option<Leader> {
        self.live.get(&broker).map(|life| Leader { broker, life: *life })
    }

    /// The next step of each move, and another move if there is one to begin.
    fn moves_due(&self, rules: Rules) -> Vec<Change> {
        let steps = self.partitions.iter().filter_map(|(partition, state)| {
            Some(Change::Partition(*partition, self.next_step(state, rules)?))
        });
        let mut due: Vec<Change> = steps.collect();
        if due.is_empty() {
            due.extend(self.next_move());
        }
        due
    }

    /// What brings a move nearer to its end: the leader hands over if it is to go, and then those go who are to.
    fn next_step(&self, state: &PartitionState, rules: Rules) -> Option<PartitionState> {
        let Settings { min_insync, defects, .. } = rules.settings;
        let leader = state.leader.filter(|_| state.moves() && state.may_let_go(defects))?;
        if state.target().has(leader.broker) {
            return Some(state.let_go(defects));
        }
        let live = self.live();
        let heirs = state.target().and(state.in_sync).and(live).minus(self.stopping);
        let heir = balance::least(heirs, &balance::leads(live, &self.partitions))?;
        Some(state.elected(self.leader(heir)?, min_insync))
    }

    /// Where copies go next: first off brokers that are no members, and even then only so many partitions at once.
    fn next_move(&self) -> Option<Change> {
        let (live, loads) = (self.live(), placement::loads(self.members, &self.partitions));
        let may_begin = self.partitions.values().filter(|state| state.moves()).count() < MOVES_AT_ONCE;
        let towards = |partition: &Partition, target| {
            Change::Partition(*partition, self.partitions[partition].moved_towards(target))
        };
        let mut stray = self.partitions.iter().filter(|(_, state)| state.moves() || may_begin);
        let off = stray.find_map(|(partition, state)| {
            let target = placement::off_strangers(state, self.members, live, &loads)?;
            Some(towards(partition, target))
        });
        let is_home = |state: &PartitionState| state.target().minus(self.members).is_empty();
        let evens = off.is_none() && may_begin && self.partitions.values().all(is_home);
        off.or_else(|| {
            let found = placement::evened(&self.partitions, self.members, live, &loads).filter(|_| evens);
            found.map(|(partition, target)| towards(&partition, target))
        })
    }

    /// The next lead that passes on for the sake of evenness.
    fn balance_due(&self, rules: Rules) -> Option<Change> {
        let Settings { min_insync, defects, .. } = rules.settings;
        let moves = self.partitions.values().any(PartitionState::moves);
        if moves || defects.has(Defect::NeverBalances) {
            return None;
        }
        let (partition, to) =
            balance::next(self.members.and(self.live()).minus(self.stopping), &self.partitions)?;
        let state = self.partitions[&partition].elected(self.leader(to)?, min_insync);
        Some(Change::Partition(partition, state))
    }

    fn lives_due(&self, rules: Rules) -> impl Iterator<Item = Change> + '_ {
        let news = self.live.iter().filter(|(broker, life)| self.noted.get(broker) != Some(life));
        news.map(move |(broker, life)| {
            let Settings { flush, min_insync, defects } = rules.settings;
            // A life that nobody has taken note of may have lost something before the one that stopped in order began.
            let noted = self.noted.get(broker);
            let in_order = self.after.get(broker).is_some_and(|after| noted == Some(after));
            let may_have_lost = flush == Flush::Background && noted.is_some() && !in_order;
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
        let live = self.live();
        let leads = |leader: Leader| self.live.get(&leader.broker) == Some(&leader.life);
        if let Some(leader) = state.leader.filter(|leader| !leads(*leader)) {
            return Some(state.departed(leader.broker, min_insync));
        }
        if state.leader.is_none() {
            let leader = self.choose(partition, state, live, rules)?;
            return Some(state.elected(leader, min_insync));
        }
        match state.in_sync.minus(live).iter().next() {
            Some(dead) => Some(state.departed(dead, min_insync)),
            None => self.next_release(state, rules),
        }
    }

    /// What lets somebody stop: another leads in his place, and then he leaves the set, if enough are left in it.
    fn next_release(&self, state: &PartitionState, rules: Rules) -> Option<PartitionState> {
        let min_insync = rules.settings.min_insync;
        let rest = state.in_sync.minus(self.stopping);
        if state.leader.is_some_and(|leader| self.stopping.has(leader.broker)) {
            let stay = rest.minus(state.removing);
            let heirs = if stay.is_empty() { rest } else { stay };
            let heir = balance::least(heirs, &balance::leads(self.live(), &self.partitions))?;
            return Some(state.elected(self.leader(heir)?, min_insync));
        }
        let leaves = state.in_sync.and(self.stopping).iter().next()?;
        (rest.len() >= min_insync.max(1)).then(|| state.departed(leaves, min_insync))
    }

    /// Who shall lead: of those who may, the one who is preferred.
    fn choose(
        &self,
        partition: Partition,
        state: &PartitionState,
        live: Brokers,
        rules: Rules,
    ) -> Option<Leader> {
        let able = live.minus(self.stopping);
        let safe = state.candidates(able, rules.settings.defects);
        if safe.is_empty() && !state.candidates(live, rules.settings.defects).is_empty() {
            // Who has everything is about to stop, and comes back.
            return None;
        }
        // When nobody is left who surely has everything, whoever lives is as good as any.
        let nobody = state.in_sync.is_empty() && state.eligible.is_empty();
        let candidates = match () {
            () if !safe.is_empty() => safe,
            () if rules.unclean_election || nobody => {
                // Whoever has had its copy for longer has more of it.
                let old = state.replicas.minus(state.adding).and(able);
                if old.is_empty() { state.replicas.and(able) } else { old }
            }
            () => Brokers::NONE,
        };
        let stay = candidates.minus(state.removing);
        let candidates = if stay.is_empty() { candidates } else { stay };
        let preferred: Vec<BrokerId> = candidates.iter().collect();
        let turn = (partition.number as usize).checked_rem(preferred.len())?;
        let broker = preferred[turn];
        Some(Leader { broker, life: *self.live.get(&broker)? })
    }

    /// Partitions that are wanted and not there yet, once enough members live: each where least is, led by who leads least.
    fn creations_due(&self, wanted: &[Partition], rules: Rules) -> Vec<Change> {
        let able = self.members.and(self.live()).minus(self.stopping);
        if able.len() < rules.factor {
            return Vec::new();
        }
        let mut there = self.partitions.clone();
        let missing = wanted.iter().filter(|partition| !self.partitions.contains_key(partition));
        missing
            .map(|partition| {
                let loads = placement::loads(self.members, &there);
                let replicas = placement::first(able, &loads, rules.factor);
                let leader = balance::least(replicas, &balance::leads(able, &there));
                let leader = leader.and_then(|broker| self.leader(broker)).expect("a partition has a copy");
                let state = PartitionState::new(replicas, leader);
                there.insert(*partition, state.clone());
                Change::Create(*partition, state)
            })
            .collect()
    }
}
