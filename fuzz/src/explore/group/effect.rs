//! What a step does: the cores do it, and the shells around them do what the queue's do.

use super::action::{Action, Reads, Way};
use super::setup::Setup;
use super::state::{At, Chronicle, Commit, Consumer, Coordinator, Question, State};
use rehearsal_model::queue::group::{
    Answer, Ask, CommitRule, Group, GroupError, Input, Interest, Knobs, MemberId, Output, RequestId,
    TimerKind, WriteId,
};
use rehearsal_model::queue::offset::Offset;
use rehearsal_model::queue::partition::Partition;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Commits, and questions where to go on, are numbered from here; joins and syncs are by who asks.
const NUMBERED: u64 = 1_000;

impl State {
    /// The state after a step.
    pub fn after(&self, action: &Action, setup: &Setup) -> State {
        let mut state = self.performed(action, setup);
        state.key = state.key(setup);
        state
    }

    pub(super) fn performed(&self, action: &Action, setup: &Setup) -> State {
        let mut state = self.clone();
        match *action {
            Action::Ask(number) => state.ask(number, setup),
            Action::AskDeposed(number) => state.ask_deposed(number, setup),
            Action::GiveUp(number) => {
                state.counts.timeouts += 1;
                match state.consumers[number].at.clone() {
                    At::Begins(question) => state.asks_again(number, question),
                    _ => state.rejoin(number, setup),
                }
            }
            Action::Beat(number) => state.beat(number, setup),
            Action::Process(number, partition) => state.process(number, partition, setup),
            Action::Commit(number, way) => state.commit(number, way, setup),
            Action::Arrive(number, place) => state.arrive(number, place, setup),
            Action::GiveUpCommit(number, place) => {
                state.counts.timeouts += 1;
                state.answered_commit(number, place, false);
            }
            Action::Die(number) => {
                state.counts.deaths += 1;
                state.consumers[number] = Arc::new(Consumer::newcomer(setup));
            }
            Action::Settle => state.settle(setup),
            Action::Silence(member) => state.silence(member, setup),
            Action::TimeToJoinIsOver => state.time_is_over(setup),
            Action::TakeOver(kept, reads) => state.take_over(kept, reads, setup),
        }
        state
    }

    fn consumer(&mut self, number: usize) -> &mut Consumer {
        Arc::make_mut(&mut self.consumers[number])
    }

    fn chronicle(&mut self) -> &mut Chronicle {
        Arc::make_mut(&mut self.chronicle)
    }

    // ---- a consumer and its group ----

    fn ask(&mut self, number: usize, setup: &Setup) {
        let At::Next(ask) = self.consumers[number].at.clone() else { return };
        match ask {
            Ask::Join { member, registration } => {
                let fresh = self.fresh();
                let request = RequestId(member.unwrap_or(fresh).0);
                self.consumer(number).at = At::Waits(request);
                self.step(Input::Join { request, member, fresh, registration }, setup);
            }
            Ask::Sync { member, generation, plan } => {
                let request = RequestId(member.0);
                self.consumer(number).at = At::Waits(request);
                self.step(Input::Sync { request, member, generation, plan }, setup);
            }
            Ask::Offsets(partitions) => self.ask_where_to_go_on(number, partitions, setup),
            Ask::LetGo | Ask::Nothing => self.rejoin(number, setup),
        }
    }

    fn rejoin(&mut self, number: usize, setup: &Setup) {
        let ask = self.consumer(number).member.join();
        self.goes_on(number, ask, setup);
    }

