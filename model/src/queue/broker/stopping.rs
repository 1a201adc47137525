//! How a broker stops when it was asked to.
//!
//! 1. Wait until others lead in its place, and are in sync without it; or until it has waited long enough.
//! 2. Take nothing more.
//! 3. Write and sync what it has, so that nothing is lost that it ever said it has.
//! 4. Leave a mark of that on the disk.
//! 5. End its session, so that nobody has to wait until that is over by itself.

use super::super::brokers::{BrokerEpoch, BrokerId, Brokers};
use super::super::defects::Defect;
use super::super::facts::{Fact, OfRestarts};
use super::super::restart::{Mark, Stop};
use super::{Broker, Known, mark};
use rehearsal_env::Env;

impl Known {
    /// Who is asked to stop in the life that he lives.
    pub(super) fn stopping(&self) -> Brokers {
        let is_meant = |broker: &BrokerId| self.asked(*broker, self.live[broker]).is_some();
        self.live.keys().copied().filter(is_meant).collect()
    }

    fn asked(&self, broker: BrokerId, life: BrokerEpoch) -> Option<Stop> {
        self.stops.get(&broker).copied().filter(|stop| stop.life == life)
    }

    /// Whether others lead in this broker's place, and are in sync without it.
    fn is_spared(&self, broker: BrokerId) -> bool {
        let needs = |state: &super::PartitionState| {
            state.in_sync.has(broker) || state.leader.is_some_and(|leader| leader.broker == broker)
        };
        !self.partitions.values().any(|(state, _)| needs(state))
    }
}

impl<E: Env<Fact = Fact>> Broker<E> {
    /// Returns when this broker has stopped in order, which is never if nobody asks it to.
    pub(super) async fn stop_when_asked(&self) {
        let stop = loop {
            let asked = self.known.borrow().asked(self.me, self.life);
            match asked {
                Some(stop) => break stop,
                None => self.news.notified().await,
            }
        };
        // 1.
        let handed_over = self.plan.defects.has(Defect::StopsWithoutHandingOver)
            || self.env.timeout(stop.limit.duration(), self.wait_until_spared()).await.is_ok();
        // 2.
        self.hosts.values().for_each(|host| host.closed.set(true));
        // 3.
        if !self.plan.defects.has(Defect::StopsBeforeSyncing) {
            self.wait_until_all_is_on_disk().await;
        }
        // 4.
        let Stop { life, down, .. } = stop;
        if mark::leave(&self.env, Mark { life, down }).await.is_err() {
            return;
        }
        self.env.observe(Fact::OfRestarts(OfRestarts::Stopped { broker: self.me, life, handed_over }));
        // 5. If that is not heard, it ends by itself.
        let _ = self.session.close().await;
    }

    async fn wait_until_spared(&self) {
        while !self.known.borrow().is_spared(self.me) {
            self.news.notified().await;
        }
    }

    async fn wait_until_all_is_on_disk(&self) {
        for host in self.hosts.values() {
            while !host.is_on_disk() {
                host.changed.notified().await;
            }
        }
    }
}
