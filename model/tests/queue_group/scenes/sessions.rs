//! Who is silent, and who goes.

use super::{ANA, BEN, Scene};
use rehearsal_model::queue::group::{Answer, GroupError, Input, Plan, Removal, State, TimerKind};

#[test]
fn a_silent_member_is_out_and_the_others_share_what_it_had() {
    let mut scene = Scene::stable();
    assert!(scene.timers.values().all(|after| after.as_secs() == 10));
    scene.fire(TimerKind::Session(BEN));
    assert_eq!(scene.removed, [(BEN, Removal::SessionExpired)]);
    assert_eq!(scene.beat(ANA, 1), Err(GroupError::RebalanceInProgress));
}

#[test]
fn a_heartbeat_makes_the_earlier_timer_stale() {
    let mut scene = Scene::stable();
    let earlier = *scene.timers.keys().find(|timer| timer.kind == TimerKind::Session(BEN)).expect("it runs");
    assert_eq!(scene.beat(BEN, 1), Ok(Answer::Alive));
    scene.step(Input::TimerFired(earlier));
    assert!(scene.removed.is_empty() && scene.runs(TimerKind::Session(BEN)));
}

#[test]
fn a_heartbeat_of_another_generation_is_no_sign_of_life() {
    let mut scene = Scene::stable();
    let before = scene.timers.clone();
    assert_eq!(scene.beat(BEN, 0), Err(GroupError::IllegalGeneration));
    assert_eq!(scene.timers, before);
}

#[test]
fn who_waits_is_not_silent() {
    let mut scene = Scene::stable();
    scene.join(ANA);
    assert!(!scene.runs(TimerKind::Session(ANA)) && scene.runs(TimerKind::Session(BEN)));
    scene.join(BEN);
    scene.persist();
    assert!(scene.runs(TimerKind::Session(ANA)) && scene.runs(TimerKind::Session(BEN)));
}

#[test]
fn followers_that_wait_for_a_silent_leader_are_sent_to_join_again() {
    let mut scene = Scene::new();
    scene.join(ANA);
    scene.join(BEN);
    scene.fire(TimerKind::InitialDelay);
    scene.persist();
    let ben = scene.sync(BEN, 1, Plan::new());
    scene.fire(TimerKind::Session(ANA));
    assert_eq!(scene.error(ben), Some(GroupError::RebalanceInProgress));
}

#[test]
fn a_leave_of_the_last_member_empties_the_group() {
    let mut scene = Scene::stable();
    assert_eq!(scene.leave(BEN), Ok(Answer::Left));
    assert_eq!(scene.leave(ANA), Ok(Answer::Left));
    assert_eq!(scene.leave(ANA), Err(GroupError::UnknownMember));
    assert_eq!((scene.group.state(), scene.timers.len()), (State::Empty, 0));
}

#[test]
fn a_leave_answers_what_the_member_waits_with() {
    let mut scene = Scene::new();
    let join = scene.join(ANA);
    scene.leave(ANA).expect("it may leave");
    assert_eq!(scene.error(join), Some(GroupError::UnknownMember));
}
