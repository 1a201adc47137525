//! The service of one member as a state machine: one input, some outputs, no waiting inside.
//!
//! What is committed is carried out in the registry, by every member in the same order. Everything else is the
//! leader's: who waits for what, who watches, who was heard when. It is forgotten when the leader is none any more,
//! and everybody who waited must ask again, or does not know.

use super::super::command::{Command, SessionId};
use super::super::consensus::{
    Index, Input as Agreeing, LogEntry, Member, MemberId, Message, Output as Agreed, ReadId, Snapshot, Term,
};
use super::super::happening::{Happening, Refusal};
use super::super::leases::Leases;
use super::super::messages::{Request, Response, Task};
use super::super::registry::Registry;
use super::super::service::ConnectionId;
use super::super::snapshot::{SnapshotCorrupt, encode_snapshot, read_snapshot};
use super::super::watches::Watches;
use super::disk::{Kept, Write};
use super::step::{Input, Output, Rules};
use crate::queue::defects::Defect;
use rehearsal_env::Time;
use std::collections::{BTreeMap, BTreeSet};

/// What may be answered once it is sure that the leader led after it was asked.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Question {
    connection: ConnectionId,
    task: Task,
    /// And once this is carried out.
    behind: Index,
}

/// What a leader owes to whom.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Desk {
    leases: Leases,
    /// Sessions whose end is in the log.
    ending: BTreeSet<SessionId>,
    /// Who waits for which entry of the log.
    changes: BTreeMap<Index, ConnectionId>,
    unconfirmed: BTreeMap<ReadId, Question>,
    confirmed: Vec<Question>,
    watches: Watches,
}

/// The core of one member.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ReplicatedService {
    rules: Rules,
    id: MemberId,
    member: Member<Command>,
    /// With all that is known to be committed,
    registry: Registry,
    /// which is up to here.
    applied: Index,
    /// Up to here it was reported: by this member when it led, or by the leader that said that it is committed.
    reported: Index,
    /// The last vote that was told of.
    voted: (Term, Option<MemberId>),
    /// While it leads.
    desk: Option<Desk>,
    /// How many reads were asked for.
    reads: u32,
    came_up: Time,
}

impl ReplicatedService {
    /// A member with what it remembers.
    ///
    /// # Errors
    /// [`SnapshotCorrupt`]: nothing of it may be served.
    ///
    /// # Panics
    /// When the knobs remember nothing.
    pub fn recover(
        rules: Rules,
        id: MemberId,
        members: impl IntoIterator<Item = MemberId>,
        kept: &Kept,
        now: Time,
    ) -> Result<Self, SnapshotCorrupt> {
        assert!(rules.knobs.remembers > 0, "a service that remembers nothing cannot tell what it did last");
        let snapshot = &kept.stored.snapshot;
        let registry = read_snapshot(&snapshot.state)?;
        Ok(ReplicatedService {
            rules,
            id,
            registry: registry.unwrap_or_else(|| Registry::new(rules.knobs.remembers)),
            applied: snapshot.through,
            reported: kept.reported.max(snapshot.through),
            voted: (kept.stored.term, kept.stored.vote),
            desk: None,
            reads: 0,
            came_up: now,
            member: Member::recover(id, members, kept.stored.clone(), rules.defects),
        })
    }

    /// All keys and sessions, as far as this member knows.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Takes one input at `now`, by the node's clock. What is to be done about it is added to `out`, in the order in
    /// which to do it.
    pub fn step(&mut self, input: Input, now: Time, out: &mut Vec<Output>) {
        match input {
            Input::Asked { connection, request } => self.asked(connection, request, now, out),
            Input::ConnectionEnded { connection } => {
                self.desk.iter_mut().for_each(|desk| desk.watches.remove(connection));
            }
            Input::Heard { from, message } => {
                out.extend(self.refusal(&message).map(Output::Happened));
                self.agree(Agreeing::Received { from, message }, None, now, out);
            }
            Input::TimerFired(timer) => self.agree(Agreeing::TimerFired(timer), None, now, out),
            Input::Persisted { through } => self.agree(Agreeing::Persisted { through }, None, now, out),
            Input::Tick => self.tick(now, out),
        }
        self.cut_log(now, out);
    }

