//! What a step does: the cores do it, and what they want done is done to the world around them.

use super::action::{Action, Move};
use super::setup::Setup;
use super::state::{Committed, Letter, State, Write};
use rehearsal_model::coordination::consensus::{
    Index, Input, LogEntry, Member, MemberId, Output, ReadId, Ticket, Timer,
};
use std::sync::Arc;

impl State {
    /// The state after a step.
    pub fn after(&self, action: &Action, setup: &Setup) -> State {
        let mut state = self.performed(&action.what, setup);
        state.network.retain(|letter| !action.lost.contains(letter));
        state.key = state.key(setup);
        state
    }

    /// The state after this has happened, before anything is lost.
    pub(super) fn performed(&self, what: &Move, setup: &Setup) -> State {
        let mut state = self.clone();
        match what {
            Move::Stand(id) => state.step(*id, Input::TimerFired(Timer::Election), setup),
            Move::Beat(id) => state.step(*id, Input::TimerFired(Timer::Heartbeat), setup),
            Move::Propose(id) => {
                state.proposed += 1;
                let command = state.proposed;
                state.step(*id, Input::Propose { command }, setup);
            }
            Move::Read(id) => {
                state.asked += 1;
                let (read, before) = (ReadId(u32::from(state.asked)), Index(state.committed.len() as u32));
                state.node_mut(*id).reads.push((read, before));
                state.step(*id, Input::Read { read }, setup);
            }
            Move::Deliver(letter) => {
                state.network.retain(|other| other != letter);
                let Letter { from, message, .. } = letter.clone();
                state.step(letter.to, Input::Received { from, message }, setup);
            }
            Move::Sync(id, through) => state.sync(*id, *through, setup),
            Move::Crash(id, kept) => state.crash(*id, *kept, setup),
        }
        state.reduce(setup);
        state
    }

    fn step(&mut self, id: MemberId, input: Input<u8>, setup: &Setup) {
        let mut out = Vec::new();
        self.node_mut(id).member.step(input, &mut out);
        for output in out {
            self.carry_out(id, output);
        }
        let member = &self.node(id).member;
        if member.leads() {
            let led = (member.term(), id);
            if let Err(place) = self.leaders.binary_search(&led) {
                Arc::make_mut(&mut self.leaders).insert(place, led);
            }
        } else if !setup.syncs_matter()
            && let Some(last) = self.node(id).writes.back()
        {
            self.sync(id, last.ticket, setup);
        }
    }

    fn carry_out(&mut self, id: MemberId, output: Output<u8>) {
        match output {
            Output::Send { to, message } => {
                let letter = Letter { from: id, to, message };
                if !self.network.contains(&letter) {
                    self.network.push(letter);
                }
            }
            Output::Persist { ticket, term, vote, keep, entries, .. } => {
                self.node_mut(id).writes.push_back(Write { ticket, term, vote, keep, entries });
            }
            Output::Committed { index, entry } => self.commit(id, index, entry),
            Output::ReadConfirmed { read, .. } => {
                let through = self.node(id).member.committed();
                let before = self.node(id).reads.iter().find(|(known, _)| *known == read);
                self.stale_read |= before.is_none_or(|(_, before)| through < *before);
                self.answered += 1;
                self.forget(id, read);
            }
            Output::ReadRefused { read, .. } => self.forget(id, read),
            // Nobody cuts its log off here.
            Output::Installed { .. } => {}
            Output::SetTimer(_) | Output::Accepted { .. } | Output::ProposalRefused { .. } => {}
        }
    }

    fn forget(&mut self, id: MemberId, read: ReadId) {
        self.node_mut(id).reads.retain(|(known, _)| *known != read);
    }

    fn commit(&mut self, id: MemberId, index: Index, entry: LogEntry<u8>) {
        let term = self.node(id).member.term();
        if index.0 as usize > self.committed.len() {
            Arc::make_mut(&mut self.committed).push(Committed { entry, term });
        }
    }

    fn sync(&mut self, id: MemberId, through: Ticket, setup: &Setup) {
        let node = self.node_mut(id);
        while node.writes.front().is_some_and(|write| write.ticket <= through) {
            let Some(write) = node.writes.pop_front() else { break };
            write.reach(&mut node.disk);
        }
        self.step(id, Input::Persisted { through }, setup);
    }

    fn crash(&mut self, id: MemberId, kept: u8, setup: &Setup) {
        self.crashes += 1;
        let node = self.node_mut(id);
        for write in node.writes.drain(..).take(usize::from(kept)) {
            write.reach(&mut node.disk);
        }
        node.reads.clear();
        node.member = Member::recover(id, setup.members(), node.disk.clone(), setup.defects);
    }
}
