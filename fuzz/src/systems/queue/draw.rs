//! What a seed stands for in the queue: nodes, settings, topics, messages, consumers.

use super::figures::{EXPONENTS, Sizes, key};
use super::ordeals;
use super::possible;
use super::sections::{Rolling, SetUpFor, Topology, Workload};
use crate::draws::Draws;
use rehearsal_model::queue::group::StrategyName;
use rehearsal_model::queue::knobs::{
    CoordinationMode, Delivery, FetchMode, Knobs, OffsetReset, OffsetsIn, Retry, StartAt,
};
use rehearsal_model::queue::plan::{ConsumerPlan, Sending, TopicPlan};
use rehearsal_model::queue::producers::REMEMBERED_BATCHES;
use rehearsal_model::queue::production::Acks;
use rehearsal_model::queue::reading::ReadFrom;
use rehearsal_model::queue::replica::Flush;
use rehearsal_model::queue::tags::Tags;
use rehearsal_model::queue::topics::KeyOrder;
use rehearsal_sim::{Blow, Fault, Span, Trigger};

/// How many messages come together in a burst.
pub(super) const BURST: u64 = 8;

/// How long faults may come: some three times as long as the longest session lasts in silence, so that what one of them
/// leads to is met by the next. In twice the time the same known bugs are found, with a third more events in each run.
pub(super) const STORM: Span = Span::seconds(10);

/// How long all may take at most that is still to be done then: a pipe moves its messages one by one, each in a transaction.
pub(super) const CALM: Span = Span::seconds(40);

/// How long everything is to have been at rest for the calm to end before its time: longer than any session lasts in
/// silence, and than any consumer is away, so that what is only about to go, or to come back, is missed.
pub(super) const REST: Span = Span::seconds(4);

/// How long everything is to have been at rest, if the calm may end before its time. Others are watched to the end.
pub(super) fn rest(draws: &Draws) -> Option<Span> {
    (!draws.part("rest", 0).percent(10)).then_some(REST)
}

/// What the workload is drawn with. All is sent in the first three quarters of the storm, so that faults meet it.
pub(super) fn workload(draws: &Draws, storm: Span) -> Workload {
    // It comes to one in eight scenarios: not everything that is drawn goes with it.
    let lent = draws.part("lent", 0).percent(21);
    let mut changes = draws.part("topic-changes", 0);
    let (grows, retires) = match changes.below(100) {
        0..14 => (true, false),
        14..22 => (false, true),
        22..30 => (true, true),
        _ => (false, false),
    };
    let big_topic = changes.percent(3);
    let orderly = draws.part("orderly-restart", 0).percent(12);
    let ordeal = ordeals::drawn(draws);
    let mut placing = draws.part("placing", 0);
    let keyless = if placing.percent(25) { placing.between(10, 100) as u32 } else { 0 };
    let named = if placing.percent(15) { placing.between(10, 60) as u32 } else { 0 };
    let leaves = draws.part("leaves", 0).percent(20);
    let replays = draws.part("replays", 0).percent(20);
    let mut draws = draws.part("workload", 0);
    let latest = (storm.0 / 4 * 3 / 1_000_000).max(1);
    Workload {
        aim: SetUpFor::AsDrawn,
        messages: draws.between(40, 120) as u32,
        window: draws.millis(latest.div_ceil(8), latest).min(storm),
        bursts: draws.percent(50),
        topics: draws.between(1, 2) as u32,
        most_partitions: *draws.pick(&[1, 2, 3, 3]),
        keys: *draws.pick(&[1, 3, 8, 16, 32]),
        zipf: *draws.pick(&EXPONENTS),
        keyless,
        named,
        sizes: *draws.pick(&[Sizes::Caches, Sizes::Caches, Sizes::Caches, Sizes::Benchmarks, Sizes::Small]),
        groups: *draws.pick(&[0, 1, 1, 1, 1, 2, 2, 2, 2]),
        slow_consumers: draws.percent(30),
        pipe: draws.percent(30),
        tags: *draws.pick(&[0, 0, 0, 2, 3]),
        delayed: if draws.percent(15) { draws.between(10, 40) as u32 } else { 0 },
        failing: if draws.percent(15) { draws.between(5, 15) as u32 } else { 0 },
        lent,
        grows,
        retires,
        big_topic,
        members_change: draws.percent(15),
        leaves,
        replays,
        rolling_restart: match (orderly, draws.percent(10)) {
            (true, _) => Rolling::Orderly,
            (false, true) => Rolling::Crashes,
            (false, false) => Rolling::None,
        },
        ordeal,
    }
}

