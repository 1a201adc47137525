//! Brokers that are asked to stop: others lead, and are in sync, in their place.

use super::{MIN_INSYNC, rules};
use rehearsal_model::queue::brokers::{BrokerEpoch, BrokerId, Brokers};
use rehearsal_model::queue::controller::{Change, Leader, Metadata, PartitionState};
use rehearsal_model::queue::partition::{Partition, Topic};
use rehearsal_model::queue::replica::Flush;
use std::collections::BTreeMap;

const PARTITION: Partition = Partition { topic: Topic::Named(0), number: 0 };
const FIRST: BrokerId = BrokerId(0);

fn those(brokers: &[u8]) -> Brokers {
    brokers.iter().copied().map(BrokerId).collect()
}

/// Three brokers hold one partition, led by the first; these are in sync, and the first is to stop.
fn stopping(in_sync: &[u8]) -> Metadata {
    let leader = Leader { broker: FIRST, life: BrokerEpoch(1) };
    let state = PartitionState { in_sync: those(in_sync), ..PartitionState::new(Brokers::first(3), leader) };
    let live: BTreeMap<BrokerId, BrokerEpoch> =
        (0..3).map(|broker| (BrokerId(broker), BrokerEpoch(u64::from(broker) + 1))).collect();
    Metadata {
        noted: live.clone(),
        live,
        members: Brokers::first(3),
        stopping: Brokers::only(FIRST),
        quiet: true,
        partitions: BTreeMap::from([(PARTITION, state)]),
        ..Metadata::default()
    }
}

/// Carries out what is due until nothing is.
fn settled(mut metadata: Metadata, flush: Flush, unclean: bool) -> PartitionState {
    for _ in 0..20 {
        match metadata.due(&[PARTITION], rules(flush, unclean)).into_iter().next() {
            None => return metadata.partitions.remove(&PARTITION).expect("it is there"),
            Some(Change::Create(partition, state) | Change::Partition(partition, state)) => {
                metadata.partitions.insert(partition, state);
            }
            Some(Change::Life { broker, life, partitions }) => {
                metadata.noted.insert(broker, life);
                metadata.partitions.extend(partitions);
            }
        }
    }
    panic!("it never ends");
}

fn leader(state: &PartitionState) -> Option<BrokerId> {
    state.leader.map(|leader| leader.broker)
}

#[test]
fn another_leads_and_the_set_does_without_who_is_to_stop() {
    let state = settled(stopping(&[0, 1, 2]), Flush::BeforeAck, false);
    assert_eq!((leader(&state), state.in_sync), (Some(BrokerId(1)), those(&[1, 2])));
    assert!(state.epoch.0 == 1 && state.eligible.is_empty());
}

#[test]
fn who_would_leave_too_few_stays_in_the_set_and_leads_no_more() {
    let state = settled(stopping(&[0, 1]), Flush::BeforeAck, false);
    assert!(state.in_sync.len() == MIN_INSYNC);
    assert_eq!((leader(&state), state.in_sync), (Some(BrokerId(1)), those(&[0, 1])));
}

#[test]
fn who_is_in_sync_alone_leads_on() {
    for unclean in [false, true] {
        let state = settled(stopping(&[0]), Flush::BeforeAck, unclean);
        assert_eq!((leader(&state), state.in_sync), (Some(FIRST), those(&[0])));
    }
}

#[test]
fn nobody_is_elected_who_is_to_stop_nor_anybody_in_his_stead_who_lacks_something() {
    for unclean in [false, true] {
        let mut metadata = stopping(&[0]);
        metadata.partitions.get_mut(&PARTITION).expect("it is there").leader = None;
        assert_eq!(leader(&settled(metadata, Flush::BeforeAck, unclean)), None);
    }
}

#[test]
fn who_stopped_in_order_stays_in_the_set_if_the_life_that_did_is_the_one_known() {
    for (after, stays) in [(None, false), (Some(1), true), (Some(7), false)] {
        let mut metadata = stopping(&[0, 1, 2]);
        (metadata.stopping, metadata.quiet) = (Brokers::NONE, false);
        metadata.live.insert(FIRST, BrokerEpoch(9));
        metadata.after.extend(after.map(|life| (FIRST, BrokerEpoch(life))));
        let state = settled(metadata, Flush::Background, false);
        assert_eq!(state.in_sync.has(FIRST), stays, "after {after:?}");
    }
}
