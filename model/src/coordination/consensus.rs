//! How several members agree on one log: Raft, by Ongaro's dissertation ("Consensus: Bridging Theory and
//! Practice", 2014; section numbers are its). A core without a clock and without waiting.
//!
//! ```text
//!                 Received, TimerFired, Persisted, Propose, Read
//!                                     |
//!  silence    +----------+    majority of votes    +---------+
//!  ---------> |candidate | ----------------------> | leader  |  appends, counts who has it, commits
//!             +----------+                         +---------+
//!                  ^  |  a leader, or a larger term     |  a larger term
//!          silence |  v                                 v
//!             +------------------------------------------------+
//!             | follower: votes once a term, takes the leader's log |
//!             +------------------------------------------------+
//!                                     |
//!          Send, Persist, SetTimer, Committed, Installed, Accepted, ReadConfirmed, …Refused
//! ```
//!
//! A leader's messages may overtake its own disk (10.2.1): it counts itself only for what is there. Every
//! other message rests on the sender's term, vote or log, and waits for the disk.

mod journal;
mod role;
mod snapshot;
mod step;
mod view;

pub use role::{Leader, Progress, WaitingRead};
pub use snapshot::Snapshot;
pub use step::{
    Index, Input, LogEntry, MemberId, Message, Mismatch, Output, ReadId, Stored, Term, Ticket, Timer,
};

use crate::queue::defects::{Defect, Defects};
use journal::Journal;
use role::Role;
use std::collections::{BTreeSet, VecDeque};

/// One member; commands are `C`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Member<C> {
    id: MemberId,
    /// All members, this one too.
    members: BTreeSet<MemberId>,
    defects: Defects,
    journal: Journal<C>,
    role: Role,
    committed: Index,
    /// What waits until this ticket is on the disk.
    held: VecDeque<(Ticket, MemberId, Message<C>)>,
}

impl<C: Clone> Member<C> {
    /// A member with what it remembers. Its election timer is to be set.
    pub fn recover(
        id: MemberId,
        members: impl IntoIterator<Item = MemberId>,
        stored: Stored<C>,
        defects: Defects,
    ) -> Self {
        Member {
            id,
            members: members.into_iter().chain([id]).collect(),
            defects,
            role: Role::Follower { leader: None },
            committed: stored.snapshot.through,
            journal: Journal::of(stored),
            held: VecDeque::new(),
        }
    }

    /// Its term.
    pub fn term(&self) -> Term {
        self.journal.stored().term
    }

    /// Whether it takes itself for the leader of its term.
    pub fn leads(&self) -> bool {
        matches!(self.role, Role::Leader(_))
    }

    /// Who leads, as far as it knows.
    pub fn leader(&self) -> Option<MemberId> {
        match self.role {
            Role::Follower { leader } => leader,
            Role::Candidate { .. } => None,
            Role::Leader(_) => Some(self.id),
        }
    }

    /// How far its log goes, and of which term the last entry is.
    pub fn end(&self) -> (Term, Index) {
        let (last, term) = self.end_of_log();
        (term, last)
    }

    /// Its log behind the snapshot, with what is not on the disk yet.
    pub fn log(&self) -> &[LogEntry<C>] {
        &self.journal.stored().log
    }

    /// How much of its log it knows to be committed.
    pub fn committed(&self) -> Index {
        self.committed
    }

    /// Takes one input. What is to be done about it is added to `out`, in the order in which to do it.
    pub fn step(&mut self, input: Input<C>, out: &mut Vec<Output<C>>) {
        match input {
            Input::Received { from, message } => self.received(from, message, out),
            Input::TimerFired(Timer::Election) if !self.leads() => self.stand_for_election(out),
            Input::TimerFired(Timer::Election) if self.is_heard() => {
                out.push(Output::SetTimer(Timer::Election));
            }
            Input::TimerFired(Timer::Election) => self.follow(None, out),
            Input::TimerFired(Timer::Heartbeat) if self.leads() => self.beat(out),
            Input::TimerFired(_) => {}
            Input::Persisted { through } => self.journal.persisted(through),
            Input::Propose { command } => self.propose(command, out),
            Input::Read { read } => self.read(read, out),
            Input::Compact { through, state } => self.compact(through, state),
        }
        self.lead_if_elected(out);
        self.commit_what_a_majority_has(out);
        self.confirm_reads(out);
        out.extend(self.journal.flush());
        self.send_what_is_durable(out);
    }

