//! The coordinator of one group as a state machine: one input, some outputs, no waiting inside.
//!
//! A member that joins again:
//!
//! | the group is | it asks the same as before | it asks something else |
//! |---|---|---|
//! | preparing a rebalance | it has rejoined | it has rejoined |
//! | completing one | a repeat of a lost answer: it is told its generation again | a new rebalance |
//! | stable, and it does not lead | a repeat of a lost answer, as before | a new rebalance |
//! | stable, and it leads | a new rebalance: this is how a leader says that the partitions have changed | a new rebalance |

mod commits;
mod numbers;
mod rebalance;
mod recovery;
mod sharing;

use super::attendant::{Attendant, Waiting};
use super::entry::{GroupEntry, Lead};
use super::error::GroupError;
use super::ids::{Generation, MemberId, RequestId, WriteId};
use super::offsets::Offsets;
use super::registration::Registration;
use super::step::{Answer, Input, JoinAnswer, Knobs, Output, Removal, Timer, TimerKind};
use super::strategy::Plan;
use crate::queue::defects::{Defect, Defects};
use crate::queue::offset::Offset;
use crate::queue::partition::{Partition, Topic};
use crate::queue::topics::Shares;
use std::collections::BTreeMap;
use std::time::Duration;

/// The coordinator's knowledge of one group.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Group {
    knobs: Knobs,
    defects: Defects,
    phase: Phase,
    /// The newest number given to a generation.
    generation: Generation,
    lead: Option<Lead>,
    members: BTreeMap<MemberId, Attendant>,
    offsets: Offsets,
    /// Of the topics whose partitions have changed.
    topics: BTreeMap<Topic, Shares>,
    last_write: WriteId,
    last_timer: u64,
}

/// What a group is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// It has no members.
    Empty,
    /// It collects joins.
    PreparingRebalance,
    /// A generation is formed, and the leader's plan is awaited.
    CompletingRebalance,
    /// Everybody may know what it owns.
    Stable,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Phase {
    Empty,
    /// Until all have rejoined, or this timer has run out.
    Preparing(Timer),
    Completing(Stage),
    Stable,
}

/// How far a generation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Stage {
    /// Its number is on its way to the log, and its members wait with their joins.
    Starting(WriteId),
    /// Its members know of it, and the leader plans.
    Planning,
    /// The leader's plan is on its way to the log.
    Planned(WriteId),
}

impl Group {
    /// A group that nobody ever was in.
    pub fn new(knobs: Knobs, defects: Defects) -> Group {
        Group {
            knobs,
            defects,
            phase: Phase::Empty,
            generation: Generation::default(),
            lead: None,
            members: BTreeMap::new(),
            offsets: Offsets::default(),
            topics: BTreeMap::new(),
            last_write: WriteId::default(),
            last_timer: 0,
        }
    }

    /// What it is doing.
    pub fn state(&self) -> State {
        match self.phase {
            Phase::Empty => State::Empty,
            Phase::Preparing(_) => State::PreparingRebalance,
            Phase::Completing(_) => State::CompletingRebalance,
            Phase::Stable => State::Stable,
        }
    }

    /// The newest number given to a generation; 0 before the first.
    pub fn generation(&self) -> Generation {
        self.generation
    }

    /// Its members, those that only want to be in the next generation included.
    pub fn members(&self) -> impl Iterator<Item = MemberId> {
        self.members.keys().copied()
    }

    /// Where to go on in this partition, if that is on the log.
    pub fn committed(&self, partition: Partition) -> Option<Offset> {
        self.offsets.committed(partition)
    }

    /// Takes one input. What is to be done about it is added to `out`, in the order in which to do it.
    ///
    /// # Panics
    /// When a join brings a fresh id that is in use.
    pub fn step(&mut self, input: Input, out: &mut Vec<Output>) {
        match input {
            Input::Join { request, member: None, fresh, registration } => {
                assert!(!self.members.contains_key(&fresh), "{fresh} is in use");
                self.join(request, fresh, registration, out);
            }
            Input::Join { request, member: Some(member), registration, .. } => {
                match self.members.contains_key(&member) {
                    true => self.join(request, member, registration, out),
                    false => refuse(request, GroupError::UnknownMember, out),
                }
            }
            Input::Sync { request, member, generation, plan } => {
                self.sync(request, member, generation, plan, out);
            }
            Input::Heartbeat { request, member, generation } => {
                self.heartbeat(request, member, generation, out);
            }
            Input::Leave { request, member } => self.leave(request, member, out),
            Input::Commit { request, member, offsets } => self.commit(request, member, offsets, out),
            Input::CommitWithin { request, member, producer, offsets } => {
                self.commit_within(request, member, producer, offsets, out);
            }
            Input::TransactionEnded { producer, verdict } => self.offsets.ended(producer, verdict),
            Input::Fetch { request, partitions } => self.fetch(request, partitions, out),
            Input::Topics(topics) => self.topics_changed(topics, out),
            Input::TimerFired(timer) => self.timer_fired(timer, out),
            Input::Persisted { write } => self.persisted(write, out),
            Input::NotPersisted { write } => self.not_persisted(write, out),
        }
    }

