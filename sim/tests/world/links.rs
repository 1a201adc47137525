//! Partitions of every shape, links that flap, are slow, or are reset, and data centres.

use crate::stage::{Handle, Number, Seen, Stage, at, crash, millis, note, partition, with_faults};
use rehearsal_env::{Clock, File, Network, NodeId, Port, Storage};
use rehearsal_sim::{Blow, Division, Fault, FaultClass, FaultTally, Incident, Shape, Span};
use std::collections::BTreeSet;
use std::future::pending;
use std::time::Duration;

const NODES: [&str; 4] = ["a", "b", "c", "d"];
const HEARD: [&str; 4] = ["a heard", "b heard", "c heard", "d heard"];

/// Four nodes, each of which sends every other its number every 10 ms and notes whom it hears. Links take 5 ms.
fn everybody_talks(faults: Vec<Fault>) -> Seen {
    let mut settings = with_faults(faults);
    (settings.network.latency_min, settings.network.latency_max) = (Span::millis(5), Span::millis(5));
    let mut stage = Stage::new(1, settings);
    let ids = NODES.map(|name| stage.node(name));
    for (number, name) in NODES.into_iter().enumerate() {
        stage.start(name, move |env| talks(env, number, ids));
    }
    stage.run().sound()
}

async fn talks(env: Handle, own: usize, ids: [NodeId; 4]) {
    let port = env.bind::<Number>();
    note(&env, "is up", own as u64);
    let mut next = env.now();
    loop {
        next = next + Duration::from_millis(10);
        while let Ok(received) = env.timeout(next - env.now(), port.recv()).await {
            note(&env, HEARD[own], received.message.0);
        }
        for id in ids.iter().filter(|id| **id != ids[own]) {
            port.send(*id, Number(own as u64));
        }
    }
}

/// Who heard whom between these times, as `b<a`.
fn heard(seen: &Seen, from: u64, to: u64) -> BTreeSet<String> {
    let mut pairs = BTreeSet::new();
    for (own, word) in HEARD.into_iter().enumerate() {
        for (time, other) in seen.times(word).into_iter().zip(seen.noted(word)) {
            if time > millis(from) && time < millis(to) {
                pairs.insert(format!("{}<{}", NODES[own], NODES[other as usize]));
            }
        }
    }
    pairs
}