    fn others(&self) -> impl Iterator<Item = MemberId> + use<C> {
        let (own, members) = (self.id, self.members.clone());
        members.into_iter().filter(move |member| *member != own)
    }

    /// Sends a message as soon as what it rests on is on the disk.
    fn send_when_durable(&mut self, to: MemberId, message: Message<C>) {
        self.held.push_back((self.journal.ticket(), to, message));
    }

    fn send_what_is_durable(&mut self, out: &mut Vec<Output<C>>) {
        while self.held.front().is_some_and(|(ticket, ..)| *ticket <= self.journal.persisted_through()) {
            let Some((_, to, message)) = self.held.pop_front() else { return };
            out.push(Output::Send { to, message });
        }
    }

    fn received(&mut self, from: MemberId, message: Message<C>, out: &mut Vec<Output<C>>) {
        if message.term() > self.term() {
            self.journal.begin_term(message.term());
            self.follow(None, out);
        }
        let is_stale = message.term() < self.term();
        match message {
            Message::RequestVote { last, last_term, .. } => {
                self.vote_requested(from, is_stale, (last_term, last), out);
            }
            Message::Vote { granted, .. } => {
                if let Role::Candidate { votes } = &mut self.role
                    && granted
                    && (!is_stale || self.defects.has(Defect::CountsStaleVotes))
                {
                    votes.insert(from);
                }
            }
            Message::Append { round, .. } | Message::Install { round, .. }
                if is_stale && !self.defects.has(Defect::ObeysStaleLeader) =>
            {
                let (term, result) = (self.term(), Err(Mismatch { hint: Index(0) }));
                self.send_when_durable(from, Message::Appended { term, result, round });
            }
            Message::Append { before, before_term, entries, committed, round, .. } => {
                self.follow(Some(from), out);
                let result = self.take(before, before_term, entries, committed, out);
                let message = Message::Appended { term: self.term(), result, round };
                if self.defects.has(Defect::AppendsAnsweredBeforeSync) {
                    return out.push(Output::Send { to: from, message });
                }
                self.send_when_durable(from, message);
            }
            Message::Appended { result, round, .. }
                if !is_stale || self.defects.has(Defect::CountsStaleAnswers) =>
            {
                self.appended(from, result, round, out);
            }
            Message::Install { snapshot, round, .. } => self.install(from, snapshot, round, out),
            Message::Appended { .. } => {}
        }
    }

    /// Stops leading or wanting to; whoever waits for a read must ask elsewhere.
    fn follow(&mut self, leader: Option<MemberId>, out: &mut Vec<Output<C>>) {
        let led = self.leads();
        if let Role::Leader(before) = std::mem::replace(&mut self.role, Role::Follower { leader }) {
            let reads = before.reads.into_iter();
            out.extend(reads.map(|waiting| Output::ReadRefused { read: waiting.read, leader }));
        }
        if led || leader.is_some() {
            out.push(Output::SetTimer(Timer::Election));
        }
    }

    // ---- elections (3.4) ----

    fn stand_for_election(&mut self, out: &mut Vec<Output<C>>) {
        let term = Term(self.term().0 + 1);
        self.journal.begin_term(term);
        self.journal.vote(self.id);
        self.role = Role::Candidate { votes: BTreeSet::from([self.id]) };
        out.push(Output::SetTimer(Timer::Election));
        let (last, last_term) = self.end_of_log();
        for other in self.others() {
            self.send_when_durable(other, Message::RequestVote { term, last, last_term });
        }
    }