    // ---- requests of members ----

    fn join(&mut self, request: RequestId, id: MemberId, registration: Registration, out: &mut Vec<Output>) {
        if !self.knows_a_common_strategy(id, &registration) {
            return refuse(request, GroupError::InconsistentStrategies, out);
        }
        let repeats = self.is_repeat(id, &registration);
        let attendant = self.members.entry(id).or_insert_with(|| Attendant::new(registration.clone()));
        attendant.registration = registration;
        self.wait(id, Waiting::Join(request), out);
        match self.phase {
            Phase::Completing(Stage::Starting(_)) if repeats => {}
            _ if repeats => self.answer_join(id, out),
            Phase::Empty => {
                let timer = self.set_timer(TimerKind::InitialDelay, self.knobs.initial_delay, out);
                self.phase = Phase::Preparing(timer);
            }
            Phase::Preparing(_) => self.form_if_ready(out),
            Phase::Completing(_) | Phase::Stable => self.prepare_rebalance(out),
        }
    }

    /// Whether this join repeats one whose answer was lost: see the table above.
    fn is_repeat(&self, id: MemberId, registration: &Registration) -> bool {
        let Some(attendant) = self.members.get(&id) else { return false };
        attendant.generation == self.generation
            && registration.asks_the_same_as(&attendant.registration)
            && match self.phase {
                Phase::Empty | Phase::Preparing(_) => false,
                Phase::Completing(_) => true,
                Phase::Stable => !self.leads(id),
            }
    }

    fn knows_a_common_strategy(&self, id: MemberId, registration: &Registration) -> bool {
        let others = || self.members.iter().filter(|(other, _)| **other != id).map(|(_, other)| other);
        let all_know = |strategy| others().all(|other| other.registration.strategies.contains(strategy));
        registration.strategies.iter().any(all_know)
    }

    fn sync(
        &mut self,
        request: RequestId,
        id: MemberId,
        generation: Generation,
        plan: Plan,
        out: &mut Vec<Output>,
    ) {
        if let Err(error) = self.check_membership(id, generation) {
            return refuse(request, error, out);
        }
        match self.phase {
            Phase::Empty | Phase::Preparing(_) | Phase::Completing(Stage::Starting(_)) => {
                refuse(request, GroupError::RebalanceInProgress, out);
            }
            Phase::Completing(Stage::Planning) => {
                self.wait(id, Waiting::Sync(request), out);
                if self.leads(id) {
                    self.take_plan(plan, out);
                }
            }
            Phase::Completing(Stage::Planned(_)) => self.wait(id, Waiting::Sync(request), out),
            Phase::Stable => {
                self.wait(id, Waiting::Sync(request), out);
                self.answer_sync(id, out);
            }
        }
    }

    fn heartbeat(&mut self, request: RequestId, id: MemberId, generation: Generation, out: &mut Vec<Output>) {
        let result = match self.check_membership(id, generation) {
            Err(GroupError::IllegalGeneration)
                if generation < self.generation && self.old_generations_live_on() =>
            {
                Ok(Answer::Alive)
            }
            Err(error) => Err(error),
            Ok(()) if matches!(self.phase, Phase::Preparing(_)) => Err(GroupError::RebalanceInProgress),
            Ok(()) => Ok(Answer::Alive),
        };
        if matches!(result, Ok(_) | Err(GroupError::RebalanceInProgress)) {
            self.hear_of(id, out);
        }
        out.push(Output::Answer { request, result });
    }

    fn leave(&mut self, request: RequestId, id: MemberId, out: &mut Vec<Output>) {
        if !self.members.contains_key(&id) {
            return refuse(request, GroupError::UnknownMember, out);
        }
        self.remove(id, Removal::Left, out);
        out.push(Output::Answer { request, result: Ok(Answer::Left) });
    }

    /// Whether this is a member, and this its generation. Else it is a zombie: others own its partitions now.
    fn check_membership(&self, id: MemberId, generation: Generation) -> Result<(), GroupError> {
        match self.members.contains_key(&id) {
            false => Err(GroupError::UnknownMember),
            true if generation != self.generation => Err(GroupError::IllegalGeneration),
            true => Ok(()),
        }
    }

    fn leads(&self, id: MemberId) -> bool {
        self.lead.is_some_and(|lead| lead.leader == id)
    }

    /// A defect: nothing tells a member of an earlier generation that its partitions were taken away.
    fn old_generations_live_on(&self) -> bool {
        self.defects.has(Defect::TwoOwners)
    }

    // ---- timers ----

    fn timer_fired(&mut self, timer: Timer, out: &mut Vec<Output>) {
        match timer.kind {
            TimerKind::Session(id) => self.session_fired(id, timer, out),
            TimerKind::Rebalance | TimerKind::InitialDelay => {
                if self.phase == Phase::Preparing(timer) {
                    self.form(out);
                }
            }
        }
    }

    fn session_fired(&mut self, id: MemberId, timer: Timer, out: &mut Vec<Output>) {
        let runs = self.members.get(&id).is_some_and(|attendant| attendant.session == Some(timer));
        if runs && !self.defects.has(Defect::ExpiredSessionOwns) {
            self.remove(id, Removal::SessionExpired, out);
        }
    }

