//! The seeded world keeps every promise of the traits, whatever the seed.

use rehearsal_env::{Cluster, Fact, Observer, Part, PartOfCluster, Stamp, conformance};
use rehearsal_sim::{Audience, Blow, Ends, Fault, NetworkSettings, Outcome, Settings, Span, Trigger, World};
use serde::Serialize;
use std::cell::RefCell;
use std::ops::ControlFlow;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

const SEEDS: u64 = 1_000;

#[derive(Clone, Copy, Debug, Hash, Serialize)]
enum Said {
    Wrote,
    Checked,
}

impl Fact for Said {
    fn kind(&self) -> &'static str {
        match self {
            Said::Wrote => "Wrote",
            Said::Checked => "Checked",
        }
    }
}

fn world(seed: u64, settings: Settings) -> World<Said> {
    World::seeded(seed, settings, Rc::new(RefCell::new(())))
}

/// Quick links that lose and double one message in twenty.
fn unreliable() -> Settings {
    let network = NetworkSettings { loss: 5_000, duplication: 5_000, ..NetworkSettings::default() };
    Settings { network, ..Settings::default() }
}

fn kept(name: &str, seed: u64, outcome: Outcome) {
    if let Some(violation) = outcome.violation {
        panic!("{name}, seed {seed}: {}", violation.message);
    }
}

#[test]
fn every_promise_to_a_lone_node_is_kept() {
    let names =
        conformance::alone::<rehearsal_sim::SimEnv<Said>>(Said::Wrote).into_iter().map(|check| check.name);
    for (index, name) in names.enumerate() {
        for seed in 0..SEEDS {
            let mut world = world(seed, Settings::default());
            let check = conformance::alone(Said::Wrote).swap_remove(index);
            world.start_client("alone", check.program);
            kept(name, seed, world.run(Ends::WithTheClients).expect("no faults"));
        }
    }
}

#[test]
fn every_promise_between_two_nodes_is_kept() {
    let names = conformance::with_a_peer::<rehearsal_sim::SimEnv<Said>>().into_iter().map(|check| check.name);
    for (index, name) in names.enumerate() {
        for seed in 0..SEEDS {
            let settings = if seed % 2 == 0 { Settings::default() } else { unreliable() };
            let mut world = world(seed, settings);
            let check = conformance::with_a_peer().swap_remove(index);
            let peer = world.start("peer", check.peer);
            let program = check.program;
            world.start_client("asking", move |env| program(env, peer));
            kept(name, seed, world.run(Ends::WithTheClients).expect("no faults"));
        }
    }
}

#[test]
fn what_was_synced_survives_the_power_failure() {
    let (lives, checked) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    for seed in 0..4 * SEEDS {
        let crash = Blow::Crash { node: "disk".to_owned(), restart_after: Span::millis(10) };
        let wrote = Trigger::On { fact: "Wrote".to_owned(), nth: 1, delay: Span(0) };
        let settings =
            Settings { faults: vec![Fault { trigger: wrote, blow: crash }], ..Settings::default() };
        let mut world = world(seed, settings);
        lives.store(0, Ordering::Relaxed);
        let (lives, checked) = (lives.clone(), checked.clone());
        world.start_client("disk", move |env| {
            let (life, checked) = (lives.fetch_add(1, Ordering::Relaxed), checked.clone());
            async move {
                if life == 0 {
                    conformance::storage::before_crash(env.clone()).await;
                    env.observe(Said::Wrote);
                    std::future::pending::<()>().await;
                }
                conformance::storage::after_crash(env.clone()).await;
                env.observe(Said::Checked);
                checked.fetch_add(1, Ordering::Relaxed);
            }
        });
        kept("storage::after_crash", seed, world.run(Ends::WithTheClients).expect("the node exists"));
    }
    assert_eq!(u64::from(checked.load(Ordering::Relaxed)), 4 * SEEDS);
}

/// What is said in a world of which [`Said`] is a part.
#[derive(Clone, Debug, Hash, Serialize)]
enum SaidInTheWhole {
    Wrote,
}

impl Fact for SaidInTheWhole {
    fn kind(&self) -> &'static str {
        "Wrote"
    }
}

fn in_the_whole(said: Said) -> Option<SaidInTheWhole> {
    match said {
        Said::Wrote => Some(SaidInTheWhole::Wrote),
        Said::Checked => None,
    }
}

#[test]
fn a_part_keeps_every_promise_to_its_programs() {
    type OfThePart = Part<rehearsal_sim::SimEnv<SaidInTheWhole>, Said>;
    let whole = |seed| World::<SaidInTheWhole>::seeded(seed, Settings::default(), Rc::new(RefCell::new(())));
    let alone = conformance::alone::<OfThePart>(Said::Wrote).len();
    let with_a_peer = conformance::with_a_peer::<OfThePart>().len();
    for seed in 0..SEEDS / 10 {
        for index in 0..alone {
            let mut world = whole(seed);
            let check = conformance::alone(Said::Wrote).swap_remove(index);
            PartOfCluster::of(&mut world, in_the_whole).start_client("alone", check.program);
            kept(check.name, seed, world.run(Ends::WithTheClients).expect("no faults"));
        }
        for index in 0..with_a_peer {
            let mut world = whole(seed);
            let check = conformance::with_a_peer().swap_remove(index);
            let mut part = PartOfCluster::of(&mut world, in_the_whole);
            let peer = part.start("peer", check.peer);
            let program = check.program;
            part.start_client("asking", move |env| program(env, peer));
            kept(check.name, seed, world.run(Ends::WithTheClients).expect("no faults"));
        }
    }
}

#[test]
fn the_whole_hears_of_a_part_what_means_something_to_it() {
    #[derive(Default)]
    struct Heard(Vec<&'static str>);
    impl Audience<SaidInTheWhole> for Heard {
        fn witness(&mut self, _: &Stamp, fact: &SaidInTheWhole) -> ControlFlow<()> {
            self.0.push(fact.kind());
            ControlFlow::Continue(())
        }
    }
    let heard = Rc::new(RefCell::new(Heard::default()));
    let mut world = World::seeded(1, Settings::default(), heard.clone());
    PartOfCluster::of(&mut world, in_the_whole).start_client("speaker", |env| async move {
        env.observe(Said::Checked);
        env.observe(Said::Wrote);
    });
    world.run(Ends::WithTheClients).expect("no faults");
    assert_eq!(heard.borrow().0, ["Wrote"]);
}
