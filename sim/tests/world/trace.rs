//! The trace of a run: that it is complete, that its causes are causes, and that keeping it changes nothing.

use crate::stage::{Seen, Stage};
use crate::tumult;
use rehearsal_env::{EventId, Incarnation, NodeId, Time};
use rehearsal_sim::{Blow, Incident, Loss, Missed, PlainSchedule, TraceEntry, Traced};
use std::collections::{BTreeMap, BTreeSet};

const SEEDS: std::ops::Range<u64> = 0..20;

fn traced(seed: u64) -> (Seen, Vec<TraceEntry>) {
    let stage = Stage::new(seed, tumult::settings());
    let trace = stage.world.keep_trace();
    let seen = tumult::play(stage);
    let trace = trace.take();
    (seen, trace)
}

/// One message, or one copy of one.
#[derive(Debug)]
struct Message {
    to: NodeId,
    /// None when it was lost.
    arrives: Option<Time>,
}

/// Every message sent, and its place in the trace.
fn messages(trace: &[TraceEntry]) -> BTreeMap<EventId, (usize, Message)> {
    let mut messages = BTreeMap::new();
    for (index, entry) in trace.iter().enumerate() {
        if let Traced::Sent { message, to, arrives, copy, .. } = &entry.what {
            let first = Message { to: *to, arrives: *arrives };
            assert!(messages.insert(*message, (index, first)).is_none(), "a message has one name");
            if let Some((copy, at)) = copy {
                let second = Message { to: *to, arrives: Some(*at) };
                assert!(messages.insert(*copy, (index, second)).is_none(), "a copy has a name of its own");
            }
        }
    }
    messages
}

/// Every event that an entry begins, with the node that handles it.
fn begun(trace: &[TraceEntry]) -> BTreeMap<EventId, (usize, NodeId)> {
    let messages = messages(trace).into_iter().map(|(id, (index, message))| (id, (index, message.to)));
    let others = trace.iter().enumerate().filter_map(|(index, entry)| match &entry.what {
        Traced::Slept { timer: event, .. } | Traced::DiskBegan { operation: event, .. } => {
            Some((*event, (index, entry.node.expect("a node does it"))))
        }
        _ => None,
    });
    messages.chain(others).collect()
}

#[test]
fn keeping_a_trace_changes_nothing() {
    for seed in SEEDS {
        let alone = tumult::play(Stage::new(seed, tumult::settings()));
        let (seen, trace) = traced(seed);
        assert_eq!(seen.outcome.digest, alone.outcome.digest);
        assert_eq!(
            (seen.outcome.events, seen.outcome.messages),
            (alone.outcome.events, alone.outcome.messages)
        );
        assert_eq!(seen.outcome.faults, alone.outcome.faults);
        assert_eq!(seen.facts, alone.facts);
        assert_eq!(seen.incidents, alone.incidents);
        assert_eq!(trace, traced(seed).1, "it is itself the same every time");
    }
}

#[test]
fn asking_twice_for_a_trace_gives_the_same_one() {
    let (schedule, _) = PlainSchedule::new(1, []);
    let stage = Stage::decided_by(schedule, tumult::settings());
    let (one, other) = (stage.world.keep_trace(), stage.world.keep_trace());
    tumult::play(stage);
    assert!(std::rc::Rc::ptr_eq(&one, &other));
    let words = one.borrow().iter().filter(|entry| matches!(entry.what, Traced::Decided { .. })).count();
    let (schedule, _) = PlainSchedule::new(1, []);
    let stage = Stage::decided_by(schedule, tumult::settings());
    let once = stage.world.keep_trace();
    tumult::play(stage);
    let once = once.borrow().iter().filter(|entry| matches!(entry.what, Traced::Decided { .. })).count();
    assert_eq!(words, once, "no decision is kept twice");
}

#[test]
fn time_never_goes_back_in_a_trace() {
    for seed in SEEDS {
        let (_, trace) = traced(seed);
        assert!(trace.is_sorted_by_key(|entry| entry.time));
    }
}

/// The events of the world itself: starts, strikes, heals, pauses that end. Nothing in the trace begins them, so they
/// are known by what is found under them.
fn of_the_world(trace: &[TraceEntry]) -> BTreeSet<EventId> {
    let theirs = trace.iter().filter(|entry| match &entry.what {
        Traced::Strikes { .. } => true,
        Traced::Incident { incident, .. } => matches!(
            incident,
            Incident::Started(_)
                | Incident::Healed(_)
                | Incident::Resumed(_)
                | Incident::Mended(..)
                | Incident::CalmBegan
        ),
        _ => false,
    });
    let mut events: BTreeSet<EventId> = theirs.map(|entry| entry.cause).collect();
    events.insert(EventId(0));
    events
}

