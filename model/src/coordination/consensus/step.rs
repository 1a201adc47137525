//! What goes into a member and what comes out: the whole of its contact with the world.

use super::snapshot::Snapshot;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// One of those who agree, numbered from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct MemberId(pub u8);

/// The time of at most one leader.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Term(pub u32);

/// A place in the log; the first entry has 1, and 0 is before it. Also a length of the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Index(pub u32);

/// Numbers what a member wants written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u32);

/// A read, as whoever asks for it numbers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReadId(pub u32);

/// An entry of the log.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct LogEntry<C> {
    /// Whose leader made it.
    pub term: Term,
    /// What is to be done; nothing in the first entry of every leader, which is there to be committed.
    pub command: Option<C>,
}

/// What must survive a crash.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Stored<C> {
    /// The newest term heard of.
    pub term: Term,
    /// Who got the vote of that term.
    pub vote: Option<MemberId>,
    /// What came of the entries that are in the log no more.
    pub snapshot: Snapshot,
    /// The log behind that.
    pub log: Vec<LogEntry<C>>,
}

/// What members say to each other; each with the sender's term.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Message<C> {
    /// Vote for me.
    RequestVote {
        /// The term to lead in.
        term: Term,
        /// How far my log goes,
        last: Index,
        /// and of which term its last entry is.
        last_term: Term,
    },
    /// The answer.
    Vote {
        /// The voter's term.
        term: Term,
        /// Whether it is given.
        granted: bool,
    },
    /// I lead, and this belongs into your log. A heartbeat when it is nothing.
    Append {
        /// The leader's term.
        term: Term,
        /// Behind this place,
        before: Index,
        /// where an entry of this term stands.
        before_term: Term,
        /// What belongs there.
        entries: Vec<LogEntry<C>>,
        /// Up to here everything is committed.
        committed: Index,
        /// How often the leader had asked by then whether it still leads.
        round: u32,
    },
    /// I lead, and what you lack is in my log no more: take what came of it.
    Install {
        /// The leader's term.
        term: Term,
        /// All of it.
        snapshot: Snapshot,
        /// How often the leader had asked by then whether it still leads.
        round: u32,
    },
    /// The answer to either.
    Appended {
        /// The follower's term.
        term: Term,
        /// Up to where its log is the leader's.
        result: Result<Index, Mismatch>,
        /// The one of the question.
        round: u32,
    },
}

/// The entries do not follow on the follower's log, or the leader is none any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Mismatch {
    /// Behind this place it might be tried again.
    pub hint: Index,
}

/// The name of a timer. Setting one that is set starts it anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Timer {
    /// Nothing was heard of a leader, or a leader looks whether it is heard. Its time must be drawn anew each
    /// time, or elections tie for ever.
    Election,
    /// A leader must be heard of. Much shorter.
    Heartbeat,
}

/// What may happen to a member.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Input<C> {
    /// A message came.
    Received {
        /// From whom.
        from: MemberId,
        /// Which.
        message: Message<C>,
    },
    /// A timer has run out. One that is not wanted any more does nothing.
    TimerFired(Timer),
    /// Everything up to this ticket is on the disk and synced.
    Persisted {
        /// The last of them.
        through: Ticket,
    },
    /// Somebody wants this done.
    Propose {
        /// What.
        command: C,
    },
    /// Somebody wants to read.
    Read {
        /// Under which number.
        read: ReadId,
    },
    /// What all commands up to there have come to: the log is to be cut off so far.
    Compact {
        /// The last of them, which is committed.
        through: Index,
        /// What they came to.
        state: Arc<[u8]>,
    },
}

