//! Tasks, wakers and time.

use crate::stage::{Number, Stage, millis, note};
use rehearsal_env::{Clock, Network, Port, Spawner};
use rehearsal_sim::{Ends, Settings};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::Duration;
use tokio::sync::{Notify, mpsc, oneshot};

#[test]
fn time_moves_only_from_event_to_event_and_exactly_there() {
    let mut stage = Stage::new(1, Settings::default());
    stage.client("sleeper", |env| async move {
        for span in [0, 1, 999_999_999, 12_345] {
            env.sleep(Duration::from_nanos(span)).await;
            note(&env, "woke", env.now().nanos());
        }
    });
    let seen = stage.run_to(Ends::WithTheClients).sound();
    assert_eq!(seen.noted("woke"), [0, 1, 1_000_000_000, 1_000_012_345]);
    assert_eq!(seen.outcome.time.nanos(), 1_000_012_345);
    assert_eq!(seen.outcome.events, 3, "a sleep that is over needs no event");
}

#[test]
fn a_spawned_task_runs_after_its_spawner_waits_and_before_time_moves() {
    let mut stage = Stage::new(1, Settings::default());
    stage.client("spawner", |env| async move {
        let other = env.clone();
        env.spawn(async move { note(&other, "task", other.now().nanos()) });
        note(&env, "spawner", 0);
        env.sleep(Duration::from_nanos(1)).await;
        note(&env, "spawner", 1);
    });
    let seen = stage.run_to(Ends::WithTheClients).sound();
    let words: Vec<_> = seen.facts.iter().map(|(_, note)| (note.0, note.1)).collect();
    assert_eq!(words, [("spawner", 0), ("task", 0), ("spawner", 1)]);
}

#[test]
fn of_several_ready_tasks_each_comes_first_under_some_seed() {
    let mut first = [false; 3];
    for seed in 0..100 {
        let mut stage = Stage::new(seed, Settings::default());
        stage.client("spawner", |env| async move {
            for number in 0..3 {
                let other = env.clone();
                env.spawn(async move { note(&other, "ran", number) });
            }
            env.sleep(Duration::from_millis(1)).await;
        });
        let ran = stage.run_to(Ends::WithTheClients).sound().noted("ran");
        assert_eq!(ran.len(), 3);
        first[ran[0] as usize] = true;
    }
    assert_eq!(first, [true; 3]);
}

#[test]
fn a_timeout_as_long_as_its_future_prefers_the_future() {
    for seed in 0..50 {
        let mut stage = Stage::new(seed, Settings::default());
        stage.client("sleeper", |env| async move {
            let span = Duration::from_millis(5);
            assert_eq!(env.timeout(span, env.sleep(span)).await, Ok(()));
            assert_eq!(env.timeout(Duration::ZERO, env.sleep_until(env.now())).await, Ok(()));
        });
        stage.run_to(Ends::WithTheClients).sound();
    }
}

#[test]
fn a_dropped_timer_leaves_the_queue() {
    let mut stage = Stage::new(1, Settings::default());
    stage.client("impatient", |env| async move {
        for _ in 0..100 {
            let slept = env.timeout(Duration::from_secs(100), env.sleep(Duration::from_micros(10))).await;
            assert_eq!(slept, Ok(()));
        }
        // Long enough for whatever was left behind to come up.
        env.sleep(Duration::from_secs(200)).await;
    });
    assert_eq!(stage.run_to(Ends::WithTheClients).sound().outcome.events, 101);
}

#[test]
fn tasks_of_one_spawner_draw_apart() {
    let mut stage = Stage::new(1, Settings::default());
    let listener = stage.start("listener", |env| async move {
        let port = env.bind::<Number>();
        loop {
            note(&env, "heard", port.recv().await.message.0);
        }
    });
    stage.client("spawner", move |env| async move {
        let port = Rc::new(env.bind::<Number>());
        for number in 0..50 {
            let port = port.clone();
            env.spawn(async move { port.send(listener, Number(number)) });
        }
        env.sleep(Duration::from_millis(20)).await;
    });
    let mut times = stage.run_to(Ends::WithTheClients).sound().times("heard");
    times.dedup();
    assert_eq!(times.len(), 50, "some took exactly as long as others");
}

thread_local! {
    static KEPT: RefCell<Vec<Waker>> = const { RefCell::new(Vec::new()) };
}

