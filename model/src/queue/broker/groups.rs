//! The groups whose partition of the offsets topic this broker leads.

use super::super::facts::{Fact, OfGroups, OfTopics};
use super::super::group::keeper::{Keep, Keeper};
use super::super::group::{
    self, Group, GroupEntry, GroupError, Input, Knobs, MemberId, Output, Removal, RequestId, Timer, WriteId,
};
use super::super::identity::ProducerIdentity;
use super::super::offset::LeaderEpoch;
use super::super::partition::{Partition, Topic};
use super::super::plan::Plan;
use super::super::protocol::{GroupRefusal, GroupRequest};
use super::super::record::{Batch, Content, Payload, Record, Verdict};
use super::desk::{Coordinator, Desks, Wish};
use super::{Broker, Host, entries};
use rehearsal_env::Env;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

/// All groups of one partition of the offsets topic.
#[derive(Debug, Default)]
pub(super) struct Groups(BTreeMap<u32, Group>);

/// What may happen to groups.
pub(super) enum GroupInput {
    /// To one of them.
    Of(u32, Input),
    /// To all whose offsets this transaction commits: its marker is in sync.
    TransactionEnded { producer: ProducerIdentity, verdict: Verdict },
    /// To all: of the topics that they may read some have changed.
    Topics,
}

impl<E: Env<Fact = Fact>> Coordinator<E> for Groups {
    const TOPIC: Topic = Topic::Offsets;
    type Input = GroupInput;
    type Reply = Result<group::Answer, GroupError>;
    type Write = (u32, WriteId);
    type Timer = (u32, Timer);
    type Errand = Keep;

    fn desks(broker: &Broker<E>) -> &Desks<E, Self> {
        &broker.groups
    }

    async fn prepare(broker: &Broker<E>, host: &Host, epoch: LeaderEpoch) {
        if broker.keeps_offsets_apart() {
            broker.claim_offsets(host, epoch).await;
        }
    }

    fn recover(
        broker: &Broker<E>,
        partition: Partition,
        batches: &[Arc<Batch>],
        out: &mut Vec<Wish<E, Self>>,
    ) -> Self {
        let mut remembered: BTreeMap<u32, Vec<GroupEntry>> = broker.kept_apart(partition);
        for batch in batches {
            match (&batch.payload.content, batch.payload.producer) {
                (Content::Records(records), _) => {
                    for (group, entry) in records.iter().filter_map(entries::of_group) {
                        remembered.entry(group).or_default().push(entry);
                    }
                }
                (Content::Marker(verdict), Some(stamp)) => {
                    let ended = GroupEntry::TransactionEnded { producer: stamp.into(), verdict: *verdict };
                    remembered.values_mut().for_each(|entries| entries.push(ended.clone()));
                }
                (Content::Marker(_), None) | (Content::Routing(_), _) => {}
            }
        }
        let mut groups = Groups::default();
        for (number, entries) in remembered {
            let mut wants = Vec::new();
            let mut recovered =
                Group::recover(entries, broker.group_knobs(), broker.plan.defects, &mut wants);
            let generation = recovered.generation();
            broker.env.observe(Fact::CoordinatorLoaded { group: number, generation });
            broker.tell_topics(&mut recovered, &mut wants);
            groups.0.insert(number, recovered);
            out.extend(wants.into_iter().filter_map(|output| broker.wish_of_group(number, output)));
        }
        groups
    }

    fn step(&mut self, broker: &Broker<E>, input: GroupInput, out: &mut Vec<Wish<E, Self>>) {
        let unknown = || {
            let mut group = Group::new(broker.group_knobs(), broker.plan.defects);
            // There is nobody in it who would have to be asked to join again.
            broker.tell_topics(&mut group, &mut Vec::new());
            group
        };
        let mut wants = Vec::new();
        match input {
            GroupInput::Topics => {
                for (number, group) in &mut self.0 {
                    broker.tell_topics(group, &mut wants);
                    out.extend(wants.drain(..).filter_map(|output| broker.wish_of_group(*number, output)));
                }
            }
            GroupInput::Of(number, input) => {
                self.0.entry(number).or_insert_with(unknown).step(input, &mut wants);
                out.extend(wants.into_iter().filter_map(|output| broker.wish_of_group(number, output)));
            }
            GroupInput::TransactionEnded { producer, verdict } => {
                for group in self.0.values_mut() {
                    group.step(Input::TransactionEnded { producer, verdict }, &mut wants);
                }
            }
        }
    }

    fn settled((group, write): (u32, WriteId), persisted: bool) -> GroupInput {
        let input = if persisted { Input::Persisted { write } } else { Input::NotPersisted { write } };
        GroupInput::Of(group, input)
    }

    fn fired((group, timer): (u32, Timer)) -> GroupInput {
        GroupInput::Of(group, Input::TimerFired(timer))
    }

    fn run(broker: &Rc<Broker<E>>, partition: Partition, epoch: LeaderEpoch, keep: Keep) {
        broker.keep(partition, epoch, keep);
    }
}