    fn asked(&mut self, connection: ConnectionId, request: Request, now: Time, out: &mut Vec<Output>) {
        let Some(desk) = &mut self.desk else {
            return out.push(Output::Answer { connection, response: self.not_leader() });
        };
        request.session().into_iter().for_each(|session| desk.leases.renew(session, now));
        let task = Task::from(request);
        let behind = match &task {
            Task::Command(Command::Read { .. }) | Task::Watch(..) => Index(0),
            // The end of the session may be in the log already.
            Task::KeepAlive(_) => self.member.end().1,
            Task::Command(command) => {
                let command = command.clone();
                return self.agree(Agreeing::Propose { command }, Some(connection), now, out);
            }
        };
        self.reads += 1;
        let read = ReadId(self.reads);
        desk.unconfirmed.insert(read, Question { connection, task, behind });
        self.agree(Agreeing::Read { read }, None, now, out);
    }

    fn not_leader(&self) -> Response {
        Response::NotLeader {
            leader: self.member.leader().filter(|leader| *leader != self.id).map(|it| it.0),
        }
    }

    /// Why a wish to be elected will be refused, if it will for these reasons.
    fn refusal(&self, message: &Message<Command>) -> Option<Happening> {
        let Message::RequestVote { term, last, last_term } = *message else { return None };
        let why = if term < self.member.term() {
            Refusal::OldTerm
        } else if (last_term, last) < self.member.end() {
            Refusal::ShorterLog
        } else {
            return None;
        };
        Some(Happening::VoteRefused { term: term.0, why })
    }

    /// Lets the members agree; `asker` waits for what is proposed.
    fn agree(
        &mut self,
        input: Agreeing<Command>,
        asker: Option<ConnectionId>,
        now: Time,
        out: &mut Vec<Output>,
    ) {
        let mut agreed = Vec::new();
        self.member.step(input, &mut agreed);
        match (self.member.leads(), self.desk.is_some()) {
            (true, false) => self.take_office(now, out),
            (false, true) => self.leave_office(out),
            _ => {}
        }
        for output in agreed {
            self.carry_out(output, asker, now, out);
        }
    }

    fn take_office(&mut self, now: Time, out: &mut Vec<Output>) {
        let is_forgetful = self.rules.defects.has(Defect::NewLeaderKeepsSilence);
        // Whom the leader before it has heard nobody knows.
        let since = if is_forgetful { self.came_up } else { now };
        self.desk = Some(Desk {
            leases: Leases::all_anew(self.registry.sessions(), since),
            ending: BTreeSet::new(),
            changes: BTreeMap::new(),
            unconfirmed: BTreeMap::new(),
            confirmed: Vec::new(),
            watches: Watches::default(),
        });
        out.push(Output::Happened(Happening::Led { term: self.member.term().0 }));
    }

    /// Changes that wait may be committed by the next leader, or never. Everything else is surely not done.
    fn leave_office(&mut self, out: &mut Vec<Output>) {
        let Some(mut desk) = self.desk.take() else { return };
        out.extend(desk.changes.into_values().map(|connection| Output::End { connection }));
        let questions = desk.unconfirmed.into_values().chain(desk.confirmed);
        let asked: Vec<ConnectionId> = questions.map(|question| question.connection).collect();
        if !asked.is_empty() {
            out.push(Output::Happened(Happening::ReadsRefused { reads: asked.len() as u64 }));
        }
        for connection in asked.into_iter().chain(desk.watches.give_up()) {
            out.push(Output::Answer { connection, response: self.not_leader() });
        }
    }

    fn carry_out(
        &mut self,
        output: Agreed<Command>,
        asker: Option<ConnectionId>,
        now: Time,
        out: &mut Vec<Output>,
    ) {
        match output {
            Agreed::Send { to, message } => out.push(Output::Send { to, message }),
            Agreed::SetTimer(timer) => out.push(Output::SetTimer(timer)),
            Agreed::Persist { ticket, term, vote, snapshot, keep, entries } => {
                self.tell_vote((term, vote), out);
                let write = Write { term, vote, snapshot, keep, entries, reported: self.reported };
                out.push(Output::Persist { ticket, write });
            }
            Agreed::Accepted { index, .. } => {
                if let (Some(desk), Some(asker)) = (&mut self.desk, asker) {
                    desk.changes.insert(index, asker);
                }
            }
            Agreed::Committed { index, entry } => self.apply(index, entry, now, out),
            Agreed::Installed { snapshot } => self.install(snapshot, out),
            Agreed::ReadConfirmed { read, .. } => {
                if let Some(desk) = &mut self.desk
                    && let Some(question) = desk.unconfirmed.remove(&read)
                {
                    desk.confirmed.push(question);
                    self.answer_confirmed(now, out);
                }
            }
            // Whoever does not lead any more has refused everybody when it left.
            Agreed::ReadRefused { .. } | Agreed::ProposalRefused { .. } => {}
        }
    }