    fn set_timer(&mut self, kind: TimerKind, after: Duration, out: &mut Vec<Output>) -> Timer {
        self.last_timer += 1;
        let timer = Timer { number: self.last_timer, kind };
        out.push(Output::SetTimer { timer, after });
        timer
    }

    /// The member has said something: its silence begins anew, unless it waits for an answer.
    fn hear_of(&mut self, id: MemberId, out: &mut Vec<Output>) {
        let Some(attendant) = self.members.get_mut(&id) else { return };
        if attendant.waits.is_some() {
            return;
        }
        out.extend(attendant.session.take().map(Output::CancelTimer));
        let after = attendant.registration.session;
        let timer = self.set_timer(TimerKind::Session(id), after, out);
        self.members.get_mut(&id).expect("it was there").session = Some(timer);
    }

    // ---- answers ----

    /// The member waits with this request. An older one that waits is answered: nobody listens any more.
    fn wait(&mut self, id: MemberId, waiting: Waiting, out: &mut Vec<Output>) {
        let attendant = self.members.get_mut(&id).expect("only members wait");
        out.extend(attendant.session.take().map(Output::CancelTimer));
        if let Some(older) = attendant.waits.replace(waiting) {
            refuse(older.request(), GroupError::Superseded, out);
        }
    }

    /// Answers the request that the member waits with.
    fn answer(&mut self, id: MemberId, result: Result<Answer, GroupError>, out: &mut Vec<Output>) {
        let attendant = self.members.get_mut(&id).expect("only members wait");
        let request = attendant.waits.take().expect("it waits").request();
        out.push(Output::Answer { request, result });
        self.hear_of(id, out);
    }

    fn answer_join(&mut self, id: MemberId, out: &mut Vec<Output>) {
        let Lead { leader, strategy } = self.lead.expect("a generation with members has a leader");
        let generation = self.generation;
        let (members, topics) = match leader == id {
            true => {
                let interest = |member: &Attendant| member.registration.interest.clone();
                (self.present().map(|(id, member)| (id, interest(member))).collect(), self.open())
            }
            false => (BTreeMap::new(), BTreeMap::new()),
        };
        let answer = JoinAnswer { generation, member: id, leader, strategy, members, topics };
        self.answer(id, Ok(Answer::Joined(answer)), out);
    }

    fn answer_sync(&mut self, id: MemberId, out: &mut Vec<Output>) {
        let partitions = self.members[&id].partitions.clone();
        let answer = Answer::Synced { generation: self.generation, partitions };
        self.answer(id, Ok(answer), out);
    }

    /// The members of the present generation.
    fn present(&self) -> impl Iterator<Item = (MemberId, &Attendant)> {
        let present = self.members.iter().filter(|(_, attendant)| attendant.generation == self.generation);
        present.map(|(id, attendant)| (*id, attendant))
    }

    // ---- writes ----

    fn persist(&mut self, entry: GroupEntry, out: &mut Vec<Output>) -> WriteId {
        self.last_write = WriteId(self.last_write.0 + 1);
        out.push(Output::Persist { write: self.last_write, entry });
        self.last_write
    }

    fn persist_generation(&mut self, planned: bool, out: &mut Vec<Output>) -> WriteId {
        let members = self.present().map(|(id, attendant)| (id, attendant.entry())).collect();
        let (generation, lead) = (self.generation, self.lead);
        self.persist(GroupEntry::Generation { generation, lead, members, planned }, out)
    }

    fn persisted(&mut self, write: WriteId, out: &mut Vec<Output>) {
        match self.phase {
            Phase::Completing(Stage::Starting(start)) if start == write => {
                self.phase = Phase::Completing(Stage::Planning);
                for id in self.those(Attendant::has_rejoined) {
                    self.answer_join(id, out);
                }
            }
            Phase::Completing(Stage::Planned(plan)) if plan == write => {
                self.phase = Phase::Stable;
                for id in self.those(Attendant::syncs) {
                    self.answer_sync(id, out);
                }
                self.share_anew_if_due(out);
            }
            _ => self.commit_persisted(write, out),
        }
    }

    fn not_persisted(&mut self, write: WriteId, out: &mut Vec<Output>) {
        match self.phase {
            Phase::Completing(Stage::Starting(start)) if start == write => {
                for id in self.those(Attendant::has_rejoined) {
                    self.answer(id, Err(GroupError::Unknown), out);
                }
                self.prepare_rebalance(out);
            }
            Phase::Completing(Stage::Planned(plan)) if plan == write => self.prepare_rebalance(out),
            _ => self.commit_not_persisted(write, out),
        }
    }

    fn those(&self, wanted: impl Fn(&Attendant) -> bool) -> Vec<MemberId> {
        let those = self.members.iter().filter(|(_, attendant)| wanted(attendant));
        those.map(|(id, _)| *id).collect()
    }
}

fn refuse(request: RequestId, error: GroupError, out: &mut Vec<Output>) {
    out.push(Output::Answer { request, result: Err(error) });
}
