//! What coordinators of transactions and leaders of partitions ask of each other.

use super::super::facts::Fact;
use super::super::identity::ProducerIdentity;
use super::super::partition::{Partition, Topic};
use super::super::plan::Plan;
use super::super::protocol::{ErrandBody, ErrandMessage, Refusal, TransactionRefusal};
use super::super::record::{Content, Payload, Verdict};
use super::super::transactions::{self, TransactionalId};
use super::Broker;
use super::counter::Submission;
use super::groups::{GroupInput, Groups};
use super::transactions::Transactions;
use rehearsal_env::{Env, Port, Received};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use tokio::sync::oneshot;

/// The errands of this broker that are not done.
pub(super) struct Errands<E: Env> {
    port: E::Port<ErrandMessage>,
    under_way: RefCell<BTreeMap<u64, oneshot::Sender<ErrandBody>>>,
    count: Cell<u64>,
}

impl<E: Env> Errands<E> {
    pub(super) fn bind(env: &E) -> Self {
        Errands { port: env.bind(), under_way: RefCell::default(), count: Cell::new(0) }
    }
}

impl<E: Env<Fact = Fact>> Broker<E> {
    /// Takes what other brokers, and this one, ask and answer.
    pub(super) async fn run_errands(self: Rc<Self>) {
        loop {
            let Received { from, message: ErrandMessage { number, body } } = self.errands.port.recv().await;
            match body {
                ErrandBody::Verify { id, producer, partition } => {
                    let broker = self.clone();
                    self.env.spawn(async move {
                        let verified = broker.ask_whether_open(id, producer, partition).await;
                        let body = ErrandBody::Verified(verified);
                        broker.errands.port.send(from, ErrandMessage { number, body });
                    });
                }
                ErrandBody::WriteMarker { partition, producer, verdict } => {
                    let broker = self.clone();
                    self.env.spawn(async move {
                        if broker.write_marker(partition, producer, verdict).await.is_ok() {
                            let body = ErrandBody::MarkerWritten;
                            broker.errands.port.send(from, ErrandMessage { number, body });
                        }
                    });
                }
                answer => {
                    if let Some(waiting) = self.errands.under_way.borrow_mut().remove(&number) {
                        // Whoever asked may have lost interest.
                        let _ = waiting.send(answer);
                    }
                }
            }
        }
    }

    /// Asks the leader of `of` once, as far as this broker knows who that is. None when no answer comes in time.
    pub(super) async fn send_errand(&self, of: Partition, body: ErrandBody) -> Option<ErrandBody> {
        let leader = {
            let known = self.known.borrow();
            known.partitions.get(&of).and_then(|(state, _)| state.leader)
        };
        let Some(leader) = leader else {
            self.env.sleep(self.plan.knobs.backoff.duration()).await;
            return None;
        };
        let number = self.errands.count.replace(self.errands.count.get() + 1);
        let (sender, receiver) = oneshot::channel();
        self.errands.under_way.borrow_mut().insert(number, sender);
        self.errands.port.send(self.node_of(leader.broker), ErrandMessage { number, body });
        let answer = self.env.timeout(self.plan.knobs.resend.duration(), receiver).await;
        self.errands.under_way.borrow_mut().remove(&number);
        answer.ok()?.ok()
    }

    /// Has the coordinator say that the transaction is open and includes the partition (KIP-890).
    pub(super) async fn verify(
        &self,
        id: TransactionalId,
        producer: ProducerIdentity,
        partition: Partition,
    ) -> Result<(), Refusal> {
        let question = ErrandBody::Verify { id, producer, partition };
        match self.send_errand(Plan::transactions_partition(id), question).await {
            Some(ErrandBody::Verified(Ok(()))) => {
                let host = self.host(partition).ok_or(Refusal::UnknownPartition)?;
                host.cores.borrow_mut().producers.verified(producer);
                Ok(())
            }
            Some(ErrandBody::Verified(Err(TransactionRefusal::Refused(refusal))))
                if !refusal.is_retriable() =>
            {
                Err(Refusal::Fenced)
            }
            _ => Err(Refusal::NotVerified),
        }
    }

    async fn ask_whether_open(
        self: &Rc<Self>,
        id: TransactionalId,
        producer: ProducerIdentity,
        partition: Partition,
    ) -> Result<(), TransactionRefusal> {
        let request = |request| transactions::Input::Verify { request, id, producer, partition };
        self.ask_transactions(id, request).await.map(|_| ())
    }

    /// Appends a marker to a partition that this broker leads, and waits until it is in sync. Ok also when the partition
    /// has fenced it: then its transaction has no part there any more.
    async fn write_marker(
        self: &Rc<Self>,
        partition: Partition,
        producer: ProducerIdentity,
        verdict: Verdict,
    ) -> Result<(), Refusal> {
        let host = self.host(partition).ok_or(Refusal::UnknownPartition)?;
        let stamp = Some(producer.stamp(0));
        let payload = Payload { producer: stamp, transactional: true, content: Content::Marker(verdict) };
        match self.append_checked(&host, super::Acks::All, Submission::own(payload)) {
            Ok((_, end, epoch)) => self.in_sync(&host, end, epoch).await?,
            Err(Refusal::Fenced) => {}
            Err(refusal) => return Err(refusal),
        }
        if partition.topic == Topic::Offsets {
            self.step_desk::<Groups>(partition, GroupInput::TransactionEnded { producer, verdict });
        }
        Ok(())
    }

    /// Has a marker written, again and again, as long as this broker is the coordinator that decided it.
    pub(super) async fn have_marker_written(
        self: Rc<Self>,
        desk: Partition,
        epoch: super::LeaderEpoch,
        marker: super::transactions::Marker,
    ) {
        let super::transactions::Marker { id, partition, producer, verdict } = marker;
        while self.is_at_desk::<Transactions>(desk, epoch) {
            let body = ErrandBody::WriteMarker { partition, producer, verdict };
            if let Some(ErrandBody::MarkerWritten) = self.send_errand(partition, body).await {
                let input = transactions::Input::MarkerWritten { id, producer, partition };
                return self.step_desk::<Transactions>(desk, input);
            }
        }
    }
}
