//! What clients are told, checked against all that was told before.

use super::{Asked, Broken, Stage, ensure, topics};
use rehearsal_model::queue::group::{
    Answer, Generation, GroupEntry, GroupError, JoinAnswer, Output, Removal, RequestId,
};
use rehearsal_model::queue::partition::Partition;
use std::collections::BTreeSet;

impl Stage {
    pub(super) fn hear(&mut self, output: Output) -> Result<(), Broken> {
        match output {
            Output::SetTimer { timer, .. } => self.timers.push(timer),
            Output::CancelTimer(timer) => self.timers.retain(|other| *other != timer),
            Output::Persist { write, entry } => {
                if let GroupEntry::Generation { planned: true, .. } = entry {
                    self.shared_out += 1;
                }
                self.pending.push((write, entry));
            }
            Output::MemberRemoved { member, why: Removal::SessionExpired | Removal::DidNotRejoin } => {
                self.holders.remove(&member);
            }
            Output::MemberRemoved { why: Removal::Left, .. } | Output::Withheld(_) => {}
            Output::Answer { request, result } => {
                let asked = self.asked.remove(&request).ok_or(Broken::AnsweredOnce)?;
                self.hear_answer(request, asked, result)?;
            }
        }
        Ok(())
    }

    fn hear_answer(
        &mut self,
        request: RequestId,
        asked: Asked,
        result: Result<Answer, GroupError>,
    ) -> Result<(), Broken> {
        let client = asked.client;
        let awaited = self.clients[client].waits == Some(request);
        if awaited {
            self.clients[client].waits = None;
        }
        match result {
            Ok(Answer::Joined(answer)) => self.hear_joined(client, awaited, answer),
            Ok(Answer::Synced { generation, partitions }) => self.hear_synced(client, generation, partitions),
            Ok(Answer::Alive) => self.hear_alive(asked.generation),
            Ok(Answer::Fetched(offsets)) => {
                // Told as of now: what was on its way when it was asked is on the log.
                ensure(self.committed == offsets, Broken::LastWriteWins)
            }
            Ok(Answer::Left | Answer::Committed) => Ok(()),
            Err(error) => {
                self.hear_error(client, asked.generation, error);
                Ok(())
            }
        }
    }

    fn hear_joined(&mut self, client: usize, awaited: bool, answer: JoinAnswer) -> Result<(), Broken> {
        let JoinAnswer { generation, member, leader, strategy, members, .. } = answer;
        let is_on_log = |entry: &GroupEntry| match entry {
            GroupEntry::Generation { generation: written, .. } => *written == generation,
            GroupEntry::Asked
            | GroupEntry::Offsets { .. }
            | GroupEntry::OffsetsWithin { .. }
            | GroupEntry::TransactionEnded { .. } => false,
        };
        ensure(self.log.iter().any(is_on_log), Broken::OnTheLogFirst)?;
        let newest = self.newest();
        let known = self.told.entry(generation).or_insert((leader, strategy, None));
        ensure(
            newest <= generation && *known == (leader, strategy, known.2.clone()),
            Broken::GenerationRises,
        )?;
        if leader == member {
            let names = members.keys().copied().collect();
            ensure(
                *known.2.get_or_insert_with(|| BTreeSet::clone(&names)) == names,
                Broken::GenerationRises,
            )?;
        }
        if awaited {
            let one = &mut self.clients[client];
            (one.id, one.generation) = (Some(member), Some(generation));
            one.plan = strategy.plan(&members, &topics());
        }
        Ok(())
    }

    fn hear_synced(
        &mut self,
        client: usize,
        generation: Generation,
        partitions: BTreeSet<Partition>,
    ) -> Result<(), Broken> {
        let Some(member) = self.clients[client].id else { return Ok(()) };
        let is_on_log = |entry: &GroupEntry| match entry {
            GroupEntry::Generation { generation: written, members, planned: true, .. } => {
                *written == generation && members[&member].partitions == partitions
            }
            _ => false,
        };
        ensure(self.log.iter().any(is_on_log), Broken::OnTheLogFirst)?;
        for partition in &partitions {
            let owner = *self.owners.entry((generation, *partition)).or_insert(member);
            ensure(owner == member, Broken::TwoOwners)?;
        }
        let mut others = self.holders.iter().filter(|(other, _)| **other != member);
        ensure(others.all(|(_, (_, held))| held.is_disjoint(&partitions)), Broken::TwoOwners)?;
        self.clients[client].interest.owned = partitions.clone();
        self.clients[client].interest.generation = generation;
        self.holders.insert(member, (generation, partitions));
        Ok(())
    }

    fn hear_alive(&self, generation: Generation) -> Result<(), Broken> {
        ensure(generation >= self.newest(), Broken::TwoOwners)
    }

    fn hear_error(&mut self, client: usize, generation: Generation, error: GroupError) {
        let one = &mut self.clients[client];
        if one.generation != Some(generation) && one.generation.is_some() {
            return;
        }
        match error {
            GroupError::Superseded
            | GroupError::Unknown
            | GroupError::UnstableOffsets
            | GroupError::InconsistentStrategies => {}
            GroupError::UnknownMember | GroupError::IllegalGeneration | GroupError::RebalanceInProgress => {
                one.generation = None;
                if let Some(id) = one.id {
                    self.holders.remove(&id);
                }
                if error == GroupError::UnknownMember {
                    one.id = None;
                }
            }
        }
    }
}