    fn end_of_log(&self) -> (Index, Term) {
        let stored = self.journal.stored();
        (stored.last(), stored.term_at(stored.last()).expect("it is the last place"))
    }

    /// One vote a term, and none for a log that is less up to date (3.6.1): it may lack what is committed.
    fn vote_requested(
        &mut self,
        candidate: MemberId,
        is_stale: bool,
        end: (Term, Index),
        out: &mut Vec<Output<C>>,
    ) {
        let (last, last_term) = self.end_of_log();
        let is_free = self.journal.stored().vote.is_none_or(|given| given == candidate)
            || self.defects.has(Defect::VotesTwice);
        let is_up_to_date = end >= (last_term, last) || self.defects.has(Defect::VotesForShorterLog);
        let granted = !is_stale && is_free && is_up_to_date;
        if granted {
            self.journal.vote(candidate);
            out.push(Output::SetTimer(Timer::Election));
        }
        let message = Message::Vote { term: self.term(), granted };
        if self.defects.has(Defect::VoteNotSynced) {
            return out.push(Output::Send { to: candidate, message });
        }
        self.send_when_durable(candidate, message);
    }

    /// Its own vote counts when it is on the disk.
    fn lead_if_elected(&mut self, out: &mut Vec<Output<C>>) {
        let Role::Candidate { votes } = &self.role else { return };
        if votes.len() * 2 <= self.members.len() || !self.journal.is_settled() {
            return;
        }
        let first = self.journal.stored().last().next();
        self.role = Role::Leader(Leader::new(self.others(), first));
        self.journal.append(LogEntry { term: self.term(), command: None });
        out.push(Output::SetTimer(Timer::Election));
        self.beat(out);
    }

    // ---- the log (3.5) ----

    fn propose(&mut self, command: C, out: &mut Vec<Output<C>>) {
        let term = self.term();
        if let Role::Follower { leader } = self.role {
            return out.push(Output::ProposalRefused { leader });
        }
        if !self.leads() {
            return out.push(Output::ProposalRefused { leader: None });
        }
        self.journal.append(LogEntry { term, command: Some(command) });
        out.push(Output::Accepted { index: self.journal.stored().last(), term });
        for other in self.others() {
            self.send_entries(other, out);
        }
    }

    fn beat(&mut self, out: &mut Vec<Output<C>>) {
        out.push(Output::SetTimer(Timer::Heartbeat));
        for other in self.others() {
            self.send_entries(other, out);
        }
    }

    /// Sends a follower what it is not known to have, or a heartbeat.
    fn send_entries(&self, to: MemberId, out: &mut Vec<Output<C>>) {
        let Role::Leader(leader) = &self.role else { return };
        let (stored, before) = (self.journal.stored(), leader.followers[&to].next.previous());
        if before < stored.snapshot.through {
            return self.send_snapshot(to, leader.round, out);
        }
        let message = Message::Append {
            term: stored.term,
            before,
            before_term: stored.term_at(before).expect("a leader's log only grows"),
            entries: stored.behind(before).to_vec(),
            committed: self.committed,
            round: leader.round,
        };
        out.push(Output::Send { to, message });
    }

    /// Takes the leader's entries into the log. Up to where the log is the leader's then.
    fn take(
        &mut self,
        before: Index,
        before_term: Term,
        entries: Vec<LogEntry<C>>,
        committed: Index,
        out: &mut Vec<Output<C>>,
    ) -> Result<Index, Mismatch> {
        let stored = self.journal.stored();
        // What is in a snapshot is committed, and so it is every later leader's too.
        let cut = stored.snapshot.through;
        if before >= cut && stored.term_at(before) != Some(before_term) {
            return Err(Mismatch { hint: stored.last().min(before.previous()) });
        }
        let mut place = before;
        for entry in entries {
            place = place.next();
            // What it has already stays, or a late message would cut off what came after it.
            let cuts = self.defects.has(Defect::LateAppendCuts);
            if place > cut && (cuts || self.journal.stored().term_at(place) != Some(entry.term)) {
                let is_sound = self.defects == Defects::NONE;
                assert!(place > self.committed || !is_sound, "what is committed is never replaced");
                if self.journal.stored().last() >= place {
                    self.journal.truncate(place.previous());
                }
                self.journal.append(entry);
            }
        }
        self.commit_through(committed.min(place), out);
        Ok(place)
    }

