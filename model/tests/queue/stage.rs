//! The vocabulary of these tests: a small queue, and all that happened in it.

use rehearsal_env::Stamp;
use rehearsal_model::queue::defects::Defects;
use rehearsal_model::queue::deploy::deploy;
use rehearsal_model::queue::facts::{Fact, Fate};
use rehearsal_model::queue::knobs::{Delivery, Knobs};
use rehearsal_model::queue::message::MessageId;
use rehearsal_model::queue::offset::Offset;
use rehearsal_model::queue::partition::Partition;
use rehearsal_model::queue::plan::{ConsumerPlan, Plan, Sending, TopicPlan};
use rehearsal_model::queue::tags::Tags;
use rehearsal_sim::{Audience, Blow, Ends, Fault, Incident, Settings, Span, Trigger, World};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::rc::Rc;
use std::sync::Arc;

#[derive(Default)]
struct Notebook(Vec<(Stamp, Fact)>);

impl Audience<Fact> for Notebook {
    fn witness(&mut self, stamp: &Stamp, fact: &Fact) -> ControlFlow<()> {
        self.0.push((*stamp, fact.clone()));
        ControlFlow::Continue(())
    }

    fn incident(&mut self, _stamp: &Stamp, _incident: &Incident) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

/// Three brokers, one topic of two partitions, one producer of so many messages, two consumers in one group.
pub fn plan(messages: u32) -> Plan {
    let sending = |number: u32| Sending {
        producer: 0,
        at: Span::millis(1_000 + 50 * u64::from(number)),
        topic: 0,
        key: Some(number),
        partition: None,
        bytes: 100,
        tags: Tags::default(),
        delay: None,
        appointment: None,
        fails: 0,
    };
    Plan {
        brokers: 3,
        factor: 3,
        knobs: Knobs::default(),
        topics: vec![TopicPlan { number: 0, partitions: 2 }],
        sendings: (0..messages).map(sending).collect(),
        consumers: (0..2)
            .map(|number| ConsumerPlan { number, group: 0, topic: 0, into: None, tag: None, loan: None })
            .collect(),
        operations: Vec::new(),
        defects: Defects::NONE,
    }
}

/// One who reads topic 0 and writes to topic 1 in transactions, and one who reads what is committed there.
pub fn pipeline(messages: u32) -> Plan {
    let plain = plan(messages);
    let topic = |number| TopicPlan { number, partitions: 2 };
    let consumer =
        |number, topic, into| ConsumerPlan { number, group: number, topic, into, tag: None, loan: None };
    Plan {
        knobs: Knobs { delivery: Delivery::ExactlyOnce, ..plain.knobs },
        topics: vec![topic(0), topic(1)],
        consumers: vec![consumer(0, 0, Some(1)), consumer(1, 1, None)],
        ..plain
    }
}

/// All that happens in a run with these faults.
pub fn run(seed: u64, plan: &Plan, faults: Vec<Fault>) -> Vec<(Stamp, Fact)> {
    let notebook = Rc::new(RefCell::new(Notebook::default()));
    let settings =
        Settings { storm: Span::seconds(20), calm: Span::seconds(20), faults, ..Settings::default() };
    let mut world: World<Fact> = World::seeded(seed, settings, notebook.clone());
    deploy(&mut world, &Arc::new(plan.clone()));
    let outcome = world.run(Ends::AfterTheCalm).expect("every fault names a node there is");
    assert_eq!(outcome.violation, None, "seed {seed}");
    notebook.take().0
}

/// What happened in the runs of many seeds.
pub struct Seen(Vec<(u64, Vec<(Stamp, Fact)>)>);

/// Runs the plan with many seeds and the faults that each has.
pub fn every_seed(plan: &Plan, faults: impl Fn(u64) -> Vec<Fault>) -> Seen {
    Seen((0..60).map(|seed| (seed, run(seed, plan, faults(seed)))).collect())
}

impl Seen {
    /// In each run what came of every message was shown once to those who read what is committed.
    pub fn each_is_committed_once(&self, messages: usize) {
        for (seed, facts) in &self.0 {
            let mut shown: BTreeMap<MessageId, BTreeSet<(Partition, Offset)>> = BTreeMap::new();
            for (_, fact) in facts {
                if let Fact::Processed { group: 1, partition, offset, message, .. } = fact {
                    shown.entry(*message).or_default().insert((*partition, *offset));
                }
            }
            assert_eq!(shown.len(), messages, "with seed {seed}");
            assert!(shown.values().all(|places| places.len() == 1), "with seed {seed}: {shown:?}");
        }
    }

    /// All that happened, by seed.
    pub fn runs(&self) -> &[(u64, Vec<(Stamp, Fact)>)] {
        &self.0
    }

    /// In each run every message was acknowledged, and processed at least once.
    pub fn each_processed_what_was_acknowledged(&self, messages: usize) {
        for (seed, facts) in &self.0 {
            let mut acknowledged = BTreeSet::new();
            let mut processed = BTreeSet::new();
            for (_, fact) in facts {
                match fact {
                    Fact::Told { message, fate: Fate::Acknowledged(_), .. } => {
                        acknowledged.insert(*message);
                    }
                    Fact::Processed { message, .. } => {
                        processed.insert(*message);
                    }
                    _ => {}
                }
            }
            assert_eq!(acknowledged.len(), messages, "acknowledged with seed {seed}");
            assert_eq!(processed, acknowledged, "processed with seed {seed}");
        }
    }
}

pub fn at(milliseconds: u64, blow: Blow) -> Fault {
    Fault { trigger: Trigger::At(Span::millis(milliseconds)), blow }
}

pub fn crash(node: &str, restart_after: u64) -> Blow {
    Blow::Crash { node: node.to_owned(), restart_after: Span::millis(restart_after) }
}
