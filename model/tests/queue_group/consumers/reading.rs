//! The world around a group of consumers: a log of records, and what each record got.

use super::happening::Happening;
use crate::stage::topics;
use rehearsal_model::queue::defects::Defects;
use rehearsal_model::queue::group::{
    Answer, Ask, CommitRule, Generation, Group, GroupEntry, GroupError, Input, Interest, Knobs, Member,
    MemberId, Output, Registration, RequestId, Standing, StrategyName, Timer, TimerKind, WriteId,
};
use rehearsal_model::queue::offset::Offset;
use rehearsal_model::queue::partition::Partition;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

pub const CONSUMERS: usize = 3;
const RECORDS: u64 = 12;

#[derive(Clone, Debug)]
enum Question {
    Join,
    Sync,
    Beat(Generation),
    Offsets,
    Commit(Generation, BTreeMap<Partition, Offset>),
}

pub struct Consumer {
    pub member: Member,
    /// The newest request of each kind: answers to older ones are thrown away.
    group: Option<RequestId>,
    offsets: Option<RequestId>,
    /// A join or sync that its last answer told it to send.
    next: Ask,
    letter_box: Vec<(RequestId, Result<Answer, GroupError>)>,
    /// What it has begun: each offset at most once while it holds the partition.
    begun: BTreeSet<(Partition, Offset)>,
}

/// What was broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    ProcessedTwice,
    CommittedUnprocessed,
    LeftUnprocessed,
    OffsetFell,
}

pub struct Stage {
    rule: CommitRule,
    defects: Defects,
    group: Group,
    log: Vec<GroupEntry>,
    pending: Vec<(WriteId, GroupEntry)>,
    timers: Vec<Timer>,
    consumers: Vec<Consumer>,
    asked: BTreeMap<RequestId, (usize, Question)>,
    last: u64,
    /// How often each record was processed.
    pub processed: BTreeMap<(Partition, Offset), usize>,
    /// The committed offsets as the coordinator told them last.
    committed: BTreeMap<Partition, Offset>,
}

impl Stage {
    pub fn new(rule: CommitRule, defects: Defects) -> Stage {
        Stage {
            rule,
            defects,
            group: Group::new(Knobs::default(), defects),
            log: Vec::new(),
            pending: Vec::new(),
            timers: Vec::new(),
            consumers: (0..CONSUMERS).map(|_| Consumer::new(rule, defects)).collect(),
            asked: BTreeMap::new(),
            last: 0,
            processed: BTreeMap::new(),
            committed: BTreeMap::new(),
        }
    }

    pub fn happen(&mut self, happening: Happening) -> Result<(), Broken> {
        match happening {
            Happening::Hear { consumer, lost } => self.hear(consumer, lost),
            Happening::Beat(consumer) => self.beat(consumer),
            Happening::Fetch { consumer, records } => self.consumers[consumer].fetch(records),
            Happening::Process(consumer) => self.process(consumer)?,
            Happening::Commit(consumer) => self.commit(consumer)?,
            Happening::Write { known } => self.write(known),
            Happening::Timer(_) if self.timers.is_empty() => {}
            Happening::Timer(which) => {
                let timer = self.timers.remove(which % self.timers.len());
                self.step(Input::TimerFired(timer));
            }
            Happening::Recover { survive } => self.recover(survive),
            Happening::Round { but, records } => self.round(but, records)?,
            Happening::Silence { consumer, rounds } => self.silence(consumer, rounds)?,
            Happening::Patience => self.fire_the_timers_of_ghosts(),
            Happening::Restart(consumer) => {
                self.consumers[consumer] = Consumer::new(self.rule, self.defects);
            }
        }
        self.offsets_move_forward()
    }

    fn offsets_move_forward(&mut self) -> Result<(), Broken> {
        for partition in all_partitions() {
            let Some(now) = self.group.committed(partition) else { continue };
            if self.committed.insert(partition, now).is_some_and(|before| now < before) {
                return Err(Broken::OffsetFell);
            }
        }
        Ok(())
    }

    fn ask(&mut self, consumer: usize, question: Question) -> RequestId {
        self.last += 1;
        let request = RequestId(self.last);
        self.asked.insert(request, (consumer, question));
        request
    }

    fn follow(&mut self, consumer: usize, ask: Ask) {
        match ask {
            Ask::Nothing => {}
            Ask::LetGo => {
                let join = self.consumers[consumer].member.join();
                self.follow(consumer, join);
            }
            Ask::Join { member, registration } => {
                let request = self.ask(consumer, Question::Join);
                self.consumers[consumer].lets_go(request);
                let fresh = MemberId(request.0);
                self.step(Input::Join { request, member, fresh, registration });
            }
            Ask::Sync { member, generation, plan } => {
                let request = self.ask(consumer, Question::Sync);
                self.consumers[consumer].group = Some(request);
                self.step(Input::Sync { request, member, generation, plan });
            }
            Ask::Offsets(partitions) => {
                let request = self.ask(consumer, Question::Offsets);
                self.consumers[consumer].offsets = Some(request);
                self.step(Input::Fetch { request, partitions });
            }
        }
    }

