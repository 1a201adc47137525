//! The consumer's side of a group: which generation it is in, what it owns, how far it is, and what to ask next.
//!
//! The protocol is the eager one: whoever joins again lets everything go first, so that nobody holds what the next
//! generation gives to another.

use super::error::GroupError;
use super::ids::{Generation, MemberId};
use super::progress::{CommitRule, Progress};
use super::registration::Registration;
use super::step::JoinAnswer;
use super::strategy::Plan;
use crate::queue::defects::{Defect, Defects};
use crate::queue::offset::Offset;
use crate::queue::partition::{Partition, Topic};
use std::collections::{BTreeMap, BTreeSet};

/// One consumer in a group. Requests of one kind are asked one at a time; the shell hands in the answer to the last of
/// them and throws away those to earlier ones.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Member {
    rule: CommitRule,
    defects: Defects,
    id: Option<MemberId>,
    registration: Registration,
    standing: Standing,
    progress: BTreeMap<Partition, Progress>,
}

/// Where a consumer stands in its group.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Standing {
    /// It is in no group.
    Outside,
    /// It has asked to be in the next generation.
    Joining,
    /// It is in this generation and has asked what it owns.
    Syncing {
        /// Which.
        generation: Generation,
    },
    /// It owns these, until it joins again.
    Steady {
        /// In which generation.
        generation: Generation,
        /// Its partitions.
        owned: BTreeSet<Partition>,
    },
}

/// What a consumer is to ask its coordinator, or to do, next.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Ask {
    /// Nothing: go on.
    Nothing,
    /// Stop fetching, finish what is begun, commit what is due, and then [`Member::join`]. The commit may be refused, or
    /// its answer not waited for: others will process again what it held.
    LetGo,
    /// Join.
    Join {
        /// As whom, if it was a member before.
        member: Option<MemberId>,
        /// What to say.
        registration: Registration,
    },
    /// Sync.
    Sync {
        /// As whom.
        member: MemberId,
        /// In which generation.
        generation: Generation,
        /// The plan, if it leads.
        plan: Plan,
    },
    /// Fetch the committed offsets of these, and [`seek`](Member::seek) in each.
    Offsets(BTreeSet<Partition>),
}

impl Member {
    /// A consumer outside of its group.
    pub fn new(rule: CommitRule, registration: Registration, defects: Defects) -> Member {
        let (standing, progress) = (Standing::Outside, BTreeMap::new());
        Member { rule, defects, id: None, registration, standing, progress }
    }

    /// Where it stands.
    pub fn standing(&self) -> &Standing {
        &self.standing
    }

    /// Who it is and in which generation: what heartbeats and commits name. None while it has no generation.
    pub fn membership(&self) -> Option<(MemberId, Generation)> {
        match self.standing {
            Standing::Outside | Standing::Joining => None,
            Standing::Syncing { generation } | Standing::Steady { generation, .. } => {
                Some((self.id?, generation))
            }
        }
    }

    /// Whether it holds partitions that it has to let go before it joins.
    pub fn must_let_go(&self) -> bool {
        matches!(&self.standing, Standing::Steady { owned, .. } if !owned.is_empty())
    }

    /// How far it is in a partition that it owns and in which it has begun.
    pub fn progress(&self, partition: Partition) -> Option<&Progress> {
        self.progress.get(&partition)
    }

    /// Joins, for the first time or again. Whatever it holds is gone.
    pub fn join(&mut self) -> Ask {
        if !self.defects.has(Defect::JoinsWithoutLettingGo) {
            self.progress.clear();
        }
        self.standing = Standing::Joining;
        Ask::Join { member: self.id, registration: self.registration.clone() }
    }

    /// Leaves: who it was, if it was a member. What is to be committed was said by [`commit_due`](Member::commit_due) before.
    pub fn leave(&mut self) -> Option<MemberId> {
        self.standing = Standing::Outside;
        self.id.take()
    }

    /// The answer to a join came. The leader plans for a world where the topics have so many partitions.
    pub fn on_join_answer(
        &mut self,
        answer: Result<JoinAnswer, GroupError>,
        topics: &BTreeMap<Topic, u32>,
    ) -> Ask {
        if self.standing != Standing::Joining {
            return Ask::Nothing;
        }
        match answer {
            Ok(JoinAnswer { generation, member, strategy, members, topics: changed, .. }) => {
                self.id = Some(member);
                self.standing = Standing::Syncing { generation };
                let plan = match changed.is_empty() {
                    true => strategy.plan(&members, topics),
                    false => {
                        let all = |count: &u32| (0..*count).collect();
                        let first = topics.iter().map(|(topic, count)| (*topic, all(count)));
                        strategy.plan_what_is_open(&members, &first.chain(changed).collect())
                    }
                };
                Ask::Sync { member, generation, plan }
            }
            Err(error) => self.refused(error),
        }
    }