impl<E: Env<Fact = Fact>> Broker<E> {
    /// What groups have committed, where that is not in the log.
    fn kept_apart(&self, partition: Partition) -> BTreeMap<u32, Vec<GroupEntry>> {
        let entries = |keeper: &Keeper| {
            let groups = keeper.groups().iter();
            let entry = |offsets: &BTreeMap<_, _>| GroupEntry::Offsets { offsets: offsets.clone() };
            groups.map(|(group, offsets)| (*group, vec![entry(offsets)])).collect()
        };
        self.with_kept_offsets(partition, entries).unwrap_or_default()
    }

    fn group_knobs(&self) -> Knobs {
        Knobs { initial_delay: self.plan.knobs.heartbeat.duration() }
    }

    /// Tells a group what is known of the topics that have changed, if any have.
    fn tell_topics(&self, group: &mut Group, out: &mut Vec<Output>) {
        let topics = self.shares();
        if !topics.is_empty() {
            group.step(Input::Topics(topics), out);
        }
    }

    fn wish_of_group(&self, group: u32, output: Output) -> Option<Wish<E, Groups>> {
        Some(match output {
            Output::Answer { request, result } => Wish::Answer(request.0, result),
            Output::Persist { write, entry: GroupEntry::Offsets { offsets } }
                if self.keeps_offsets_apart() =>
            {
                Wish::Run(Keep { group, write, offsets: Some(offsets) })
            }
            Output::Persist { write, entry: GroupEntry::Asked } if self.keeps_offsets_apart() => {
                Wish::Run(Keep { group, write, offsets: None })
            }
            Output::Persist { write, entry } => {
                let producer = match &entry {
                    GroupEntry::OffsetsWithin { producer, .. } => Some(*producer),
                    _ => None,
                };
                let created = self.env.wall().micros();
                let records = vec![entries::record(&group.to_le_bytes(), &entry, created)];
                Wish::Persist((group, write), payload(producer, records))
            }
            Output::SetTimer { timer, after } => Wish::SetTimer((group, timer), after),
            Output::CancelTimer(timer) => Wish::CancelTimer((group, timer)),
            Output::Withheld(partitions) => {
                self.env.observe(Fact::OfTopics(OfTopics::Withheld { group, partitions }));
                return None;
            }
            Output::MemberRemoved { member, why: Removal::Left } => {
                self.env.observe(Fact::OfGroups(OfGroups::MemberLeft { group, member }));
                return None;
            }
            Output::MemberRemoved { .. } => return None,
        })
    }

    /// A consumer asks about its group.
    pub(super) async fn ask_group(
        self: &Rc<Self>,
        group: u32,
        request: GroupRequest,
    ) -> Result<group::Answer, GroupRefusal> {
        let partition = Plan::offsets_partition(group);
        if let GroupRequest::CommitWithin { id, producer, .. } = &request {
            let host = self.host(partition).ok_or(GroupRefusal::NotCoordinator)?;
            // What is asked is whether its transaction is open: whatever it writes there.
            let batch = payload(Some(*producer), Vec::new());
            let verified = self.verify_if_needed(&host, *id, &batch).await;
            verified.map_err(|_| GroupRefusal::Group(GroupError::Unknown))?;
        }
        let member = member_of(&request);
        let fresh = || MemberId(self.env.bits());
        let reply = self
            .ask_desk::<Groups>(partition, |number| {
                GroupInput::Of(group, input(RequestId(number), request, fresh))
            })
            .await
            .ok_or(GroupRefusal::NotCoordinator)?
            .unwrap_or(Err(GroupError::Unknown));
        if let (Some(member), Err(GroupError::IllegalGeneration)) = (member, &reply) {
            self.env.observe(Fact::MemberFenced { group, member });
        }
        reply.map_err(GroupRefusal::Group)
    }
}

fn member_of(request: &GroupRequest) -> Option<MemberId> {
    match request {
        GroupRequest::Commit { member, .. }
        | GroupRequest::CommitWithin { member, .. }
        | GroupRequest::Heartbeat { member, .. } => Some(*member),
        _ => None,
    }
}

fn input(request: RequestId, asked: GroupRequest, fresh: impl FnOnce() -> MemberId) -> Input {
    match asked {
        GroupRequest::Join { member, registration } => {
            Input::Join { request, member, fresh: fresh(), registration }
        }
        GroupRequest::Sync { member, generation, plan } => Input::Sync { request, member, generation, plan },
        GroupRequest::Heartbeat { member, generation } => Input::Heartbeat { request, member, generation },
        GroupRequest::Commit { member, generation, offsets } => {
            Input::Commit { request, member: Some((member, generation)), offsets }
        }
        GroupRequest::CommitWithin { member, generation, producer, offsets, .. } => {
            Input::CommitWithin { request, member: (member, generation), producer, offsets }
        }
        GroupRequest::Offsets { partitions } => Input::Fetch { request, partitions },
        GroupRequest::Leave { member } => Input::Leave { request, member },
    }
}

/// A batch of the coordinator's own; or of a producer's transaction, in which its offsets are the only batch here, and so
/// the first: asked to write it again, the coordinator finds it written.
fn payload(producer: Option<ProducerIdentity>, records: Vec<Record>) -> Payload {
    let transactional = producer.is_some();
    let producer = producer.map(|producer| producer.stamp(0));
    Payload { producer, transactional, content: Content::Records(records) }
}
