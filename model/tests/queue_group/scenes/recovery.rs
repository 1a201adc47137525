//! What a new coordinator knows.

use super::{ANA, BEN, CEM, Scene, synced};
use crate::stage::partition;
use rehearsal_model::queue::group::{Answer, Generation, GroupError, Plan, State, TimerKind};
use rehearsal_model::queue::offset::Offset;

#[test]
fn a_new_coordinator_knows_the_members_and_their_partitions() {
    let mut scene = Scene::stable();
    scene.commit(Some((ANA, 1)), 5);
    scene.persist();
    scene.recover();
    assert_eq!((scene.group.state(), scene.group.generation()), (State::Stable, Generation(1)));
    assert!(scene.runs(TimerKind::Session(ANA)) && scene.runs(TimerKind::Session(BEN)));
    assert_eq!(scene.beat(BEN, 1), Ok(Answer::Alive));
    let sync = scene.sync(BEN, 1, Plan::new());
    assert_eq!(scene.answers[&sync], synced(1, 1));
    assert_eq!(scene.group.committed(partition(0, 0)), Some(Offset(5)));
    scene.join(ANA);
    assert_eq!(scene.group.state(), State::PreparingRebalance, "it knows who leads");
}

#[test]
fn a_number_is_never_given_to_two_generations() {
    let mut scene = Scene::stable();
    scene.leave(ANA).expect("it may leave");
    scene.leave(BEN).expect("it may leave");
    scene.persist();
    scene.recover();
    assert_eq!((scene.group.state(), scene.group.generation()), (State::Empty, Generation(2)));
    let cem = scene.join(CEM);
    scene.fire(TimerKind::InitialDelay);
    scene.persist();
    assert_eq!(scene.joined(cem).generation, Generation(3));
}

#[test]
fn entries_survive_their_way_through_bytes() {
    let mut scene = Scene::stable();
    scene.commit(Some((ANA, 1)), 5);
    scene.persist();
    for entry in &scene.log {
        let bytes = postcard::to_allocvec(entry).expect("an entry can be written as bytes");
        assert_eq!(*entry, postcard::from_bytes(&bytes).expect("and read again"));
    }
    assert_eq!(scene.log.len(), 3);
}

#[test]
fn a_generation_whose_plan_is_lost_is_followed_by_another() {
    let mut scene = Scene::stable();
    scene.log.pop();
    scene.recover();
    assert_eq!(scene.group.state(), State::PreparingRebalance);
    assert_eq!(scene.beat(ANA, 1), Err(GroupError::RebalanceInProgress));
    scene.join(ANA);
    scene.join(BEN);
    scene.persist();
    assert_eq!(scene.group.generation(), Generation(2));
}
