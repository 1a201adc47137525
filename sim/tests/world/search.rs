//! The strategies that choose the order, in worlds small enough to say what must come of it.

use crate::stage::{Handle, Number, Seen, Stage, at, crash, millis, note, partition, with_faults};
use crate::tumult;
use rehearsal_env::{Clock, Network, NodeId, Port, Spawner, Time};
use rehearsal_sim::search::{Search, Strategy};
use rehearsal_sim::{
    Ailment, Blow, Decider, Ends, Incident, NetworkSettings, Noting, PlainSchedule, Recorder, Replay, Seeded,
    Settings, Site, Span,
};
use std::collections::BTreeSet;
use std::future::pending;
use std::rc::Rc;
use std::time::Duration;

const LATE: Span = Span::millis(40);

const SEARCHING: [Strategy; 5] = [
    Strategy::Uniform,
    Strategy::PriorityChanges(1),
    Strategy::PriorityChanges(4),
    Strategy::RandomWalk,
    Strategy::PartialOrder,
];

fn decider(strategy: Strategy, seed: u64) -> Box<dyn Decider> {
    Search { strategy, late: LATE, steps: 400 }.decider(seed)
}

fn tumult_by(strategy: Strategy, seed: u64) -> Seen {
    tumult::play(Stage::decided_by(decider(strategy, seed), tumult::settings()))
}

#[test]
fn by_time_every_seed_is_the_run_that_it_was() {
    for seed in 0..20 {
        let seeded = tumult::play(Stage::new(seed, tumult::settings()));
        assert_eq!(tumult_by(Strategy::Time, seed).outcome.digest, seeded.outcome.digest);
    }
}

#[test]
fn a_search_is_a_function_of_its_seed_and_every_strategy_gives_another_run() {
    for seed in 0..10 {
        let digests = SEARCHING.map(|strategy| {
            let once = tumult_by(strategy, seed).outcome.digest;
            assert_eq!(tumult_by(strategy, seed).outcome.digest, once, "{strategy}, seed {seed}");
            once
        });
        let seeded = tumult_by(Strategy::Time, seed).outcome.digest;
        let different: BTreeSet<_> = digests.into_iter().chain([seeded]).collect();
        assert_eq!(different.len(), SEARCHING.len() + 1, "seed {seed}");
    }
}

#[test]
fn a_recorded_search_runs_again_from_its_recording() {
    for strategy in SEARCHING {
        let (recorder, recording) = Recorder::new(decider(strategy, 3));
        let once = tumult::play(Stage::decided_by(recorder, tumult::settings()));
        let replay = Replay::new(recording.take());
        let again = tumult::play(Stage::decided_by(replay, tumult::settings()));
        assert_eq!(again.outcome.digest, once.outcome.digest, "{strategy}");
    }
}

#[test]
fn the_plain_schedule_with_all_that_a_search_decided_otherwise_is_the_same_run() {
    for strategy in SEARCHING {
        for seed in 0..20 {
            let searched = tumult::play(Stage::decided_by(decider(strategy, seed), without_slow_nodes()));
            let (noting, deviations) = Noting::new(seed, decider(strategy, seed));
            let noted = tumult::play(Stage::decided_by(noting, without_slow_nodes()));
            assert_eq!(
                noted.outcome.digest, searched.outcome.digest,
                "noting changed {strategy}, seed {seed}"
            );
            let deviations = deviations.take();
            assert!(deviations.iter().any(|deviation| deviation.question.site == Site::After));
            let (plain, _) = PlainSchedule::new(seed, deviations);
            let again = tumult::play(Stage::decided_by(plain, without_slow_nodes()));
            assert_eq!(again.facts, searched.facts, "{strategy}, seed {seed}");
            assert_eq!(again.outcome.digest, searched.outcome.digest, "{strategy}, seed {seed}");
        }
    }
}

/// Without slow nodes, whose tasks take turns: who has been overtaken among these is not told.
fn without_slow_nodes() -> Settings {
    let mut settings = tumult::settings();
    settings
        .faults
        .retain(|fault| !matches!(&fault.blow, Blow::Ails { ailment: Ailment::SlowNode { .. }, .. }));
    settings
}

/// Constant latency, and nothing but the order left to choose.
fn orderly(latency: Span) -> NetworkSettings {
    NetworkSettings { latency_min: latency, latency_max: latency, ..NetworkSettings::default() }
}

/// Nodes that sleep for known times, send to each other and to themselves, and note how late everything was.
fn punctuality(decider: Box<dyn Decider>) -> Seen {
    let faults = vec![at(200, crash("node-0", 50)), at(300, partition("node-1", "node-2", false, 100))];
    let settings = Settings { network: orderly(Span::millis(2)), ..with_faults(faults) };
    let mut stage = Stage::decided_by(decider, settings);
    let nodes = [0, 1, 2].map(|number| stage.node(&format!("node-{number}")));
    for name in ["node-0", "node-1", "node-2"] {
        stage.start(name, move |env| clock_in_and_out(env, nodes));
    }
    stage.run().sound()
}

