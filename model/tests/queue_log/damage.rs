//! Bits that flip by themselves: reported, never delivered.

use crate::words::{ONE_SEGMENT, Replica, batch};
use proptest::prelude::*;
use proptest::sample::Index;
use rehearsal_model::queue::defects::Defects;
use rehearsal_model::queue::log::{Corrupt, CorruptLog, LogKnobs, SegmentName, decode_frames};
use rehearsal_model::queue::offset::Offset;

/// Values with whatever bytes may be awkward, and whether all is synced behind each batch.
fn batches() -> impl Strategy<Value = Vec<(Vec<u8>, bool)>> {
    let byte = prop_oneof![Just(0xff), Just(0), Just(1), any::<u8>()];
    prop::collection::vec((prop::collection::vec(byte, 0..80), any::<bool>()), 1..12)
}

/// A batch on the disk.
struct Place {
    base: Offset,
    segment: SegmentName,
    /// Of its frame in the file.
    begins: usize,
    ends: usize,
    /// Up to where the log was durable when it was written.
    persisted: Offset,
}

/// A log of these batches, and where each is.
fn written(knobs: LogKnobs, batches: Vec<(Vec<u8>, bool)>) -> (Replica, Vec<Place>) {
    let mut replica = Replica::new(knobs);
    let mut places = Vec::new();
    for (value, synced) in batches {
        let (base, persisted) = (replica.log.end(), replica.log.persisted_end());
        replica.append(batch(base.0, 2, &value));
        let segment = replica.log.due_sync().segment.expect("it was just written to");
        let ends = replica.disk.bytes(segment).len();
        let before: Option<&Place> = places.last();
        let begins = before.filter(|before| before.segment == segment).map_or(0, |before| before.ends);
        places.push(Place { base, segment, begins, ends, persisted });
        if synced {
            replica.sync();
        }
    }
    (replica, places)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn a_flipped_bit_is_damage_where_it_hits_what_is_known_to_be_durable_and_else_a_torn_tail(
        batches in batches(), segment_bytes in 1..2000_u64, hit in any::<Index>(), byte in any::<Index>(), bit in 0..8_u32,
    ) {
        let (mut replica, places) = written(LogKnobs { segment_bytes, ..ONE_SEGMENT }, batches);
        let all = replica.batches();
        let number = hit.index(places.len());
        let Place { base, segment, begins, ends, .. } = places[number];
        replica.disk.rot(segment, begins + byte.index(ends - begins), 1_u8 << bit);

        let is_closed = places.last().is_some_and(|last| last.segment != segment);
        let was_known = places.iter().any(|place| place.segment == segment && place.persisted > base);
        let recovered = replica.recovered(Defects::NONE);
        if is_closed || was_known {
            prop_assert_eq!(recovered, Err(CorruptLog { segment, position: begins as u64 }));
        } else {
            prop_assert!(replica.restart(Defects::NONE), "a torn tail is told of");
            prop_assert_eq!(replica.batches(), &all[..number]);
        }
    }

    #[test]
    fn a_flipped_bit_in_frames_from_the_disk_is_reported(
        batches in batches(), hit in any::<Index>(), byte in any::<Index>(), bit in 0..8_u32,
    ) {
        let (replica, places) = written(ONE_SEGMENT, batches);
        let Place { segment, begins, ends, .. } = places[hit.index(places.len())];
        let mut bytes = replica.disk.bytes(segment).to_vec();
        bytes[begins + byte.index(ends - begins)] ^= 1_u8 << bit;
        prop_assert_eq!(decode_frames(&bytes), Err(Corrupt { position: begins as u64 }));
    }
}

#[test]
fn frames_that_do_not_follow_on_each_other_are_reported() {
    let (replica, places) = written(ONE_SEGMENT, vec![(b"message".to_vec(), true); 3]);
    let bytes = replica.disk.bytes(places[0].segment);
    let without_second = [&bytes[..places[0].ends], &bytes[places[2].begins..]].concat();
    let begins = places[1].begins as u64;
    assert_eq!(decode_frames(&without_second), Err(Corrupt { position: begins }));
    assert_eq!(decode_frames(&bytes[..bytes.len() - 1]), Err(Corrupt { position: places[2].begins as u64 }));
    assert_eq!(decode_frames(&[]), Ok(Vec::new()));
}

#[test]
fn every_bit_of_a_closed_segment_counts() {
    let knobs = LogKnobs { segment_bytes: 200, ..ONE_SEGMENT };
    let (replica, places) = written(knobs, vec![(b"a \xff\x00 b".to_vec(), false); 4]);
    let closed: Vec<&Place> = places.iter().filter(|place| place.segment.base() == Offset(0)).collect();
    assert!(closed.len() > 1 && closed.len() < places.len());
    for Place { segment, begins, ends, .. } in closed {
        for (at, bit) in (*begins..*ends).flat_map(|at| (0..8).map(move |bit| (at, bit))) {
            let mut rotten = replica.clone();
            rotten.disk.rot(*segment, at, 1_u8 << bit);
            let damage = CorruptLog { segment: *segment, position: *begins as u64 };
            assert_eq!(rotten.recovered(Defects::NONE), Err(damage), "bit {bit} of byte {at}");
        }
    }
}
