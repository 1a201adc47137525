//! The lives and deaths of nodes.

use crate::stage::{Handle, Number, Seen, Stage, at, crash, millis, note, with_faults};
use rehearsal_env::{
    Clock, File, Incarnation, Network, NodeId, Observer, Port, Random, Spawner, Storage, TaskHandle,
};
use rehearsal_sim::{Blow, Ends, FaultClass, Incident, Settings, SimPort, Span};
use std::cell::RefCell;
use std::future::pending;
use std::time::Duration;

const NODE: NodeId = NodeId(0);

/// Does whatever it can do with its handle when it is dropped.
struct LastWill {
    env: Handle,
    port: SimPort<Number>,
    heir: NodeId,
    file: rehearsal_sim::SimFile,
}

impl Drop for LastWill {
    fn drop(&mut self) {
        note(&self.env, "observed from the grave", 0);
        self.port.send(self.heir, Number(666));
        let (env, heir) = (self.env.clone(), self.heir);
        self.env.spawn(async move { env.bind::<Number>().send(heir, Number(667)) }).abort();
        let env = self.env.clone();
        drop(self.env.spawn(async move { note(&env, "spawned from the grave", 0) }));
        assert!(!self.env.rarely("grave"));
        let mut write = std::pin::pin!(self.file.append(b"from the grave"));
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(write.as_mut().poll(&mut context).is_pending());
        assert!(std::pin::pin!(self.port.recv()).poll(&mut context).is_pending());
        assert!(std::pin::pin!(self.env.list()).poll(&mut context).is_pending());
    }
}

#[test]
fn after_a_crash_the_old_handle_does_nothing() {
    for seed in 0..20 {
        let mut stage = Stage::new(seed, with_faults(vec![at(100, crash("victim", 50))]));
        let heir = stage.node("heir");
        let victim = stage.start("victim", move |env: Handle| async move {
            let port = env.bind::<Number>();
            let file = env.open("will").await.expect("healthy");
            note(&env, "length", file.len().await.expect("healthy"));
            let _will = LastWill { env: env.clone(), port, heir, file };
            pending::<()>().await;
        });
        stage.start("heir", move |env| async move {
            let port = env.bind::<Number>();
            // Lies unread when the victim dies.
            port.send(victim, Number(1));
            loop {
                note(&env, "inherited", port.recv().await.message.0);
            }
        });
        let seen = stage.run().sound();
        assert_eq!(seen.facts.iter().filter(|(_, note)| note.0 != "length").count(), 0, "{:?}", seen.facts);
        assert_eq!(seen.noted("length"), [0, 0]);
    }
}

thread_local! {
    static OLD: RefCell<Vec<Handle>> = const { RefCell::new(Vec::new()) };
}

#[test]
fn a_handle_smuggled_into_the_next_life_is_dead() {
    let mut stage = Stage::new(1, with_faults(vec![at(100, crash("node", 50))]));
    stage.start("node", |env: Handle| async move {
        OLD.with_borrow_mut(|old| old.push(env.clone()));
        let dead = OLD.with_borrow(|old| old[0].clone());
        let port = dead.bind::<Number>();
        port.send(env.id(), Number(1));
        note(&dead, "through the first handle", 0);
        let ran = env.timeout(Duration::from_millis(5), port.recv()).await;
        note(&env, "heard", u64::from(ran.is_ok()));
        pending::<()>().await;
    });
    let seen = stage.run().sound();
    OLD.take();
    assert_eq!(seen.noted("heard"), [1, 0]);
    assert_eq!(seen.times("through the first handle"), [millis(0)]);
}

#[test]
fn a_node_comes_back_with_nothing_but_its_disk() {
    let mut stage = Stage::new(1, with_faults(vec![at(100, crash("node", 50))]));
    stage.start("node", |env| async move {
        let file = env.open("lives").await.expect("healthy");
        let lives = file.append(b".").await.expect("healthy");
        file.sync().await.expect("healthy");
        env.sync_dir().await.expect("healthy");
        note(&env, "lives before", lives);
        note(&env, "draw", env.bits());
        let other = env.clone();
        env.spawn(async move {
            other.sleep(Duration::from_millis(120)).await;
            note(&other, "slept", lives);
        });
        pending::<()>().await;
    });
    let seen = stage.run().sound();
    assert_eq!(seen.noted("lives before"), [0, 1]);
    assert_eq!(seen.noted("slept"), [1], "the sleep of the first life died with it");
    assert_ne!(seen.noted("draw")[0], seen.noted("draw")[1], "each life draws its own numbers");
    let lives: Vec<_> = seen.facts.iter().map(|(stamp, _)| stamp.incarnation).collect();
    assert_eq!((lives[0], lives[lives.len() - 1]), (Incarnation(0), Incarnation(1)));
    assert_eq!(seen.when(Incident::Started(NODE)), [millis(0), millis(150)]);
    assert_eq!(seen.when(Incident::Crashed(NODE)), [millis(100)]);
}