async fn clock_in_and_out(env: Handle, nodes: [NodeId; 3]) {
    let own = env.clone();
    env.spawn(async move {
        for number in 0.. {
            let until = own.now() + Duration::from_micros(3_000 + number * 7);
            own.sleep_until(until).await;
            note(
                &own,
                if own.now() < until { "woke early" } else { "woke" },
                own.now().0 - until.0.min(own.now().0),
            );
        }
    });
    let port = Rc::new(env.bind::<Number>());
    let (own, out) = (env.clone(), port.clone());
    env.spawn(async move {
        for sent in 0.. {
            for to in nodes {
                out.send(to, Number(if to == own.id() { sent } else { own.now().0 }));
            }
            own.sleep(Duration::from_millis(5)).await;
        }
    });
    let mut heard = 0;
    loop {
        let received = port.recv().await;
        let number = received.message.0;
        if received.from == env.id() {
            note(&env, if number == heard { "in order" } else { "out of order" }, number);
            heard += 1;
        } else {
            note(&env, "took", env.now().0 - number);
        }
    }
}

#[test]
fn no_sleep_ends_early_no_message_comes_early_and_nothing_later_than_the_bound() {
    for strategy in SEARCHING {
        let mut late = 0;
        for seed in 0..10 {
            let seen = punctuality(decider(strategy, seed));
            assert!(seen.noted("woke early").is_empty(), "{strategy}, seed {seed}");
            // The event may be as late as the bound, and so may the step of the task that it wakes.
            let most = 2 * LATE.0;
            let woke = seen.noted("woke");
            assert!(woke.iter().all(|by| *by <= most), "{strategy}, seed {seed}: {woke:?}");
            assert!(seen.noted("took").iter().all(|took| *took >= 2_000_000), "{strategy}, seed {seed}");
            late += woke.iter().filter(|by| **by > 0).count();
        }
        assert!(late > 0, "{strategy} lets nothing be late");
    }
}

#[test]
fn messages_of_a_node_to_itself_stay_in_order() {
    for strategy in SEARCHING {
        for seed in 0..10 {
            let seen = punctuality(decider(strategy, seed));
            assert!(!seen.noted("in order").is_empty());
            assert!(seen.noted("out of order").is_empty(), "{strategy}, seed {seed}");
        }
    }
}

#[test]
fn what_the_scenario_does_keeps_its_time() {
    let by_time = punctuality(Box::new(Seeded::new(0)));
    let moments = [
        Incident::Crashed(NodeId(0)),
        Incident::Started(NodeId(0)),
        Incident::Cut(1),
        Incident::Healed(1),
        Incident::CalmBegan,
    ];
    for strategy in SEARCHING {
        for seed in 0..10 {
            let seen = punctuality(decider(strategy, seed));
            for moment in moments {
                assert_eq!(seen.when(moment), by_time.when(moment), "{strategy}, seed {seed}: {moment:?}");
            }
        }
    }
}

#[test]
fn in_the_calm_everything_goes_by_time() {
    for strategy in SEARCHING {
        for seed in 0..10 {
            let seen = punctuality(decider(strategy, seed));
            let calm = seen.when(Incident::CalmBegan)[0];
            let later = calm + LATE.duration() * 2;
            let woke = seen.facts.iter().filter(|(stamp, note)| note.0 == "woke" && stamp.time > later);
            assert_eq!(woke.map(|(_, note)| note.1).max(), Some(0), "{strategy}, seed {seed}");
        }
    }
}

/// Two senders send ten numbers each to one listener, all at once; in which order it heard the senders.
fn two_senders(decider: Box<dyn Decider>) -> Vec<u64> {
    let settings = Settings { network: orderly(Span::millis(1)), ..with_faults(vec![]) };
    let mut stage = Stage::decided_by(decider, settings);
    let listener = stage.client("listener", |env: Handle| async move {
        let port = env.bind::<Number>();
        for _ in 0..20 {
            note(&env, "heard", port.recv().await.message.0);
        }
    });
    for (number, name) in [(1, "one"), (2, "two")] {
        stage.start(name, move |env: Handle| async move {
            let port = env.bind::<Number>();
            // The listener listens by then.
            env.sleep_until(millis(100)).await;
            for _ in 0..10 {
                port.send(listener, Number(number));
                env.sleep(Duration::from_micros(10)).await;
            }
            pending::<()>().await;
        });
    }
    stage.run_to(Ends::WithTheClients).sound().noted("heard")
}

#[test]
fn a_constant_latency_leaves_orders_to_choose() {
    let by_time = two_senders(Box::new(Seeded::new(1)));
    for strategy in SEARCHING {
        let orders: BTreeSet<Vec<u64>> = (0..40).map(|seed| two_senders(decider(strategy, seed))).collect();
        assert!(orders.len() > 1, "{strategy}: {orders:?}");
        assert!(orders.iter().any(|order| *order != by_time));
    }
}

#[test]
fn a_bound_beyond_the_storm_ends_with_it() {
    for strategy in SEARCHING {
        let search = Search { strategy, late: Span::seconds(100), steps: 400 };
        let seen = punctuality(search.decider(5));
        assert_eq!(seen.when(Incident::CalmBegan), [Time(1_000_000_000)], "{strategy}");
        assert_eq!(seen.outcome.time, Time(2_000_000_000), "{strategy}");
    }
}