    /// The answer to a sync came: what it owns, in this generation.
    pub fn on_sync_answer(&mut self, answer: Result<(Generation, BTreeSet<Partition>), GroupError>) -> Ask {
        let Standing::Syncing { generation } = self.standing else { return Ask::Nothing };
        match answer {
            Ok((planned, _)) if planned != generation => Ask::Nothing,
            Ok((_, owned)) => {
                self.registration.interest.owned = owned.clone();
                self.registration.interest.generation = generation;
                self.standing = Standing::Steady { generation, owned: owned.clone() };
                if owned.is_empty() { Ask::Nothing } else { Ask::Offsets(owned) }
            }
            Err(error) => self.refused(error),
        }
    }

    /// The answer to a heartbeat, or to a commit, in this generation came.
    pub fn on_heartbeat_answer(&mut self, asked: Generation, answer: Result<(), GroupError>) -> Ask {
        if self.membership().is_none_or(|(_, generation)| generation != asked) {
            return Ask::Nothing;
        }
        match answer {
            Ok(()) | Err(GroupError::Unknown) => Ask::Nothing,
            Err(GroupError::RebalanceInProgress) if matches!(self.standing, Standing::Syncing { .. }) => {
                Ask::Nothing
            }
            Err(GroupError::RebalanceInProgress) if self.must_let_go() => Ask::LetGo,
            Err(error) => self.refused(error),
        }
    }

    /// A request was refused: it lets everything go and joins again, as nobody if the group does not know it.
    fn refused(&mut self, error: GroupError) -> Ask {
        match error {
            GroupError::Superseded | GroupError::UnstableOffsets => return Ask::Nothing,
            GroupError::InconsistentStrategies => {
                self.standing = Standing::Outside;
                return Ask::Nothing;
            }
            GroupError::UnknownMember => self.id = None,
            GroupError::IllegalGeneration | GroupError::RebalanceInProgress | GroupError::Unknown => {}
        }
        self.join()
    }

    // ---- records ----

    /// Goes on from here: where the group has committed, or where the user wants. What was fetched, asked or confirmed
    /// before counts no more. Without effect where it does not own the partition.
    pub fn seek(&mut self, partition: Partition, offset: Offset) {
        if matches!(&self.standing, Standing::Steady { owned, .. } if owned.contains(&partition)) {
            self.progress.insert(partition, Progress::from(offset));
        }
    }

    /// Goes back to these places, because that is wished for, in all that it owns: where it was in each and where it is now,
    /// which is never behind that. None, and nothing is done, when there is no way back, when it has not begun, or while a
    /// commit is under way: that would come after what it commits from then on.
    pub fn go_back(
        &mut self,
        starts: &BTreeMap<Partition, Offset>,
    ) -> Option<BTreeMap<Partition, [Offset; 2]>> {
        let owned = self.owned()?;
        let has_begun = !owned.is_empty() && owned.iter().all(|of| self.progress.contains_key(of));
        if !has_begun || self.progress.values().any(Progress::is_committing) {
            return None;
        }
        let mut places = BTreeMap::new();
        let mut again = self.progress.clone();
        for (partition, progress) in &mut again {
            let was = progress.processed();
            *progress = progress.back_to(*starts.get(partition)?);
            places.insert(*partition, [was, progress.processed()]);
        }
        let is_back = places.values().any(|[was, now]| now < was);
        is_back.then(|| {
            self.progress = again;
            places
        })
    }

    /// What it owns, if it is in a generation.
    pub fn owned(&self) -> Option<&BTreeSet<Partition>> {
        match &self.standing {
            Standing::Steady { owned, .. } => Some(owned),
            _ => None,
        }
    }

    /// Goes on from here because what the group had committed is not in the log: unlike after a
    /// [seek](Member::seek) this is to be committed, so that the group never asks for that again.
    pub fn reset(&mut self, partition: Partition, offset: Offset) {
        if let Some(progress) = self.progress.get_mut(&partition) {
            *progress = progress.reset(offset);
        }
    }