#[test]
fn every_cause_is_an_event_that_an_earlier_entry_began_on_the_node_that_handles_it_or_one_of_the_world() {
    for seed in SEEDS {
        let (_, trace) = traced(seed);
        let (begun, world) = (begun(&trace), of_the_world(&trace));
        assert!(
            world.iter().all(|event| !begun.contains_key(event)),
            "an event is of a node or of the world"
        );
        let mut chained = 0;
        for (index, entry) in trace.iter().enumerate() {
            if world.contains(&entry.cause) {
                continue;
            }
            let Some((place, node)) = begun.get(&entry.cause) else { panic!("{entry:?} has no cause") };
            assert!(*place < index, "{entry:?} comes before its cause");
            assert!(trace[*place].time <= entry.time);
            if let Some(own) = entry.node {
                assert_eq!(own, *node, "{entry:?} is caused by what another node handles");
                chained += 1;
            }
        }
        assert!(chained > 500, "only {chained} entries have a cause");
    }
}

#[test]
fn what_begins_with_the_calm_is_not_caused_by_what_came_last_in_the_storm() {
    for seed in SEEDS {
        let (_, trace) = traced(seed);
        let calm = |entry: &&TraceEntry| {
            matches!(entry.what, Traced::Incident { incident: Incident::CalmBegan, .. })
        };
        let calm = trace.iter().find(calm).expect("the calm begins");
        let at_that_time: Vec<&TraceEntry> = trace
            .iter()
            .filter(|entry| entry.time == calm.time && matches!(entry.what, Traced::Incident { .. }))
            .collect();
        assert!(at_that_time.len() >= 3, "one node goes on, one starts: {at_that_time:?}");
        assert!(at_that_time.iter().all(|entry| entry.cause == EventId(0)), "{at_that_time:?}");
    }
}

#[test]
fn a_message_comes_to_its_node_when_it_was_due_and_once() {
    let (mut arrived_late, mut missed_early) = (0, 0);
    for seed in SEEDS {
        let (_, trace) = traced(seed);
        let messages = messages(&trace);
        let (mut came, mut taken) = (BTreeSet::new(), BTreeSet::new());
        let mut arrived = BTreeSet::new();
        for (index, entry) in trace.iter().enumerate() {
            let (id, missed) = match &entry.what {
                Traced::Arrived { message } => (*message, None),
                Traced::Missed { message, why } => (*message, Some(*why)),
                Traced::Taken { message } => {
                    assert!(arrived.contains(message), "taken, but did not arrive: {entry:?}");
                    assert!(taken.insert(*message), "taken twice: {entry:?}");
                    assert_eq!(Some(messages[message].1.to), entry.node);
                    assert_eq!(entry.cause, *message, "what follows is caused by the message");
                    assert!(Some(entry.time) >= messages[message].1.arrives);
                    continue;
                }
                _ => continue,
            };
            let (sent, message) = messages.get(&id).unwrap_or_else(|| panic!("never sent: {entry:?}"));
            assert!(*sent < index);
            assert_eq!(Some(message.to), entry.node);
            let due = message.arrives.unwrap_or_else(|| panic!("lost on the way, yet it comes: {entry:?}"));
            assert!(came.insert(id), "it comes twice: {entry:?}");
            match missed {
                // What is on its way to a node that crashes is lost at once.
                Some(Missed::NobodyListens) if entry.time < due => missed_early += 1,
                Some(_) => assert_eq!(entry.time, due),
                None => {
                    assert_eq!((entry.time, entry.cause), (due, id));
                    arrived.insert(id);
                    arrived_late += u64::from(taken.len() < arrived.len());
                }
            }
        }
        // Nothing but what is under way at the end is unaccounted for.
        let end = trace.last().expect("something happened").time;
        let unaccounted = messages.iter().filter(|(id, _)| !came.contains(id));
        for (id, (_, message)) in unaccounted {
            assert!(message.arrives.is_none_or(|due| due >= end), "{id:?} never came: {message:?}");
        }
    }
    assert!(arrived_late > 0 && missed_early > 0, "{arrived_late}, {missed_early}");
}

