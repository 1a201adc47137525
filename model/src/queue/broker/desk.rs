//! A coordinator's desk: a core that remembers in one partition of a topic of the queue's own, and works there as long as
//! this broker leads that.
//!
//! ```text
//!   leads, and can read to the end ──▶ loaded from the log ──▶ at work ──▶ leads no more: dropped
//!                                                               │  ▲
//!                                                      appended ▼  │ in sync, in the order of the log
//!                                                              the partition
//! ```

use super::super::facts::Fact;
use super::super::log::Found;
use super::super::offset::{LeaderEpoch, Offset};
use super::super::partition::{Partition, Topic};
use super::super::record::{Batch, Payload};
use super::super::replica::Role;
use super::{Broker, Host};
use rehearsal_env::{Env, TaskHandle};
use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, oneshot};

/// A core at a desk, with what is its own about it.
pub(super) trait Coordinator<E: Env<Fact = Fact>>: Sized + 'static {
    /// The topic in which it remembers.
    const TOPIC: Topic;
    type Input: 'static;
    type Reply: 'static;
    type Write: Copy + 'static;
    type Timer: Copy + Ord + 'static;
    /// What it wants done that no other coordinator does.
    type Errand;

    fn desks(broker: &Broker<E>) -> &Desks<E, Self>;
    /// What is to be done before it is loaded by one who leads its partition in this epoch.
    async fn prepare(_broker: &Broker<E>, _host: &Host, _epoch: LeaderEpoch) {}
    /// The core after all that its partition holds.
    fn recover(
        broker: &Broker<E>,
        partition: Partition,
        batches: &[Arc<Batch>],
        out: &mut Vec<Wish<E, Self>>,
    ) -> Self;
    fn step(&mut self, broker: &Broker<E>, input: Self::Input, out: &mut Vec<Wish<E, Self>>);
    /// That a write is in sync, or not known to be.
    fn settled(write: Self::Write, persisted: bool) -> Self::Input;
    fn fired(timer: Self::Timer) -> Self::Input;
    fn run(broker: &Rc<Broker<E>>, partition: Partition, epoch: LeaderEpoch, errand: Self::Errand);
}

/// What a core wants done.
pub(super) enum Wish<E: Env<Fact = Fact>, C: Coordinator<E>> {
    Answer(u64, C::Reply),
    Persist(C::Write, Payload),
    SetTimer(C::Timer, Duration),
    CancelTimer(C::Timer),
    Run(C::Errand),
}

/// One core, in one epoch of its partition's leadership.
struct Desk<E: Env<Fact = Fact>, C: Coordinator<E>> {
    epoch: LeaderEpoch,
    core: C,
    waiting: BTreeMap<u64, oneshot::Sender<C::Reply>>,
    timers: BTreeMap<C::Timer, E::Task>,
    /// Written and not known to be in sync, in the order of the log.
    unsettled: VecDeque<(C::Write, Option<Offset>)>,
}

/// The desks of one kind that this broker has.
pub(super) struct Desks<E: Env<Fact = Fact>, C: Coordinator<E>> {
    desks: RefCell<BTreeMap<Partition, Desk<E, C>>>,
    written: Notify,
}

impl<E: Env<Fact = Fact>, C: Coordinator<E>> Default for Desks<E, C> {
    fn default() -> Self {
        Desks { desks: RefCell::default(), written: Notify::new() }
    }
}

impl<E: Env<Fact = Fact>> Broker<E> {
    /// Takes up the partitions of the coordinator's topic whenever it leads them.
    pub(super) fn coordinate<C: Coordinator<E>>(self: &Rc<Self>) {
        let own = self.hosts.values().filter(|host| host.partition.topic == C::TOPIC);
        for host in own {
            self.env.spawn(self.clone().settle_writes::<C>(host.clone()));
            self.env.spawn(self.clone().take_up::<C>(host.clone()));
        }
    }

