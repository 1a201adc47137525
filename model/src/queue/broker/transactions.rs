//! The transactional ids whose partition of the transactions topic this broker leads.

use super::super::facts::Fact;
use super::super::identity::ProducerIdentity;
use super::super::offset::LeaderEpoch;
use super::super::partition::{Partition, Topic};
use super::super::plan::Plan;
use super::super::protocol::{TransactionRefusal, TransactionRequest};
use super::super::record::{Batch, Content, Verdict};
use super::super::transactions::{
    After, Answer, Entry, Input, Output, Refusal, RequestId, State, Timer, TransactionalId,
    Transactions as Core, WriteId,
};
use super::desk::{Coordinator, Desks, Wish};
use super::{Broker, entries};
use rehearsal_env::Env;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;

/// All transactional ids of one partition of the transactions topic.
#[derive(Debug)]
pub(super) struct Transactions(Core);

/// A marker that is to be written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Marker {
    pub(super) id: TransactionalId,
    pub(super) partition: Partition,
    pub(super) producer: ProducerIdentity,
    pub(super) verdict: Verdict,
}

impl<E: Env<Fact = Fact>> Coordinator<E> for Transactions {
    const TOPIC: Topic = Topic::Transactions;
    type Input = Input;
    type Reply = Result<Answer, Refusal>;
    type Write = WriteId;
    type Timer = Timer;
    type Errand = Marker;

    fn desks(broker: &Broker<E>) -> &Desks<E, Self> {
        &broker.transactions
    }

    fn recover(
        broker: &Broker<E>,
        _: Partition,
        batches: &[Arc<Batch>],
        out: &mut Vec<Wish<E, Self>>,
    ) -> Self {
        let records = batches.iter().flat_map(|batch| match &batch.payload.content {
            Content::Records(records) => records.as_slice(),
            Content::Marker(_) | Content::Routing(_) => &[],
        });
        let entries: Vec<Entry> =
            records.filter_map(|record| postcard::from_bytes(&record.value).ok()).collect();
        let mut wants = Vec::new();
        let core = Core::recover(broker.plan.defects, entries.clone(), &mut wants);
        let ids: BTreeSet<TransactionalId> = entries.iter().map(|entry| entry.id).collect();
        for entry in ids.into_iter().filter_map(|id| core.entry(id)) {
            if let State::Prepare(prepared) = &entry.state {
                broker.env.observe(Fact::TransactionTakenUp { id: entry.id, producer: prepared.ended });
            }
        }
        out.extend(wants.into_iter().map(|output| broker.wish_of_transactions(output)));
        Transactions(core)
    }

    fn step(&mut self, broker: &Broker<E>, input: Input, out: &mut Vec<Wish<E, Self>>) {
        let mut wants = Vec::new();
        self.0.step(input, &mut wants);
        out.extend(wants.into_iter().map(|output| broker.wish_of_transactions(output)));
    }

    fn settled(write: WriteId, persisted: bool) -> Input {
        if persisted { Input::Persisted(write) } else { Input::NotPersisted(write) }
    }

    fn fired(timer: Timer) -> Input {
        Input::TimerFired(timer)
    }

    fn run(broker: &Rc<Broker<E>>, desk: Partition, epoch: LeaderEpoch, marker: Marker) {
        broker.env.spawn(broker.clone().have_marker_written(desk, epoch, marker));
    }
}

impl<E: Env<Fact = Fact>> Broker<E> {
    fn wish_of_transactions(&self, output: Output) -> Wish<E, Transactions> {
        match output {
            Output::Answer { request, result } => Wish::Answer(request.0, result),
            Output::Persist { write, entry } => {
                if let State::Prepare(prepared) = &entry.state {
                    let (id, producer, verdict) = (entry.id, prepared.ended, prepared.verdict);
                    let fenced = prepared.after != After::Complete;
                    self.env.observe(Fact::TransactionEnding { id, producer, verdict, fenced });
                }
                let record = entries::record(&entry.id.0.to_le_bytes(), &entry, self.env.wall().micros());
                Wish::Persist(write, entries::payload(record))
            }
            Output::WriteMarker { id, partition, producer, verdict } => {
                Wish::Run(Marker { id, partition, producer, verdict })
            }
            Output::SetTimer { timer, after } => Wish::SetTimer(timer, after),
            Output::CancelTimer(timer) => Wish::CancelTimer(timer),
        }
    }

    /// A producer asks about its transactional id.
    pub(super) async fn ask_transaction(
        self: &Rc<Self>,
        id: TransactionalId,
        asked: TransactionRequest,
    ) -> Result<Answer, TransactionRefusal> {
        let fresh_producer_id = self.env.bits();
        self.ask_transactions(id, |request| match asked {
            TransactionRequest::Initialise { timeout } => {
                Input::Initialise { request, id, timeout, known: None, fresh_producer_id }
            }
            TransactionRequest::AddPartitions { producer, partitions } => {
                Input::AddPartitions { request, id, producer, partitions }
            }
            TransactionRequest::End { producer, verdict } => Input::End { request, id, producer, verdict },
        })
        .await
    }

    /// Hands a request to the coordinator of the id, if this broker is that.
    pub(super) async fn ask_transactions(
        self: &Rc<Self>,
        id: TransactionalId,
        request: impl FnOnce(RequestId) -> Input,
    ) -> Result<Answer, TransactionRefusal> {
        let partition = Plan::transactions_partition(id);
        self.ask_desk::<Transactions>(partition, |number| request(RequestId(number)))
            .await
            .ok_or(TransactionRefusal::NotCoordinator)?
            .ok_or(TransactionRefusal::CoordinatorLost)?
            .map_err(TransactionRefusal::Refused)
    }
}
