//! Segments that are on the disk alone: who wants them gets what stands there.

use crate::stage::{at, crash, every_seed, plan};
use rehearsal_model::queue::facts::{Fact, OfLogs};
use rehearsal_model::queue::knobs::Knobs;
use rehearsal_model::queue::plan::Plan;
use rehearsal_sim::Span;

/// Small segments, of which the last one is kept in memory.
fn forgetful(messages: u32) -> Plan {
    let plan = plan(messages);
    let knobs = Knobs { segment_bytes: 512, cached_segments: 1, ..plan.knobs };
    Plan { knobs, ..plan }
}

#[test]
fn a_consumer_and_a_follower_that_come_late_are_served_from_the_disk() {
    let seen = every_seed(&forgetful(40), |seed| {
        let follower = crash(&format!("broker-{}", seed % 3), 4_000);
        vec![
            at(1_200, follower),
            at(1_300, crash("consumer-0", 3_000)),
            at(1_300, crash("consumer-1", 3_000)),
        ]
    });
    seen.each_processed_what_was_acknowledged(40);
    for (seed, facts) in seen.runs() {
        let read = facts.iter().any(|(_, fact)| matches!(fact, Fact::OfLogs(OfLogs::ReadFromDisk { .. })));
        assert!(read, "seed {seed}: nothing was read from a disk");
    }
}

#[test]
fn a_segment_that_is_old_enough_takes_no_more_though_it_has_room() {
    let plain = plan(40);
    let knobs = Knobs {
        segment_bytes: 1 << 20,
        segment_age: Span::millis(300),
        retention_age: Span::millis(500),
        retention_check: Span::millis(200),
        ..plain.knobs
    };
    for (seed, facts) in every_seed(&Plan { knobs, ..plain }, |_| Vec::new()).runs() {
        let closed = facts.iter().any(|(_, fact)| matches!(fact, Fact::SegmentClosed { .. }));
        assert!(closed, "seed {seed}: no segment was closed");
    }
}