    /// What a consumer is to do next.
    fn goes_on(&mut self, number: usize, ask: Ask, setup: &Setup) {
        let consumer = self.consumer(number);
        let ask = match ask {
            Ask::Join { member, mut registration } => {
                consumer.known = member;
                // What it had is a wish, which its strategy does not look at.
                if setup.reduced {
                    let topics = registration.interest.topics;
                    registration.interest = Interest { topics, ..Interest::default() };
                }
                Ask::Join { member, registration }
            }
            Ask::Sync { member, .. } => {
                consumer.known = Some(member);
                ask
            }
            // Nothing is to be done but to go on with what it is at.
            Ask::Nothing if matches!(consumer.at, At::Begins(_) | At::Next(Ask::Offsets(_))) => return,
            other => other,
        };
        consumer.at = At::Next(ask);
    }

    /// The heartbeat and its answer.
    fn beat(&mut self, number: usize, setup: &Setup) {
        let Some((member, generation)) = self.consumers[number].member.membership() else { return };
        let (request, mut out) = (RequestId(0), Vec::new());
        Arc::make_mut(&mut self.coordinator)
            .group
            .step(Input::Heartbeat { request, member, generation }, &mut out);
        let answer = out.iter().find_map(|output| match output {
            Output::Answer { result, .. } => Some(result.clone().map(|_| ())),
            _ => None,
        });
        self.carry_out(out, setup);
        let answer = answer.expect("a heartbeat is answered at once");
        if answer.is_ok() && self.is_over(generation) {
            self.chronicle().zombie_told_alive = true;
        }
        let ask = self.consumer(number).member.on_heartbeat_answer(generation, answer);
        self.goes_on(number, ask, setup);
    }

    fn ask_where_to_go_on(&mut self, number: usize, partitions: BTreeSet<Partition>, setup: &Setup) {
        self.asked += 1;
        let request = RequestId(NUMBERED + self.asked);
        let before = self.coordinator.unsettled.len();
        let taken = (request, WriteId::default());
        self.consumer(number).at = At::Begins(Question { partitions: partitions.clone(), taken });
        self.step(Input::Fetch { request, partitions }, setup);
        let Some((write, _)) = self.coordinator.unsettled.get(before) else { return };
        let write = *write;
        if let At::Begins(question) = &mut self.consumer(number).at {
            question.taken = (request, write);
        }
    }

    /// It asks a coordinator that was replaced and does not know it. What that one writes is never in sync.
    fn ask_deposed(&mut self, number: usize, setup: &Setup) {
        let At::Next(Ask::Offsets(partitions)) = self.consumers[number].at.clone() else { return };
        let Some(mut deposed) = self.deposed.clone() else { return };
        let (request, mut out) = (RequestId(0), Vec::new());
        Arc::make_mut(&mut deposed).step(Input::Fetch { request, partitions: partitions.clone() }, &mut out);
        if let Some(Output::Answer { result: Ok(Answer::Fetched(committed)), .. }) = out.pop() {
            self.begin(number, partitions, &committed, setup);
        }
    }

    /// Nobody knows where to go on, and it asks once more.
    fn asks_again(&mut self, number: usize, question: Question) {
        self.consumer(number).at = At::Next(Ask::Offsets(question.partitions));
    }

    /// It learns from a coordinator where to go on in what it owns, and fetches.
    fn begin(
        &mut self,
        number: usize,
        partitions: BTreeSet<Partition>,
        committed: &BTreeMap<Partition, Offset>,
        setup: &Setup,
    ) {
        for partition in partitions {
            let offset = committed.get(&partition).copied().unwrap_or(Offset::ZERO);
            if self.chronicle.confirmed.get(&partition).is_some_and(|confirmed| offset < *confirmed) {
                self.chronicle().began_below = true;
            }
            let consumer = self.consumer(number);
            consumer.member.seek(partition, offset);
            fetch(consumer, partition, setup);
        }
        self.consumer(number).at = At::Next(Ask::Nothing);
    }

    // ---- its work ----

