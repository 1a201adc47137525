//! What the people who run the queue do meanwhile: brokers come and go, topics change, and all brokers are restarted in
//! turn, by crashes or in order.

use super::draw::may_change;
use super::possible;
use super::sections::{Rolling, Topology, Workload};
use crate::draws::Draws;
use rehearsal_model::queue::knobs::{Knobs, StartAt};
use rehearsal_model::queue::operation::Operation;
use rehearsal_model::queue::plan::{ConsumerPlan, TopicPlan};
use rehearsal_model::queue::production::Acks;
use rehearsal_model::queue::topics::KeyOrder;
use rehearsal_sim::{Blow, Fault, Span, Trigger};

/// Which brokers are asked for, and when: one comes, one goes, one is replaced by another, or one comes and goes again and
/// perhaps comes after all. There are always enough for all copies.
pub(super) fn of_brokers(
    draws: &Draws,
    topology: &Topology,
    workload: &Workload,
    storm: Span,
) -> Vec<Operation> {
    let mut draws = draws.part("operations", 0);
    if !workload.members_change || topology.brokers <= topology.factor {
        return Vec::new();
    }
    let latest = (storm.0 / 10 * 9 / 1_000_000).max(1);
    let begins = draws.millis(latest.div_ceil(20), latest);
    let (soon, later) = (draws.millis(50, 3_000), draws.millis(50, 3_000));
    let next = Span(begins.0 + soon.0);
    let last = topology.brokers - 1;
    let other = draws.below(u64::from(last)) as u32;
    let adds = |at, broker| Operation::AddBroker { at, broker };
    let removes = |at, broker| Operation::RemoveBroker { at, broker };
    match draws.below(100) {
        0..25 => vec![adds(begins, last)],
        25..45 => vec![removes(begins, other)],
        45..75 => vec![adds(begins, last), removes(next, other)],
        75..85 => vec![adds(begins, last), removes(next, last)],
        _ => vec![adds(begins, last), removes(next, last), adds(Span(next.0 + later.0), last)],
    }
}

/// What is asked for of topics: one gets more partitions, in one or two steps, and one of those that it has then is
/// retired.
pub(super) fn of_topics(
    draws: &Draws,
    workload: &Workload,
    topics: &[TopicPlan],
    knobs: &Knobs,
) -> Vec<Operation> {
    let mut draws = draws.part("topic-operations", 0);
    let may_change = may_change(workload) && knobs.start == StartAt::Earliest;
    if !may_change || knobs.acks == Acks::None || topics.is_empty() {
        return Vec::new();
    }
    let TopicPlan { number: topic, mut partitions } = *draws.pick(topics);
    let latest = (workload.window.0 / 1_000_000).max(4);
    let mut operations = Vec::new();
    let grows = workload.grows || workload.retires && partitions == 1;
    let steps = if grows { draws.between(1, 2) } else { 0 };
    let mut at = draws.millis(latest / 8, latest / 2);
    for _ in 0..steps {
        partitions += draws.between(1, 2) as u32;
        operations.push(Operation::AddPartitions { at, topic, partitions });
        at = Span(at.0 + draws.millis(1, latest / 3).0);
    }
    if workload.retires && knobs.key_order == KeyOrder::Announced {
        let number = draws.below(u64::from(partitions)) as u32;
        operations.push(Operation::RetirePartition { at, topic, number });
    }
    operations
}

/// When consumers leave, each to come back soon, and when they go back: some of those who own what they read.
pub(super) fn of_consumers(
    draws: &Draws,
    workload: &Workload,
    consumers: &[ConsumerPlan],
    knobs: &Knobs,
    storm: Span,
) -> Vec<Operation> {
    let replays = workload.replays && workload.failing == 0 && possible::may_replay(knobs);
    let latest = (storm.0 / 10 * 9 / 1_000_000).max(1);
    let mut operations = Vec::new();
    for plan in consumers.iter().filter(|plan| possible::may_wish(plan)) {
        let consumer = plan.number;
        let mut draws = draws.part("consumer-leaves", u64::from(consumer));
        let (leaves, at) = (draws.percent(60), draws.millis(1, latest));
        let away = draws.millis(0, 3_000);
        if workload.leaves && leaves {
            operations.push(Operation::StopConsumer { at, consumer, away });
        }
        let (goes_back, at) = (draws.percent(60), draws.millis(latest.div_ceil(4), latest));
        if replays && goes_back {
            operations.push(Operation::Replay { at, consumer });
        }
    }
    operations
}

/// Every broker goes down and comes up again, one after the other, with time between two: each loses its power.
pub(super) fn crashes_in_turn(
    draws: &Draws,
    brokers: &[String],
    workload: &Workload,
    storm: Span,
) -> Vec<Fault> {
    let mut draws = draws.part("rolling-restart", 0);
    if workload.rolling_restart != Rolling::Crashes {
        return Vec::new();
    }
    let latest = (storm.0 / 10 * 9 / 1_000_000).max(1);
    let begins = draws.millis(1, latest.div_ceil(3));
    let between = draws.millis(latest.div_ceil(20), latest.div_ceil(8)).0;
    let down = draws.millis(100, 2_000);
    let times = (0..).map(|turn| Trigger::At(Span(begins.0 + turn * between)));
    let crashes = brokers.iter().map(|node| Blow::Crash { node: node.clone(), restart_after: down });
    times.zip(crashes).map(|(trigger, blow)| Fault { trigger, blow }).collect()
}

/// Every broker is asked to stop in order, each when the one before it is back; what is not begun in the storm is left.
pub(super) fn orderly_restarts(
    draws: &Draws,
    topology: &Topology,
    workload: &Workload,
    storm: Span,
) -> Vec<Operation> {
    let mut draws = draws.part("orderly-restarts", 0);
    if workload.rolling_restart != Rolling::Orderly {
        return Vec::new();
    }
    let latest = (storm.0 / 1_000_000).max(4);
    let at = draws.millis(1, latest / 3);
    let down = draws.millis(0, 2_000);
    let limit = draws.millis(500, 3_000);
    let until = Span(storm.0.max(at.0 + 1));
    let restart = |broker| Operation::RestartBroker { at, broker, down, limit, until };
    (0..topology.brokers).map(restart).collect()
}

/// What befalls brokers that are asked to stop, or have just done so.
pub(super) fn blows_at_stops(draws: &Draws, brokers: &[String], workload: &Workload) -> Vec<Fault> {
    let mut faults = Vec::new();
    for number in 0..if workload.rolling_restart == Rolling::Orderly { 2 } else { 0 } {
        let mut draws = draws.part("blow-at-stop", number);
        let fact = draws.pick(&["StopAsked", "StopAsked", "StoppedInOrder"]).to_string();
        let (nth, delay) = (draws.between(1, 3), draws.millis(0, 300));
        let node = draws.pick(brokers).clone();
        let blow = Blow::Crash { node, restart_after: draws.millis(5, 1_000) };
        if draws.percent(40) {
            faults.push(Fault { trigger: Trigger::On { fact, nth, delay }, blow });
        }
    }
    faults
}