/// How many of each there are.
pub(super) fn topology(draws: &Draws, workload: &Workload) -> Topology {
    let mut draws = draws.part("topology", 0);
    let brokers = *draws.pick(&[3, 3, 3, 3, 3, 3, 4, 5]);
    let factor = if draws.percent(85) { 3 } else { 2 };
    Topology {
        // One more than hold copies of a partition, or nobody can come or go.
        brokers: if workload.members_change { brokers.max(factor + 1) } else { brokers },
        factor,
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
    // A mover's repeat is known again as long as what it repeats is in the log.
    let repeats_come_late = workload.delayed > 0 || workload.failing > 0;
    let keeping = if repeats_come_late { Knobs::default() } else { keeping(draws) };
    let keeps_order =
        workload.grows && !workload.retires && may_change(workload) && draws.part("key-order", 0).percent(60);
    let several = draws.part("coordination", 0).percent(33);
    let mut history = draws.part("coordination-history", 0);
    let usual = Knobs::default().coordination_history;
    let coordination_history = if history.percent(15) { history.between(1, 12) as u32 } else { usual };
    let (fetch, credit) = pushing(draws, workload);
    let segments = segments(draws);
    let (buffer_bytes, buffer_wait) = buffering(draws, workload);
    let apart = draws.part("offsets", 0).percent(22);
    let begins_late = draws.part("start", 0).percent(20) && !workload.grows && !workload.retires;
    let mut draws = draws.part("knobs", 0);
    let acks = match draws.below(100) {
        0..70 => Acks::All,
        70..90 => Acks::Leader,
        _ => Acks::None,
    };
    let lag = draws.millis(500, 3_000);
    let delivery = match draws.below(100) {
        0..75 if workload.pipe && acks == Acks::All => Delivery::ExactlyOnce,
        0..75 => Delivery::AtLeastOnce,
        _ => Delivery::AtMostOnce,
    };
    let member_session = draws.millis(1_000, 3_000);
    let drawn = Knobs {
        acks,
        flush: if draws.percent(80) { Flush::BeforeAck } else { Flush::Background },
        min_insync: if draws.percent(75) { topology.factor.min(2) } else { 1 },
        unclean_election: draws.percent(10),
        idempotent: (draws.percent(70) || delivery == Delivery::ExactlyOnce) && acks == Acks::All,
        max_in_flight: draws.between(1, 5) as u32,
        // What a pipeline reads it writes again, with many round trips for each transaction: small batches would not be
        // through in the calm.
        batch_records: if workload.pipe { draws.between(4, 8) } else { draws.between(1, 8) } as u32,
        linger: draws.millis(0, 20),
        backoff: draws.millis(20, 300),
        delivery_timeout: if draws.percent(30) { draws.millis(2_000, 10_000) } else { Span::seconds(20) },
        record_limit: if draws.percent(10) { 2_048 } else { 1_000_000 },
        lag,
        fetch_wait: Span::millis(*draws.pick(&[500, 1_000, 2_000, 4_000])),
        // A transaction takes its time, however little it holds.
        fetch_bytes: *draws.pick(if workload.pipe {
            &[131_072, 262_144, 262_144]
        } else {
            &[1_024, 8_192, 65_536]
        }),
        flush_interval: draws.millis(50, 500),
        segment_bytes: {
            let drawn = *draws.pick(&[1_024, 2_048, 4_096, 8_192]);
            if keeps_all(&keeping) { drawn } else { keeping.segment_bytes }
        },
        broker_session: draws.millis(1_000, 3_000),
        delivery,
        read_from: if draws.percent(30) { ReadFrom::InSync } else { ReadFrom::Leader },
        transaction_timeout: draws.millis(1_500, 5_000),
        strategy: *draws.pick(&[StrategyName::Range, StrategyName::RoundRobin, StrategyName::Sticky]),
        member_session,
        // Longer than a heartbeat: by its answer a member learns that it has to join again.
        rebalance: draws.millis(1_500, 3_000),
        heartbeat: Span::millis(member_session.0 / 1_000_000 / 3),
        commit_interval: draws.millis(50, 500),
        // A hundred messages are worked through well within the calm.
        processing: match (workload.slow_consumers, workload.pipe) {
            (false, _) => draws.millis(0, 2),
            (true, false) => draws.millis(20, 100),
            // Here they are worked through twice.
            (true, true) => draws.millis(20, 40),
        },
        resend: draws.millis(100, 500),
        silence: draws.millis(1_000, 3_000),
        archive: keeping.archive && delivery != Delivery::ExactlyOnce,
        retry: *draws.pick(&[Retry::None, Retry::Topic, Retry::Topic, Retry::ParkKey, Retry::ParkKey]),
        tries: draws.between(1, 4) as u32,
        // Even when all have one key, those that fail are worked off well within the calm.
        retry_backoff: draws.millis(20, 200),
        coordination: if several { CoordinationMode::Consensus } else { CoordinationMode::OneDurableNode },
        coordination_history,
        fetch,
        credit,
        buffer_bytes,
        buffer_wait,
        offsets: if apart && delivery != Delivery::ExactlyOnce {
            OffsetsIn::Coordination
        } else {
            OffsetsIn::InternalTopic
        },
        start: if begins_late && delivery != Delivery::ExactlyOnce {
            StartAt::Latest
        } else {
            StartAt::Earliest
        },
        ..keeping
    };
    let drawn = segments.applied(if keeps_order { keeping_key_order(drawn) } else { drawn });
    let at_most_once = drawn.delivery == Delivery::AtMostOnce;
    Knobs { retry: if at_most_once { Retry::None } else { drawn.retry }, ..drawn }
}

/// In one of seven scenarios producers have little room. What a pipeline writes is held up by nothing but its transactions.
fn buffering(draws: &Draws, workload: &Workload) -> (u32, Span) {
    let mut draws = draws.part("buffer", 0);
    let usual = Knobs::default();
    if !draws.percent(15) || workload.pipe {
        return (usual.buffer_bytes, usual.buffer_wait);
    }
    (*draws.pick(&[256, 1_024, 4_096, 16_384]), draws.millis(100, 3_000))
}

/// In a quarter of the scenarios brokers push, and seldom with as much credit as anybody could use.
fn pushing(draws: &Draws, workload: &Workload) -> (FetchMode, u32) {
    let mut draws = draws.part("fetch", 0);
    let fetch = if draws.percent(25) { FetchMode::Push } else { FetchMode::Pull };
    let credit = *draws.pick(&[512, 1_024, 2_048, 4_096, 16_384, 65_536]);
    // As with fetches, a transaction takes its time, however little it holds.
    (fetch, if workload.pipe { 262_144 } else { credit })
}

/// How logs are cut into segments, and how many of them stay in memory.
struct Segments {
    cached: u32,
    age: Span,
    /// How large they grow where not all of them stay in memory, so that there are several.
    bytes: u32,
}

/// In a quarter of the scenarios old segments are read from the disk, and in some a segment grows only so old.
fn segments(draws: &Draws) -> Segments {
    let mut draws = draws.part("segments", 0);
    let cached = if draws.percent(25) { draws.between(1, 2) as u32 } else { 0 };
    let age = if draws.percent(15) { draws.millis(100, 3_000) } else { Span(0) };
    Segments { cached, age, bytes: *draws.pick(&[512, 1_024, 2_048]) }
}

impl Segments {
    fn applied(self, drawn: Knobs) -> Knobs {
        let Segments { cached, age, bytes } = self;
        let segment_bytes = if cached > 0 { drawn.segment_bytes.min(bytes) } else { drawn.segment_bytes };
        Knobs { cached_segments: cached, segment_age: age, segment_bytes, ..drawn }
    }
}

/// What was drawn, but for what cannot go with the order of keys.
fn keeping_key_order(drawn: Knobs) -> Knobs {
    let plain = Knobs::default();
    Knobs {
        key_order: KeyOrder::Kept,
        acks: Acks::All,
        idempotent: true,
        flush: Flush::BeforeAck,
        unclean_election: false,
        delivery: Delivery::AtLeastOnce,
        retention_age: plain.retention_age,
        retention_bytes: plain.retention_bytes,
        archive: plain.archive,
        retry: if drawn.retry == Retry::Topic { Retry::ParkKey } else { drawn.retry },
        ..drawn
    }
}

/// Whether the partitions of topics may change: what a pipeline writes, and what is delayed, has its place for good.
pub(super) fn may_change(workload: &Workload) -> bool {
    !workload.pipe && workload.delayed == 0 && !workload.lent
}

/// How much is kept, and what becomes of the rest: in a quarter of the scenarios not all is, and then segments are small,
/// so that some are closed. And where a bit flips now and then.
fn keeping(draws: &Draws) -> Knobs {
    let mut draws = draws.part("keeping", 0);
    let flips = if draws.percent(10) { draws.between(20, 60) as u32 } else { 0 };
    let plain = Knobs { flips, ..Knobs::default() };
    if !draws.percent(25) {
        return plain;
    }
    let (by_age, by_bytes) = *draws.pick(&[(true, false), (true, false), (false, true), (true, true)]);
    Knobs {
        retention_age: if by_age { draws.millis(200, 4_000) } else { Span(0) },
        retention_bytes: if by_bytes { draws.between(512, 6_144) as u32 } else { 0 },
        retention_check: draws.millis(200, 1_000),
        segment_bytes: *draws.pick(&[512, 1_024, 2_048]),
        archive: draws.percent(50),
        reset: *draws.pick(&[
            OffsetReset::Earliest,
            OffsetReset::Earliest,
            OffsetReset::Latest,
            OffsetReset::Error,
        ]),
        ..plain
    }
}

/// Whether nothing is ever dropped.
fn keeps_all(knobs: &Knobs) -> bool {
    knobs.retention_age == Span(0) && knobs.retention_bytes == 0
}

/// What was drawn, but for what cannot go with the values that were fixed.
pub(super) fn knobs_beside(fixed: &Knobs, drawn: Knobs) -> Knobs {
    let may_number =
        fixed.acks == Acks::All && (1..=REMEMBERED_BATCHES).contains(&(fixed.max_in_flight as usize));
    // Not drawn, but asked for: then the rest has to go with it.
    let asked = fixed.delivery == Delivery::ExactlyOnce && drawn.delivery != Delivery::ExactlyOnce;
    let beside = Knobs {
        acks: if fixed.idempotent || asked { Acks::All } else { drawn.acks },
        idempotent: asked || drawn.idempotent && may_number,
        delivery: match drawn.delivery {
            Delivery::ExactlyOnce if !may_number => Delivery::AtLeastOnce,
            Delivery::AtMostOnce if fixed.retry != Retry::None => Delivery::AtLeastOnce,
            Delivery::ExactlyOnce if fixed.offsets == OffsetsIn::Coordination => Delivery::AtLeastOnce,
            Delivery::ExactlyOnce if fixed.start == StartAt::Latest => Delivery::AtLeastOnce,
            delivery => delivery,
        },
        archive: drawn.archive && fixed.delivery != Delivery::ExactlyOnce,
        offsets: match fixed.delivery {
            Delivery::ExactlyOnce => OffsetsIn::InternalTopic,
            _ => drawn.offsets,
        },
        start: match fixed.delivery {
            Delivery::ExactlyOnce => StartAt::Earliest,
            _ => drawn.start,
        },
        heartbeat: drawn.heartbeat.min(Span(fixed.member_session.0 / 3)),
        retry: if fixed.delivery == Delivery::AtMostOnce { Retry::None } else { drawn.retry },
        ..drawn
    };
    let goes_with_all = [fixed, &beside].into_iter().all(possible::may_keep_key_order);
    let keeps = goes_with_all && fixed.retry != Retry::Topic;
    Knobs { key_order: if keeps { drawn.key_order } else { KeyOrder::Announced }, ..beside }
}

/// What producers write to and consumers read.
pub(super) fn topics(draws: &Draws, workload: &Workload) -> Vec<TopicPlan> {
    let topic = |number: u32| {
        let mut draws = draws.part("topic", u64::from(number));
        if workload.big_topic && number == 0 {
            return TopicPlan { number, partitions: draws.between(24, 48) as u32 };
        }
        TopicPlan { number, partitions: draws.between(1, u64::from(workload.most_partitions)) as u32 }
    };
    (0..workload.topics + u32::from(workload.pipe)).map(topic).collect()
}

/// What is sent, in the order of time.
pub(super) fn sendings(
    draws: &Draws,
    topology: &Topology,
    workload: &Workload,
    knobs: &Knobs,
    topics: &[TopicPlan],
) -> Vec<Sending> {
    let numbers = 0..u64::from(workload.messages);
    let mut sendings: Vec<Sending> =
        numbers.map(|number| sending(draws, number, topology, workload, knobs)).collect();
    for (number, sending) in (0..).zip(&mut sendings) {
        place(&mut draws.part("place", number), workload, knobs, topics, sending);
    }
    sendings.sort_by_key(|sending| sending.at);
    sendings
}

fn sending(draws: &Draws, number: u64, topology: &Topology, workload: &Workload, knobs: &Knobs) -> Sending {
    let mut special = draws.part("special", number);
    let latest = workload.window.0 / 1_000_000;
    let together = draws.part("burst", number / BURST).millis(0, latest);
    let mut draws = draws.part("send", number);
    let alone = draws.millis(0, latest);
    let at = if workload.bursts { together } else { alone };
    let postponed = special.percent(u64::from(workload.delayed));
    let (appointed, span) = (special.percent(30), special.millis(50, 5_000));
    let fails = special.percent(u64::from(workload.failing));
    let most = match knobs.retry {
        // It holds up its partition until it succeeds.
        Retry::None => 1,
        Retry::Topic | Retry::ParkKey => u64::from(knobs.tries) + 1,
    };
    let tries = special.between(1, most) as u32;
    Sending {
        producer: draws.below(u64::from(topology.producers)) as u32,
        at,
        topic: draws.below(u64::from(workload.topics)) as u32,
        key: Some(key(&mut draws, workload.keys, workload.zipf)),
        partition: None,
        bytes: workload.sizes.draw(&mut draws),
        tags: tags(draws.part("more-tags", 0), workload, &mut draws),
        delay: (postponed && !appointed).then_some(span),
        appointment: (postponed && appointed).then_some(Span(at.0 + span.0)),
        fails: if fails { tries } else { 0 },
    }
}

/// The tags of a message: one, and in a third of the cases another, if there is any.
fn tags(mut more: Draws, workload: &Workload, draws: &mut Draws) -> Tags {
    let tag = |draws: &mut Draws| draws.below(u64::from(workload.tags)) as u16;
    let first = (workload.tags > 0).then(|| tag(draws));
    let second = first.filter(|_| more.percent(33)).map(|_| tag(&mut more));
    first.into_iter().chain(second).collect()
}

/// Where a message goes, if not by its key.
fn place(draws: &mut Draws, workload: &Workload, knobs: &Knobs, topics: &[TopicPlan], sending: &mut Sending) {
    let (keyless, named) = (draws.percent(workload.keyless.into()), draws.percent(workload.named.into()));
    let partitions = topics.iter().find(|topic| topic.number == sending.topic).map(|topic| topic.partitions);
    if let Some(partitions) = partitions.filter(|_| named) {
        sending.partition = Some(draws.below(partitions.into()) as u32);
    }
    if keyless || named && knobs.key_order == KeyOrder::Kept {
        sending.key = None;
    }
}

/// Who reads. A group reads one topic, but now and then a member of it reads another.
pub(super) fn consumers(
    draws: &Draws,
    topology: &Topology,
    workload: &Workload,
    knobs: &Knobs,
) -> Vec<ConsumerPlan> {
    let Workload { groups, topics, pipe, tags, .. } = *workload;
    let may_lend = workload.lent && knobs.delivery == Delivery::AtLeastOnce && !knobs.archive;
    // Long enough for a message to be processed well within it, and seldom for all that are borrowed at once.
    let time = draws.part("loan", 0).millis(400, 2_000);
    let topic = |name, number| draws.part(name, number).below(u64::from(topics)) as u32;
    let consumer = |number: u32| {
        let group = number % groups;
        let strays = draws.part("consumer", u64::from(number)).percent(15);
        let (name, which) = if strays { ("consumer-topic", number) } else { ("group", group) };
        // What the pipeline writes is read by all other groups, and by none if there is but one.
        let (topic, into) = match (pipe, group) {
            (false, _) => (topic(name, u64::from(which)), None),
            (true, 0) => (topic("group", 0), Some(topics)),
            (true, _) => (topics, None),
        };
        let mut draws = draws.part("tag", u64::from(group));
        let tag = (tags > 0 && draws.percent(60)).then(|| draws.below(u64::from(tags)) as u16);
        let lends = may_lend && group == groups - 1 && into.is_none();
        ConsumerPlan { number, group, topic, into, tag, loan: lends.then_some(time) }
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
