//! One promise each, over a small vocabulary.

mod commits;
mod failures;
mod joining;
mod recovery;
mod sessions;
mod topics;
mod transactions;

use crate::stage::partition;
use rehearsal_model::queue::defects::Defects;
use rehearsal_model::queue::group::{
    Answer, Generation, Group, GroupEntry, GroupError, Input, Interest, JoinAnswer, Knobs, MemberId, Output,
    Plan, Registration, Removal, RequestId, State, StrategyName, Timer, TimerKind, WriteId,
};
use rehearsal_model::queue::offset::Offset;
use rehearsal_model::queue::partition::{Partition, Topic};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

const ANA: MemberId = MemberId(1);
const BEN: MemberId = MemberId(2);
const CEM: MemberId = MemberId(3);

/// A coordinator, and what it said.
struct Scene {
    group: Group,
    log: Vec<GroupEntry>,
    pending: Vec<(WriteId, GroupEntry)>,
    timers: BTreeMap<Timer, Duration>,
    answers: BTreeMap<RequestId, Result<Answer, GroupError>>,
    removed: Vec<(MemberId, Removal)>,
    last_request: u64,
}

impl Scene {
    fn new() -> Scene {
        Scene {
            group: Group::new(Knobs::default(), Defects::NONE),
            log: Vec::new(),
            pending: Vec::new(),
            timers: BTreeMap::new(),
            answers: BTreeMap::new(),
            removed: Vec::new(),
            last_request: 0,
        }
    }

    /// Ana, who leads, has partition 0, and Ben has partition 1, in generation 1.
    fn stable() -> Scene {
        let mut scene = Scene::new();
        scene.join(ANA);
        scene.join(BEN);
        scene.fire(TimerKind::InitialDelay);
        scene.persist();
        scene.share();
        assert_eq!(scene.group.state(), State::Stable);
        scene
    }

    /// Ana and Ben sync: a partition for each.
    fn share(&mut self) {
        let generation = self.group.generation();
        self.sync(BEN, generation.0, Plan::new());
        self.sync(ANA, generation.0, Plan::from([(ANA, owns(0)), (BEN, owns(1))]));
        self.persist();
    }

    fn step(&mut self, input: Input) {
        let mut out = Vec::new();
        self.group.step(input, &mut out);
        self.hear(out);
    }

    fn hear(&mut self, out: Vec<Output>) {
        for output in out {
            match output {
                Output::Answer { request, result } => {
                    assert!(self.answers.insert(request, result).is_none(), "answered twice");
                }
                Output::Persist { write, entry } => self.pending.push((write, entry)),
                Output::SetTimer { timer, after } => drop(self.timers.insert(timer, after)),
                Output::CancelTimer(timer) => drop(self.timers.remove(&timer)),
                Output::Withheld(_) => {}
                Output::MemberRemoved { member, why } => self.removed.push((member, why)),
            }
        }
    }

    fn request(&mut self) -> RequestId {
        self.last_request += 1;
        RequestId(self.last_request)
    }

    fn join_saying(&mut self, member: MemberId, registration: Registration) -> RequestId {
        let request = self.request();
        let is_known = self.group.members().any(|known| known == member);
        self.step(Input::Join { request, member: is_known.then_some(member), fresh: member, registration });
        request
    }

    fn join(&mut self, member: MemberId) -> RequestId {
        self.join_saying(member, registration(&[StrategyName::Range]))
    }

    fn sync(&mut self, member: MemberId, generation: u32, plan: Plan) -> RequestId {
        let request = self.request();
        self.step(Input::Sync { request, member, generation: Generation(generation), plan });
        request
    }

    fn beat(&mut self, member: MemberId, generation: u32) -> Result<Answer, GroupError> {
        let request = self.request();
        self.step(Input::Heartbeat { request, member, generation: Generation(generation) });
        self.answers[&request].clone()
    }

    fn leave(&mut self, member: MemberId) -> Result<Answer, GroupError> {
        let request = self.request();
        self.step(Input::Leave { request, member });
        self.answers[&request].clone()
    }

    fn commit(&mut self, member: Option<(MemberId, u32)>, offset: u64) -> RequestId {
        let request = self.request();
        let member = member.map(|(member, generation)| (member, Generation(generation)));
        let offsets = BTreeMap::from([(partition(0, 0), Offset(offset))]);
        self.step(Input::Commit { request, member, offsets });
        request
    }

    fn fire(&mut self, kind: TimerKind) {
        let timer = *self.timers.keys().find(|timer| timer.kind == kind).expect("such a timer runs");
        self.timers.remove(&timer);
        self.step(Input::TimerFired(timer));
    }

    fn runs(&self, kind: TimerKind) -> bool {
        self.timers.keys().any(|timer| timer.kind == kind)
    }

    fn persist(&mut self) {
        for (write, entry) in std::mem::take(&mut self.pending) {
            self.log.push(entry);
            self.step(Input::Persisted { write });
        }
    }

    fn fail(&mut self) {
        for (write, _) in std::mem::take(&mut self.pending) {
            self.step(Input::NotPersisted { write });
        }
    }

    fn recover(&mut self) {
        let mut out = Vec::new();
        (self.timers, self.pending) = (BTreeMap::new(), Vec::new());
        self.group = Group::recover(self.log.clone(), Knobs::default(), Defects::NONE, &mut out);
        self.hear(out);
    }

    fn joined(&self, request: RequestId) -> &JoinAnswer {
        match &self.answers[&request] {
            Ok(Answer::Joined(answer)) => answer,
            other => panic!("no answer to a join: {other:?}"),
        }
    }

    fn error(&self, request: RequestId) -> Option<GroupError> {
        self.answers.get(&request).and_then(|result| result.as_ref().err().copied())
    }

    fn waits(&self, request: RequestId) -> bool {
        !self.answers.contains_key(&request)
    }
}

fn owns(number: u32) -> BTreeSet<Partition> {
    [partition(0, number)].into()
}

fn synced(generation: u32, number: u32) -> Result<Answer, GroupError> {
    Ok(Answer::Synced { generation: Generation(generation), partitions: owns(number) })
}

fn registration(strategies: &[StrategyName]) -> Registration {
    Registration {
        interest: Interest::of([Topic::Named(0)]),
        strategies: strategies.to_vec(),
        session: Duration::from_secs(10),
        rebalance: Duration::from_secs(30),
    }
}
