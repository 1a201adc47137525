//! The controller's decisions, for any order in which brokers die and come back, are added and removed.

mod stopping;

use proptest::prelude::*;
use rehearsal_model::queue::brokers::{BrokerEpoch, BrokerId, Brokers};
use rehearsal_model::queue::controller::{Change, MOVES_AT_ONCE, Metadata, PartitionState, Rules};
use rehearsal_model::queue::defects::Defects;
use rehearsal_model::queue::partition::{Partition, Topic};
use rehearsal_model::queue::replica::{Flush, SetRequest, Settings};

const BROKERS: u8 = 5;
const PARTITIONS: u32 = 4;
const FACTOR: usize = 3;
const MIN_INSYNC: usize = 2;

#[derive(Clone, Debug)]
enum Event {
    Dies(u8),
    Comes(u8),
    /// The leader of a partition asks for a set without this one, or with it.
    Leaves(u32, u8),
    Joins(u32, u8),
    /// Copies shall be placed on this one from now on, or not.
    Added(u8),
    Removed(u8),
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let broker = || 0..BROKERS;
    let event = prop_oneof![
        broker().prop_map(Event::Dies),
        broker().prop_map(Event::Comes),
        (0..PARTITIONS, broker()).prop_map(|(partition, broker)| Event::Leaves(partition, broker)),
        (0..PARTITIONS, broker()).prop_map(|(partition, broker)| Event::Joins(partition, broker)),
        broker().prop_map(Event::Added),
        broker().prop_map(Event::Removed),
    ];
    prop::collection::vec(event, 0..40)
}

fn rules(flush: Flush, unclean_election: bool) -> Rules {
    let settings = Settings { flush, min_insync: MIN_INSYNC, defects: Defects::NONE };
    Rules { factor: FACTOR, unclean_election, settings }
}

