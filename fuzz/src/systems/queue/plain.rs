//! The plainest scenario of the queue: three brokers, one topic of one partition, nobody who sends or reads.

use super::sections::{Section, Topology};
use crate::scenario::{Scenario, Schedule, VERSION};
use crate::system::Plain;
use rehearsal_model::queue::knobs::Knobs;
use rehearsal_model::queue::operation::Operation;
use rehearsal_model::queue::plan::{ConsumerPlan, Sending, TopicPlan};
use rehearsal_model::queue::tags::Tags;
use rehearsal_sim::{DiskSettings, NetworkSettings, Span};
use serde::Serialize;

const TOPIC: TopicPlan = TopicPlan { number: 0, partitions: 1 };

pub(super) fn plain() -> Plain {
    let section = Section {
        knobs: Knobs::default(),
        topics: vec![TOPIC],
        sendings: Vec::new(),
        consumers: Vec::new(),
        operations: Vec::new(),
    };
    let scenario = Scenario {
        version: VERSION,
        system: "queue".to_owned(),
        seed: 0,
        storm: Span::seconds(20),
        calm: Span::seconds(30),
        rest: None,
        rarely: 0,
        beyond_promise: false,
        defects: Vec::new(),
        network: NetworkSettings::default(),
        disk: DiskSettings::default(),
        schedule: Schedule::default(),
        repro: None,
        topology: table(&Topology { brokers: 3, factor: 3, producers: 1, consumers: 1 }),
        knobs: table(&section),
        faults: Vec::new(),
    };
    Plain { scenario, items: items(), fewer: fewer() }
}

/// Brokers, copies of each partition, and how many of these must be in sync: what breaks between few is told in few words.
const FEWER: [[i64; 3]; 6] = [[1, 1, 1], [2, 1, 1], [2, 2, 1], [2, 2, 2], [3, 2, 1], [3, 3, 2]];

fn fewer() -> Vec<toml::Table> {
    let keys = ["brokers", "factor", "min_insync"].map(str::to_owned);
    let deployment = |most: [i64; 3]| keys.clone().into_iter().zip(most.map(toml::Value::Integer)).collect();
    FEWER.map(deployment).to_vec()
}

/// A message of a hundred bytes, sent when everybody has started, one consumer, and a second broker that is added.
fn items() -> toml::Table {
    let sending = Sending {
        producer: 0,
        at: Span::millis(100),
        topic: 0,
        key: Some(0),
        partition: None,
        bytes: 100,
        tags: Tags::default(),
        delay: None,
        appointment: None,
        fails: 0,
    };
    let consumer = ConsumerPlan { number: 0, group: 0, topic: 0, into: None, tag: None, loan: None };
    let operation = Operation::AddBroker { at: Span::millis(100), broker: 1 };
    let named = [
        ("topic", table(&TOPIC)),
        ("send", table(&sending)),
        ("consumer", table(&consumer)),
        ("operation", table(&operation)),
    ];
    named.into_iter().map(|(name, item)| (name.to_owned(), toml::Value::Table(item))).collect()
}

fn table(value: &impl Serialize) -> toml::Table {
    toml::Table::try_from(value).expect("plain values are a table")
}