    fn process(&mut self, number: usize, partition: Partition, setup: &Setup) {
        let consumer = self.consumer(number);
        let Some(progress) = consumer.member.progress(partition) else { return };
        let offset = progress.processed();
        consumer.member.processed(partition, offset.plus(1));
        fetch(consumer, partition, setup);
        let most = if setup.reduced && setup.rule == CommitRule::AfterProcessing { 1 } else { 2 };
        let times = self.chronicle().processed.get_mut(&partition);
        if let Some(times) = times.and_then(|records| records.get_mut(offset.0 as usize)) {
            *times = (*times + 1).min(most);
        }
    }

    fn commit(&mut self, number: usize, way: Way, setup: &Setup) {
        let consumer = self.consumer(number);
        let Some((member, generation)) = consumer.member.membership() else { return };
        let offsets = consumer.member.commit_due();
        consumer.commits.push(Commit { member, generation, offsets, taken: None });
        let place = consumer.commits.len() - 1;
        if way == Way::Arrives {
            self.arrive(number, place, setup);
        }
    }

    fn arrive(&mut self, number: usize, place: usize, setup: &Setup) {
        self.asked += 1;
        let request = RequestId(NUMBERED + self.asked);
        let commit = &mut self.consumer(number).commits[place];
        commit.taken = Some((request, WriteId::default()));
        let Commit { member, generation, offsets, .. } = commit.clone();
        let before = self.coordinator.unsettled.len();
        self.step(Input::Commit { request, member: Some((member, generation)), offsets }, setup);
        let Some((write, _)) = self.coordinator.unsettled.get(before) else { return };
        let write = *write;
        for commit in &mut self.consumer(number).commits {
            commit.taken =
                commit.taken.map(|taken| if taken.0 == request { (request, write) } else { taken });
        }
        if self.is_over(generation) {
            self.chronicle().zombie_committed = true;
        }
    }

    fn answered_commit(&mut self, number: usize, place: usize, confirmed: bool) {
        let consumer = self.consumer(number);
        let Commit { generation, offsets, .. } = consumer.commits.remove(place);
        consumer.member.committed(generation, &offsets, confirmed);
        if confirmed {
            let known = &mut self.chronicle().confirmed;
            for (partition, offset) in offsets {
                let largest = known.entry(partition).or_insert(offset);
                *largest = offset.max(*largest);
            }
        }
    }

    // ---- the coordinator ----

    fn step(&mut self, input: Input, setup: &Setup) {
        let mut out = Vec::new();
        Arc::make_mut(&mut self.coordinator).group.step(input, &mut out);
        self.carry_out(out, setup);
    }

    fn carry_out(&mut self, out: Vec<Output>, setup: &Setup) {
        for output in out {
            let coordinator = Arc::make_mut(&mut self.coordinator);
            match output {
                Output::Answer { request, result } => self.answered(request, result, setup),
                Output::Persist { write, entry } => coordinator.unsettled.push_back((write, entry)),
                Output::SetTimer { timer, .. } => {
                    coordinator.timers.insert(timer);
                }
                Output::CancelTimer(timer) => {
                    coordinator.timers.remove(&timer);
                }
                Output::MemberRemoved { .. } | Output::Withheld(_) => {}
            }
        }
    }

