//! Writes that fail.

use super::{ANA, BEN, Scene, owns};
use crate::stage::partition;
use rehearsal_model::queue::group::{Generation, GroupError, Plan, State, TimerKind};

#[test]
fn a_commit_that_was_not_written_is_of_unknown_outcome() {
    let mut scene = Scene::stable();
    let commit = scene.commit(Some((ANA, 1)), 5);
    scene.fail();
    assert_eq!(scene.error(commit), Some(GroupError::Unknown));
    assert!(!GroupError::Unknown.definitely_did_not_happen());
    assert_eq!(scene.group.committed(partition(0, 0)), None);
}

#[test]
fn a_generation_that_was_not_written_is_never_heard_of() {
    let mut scene = Scene::new();
    let lost = scene.join(ANA);
    scene.fire(TimerKind::InitialDelay);
    scene.fail();
    assert_eq!(scene.error(lost), Some(GroupError::Unknown));
    let next = scene.join(ANA);
    scene.persist();
    assert_eq!(scene.joined(next).generation, Generation(2));
}

#[test]
fn a_plan_that_was_not_written_sends_everybody_to_join_again() {
    let mut scene = Scene::new();
    scene.join(ANA);
    scene.join(BEN);
    scene.fire(TimerKind::InitialDelay);
    scene.persist();
    let ben = scene.sync(BEN, 1, Plan::new());
    let ana = scene.sync(ANA, 1, Plan::from([(ANA, owns(0)), (BEN, owns(1))]));
    scene.fail();
    assert_eq!(scene.error(ana), Some(GroupError::Unknown), "it may be found by a recovery");
    assert_eq!(scene.error(ben), Some(GroupError::RebalanceInProgress));
    assert_eq!(scene.group.state(), State::PreparingRebalance);
}

#[test]
fn a_plan_that_is_overtaken_by_a_rebalance_is_told_to_nobody() {
    let mut scene = Scene::new();
    scene.join(ANA);
    scene.fire(TimerKind::InitialDelay);
    scene.persist();
    let ana = scene.sync(ANA, 1, Plan::from([(ANA, owns(0))]));
    scene.join(BEN);
    assert_eq!(scene.error(ana), Some(GroupError::Unknown));
    scene.persist();
    assert_eq!(scene.group.state(), State::PreparingRebalance);
}