    async fn take_up<C: Coordinator<E>>(self: Rc<Self>, host: Rc<Host>) {
        let desks = &C::desks(&self).desks;
        loop {
            let leads = leads_in(&host);
            let taken_up = desks.borrow().get(&host.partition).map(|desk| desk.epoch);
            if taken_up != leads {
                if let Some(desk) = desks.borrow_mut().remove(&host.partition) {
                    desk.timers.into_values().for_each(|timer| timer.abort());
                }
                if let Some(epoch) = leads
                    && self.is_readable(&host)
                {
                    C::prepare(&self, &host, epoch).await;
                    if leads_in(&host) == Some(epoch) {
                        self.load::<C>(&host, epoch).await;
                    }
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

    async fn load<C: Coordinator<E>>(self: &Rc<Self>, host: &Host, epoch: LeaderEpoch) {
        let Some(batches) = self.read_all(host, epoch).await else { return };
        let mut out = Vec::new();
        let core = C::recover(self, host.partition, &batches, &mut out);
        let (waiting, timers, unsettled) = (BTreeMap::new(), BTreeMap::new(), VecDeque::new());
        let desk = Desk { epoch, core, waiting, timers, unsettled };
        C::desks(self).desks.borrow_mut().insert(host.partition, desk);
        self.carry_out::<C>(host.partition, out);
    }

    /// All batches below the watermark, as it is in this very step. None when this broker does not lead in that epoch any
    /// more.
    async fn read_all(&self, host: &Host, epoch: LeaderEpoch) -> Option<Vec<Arc<Batch>>> {
        let mut all: Vec<Arc<Batch>> = Vec::new();
        while leads_in(host) == Some(epoch) {
            let (from, readable) = {
                let cores = host.cores.borrow();
                (all.last().map_or(cores.log.start(), |last| last.end()), cores.replica.watermark())
            };
            let found = host.cores.borrow().log.read(from, readable, u64::MAX);
            match found {
                Ok(Found::InMemory(found)) if !found.is_empty() => all.extend(found),
                Ok(Found::OnDisk { .. }) => {
                    all.extend(
                        self.read_from_disk(host, from, readable, u64::MAX).await.into_iter().flatten(),
                    );
                }
                Ok(Found::InMemory(_)) | Err(_) => return Some(all),
            }
        }
        None
    }

    /// Asks the coordinator at the desk of `partition`. None when this broker has no such desk; nothing was done then.
    /// Some of nothing when it leads no more: what was written may still count.
    pub(super) async fn ask_desk<C: Coordinator<E>>(
        self: &Rc<Self>,
        partition: Partition,
        input: impl FnOnce(u64) -> C::Input,
    ) -> Option<Option<C::Reply>> {
        let host = self.host(partition)?;
        let number = self.asked.replace(self.asked.get() + 1);
        let (sender, receiver) = oneshot::channel();
        {
            let mut desks = C::desks(self).desks.borrow_mut();
            let desk = desks.get_mut(&partition).filter(|desk| Some(desk.epoch) == leads_in(&host))?;
            desk.waiting.insert(number, sender);
        }
        self.step_desk::<C>(partition, input(number));
        Some(receiver.await.ok())
    }

    /// Hands the core at the desk of `partition` an input, if there is one.
    pub(super) fn step_desk<C: Coordinator<E>>(self: &Rc<Self>, partition: Partition, input: C::Input) {
        let mut out = Vec::new();
        {
            let mut desks = C::desks(self).desks.borrow_mut();
            let Some(desk) = desks.get_mut(&partition) else { return };
            desk.core.step(self, input, &mut out);
        }
        self.carry_out::<C>(partition, out);
    }

    /// Whether this broker is at work at the desk of `partition`, in this epoch.
    pub(super) fn is_at_desk<C: Coordinator<E>>(&self, partition: Partition, epoch: LeaderEpoch) -> bool {
        C::desks(self).desks.borrow().get(&partition).is_some_and(|desk| desk.epoch == epoch)
    }

    fn carry_out<C: Coordinator<E>>(self: &Rc<Self>, partition: Partition, out: Vec<Wish<E, C>>) {
        for wish in out {
            let mut desks = C::desks(self).desks.borrow_mut();
            let Some(desk) = desks.get_mut(&partition) else { return };
            match wish {
                Wish::Answer(request, reply) => {
                    if let Some(waiting) = desk.waiting.remove(&request) {
                        // Whoever asked may be gone.
                        let _ = waiting.send(reply);
                    }
                }
                Wish::Persist(write, payload) => {
                    let host = self.host(partition).expect("a desk has its partition");
                    let end = self.append_own(&host, desk.epoch, payload);
                    desk.unsettled.push_back((write, end.ok()));
                    C::desks(self).written.notify_waiters();
                }
                Wish::SetTimer(timer, after) => {
                    let task = self.env.spawn(self.clone().fire::<C>(partition, timer, after));
                    desk.timers.insert(timer, task);
                }
                Wish::CancelTimer(timer) => {
                    if let Some(task) = desk.timers.remove(&timer) {
                        task.abort();
                    }
                }
                Wish::Run(errand) => {
                    let epoch = desk.epoch;
                    drop(desks);
                    C::run(self, partition, epoch, errand);
                }
            }
        }
    }

    async fn fire<C: Coordinator<E>>(self: Rc<Self>, partition: Partition, timer: C::Timer, after: Duration) {
        self.env.sleep(after).await;
        if let Some(desk) = C::desks(&self).desks.borrow_mut().get_mut(&partition) {
            desk.timers.remove(&timer);
        }
        self.step_desk::<C>(partition, C::fired(timer));
    }

    /// Tells the core what of its writes is in sync, in the order of the log.
    async fn settle_writes<C: Coordinator<E>>(self: Rc<Self>, host: Rc<Host>) {
        let Desks { desks, written } = C::desks(&self);
        loop {
            let first = {
                let desks = desks.borrow();
                desks.get(&host.partition).and_then(|desk| Some((desk.epoch, *desk.unsettled.front()?)))
            };
            let Some((epoch, (write, end))) = first else {
                written.notified().await;
                continue;
            };
            let persisted = match end {
                Some(end) => self.in_sync(&host, end, epoch).await.is_ok(),
                None => false,
            };
            {
                let mut desks = desks.borrow_mut();
                let Some(desk) = desks.get_mut(&host.partition).filter(|desk| desk.epoch == epoch) else {
                    continue;
                };
                desk.unsettled.pop_front();
            }
            self.step_desk::<C>(host.partition, C::settled(write, persisted));
        }
    }
}

/// The epoch in which this broker leads the partition, if it does.
pub(super) fn leads_in(host: &Host) -> Option<LeaderEpoch> {
    match host.cores.borrow().replica.role() {
        Role::Leading(leadership) => Some(leadership.epoch()),
        _ => None,
    }
}
