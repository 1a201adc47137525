//! Records, batches and logs, and the search for an input that convicts a defect.

use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};
use rehearsal_model::queue::identity::ProducerIdentity;
use rehearsal_model::queue::offset::{LeaderEpoch, Offset};
use rehearsal_model::queue::partition::{Partition, Topic};
use rehearsal_model::queue::record::{Batch, Content, Payload, Record, Verdict};
use rehearsal_model::queue::tags::Tags;
use std::fmt::Debug;
use std::sync::Arc;

/// Which property is broken, in words that a test can look for.
pub type Broken = String;

pub fn record(value: u64) -> Record {
    Record { key: None, value: Arc::from(value.to_be_bytes()), tags: Tags::default(), created: 0 }
}

pub fn value_of(record: &Record) -> u64 {
    record.value.iter().fold(0, |value, byte| value << 8 | u64::from(*byte))
}

pub fn records(values: impl IntoIterator<Item = u64>) -> Content {
    Content::Records(values.into_iter().map(record).collect())
}

pub fn stamped(producer: ProducerIdentity, sequence: u32, transactional: bool, content: Content) -> Payload {
    Payload { producer: Some(producer.stamp(sequence)), transactional, content }
}

pub fn marker(producer: ProducerIdentity, verdict: Verdict) -> Payload {
    stamped(producer, 0, true, Content::Marker(verdict))
}

pub fn end_of(log: &[Batch]) -> Offset {
    log.last().map_or(Offset::ZERO, Batch::end)
}

pub fn append(log: &mut Vec<Batch>, payload: Payload) -> &Batch {
    let checksum = payload.checksum();
    let base = end_of(log);
    let (epoch, payload) = (LeaderEpoch(0), Arc::new(payload));
    log.push(Batch { base, epoch, appended: 0, payload, checksum });
    &log[log.len() - 1]
}

/// All records of a log with their places.
pub fn all_records(log: &[Batch]) -> Vec<(Offset, Record)> {
    let of_batch = |batch: &Batch| match &batch.payload.content {
        Content::Records(records) => (0..).map(|place| batch.base.plus(place)).zip(records.clone()).collect(),
        Content::Marker(_) | Content::Routing(_) => Vec::new(),
    };
    log.iter().flat_map(of_batch).collect()
}

pub fn partition(number: u32) -> Partition {
    Partition { topic: Topic::Named(0), number }
}

pub fn verdict() -> impl Strategy<Value = Verdict> {
    prop_oneof![Just(Verdict::Commit), Just(Verdict::Abort)]
}

/// Asserts that some input breaks this property.
pub fn convicts<T: Debug>(
    property: &str,
    inputs: impl Strategy<Value = T>,
    run: impl Fn(T) -> Result<(), Broken>,
) {
    let config = ProptestConfig {
        cases: 4000,
        failure_persistence: None,
        max_shrink_iters: 0,
        ..ProptestConfig::default()
    };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let found = runner.run(&inputs, |input| match run(input) {
        Err(broken) if broken.contains(property) => Err(TestCaseError::fail(broken)),
        _ => Ok(()),
    });
    assert!(found.is_err(), "no input breaks {property:?}");
}