    fn appended(
        &mut self,
        from: MemberId,
        result: Result<Index, Mismatch>,
        round: u32,
        out: &mut Vec<Output<C>>,
    ) {
        let Role::Leader(leader) = &mut self.role else { return };
        let Some(progress) = leader.followers.get_mut(&from) else { return };
        let last = self.journal.stored().last();
        leader.heard.insert(from);
        progress.round = progress.round.max(round);
        match result {
            Ok(matched) => {
                progress.matched = progress.matched.max(matched.min(last));
                progress.next = progress.next.max(progress.matched.next());
            }
            Err(Mismatch { hint }) => {
                progress.next = progress.next.min(hint.next()).max(progress.matched.next());
                self.send_entries(from, out);
            }
        }
    }

    fn commit_what_a_majority_has(&mut self, out: &mut Vec<Output<C>>) {
        let Role::Leader(leader) = &self.role else { return };
        let counts_all = self.defects.has(Defect::LeaderCountsBeforeSync);
        let own = if counts_all { self.journal.stored().last() } else { self.journal.durable() };
        let reached = leader.majority_has(own);
        let counts_any = self.defects.has(Defect::CommitsEarlierTerm);
        // Only entries of its own term are counted: an older one may still be replaced though a majority has
        // it (3.6.2).
        if counts_any || self.journal.stored().term_at(reached) == Some(self.term()) {
            self.commit_through(reached, out);
        }
    }

    fn commit_through(&mut self, index: Index, out: &mut Vec<Output<C>>) {
        while self.committed < index {
            self.committed = self.committed.next();
            let entry = self.journal.stored().behind(self.committed.previous())[0].clone();
            out.push(Output::Committed { index: self.committed, entry });
        }
    }

    // ---- reads (6.4) ----

    /// The leader asks all whether it still leads. What a new leader may have committed meanwhile is not lost
    /// on the reader then, and what was committed before is up to its own first entry, or what it has
    /// committed since.
    fn read(&mut self, read: ReadId, out: &mut Vec<Output<C>>) {
        let committed = self.committed;
        match &mut self.role {
            Role::Follower { leader } => out.push(Output::ReadRefused { read, leader: *leader }),
            Role::Candidate { .. } => out.push(Output::ReadRefused { read, leader: None }),
            Role::Leader(_) if self.defects.has(Defect::DeposedLeaderReads) => {
                out.push(Output::ReadConfirmed { read, index: committed });
            }
            Role::Leader(leader) => {
                leader.round += 1;
                let is_early = self.defects.has(Defect::ReadsBeforeFirstCommit);
                let index = if is_early { committed } else { committed.max(leader.first) };
                leader.reads.push(WaitingRead { read, index, round: leader.round });
                for other in self.others() {
                    self.send_entries(other, out);
                }
            }
        }
    }

    fn confirm_reads(&mut self, out: &mut Vec<Output<C>>) {
        let Role::Leader(leader) = &mut self.role else { return };
        let reads = std::mem::take(&mut leader.reads);
        let may_go =
            |waiting: &WaitingRead| waiting.index <= self.committed && leader.is_confirmed(waiting.round);
        let (ready, waiting) = reads.into_iter().partition(may_go);
        leader.reads = waiting;
        let confirmed = |ready: WaitingRead| Output::ReadConfirmed { read: ready.read, index: ready.index };
        out.extend(Vec::into_iter(ready).map(confirmed));
    }
}