#[test]
fn a_message_is_lost_for_a_reason_or_arrives() {
    let (mut by_network, mut by_partition, mut doubled, mut held_back) = (0, 0, 0, 0);
    for seed in SEEDS {
        let (_, trace) = traced(seed);
        for entry in &trace {
            let Traced::Sent { arrives, copy, held_back: held, lost, protocol, body, .. } = &entry.what
            else {
                continue;
            };
            assert!(protocol.ends_with("stage::Number") && body.is_u64(), "{entry:?}");
            assert_eq!(arrives.is_none(), lost.is_some(), "{entry:?}");
            assert!(copy.is_none() || lost.is_none(), "{entry:?}");
            assert!(arrives.is_none_or(|due| due > entry.time));
            doubled += u64::from(copy.is_some());
            held_back += u64::from(*held);
            match lost {
                Some(Loss::Network) => by_network += 1,
                Some(Loss::Partition(fault)) => {
                    let blow = &tumult::settings().faults[*fault as usize].blow;
                    assert!(matches!(blow, Blow::Partition { .. }), "{blow:?}");
                    by_partition += 1;
                }
                Some(Loss::SlowLink(fault)) => panic!("fault {fault} slows no link"),
                None => {}
            }
        }
    }
    assert!([by_network, by_partition, doubled, held_back].iter().all(|count| *count > 0));
}

#[test]
fn facts_and_incidents_have_the_numbers_times_and_causes_that_the_audience_saw() {
    for seed in SEEDS {
        let (seen, trace) = traced(seed);
        let facts = seen.facts.iter().map(|(stamp, _)| (*stamp, None));
        let incidents = seen.incidents.iter().map(|(stamp, incident)| (*stamp, Some(*incident)));
        let mut told: Vec<_> = facts.chain(incidents).collect();
        told.sort_by_key(|(stamp, _)| stamp.number);
        let mut told = told.into_iter();
        for entry in &trace {
            let (number, incident) = match &entry.what {
                Traced::Fact { number } => (*number, None),
                Traced::Incident { number, incident } => (*number, Some(*incident)),
                _ => continue,
            };
            let (stamp, shown) = told.next().expect("the audience saw as many");
            assert_eq!((number, incident), (stamp.number, shown));
            assert_eq!((entry.time, entry.cause), (stamp.time, stamp.cause));
            assert_eq!(entry.incarnation, stamp.incarnation, "{entry:?}");
            assert_eq!(entry.node, Some(stamp.node).filter(|node| node.0 != u32::MAX));
        }
        assert_eq!(told.next(), None);
    }
}

#[test]
fn every_sleep_and_every_disk_operation_that_ends_was_begun_by_the_same_life_of_the_same_node() {
    let mut failed = 0;
    for seed in SEEDS {
        let (_, trace) = traced(seed);
        let mut open: BTreeMap<EventId, (Option<NodeId>, Incarnation, Option<Time>)> = BTreeMap::new();
        for entry in &trace {
            match &entry.what {
                Traced::Slept { timer, until } => {
                    open.insert(*timer, (entry.node, entry.incarnation, Some(*until)));
                }
                Traced::DiskBegan { operation, does } => {
                    assert!(!does.is_empty());
                    open.insert(*operation, (entry.node, entry.incarnation, None));
                }
                Traced::Woke { timer: event } | Traced::DiskEnded { operation: event, .. } => {
                    let (node, incarnation, until) = open.remove(event).expect("it was begun");
                    assert_eq!((entry.node, entry.incarnation), (node, incarnation), "{entry:?}");
                    assert!(until.is_none_or(|until| until == entry.time), "{entry:?}");
                    assert_eq!(entry.cause, *event);
                    let error = matches!(&entry.what, Traced::DiskEnded { error: Some(_), .. });
                    failed += u64::from(error);
                }
                _ => {}
            }
        }
    }
    assert!(failed > 0, "some disk operation fails");
}

#[test]
fn faults_strike_in_the_order_of_the_scenario_and_each_at_its_time() {
    let (_, trace) = traced(1);
    let strikes = trace.iter().filter_map(|entry| match &entry.what {
        Traced::Strikes { fault } => Some((entry.time.0 / 1_000_000, *fault)),
        _ => None,
    });
    let strikes: Vec<(u64, u32)> = strikes.collect();
    let expected = [
        (100, 0),
        (110, 9),
        (120, 1),
        (130, 10),
        (140, 11),
        (150, 2),
        (200, 3),
        (220, 12),
        (250, 4),
        (280, 13),
        (300, 5),
        (330, 14),
        (350, 5),
        (350, 15),
        (400, 6),
        (400, 5),
        (420, 16),
        (450, 7),
        (460, 8),
    ];
    let mut sorted = (strikes.clone(), expected.to_vec());
    sorted.0.sort_unstable();
    sorted.1.sort_unstable();
    assert_eq!(sorted.0, sorted.1);
    assert!(strikes.is_sorted_by_key(|(time, _)| *time));
}
