//! Nodes that stand still for a while.

use crate::stage::{Handle, Number, Stage, at, crash, millis, note, pause, with_faults};
use rehearsal_env::{Clock, Network, NodeId, Port};
use rehearsal_sim::{FaultClass, Incident, Span};
use std::time::Duration;

const NODE: NodeId = NodeId(0);

/// A node that notes each of its ticks, every 30 ms.
async fn ticks(env: Handle) {
    loop {
        env.sleep(Duration::from_millis(30)).await;
        note(&env, "tick", 0);
    }
}

#[test]
fn the_timers_of_a_paused_node_are_late_and_its_clock_goes_on() {
    let mut stage = Stage::new(1, with_faults(vec![at(100, pause("node", 75))]));
    stage.start("node", ticks);
    let seen = stage.run().sound();
    let ticks = &seen.times("tick")[..6];
    assert_eq!(ticks, [millis(30), millis(60), millis(90), millis(175), millis(205), millis(235)]);
    assert_eq!(seen.when(Incident::Paused(NODE)), [millis(100)]);
    assert_eq!(seen.when(Incident::Resumed(NODE)), [millis(175)]);
    assert_eq!(seen.outcome.faults.effective(FaultClass::Pause), 1);
}

#[test]
fn messages_to_a_paused_node_are_kept_and_handled_late() {
    let mut settings = with_faults(vec![at(100, pause("node", 100))]);
    (settings.network.latency_min, settings.network.latency_max) = (Span::millis(1), Span::millis(1));
    let mut stage = Stage::new(1, settings);
    let node = stage.start("node", |env| async move {
        let port = env.bind::<Number>();
        loop {
            note(&env, "heard", port.recv().await.message.0);
        }
    });
    stage.client("sender", move |env: Handle| async move {
        let port = env.bind::<Number>();
        for number in 0..4 {
            env.sleep(Duration::from_millis(60)).await;
            port.send(node, Number(number));
        }
    });
    let seen = stage.run().sound();
    assert_eq!(seen.noted("heard"), [0, 1, 2, 3]);
    assert_eq!(seen.times("heard"), [millis(61), millis(200), millis(200), millis(241)]);
}

#[test]
fn a_paused_node_does_not_miss_what_nobody_woke_it_for() {
    let mut stage = Stage::new(1, with_faults(vec![at(100, pause("node", 5))]));
    stage.start("node", ticks);
    let seen = stage.run().sound();
    assert_eq!(seen.times("tick")[3], millis(120));
    assert_eq!(seen.outcome.faults.struck(FaultClass::Pause), 1);
    assert_eq!(seen.outcome.faults.effective(FaultClass::Pause), 0);
}

#[test]
fn a_crash_ends_a_pause_and_the_next_life_runs() {
    let faults = vec![at(100, pause("node", 500)), at(150, crash("node", 20))];
    let mut stage = Stage::new(1, with_faults(faults));
    stage.start("node", ticks);
    let seen = stage.run().sound();
    assert_eq!(seen.times("tick")[2..5], [millis(90), millis(200), millis(230)]);
    assert_eq!(seen.when(Incident::Resumed(NODE)), []);
}

#[test]
fn a_pause_inside_a_pause_does_not_prolong_it() {
    let mut stage = Stage::new(1, with_faults(vec![at(100, pause("node", 50)), at(120, pause("node", 500))]));
    stage.start("node", ticks);
    let seen = stage.run().sound();
    assert_eq!(seen.times("tick")[3], millis(150));
}

#[test]
fn the_others_go_on_while_one_stands_still() {
    let mut stage = Stage::new(1, with_faults(vec![at(100, pause("still", 500))]));
    stage.start("still", |_env| std::future::pending());
    stage.start("node", ticks);
    let seen = stage.run().sound();
    assert_eq!(seen.times("tick").len(), 2_000 / 30);
}
