//! How a generation is formed, and what a repeated request gets.

use super::{ANA, BEN, CEM, Scene, owns, registration, synced};
use rehearsal_model::queue::group::{
    Generation, GroupEntry, GroupError, Input, Interest, Plan, Registration, Removal, State, StrategyName,
    TimerKind,
};
use rehearsal_model::queue::partition::Topic;
use std::time::Duration;

#[test]
fn an_empty_group_waits_a_little_for_others() {
    let mut scene = Scene::new();
    let ana = scene.join(ANA);
    let ben = scene.join(BEN);
    assert_eq!(scene.timers.values().copied().collect::<Vec<_>>(), [Duration::from_secs(3)]);
    scene.fire(TimerKind::InitialDelay);
    assert!(scene.waits(ana) && scene.waits(ben), "the number is not on the log yet");
    scene.persist();
    assert_eq!(scene.joined(ana).generation, Generation(1));
    assert_eq!(scene.joined(ana).members.keys().copied().collect::<Vec<_>>(), [ANA, BEN]);
    assert_eq!((scene.joined(ben).leader, scene.joined(ben).members.len()), (ANA, 0));
}

#[test]
fn nobody_is_told_of_a_plan_that_is_not_on_the_log() {
    let mut scene = Scene::new();
    scene.join(ANA);
    scene.fire(TimerKind::InitialDelay);
    scene.persist();
    let sync = scene.sync(ANA, 1, Plan::from([(ANA, owns(0))]));
    assert!(scene.waits(sync));
    scene.persist();
    assert_eq!(scene.answers[&sync], synced(1, 0));
}

#[test]
fn the_plan_of_one_who_does_not_lead_is_not_looked_at() {
    let mut scene = Scene::new();
    scene.join(ANA);
    scene.join(BEN);
    scene.fire(TimerKind::InitialDelay);
    scene.persist();
    scene.sync(BEN, 1, Plan::from([(BEN, owns(0))]));
    assert!(scene.pending.is_empty());
    scene.share();
    assert_eq!(scene.group.state(), State::Stable);
}

#[test]
fn a_rebalance_waits_for_those_who_had_partitions() {
    let mut scene = Scene::stable();
    let cem = scene.join(CEM);
    assert_eq!(scene.beat(BEN, 1), Err(GroupError::RebalanceInProgress));
    scene.join(ANA);
    scene.persist();
    assert!(scene.waits(cem));
    scene.join(BEN);
    scene.persist();
    assert_eq!(scene.joined(cem).generation, Generation(2));
}

#[test]
fn one_who_does_not_join_again_in_time_is_out() {
    let mut scene = Scene::stable();
    scene.join(CEM);
    scene.join(ANA);
    assert!(
        scene.timers.iter().any(|(timer, after)| timer.kind == TimerKind::Rebalance && after.as_secs() == 30)
    );
    scene.fire(TimerKind::Rebalance);
    assert_eq!(scene.removed, [(BEN, Removal::DidNotRejoin)]);
    assert_eq!(scene.group.members().collect::<Vec<_>>(), [ANA, CEM]);
    assert_eq!(scene.beat(BEN, 1), Err(GroupError::UnknownMember));
}

#[test]
fn the_leader_leads_again_if_it_is_there() {
    let mut scene = Scene::stable();
    scene.leave(ANA).expect("it may leave");
    let ben = scene.join(BEN);
    scene.persist();
    assert_eq!(scene.joined(ben).leader, BEN);
    scene.join(ANA);
    let ben = scene.join(BEN);
    scene.persist();
    assert_eq!(scene.joined(ben).leader, BEN);
}

#[test]
fn the_strategy_that_most_prefer_of_those_that_all_know_wins() {
    use StrategyName::{Range, RoundRobin, Sticky};
    let mut scene = Scene::new();
    let ana = scene.join_saying(ANA, registration(&[Range, RoundRobin]));
    scene.join_saying(BEN, registration(&[Sticky, RoundRobin, Range]));
    scene.join_saying(CEM, registration(&[RoundRobin, Range]));
    scene.fire(TimerKind::InitialDelay);
    scene.persist();
    assert_eq!(scene.joined(ana).strategy, RoundRobin);
}

#[test]
fn one_with_no_common_strategy_is_refused() {
    let mut scene = Scene::stable();
    let cem = scene.join_saying(CEM, registration(&[StrategyName::Sticky]));
    assert_eq!(scene.error(cem), Some(GroupError::InconsistentStrategies));
    let none = scene.join_saying(CEM, registration(&[]));
    assert_eq!(scene.error(none), Some(GroupError::InconsistentStrategies));
    assert_eq!(scene.group.state(), State::Stable);
}

#[test]
fn a_follower_that_joins_again_is_told_its_generation_again() {
    let mut scene = Scene::stable();
    let ben = scene.join(BEN);
    assert_eq!(scene.joined(ben).generation, Generation(1));
    let sync = scene.sync(BEN, 1, Plan::new());
    assert_eq!(scene.answers[&sync], synced(1, 1));
    assert_eq!(scene.group.state(), State::Stable);
}

#[test]
fn a_leader_that_joins_again_rebalances() {
    let mut scene = Scene::stable();
    scene.join(ANA);
    assert_eq!(scene.group.state(), State::PreparingRebalance);
}

#[test]
fn a_follower_that_reads_something_else_rebalances() {
    let mut scene = Scene::stable();
    let interest = Interest::of([Topic::Named(1)]);
    scene.join_saying(BEN, Registration { interest, ..registration(&[StrategyName::Range]) });
    assert_eq!(scene.group.state(), State::PreparingRebalance);
}

#[test]
fn a_leader_that_lost_its_answer_plans_after_all() {
    let mut scene = Scene::new();
    scene.join(ANA);
    scene.join(BEN);
    scene.fire(TimerKind::InitialDelay);
    scene.persist();
    let again = scene.join(ANA);
    assert_eq!(scene.joined(again).members.len(), 2);
    scene.share();
    assert_eq!(scene.group.state(), State::Stable);
}

#[test]
fn a_newer_request_takes_the_place_of_the_one_that_waits() {
    let mut scene = Scene::new();
    let first = scene.join(ANA);
    let second = scene.join(ANA);
    assert_eq!(scene.error(first), Some(GroupError::Superseded));
    assert!(scene.waits(second) && !GroupError::Superseded.definitely_did_not_happen());
}

#[test]
fn the_timer_of_an_earlier_rebalance_is_stale() {
    let mut scene = Scene::stable();
    scene.join(CEM);
    let earlier = *scene.timers.keys().find(|timer| timer.kind == TimerKind::Rebalance).expect("it runs");
    scene.join(ANA);
    scene.join(BEN);
    scene.persist();
    scene.join_saying(
        BEN,
        Registration { interest: Interest::default(), ..registration(&[StrategyName::Range]) },
    );
    assert_eq!(scene.group.state(), State::PreparingRebalance);
    scene.step(Input::TimerFired(earlier));
    assert_eq!((scene.group.state(), scene.removed.len()), (State::PreparingRebalance, 0));
}

#[test]
fn nobody_owns_anything_in_a_generation_that_is_not_planned() {
    let mut scene = Scene::stable();
    scene.join(ANA);
    scene.join(BEN);
    let Some((_, GroupEntry::Generation { members, planned: false, .. })) = scene.pending.last() else {
        panic!("the new generation is on its way to the log: {:?}", scene.pending);
    };
    assert!(members.values().all(|member| member.partitions.is_empty()), "{members:?}");
}
