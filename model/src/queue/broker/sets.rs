//! The in-sync sets of the partitions that this broker leads.

use super::super::brokers::Brokers;
use super::super::controller::SetRefusal;
use super::super::defects::Defect;
use super::super::facts::Fact;
use super::super::keys::{self, PartitionEntry};
use super::super::replica::{Role, SetRequest};
use super::{Broker, Host};
use crate::coordination::{Check, CoordinationError, Edit, Revision};
use rehearsal_env::Env;
use std::rc::Rc;

/// What became of a request.
enum Asked {
    /// The state is this now.
    Written(super::PartitionState, Revision),
    /// It will never be accepted.
    Refused,
    /// Something has changed, or nobody knows: what is heard next tells.
    Open,
}

impl<E: Env<Fact = Fact>> Broker<E> {
    /// Looks from time to time who lags.
    pub(super) async fn keep_sets(self: Rc<Self>) {
        let lag = self.plan.knobs.lag.duration();
        loop {
            self.env.sleep(lag / 2).await;
            for host in self.hosts.values() {
                self.shrink(host);
                self.ask_for_set(host);
            }
        }
    }

    fn shrink(&self, host: &Host) {
        let lag = self.plan.knobs.lag.duration();
        let mut cores = host.cores.borrow_mut();
        let Role::Leading(leadership) = cores.replica.role() else { return };
        let now = self.env.now();
        let end = cores.replica.end();
        let has_all = |broker| leadership.progress(broker).is_some_and(|progress| progress.held >= end);
        let late = |broker| cores.lag.caught_up(broker).is_none_or(|since| now.since(since) > lag);
        let lags = |broker| late(broker) && !has_all(broker);
        let lagging: Brokers =
            leadership.in_sync().without(self.me).iter().filter(|broker| lags(*broker)).collect();
        if cores.replica.shrink(lagging, host.settings).is_some() {
            self.env.observe(Fact::SetShrinks { partition: host.partition });
            host.moved(&self.env, &mut cores);
        }
    }

    /// Takes those in who have caught up, one at a time, and nobody who is about to stop (KIP-841).
    pub(super) fn expand(self: &Rc<Self>, host: &Rc<Host>) {
        let mut cores = host.cores.borrow_mut();
        let caught_up = cores.replica.caught_up(host.settings);
        if caught_up.is_empty() {
            return;
        }
        let stay = caught_up.minus(self.known.borrow().stopping());
        let Some(joining) = stay.iter().next() else { return };
        if cores.replica.expand(joining, host.settings).is_some() {
            self.env.observe(Fact::SetGrows { partition: host.partition });
            drop(cores);
            self.ask_for_set(host);
        }
    }

    /// Asks for the set that is proposed, until that is settled.
    fn ask_for_set(self: &Rc<Self>, host: &Rc<Host>) {
        if proposed(host).is_some() && !host.asking.replace(true) {
            let (broker, host) = (self.clone(), host.clone());
            self.env.spawn(async move {
                broker.settle_set(&host).await;
                host.asking.set(false);
            });
        }
    }

    async fn settle_set(self: &Rc<Self>, host: &Rc<Host>) {
        while let Some(request) = proposed(host) {
            match self.write_set(host, &request).await {
                Asked::Written(state, revision) => {
                    let entry = PartitionEntry { partition: host.partition, state, ordered: None };
                    self.told(&entry, revision);
                }
                Asked::Refused => {
                    let mut cores = host.cores.borrow_mut();
                    cores.replica.set_refused(&request, host.settings);
                    host.moved(&self.env, &mut cores);
                }
                Asked::Open => {
                    // A changed state is heard of soon; else this is asked again.
                    let heard = host.changed.notified();
                    let _ = self.env.timeout(self.plan.knobs.backoff.duration(), heard).await;
                }
            }
        }
    }

    /// One try to write the set, as a compare-and-set (rule R6).
    async fn write_set(&self, host: &Host, request: &SetRequest) -> Asked {
        let defects = self.plan.defects;
        let (state, known) = {
            let known = self.known.borrow();
            let Some((state, revision)) = known.partitions.get(&host.partition) else { return Asked::Open };
            let live = &known.live;
            let life_of = |broker| live.get(&broker).copied();
            match state.change_set(request, life_of, host.settings.min_insync, defects) {
                Ok(next) => (next, *revision),
                Err(SetRefusal::Stale) => return Asked::Open,
                Err(SetRefusal::AnotherLife | SetRefusal::NotASet) => return Asked::Refused,
            }
        };
        let key = keys::partition(host.partition);
        // A session may outlast the life that opened it, when a broker is back before its silence is noticed.
        let mut checks = vec![Check::version(keys::broker(self.me), Revision(self.life.0))];
        if !defects.has(Defect::SetWrittenBlindly) {
            checks.push(Check::version(key.clone(), known));
        }
        if let Some((broker, life)) = request.joining
            && !defects.has(Defect::BrokerEpochIgnored)
        {
            checks.push(Check::version(keys::broker(broker), Revision(life.0)));
        }
        let entry = PartitionEntry { partition: host.partition, state, ordered: None };
        let write = Edit::put(key.clone(), keys::encode(&entry));
        match self.session.transact(checks, vec![write]).await {
            Ok(revision) => Asked::Written(entry.state, revision),
            Err(CoordinationError::Conflict { key: in_conflict, .. }) => {
                self.env.observe(Fact::SetRefused { partition: host.partition });
                if in_conflict == key { Asked::Open } else { Asked::Refused }
            }
            Err(_) => Asked::Open,
        }
    }

    /// This broker has written a state itself, and need not wait to hear of it.
    pub(super) fn told(&self, entry: &PartitionEntry, revision: Revision) {
        let known = self.known.borrow().partitions.get(&entry.partition).map(|(_, known)| *known);
        if known.is_some_and(|known| known >= revision) {
            return;
        }
        let news = (entry.state.clone(), revision);
        self.known.borrow_mut().partitions.insert(entry.partition, news);
        if let Some(host) = self.host(entry.partition) {
            host.ordered(&self.env, &entry.state);
        }
    }
}

fn proposed(host: &Host) -> Option<SetRequest> {
    match host.cores.borrow().replica.role() {
        Role::Leading(leadership) => leadership.proposed().copied(),
        _ => None,
    }
}
