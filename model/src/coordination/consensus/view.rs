//! What can be seen of a member by whoever searches its states.

use super::Member;
use super::role::{Leader, Role};
use super::step::{MemberId, Message, Ticket};
use std::collections::BTreeSet;

impl<C: Clone> Member<C> {
    /// The votes that it has, if it wants to lead.
    pub fn votes(&self) -> Option<&BTreeSet<MemberId>> {
        match &self.role {
            Role::Candidate { votes } => Some(votes),
            _ => None,
        }
    }

    /// What it knows as a leader, if it takes itself for one.
    pub fn leadership(&self) -> Option<&Leader> {
        match &self.role {
            Role::Leader(leader) => Some(leader),
            _ => None,
        }
    }

    /// What it will say as soon as this ticket is on the disk.
    pub fn held(&self) -> impl Iterator<Item = &(Ticket, MemberId, Message<C>)> {
        self.held.iter()
    }
}
