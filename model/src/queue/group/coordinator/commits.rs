//! Committed offsets: who may commit, and what is told.

use super::{Group, Phase, refuse};
use crate::queue::defects::Defect;
use crate::queue::group::entry::GroupEntry;
use crate::queue::group::error::GroupError;
use crate::queue::group::ids::{Generation, MemberId, RequestId, WriteId};
use crate::queue::group::offsets::Offsets;
use crate::queue::group::step::{Answer, Output};
use crate::queue::identity::ProducerIdentity;
use crate::queue::offset::Offset;
use crate::queue::partition::Partition;
use std::collections::{BTreeMap, BTreeSet};

impl Group {
    pub(super) fn commit(
        &mut self,
        request: RequestId,
        member: Option<(MemberId, Generation)>,
        offsets: BTreeMap<Partition, Offset>,
        out: &mut Vec<Output>,
    ) {
        if let Err(error) = self.may_commit(member) {
            return refuse(request, error, out);
        }
        if let Some((id, _)) = member {
            self.hear_of(id, out);
        }
        let write = self.persist(GroupEntry::Offsets { offsets: offsets.clone() }, out);
        if self.defects.has(Defect::CommitToldBeforeWritten) {
            out.push(Output::Answer { request, result: Ok(Answer::Committed) });
        }
        self.offsets.begin(write, request, offsets);
    }

    pub(super) fn commit_within(
        &mut self,
        request: RequestId,
        member: (MemberId, Generation),
        producer: ProducerIdentity,
        offsets: BTreeMap<Partition, Offset>,
        out: &mut Vec<Output>,
    ) {
        if let Err(error) = self.may_commit(Some(member)) {
            return refuse(request, error, out);
        }
        self.hear_of(member.0, out);
        let write = self.persist(GroupEntry::OffsetsWithin { producer, offsets: offsets.clone() }, out);
        self.offsets.begin_within(write, request, producer, offsets);
    }

    /// Members of the present generation may commit until the next is formed: what they have processed before they let
    /// go. Then nobody knows who will own what, until there is a plan.
    fn may_commit(&self, member: Option<(MemberId, Generation)>) -> Result<(), GroupError> {
        let Some((id, generation)) = member else {
            return if self.phase == Phase::Empty { Ok(()) } else { Err(GroupError::UnknownMember) };
        };
        if !self.defects.has(Defect::ZombieCommits) {
            self.check_membership(id, generation)?;
        }
        match self.phase {
            Phase::Completing(_) => Err(GroupError::RebalanceInProgress),
            Phase::Empty | Phase::Preparing(_) | Phase::Stable => Ok(()),
        }
    }

    /// A coordinator that was replaced knows less than was committed, and may not have heard of it. So whoever asks waits
    /// for an entry of the log, as whoever commits does: what cannot be written is not answered. (Kafka answers at once.)
    pub(super) fn fetch(
        &mut self,
        request: RequestId,
        partitions: BTreeSet<Partition>,
        out: &mut Vec<Output>,
    ) {
        if !self.offsets.are_stable(&partitions) || self.defects.has(Defect::DeposedCoordinatorAnswers) {
            return self.tell_where_to_go_on(request, &partitions, out);
        }
        let write = self.persist(GroupEntry::Asked, out);
        self.offsets.ask(write, request, partitions);
    }

    fn tell_where_to_go_on(
        &self,
        request: RequestId,
        partitions: &BTreeSet<Partition>,
        out: &mut Vec<Output>,
    ) {
        let result = match self.offsets.are_stable(partitions) {
            true => Ok(Answer::Fetched(self.offsets.of(partitions))),
            false => Err(GroupError::UnstableOffsets),
        };
        out.push(Output::Answer { request, result });
    }

    pub(super) fn commit_persisted(&mut self, write: WriteId, out: &mut Vec<Output>) {
        if let Some(request) = self.offsets.persisted(write) {
            out.push(Output::Answer { request, result: Ok(Answer::Committed) });
            self.share_anew_if_due(out);
        }
        if let Some((request, partitions)) = self.offsets.asked(write) {
            self.tell_where_to_go_on(request, &partitions, out);
        }
    }

    pub(super) fn commit_not_persisted(&mut self, write: WriteId, out: &mut Vec<Output>) {
        let asked = |offsets: &mut Offsets| offsets.asked(write).map(|(request, _)| request);
        if let Some(request) = self.offsets.failed(write).or_else(|| asked(&mut self.offsets)) {
            refuse(request, GroupError::Unknown, out);
        }
    }
}