    fn tell_vote(&mut self, given: (Term, Option<MemberId>), out: &mut Vec<Output>) {
        if let (term, Some(candidate)) = given
            && self.voted != given
            && candidate != self.id
        {
            out.push(Output::Happened(Happening::VoteGiven { term: term.0, candidate: candidate.0 }));
        }
        self.voted = given;
    }

    /// Carries out what is committed. The leader reports it before anybody else can know of it.
    fn apply(&mut self, index: Index, entry: LogEntry<Command>, now: Time, out: &mut Vec<Output>) {
        self.applied = index;
        let is_news = index > self.reported;
        self.reported = self.reported.max(index);
        let Some(command) = entry.command else { return self.answer_confirmed(now, out) };
        let (position, before) = (self.registry.position(), self.registry.revision());
        let reply = self.registry.apply(&command);
        let has_changed = self.registry.position() > position;
        let Some(desk) = &mut self.desk else { return };
        if has_changed {
            match command {
                Command::OpenSession { session, timeout } => desk.leases.begin(session, timeout, now),
                Command::CloseSession { session } | Command::ExpireSession { session } => {
                    desk.leases.end(session);
                }
                Command::Transact { .. } | Command::Read { .. } => {}
            }
            if is_news {
                let happened = Happening::of_command(&command, &self.registry, before);
                out.extend(happened.into_iter().map(Output::Happened));
            }
        }
        if let Some(connection) = desk.changes.remove(&index) {
            out.push(Output::Answer { connection, response: Response::Reply(reply) });
        }
        self.tell_watches(out);
        self.answer_confirmed(now, out);
    }

    /// What was committed in the leader's own term confirms that it leads.
    fn tell_watches(&mut self, out: &mut Vec<Output>) {
        let Some(desk) = &mut self.desk else { return };
        let answer = |connection, response| out.push(Output::Answer { connection, response });
        desk.watches.tell(&self.registry, self.registry.revision(), answer);
    }

    fn answer_confirmed(&mut self, now: Time, out: &mut Vec<Output>) {
        let Some(desk) = &mut self.desk else { return };
        let ready = desk.confirmed.extract_if(.., |question| question.behind <= self.applied);
        let ready: Vec<Question> = ready.collect();
        for Question { connection, task, .. } in ready {
            let response = match task {
                Task::Command(read) => Response::Reply(self.registry.apply(&read)),
                Task::KeepAlive(session) if self.registry.sessions().contains_key(&session) => {
                    Response::Renewed { revision: self.registry.revision() }
                }
                Task::KeepAlive(_) => Response::Reply(super::super::Reply::SessionGone),
                Task::Watch(prefix, since) => {
                    let until = now + self.rules.knobs.longest_watch;
                    desk.watches.add(connection, prefix, since, until);
                    continue;
                }
            };
            out.push(Output::Answer { connection, response });
        }
        self.tell_watches(out);
    }

    fn install(&mut self, snapshot: Snapshot, out: &mut Vec<Output>) {
        let registry = read_snapshot(&snapshot.state).expect("what the leader sends is whole");
        self.registry = registry.expect("a snapshot is of something");
        (self.applied, self.reported) = (snapshot.through, self.reported.max(snapshot.through));
        out.push(Output::Happened(Happening::SnapshotInstalled { revision: self.registry.revision() }));
    }

    fn tick(&mut self, now: Time, out: &mut Vec<Output>) {
        let Some(desk) = &mut self.desk else { return };
        let answer = |connection, response| out.push(Output::Answer { connection, response });
        desk.watches.tell_nothing(now, answer);
        let mut silent = desk.leases.silent(now);
        silent.retain(|(session, _)| desk.ending.insert(*session));
        for (session, silent) in silent {
            out.push(Output::Happened(Happening::SessionSilent { session, silent }));
            self.agree(Agreeing::Propose { command: Command::ExpireSession { session } }, None, now, out);
        }
    }

    /// Each member does so on its own (5.1).
    fn cut_log(&mut self, now: Time, out: &mut Vec<Output>) {
        if self.applied.0 - self.member.snapshot().through.0 < self.rules.longest_log {
            return;
        }
        let state = encode_snapshot(&self.registry).into();
        out.push(Output::Happened(Happening::SnapshotTaken { revision: self.registry.revision() }));
        self.agree(Agreeing::Compact { through: self.applied, state }, None, now, out);
    }
}
