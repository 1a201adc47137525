//! One consumer, without a group around it.

use super::reading::Consumer;
use crate::stage::{partition, topics};
use rehearsal_model::queue::defects::Defects;
use rehearsal_model::queue::group::{
    Ask, CommitRule, Generation, GroupError, JoinAnswer, Member, MemberId, StrategyName,
};
use rehearsal_model::queue::offset::Offset;
use rehearsal_model::queue::partition::{Partition, Topic};
use std::collections::{BTreeMap, BTreeSet};

fn steady(rule: CommitRule) -> Member {
    let mut member = Consumer::new(rule, Defects::NONE).member;
    assert!(matches!(member.join(), Ask::Join { member: None, .. }));
    let joined = JoinAnswer {
        generation: Generation(1),
        member: MemberId(7),
        leader: MemberId(8),
        strategy: StrategyName::Sticky,
        members: BTreeMap::new(),
        topics: BTreeMap::new(),
    };
    assert!(
        matches!(member.on_join_answer(Ok(joined), &topics()), Ask::Sync { plan, .. } if plan.is_empty())
    );
    let owned: BTreeSet<Partition> = [partition(0, 0)].into();
    assert_eq!(member.on_sync_answer(Ok((Generation(1), owned.clone()))), Ask::Offsets(owned));
    member.seek(partition(0, 0), Offset(4));
    member
}

#[test]
fn before_processing_the_commit_must_be_confirmed() {
    let mut member = steady(CommitRule::BeforeProcessing);
    let at = partition(0, 0);
    assert!(member.fetched(at, Offset(4), Offset(6)));
    let due = member.commit_due();
    assert_eq!(due, BTreeMap::from([(at, Offset(6))]));
    assert!(member.commit_due().is_empty(), "it is under way");
    assert!(!member.begins(at, Offset(4)));
    member.committed(Generation(1), &due, false);
    assert!(!member.begins(at, Offset(4)), "nobody knows whether it is on the log");
    assert_eq!(member.commit_due(), due);
    member.committed(Generation(1), &due, true);
    assert!(member.begins(at, Offset(4)) && member.begins(at, Offset(5)) && !member.begins(at, Offset(6)));
}

#[test]
fn after_processing_only_what_is_processed_is_committed() {
    let mut member = steady(CommitRule::AfterProcessing);
    let at = partition(0, 0);
    member.fetched(at, Offset(4), Offset(9));
    assert!(member.commit_due().is_empty());
    assert!(member.begins(at, Offset(4)) && !member.begins(at, Offset(9)));
    member.processed(at, Offset(6));
    assert!(!member.begins(at, Offset(5)));
    assert_eq!(member.commit_due(), BTreeMap::from([(at, Offset(6))]));
}

#[test]
fn a_confirmation_from_before_a_seek_counts_for_nothing() {
    let mut member = steady(CommitRule::BeforeProcessing);
    let at = partition(0, 0);
    member.fetched(at, Offset(4), Offset(9));
    let due = member.commit_due();
    member.seek(at, Offset(2));
    assert!(member.fetched(at, Offset(2), Offset(3)) && !member.fetched(at, Offset(9), Offset(12)));
    member.committed(Generation(1), &due, true);
    assert!(!member.begins(at, Offset(2)));
}

#[test]
fn whoever_has_partitions_lets_go_before_it_joins_again() {
    let mut member = steady(CommitRule::AfterProcessing);
    let rebalance = || Err(GroupError::RebalanceInProgress);
    assert_eq!(member.on_heartbeat_answer(Generation(0), rebalance()), Ask::Nothing, "an old answer");
    assert!(member.must_let_go());
    assert_eq!(member.on_heartbeat_answer(Generation(1), rebalance()), Ask::LetGo);
    let Ask::Join { member: as_whom, registration } = member.join() else { panic!("it joins") };
    assert_eq!((as_whom, registration.interest.generation), (Some(MemberId(7)), Generation(1)));
    assert_eq!(registration.interest.owned, [partition(0, 0)].into(), "what it would like to have again");
    assert!(!member.must_let_go() && member.progress(partition(0, 0)).is_none());
    assert!(!member.fetched(partition(0, 0), Offset(4), Offset(9)));
}

#[test]
fn one_that_the_group_does_not_know_joins_as_nobody() {
    let mut member = steady(CommitRule::AfterProcessing);
    let ask = member.on_heartbeat_answer(Generation(1), Err(GroupError::UnknownMember));
    assert!(matches!(ask, Ask::Join { member: None, .. }), "{ask:?}");
}

#[test]
fn a_position_in_a_partition_that_is_not_owned_is_not_taken() {
    let mut member = steady(CommitRule::AfterProcessing);
    member.seek(Partition { topic: Topic::Named(9), number: 0 }, Offset(1));
    assert!(member.progress(Partition { topic: Topic::Named(9), number: 0 }).is_none());
}