fn wanted() -> Vec<Partition> {
    (0..PARTITIONS).map(|number| Partition { topic: Topic::Named(0), number }).collect()
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
            let gone = known.replicas.minus(state.replicas);
            assert_eq!(
                state.epoch.0,
                known.epoch.0 + u32::from(elected || !gone.is_empty()),
                "every leader, and every smaller set of copies, has an epoch of its own"
            );
            if state.replicas != known.replicas {
                assert!(state.in_sync.len() >= known.in_sync.len().min(FACTOR), "{known:?} to {state:?}");
            }
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
        assert_eq!(state.target().len(), FACTOR, "{state:?}");
        self.metadata.partitions.insert(partition, state);
    }

    /// Does all that is due, one thing at a time: the next one is decided by what this one leaves.
    fn settle(&mut self) {
        for _ in 0..400 {
            let due = self.metadata.due(&wanted(), self.rules).into_iter().next();
            match due {
                None => return,
                Some(Change::Create(partition, state) | Change::Partition(partition, state)) => {
                    self.write(partition, state);
                }
                Some(Change::Life { broker, life, partitions }) => {
                    self.metadata.noted.insert(broker, life);
                    partitions.into_iter().for_each(|(partition, state)| self.write(partition, state));
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
            Event::Added(broker) => self.metadata.members = self.metadata.members.with(BrokerId(broker)),
            Event::Removed(broker) => {
                let left = self.metadata.members.without(BrokerId(broker));
                if left.len() >= FACTOR {
                    self.metadata.members = left;
                }
            }
        }
    }

    /// Everybody comes, and everybody who has a copy catches up, until nothing happens any more.
    fn calm_down(&mut self) {
        (0..BROKERS).for_each(|broker| self.happens(&Event::Comes(broker)));
        for _ in 0..100 {
            let before = self.metadata.clone();
            self.settle();
            for (partition, broker) in (0..PARTITIONS).flat_map(|of| (0..BROKERS).map(move |id| (of, id))) {
                self.happens(&Event::Joins(partition, broker));
                self.settle();
            }
            if self.metadata == before {
                return;
            }
        }
        panic!("there is always something to do");
    }

    /// How many partitions have something of each member, from least to most.
    fn spread(&self, has: impl Fn(&PartitionState, BrokerId) -> bool) -> (usize, usize) {
        let states = || self.metadata.partitions.values();
        let counts = self.metadata.members.iter().map(|id| states().filter(|state| has(state, id)).count());
        counts.fold((usize::MAX, 0), |(least, most), count| (least.min(count), most.max(count)))
    }

    fn ask(&mut self, number: u32, change: impl Fn(Brokers) -> Brokers) {
        let partition = Partition { topic: Topic::Named(0), number };
        let Some(state) = self.metadata.partitions.get(&partition) else { return };
        let Some(leader) = state.leader else { return };
        let in_sync = change(state.in_sync);
        if in_sync == state.in_sync {
            return;
        }
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
    let metadata = Metadata { members: Brokers::first(4), quiet: true, ..Metadata::default() };
    World { metadata, rules: rules(flush, unclean_election), lives: 0 }
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

    #[test]
    fn in_the_calm_every_move_is_done_and_copies_and_leads_are_even(events in events(), background: bool) {
        let flush = if background { Flush::Background } else { Flush::BeforeAck };
        let mut world = world(flush, false);
        for event in &events {
            world.happens(event);
            world.settle();
        }
        world.calm_down();
        for state in world.metadata.partitions.values() {
            prop_assert!(!state.moves(), "{:?}", state);
            prop_assert_eq!(state.replicas.minus(world.metadata.members), Brokers::NONE);
            prop_assert_eq!(state.replicas.len(), FACTOR);
            prop_assert_eq!(state.in_sync, state.replicas);
        }
        let (least, most) = world.spread(|state, id| state.replicas.has(id));
        prop_assert!(most <= least + 1, "copies: {:?}", world.metadata);
        let (least, most) = world.spread(|state, id| state.leader.is_some_and(|leader| leader.broker == id));
        prop_assert!(most <= least + 1, "leads: {:?}", world.metadata);
    }
}

/// Four members live, and have what they are to have.
fn settled() -> World {
    let mut world = world(Flush::BeforeAck, false);
    world.calm_down();
    world
}

fn moving(world: &World) -> usize {
    world.metadata.partitions.values().filter(|state| state.moves()).count()
}

#[test]
fn no_more_partitions_move_at_once_than_may() {
    let mut world = settled();
    world.happens(&Event::Added(4));
    world.happens(&Event::Removed(0));
    world.settle();
    assert_eq!(moving(&world), MOVES_AT_ONCE);
}

#[test]
fn an_old_copy_goes_when_the_new_one_is_in_sync_and_not_before() {
    let mut world = settled();
    world.happens(&Event::Added(4));
    world.happens(&Event::Removed(0));
    world.settle();
    let (partition, state) =
        world.metadata.partitions.iter().find(|(_, state)| state.moves()).expect("something moves");
    let (number, had, new) = (partition.number, state.removing, state.adding);
    assert_eq!((had, state.in_sync.and(had)), (Brokers::only(BrokerId(0)), had), "it counts still");
    let joins = new.iter().next().expect("a new copy");
    world.happens(&Event::Joins(number, joins.0));
    world.settle();
    let state = &world.metadata.partitions[&wanted()[number as usize]];
    assert!(!state.replicas.has(BrokerId(0)) && state.in_sync.has(joins), "{state:?}");
    assert_eq!(state.in_sync.len(), FACTOR);
}

#[test]
fn a_leader_that_is_to_go_hands_over_in_an_epoch_of_its_own() {
    let mut world = settled();
    let leads = |state: &PartitionState| state.leader.is_some_and(|leader| leader.broker == BrokerId(0));
    let led = world.metadata.partitions.iter().find(|(_, state)| leads(state));
    let (partition, before) = led.map(|(of, state)| (*of, state.clone())).expect("it leads something");
    world.happens(&Event::Removed(0));
    world.calm_down();
    let after = &world.metadata.partitions[&partition];
    let heir = after.leader.expect("somebody leads");
    assert!(before.in_sync.has(heir.broker) || after.in_sync.has(heir.broker));
    assert_eq!(heir.life, world.metadata.live[&heir.broker]);
    assert!(after.epoch.0 >= before.epoch.0 + 2, "one to hand over, one to let go: {after:?}");
}

#[test]
fn a_move_whose_target_is_removed_goes_elsewhere_or_back() {
    let mut world = settled();
    let before = world.metadata.partitions.clone();
    world.happens(&Event::Dies(4));
    world.happens(&Event::Added(4));
    world.happens(&Event::Removed(0));
    world.happens(&Event::Comes(4));
    world.settle();
    assert!(moving(&world) > 0);
    world.happens(&Event::Dies(4));
    world.happens(&Event::Added(0));
    world.happens(&Event::Removed(4));
    world.settle();
    let states = world.metadata.partitions.iter();
    let back = states.filter(|(partition, state)| state.target() == before[partition].replicas).count();
    assert_eq!(back, before.len(), "who had a copy anyway has it");
    assert_eq!(moving(&world), 0, "and all of them were in sync");
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
    assert_eq!(leaders.map(|leader| leader.broker.0).collect::<Vec<u8>>(), [0, 1, 2, 0]);
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
