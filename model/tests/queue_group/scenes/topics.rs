//! A topic whose partitions change.

use super::*;
use rehearsal_model::queue::topics::{Barriers, KeyOrder, Shares, TopicState};

/// Topic 0 has three partitions instead of two; of the older ones the first has its barrier at 5, the other at 0.
fn grown(order: KeyOrder) -> Input {
    let state = TopicState::first(2).with_partitions(3).expect("it grows");
    let barriers = [5, 0].map(|at| Barriers::from([(1, Offset(at))]));
    let shares = Shares::of(&state, order, |number| barriers.get(number as usize), Defects::NONE);
    Input::Topics(BTreeMap::from([(Topic::Named(0), shares)]))
}

/// What the leader is told to share out when Ana and Ben have joined again.
fn joined_again(scene: &mut Scene) -> BTreeSet<u32> {
    let asked = scene.join(ANA);
    scene.join(BEN);
    scene.persist();
    scene.joined(asked).topics[&Topic::Named(0)].clone()
}

#[test]
fn a_group_rebalances_when_its_topic_has_more_partitions_and_its_leader_is_told_which() {
    let mut scene = Scene::stable();
    scene.step(grown(KeyOrder::Announced));
    assert_eq!(scene.group.state(), State::PreparingRebalance);
    assert_eq!(joined_again(&mut scene), BTreeSet::from([0, 1, 2]));
}

#[test]
fn where_order_is_kept_a_new_partition_is_shared_out_when_the_barriers_are_committed() {
    let mut scene = Scene::stable();
    scene.step(grown(KeyOrder::Kept));
    assert_eq!(scene.group.state(), State::Stable, "it has all that it may have");
    scene.commit(Some((ANA, 1)), 4);
    scene.persist();
    assert_eq!(scene.group.state(), State::Stable);
    scene.commit(Some((ANA, 1)), 5);
    assert_eq!(scene.group.state(), State::Stable, "that is not on the log yet");
    scene.persist();
    assert_eq!(scene.group.state(), State::PreparingRebalance);
    assert_eq!(joined_again(&mut scene), BTreeSet::from([0, 1, 2]));
}

#[test]
fn a_change_while_the_leader_plans_has_the_group_rebalance_when_its_plan_is_in_force() {
    let mut scene = Scene::new();
    scene.join(ANA);
    scene.join(BEN);
    scene.fire(TimerKind::InitialDelay);
    scene.persist();
    scene.step(grown(KeyOrder::Announced));
    assert_eq!(scene.group.state(), State::CompletingRebalance);
    scene.share();
    assert_eq!(scene.group.state(), State::PreparingRebalance);
}

#[test]
fn a_new_coordinator_finds_out_that_the_plan_it_took_over_is_not_for_the_topic_as_it_is() {
    let mut scene = Scene::stable();
    scene.recover();
    scene.step(grown(KeyOrder::Announced));
    assert_eq!(scene.group.state(), State::PreparingRebalance);
}

#[test]
fn a_topic_that_nobody_reads_is_no_matter() {
    let mut scene = Scene::stable();
    let Input::Topics(topics) = grown(KeyOrder::Announced) else { panic!("it is about topics") };
    let shares = topics[&Topic::Named(0)].clone();
    scene.step(Input::Topics(BTreeMap::from([(Topic::Named(9), shares)])));
    assert_eq!(scene.group.state(), State::Stable);
}
