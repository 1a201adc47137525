//! What can happen in one step.

use super::setup::Setup;
use super::state::{Letter, State};
use rehearsal_model::coordination::consensus::{MemberId, Ticket};

/// One step: what happens, and what of all that is on its way then is lost.
///
/// As long as there is room on the way, nothing is: what is there need never arrive.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Action {
    /// What happens.
    pub what: Move,
    /// What is lost.
    pub lost: Vec<Letter>,
}

/// What happens.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Move {
    /// A member has heard of no leader for long, and stands for election.
    Stand(MemberId),
    /// A leader sends everybody what they are not known to have.
    Beat(MemberId),
    /// A leader is asked to put a command into the log.
    Propose(MemberId),
    /// A leader is asked for a read.
    Read(MemberId),
    /// A message arrives.
    Deliver(Letter),
    /// A member's disk has everything up to this ticket.
    Sync(MemberId, Ticket),
    /// A member dies; of what was on its way to its disk so many writes survive. It comes back.
    Crash(MemberId, u8),
}

impl State {
    /// Everything that can happen next.
    pub fn possible(&self, setup: &Setup, actions: &mut Vec<Action>) {
        let mut moves = Vec::new();
        for (id, node) in self.members() {
            self.beginnings(id, setup, &mut moves);
            if setup.reduced {
                moves.extend(self.sync_that_matters(id, setup).map(|ticket| Move::Sync(id, ticket)));
            } else {
                moves.extend(node.writes.front().map(|write| Move::Sync(id, write.ticket)));
            }
            if self.crashes < setup.bounds.crashes {
                moves.extend((0..=node.writes.len() as u8).map(|kept| Move::Crash(id, kept)));
            }
        }
        moves.extend(self.network.iter().cloned().map(Move::Deliver));
        for what in moves {
            let on_their_way = self.performed(&what, setup).network;
            let excess = on_their_way.len().saturating_sub(usize::from(setup.bounds.messages));
            each_choice(&on_their_way, excess, &mut Vec::new(), &mut |lost| {
                actions.push(Action { what: what.clone(), lost: lost.to_vec() });
            });
        }
    }

    /// What begins with a member.
    fn beginnings(&self, id: MemberId, setup: &Setup, moves: &mut Vec<Move>) {
        let (member, bounds) = (&self.node(id).member, &setup.bounds);
        if !member.leads() {
            moves.extend((member.term().0 < u32::from(bounds.terms)).then_some(Move::Stand(id)));
            return;
        }
        moves.push(Move::Beat(id));
        moves.extend((self.proposed < bounds.proposals).then_some(Move::Propose(id)));
        moves.extend((self.asked < bounds.reads).then_some(Move::Read(id)));
    }
}

/// Calls `visit` with every choice of so many of these.
fn each_choice(of: &[Letter], count: usize, chosen: &mut Vec<Letter>, visit: &mut dyn FnMut(&[Letter])) {
    if count == 0 {
        return visit(chosen);
    }
    for place in 0..=of.len() - count {
        chosen.push(of[place].clone());
        each_choice(&of[place + 1..], count - 1, chosen, visit);
        chosen.pop();
    }
}
