//! Ordeals: faults that come together, aimed at one rule of replication each. Faults that are drawn one by one seldom meet
//! so; what an ordeal makes of a scenario are faults like all others, which replay and shrink one by one.
//!
//! | ordeal | what happens | aims at |
//! |---|---|---|
//! | deaf follower | a leader loses its tail in a crash and leads again at once, and a follower that has that tail does not hear of it | fetches of another epoch (KIP-320) |
//! | lagging heir | one that lags is elected, appends, and dies before anybody has followed it | logs that part twice (KIP-279) |
//! | lone leader | a leader is left alone, restarts, and the others come back while it appends | who may join the set (KIP-966) |
//! | late controller | a controller stands still amid its orders until another has its chair, and goes on | orders of a controller that was replaced |

use super::sections::Workload;
use crate::draws::Draws;
use crate::swarm::Families;
use rehearsal_model::queue::knobs::Knobs;
use rehearsal_sim::{Blow, Fault, Span, Trigger};
use serde::{Deserialize, Serialize};

/// Which ordeal a scenario has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Ordeal {
    /// None.
    None,
    /// A follower does not hear that its leader was elected anew.
    DeafFollower,
    /// A follower that lags is elected, and dies soon.
    LaggingHeir,
    /// A leader is alone in its set, and restarts.
    LoneLeader,
    /// A controller stands still until it is replaced.
    LateController,
}

/// Who is where.
pub(super) struct Scene<'a> {
    /// The brokers' nodes.
    pub(super) brokers: &'a [String],
    /// Those of the coordination service.
    pub(super) coordination: &'a [String],
    /// What brokers go by.
    pub(super) knobs: &'a Knobs,
    /// How long faults strike.
    pub(super) storm: Span,
}

/// Which ordeal a seed has, if its families of faults allow for it.
pub(super) fn drawn(draws: &Draws) -> Ordeal {
    let mut draws = draws.part("ordeal", 0);
    match draws.below(100) {
        0..10 => Ordeal::DeafFollower,
        10..20 => Ordeal::LaggingHeir,
        20..30 => Ordeal::LoneLeader,
        30..36 => Ordeal::LateController,
        _ => Ordeal::None,
    }
}

/// One round of an ordeal.
type Strike = fn(&mut Draws, &Scene) -> Vec<Fault>;

/// Its faults.
pub(super) fn faults(draws: &Draws, workload: &Workload, families: Families, scene: &Scene) -> Vec<Fault> {
    let several = scene.brokers.len() > 2;
    let (strike, rounds): (Strike, u64) = match workload.ordeal {
        Ordeal::DeafFollower if families.crashes && families.partitions && several => (deaf_follower, 4),
        Ordeal::LaggingHeir if families.crashes && families.partitions && several => (lagging_heir, 2),
        Ordeal::LoneLeader if families.crashes && families.partitions && several => (lone_leader, 2),
        Ordeal::LateController if families.pauses => (late_controller, 2),
        _ => return Vec::new(),
    };
    (0..rounds).flat_map(|round| strike(&mut draws.part("ordeal-round", round), scene)).collect()
}

/// What a follower has fetched its leader's disk may not have yet. The leader loses it and, being back before anybody takes
/// it for gone, is elected anew; and the follower, who hears nothing, asks for what comes behind a tail that is no more.
fn deaf_follower(draws: &mut Draws, scene: &Scene) -> Vec<Fault> {
    let [leader, follower, _] = three(draws, scene.brokers);
    let (nth, soon) = (draws.between(1, 150), Span::micros(draws.below(500)));
    let at = |delay| Trigger::On { fact: "Replicated".to_owned(), nth, delay };
    let deaf = Blow::Partition {
        from: scene.coordination.to_vec(),
        to: vec![follower],
        one_way: true,
        heal_after: draws.millis(500, 4_000),
    };
    let crash = Blow::Crash { node: leader, restart_after: draws.millis(5, 60) };
    vec![Fault { trigger: at(Span(0)), blow: deaf }, Fault { trigger: at(soon), blow: crash }]
}

/// One is cut off from the other brokers, so that it lags; but who is to say so, its leader, dies, and it is elected since
/// it is in the set. Nobody hears what it appends; it dies in turn, and one that has more of the first leader's log leads.
fn lagging_heir(draws: &mut Draws, scene: &Scene) -> Vec<Fault> {
    let [leader, heir, _] = three(draws, scene.brokers);
    let (lag, session) = (millis(scene.knobs.lag), millis(scene.knobs.broker_session));
    let begins = begins(draws, scene.storm);
    let dies = begins + draws.between(50, lag.max(51));
    let elected = dies + session;
    let dies_too = elected + draws.between(50, lag + 200);
    let others: Vec<String> = scene.brokers.iter().filter(|broker| **broker != heir).cloned().collect();
    let apart = Blow::Partition {
        from: vec![heir.clone()],
        to: others,
        one_way: false,
        heal_after: Span::millis(dies_too - begins + draws.between(0, 1_000)),
    };
    let down = |draws: &mut Draws| Span::millis(session + draws.between(100, 1_500));
    let first = Blow::Crash { node: leader, restart_after: down(draws) };
    let second = Blow::Crash { node: heir, restart_after: down(draws) };
    vec![at(begins, apart), at(dies, first), at(dies_too, second)]
}

