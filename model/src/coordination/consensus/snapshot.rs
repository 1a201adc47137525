//! Snapshots (5.1): what has been carried out takes the place of the commands that did it, and whoever lacks
//! commands that are gone gets the snapshot in their place.

use super::Member;
use super::role::Role;
use super::step::{Index, MemberId, Message, Output, Term};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What came of the first part of the log. The core does not look into it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Snapshot {
    /// The last entry whose effect is in it. Everything up to there is committed.
    pub through: Index,
    /// Of which term that entry is.
    pub term: Term,
    /// What all of them together came to, as bytes.
    pub state: Arc<[u8]>,
}

impl<C: Clone> Member<C> {
    /// The newest snapshot; an empty one at first.
    pub fn snapshot(&self) -> &Snapshot {
        &self.journal.stored().snapshot
    }

    /// Puts a snapshot in the place of the log up to there.
    ///
    /// # Panics
    /// When it goes beyond what is committed.
    pub(super) fn compact(&mut self, through: Index, state: Arc<[u8]>) {
        assert!(through <= self.committed, "what may be taken back is in no snapshot");
        if through <= self.snapshot().through {
            return;
        }
        let term = self.journal.stored().term_at(through).expect("it is in the log");
        self.journal.compact(Snapshot { through, term, state });
    }

    /// Sends a follower the snapshot, since what it lacks is in the log no more.
    pub(super) fn send_snapshot(&self, to: MemberId, round: u32, out: &mut Vec<Output<C>>) {
        let (term, snapshot) = (self.term(), self.snapshot().clone());
        out.push(Output::Send { to, message: Message::Install { term, snapshot, round } });
    }

    /// Takes the leader's snapshot, if it tells anything new. The answer waits until it is on the disk.
    pub(super) fn install(
        &mut self,
        leader: MemberId,
        snapshot: Snapshot,
        round: u32,
        out: &mut Vec<Output<C>>,
    ) {
        self.follow(Some(leader), out);
        let through = snapshot.through;
        if through > self.committed {
            self.journal.install(snapshot.clone());
            self.committed = through;
            out.push(Output::Installed { snapshot });
        }
        let message = Message::Appended { term: self.term(), result: Ok(through), round };
        self.send_when_durable(leader, message);
    }

    /// Whether a majority, this leader among them, was heard of since this was asked last (6.2). A leader
    /// that nobody answers lets its clients go to another; no promise rests on that.
    pub(super) fn is_heard(&mut self) -> bool {
        let Role::Leader(leader) = &mut self.role else { return false };
        let heard = std::mem::take(&mut leader.heard);
        (heard.len() + 1) * 2 > self.members.len()
    }
}
