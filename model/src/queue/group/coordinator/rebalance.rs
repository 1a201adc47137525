//! From one generation to the next: who is in it, who leads, by which strategy, and what became of those who waited.

use super::{Group, Phase, Stage, refuse};
use crate::queue::defects::Defect;
use crate::queue::group::attendant::Attendant;
use crate::queue::group::entry::Lead;
use crate::queue::group::error::GroupError;
use crate::queue::group::ids::MemberId;
use crate::queue::group::step::{Output, Removal, TimerKind};
use crate::queue::group::strategy::{Plan, StrategyName};
use std::collections::BTreeMap;

impl Group {
    /// Everybody has to join again. Those who wait for a plan are told so; those who wait with a join have done it.
    pub(super) fn prepare_rebalance(&mut self, out: &mut Vec<Output>) {
        for id in self.those(Attendant::syncs) {
            self.answer(id, Err(self.interrupts(id, GroupError::RebalanceInProgress)), out);
        }
        let longest = self.members.values().map(|attendant| attendant.registration.rebalance).max();
        let timer = self.set_timer(TimerKind::Rebalance, longest.unwrap_or_default(), out);
        self.phase = Phase::Preparing(timer);
        self.form_if_ready(out);
    }

    /// Forms the next generation if there is nobody left to wait for. An empty group's first wait is not cut short.
    pub(super) fn form_if_ready(&mut self, out: &mut Vec<Output>) {
        let Phase::Preparing(timer) = self.phase else { return };
        let rejoined = self.those(Attendant::has_rejoined).len();
        let ready = match timer.kind {
            _ if self.members.is_empty() => true,
            TimerKind::InitialDelay => false,
            _ => rejoined == self.members.len() || (rejoined > 0 && self.old_generations_live_on()),
        };
        if ready {
            self.form(out);
        }
    }

    /// Forms the next generation of those who have rejoined. The others are out.
    pub(super) fn form(&mut self, out: &mut Vec<Output>) {
        if let Phase::Preparing(timer) = self.phase {
            out.push(Output::CancelTimer(timer));
        }
        let rejoined = self.those(Attendant::has_rejoined);
        if rejoined.is_empty() || !self.old_generations_live_on() {
            for id in self.those(|attendant| !attendant.has_rejoined()) {
                self.strike(id, Removal::DidNotRejoin, out);
            }
        }
        self.generation = self.generation.next();
        for id in &rejoined {
            let attendant = self.members.get_mut(id).expect("it has rejoined");
            attendant.generation = self.generation;
            attendant.partitions.clear();
        }
        self.lead = self.choose_lead(&rejoined);
        self.tell_what_is_withheld(out);
        let write = self.persist_generation(false, out);
        self.phase = match rejoined.is_empty() {
            true => Phase::Empty,
            false if self.defects.has(Defect::GenerationToldBeforeWritten) => {
                Phase::Completing(Stage::Planning)
            }
            false => Phase::Completing(Stage::Starting(write)),
        };
        if self.phase == Phase::Completing(Stage::Planning) {
            rejoined.into_iter().for_each(|id| self.answer_join(id, out));
        }
    }

    /// The leader stays the leader if it is there, and else the first is.
    fn choose_lead(&self, rejoined: &[MemberId]) -> Option<Lead> {
        let leader = rejoined.iter().find(|id| self.leads(**id)).or(rejoined.first())?;
        Some(Lead { leader: *leader, strategy: self.vote(rejoined) })
    }

    /// Each votes for the first on its list that all know. The most votes win, and of equals the first by name.
    fn vote(&self, voters: &[MemberId]) -> StrategyName {
        let lists = || voters.iter().map(|id| &self.members[id].registration.strategies);
        let mut votes = BTreeMap::<StrategyName, u32>::new();
        for list in lists() {
            let choice = list.iter().find(|strategy| lists().all(|other| other.contains(strategy)));
            *votes.entry(*choice.expect("nobody was let in without a common strategy")).or_default() += 1;
        }
        let most = votes.values().copied().max();
        *votes.iter().find(|(_, count)| Some(**count) == most).expect("there is a voter").0
    }

    /// The leader's plan goes to the log, and comes into force when it is there.
    pub(super) fn take_plan(&mut self, mut plan: Plan, out: &mut Vec<Output>) {
        let generation = self.generation;
        for (id, attendant) in &mut self.members {
            if attendant.generation == generation {
                attendant.partitions = plan.remove(id).unwrap_or_default();
            }
        }
        let write = self.persist_generation(true, out);
        self.phase = Phase::Completing(Stage::Planned(write));
    }

    /// The member is none any more: the others share what it had.
    pub(super) fn remove(&mut self, id: MemberId, why: Removal, out: &mut Vec<Output>) {
        self.strike(id, why, out);
        match self.phase {
            Phase::Empty => {}
            Phase::Preparing(_) => self.form_if_ready(out),
            Phase::Completing(_) | Phase::Stable => self.prepare_rebalance(out),
        }
    }

    fn strike(&mut self, id: MemberId, why: Removal, out: &mut Vec<Output>) {
        let error = self.interrupts(id, GroupError::UnknownMember);
        let attendant = self.members.remove(&id).expect("only members are removed");
        out.extend(attendant.session.map(Output::CancelTimer));
        if let Some(waiting) = attendant.waits {
            refuse(waiting.request(), error, out);
        }
        out.push(Output::MemberRemoved { member: id, why });
    }

    /// What is said to one who waits in vain. A leader whose plan is on its way to the log may find it in force after a
    /// recovery; nobody else has left anything behind.
    fn interrupts(&self, id: MemberId, otherwise: GroupError) -> GroupError {
        match self.phase {
            Phase::Completing(Stage::Planned(_)) if self.leads(id) => GroupError::Unknown,
            _ => otherwise,
        }
    }
}