/// What a member wants done.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Output<C> {
    /// Send this.
    Send {
        /// To whom.
        to: MemberId,
        /// What.
        message: Message<C>,
    },
    /// Write all of this and sync, then come back with [`Input::Persisted`]. At a crash the first so many
    /// tickets that were under way survive.
    Persist {
        /// Its number.
        ticket: Ticket,
        /// The term.
        term: Term,
        /// The vote of that term.
        vote: Option<MemberId>,
        /// A snapshot that takes the place of the log up to there, if there is a new one.
        snapshot: Option<Snapshot>,
        /// Of the log so much stays,
        keep: Index,
        /// and this comes behind it.
        entries: Vec<LogEntry<C>>,
    },
    /// Come back with [`Input::TimerFired`].
    SetTimer(Timer),
    /// The leader's snapshot takes the place of all that was said to be committed; what is committed after it
    /// is said next.
    Installed {
        /// The snapshot.
        snapshot: Snapshot,
    },
    /// The entry is committed; said in the order of the log, after a restart from the snapshot on.
    Committed {
        /// Where it stands.
        index: Index,
        /// What it is.
        entry: LogEntry<C>,
    },
    /// The proposal is in the leader's log. It is done when [`Output::Committed`] names this place and term,
    /// and never when that names this place and another term.
    Accepted {
        /// Where.
        index: Index,
        /// The leader's term.
        term: Term,
    },
    /// The proposal was not taken: this member does not lead.
    ProposalRefused {
        /// Who might.
        leader: Option<MemberId>,
    },
    /// The read may be answered from all that was committed so far, which is up to here at least.
    ReadConfirmed {
        /// Which.
        read: ReadId,
        /// The place.
        index: Index,
    },
    /// The read must be asked of another: this member does not lead, or no longer.
    ReadRefused {
        /// Which.
        read: ReadId,
        /// Who might.
        leader: Option<MemberId>,
    },
}

impl<C> Message<C> {
    /// The sender's term.
    pub fn term(&self) -> Term {
        match self {
            Message::RequestVote { term, .. }
            | Message::Vote { term, .. }
            | Message::Append { term, .. }
            | Message::Install { term, .. }
            | Message::Appended { term, .. } => *term,
        }
    }
}

impl Index {
    /// The one after it.
    #[must_use]
    pub fn next(self) -> Index {
        Index(self.0 + 1)
    }

    /// The one before it.
    #[must_use]
    pub fn previous(self) -> Index {
        Index(self.0.saturating_sub(1))
    }
}

impl<C> Default for Stored<C> {
    fn default() -> Self {
        Stored { term: Term(0), vote: None, snapshot: Snapshot::default(), log: Vec::new() }
    }
}

impl<C> Stored<C> {
    /// How long the log is, with what is in the snapshot.
    pub fn last(&self) -> Index {
        Index(self.snapshot.through.0 + self.log.len() as u32)
    }

    /// Of which term the entry at this place is. 0 before the first one; none within the snapshot and behind
    /// the last one.
    pub fn term_at(&self, index: Index) -> Option<Term> {
        let place = index.0.checked_sub(self.snapshot.through.0)?;
        match place {
            0 => Some(self.snapshot.term),
            _ => self.log.get(place as usize - 1).map(|entry| entry.term),
        }
    }

    /// The entries behind this place.
    ///
    /// # Panics
    /// When some of them are in the snapshot.
    pub fn behind(&self, index: Index) -> &[LogEntry<C>] {
        &self.log[(index.0 - self.snapshot.through.0) as usize..]
    }

    /// Cuts the log to this length, which the snapshot does not exceed.
    pub fn truncate(&mut self, length: Index) {
        self.log.truncate((length.0 - self.snapshot.through.0) as usize);
    }

    /// Does what an [`Output::Persist`] asks for.
    pub fn write(
        &mut self,
        (term, vote): (Term, Option<MemberId>),
        snapshot: Option<Snapshot>,
        keep: Index,
        entries: Vec<LogEntry<C>>,
    ) {
        (self.term, self.vote) = (term, vote);
        snapshot.into_iter().for_each(|snapshot| self.replace(snapshot));
        self.truncate(keep);
        self.log.extend(entries);
    }

    /// Puts a snapshot in the place of all that it holds. What stands behind that stays if it goes on from
    /// there, and goes otherwise.
    pub fn replace(&mut self, snapshot: Snapshot) {
        if self.term_at(snapshot.through) == Some(snapshot.term) {
            self.log.drain(..(snapshot.through.0 - self.snapshot.through.0) as usize);
        } else {
            self.log.clear();
        }
        self.snapshot = snapshot;
    }
}
