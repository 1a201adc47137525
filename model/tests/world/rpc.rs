//! Calls: an answer, or no answer in time, and never the answer to another call.

use crate::stage::{Handle, Seen, Stage, at, crash, millis, note, rough, steady, steady_but, vanish};
use rehearsal_env::{Clock, Network, NodeId, Port, Random, Spawner};
use rehearsal_model::rpc::{Call, Caller, Desk, NoAnswer};
use std::future::pending;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

/// Answers each number with its double, at once.
async fn doubles(env: Handle) {
    let desk = Desk::<Handle, u64, u64>::bind(&env);
    loop {
        let asked = desk.next().await;
        note(&env, "served", asked.body);
        desk.answer(asked.from, asked.call, asked.body * 2);
    }
}

/// Answers each number with its double, after so many milliseconds.
async fn doubles_after_so_many_milliseconds(env: Handle) {
    let desk = Desk::<Handle, u64, u64>::bind(&env);
    loop {
        let asked = desk.next().await;
        let (pause, desk) = (env.clone(), desk.clone());
        env.spawn(async move {
            pause.sleep(Duration::from_millis(asked.body)).await;
            desk.answer(asked.from, asked.call, asked.body * 2);
        });
    }
}

/// Asks 1, 2, 3, … and notes what came of it.
async fn asks(env: Handle, server: NodeId, count: u64) {
    let caller = Caller::<Handle, u64, u64>::bind(&env);
    for number in 1..=count {
        match caller.call(server, number, SECOND).await {
            Ok(double) => {
                assert_eq!(double, number * 2, "the answer to another call");
                note(&env, "told", double);
            }
            Err(NoAnswer) => note(&env, "untold", number),
        }
    }
}

fn ask_hundred(seed: u64, settings: rehearsal_sim::Settings) -> Seen {
    let mut stage = Stage::new(seed, settings);
    let server = stage.start("server", doubles);
    stage.client("client", move |env| asks(env, server, 100));
    stage.run_until_done()
}

#[test]
fn an_answer_arrives() {
    let seen = ask_hundred(1, steady());
    assert_eq!(seen.noted("told"), (1..=100).map(|number| number * 2).collect::<Vec<_>>());
    assert_eq!(seen.noted("served"), (1..=100).collect::<Vec<_>>());
    assert_eq!(seen.outcome.time, millis(200), "two messages a call");
}

#[test]
fn no_answer_is_said_exactly_when_the_time_is_over() {
    let mut stage = Stage::new(1, steady_but([at(0, vanish("server"))]));
    let server = stage.start("server", doubles);
    stage.client("client", move |env| async move {
        let caller = Caller::<Handle, u64, u64>::bind(&env);
        env.sleep(Duration::from_millis(10)).await;
        assert_eq!(caller.call(server, 1, Duration::from_millis(100)).await, Err(NoAnswer));
        assert_eq!(env.now(), millis(110));
    });
    assert_eq!(stage.run_until_done().outcome.messages, 0);
}

#[test]
fn a_late_answer_is_not_taken_for_the_next_one() {
    let mut stage = Stage::new(1, steady());
    let server = stage.start("server", doubles_after_so_many_milliseconds);
    stage.client("client", move |env| async move {
        let caller = Caller::<Handle, u64, u64>::bind(&env);
        let patience = Duration::from_millis(100);
        assert_eq!(caller.call(server, 150, patience).await, Err(NoAnswer));
        assert_eq!(caller.call(server, 90, patience).await, Ok(180), "the late answer came first");
        assert_eq!(env.now(), millis(192));
    });
    assert_eq!(stage.run_until_done().outcome.messages, 4);
}

#[test]
fn an_answer_to_an_earlier_life_is_not_taken_for_a_new_one() {
    for seed in 0..50 {
        let mut stage = Stage::new(seed, steady_but([at(100, crash("client", 10))]));
        let server = stage.start("server", doubles_after_so_many_milliseconds);
        stage.start("client", move |env: Handle| async move {
            let caller = Caller::<Handle, u64, u64>::bind(&env);
            // Both lives make this their first call; the first life's answer comes in between.
            let first_life = env.now() < millis(100);
            let number = if first_life { 200 } else { 300 };
            note(&env, "told", caller.call(server, number, SECOND).await.expect("a quiet network"));
            pending::<()>().await;
        });
        assert_eq!(stage.run().noted("told"), [600]);
    }
}

#[test]
fn a_doubled_request_is_answered_twice_and_told_once() {
    let mut settings = steady();
    settings.network.duplication = 100_000;
    let seen = ask_hundred(1, settings);
    assert_eq!(seen.noted("told"), (1..=100).map(|number| number * 2).collect::<Vec<_>>());
    assert!(seen.count("served") >= 199, "each but perhaps the last was served twice");
}

#[test]
fn calls_made_at_once_each_get_their_own_answer() {
    for seed in 0..20 {
        let mut stage = Stage::new(seed, rough());
        let server = stage.start("server", doubles_after_so_many_milliseconds);
        stage.start("client", move |env: Handle| async move {
            let caller = Caller::<Handle, u64, u64>::bind(&env);
            for _ in 0..100 {
                let (caller, asking) = (caller.clone(), env.clone());
                env.spawn(async move {
                    let number = asking.below(200);
                    let answer = caller.call(server, number, SECOND).await;
                    assert!([Ok(number * 2), Err(NoAnswer)].contains(&answer), "the answer to another call");
                    note(&asking, if answer.is_ok() { "told" } else { "untold" }, number);
                });
            }
            pending::<()>().await;
        });
        let seen = stage.run();
        assert_eq!(seen.count("told") + seen.count("untold"), 100);
        assert!(
            seen.count("told") > 40 && seen.count("untold") > 10,
            "four of five messages arrive each way"
        );
    }
}

#[test]
fn without_an_answer_the_request_was_carried_out_or_not() {
    let (mut carried_out, mut never) = (0, 0);
    for seed in 0..20 {
        let seen = ask_hundred(seed, rough());
        let (served, told, untold) = (seen.noted("served"), seen.noted("told"), seen.noted("untold"));
        assert_eq!(told.len() + untold.len(), 100);
        assert!(told.iter().all(|double| served.contains(&(double / 2))), "told of what never happened");
        let done = untold.iter().filter(|number| served.contains(number)).count();
        (carried_out, never) = (carried_out + done, never + untold.len() - done);
    }
    assert!(carried_out > 100 && never > 100, "{carried_out} and {never}: both must be common");
}

#[test]
fn an_answer_that_nobody_asked_for_harms_nobody() {
    let mut stage = Stage::new(1, steady());
    let server = stage.start("server", |env: Handle| async move {
        let port = env.bind::<Call<u64, u64>>();
        let received = port.recv().await;
        let Call::Request { call, body } = received.message else { panic!("a client asks") };
        for answer in [Call::Response { call: call ^ 1, body: 7 }, Call::Response { call, body: body * 2 }] {
            port.send(received.from, answer.clone());
            port.send(received.from, answer);
        }
        pending::<()>().await;
    });
    stage.client("client", move |env| asks(env, server, 1));
    assert_eq!(stage.run_until_done().noted("told"), [2]);
}
