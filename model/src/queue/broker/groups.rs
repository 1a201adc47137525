//! The groups whose partition of the offsets topic this broker leads.

use super::super::facts::Fact;
use super::super::group::{
    self, Group, GroupEntry, GroupError, Input, Knobs, MemberId, Output, RequestId, Timer, WriteId,
};
use super::super::offset::{LeaderEpoch, Offset};
use super::super::partition::{Partition, Topic};
use super::super::plan::Plan;
use super::super::protocol::{GroupRefusal, GroupRequest};
use super::super::record::{Content, Payload, Record};
use super::super::replica::Role;
use super::{Broker, Host, batches_of};
use rehearsal_env::{Env, TaskHandle};
use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, oneshot};

type Reply = Result<group::Answer, GroupError>;

/// All groups of one partition of the offsets topic, in one epoch of its leadership.
struct Desk<E: Env> {
    epoch: LeaderEpoch,
    groups: BTreeMap<u32, Group>,
    waiting: BTreeMap<RequestId, oneshot::Sender<Reply>>,
    timers: BTreeMap<(u32, Timer), E::Task>,
    /// Written and not known to be in sync, in the order of the log.
    unsettled: VecDeque<(u32, WriteId, Option<Offset>)>,
}

/// What this broker coordinates.
pub(super) struct Groups<E: Env> {
    desks: RefCell<BTreeMap<Partition, Desk<E>>>,
    written: Notify,
}

impl<E: Env> Default for Groups<E> {
    fn default() -> Self {
        Groups { desks: RefCell::default(), written: Notify::new() }
    }
}

impl<E: Env<Fact = Fact>> Broker<E> {
    /// Step 7: takes up the groups of a partition when it leads that and has read it to the end, and lets them go when it
    /// leads no more.
    pub(super) async fn coordinate_groups(self: Rc<Self>) {
        let offsets: Vec<Partition> =
            self.plan.partitions().filter(|partition| partition.topic == Topic::Offsets).collect();
        for partition in offsets {
            let Some(host) = self.host(partition) else { continue };
            self.env.spawn(self.clone().settle_writes(host.clone()));
            self.env.spawn(self.clone().take_up(host));
        }
    }

    async fn take_up(self: Rc<Self>, host: Rc<Host>) {
        loop {
            let leads = leads_in(&host);
            let taken_up = self.groups.desks.borrow().get(&host.partition).map(|desk| desk.epoch);
            if taken_up != leads {
                self.let_go(host.partition);
                if let Some(epoch) = leads
                    && self.is_readable(&host)
                {
                    self.load(&host, epoch);
                    continue;
                }
            }
            host.changed.notified().await;
        }
    }

    /// Whether all that earlier coordinators wrote can be read.
    fn is_readable(&self, host: &Host) -> bool {
        host.cores.borrow().replica.latest().is_some() || self.answers_while_loading()
    }

    fn let_go(&self, partition: Partition) {
        if let Some(desk) = self.groups.desks.borrow_mut().remove(&partition) {
            desk.timers.into_values().for_each(|timer| timer.abort());
        }
    }

    fn load(self: &Rc<Self>, host: &Host, epoch: LeaderEpoch) {
        let mut entries: BTreeMap<u32, Vec<GroupEntry>> = BTreeMap::new();
        {
            let cores = host.cores.borrow();
            let readable = cores.replica.watermark();
            for batch in batches_of(&cores.log).iter().filter(|batch| batch.end() <= readable) {
                let Content::Records(records) = &batch.payload.content else { continue };
                for (group, entry) in records.iter().filter_map(decode) {
                    entries.entry(group).or_default().push(entry);
                }
            }
        }
        let knobs = self.group_knobs();
        let desk = Desk {
            epoch,
            groups: BTreeMap::new(),
            waiting: BTreeMap::new(),
            timers: BTreeMap::new(),
            unsettled: VecDeque::new(),
        };
        self.groups.desks.borrow_mut().insert(host.partition, desk);
        for (group, entries) in entries {
            let mut out = Vec::new();
            let recovered = Group::recover(entries, knobs, self.plan.defects, &mut out);
            let generation = recovered.generation();
            if let Some(desk) = self.groups.desks.borrow_mut().get_mut(&host.partition) {
                desk.groups.insert(group, recovered);
            }
            self.env.observe(Fact::CoordinatorLoaded { group, generation });
            self.carry_out(host.partition, group, out);
        }
    }

    fn group_knobs(&self) -> Knobs {
        Knobs { initial_delay: self.plan.knobs.heartbeat.duration() }
    }

    /// A consumer asks about its group.
    pub(super) async fn ask_group(
        self: &Rc<Self>,
        group: u32,
        request: GroupRequest,
    ) -> Result<group::Answer, GroupRefusal> {
        let partition = Plan::offsets_partition(group);
        let host = self.host(partition).ok_or(GroupRefusal::NotCoordinator)?;
        let number = RequestId(self.asked.replace(self.asked.get() + 1));
        let (sender, receiver) = oneshot::channel();
        {
            let mut desks = self.groups.desks.borrow_mut();
            let desk = desks.get_mut(&partition).filter(|desk| Some(desk.epoch) == leads_in(&host));
            let desk = desk.ok_or(GroupRefusal::NotCoordinator)?;
            desk.waiting.insert(number, sender);
        }
        let member = self.member_of(&request);
        self.step_group(partition, group, self.input(number, request));
        // Who leads no more drops what waits: what was written may still count.
        let reply = receiver.await.unwrap_or(Err(GroupError::Unknown));
        if let (Some(member), Err(GroupError::IllegalGeneration | GroupError::UnknownMember)) =
            (member, &reply)
        {
            self.env.observe(Fact::MemberFenced { group, member });
        }
        reply.map_err(GroupRefusal::Group)
    }