#[test]
fn what_was_sent_before_the_crash_arrives_and_what_was_unread_or_arrives_while_down_is_lost() {
    let mut settings = with_faults(vec![at(100, crash("victim", 20))]);
    (settings.network.latency_min, settings.network.latency_max) = (Span::millis(20), Span::millis(20));
    let mut stage = Stage::new(1, settings);
    let other = stage.node("other");
    let victim = stage.start("victim", move |env: Handle| async move {
        let port = env.bind::<Number>();
        port.send(other, Number(0));
        env.sleep_until(millis(95)).await;
        port.send(other, Number(95));
        env.sleep(Duration::from_millis(20)).await;
        loop {
            note(&env, "victim heard", port.recv().await.message.0);
        }
    });
    stage.start("other", move |env: Handle| async move {
        let port = env.bind::<Number>();
        for time in [70, 85, 200] {
            env.sleep_until(millis(time)).await;
            port.send(victim, Number(time));
        }
        loop {
            let number = port.recv().await.message.0;
            note(&env, "other heard", number);
        }
    });
    let seen = stage.run().sound();
    assert_eq!(seen.noted("other heard")[..2], [0, 95], "sent before the crash");
    assert_eq!(seen.noted("victim heard"), [200], "70 lay unread, 85 came while it was down");
    assert_eq!(seen.outcome.faults.effective(FaultClass::Crash), 1);
}

#[test]
fn of_what_was_not_synced_each_byte_is_kept_or_lost_and_both_happen() {
    let mut lengths = std::collections::BTreeSet::new();
    for seed in 0..200 {
        let mut stage = Stage::new(seed, with_faults(vec![at(100, crash("node", 50))]));
        stage.start("node", |env| async move {
            let file = env.open("data").await.expect("healthy");
            note(&env, "length", file.len().await.expect("healthy"));
            if env.now() < millis(100) {
                env.sync_dir().await.expect("healthy");
                file.append(&[7; 1_024]).await.expect("healthy");
                file.sync().await.expect("healthy");
                file.append(&[8; 1_024]).await.expect("healthy");
            }
            pending::<()>().await;
        });
        let seen = stage.run().sound();
        let left = seen.noted("length")[1];
        lengths.insert(left);
        let (torn, lost) = (FaultClass::TornWrite, FaultClass::LostWrite);
        let spoiled = seen.outcome.faults.struck(torn) + seen.outcome.faults.struck(lost);
        assert_eq!(spoiled > 0, !seen.when(Incident::WriteSpoiled(NODE)).is_empty());
        assert!(left != 1_024 || seen.outcome.faults.effective(lost) == 1);
        assert!(left != 1_536 || seen.outcome.faults.effective(torn) == 1);
    }
    assert_eq!(lengths.into_iter().collect::<Vec<_>>(), [1_024, 1_536, 2_048]);
}

#[test]
fn a_sync_does_not_cover_what_was_written_while_it_was_under_way() {
    let mut lengths = std::collections::BTreeSet::new();
    for seed in 0..50 {
        let mut settings = with_faults(vec![at(100, crash("node", 50))]);
        (settings.disk.sync_min, settings.disk.sync_max) = (Span::millis(10), Span::millis(10));
        let mut stage = Stage::new(seed, settings);
        stage.start("node", |env| async move {
            let file = std::rc::Rc::new(env.open("data").await.expect("healthy"));
            note(&env, "length", file.len().await.expect("healthy"));
            env.sync_dir().await.expect("healthy");
            if env.now() < millis(100) {
                file.append(b"before").await.expect("healthy");
                let (syncing, other) = (file.clone(), env.clone());
                env.spawn(async move {
                    syncing.sync().await.expect("healthy");
                    note(&other, "synced", 0);
                });
                env.sleep(Duration::from_millis(1)).await;
                file.append(b"meanwhile").await.expect("healthy");
                note(&env, "written", 0);
            }
            pending::<()>().await;
        });
        let seen = stage.run().sound();
        assert!(seen.times("written") < seen.times("synced"));
        lengths.insert(seen.noted("length")[1]);
    }
    assert_eq!(lengths.into_iter().collect::<Vec<_>>(), [6, 15]);
}