/// All pairs but these, each both ways.
fn all_but(cut: &[&str]) -> BTreeSet<String> {
    let cut: Vec<String> = cut
        .iter()
        .flat_map(|pair| [format!("{}<{}", &pair[..1], &pair[1..]), format!("{}<{}", &pair[1..], &pair[..1])])
        .collect();
    let pairs = NODES.iter().flat_map(|near| NODES.iter().map(move |far| (near, far)));
    let pairs = pairs.filter(|(near, far)| near != far).map(|(near, far)| format!("{near}<{far}"));
    pairs.filter(|pair| !cut.contains(pair)).collect()
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn once(shape: Shape, heal_after: u64) -> Blow {
    let up_for = Span::millis(500);
    Blow::Divide(Division { shape, heal_after: Span::millis(heal_after), times: 1, up_for })
}

/// What comes of a shape that is drawn from 200 ms to 500 ms: before, meanwhile, after.
fn drawn(shape: Shape) -> ([BTreeSet<String>; 3], FaultTally) {
    let seen = everybody_talks(vec![at(200, once(shape, 300))]);
    assert_eq!(seen.when(Incident::Cut(0)), [millis(200)]);
    assert_eq!(seen.when(Incident::Healed(0)), [millis(500)]);
    let spans = [(100, 200), (200, 500), (500, 600)].map(|(from, to)| heard(&seen, from, to));
    (spans, seen.outcome.faults)
}

fn counts(tally: &FaultTally, class: FaultClass) -> (u64, u64) {
    (tally.struck(class), tally.effective(class))
}

#[test]
fn a_bridge_leaves_two_halves_one_node_in_common() {
    let bridge = Shape::Bridge { one: names(&["a"]), other: names(&["c", "d"]), over: "b".to_owned() };
    let ([before, meanwhile, after], tally) = drawn(bridge);
    assert_eq!(meanwhile, all_but(&["ac", "ad"]));
    assert_eq!((before, after), (all_but(&[]), all_but(&[])));
    assert_eq!(counts(&tally, FaultClass::Bridge), (1, 1));
}

#[test]
fn in_a_ring_a_node_hears_only_the_two_beside_it() {
    let ([before, meanwhile, after], tally) = drawn(Shape::Ring(names(&["a", "b", "c", "d"])));
    assert_eq!(meanwhile, all_but(&["ac", "bd"]));
    assert_eq!((before, after), (all_but(&[]), all_but(&[])));
    assert_eq!(counts(&tally, FaultClass::Ring), (1, 1));
}

#[test]
fn an_isolated_node_hears_nobody_and_nobody_hears_it() {
    let ([before, meanwhile, after], tally) = drawn(Shape::Isolate("b".to_owned()));
    assert_eq!(meanwhile, all_but(&["ba", "bc", "bd"]));
    assert_eq!((before, after), (all_but(&[]), all_but(&[])));
    assert_eq!(counts(&tally, FaultClass::Isolation), (1, 1));
}

#[test]
fn a_zone_that_is_cut_off_hears_only_itself() {
    let zones = Shape::Zones(vec![names(&["a", "b"]), names(&["c"]), names(&["d"])]);
    let ([before, meanwhile, after], tally) = drawn(zones);
    assert_eq!(meanwhile, BTreeSet::from(["a<b".to_owned(), "b<a".to_owned()]));
    assert_eq!((before, after), (all_but(&[]), all_but(&[])));
    assert_eq!(counts(&tally, FaultClass::ZonesCut), (1, 1));
}

#[test]
fn a_partition_that_flaps_is_healed_in_between() {
    let shape = Shape::Sides { from: names(&["a"]), to: names(&["b"]), one_way: false };
    let (heal_after, up_for) = (Span::millis(100), Span::millis(50));
    let flapping = || Blow::Divide(Division { shape: shape.clone(), heal_after, times: 3, up_for });
    let seen = everybody_talks(vec![at(200, flapping())]);
    assert_eq!(seen.when(Incident::Cut(0)), [200, 350, 500].map(millis));
    assert_eq!(seen.when(Incident::Healed(0)), [300, 450, 600].map(millis));
    for (from, to) in [(200, 300), (350, 450), (500, 600)] {
        assert_eq!(heard(&seen, from, to), all_but(&["ab"]), "{from}");
    }
    for (from, to) in [(300, 350), (450, 500), (600, 650)] {
        assert_eq!(heard(&seen, from, to), all_but(&[]), "{from}");
    }
    let tally = seen.outcome.faults;
    assert_eq!(counts(&tally, FaultClass::Flapping), (1, 1));
    assert_eq!(counts(&tally, FaultClass::Partition), (0, 0));
    // It has come but once when the storm is over.
    let cut_short = everybody_talks(vec![at(950, flapping())]);
    assert_eq!(cut_short.when(Incident::Cut(0)), [millis(950)]);
    assert_eq!(counts(&cut_short.outcome.faults, FaultClass::Flapping), (1, 0));
}

#[test]
fn each_of_several_divisions_heals_only_what_it_cut() {
    let ring = once(Shape::Ring(names(&["a", "b", "c", "d"])), 300);
    let alone = once(Shape::Isolate("a".to_owned()), 100);
    let seen = everybody_talks(vec![at(200, ring), at(250, alone), at(300, partition("b", "d", false, 400))]);
    assert_eq!(heard(&seen, 250, 350), all_but(&["ab", "ac", "ad", "bd"]));
    assert_eq!(heard(&seen, 350, 500), all_but(&["ac", "bd"]));
    assert_eq!(heard(&seen, 500, 700), all_but(&["bd"]));
    assert_eq!(heard(&seen, 700, 800), all_but(&[]));
}

#[test]
fn the_calm_heals_every_shape_and_every_slow_link() {
    let slow = Blow::SlowLink { ends: names(&["d"]), per_second: 1, lasts: Span::seconds(100) };
    let zones = Shape::Zones(vec![names(&["a"]), names(&["b", "c"])]);
    let faults = vec![
        at(198, once(zones, 100_000)),
        at(198, once(Shape::Isolate("c".to_owned()), 100_000)),
        at(198, slow),
    ];
    let seen = everybody_talks(faults);
    assert_eq!(heard(&seen, 200, 1_000), BTreeSet::new());
    assert_eq!(heard(&seen, 1_000, 1_040), all_but(&[]));
}

/// The numbers that arrived, each with the millisecond, of the twenty that a node sends another, one `apart` from the
/// other from 100 ms on; and the tally.
fn twenty(faults: Vec<Fault>, apart: Duration) -> (Vec<(u64, u64)>, FaultTally) {
    let mut settings = with_faults(faults);
    (settings.network.latency_min, settings.network.latency_max) = (Span::millis(5), Span::millis(5));
    settings.storm = Span::seconds(10);
    let mut stage = Stage::new(1, settings);
    let to = stage.start("to", |env: Handle| async move {
        let port = env.bind::<Number>();
        loop {
            note(&env, "got", port.recv().await.message.0);
        }
    });
    stage.client("from", move |env: Handle| async move {
        let port = env.bind::<Number>();
        env.sleep_until(millis(100)).await;
        for number in 0..20 {
            port.send(to, Number(number));
            env.sleep(apart).await;
        }
    });
    stage.start("stranger", |env: Handle| async move {
        let _port = env.bind::<Number>();
        pending::<()>().await;
    });
    let seen = stage.run().sound();
    let numbers = seen.noted("got");
    let times = seen.times("got").into_iter().map(|time| time.nanos() / 1_000_000);
    (numbers.into_iter().zip(times).collect(), seen.outcome.faults)
}

fn slow(ends: &[&str], per_second: u32, lasts: u64) -> Fault {
    at(50, Blow::SlowLink { ends: names(ends), per_second, lasts: Span::millis(lasts) })
}

#[test]
fn on_a_slow_link_messages_wait_for_their_turn() {
    // Ten in a second: one in 100 ms.
    let expected: Vec<(u64, u64)> = (0..20).map(|number| (number, 200 + number * 100 + 5)).collect();
    for ends in [&["from", "to"][..], &["to", "from"], &["to"], &["from"]] {
        let (times, tally) = twenty(vec![slow(ends, 10, 9_000)], Duration::from_millis(1));
        assert_eq!(times, expected, "{ends:?}");
        assert_eq!(counts(&tally, FaultClass::SlowLink), (1, 1));
    }
}

#[test]
fn a_slow_link_that_is_fast_enough_lets_nobody_wait() {
    let (times, tally) = twenty(vec![slow(&["from", "to"], 100, 9_000)], Duration::from_millis(20));
    assert_eq!(times[..3], [(0, 115), (1, 135), (2, 155)], "10 ms to carry it, 5 ms to get there");
    assert_eq!(counts(&tally, FaultClass::SlowLink), (1, 0));
    let (times, tally) = twenty(vec![slow(&["from", "stranger"], 1, 9_000)], Duration::from_millis(20));
    assert_eq!(times[..3], [(0, 105), (1, 125), (2, 145)], "another link");
    assert_eq!(counts(&tally, FaultClass::SlowLink), (1, 0));
}

#[test]
fn what_would_wait_longer_than_two_seconds_finds_no_room() {
    // Four in a second: eight have their turn within two seconds.
    let (times, tally) = twenty(vec![slow(&["from", "to"], 4, 9_000)], Duration::from_nanos(1));
    assert_eq!(times.len(), 8, "{times:?}");
    assert_eq!(counts(&tally, FaultClass::SlowLink), (1, 1));
}

#[test]
fn a_link_is_fast_again_when_it_heals_and_what_waited_is_overtaken() {
    // Ten in a second until 250 ms: by then eight have been sent, one every 20 ms.
    let (times, _) = twenty(vec![slow(&["to"], 10, 200)], Duration::from_millis(20));
    let when = |number: u64| times.iter().find(|(other, _)| *other == number).map(|(_, time)| *time);
    for number in 0..8 {
        assert_eq!(when(number), Some(200 + number * 100 + 5), "{number}");
    }
    for number in 8..20 {
        assert_eq!(when(number), Some(100 + number * 20 + 5), "{number}");
    }
}

#[test]
fn slow_links_one_over_the_other_are_as_slow_as_both() {
    let faults = vec![slow(&["from", "to"], 10, 9_000), slow(&["to"], 20, 9_000)];
    let (times, _) = twenty(faults, Duration::from_millis(1));
    // The last finds no room.
    let expected: Vec<(u64, u64)> = (0..19).map(|number| (number, 250 + number * 100 + 5)).collect();
    assert_eq!(times, expected);
}

#[test]
fn a_reset_loses_what_is_under_way_on_the_link_both_ways_and_nothing_else() {
    // Everybody sends at 10 ms, 20 ms, …; it takes 5 ms.
    let reset = |ends: &[&str], time| at(time, Blow::ResetLink { ends: names(ends) });
    let seen = everybody_talks(vec![reset(&["a", "b"], 202), reset(&["c"], 302), reset(&["d", "a"], 407)]);
    assert_eq!(heard(&seen, 200, 210), all_but(&["ab"]));
    assert_eq!(heard(&seen, 210, 300), all_but(&[]));
    assert_eq!(heard(&seen, 300, 310), all_but(&["ca", "cb", "cd"]));
    // Nothing is under way then.
    assert_eq!(heard(&seen, 400, 410), all_but(&[]));
    for fault in 0..3 {
        assert_eq!(seen.when(Incident::LinkReset(fault)).len(), 1);
    }
    assert_eq!(counts(&seen.outcome.faults, FaultClass::LinkReset), (3, 2));
}

fn zone_lost(nodes: &[&str], restart_after: u64) -> Blow {
    Blow::ZoneLost { nodes: names(nodes), restart_after: Span::millis(restart_after) }
}

#[test]
fn a_zone_that_is_lost_crashes_at_one_moment_and_comes_back() {
    let seen = everybody_talks(vec![at(202, zone_lost(&["b", "c"], 100))]);
    for node in [NodeId(1), NodeId(2)] {
        assert_eq!(seen.when(Incident::Crashed(node)), [millis(202)]);
        assert_eq!(seen.when(Incident::Started(node)), [millis(0), millis(302)]);
    }
    assert_eq!(seen.when(Incident::ZoneLost(0)), [millis(202)]);
    // What it sent before it went arrives.
    assert_eq!(heard(&seen, 206, 302), BTreeSet::from(["a<d", "d<a"].map(str::to_owned)));
    assert_eq!(heard(&seen, 302, 340), all_but(&[]));
    assert_eq!(counts(&seen.outcome.faults, FaultClass::ZoneLost), (1, 1));
    assert_eq!(counts(&seen.outcome.faults, FaultClass::Crash), (2, 2));
}

#[test]
fn a_zone_whose_nodes_are_down_or_idle_is_no_loss() {
    let mut stage = Stage::new(1, with_faults(vec![at(100, zone_lost(&["a", "b"], 10))]));
    for name in ["a", "b"] {
        stage.start(name, |env: Handle| async move {
            let file = env.open("data").await.expect("room");
            file.sync().await.expect("healthy");
            env.sync_dir().await.expect("healthy");
            pending::<()>().await;
        });
    }
    let seen = stage.run().sound();
    assert_eq!(counts(&seen.outcome.faults, FaultClass::ZoneLost), (1, 0));
    let down = everybody_talks(vec![
        at(202, crash("b", 500)),
        at(202, crash("c", 500)),
        at(300, zone_lost(&["b", "c"], 50)),
    ]);
    assert_eq!(counts(&down.outcome.faults, FaultClass::ZoneLost), (1, 0));
    assert_eq!(down.when(Incident::Started(NodeId(1))), [millis(0), millis(702)]);
}

#[test]
fn a_fault_of_links_leaves_the_rest_of_the_run_as_it_was() {
    let plain = everybody_talks(vec![]);
    let shaken = everybody_talks(vec![
        at(200, once(Shape::Isolate("d".to_owned()), 100)),
        at(200, Blow::ResetLink { ends: names(&["d", "a"]) }),
        at(200, Blow::SlowLink { ends: names(&["d", "b"]), per_second: 3, lasts: Span::millis(500) }),
    ]);
    let among_the_others = |seen: &Seen| {
        let of_d = |number: u64| number == 3;
        let facts = seen.facts.iter().filter(|(stamp, note)| stamp.node != NodeId(3) && !of_d(note.1));
        let mut facts: Vec<_> = facts.map(|(stamp, note)| (stamp.time, stamp.node, note.0, note.1)).collect();
        // What comes to a node at one moment comes in any order.
        facts.sort();
        facts
    };
    assert!(plain.facts.len() > shaken.facts.len());
    assert_eq!(among_the_others(&plain), among_the_others(&shaken));
}