    fn member_of(&self, request: &GroupRequest) -> Option<MemberId> {
        match request {
            GroupRequest::Commit { member, .. } | GroupRequest::Heartbeat { member, .. } => Some(*member),
            _ => None,
        }
    }

    fn input(&self, request: RequestId, asked: GroupRequest) -> Input {
        match asked {
            GroupRequest::Join { member, registration } => {
                Input::Join { request, member, fresh: MemberId(self.env.bits()), registration }
            }
            GroupRequest::Sync { member, generation, plan } => {
                Input::Sync { request, member, generation, plan }
            }
            GroupRequest::Heartbeat { member, generation } => {
                Input::Heartbeat { request, member, generation }
            }
            GroupRequest::Commit { member, generation, offsets } => {
                Input::Commit { request, member: Some((member, generation)), offsets }
            }
            GroupRequest::Offsets { partitions } => Input::Fetch { request, partitions },
        }
    }

    fn step_group(self: &Rc<Self>, partition: Partition, group: u32, input: Input) {
        let mut out = Vec::new();
        {
            let knobs = self.group_knobs();
            let mut desks = self.groups.desks.borrow_mut();
            let Some(desk) = desks.get_mut(&partition) else { return };
            let core = desk.groups.entry(group).or_insert_with(|| Group::new(knobs, self.plan.defects));
            core.step(input, &mut out);
        }
        self.carry_out(partition, group, out);
    }

    fn carry_out(self: &Rc<Self>, partition: Partition, group: u32, out: Vec<Output>) {
        for output in out {
            let mut desks = self.groups.desks.borrow_mut();
            let Some(desk) = desks.get_mut(&partition) else { return };
            match output {
                Output::Answer { request, result } => {
                    if let Some(waiting) = desk.waiting.remove(&request) {
                        // Whoever asked may be gone.
                        let _ = waiting.send(result);
                    }
                }
                Output::Persist { write, entry } => {
                    let epoch = desk.epoch;
                    let host = self.host(partition).expect("a desk has its partition");
                    let end = self.append_own(&host, epoch, payload(group, &entry, self.env.wall().micros()));
                    desk.unsettled.push_back((group, write, end.ok()));
                    self.groups.written.notify_waiters();
                }
                Output::SetTimer { timer, after } => {
                    let task = self.env.spawn(self.clone().fire(partition, group, timer, after));
                    desk.timers.insert((group, timer), task);
                }
                Output::CancelTimer(timer) => {
                    if let Some(task) = desk.timers.remove(&(group, timer)) {
                        task.abort();
                    }
                }
                Output::MemberRemoved { .. } => {}
            }
        }
    }

    async fn fire(self: Rc<Self>, partition: Partition, group: u32, timer: Timer, after: Duration) {
        self.env.sleep(after).await;
        if let Some(desk) = self.groups.desks.borrow_mut().get_mut(&partition) {
            desk.timers.remove(&(group, timer));
        }
        self.step_group(partition, group, Input::TimerFired(timer));
    }

    /// Tells groups what of their writes is in sync, in the order of the log.
    async fn settle_writes(self: Rc<Self>, host: Rc<Host>) {
        loop {
            let first = {
                let desks = self.groups.desks.borrow();
                desks.get(&host.partition).and_then(|desk| Some((desk.epoch, *desk.unsettled.front()?)))
            };
            let Some((epoch, (group, write, end))) = first else {
                self.groups.written.notified().await;
                continue;
            };
            let persisted = match end {
                Some(end) => self.in_sync(&host, end, epoch).await.is_ok(),
                None => false,
            };
            {
                let mut desks = self.groups.desks.borrow_mut();
                let Some(desk) = desks.get_mut(&host.partition).filter(|desk| desk.epoch == epoch) else {
                    continue;
                };
                desk.unsettled.pop_front();
            }
            let input = if persisted { Input::Persisted { write } } else { Input::NotPersisted { write } };
            self.step_group(host.partition, group, input);
        }
    }
}

fn leads_in(host: &Host) -> Option<LeaderEpoch> {
    match host.cores.borrow().replica.role() {
        Role::Leading(leadership) => Some(leadership.epoch()),
        _ => None,
    }
}

fn payload(group: u32, entry: &GroupEntry, created: i64) -> Payload {
    let value: Arc<[u8]> = super::keys::encode(entry).into();
    let key: Arc<[u8]> = group.to_le_bytes().to_vec().into();
    let records = vec![Record { key: Some(key), value, tag: None, created }];
    Payload { producer: None, transactional: false, content: Content::Records(records) }
}

fn decode(record: &Record) -> Option<(u32, GroupEntry)> {
    let key: [u8; 4] = record.key.as_deref()?.try_into().ok()?;
    Some((u32::from_le_bytes(key), postcard::from_bytes(&record.value).ok()?))
}
