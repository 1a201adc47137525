//! What can happen in one step.

use super::setup::Setup;
use super::state::{At, Consumer, State};
use rehearsal_model::queue::defects::Defect;
use rehearsal_model::queue::group::{Ask, Generation, Input, MemberId, Output, RequestId, TimerKind};
use rehearsal_model::queue::partition::Partition;

/// One step. Consumers are numbered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// A consumer does what is next: its join, sync or question where to go on reaches the coordinator, or it has let go
    /// and is to join.
    Ask(usize),
    /// It asks the coordinator that was replaced where to go on.
    AskDeposed(usize),
    /// It waits no more for the answer to its join or sync, or that never came to the coordinator.
    GiveUp(usize),
    /// It says that it lives, and hears that it is to do something.
    Beat(usize),
    /// It processes the next record of a partition.
    Process(usize, Partition),
    /// It commits what is due.
    Commit(usize, Way),
    /// A commit of it arrives late: the so manyeth.
    Arrive(usize, usize),
    /// It waits no more for the answer to that.
    GiveUpCommit(usize, usize),
    /// It dies, and another begins in its place.
    Die(usize),
    /// The first of the coordinator's writes that were not in sync is.
    Settle,
    /// A member was silent for its session.
    Silence(MemberId),
    /// The time to join is over.
    TimeToJoinIsOver,
    /// The coordinator leads no more; of what was not in sync so many writes are in the log of the next one, which
    /// reads so much of it.
    TakeOver(u8, Reads),
}

/// How a request goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Way {
    /// At once.
    Arrives,
    /// It takes its time, and what happens meanwhile happens.
    IsLate,
}

/// How much of its log a coordinator reads before it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reads {
    /// All of it.
    Everything,
    /// Nothing yet: it has not waited until it may.
    Nothing,
}

impl State {
    /// Everything that can happen next.
    pub fn possible(&self, setup: &Setup, actions: &mut Vec<Action>) {
        let from = actions.len();
        for (number, consumer) in self.consumers.iter().enumerate() {
            // Of consumers of whom nothing was heard any does for all.
            let alike =
                consumer.is_newcomer() && self.consumers[..number].iter().any(|other| other.is_newcomer());
            if !(alike && setup.reduced) {
                self.belonging(number, consumer, setup, actions);
                self.working(number, consumer, setup, actions);
            }
        }
        self.coordinating(setup, actions);
        let within = |action: &Action| self.is_within(action, setup);
        let kept: Vec<Action> = actions.drain(from..).filter(within).collect();
        actions.extend(kept);
    }

    /// Whether what follows is within the bounds.
    fn is_within(&self, action: &Action, setup: &Setup) -> bool {
        let forms = matches!(
            action,
            Action::Ask(_) | Action::TimeToJoinIsOver | Action::Silence(_) | Action::TakeOver(..)
        );
        !forms || {
            let after = self.performed(action, setup);
            after.coordinator.group.generation() <= Generation(u32::from(setup.bounds.generations))
        }
    }

    /// What a consumer does to be in the group.
    fn belonging(&self, number: usize, consumer: &Consumer, setup: &Setup, actions: &mut Vec<Action>) {
        let bounds = &setup.bounds;
        let patience = self.counts.timeouts < bounds.timeouts;
        match &consumer.at {
            At::Waits(_) | At::Begins(_) => actions.extend(patience.then_some(Action::GiveUp(number))),
            At::Next(Ask::Nothing) if consumer.member.membership().is_some() => {}
            At::Next(ask) => {
                actions.push(Action::Ask(number));
                let elsewhere = self.deposed.is_some() && matches!(ask, Ask::Offsets(_));
                actions.extend(elsewhere.then_some(Action::AskDeposed(number)));
                let is_sync = matches!(ask, Ask::Sync { .. });
                actions.extend((is_sync && patience).then_some(Action::GiveUp(number)));
            }
        }
        let listens = matches!(consumer.at, At::Begins(_) | At::Next(Ask::Nothing | Ask::Offsets(_)));
        if listens && self.hears_news(consumer) {
            actions.push(Action::Beat(number));
        }
        if self.counts.deaths < bounds.deaths && !consumer.is_newcomer() {
            actions.push(Action::Die(number));
        }
    }

    /// Whether this consumer, when it says that it lives, is told to do something, or should be.
    fn hears_news(&self, consumer: &Consumer) -> bool {
        let Some((member, generation)) = consumer.member.membership() else { return false };
        let (request, mut out) = (RequestId(0), Vec::new());
        let mut group = self.coordinator.group.clone();
        group.step(Input::Heartbeat { request, member, generation }, &mut out);
        let refused = out.iter().any(|output| matches!(output, Output::Answer { result: Err(_), .. }));
        refused || self.is_over(generation)
    }

    /// What it does with what it owns.
    fn working(&self, number: usize, consumer: &Consumer, setup: &Setup, actions: &mut Vec<Action>) {
        if consumer.works()
            && let Some((_, owned)) = consumer.owned()
        {
            let next = |partition: &&Partition| {
                let progress = consumer.member.progress(**partition);
                progress.is_some_and(|progress| consumer.member.begins(**partition, progress.processed()))
            };
            actions.extend(owned.iter().filter(next).map(|partition| Action::Process(number, *partition)));
        }
        if consumer.works() || consumer.at == At::Next(Ask::LetGo) {
            let late = self.consumers.iter().flat_map(|consumer| &consumer.commits);
            let late = late.filter(|commit| commit.taken.is_none()).count();
            if !consumer.member.clone().commit_due().is_empty() {
                actions.push(Action::Commit(number, Way::Arrives));
                let room = late < usize::from(setup.bounds.messages);
                actions.extend(room.then_some(Action::Commit(number, Way::IsLate)));
            }
        }
        for (place, commit) in consumer.commits.iter().enumerate() {
            actions.extend(commit.taken.is_none().then_some(Action::Arrive(number, place)));
            let patience = self.counts.timeouts < setup.bounds.timeouts;
            actions.extend(patience.then_some(Action::GiveUpCommit(number, place)));
        }
    }

    fn coordinating(&self, setup: &Setup, actions: &mut Vec<Action>) {
        let (coordinator, bounds) = (&self.coordinator, &setup.bounds);
        actions.extend((!coordinator.unsettled.is_empty()).then_some(Action::Settle));
        for timer in &coordinator.timers {
            match timer.kind {
                TimerKind::Session(member) if self.counts.silences < bounds.silences => {
                    actions.push(Action::Silence(member));
                }
                TimerKind::Session(_) => {}
                TimerKind::Rebalance | TimerKind::InitialDelay => actions.push(Action::TimeToJoinIsOver),
            }
        }
        if self.counts.takeovers < bounds.takeovers {
            for kept in 0..=coordinator.unsettled.len() as u8 {
                actions.push(Action::TakeOver(kept, Reads::Everything));
                if setup.lacks(Defect::AnswersWhileLoading) {
                    actions.push(Action::TakeOver(kept, Reads::Nothing));
                }
            }
        }
    }
}
