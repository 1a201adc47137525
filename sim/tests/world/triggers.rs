//! When faults strike, and that the calm ends them all.

use crate::stage::{Handle, Stage, at, crash, full_disk, millis, note, partition, pause, with_faults};
use rehearsal_env::{Clock, Cluster, NodeId};
use rehearsal_sim::{Blow, Ends, Fault, Incident, Span, Trigger};
use std::future::pending;
use std::time::Duration;

const NODE: NodeId = NodeId(0);

async fn ticks(env: Handle) {
    for tick in 1.. {
        env.sleep(Duration::from_millis(10)).await;
        note(&env, if tick % 3 == 0 { "third" } else { "tick" }, tick);
    }
}

fn on(fact: &str, nth: u64, delay: u64, blow: Blow) -> Fault {
    Fault { trigger: Trigger::On { fact: fact.to_owned(), nth, delay: Span::millis(delay) }, blow }
}

#[test]
fn at_strikes_at_its_time() {
    let mut stage = Stage::new(1, with_faults(vec![at(105, crash("node", 10)), at(0, pause("node", 1))]));
    stage.start("node", ticks);
    let seen = stage.run().sound();
    assert_eq!(seen.when(Incident::Crashed(NODE)), [millis(105)]);
    assert_eq!(seen.when(Incident::Paused(NODE)), [millis(0)]);
}

#[test]
fn after_strikes_after_so_many_events() {
    let fault = Fault { trigger: Trigger::After(7), blow: crash("node", 1_000) };
    let mut stage = Stage::new(1, with_faults(vec![fault]));
    stage.start("node", ticks);
    let seen = stage.run().sound();
    // The seventh event has happened, but nobody has got to act on it.
    assert_eq!(seen.when(Incident::Crashed(NODE)), [millis(70)]);
    assert_eq!(seen.noted("tick")[..4], [1, 2, 4, 5]);
    assert_eq!(seen.noted("third")[..2], [3, 6]);
    assert!(seen.times("tick")[4] > millis(1_000));
}

#[test]
fn on_strikes_at_the_nth_fact_of_its_kind() {
    let faults = vec![on("third", 2, 0, pause("node", 1)), on("third", 4, 7, crash("node", 100))];
    let mut stage = Stage::new(1, with_faults(faults));
    stage.start("node", ticks);
    let seen = stage.run().sound();
    assert_eq!(seen.when(Incident::Paused(NODE)), [millis(60)]);
    assert_eq!(seen.when(Incident::Crashed(NODE)), [millis(127)]);
}

#[test]
fn a_fact_that_never_comes_triggers_nothing() {
    let faults = vec![on("never", 1, 0, crash("node", 1)), on("third", 1_000_000, 0, crash("node", 1))];
    let mut stage = Stage::new(1, with_faults(faults));
    stage.start("node", ticks);
    let seen = stage.run().sound();
    assert_eq!(seen.outcome.faults.total(), 0);
}

#[test]
fn nothing_strikes_in_the_calm() {
    let node = "node".to_owned();
    let crash_loop =
        Blow::CrashLoop { node, times: 100, restart_after: Span::millis(30), up_for: Span::millis(30) };
    let faults = vec![at(950, crash_loop), at(1_500, crash("node", 1)), on("tick", 100, 0, crash("node", 1))];
    let mut stage = Stage::new(1, with_faults(faults));
    stage.start("node", ticks);
    let seen = stage.run().sound();
    assert_eq!(seen.when(Incident::Crashed(NODE)), [millis(950)]);
    assert_eq!(seen.outcome.time, millis(2_000));
}

#[test]
fn the_calm_heals_everything_and_restarts_everybody() {
    let faults = vec![
        at(500, crash("crashed", 100_000)),
        at(500, pause("paused", 100_000)),
        at(500, partition("paused", "full", false, 100_000)),
        at(500, full_disk("full", 100_000)),
    ];
    let mut stage = Stage::new(1, with_faults(faults));
    for name in ["crashed", "paused", "full"] {
        stage.start(name, |env| async move {
            note(&env, "up", 0);
            pending::<()>().await;
        });
    }
    let seen = stage.run().sound();
    assert_eq!(seen.when(Incident::CalmBegan), [millis(1_000)]);
    assert_eq!(seen.when(Incident::Started(NodeId(0))), [millis(0), millis(1_000)]);
    assert_eq!(seen.when(Incident::Resumed(NodeId(1))), [millis(1_000)]);
    assert_eq!(seen.times("up").len(), 4);
}

#[test]
fn a_fault_that_names_an_unknown_node_is_refused_before_anything_runs() {
    let faults = vec![at(0, crash("here", 1)), at(0, partition("here", "nowhere", false, 1))];
    let mut stage = Stage::new(1, with_faults(faults));
    stage.start("here", |_env| async move { panic!("nothing runs") });
    stage.start("there", |_env| async move { panic!("nothing runs") });
    assert_eq!(stage.world.node("here"), NODE);
    let refused = stage.world.run(Ends::AfterTheCalm).expect_err("no such node");
    assert_eq!((refused.fault, refused.name.as_str()), (1, "nowhere"));
    let told = refused.to_string();
    assert!(told.contains("`nowhere`") && told.contains("here, there"), "{told}");
}