/// All others lag until they have left the set. The leader restarts and has to learn anew where the watermark was; meanwhile
/// the others are back, and have less.
fn lone_leader(draws: &mut Draws, scene: &Scene) -> Vec<Fault> {
    let [leader, _, _] = three(draws, scene.brokers);
    let lag = millis(scene.knobs.lag);
    let begins = begins(draws, scene.storm);
    let heals = begins + lag * 2 + draws.between(0, 1_500);
    let restarts = heals - draws.between(0, lag);
    let others: Vec<String> = scene.brokers.iter().filter(|broker| **broker != leader).cloned().collect();
    let alone = Blow::Partition {
        from: vec![leader.clone()],
        to: others,
        one_way: false,
        heal_after: Span::millis(heals - begins),
    };
    let crash = Blow::Crash { node: leader, restart_after: draws.millis(5, 300) };
    vec![at(begins, alone), at(restarts, crash)]
}

/// A controller's orders come one after the other. It stands still between two of them, long enough for its session to end,
/// and knows nothing of that when it goes on.
fn late_controller(draws: &mut Draws, scene: &Scene) -> Vec<Fault> {
    let node = draws.pick(scene.brokers).clone();
    let trigger = Trigger::On {
        fact: "PartitionChanged".to_owned(),
        nth: draws.between(1, 12),
        delay: Span::micros(draws.below(2_000)),
    };
    let lasts = Span::millis(millis(scene.knobs.broker_session) + draws.between(0, 1_500));
    vec![Fault { trigger, blow: Blow::Pause { node, lasts } }]
}

/// Three different brokers.
fn three(draws: &mut Draws, brokers: &[String]) -> [String; 3] {
    let mut left: Vec<&String> = brokers.iter().collect();
    std::array::from_fn(|_| left.remove(draws.below(left.len() as u64) as usize).clone())
}

/// A time in the first two thirds of the storm, in milliseconds.
fn begins(draws: &mut Draws, storm: Span) -> u64 {
    draws.between(1, (millis(storm) / 3 * 2).max(1))
}

fn at(millis: u64, blow: Blow) -> Fault {
    Fault { trigger: Trigger::At(Span::millis(millis)), blow }
}

fn millis(span: Span) -> u64 {
    span.0 / 1_000_000
}

#[cfg(test)]
mod tests {
    use super::super::Queue;
    use crate::scenario::{Overrides, Scenario};
    use crate::system::System;
    use rehearsal_sim::{Blow, Trigger};

    fn drawn(seed: u64, ordeal: &str, families: bool) -> Scenario {
        let set = |key: &str, value: toml::Value| (key.to_owned(), value);
        let values = vec![
            set("workload.ordeal", ordeal.into()),
            set("families.crashes", families.into()),
            set("families.partitions", families.into()),
            set("families.pauses", families.into()),
        ];
        Queue.draw(seed, &Overrides { values, ..Overrides::default() }).expect("a scenario")
    }

    #[test]
    fn an_ordeal_adds_faults_and_leaves_the_others_as_they_were() {
        for ordeal in ["deaf-follower", "lagging-heir", "lone-leader", "late-controller"] {
            for seed in 0..20 {
                let (plain, tried) = (drawn(seed, "none", true), drawn(seed, ordeal, true));
                Queue.check(&tried).unwrap_or_else(|error| panic!("{ordeal}, seed {seed}: {error}"));
                let (before, added) = tried.faults.split_at(plain.faults.len());
                assert_eq!(before, plain.faults, "{ordeal}, seed {seed}");
                assert!(!added.is_empty(), "{ordeal}, seed {seed}");
                assert_eq!((&tried.knobs, &tried.topology), (&plain.knobs, &plain.topology));
            }
        }
    }

    #[test]
    fn an_ordeal_has_no_faults_of_families_that_are_left_out() {
        for ordeal in ["deaf-follower", "lagging-heir", "lone-leader", "late-controller"] {
            assert_eq!(drawn(3, ordeal, false).faults, drawn(3, "none", false).faults, "{ordeal}");
        }
    }

    #[test]
    fn a_deaf_follower_hears_nothing_when_its_leader_crashes_and_is_back_before_it_is_missed() {
        let scenario = drawn(3, "deaf-follower", true);
        let [.., deaf, crash] = &scenario.faults[..] else { panic!("two faults a round") };
        let Blow::Partition { to, one_way: true, .. } = &deaf.blow else { panic!("{deaf:?}") };
        let Blow::Crash { node, restart_after } = &crash.blow else { panic!("{crash:?}") };
        assert!(!to.contains(node) && restart_after.0 < 100_000_000);
        let (Trigger::On { nth: one, .. }, Trigger::On { nth: other, .. }) = (&deaf.trigger, &crash.trigger)
        else {
            panic!("both wait for a fact");
        };
        assert_eq!(one, other);
    }
}
