//! What is dropped, and what is read from the archive after that.

use crate::stage::{at, crash, every_seed, plan};
use rehearsal_env::Stamp;
use rehearsal_model::queue::facts::Fact;
use rehearsal_model::queue::knobs::Knobs;
use rehearsal_model::queue::offset::Offset;
use rehearsal_model::queue::partition::Partition;
use rehearsal_model::queue::plan::Plan;
use rehearsal_sim::Span;
use std::collections::BTreeMap;

/// Small segments, kept for half a second after their newest append; what goes is archived.
fn archiving(messages: u32) -> Plan {
    let plan = plan(messages);
    let knobs = Knobs {
        segment_bytes: 1_024,
        retention_age: Span::millis(500),
        retention_check: Span::millis(200),
        archive: true,
        ..plan.knobs
    };
    Plan { knobs, ..plan }
}

/// How many segments were dropped, and how many batches were read from the archive.
fn dropped_and_replayed(facts: &[(Stamp, Fact)]) -> (usize, usize) {
    let dropped = facts.iter().filter(|(_, fact)| matches!(fact, Fact::Dropped { .. })).count();
    let replayed = facts.iter().map(|(_, fact)| match fact {
        Fact::Replayed { batches, .. } => batches.len(),
        _ => 0,
    });
    (dropped, replayed.sum())
}

/// That nothing was dropped before the pieces up to there were archived, and that they leave no gap.
fn has_no_gap(seed: u64, facts: &[(Stamp, Fact)]) {
    let mut archived: BTreeMap<Partition, Offset> = BTreeMap::new();
    for (_, fact) in facts {
        match fact {
            Fact::Archived { partition, base, end } => {
                let through = archived.entry(*partition).or_default();
                assert!(base <= through, "seed {seed}: nothing between {through} and {base} is archived");
                *through = (*through).max(*end);
            }
            Fact::Dropped { partition, to, .. } => {
                assert!(
                    archived.get(partition).is_some_and(|through| to <= through),
                    "seed {seed}: {fact:?}"
                );
            }
            _ => {}
        }
    }
    assert!(!archived.is_empty(), "seed {seed}: nothing was archived");
}

#[test]
fn what_was_dropped_by_time_is_still_readable_from_the_archive() {
    // Both consumers sleep until all that was closed is gone.
    let seen = every_seed(&archiving(60), |_| {
        (0..2).map(|consumer| at(900, crash(&format!("consumer-{consumer}"), 9_000))).collect()
    });
    for (seed, facts) in seen.runs() {
        let (dropped, replayed) = dropped_and_replayed(facts);
        assert!(dropped > 0 && replayed > 0, "seed {seed}: {dropped} dropped, {replayed} replayed");
        has_no_gap(*seed, facts);
    }
    seen.each_processed_what_was_acknowledged(60);
}

#[test]
fn the_archiver_goes_on_without_a_gap_after_a_crash_of_any_of_its_parts() {
    let seen = every_seed(&archiving(60), |seed| {
        let blobs = at(1_200 + 23 * (seed % 40), crash("blob-0", 700));
        let broker = at(1_500 + 37 * (seed % 60), crash(&format!("broker-{}", seed % 3), 1_500));
        let coordination = at(2_000 + 29 * (seed % 50), crash("coordination-0", 800));
        vec![blobs, broker, coordination]
    });
    for (seed, facts) in seen.runs() {
        has_no_gap(*seed, facts);
    }
    seen.each_processed_what_was_acknowledged(60);
}
