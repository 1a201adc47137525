//! The parking of keys, against what a consumer of one key after the other would see.

use proptest::prelude::*;
use rehearsal_model::queue::defects::{Defect, Defects};
use rehearsal_model::queue::offset::{LeaderEpoch, Offset};
use rehearsal_model::queue::record::Record;
use rehearsal_model::queue::retry::{Key, Parked, Parking};
use rehearsal_model::queue::tags::Tags;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Clone, Copy, Debug)]
enum Happening {
    /// The next record comes, with this key; whether the first try at it succeeds.
    Comes { key: u8, succeeds: bool },
    /// What waits first with this key is done with.
    Done { key: u8 },
}

fn key(number: u8) -> Key {
    Key::Given(vec![number].into())
}

fn parked(offset: u64, number: u8) -> Parked {
    let record = Record {
        key: Some(vec![number].into()),
        value: Vec::new().into(),
        tags: Tags::default(),
        created: 0,
    };
    Parked { offset: Offset(offset), epoch: LeaderEpoch(0), record }
}

/// The offsets of each key in the order in which they were done with, and of all what was done with.
#[derive(Default)]
struct Seen {
    by_key: BTreeMap<u8, Vec<u64>>,
    done: BTreeSet<u64>,
}

impl Seen {
    fn done(&mut self, key: u8, offset: u64) {
        self.by_key.entry(key).or_default().push(offset);
        self.done.insert(offset);
    }

    fn is_in_order(&self) -> bool {
        self.by_key.values().all(|offsets| offsets.is_sorted())
    }
}

fn run(defects: Defects, happenings: Vec<Happening>) -> Result<Seen, TestCaseError> {
    let mut parking = Parking::from(Offset::ZERO, defects);
    let mut seen = Seen::default();
    let mut next = 0;
    let free = (0..3).map(|key| Happening::Done { key }).cycle().take(3 * happenings.len());
    for happening in happenings.iter().copied().chain(free) {
        match happening {
            Happening::Comes { key, succeeds } => {
                let waits = parking.arrive(parked(next, key));
                match (waits, succeeds) {
                    (true, _) => {}
                    (false, true) => {
                        parking.finish(Offset(next));
                        seen.done(key, next);
                    }
                    (false, false) => {
                        parking.park(parked(next, key));
                    }
                }
                next += 1;
            }
            Happening::Done { key: number } => {
                if let Some(first) = parking.first(&key(number)).map(|parked| parked.offset) {
                    parking.unpark(&key(number));
                    seen.done(number, first.0);
                }
            }
        }
        let first_open = (0..next).find(|offset| !seen.done.contains(offset));
        prop_assert_eq!(parking.through(), Offset(first_open.unwrap_or(next)));
    }
    prop_assert_eq!(seen.done.len() as u64, next, "everything is done with in the end");
    Ok(seen)
}

fn happenings() -> impl Strategy<Value = Vec<Happening>> {
    let comes = (0..3u8, any::<bool>()).prop_map(|(key, succeeds)| Happening::Comes { key, succeeds });
    let done = (0..3u8).prop_map(|key| Happening::Done { key });
    prop::collection::vec(prop_oneof![2 => comes, 1 => done], 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn each_key_keeps_its_order_and_nothing_open_is_passed(happenings in happenings()) {
        prop_assert!(run(Defects::NONE, happenings)?.is_in_order());
    }
}

#[test]
fn a_key_that_nobody_waits_for_loses_its_order() {
    let overtaking = [
        Happening::Comes { key: 0, succeeds: false },
        Happening::Comes { key: 0, succeeds: true },
        Happening::Done { key: 0 },
    ];
    let order = |defects| run(defects, overtaking.to_vec()).expect("nothing is passed").by_key.remove(&0);
    assert_eq!(order(Defects::NONE), Some(vec![0, 1]));
    assert_eq!(order(Defects::of([Defect::ParkedKeyOvertaken])), Some(vec![1, 0]));
}

#[test]
fn other_keys_go_on() {
    let mut parking = Parking::from(Offset::ZERO, Defects::NONE);
    assert!(!parking.arrive(parked(0, 0)));
    assert!(parking.park(parked(0, 0)), "it is the first of its key");
    assert!(parking.arrive(parked(1, 0)), "it waits behind the first");
    assert!(!parking.arrive(parked(2, 1)), "another key does not");
}

#[test]
fn what_has_no_key_waits_for_nothing_and_nothing_waits_for_it() {
    let mut parking = Parking::from(Offset::ZERO, Defects::NONE);
    let keyless = |offset| {
        let record = Record { key: None, ..parked(offset, 0).record };
        Parked { record, ..parked(offset, 0) }
    };
    for offset in [0, 1] {
        assert!(!parking.arrive(keyless(offset)), "it is in no order with others");
        assert!(parking.park(keyless(offset)), "somebody has to begin with it");
    }
    parking.unpark(&keyless(1).key());
    assert_eq!(parking.through(), Offset::ZERO);
    parking.unpark(&keyless(0).key());
    assert_eq!(parking.through(), Offset(2));
}
