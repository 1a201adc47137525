//! What can still matter in a state: the reductions of the search, each with its reason.
//!
//! A message is left out when whoever gets it does nothing with it, now and whatever else happens: terms only rise, and
//! what a leader knows of a follower only grows. One who is only told of a larger term by it can be told by others, and
//! until then can do more. Where a rule is removed whose absence makes something matter after all, it is kept; a search of
//! small bounds without any reduction comes to the same verdicts.

use super::setup::Setup;
use super::state::{Letter, Node, State};
use rehearsal_model::coordination::consensus::{Input, MemberId, Message, Ticket};
use rehearsal_model::queue::defects::Defect;

impl State {
    /// Takes out what cannot matter any more.
    pub(super) fn reduce(&mut self, setup: &Setup) {
        if setup.reduced && !self.network.is_empty() {
            let network = std::mem::take(&mut self.network);
            self.network = network.into_iter().filter(|letter| self.may_be_heeded(letter, setup)).collect();
        }
    }

    /// The next sync of this member that can matter now: of a leader, the first that commits something. Who has synced
    /// less can lose more, or as little.
    pub(super) fn sync_that_matters(&self, id: MemberId, setup: &Setup) -> Option<Ticket> {
        let node = self.node(id);
        if !node.member.leads() {
            return node.writes.front().map(|write| write.ticket).filter(|_| setup.syncs_matter());
        }
        let commits = |through| {
            let mut member = node.member.clone();
            member.step(Input::Persisted { through }, &mut Vec::new());
            member.committed() > node.member.committed()
        };
        node.writes.iter().map(|write| write.ticket).find(|ticket| commits(*ticket))
    }

    /// Whether somebody may yet do something about this.
    pub(super) fn may_be_heeded(&self, letter: &Letter, setup: &Setup) -> bool {
        let (from, to) = (self.node(letter.from), self.node(letter.to));
        let term = letter.message.term();
        // Who leads must hear of a larger term to stand for election once more.
        let deposes = term > to.member.term() && to.member.leads();
        let is_stale = term < to.member.term();
        match &letter.message {
            Message::RequestVote { .. } => !is_stale || from.leads_in(term),
            Message::Vote { granted, .. } => {
                let counts = !is_stale || setup.lacks(&[Defect::CountsStaleVotes]);
                deposes || *granted && counts && (term > to.member.term() || to.member.votes().is_some())
            }
            Message::Append { .. } if is_stale => {
                from.leads_in(term) || setup.lacks(&[Defect::ObeysStaleLeader])
            }
            Message::Append { .. } => teaches(letter, from, to) || setup.lacks(&[Defect::LateAppendCuts]),
            Message::Install { .. } => true,
            Message::Appended { .. } if deposes => true,
            Message::Appended { .. } if is_stale => setup.lacks(&[Defect::CountsStaleAnswers]),
            Message::Appended { result, round, .. } => to.member.leadership().is_some_and(|leader| {
                let known = &leader.followers[&letter.from];
                let more = match result {
                    Ok(matched) => *matched > known.matched,
                    Err(mismatch) => mismatch.hint.max(known.matched).next() < known.next,
                };
                more || *round > known.round
            }),
        }
    }
}

/// Whether entries of a term that is not over can teach the follower, or their answer the leader, anything.
fn teaches(letter: &Letter, from: &Node, to: &Node) -> bool {
    let Message::Append { term, before, entries, committed, round, .. } = &letter.message else {
        return true;
    };
    let place = before.0 + entries.len() as u32;
    let log = to.member.log();
    let has_all = to.member.term() == *term
        && to.member.votes().is_none()
        && log.len() as u32 >= place
        && log[before.0 as usize..place as usize] == entries[..]
        && to.member.committed().0 >= committed.0.min(place);
    let leader_knows = !from.leads_in(*term)
        || from.member.leadership().is_some_and(|leader| {
            let known = &leader.followers[&letter.to];
            known.matched.0 >= place && known.round >= *round
        });
    !(has_all && leader_knows)
}
