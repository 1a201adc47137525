//! What must not be convicted.

use crate::history::{History, Who, rules};
use rehearsal_invariants::queue::{Rules, monitors};
use rehearsal_model::queue::brokers::{BrokerId, Brokers};
use rehearsal_model::queue::defects::Defects;
use rehearsal_model::queue::facts::Fact;
use rehearsal_model::queue::knobs::Knobs;
use rehearsal_model::queue::partition::Topic;
use rehearsal_model::queue::plan::{ConsumerPlan, Plan, TopicPlan};
use std::collections::BTreeSet;

/// Two messages; the leader appends a third and dies, the second broker takes over, the first cuts its tail and is in
/// sync again.
fn failover(mut history: History) -> History {
    history.write(0);
    history.write(1);
    history.send(2);
    history.append(0, 2);
    history.gone(0);
    history.change(|state| {
        state.leader = None;
        state.in_sync = state.in_sync.without(BrokerId(0));
    });
    history.elect(1);
    history.say(Who::Coordination, Fact::ControllerChanged { broker: None, epoch: 2 });
    history.say(Who::Coordination, Fact::ControllerChanged { broker: Some(BrokerId(1)), epoch: 3 });
    history.lead(1);
    history.replicate(1, &[2], 2);
    history.acknowledge(2, 2);
    history.crash(Who::Broker(0));
    history.come_up(0, 3);
    history.truncate(0, 2);
    history.fetch(0, 1);
    history.sync(0);
    history.change(|state| state.in_sync = Brokers::first(3));
    history
}

#[test]
fn a_failover_is_legal() {
    failover(History::begin()).passes();
}

#[test]
fn what_the_coordination_service_tells_again_is_nothing_new() {
    let mut history = failover(History::begin());
    let told: Vec<Fact> =
        history.facts.iter().filter(|(stamp, _)| stamp.node.0 == 0).map(|(_, fact)| fact.clone()).collect();
    for fact in told {
        history.say(Who::Coordination, fact);
    }
    history.passes();
}

#[test]
fn a_rebalance_and_a_crash_of_a_consumer_are_legal() {
    let mut history = History::with_a_group();
    history.write(0);
    history.process(0, 1, 0);
    history.commit(0, 1, 1);
    history.write(1);
    history.process(0, 1, 1);
    history.let_go(0, 1);
    history.own_these(0, 2, &[]);
    history.own(1, 2);
    history.position(1, 1, true);
    history.process(1, 2, 1);
    history.crash(Who::Consumer(1));
    history.own(1, 3);
    history.position(1, 1, true);
    history.process(1, 3, 1);
    history.commit(1, 3, 2);
    history.calm();
    history.passes();
}

#[test]
fn a_late_confirmation_of_an_earlier_commit_is_legal() {
    let mut history = History::with_a_group();
    history.write(0);
    history.process(0, 1, 0);
    history.own(1, 2);
    history.position(1, 1, true);
    history.write(1);
    history.process(1, 2, 1);
    history.commit(1, 2, 2);
    // It was taken before generation 2 began.
    history.commit(0, 1, 1);
    history.let_go(0, 1);
    history.passes();
}

#[test]
fn the_rules_come_from_the_plan() {
    let topics = vec![TopicPlan { number: 0, partitions: 1 }];
    let consumers = vec![ConsumerPlan { number: 0, group: 0, topic: 0, into: None, tag: None }];
    let knobs = Knobs::default();
    let plan = Plan {
        brokers: 3,
        factor: 3,
        knobs,
        topics,
        sendings: vec![],
        consumers,
        operations: vec![],
        defects: Defects::NONE,
    };
    let calm_begins = rules().calm_begins;
    assert_eq!(Rules::of(&plan, calm_begins), rules());
    assert_eq!(rules().readers(Topic::Named(0)).collect::<Vec<_>>(), [0]);
    assert_eq!(rules().readers(Topic::Named(1)).count(), 0);
}

#[test]
fn invariants_have_names_of_their_own() {
    let monitors = monitors(rules());
    let names: BTreeSet<&str> = monitors.iter().map(|monitor| monitor.name()).collect();
    assert_eq!(names.len(), monitors.len());
}