#[test]
fn a_waker_kept_across_worlds_wakes_nobody() {
    let waiting = |polls: &'static str| {
        move |env: crate::stage::Handle| async move {
            let other = env.clone();
            env.spawn(std::future::poll_fn(move |context| {
                note(&other, polls, 0);
                KEPT.with_borrow_mut(|kept| kept.push(context.waker().clone()));
                Poll::<()>::Pending
            }));
            env.sleep(Duration::from_millis(1)).await;
            KEPT.with_borrow(|kept| kept.iter().for_each(Waker::wake_by_ref));
            env.sleep(Duration::from_millis(1)).await;
        }
    };
    let polls_in_a_world = || {
        let mut stage = Stage::new(1, Settings::default());
        stage.client("waiting", waiting("polled"));
        stage.run_to(Ends::WithTheClients).sound().noted("polled").len()
    };
    // Its own waker works, and in the second world those of the first do not.
    assert_eq!(polls_in_a_world(), 2);
    let outer = KEPT.take();
    assert_eq!(polls_in_a_world(), 2);
    KEPT.set(outer);
    let mut stage = Stage::new(1, Settings::default());
    stage.client("waiting", |env| async move {
        for number in 0..5 {
            let other = env.clone();
            env.spawn(std::future::poll_fn(move |_| {
                note(&other, "polled", number);
                Poll::<()>::Pending
            }));
        }
        env.sleep(Duration::from_millis(1)).await;
        KEPT.take().into_iter().for_each(Waker::wake);
        env.sleep(Duration::from_millis(1)).await;
    });
    assert_eq!(stage.run_to(Ends::WithTheClients).sound().noted("polled").len(), 5);
}

#[test]
fn a_world_inside_a_world_disturbs_neither() {
    let mut stage = Stage::new(1, Settings::default());
    stage.client("outer", |env| async move {
        let other = env.clone();
        env.spawn(async move {
            other.sleep(Duration::from_millis(2)).await;
            note(&other, "outer", 1);
        });
        let mut inner = Stage::new(2, Settings::default());
        inner.client("inner", |env| async move { env.sleep(Duration::from_millis(7)).await });
        note(&env, "inner took", inner.run_to(Ends::WithTheClients).sound().outcome.time.nanos());
        env.sleep(Duration::from_millis(3)).await;
    });
    let seen = stage.run_to(Ends::WithTheClients).sound();
    assert_eq!((seen.noted("inner took"), seen.times("outer")), (vec![7_000_000], vec![millis(2)]));
}

#[test]
fn the_channels_of_tokio_work_between_tasks() {
    let mut stage = Stage::new(1, Settings::default());
    stage.client("channels", |env| async move {
        let (sender, mut receiver) = mpsc::channel(2);
        let (answer, answered) = oneshot::channel();
        let notify = Rc::new(Notify::new());
        let (other, rung) = (env.clone(), notify.clone());
        env.spawn(async move {
            for number in 0..10 {
                sender.send(number).await.expect("the receiver lives");
            }
            rung.notified().await;
            note(&other, "notified", 0);
            answer.send(7).expect("the receiver lives");
        });
        let mut sum = 0;
        while sum < 45 {
            sum += receiver.recv().await.expect("more is sent");
        }
        env.sleep(Duration::from_millis(1)).await;
        notify.notify_one();
        assert_eq!(answered.await, Ok(7));
        assert_eq!(receiver.recv().await, None);
        note(&env, "done", sum);
    });
    let seen = stage.run_to(Ends::WithTheClients).sound();
    assert_eq!((seen.noted("done"), seen.times("notified")), (vec![45], vec![millis(1)]));
}

#[test]
fn a_port_wakes_the_task_that_reads_now() {
    let mut stage = Stage::new(1, Settings::default());
    stage.client("handing over", |env| async move {
        let port = Rc::new(env.bind::<Number>());
        // The first reader gives up and leaves its waker behind.
        assert!(env.timeout(Duration::from_millis(1), port.recv()).await.is_err());
        let (reader, got) = (port.clone(), Rc::new(Cell::new(0)));
        let noted = got.clone();
        env.spawn(async move { noted.set(reader.recv().await.message.0) });
        env.sleep(Duration::from_millis(1)).await;
        port.send(env.id(), Number(7));
        env.sleep(Duration::from_millis(1)).await;
        assert_eq!(got.get(), 7);
    });
    stage.run_to(Ends::WithTheClients).sound();
}