    fn hear(&mut self, consumer: usize, lost: bool) {
        if self.consumers[consumer].letter_box.is_empty() {
            return;
        }
        let (request, result) = self.consumers[consumer].letter_box.remove(0);
        let Some((_, question)) = self.asked.remove(&request) else { return };
        let result = if lost { Err(GroupError::Unknown) } else { result };
        let one = &mut self.consumers[consumer];
        let ask = match (question, result) {
            (Question::Join, _) | (Question::Sync, _) if one.group != Some(request) => Ask::Nothing,
            (Question::Join, Ok(Answer::Joined(answer))) => one.member.on_join_answer(Ok(answer), &topics()),
            (Question::Join, Err(error)) => one.member.on_join_answer(Err(error), &topics()),
            (Question::Sync, Ok(Answer::Synced { generation, partitions })) => {
                one.member.on_sync_answer(Ok((generation, partitions)))
            }
            (Question::Sync, Err(error)) => one.member.on_sync_answer(Err(error)),
            (Question::Beat(generation), result) => {
                one.member.on_heartbeat_answer(generation, result.map(|_| ()))
            }
            (Question::Offsets, _) if one.offsets != Some(request) => Ask::Nothing,
            (Question::Offsets, Ok(Answer::Fetched(offsets))) => one.begin(&offsets),
            (Question::Offsets, _) => one.ask_offsets_again(),
            (Question::Commit(generation, offsets), result) => {
                one.member.committed(generation, &offsets, result.is_ok());
                one.member.on_heartbeat_answer(generation, result.map(|_| ()))
            }
            (question, result) => panic!("{result:?} is no answer to {question:?}"),
        };
        one.next = match ask {
            Ask::Nothing => std::mem::replace(&mut one.next, Ask::Nothing),
            ask => ask,
        };
    }

    fn beat(&mut self, consumer: usize) {
        let one = &mut self.consumers[consumer];
        let next = std::mem::replace(&mut one.next, Ask::Nothing);
        let next = match next {
            Ask::Nothing if *one.member.standing() == Standing::Outside => one.member.join(),
            next => next,
        };
        self.follow(consumer, next);
        if let Some((member, generation)) = self.consumers[consumer].member.membership() {
            let request = self.ask(consumer, Question::Beat(generation));
            self.step(Input::Heartbeat { request, member, generation });
        }
    }

    fn process(&mut self, consumer: usize) -> Result<(), Broken> {
        let one = &mut self.consumers[consumer];
        let Some((partition, offset)) = one.may_begin() else { return Ok(()) };
        assert!(one.begun.insert((partition, offset)), "{partition} at {offset} is begun twice by one");
        one.member.processed(partition, offset.plus(1));
        let times = self.processed.entry((partition, offset)).or_default();
        *times += 1;
        match self.rule {
            CommitRule::BeforeProcessing if *times > 1 => Err(Broken::ProcessedTwice),
            _ => Ok(()),
        }
    }

    fn commit(&mut self, consumer: usize) -> Result<(), Broken> {
        let one = &mut self.consumers[consumer];
        let Some((member, generation)) = one.member.membership() else { return Ok(()) };
        let offsets = one.member.commit_due();
        if offsets.is_empty() {
            return Ok(());
        }
        if self.rule == CommitRule::AfterProcessing {
            for (partition, offset) in &offsets {
                let mut before = (0..offset.0).map(|offset| (*partition, Offset(offset)));
                if !before.all(|record| self.processed.contains_key(&record)) {
                    return Err(Broken::CommittedUnprocessed);
                }
            }
        }
        let request = self.ask(consumer, Question::Commit(generation, offsets.clone()));
        self.step(Input::Commit { request, member: Some((member, generation)), offsets });
        Ok(())
    }

    fn write(&mut self, known: bool) {
        if self.pending.is_empty() {
            return;
        }
        let (write, entry) = self.pending.remove(0);
        self.log.push(entry);
        self.step(if known { Input::Persisted { write } } else { Input::NotPersisted { write } });
    }

    fn step(&mut self, input: Input) {
        let mut out = Vec::new();
        self.group.step(input, &mut out);
        self.take(out);
    }

    fn take(&mut self, out: Vec<Output>) {
        for output in out {
            match output {
                Output::Answer { request, result } => {
                    let (consumer, _) = self.asked[&request];
                    self.consumers[consumer].letter_box.push((request, result));
                }
                Output::Persist { write, entry } => self.pending.push((write, entry)),
                Output::SetTimer { timer, .. } => self.timers.push(timer),
                Output::CancelTimer(timer) => self.timers.retain(|other| *other != timer),
                Output::MemberRemoved { .. } | Output::Withheld(_) => {}
            }
        }
    }

