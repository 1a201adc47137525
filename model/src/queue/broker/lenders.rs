//! The groups to which this broker lends: those whose partition of the loans topic it leads.

use super::super::facts::{Fact, LendingFact};
use super::super::lending::{
    self, Input, Lender, LendingEntry, LoanNumber, Output, Refusal, RequestId, WriteId,
};
use super::super::offset::LeaderEpoch;
use super::super::partition::{Partition, Topic};
use super::super::plan::Plan;
use super::super::protocol::{LendingRefusal, LendingRequest};
use super::super::record::{Batch, Content};
use super::desk::{Coordinator, Desks, Wish};
use super::{Broker, entries};
use rehearsal_env::Env;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

/// The lenders of one partition of the loans topic, by group.
#[derive(Debug)]
pub(super) struct Lenders(BTreeMap<u32, Lender>);

impl<E: Env<Fact = Fact>> Coordinator<E> for Lenders {
    const TOPIC: Topic = Topic::Loans;
    type Input = (u32, Input);
    type Reply = Result<lending::Answer, Refusal>;
    type Write = (u32, WriteId);
    type Timer = (u32, LoanNumber);
    type Errand = Infallible;

    fn desks(broker: &Broker<E>) -> &Desks<E, Self> {
        &broker.lenders
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
        let mut remembered: BTreeMap<u32, Vec<LendingEntry>> = BTreeMap::new();
        for (group, entry) in records.filter_map(entries::of_group) {
            remembered.entry(group).or_default().push(entry);
        }
        let mut lenders = BTreeMap::new();
        for (group, remembered) in remembered {
            let mut wants = Vec::new();
            let time = broker.time_of_loans(group);
            let lender = Lender::recover(time, broker.plan.defects, remembered, &mut wants);
            for (partition, shelf) in lender.shelves() {
                let what = LendingFact::Loaded {
                    partition: *partition,
                    start: shelf.start(),
                    acknowledged: shelf.acknowledged(),
                    standing: lender.standing(*partition),
                };
                broker.env.observe(Fact::Lending { group, what });
            }
            lenders.insert(group, lender);
            out.extend(wants.into_iter().filter_map(|output| broker.wish_of_lender(group, output)));
        }
        Lenders(lenders)
    }

    fn step(&mut self, broker: &Broker<E>, (group, input): (u32, Input), out: &mut Vec<Wish<E, Self>>) {
        let unknown = || Lender::new(broker.time_of_loans(group), broker.plan.defects);
        let mut wants = Vec::new();
        self.0.entry(group).or_insert_with(unknown).step(input, &mut wants);
        out.extend(wants.into_iter().filter_map(|output| broker.wish_of_lender(group, output)));
    }

    fn settled((group, write): (u32, WriteId), persisted: bool) -> (u32, Input) {
        (group, if persisted { Input::Persisted(write) } else { Input::NotPersisted(write) })
    }

    fn fired((group, loan): (u32, LoanNumber)) -> (u32, Input) {
        (group, Input::RanOut(loan))
    }

    fn run(_: &Rc<Broker<E>>, _: Partition, _: LeaderEpoch, errand: Infallible) {
        match errand {}
    }
}

impl<E: Env<Fact = Fact>> Broker<E> {
    /// How long a loan of this group lasts; no time where nothing is lent.
    fn time_of_loans(&self, group: u32) -> Duration {
        self.plan.lending_groups().get(&group).map_or(Duration::ZERO, |loan| loan.duration())
    }

    fn wish_of_lender(&self, group: u32, output: Output) -> Option<Wish<E, Lenders>> {
        let told = match output {
            Output::Answer { request, result } => return Some(Wish::Answer(request.0, result)),
            Output::Persist { write, entry } => {
                let record = entries::record(&group.to_le_bytes(), &entry, self.env.wall().micros());
                return Some(Wish::Persist((group, write), entries::payload(record)));
            }
            Output::SetTimer(loan, after) => return Some(Wish::SetTimer((group, loan), after)),
            Output::CancelTimer(loan) => return Some(Wish::CancelTimer((group, loan))),
            Output::Returned { loan, partition, offsets } => LendingFact::RanOut { loan, partition, offsets },
            Output::Removed(held) => LendingFact::Removed(held),
        };
        self.env.observe(Fact::Lending { group, what: told });
        None
    }

    /// A consumer asks its group's lender.
    pub(super) async fn ask_lender(
        self: &Rc<Self>,
        group: u32,
        asked: LendingRequest,
    ) -> Result<lending::Answer, LendingRefusal> {
        let input = |number| {
            let request = RequestId(number);
            let input = match asked {
                LendingRequest::Borrow { partition, end, most } => {
                    Input::Borrow { request, partition, end, most }
                }
                LendingRequest::Acknowledge(held) => Input::Acknowledge { request, held },
                LendingRequest::GiveBack(held) => Input::GiveBack { request, held },
            };
            (group, input)
        };
        self.ask_desk::<Lenders>(Plan::loans_partition(group), input)
            .await
            .ok_or(LendingRefusal::NotLender)?
            .unwrap_or(Err(Refusal::NotPersisted))
            .map_err(LendingRefusal::Refused)
    }
}
