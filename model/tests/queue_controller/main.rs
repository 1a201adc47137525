//! The controller's decisions, for any order in which brokers die and come back.

use proptest::prelude::*;
use rehearsal_model::queue::brokers::{BrokerEpoch, BrokerId, Brokers};
use rehearsal_model::queue::controller::{Change, Metadata, PartitionState, Rules};
use rehearsal_model::queue::defects::Defects;
use rehearsal_model::queue::partition::{Partition, Topic};
use rehearsal_model::queue::replica::{Flush, SetRequest, Settings};

const BROKERS: u8 = 4;
const FACTOR: usize = 3;
const MIN_INSYNC: usize = 2;

#[derive(Clone, Debug)]
enum Event {
    Dies(u8),
    Comes(u8),
    /// The leader of a partition asks for a set without this one, or with it.
    Leaves(u32, u8),
    Joins(u32, u8),
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let broker = || 0..BROKERS;
    let event = prop_oneof![
        broker().prop_map(Event::Dies),
        broker().prop_map(Event::Comes),
        (0..2_u32, broker()).prop_map(|(partition, broker)| Event::Leaves(partition, broker)),
        (0..2_u32, broker()).prop_map(|(partition, broker)| Event::Joins(partition, broker)),
    ];
    prop::collection::vec(event, 0..40)
}

fn rules(flush: Flush, unclean_election: bool) -> Rules {
    let settings = Settings { flush, min_insync: MIN_INSYNC, defects: Defects::NONE };
    Rules { factor: FACTOR, unclean_election, settings }
}

fn wanted() -> Vec<Partition> {
    (0..2).map(|number| Partition { topic: Topic::Named(0), number }).collect()
}

/// The controller's world: what it knows is what there is.
struct World {
    metadata: Metadata,
    rules: Rules,
    lives: u64,
}

impl World {
    fn write(&mut self, partition: Partition, state: PartitionState) {
        if let Some(known) = self.metadata.partitions.get(&partition) {
            assert_eq!(state.version, known.version + 1, "versions rise one at a time");
            let elected = state.leader.is_some() && state.leader != known.leader;
            assert_eq!(
                state.epoch.0,
                known.epoch.0 + u32::from(elected),
                "every leader has an epoch of its own"
            );
            let safe = known.in_sync.or(known.eligible);
            let nobody_is_safe = safe.is_empty();
            if let (true, Some(leader)) = (elected, state.leader) {
                let clean = safe.has(leader.broker) || nobody_is_safe;
                assert!(
                    clean || self.rules.unclean_election,
                    "{leader:?} is elected from outside of {known:?}"
                );
            }
        }
        assert_eq!(state.in_sync.minus(state.replicas), Brokers::NONE);
        self.metadata.partitions.insert(partition, state);
    }

    /// Does all that is due.
    fn settle(&mut self) {
        for _ in 0..40 {
            let due = self.metadata.due(&wanted(), self.rules);
            if due.is_empty() {
                return;
            }
            for change in due {
                match change {
                    Change::Create(partition, state) | Change::Partition(partition, state) => {
                        self.write(partition, state);
                    }
                    Change::Life { broker, life, partitions } => {
                        self.metadata.noted.insert(broker, life);
                        partitions.into_iter().for_each(|(partition, state)| self.write(partition, state));
                    }
                }
            }
        }
        panic!("there is always something due");
    }

    fn happens(&mut self, event: &Event) {
        match *event {
            Event::Dies(broker) => {
                self.metadata.live.remove(&BrokerId(broker));
            }
            Event::Comes(broker) => {
                self.lives += 1;
                self.metadata.live.insert(BrokerId(broker), BrokerEpoch(self.lives));
            }
            Event::Leaves(partition, broker) => self.ask(partition, |set| set.without(BrokerId(broker))),
            Event::Joins(partition, broker) => self.ask(partition, |set| set.with(BrokerId(broker))),
        }
    }

    fn ask(&mut self, number: u32, change: impl Fn(Brokers) -> Brokers) {
        let partition = Partition { topic: Topic::Named(0), number };
        let Some(state) = self.metadata.partitions.get(&partition) else { return };
        let Some(leader) = state.leader else { return };
        let in_sync = change(state.in_sync);
        let request = SetRequest {
            leader: leader.broker,
            epoch: state.epoch,
            version: state.version,
            in_sync,
            joining: None,
        };
        let life_of = |broker| self.metadata.live.get(&broker).copied();
        if let Ok(next) = state.change_set(&request, life_of, MIN_INSYNC, Defects::NONE) {
            self.write(partition, next);
        }
    }
}

fn world(flush: Flush, unclean_election: bool) -> World {
    World { metadata: Metadata::default(), rules: rules(flush, unclean_election), lives: 0 }
}

fn check_rest(world: &World) {
    let live: Brokers = world.metadata.live.keys().copied().collect();
    for (broker, life) in &world.metadata.live {
        assert_eq!(world.metadata.noted.get(broker), Some(life), "every life is noted");
    }
    for state in world.metadata.partitions.values() {
        match state.leader {
            Some(leader) => {
                assert_eq!(world.metadata.live.get(&leader.broker), Some(&leader.life), "who leads lives");
                assert!(state.in_sync.has(leader.broker), "who leads is in sync");
                assert_eq!(state.in_sync.minus(live), Brokers::NONE, "the dead are not in sync");
            }
            None => {
                let safe = state.in_sync.or(state.eligible);
                assert_eq!(
                    state.candidates(live, Defects::NONE),
                    Brokers::NONE,
                    "somebody could lead {state:?}"
                );
                assert!(!safe.is_empty() || state.replicas.and(live).is_empty());
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn whatever_happens_to_brokers_somebody_safe_leads_who_can(
        events in events(),
        background: bool,
        unclean: bool,
    ) {
        let flush = if background { Flush::Background } else { Flush::BeforeAck };
        let mut world = world(flush, unclean);
        for event in &events {
            world.happens(event);
            world.settle();
            check_rest(&world);
        }
    }
}

#[test]
fn partitions_wait_until_there_are_brokers_for_all_copies() {
    let mut world = world(Flush::BeforeAck, false);
    world.happens(&Event::Comes(0));
    world.happens(&Event::Comes(1));
    world.settle();
    assert!(world.metadata.partitions.is_empty());
    world.happens(&Event::Comes(2));
    world.settle();
    let leaders = world.metadata.partitions.values().filter_map(|state| state.leader);
    assert_eq!(leaders.map(|leader| leader.broker.0).collect::<Vec<u8>>(), [0, 1]);
}

#[test]
fn who_acknowledged_from_memory_and_stopped_leaves_the_set_even_as_its_last_member() {
    let mut world = world(Flush::Background, false);
    (0..3).for_each(|broker| world.happens(&Event::Comes(broker)));
    world.settle();
    world.happens(&Event::Leaves(0, 1));
    world.happens(&Event::Leaves(0, 2));
    let partition = wanted()[0];
    assert_eq!(world.metadata.partitions[&partition].in_sync, Brokers::only(BrokerId(0)));
    assert_eq!(world.metadata.partitions[&partition].eligible, Brokers::only(BrokerId(2)));
    world.happens(&Event::Comes(0));
    world.settle();
    let state = &world.metadata.partitions[&partition];
    assert_eq!(state.leader.map(|leader| leader.broker), Some(BrokerId(2)), "{state:?}");
}