    /// What was asked and not answered breaks off: the consumers do not know what came of it.
    fn recover(&mut self, survive: usize) {
        self.log.extend(self.pending.drain(..).map(|(_, entry)| entry).take(survive));
        self.timers.clear();
        for (request, (consumer, _)) in &self.asked {
            let letters = &mut self.consumers[*consumer].letter_box;
            if letters.iter().all(|(answered, _)| answered != request) {
                letters.push((*request, Err(GroupError::Unknown)));
            }
        }
        let mut out = Vec::new();
        self.group = Group::recover(self.log.clone(), Knobs::default(), self.defects, &mut out);
        self.take(out);
    }

    /// Nothing fails any more, and everybody does all there is to do.
    pub fn calm(&mut self) -> Result<(), Broken> {
        for _ in 0..120 {
            self.fire_the_timers_of_ghosts();
            self.round(CONSUMERS, RECORDS)?;
        }
        let all = all_partitions().into_iter().flat_map(|one| (0..RECORDS).map(move |at| (one, Offset(at))));
        match self.rule {
            CommitRule::AfterProcessing
                if !all.clone().all(|record| self.processed.contains_key(&record)) =>
            {
                Err(Broken::LeftUnprocessed)
            }
            _ => Ok(()),
        }
    }

    fn round(&mut self, but: usize, records: u64) -> Result<(), Broken> {
        for consumer in (0..CONSUMERS).filter(|consumer| *consumer != but) {
            while !self.pending.is_empty() {
                self.write(true);
            }
            while !self.consumers[consumer].letter_box.is_empty() {
                self.hear(consumer, false);
            }
            self.beat(consumer);
            self.consumers[consumer].fetch(records);
            self.commit(consumer)?;
            self.process(consumer)?;
        }
        Ok(())
    }

    fn silence(&mut self, consumer: usize, rounds: usize) -> Result<(), Broken> {
        self.consumers[consumer].fetch(1);
        let id = self.consumers[consumer].member.membership().map(|(id, _)| id);
        let expired = self.timers.iter().position(|timer| Some(timer.kind) == id.map(TimerKind::Session));
        if let Some(which) = expired {
            self.happen(Happening::Timer(which))?;
        }
        for _ in 0..rounds {
            self.round(consumer, 1)?;
            self.offsets_move_forward()?;
        }
        self.commit(consumer)?;
        self.write(true);
        self.hear(consumer, false);
        self.process(consumer)
    }

    fn fire_the_timers_of_ghosts(&mut self) {
        let running: BTreeSet<MemberId> =
            self.consumers.iter().filter_map(|one| Some(one.member.membership()?.0)).collect();
        let fires = |timer: &Timer| match timer.kind {
            TimerKind::Session(member) => !running.contains(&member),
            TimerKind::InitialDelay => true,
            TimerKind::Rebalance => false,
        };
        let (fired, kept) = self.timers.iter().copied().partition(fires);
        self.timers = kept;
        Vec::into_iter(fired).for_each(|timer| self.step(Input::TimerFired(timer)));
    }
}

impl Consumer {
    pub fn new(rule: CommitRule, defects: Defects) -> Consumer {
        let registration = Registration {
            interest: Interest::of(topics().into_keys()),
            strategies: vec![StrategyName::Sticky],
            session: Duration::from_secs(10),
            rebalance: Duration::from_secs(30),
        };
        Consumer {
            member: Member::new(rule, registration, defects),
            group: None,
            offsets: None,
            next: Ask::Nothing,
            letter_box: Vec::new(),
            begun: BTreeSet::new(),
        }
    }

    fn lets_go(&mut self, join: RequestId) {
        (self.group, self.offsets) = (Some(join), None);
        self.begun.clear();
    }

    fn begin(&mut self, committed: &BTreeMap<Partition, Offset>) -> Ask {
        for partition in all_partitions() {
            self.member.seek(partition, committed.get(&partition).copied().unwrap_or_default());
        }
        Ask::Nothing
    }

    fn ask_offsets_again(&self) -> Ask {
        match self.member.standing() {
            Standing::Steady { owned, .. } => Ask::Offsets(owned.clone()),
            _ => Ask::Nothing,
        }
    }

    fn fetch(&mut self, records: u64) {
        for partition in all_partitions() {
            let Some(from) = self.member.progress(partition).map(|progress| progress.position()) else {
                continue;
            };
            let next = Offset((from.0 + records).min(RECORDS));
            assert!(self.member.fetched(partition, from, next));
            assert!(next == from || !self.member.fetched(partition, from, next), "the same piece twice");
        }
    }

    fn may_begin(&self) -> Option<(Partition, Offset)> {
        let next = |partition| Some((partition, self.member.progress(partition)?.processed()));
        let mut nexts = all_partitions().into_iter().filter_map(next);
        nexts.find(|(partition, offset)| self.member.begins(*partition, *offset))
    }
}

fn all_partitions() -> Vec<Partition> {
    topics()
        .into_iter()
        .flat_map(|(topic, count)| (0..count).map(move |number| Partition { topic, number }))
        .collect()
}
