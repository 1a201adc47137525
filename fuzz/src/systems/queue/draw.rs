//! What a seed stands for in the queue: nodes, settings, topics, messages, consumers.

use super::figures::{EXPONENTS, Sizes, key};
use super::sections::{Topology, Workload};
use crate::draws::Draws;
use rehearsal_model::queue::group::StrategyName;
use rehearsal_model::queue::knobs::{CoordinationMode, Delivery, Knobs};
use rehearsal_model::queue::plan::{ConsumerPlan, Sending, TopicPlan};
use rehearsal_model::queue::producers::REMEMBERED_BATCHES;
use rehearsal_model::queue::production::Acks;
use rehearsal_model::queue::replica::Flush;
use rehearsal_sim::{Blow, Fault, Span, Trigger};

/// How many messages come together in a burst.
pub(super) const BURST: u64 = 8;

/// What the workload is drawn with. All is sent in the first three quarters of the storm, so that faults meet it.
pub(super) fn workload(draws: &Draws, storm: Span) -> Workload {
    let mut draws = draws.part("workload", 0);
    let latest = (storm.0 / 4 * 3 / 1_000_000).max(1);
    Workload {
        messages: draws.between(40, 120) as u32,
        window: draws.millis(latest.div_ceil(8), latest).min(storm),
        bursts: draws.percent(50),
        topics: draws.between(1, 2) as u32,
        most_partitions: *draws.pick(&[1, 2, 3, 3]),
        keys: *draws.pick(&[1, 3, 8, 16, 32]),
        zipf: *draws.pick(&EXPONENTS),
        sizes: *draws.pick(&[Sizes::Caches, Sizes::Caches, Sizes::Caches, Sizes::Benchmarks, Sizes::Small]),
        groups: *draws.pick(&[0, 1, 1, 1, 1, 2, 2, 2, 2]),
        slow_consumers: draws.percent(30),
    }
}

/// How many of each there are.
pub(super) fn topology(draws: &Draws, workload: &Workload) -> Topology {
    let mut draws = draws.part("topology", 0);
    Topology {
        brokers: *draws.pick(&[3, 3, 3, 3, 3, 3, 4, 5]),
        factor: if draws.percent(85) { 3 } else { 2 },
        producers: draws.between(1, 3) as u32,
        consumers: workload.groups * draws.between(1, 3) as u32,
    }
}

/// What was drawn, but for what cannot go with the values that were fixed.
pub(super) fn topology_beside(fixed: &Topology, drawn: Topology) -> Topology {
    Topology { brokers: drawn.brokers.max(fixed.factor), factor: drawn.factor.min(fixed.brokers), ..drawn }
}

/// The settings.
pub(super) fn knobs(draws: &Draws, topology: &Topology, workload: &Workload) -> Knobs {
    let several = draws.part("coordination", 0).percent(33);
    let mut draws = draws.part("knobs", 0);
    let acks = match draws.below(100) {
        0..70 => Acks::All,
        70..90 => Acks::Leader,
        _ => Acks::None,
    };
    let lag = draws.millis(500, 3_000);
    let member_session = draws.millis(1_000, 3_000);
    Knobs {
        acks,
        flush: if draws.percent(80) { Flush::BeforeAck } else { Flush::Background },
        min_insync: if draws.percent(75) { topology.factor.min(2) } else { 1 },
        unclean_election: draws.percent(10),
        idempotent: draws.percent(70) && acks == Acks::All,
        max_in_flight: draws.between(1, 5) as u32,
        batch_records: draws.between(1, 8) as u32,
        linger: draws.millis(0, 20),
        backoff: draws.millis(20, 300),
        delivery_timeout: if draws.percent(30) { draws.millis(2_000, 10_000) } else { Span::seconds(20) },
        record_limit: if draws.percent(10) { 2_048 } else { 1_000_000 },
        lag,
        fetch_wait: Span::millis(*draws.pick(&[500, 1_000, 2_000, 4_000])),
        fetch_bytes: *draws.pick(&[1_024, 8_192, 65_536]),
        flush_interval: draws.millis(50, 500),
        segment_bytes: *draws.pick(&[1_024, 2_048, 4_096, 8_192]),
        broker_session: draws.millis(1_000, 3_000),
        delivery: if draws.percent(75) { Delivery::AtLeastOnce } else { Delivery::AtMostOnce },
        strategy: *draws.pick(&[StrategyName::Range, StrategyName::RoundRobin, StrategyName::Sticky]),
        member_session,
        // Longer than a heartbeat: by its answer a member learns that it has to join again.
        rebalance: draws.millis(1_500, 3_000),
        heartbeat: Span::millis(member_session.0 / 1_000_000 / 3),
        commit_interval: draws.millis(50, 500),
        // A hundred messages are worked through well within the calm.
        processing: if workload.slow_consumers { draws.millis(20, 100) } else { draws.millis(0, 2) },
        resend: draws.millis(100, 500),
        silence: draws.millis(1_000, 3_000),
        coordination: if several { CoordinationMode::Consensus } else { CoordinationMode::OneDurableNode },
    }
}

