//! What the world itself finds wrong: panics, stalls, livelocks.

use crate::stage::{Handle, Number, Stage, at, millis, note, partition, with_faults};
use rehearsal_env::{Clock, Network, Port, Spawner, Storage, Violation};
use rehearsal_sim::{Ends, Settings};
use std::future::{pending, poll_fn};
use std::process::Command;
use std::task::Poll;
use std::time::Duration;

fn violation(stage: Stage) -> Violation {
    stage.run().outcome.violation.expect("a violation")
}

#[test]
fn a_panic_is_a_violation_that_names_node_place_and_message() {
    let mut stage = Stage::new(1, with_faults(vec![]));
    stage.start("bystander", |_env| pending());
    stage.start("db-0", |env| async move {
        env.sleep(Duration::from_millis(7)).await;
        panic!("row {} is gone", 7);
    });
    let seen = stage.run();
    let violation = seen.outcome.violation.expect("a violation");
    assert_eq!(violation.invariant, "no-panic");
    let message = &violation.message;
    assert!(
        message.starts_with("node db-0 panicked at ") && message.ends_with(": row 7 is gone"),
        "{message}"
    );
    assert!(message.contains("world/violations.rs:"), "{message}");
    assert!(violation.place.contains("world/violations.rs:"), "{}", violation.place);
    assert_eq!(seen.outcome.time, millis(7), "the run ends there");
}

#[test]
fn a_panic_in_a_spawned_task_is_its_nodes() {
    let mut stage = Stage::new(1, with_faults(vec![]));
    stage.start("bystander", |_env| pending());
    stage.start("api", |env| async move {
        env.spawn(async { panic!("in a task") });
        pending::<()>().await;
    });
    assert!(violation(stage).message.starts_with("node api panicked"));
}

#[test]
fn a_panic_before_the_first_future_is_the_nodes_too() {
    let mut stage = Stage::new(1, with_faults(vec![]));
    stage.start("rash", |_env: Handle| -> std::future::Pending<()> { panic!("at boot") });
    let told = violation(stage);
    assert!(
        told.message.starts_with("node rash panicked") && told.message.ends_with("at boot"),
        "{}",
        told.message
    );
}

#[test]
fn only_the_first_panic_counts() {
    let mut stage = Stage::new(1, with_faults(vec![]));
    stage.start("first", |env| async move {
        env.sleep(Duration::from_millis(1)).await;
        panic!("first");
    });
    stage.start("second", |env| async move {
        env.sleep(Duration::from_millis(2)).await;
        panic!("second");
    });
    assert!(violation(stage).message.ends_with("first"));
}

/// What the test below reads from outside: run on its own it says nothing but its own words.
#[test]
fn panics_once_as_a_node_and_once_as_a_test() {
    let mut stage = Stage::new(1, with_faults(vec![]));
    stage.start("noisy", |_env| async move { panic!("unheard of") });
    assert!(violation(stage).message.contains("unheard of"));
    let own = std::panic::catch_unwind(|| panic!("heard as ever"));
    assert!(own.is_err());
}

#[test]
fn a_nodes_panic_prints_nothing_and_a_tests_own_does() {
    let program = std::env::current_exe().expect("a test has an executable");
    let output = Command::new(program)
        .args(["--exact", "violations::panics_once_as_a_node_and_once_as_a_test", "--nocapture"])
        .output()
        .expect("the test runs");
    let told =
        String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && told.contains("1 passed"), "{told}");
    assert!(told.contains("heard as ever") && !told.contains("unheard of"), "{told}");
}

#[test]
fn a_stall_names_who_waits_for_what() {
    for ends in [Ends::WithTheClients, Ends::AfterTheCalm] {
        let mut stage = Stage::new(1, with_faults(vec![]));
        stage.start("server", |env| async move {
            let port = env.bind::<Number>();
            port.recv().await;
        });
        stage.client("client", |env| async move {
            let other = env.clone();
            env.spawn(async move {
                let _files = other.list().await;
                tokio::sync::Notify::new().notified().await;
            });
            let port = env.bind::<(u64, u64)>();
            env.timeout(Duration::MAX, port.recv()).await.expect("never");
        });
        let told = stage.run_to(ends).outcome.violation.expect("a violation");
        assert_eq!(told.invariant, "no-stall");
        for part in [
            "server waits for a message stage::Number",
            "client waits for another of its tasks",
            "client sleeps until ",
        ] {
            assert!(told.message.contains(part), "`{part}` is not said: {}", told.message);
        }
    }
}

#[test]
fn a_client_whose_request_was_lost_in_a_partition_stalls_in_the_calm() {
    let mut stage = Stage::new(1, with_faults(vec![at(0, partition("client", "server", false, 500))]));
    let server = stage.start("server", |env| async move {
        let port = env.bind::<Number>();
        loop {
            let asked = port.recv().await;
            port.send(asked.from, asked.message);
        }
    });
    stage.client("client", move |env| async move {
        let port = env.bind::<Number>();
        env.sleep(Duration::from_millis(1)).await;
        port.send(server, Number(1));
        port.recv().await;
    });
    let seen = stage.run();
    let told = seen.outcome.violation.expect("a violation");
    assert_eq!(told.invariant, "no-stall");
    assert!(told.message.contains("client waits for a message"), "{}", told.message);
}

#[test]
fn servers_may_wait_for_ever_when_every_client_is_done() {
    let mut stage = Stage::new(1, with_faults(vec![]));
    stage.start("server", |_env| pending());
    stage.client("client", |_env| async {});
    stage.run().sound();
}

#[test]
fn a_livelock_is_a_violation() {
    let mut stage = Stage::new(1, with_faults(vec![]));
    stage.start("busy", |env| async move {
        env.sleep(Duration::from_millis(3)).await;
        poll_fn(|context| {
            context.waker().wake_by_ref();
            Poll::<()>::Pending
        })
        .await;
    });
    let seen = stage.run();
    let told = seen.outcome.violation.expect("a violation");
    assert_eq!(told.invariant, "no-livelock");
    assert!(told.message.contains("busy is ready") && told.message.contains("0.003000s"), "{}", told.message);
}

#[test]
fn many_steps_in_moving_time_are_no_livelock() {
    let mut stage = Stage::new(1, Settings::default());
    stage.client("busy", |env| async move {
        for step in 0..600_000 {
            if step % 3 == 0 {
                env.sleep(Duration::from_nanos(1)).await;
            }
            let mut yielded = false;
            poll_fn(|context| {
                context.waker().wake_by_ref();
                if std::mem::replace(&mut yielded, true) { Poll::Ready(()) } else { Poll::Pending }
            })
            .await;
        }
        note(&env, "done", 0);
    });
    assert_eq!(stage.run_to(Ends::WithTheClients).sound().noted("done").len(), 1);
}