fn counts_its_lives(blow: Blow) -> Seen {
    let mut stage = Stage::new(1, with_faults(vec![at(100, blow)]));
    stage.start("node", |env| async move {
        note(&env, "up", 0);
        pending::<()>().await;
    });
    stage.run().sound()
}

#[test]
fn a_crash_loop_crashes_as_often_as_it_says() {
    let node = "node".to_owned();
    let blow = Blow::CrashLoop { node, times: 3, restart_after: Span::millis(20), up_for: Span::millis(30) };
    let seen = counts_its_lives(blow);
    assert_eq!(seen.when(Incident::Crashed(NODE)), [millis(100), millis(150), millis(200)]);
    assert_eq!(seen.times("up"), [millis(0), millis(120), millis(170), millis(220)]);
    assert_eq!(seen.outcome.faults.struck(FaultClass::Crash), 3);
}

#[test]
fn a_crash_of_a_node_that_is_down_does_nothing() {
    let mut stage = Stage::new(1, with_faults(vec![at(100, crash("node", 100)), at(150, crash("node", 10))]));
    stage.start("node", |env| async move {
        note(&env, "up", 0);
        pending::<()>().await;
    });
    let seen = stage.run().sound();
    assert_eq!(seen.times("up"), [millis(0), millis(200)]);
    assert_eq!(seen.outcome.faults.struck(FaultClass::Crash), 2);
}

#[test]
fn a_program_that_returns_is_started_again_with_what_it_wrote() {
    let settings = Settings { exit_restart: Span::millis(300), ..with_faults(vec![]) };
    let mut stage = Stage::new(1, settings);
    stage.start("node", |env| async move {
        let file = env.open("unsynced").await.expect("healthy");
        note(&env, "length", file.len().await.expect("healthy"));
        file.append(b".").await.expect("healthy");
        let other = env.clone();
        env.spawn(async move {
            other.sleep(Duration::from_millis(1)).await;
            note(&other, "outlived its program", 0);
        });
    });
    let seen = stage.run().sound();
    // After every 300 ms, and at once when the calm begins at 1 s.
    assert_eq!(seen.noted("length"), [0, 1, 2, 3, 4, 5, 6, 7]);
    assert!(seen.noted("outlived its program").is_empty());
    assert_eq!(seen.when(Incident::Exited(NODE)).len(), 8);
}

#[test]
fn a_client_that_returns_is_done_and_a_crashed_one_begins_again() {
    let mut stage =
        Stage::new(1, with_faults(vec![at(100, crash("client", 50)), at(500, crash("client", 50))]));
    stage.client("client", |env| async move {
        note(&env, "begins", 0);
        env.sleep(Duration::from_millis(200)).await;
        note(&env, "is done", 0);
    });
    let seen = stage.run().sound();
    assert_eq!(seen.times("begins"), [millis(0), millis(150)]);
    assert_eq!(seen.times("is done"), [millis(350)]);
    assert_eq!(seen.when(Incident::Crashed(NODE)), [millis(100)]);
}

#[test]
fn a_run_with_the_clients_ends_when_the_last_is_done() {
    let mut stage = Stage::new(1, Settings::default());
    stage.start("server", |env| async move {
        loop {
            env.sleep(Duration::from_millis(1)).await;
        }
    });
    for span in [3, 9, 5] {
        stage.client(&format!("client-{span}"), move |env| async move {
            env.sleep(Duration::from_millis(span)).await
        });
    }
    let seen = stage.run_to(Ends::WithTheClients).sound();
    assert_eq!(seen.outcome.time, millis(9));
    assert_eq!(seen.when(Incident::CalmBegan), []);
}

#[test]
fn the_world_calls_a_program_as_part_of_its_node() {
    let mut stage = Stage::new(1, Settings::default());
    let silent = stage.start("silent", |_env| pending());
    stage.client("hasty", move |env: Handle| {
        let port = env.bind::<Number>();
        port.send(silent, Number(1));
        note(&env, "before the future", 0);
        async move { port.send(silent, Number(2)) }
    });
    let seen = stage.run_to(Ends::WithTheClients).sound();
    assert_eq!(seen.noted("before the future"), [0]);
}