/// What was drawn, but for what cannot go with the values that were fixed.
pub(super) fn knobs_beside(fixed: &Knobs, drawn: Knobs) -> Knobs {
    let may_number =
        fixed.acks == Acks::All && (1..=REMEMBERED_BATCHES).contains(&(fixed.max_in_flight as usize));
    Knobs {
        acks: if fixed.idempotent { Acks::All } else { drawn.acks },
        idempotent: drawn.idempotent && may_number,
        heartbeat: drawn.heartbeat.min(Span(fixed.member_session.0 / 3)),
        ..drawn
    }
}

/// What producers write to and consumers read.
pub(super) fn topics(draws: &Draws, workload: &Workload) -> Vec<TopicPlan> {
    let topic = |number: u32| {
        let mut draws = draws.part("topic", u64::from(number));
        TopicPlan { number, partitions: draws.between(1, u64::from(workload.most_partitions)) as u32 }
    };
    (0..workload.topics).map(topic).collect()
}

/// What is sent, in the order of time.
pub(super) fn sendings(draws: &Draws, topology: &Topology, workload: &Workload) -> Vec<Sending> {
    let numbers = 0..u64::from(workload.messages);
    let mut sendings: Vec<Sending> =
        numbers.map(|number| sending(draws, number, topology, workload)).collect();
    sendings.sort_by_key(|sending| sending.at);
    sendings
}

fn sending(draws: &Draws, number: u64, topology: &Topology, workload: &Workload) -> Sending {
    let latest = workload.window.0 / 1_000_000;
    let together = draws.part("burst", number / BURST).millis(0, latest);
    let mut draws = draws.part("send", number);
    let alone = draws.millis(0, latest);
    Sending {
        producer: draws.below(u64::from(topology.producers)) as u32,
        at: if workload.bursts { together } else { alone },
        topic: draws.below(u64::from(workload.topics)) as u32,
        key: key(&mut draws, workload.keys, workload.zipf),
        bytes: workload.sizes.draw(&mut draws),
    }
}

/// Who reads. A group reads one topic, but now and then a member of it reads another.
pub(super) fn consumers(draws: &Draws, topology: &Topology, workload: &Workload) -> Vec<ConsumerPlan> {
    let Workload { groups, topics, .. } = *workload;
    let topic = |name, number| draws.part(name, number).below(u64::from(topics)) as u32;
    let consumer = |number: u32| {
        let group = number % groups;
        let strays = draws.part("consumer", u64::from(number)).percent(15);
        let (name, which) = if strays { ("consumer-topic", number) } else { ("group", group) };
        ConsumerPlan { number, group, topic: topic(name, u64::from(which)) }
    };
    if groups == 0 { Vec::new() } else { (0..topology.consumers).map(consumer).collect() }
}

/// What befalls those who agree, and nobody else: two of them do not hear each other, and both hear the third, or one
/// crashes when it has just voted.
pub(super) fn strife(
    draws: &Draws,
    nodes: &[String],
    partitions: bool,
    crashes: bool,
    storm: Span,
) -> Vec<Fault> {
    let mut faults = Vec::new();
    for number in 0..2 {
        let mut draws = draws.part("strife", number);
        let mut pair: Vec<&String> = nodes.iter().collect();
        let out = draws.below(pair.len() as u64) as usize;
        let third = pair.remove(out).clone();
        let at = Trigger::At(draws.millis(1, (storm.0 / 10 * 9 / 1_000_000).max(1)));
        let (from, to) = (vec![pair[0].clone()], vec![pair[1].clone()]);
        let parted =
            Blow::Partition { from, to, one_way: draws.percent(20), heal_after: draws.millis(500, 8_000) };
        let nth = draws.between(1, 4);
        let voted =
            Trigger::On { fact: "VoteGiven".to_owned(), nth, delay: Span::micros(draws.below(2_000)) };
        let crash = Blow::Crash { node: third, restart_after: draws.millis(5, 300) };
        if partitions && draws.percent(50) {
            faults.push(Fault { trigger: at, blow: parted });
        }
        if crashes && draws.percent(50) {
            faults.push(Fault { trigger: voted, blow: crash });
        }
    }
    faults
}
