//! Offsets that a transaction commits (KIP-447).

use super::{ANA, BEN, Scene};
use crate::stage::partition;
use rehearsal_model::queue::group::{Answer, Generation, GroupEntry, GroupError, Input, MemberId, RequestId};
use rehearsal_model::queue::identity::ProducerIdentity;
use rehearsal_model::queue::offset::Offset;
use rehearsal_model::queue::record::Verdict;
use std::collections::{BTreeMap, BTreeSet};

/// The producer's identity in its how-many-th transaction.
fn producer(epoch: u16) -> ProducerIdentity {
    ProducerIdentity { id: 7, epoch }
}

impl Scene {
    fn commit_within(&mut self, member: MemberId, generation: u32, epoch: u16, offset: u64) -> RequestId {
        let request = self.request();
        let offsets = BTreeMap::from([(partition(0, 0), Offset(offset))]);
        let member = (member, Generation(generation));
        self.step(Input::CommitWithin { request, member, producer: producer(epoch), offsets });
        request
    }

    /// The marker of the transaction of this epoch, which has the next one.
    fn end(&mut self, epoch: u16, verdict: Verdict) {
        let producer = producer(epoch).next();
        self.log.push(GroupEntry::TransactionEnded { producer, verdict });
        self.step(Input::TransactionEnded { producer, verdict });
    }

    fn goes_on(&mut self, number: u32) -> Result<Option<Offset>, GroupError> {
        let request = self.request();
        let partitions = BTreeSet::from([partition(0, number)]);
        self.step(Input::Fetch { request, partitions });
        if self.waits(request) {
            self.persist();
        }
        match self.answers[&request].clone()? {
            Answer::Fetched(offsets) => Ok(offsets.get(&partition(0, number)).copied()),
            other => panic!("no answer to a fetch: {other:?}"),
        }
    }
}

#[test]
fn offsets_within_a_transaction_count_when_that_is_committed_and_nobody_is_told_before() {
    let mut scene = Scene::stable();
    let commit = scene.commit_within(ANA, 1, 0, 5);
    assert!(scene.waits(commit));
    assert_eq!(scene.goes_on(0), Err(GroupError::UnstableOffsets));
    assert_eq!(scene.goes_on(1), Ok(None), "another partition");
    scene.persist();
    assert_eq!(scene.answers[&commit], Ok(Answer::Committed));
    assert_eq!(scene.goes_on(0), Err(GroupError::UnstableOffsets));
    scene.end(0, Verdict::Commit);
    assert_eq!(scene.goes_on(0), Ok(Some(Offset(5))));
}

#[test]
fn offsets_within_an_aborted_transaction_never_were() {
    let mut scene = Scene::stable();
    scene.commit_within(ANA, 1, 0, 5);
    scene.persist();
    scene.end(0, Verdict::Commit);
    scene.commit_within(ANA, 1, 1, 9);
    scene.persist();
    scene.end(1, Verdict::Abort);
    assert_eq!(scene.goes_on(0), Ok(Some(Offset(5))));
}

#[test]
fn a_marker_that_comes_again_does_not_end_the_next_transaction() {
    let mut scene = Scene::stable();
    scene.commit_within(ANA, 1, 0, 5);
    scene.persist();
    scene.end(0, Verdict::Abort);
    scene.commit_within(ANA, 1, 1, 9);
    scene.persist();
    scene.end(0, Verdict::Abort);
    assert_eq!(scene.goes_on(0), Err(GroupError::UnstableOffsets));
    scene.end(1, Verdict::Commit);
    assert_eq!(scene.goes_on(0), Ok(Some(Offset(9))));
}

#[test]
fn offsets_whose_write_is_not_known_to_have_failed_keep_others_waiting_until_the_transaction_ends() {
    let mut scene = Scene::stable();
    let commit = scene.commit_within(ANA, 1, 0, 5);
    scene.fail();
    assert_eq!(scene.error(commit), Some(GroupError::Unknown));
    assert_eq!(scene.goes_on(0), Err(GroupError::UnstableOffsets));
    scene.end(0, Verdict::Abort);
    assert_eq!(scene.goes_on(0), Ok(None));
}

#[test]
fn a_zombie_commits_nothing_within_its_transaction() {
    let mut scene = Scene::stable();
    let stranger = scene.commit_within(MemberId(99), 1, 0, 5);
    let early = scene.commit_within(BEN, 0, 1, 5);
    assert_eq!(scene.error(stranger), Some(GroupError::UnknownMember));
    assert_eq!(scene.error(early), Some(GroupError::IllegalGeneration));
    assert_eq!(scene.goes_on(0), Ok(None));
}

#[test]
fn the_next_coordinator_knows_what_is_open_and_what_has_ended() {
    let mut scene = Scene::stable();
    scene.commit_within(ANA, 1, 0, 5);
    scene.persist();
    scene.recover();
    assert_eq!(scene.goes_on(0), Err(GroupError::UnstableOffsets));
    scene.end(0, Verdict::Commit);
    scene.recover();
    assert_eq!(scene.goes_on(0), Ok(Some(Offset(5))));
}