    /// Records came, fetched from `from`; the next fetch is from `next`. Says whether they are the next piece of what it
    /// owns: if not they are to be thrown away.
    pub fn fetched(&mut self, partition: Partition, from: Offset, next: Offset) -> bool {
        self.progress.get_mut(&partition).is_some_and(|progress| progress.fetch(from, next))
    }

    /// Whether the record at this offset may be begun: it is owned, fetched, not processed yet, and if the rule says so
    /// the commit behind it is confirmed.
    pub fn begins(&self, partition: Partition, offset: Offset) -> bool {
        self.progress.get(&partition).is_some_and(|progress| progress.begins(offset, self.rule, self.defects))
    }

    /// A defect: everything that was fetched counts as processed.
    pub fn take_fetched_for_processed(&mut self) {
        self.progress.values_mut().for_each(|progress| progress.process(progress.position()));
    }

    /// Everything before `next` in this partition is processed. Records are begun in their order, and one twice only if
    /// the shell asks for it between `begins` and this.
    pub fn processed(&mut self, partition: Partition, next: Offset) {
        if let Some(progress) = self.progress.get_mut(&partition) {
            progress.process(next);
        }
    }

    /// What to commit now: what is new since the last commit, in each partition that has none under way. If no answer
    /// will come, say so with [`committed`](Member::committed): not confirmed.
    pub fn commit_due(&mut self) -> BTreeMap<Partition, Offset> {
        let (rule, defects) = (self.rule, self.defects);
        let due = |(partition, progress): (&Partition, &mut Progress)| {
            Some((*partition, progress.commit_due(rule, defects)?))
        };
        self.progress.iter_mut().filter_map(due).collect()
    }

    /// The answer to a commit of these offsets in this generation came. What else there is to do about a refusal is said
    /// by [`on_heartbeat_answer`](Member::on_heartbeat_answer).
    pub fn committed(&mut self, asked: Generation, offsets: &BTreeMap<Partition, Offset>, confirmed: bool) {
        if self.membership().is_none_or(|(_, generation)| generation != asked) {
            return;
        }
        for (partition, offset) in offsets {
            if let Some(progress) = self.progress.get_mut(partition) {
                progress.committed(*offset, confirmed);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue::group::registration::Interest;
    use crate::queue::group::strategy::StrategyName;
    use std::time::Duration;

    const PLACE: Partition = Partition { topic: Topic::Named(0), number: 0 };

    /// A member that owns a partition, stands at offset 3, and has processed up to 7.
    fn at_work() -> Member {
        let registration = Registration {
            interest: Interest::of([PLACE.topic]),
            strategies: vec![StrategyName::Range],
            session: Duration::ZERO,
            rebalance: Duration::ZERO,
        };
        let mut member = Member::new(CommitRule::AfterProcessing, registration, Defects::NONE);
        let (generation, owned) = (Generation(1), BTreeSet::from([PLACE]));
        (member.id, member.standing) = (Some(MemberId(1)), Standing::Steady { generation, owned });
        member.seek(PLACE, Offset(3));
        assert!(member.fetched(PLACE, Offset(3), Offset(9)));
        member.processed(PLACE, Offset(7));
        member
    }

    #[test]
    fn who_goes_back_commits_again_from_there_on() {
        let mut member = at_work();
        let places = member.go_back(&BTreeMap::from([(PLACE, Offset(1))]));
        assert_eq!(places, Some(BTreeMap::from([(PLACE, [Offset(7), Offset(1)])])));
        assert!(!member.fetched(PLACE, Offset(9), Offset(10)), "that was asked for before");
        assert!(member.fetched(PLACE, Offset(1), Offset(4)));
        member.processed(PLACE, Offset(2));
        assert_eq!(member.commit_due(), BTreeMap::from([(PLACE, Offset(2))]));
    }

    #[test]
    fn nobody_goes_back_over_a_commit_that_is_under_way_or_goes_forth() {
        let mut member = at_work();
        assert_eq!(member.go_back(&BTreeMap::from([(PLACE, Offset(8))])), None);
        let due = member.commit_due();
        assert_eq!(member.go_back(&BTreeMap::from([(PLACE, Offset(0))])), None);
        member.committed(Generation(1), &due, true);
        assert!(member.go_back(&BTreeMap::from([(PLACE, Offset(0))])).is_some());
    }

    #[test]
    fn who_has_left_is_nobody_when_it_comes_back() {
        let mut member = at_work();
        assert_eq!(member.leave(), Some(MemberId(1)));
        assert_eq!((member.membership(), member.leave()), (None, None));
        assert!(matches!(member.join(), Ask::Join { member: None, .. }));
    }
}