    /// Whoever still listens hears the answer.
    fn answered(&mut self, request: RequestId, result: Result<Answer, GroupError>, setup: &Setup) {
        let by_commit = |consumer: &Arc<Consumer>| {
            consumer.commits.iter().position(|commit| commit.taken.is_some_and(|(taken, _)| taken == request))
        };
        let commit = self.consumers.iter().enumerate();
        if let Some((number, place)) =
            commit.clone().find_map(|(number, one)| Some((number, by_commit(one)?)))
        {
            return self.answered_commit(number, place, result.is_ok());
        }
        // Who has asked again listens no more to what it asked before.
        if result == Err(GroupError::Superseded) {
            return;
        }
        let asks =
            |one: &Arc<Consumer>| matches!(&one.at, At::Begins(question) if question.taken.0 == request);
        if let Some(number) = self.consumers.iter().position(asks) {
            let At::Begins(question) = self.consumers[number].at.clone() else { return };
            return match result {
                Ok(Answer::Fetched(committed)) => self.begin(number, question.partitions, &committed, setup),
                _ => self.asks_again(number, question),
            };
        }
        let mut waiting = commit.filter(|(_, consumer)| consumer.at == At::Waits(request));
        let Some(number) = waiting.next().map(|(number, _)| number) else { return };
        let member = &mut self.consumer(number).member;
        let ask = match result {
            Ok(Answer::Joined(joined)) => {
                let told = joined.generation;
                let ask = member.on_join_answer(Ok(joined), &setup.topics());
                self.chronicle().told = self.chronicle.told.max(told);
                ask
            }
            Ok(Answer::Synced { generation, partitions }) => {
                member.on_sync_answer(Ok((generation, partitions)))
            }
            Ok(_) => return,
            Err(error) if member.membership().is_some() => member.on_sync_answer(Err(error)),
            Err(error) => member.on_join_answer(Err(error), &setup.topics()),
        };
        self.goes_on(number, ask, setup);
    }

    fn settle(&mut self, setup: &Setup) {
        let Some((write, entry)) = Arc::make_mut(&mut self.coordinator).unsettled.pop_front() else { return };
        Arc::make_mut(&mut self.log).settle(entry);
        self.step(Input::Persisted { write }, setup);
    }

    fn silence(&mut self, member: MemberId, setup: &Setup) {
        self.counts.silences += 1;
        self.fire(|kind| kind == TimerKind::Session(member), setup);
        if self.coordinator.group.members().any(|other| other == member) {
            self.chronicle().silent_stayed = true;
        }
    }

    fn time_is_over(&mut self, setup: &Setup) {
        self.fire(|kind| !matches!(kind, TimerKind::Session(_)), setup);
    }

    fn fire(&mut self, which: impl Fn(TimerKind) -> bool, setup: &Setup) {
        let timer = self.coordinator.timers.iter().copied().find(|timer| which(timer.kind));
        let Some(timer) = timer else { return };
        Arc::make_mut(&mut self.coordinator).timers.remove(&timer);
        self.step(Input::TimerFired(timer), setup);
    }

    /// Another coordinates the group now. Who waits hears that nobody knows what became of it.
    fn take_over(&mut self, kept: u8, reads: Reads, setup: &Setup) {
        self.counts.takeovers += 1;
        let unsettled = self.coordinator.unsettled.iter().take(usize::from(kept));
        for (_, entry) in unsettled.cloned().collect::<Vec<_>>() {
            Arc::make_mut(&mut self.log).settle(entry);
        }
        let entries = match reads {
            Reads::Everything => self.log.entries(),
            Reads::Nothing => Vec::new(),
        };
        let mut out = Vec::new();
        let group = Group::recover(entries, Knobs::default(), setup.defects, &mut out);
        let (unsettled, timers) = Default::default();
        self.deposed = setup.deposed_is_asked.then(|| Arc::new(self.coordinator.group.clone()));
        self.coordinator = Arc::new(Coordinator { group, unsettled, timers });
        self.carry_out(out, setup);
        for number in 0..self.consumers.len() {
            while let Some(place) =
                self.consumers[number].commits.iter().position(|commit| commit.taken.is_some())
            {
                self.answered_commit(number, place, false);
            }
            match self.consumers[number].at.clone() {
                At::Waits(_) => self.rejoin(number, setup),
                At::Begins(question) => self.asks_again(number, question),
                At::Next(_) => {}
            }
        }
    }
}

/// Fetches the next record, unless there is one to be processed. Who has fetched need do nothing with it.
fn fetch(consumer: &mut Consumer, partition: Partition, setup: &Setup) {
    let Some(progress) = consumer.member.progress(partition) else { return };
    let (from, end) = (progress.position(), Offset(u64::from(setup.bounds.records)));
    if progress.processed() == from && from < end {
        consumer.member.fetched(partition, from, from.plus(1));
    }
}
