//! Who may commit, and when it counts.

use super::{ANA, BEN, CEM, Scene, owns};
use crate::stage::partition;
use rehearsal_model::queue::group::{Answer, GroupError, Plan, TimerKind};
use rehearsal_model::queue::offset::Offset;

#[test]
fn a_commit_is_answered_and_seen_when_it_is_on_the_log() {
    let mut scene = Scene::stable();
    let commit = scene.commit(Some((ANA, 1)), 5);
    assert!(scene.waits(commit));
    assert_eq!(scene.group.committed(partition(0, 0)), None);
    scene.persist();
    assert_eq!(scene.answers[&commit], Ok(Answer::Committed));
    assert_eq!(scene.group.committed(partition(0, 0)), Some(Offset(5)));
}

#[test]
fn a_zombie_does_not_commit() {
    let mut scene = Scene::stable();
    scene.fire(TimerKind::Session(BEN));
    scene.join(ANA);
    scene.persist();
    scene.sync(ANA, 2, Plan::from([(ANA, owns(0))]));
    scene.persist();
    let (gone, old) = (scene.commit(Some((BEN, 1)), 9), scene.commit(Some((ANA, 1)), 9));
    assert_eq!(scene.error(gone), Some(GroupError::UnknownMember));
    assert_eq!(scene.error(old), Some(GroupError::IllegalGeneration));
    assert!(scene.pending.is_empty());
}

#[test]
fn a_member_commits_while_the_others_join_again_but_not_while_the_plan_is_awaited() {
    let mut scene = Scene::stable();
    scene.join(CEM);
    let preparing = scene.commit(Some((BEN, 1)), 5);
    scene.persist();
    assert_eq!(scene.answers[&preparing], Ok(Answer::Committed));
    scene.join(ANA);
    scene.join(BEN);
    scene.persist();
    let completing = scene.commit(Some((BEN, 2)), 6);
    assert_eq!(scene.error(completing), Some(GroupError::RebalanceInProgress));
}

#[test]
fn who_is_in_no_group_commits_only_while_the_group_is_empty() {
    let mut scene = Scene::new();
    let alone = scene.commit(None, 5);
    scene.persist();
    assert_eq!(scene.answers[&alone], Ok(Answer::Committed));
    let mut scene = Scene::stable();
    let among_others = scene.commit(None, 5);
    assert_eq!(scene.error(among_others), Some(GroupError::UnknownMember));
}
