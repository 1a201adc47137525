//! Works through what is lent to it.
//!
//! 1. Ask the group's lender for messages of a partition. When there is nothing, wait at the partition's end for more.
//! 2. Read what stands there, and have it used, one message after the other.
//! 3. Acknowledge each, or give it back; the next is begun before the lender has answered.

use super::super::facts::{Fact, LendingFact};
use super::super::lending::{self, Held, LoanNumber};
use super::super::offset::Offset;
use super::super::partition::Partition;
use super::super::plan::Plan;
use super::super::protocol::{Answer, LendingRefusal, LendingRequest, Refusal, Request};
use super::super::reading::{Footing, Shown, ShownRecord, Terms};
use super::super::record::Record;
use super::{Client, NotAnswered};
use rehearsal_env::{Env, Span};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

/// How many messages of a partition it takes at once.
const AT_ONCE: u32 = 4;

/// A message that is lent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Loan {
    /// Which, under which loan.
    pub held: Held,
    /// How often it was lent before.
    pub tries: u32,
}

/// What is done with a record.
pub trait Use: 'static {
    /// Takes as long as it needs, though the loan may run out meanwhile. Whether it is done with: if not, it is lent to
    /// another.
    fn make(&self, loan: Loan, record: &Record) -> impl Future<Output = bool>;
}

/// Works through what is lent to it.
pub struct Borrower<E: Env, U: Use> {
    env: E,
    client: Rc<Client<E>>,
    group: u32,
    /// How long a loan lasts.
    lasts: Duration,
    user: U,
    terms: Terms,
    plan: Arc<Plan>,
}

/// What stands at an offset and behind it.
enum Found {
    Records(Shown),
    /// The log starts only there.
    StartsAt(Offset),
    /// The log ends before: something was forgotten that had been written.
    EndsBefore,
}

impl<E: Env<Fact = Fact>, U: Use> Borrower<E, U> {
    /// One of `group`, whose loans last so long, that hands records to `user`, those that it gets on these terms.
    pub fn new(
        env: &E,
        client: Rc<Client<E>>,
        (group, loan): (u32, Span),
        user: U,
        terms: Terms,
        plan: &Arc<Plan>,
    ) -> Rc<Self> {
        let (env, lasts, plan) = (env.clone(), loan.duration(), plan.clone());
        Rc::new(Borrower { env, client, group, lasts, user, terms, plan })
    }

    /// Borrows from this partition, for ever.
    pub async fn work(self: Rc<Self>, partition: Partition) {
        let mut end = Offset::ZERO;
        loop {
            // 1.
            match self.borrow(partition, end).await {
                Ok(Some((loan, messages))) => self.use_all(partition, loan, messages).await,
                Ok(None) => end = self.wait_for_more(partition, end).await,
                Err(NotAnswered) => self.pause().await,
            }
        }
    }

    async fn borrow(
        &self,
        partition: Partition,
        end: Offset,
    ) -> Result<Option<(LoanNumber, BTreeMap<Offset, u32>)>, NotAnswered> {
        let asked = self.env.now();
        let answer = self.ask(LendingRequest::Borrow { partition, end, most: AT_ONCE }).await?;
        let Ok(lending::Answer::Lent { loan, messages }) = answer else {
            return if answer.is_ok() { Ok(None) } else { Err(NotAnswered) };
        };
        let waited = Span(self.env.now().nanos() - asked.nanos());
        let offsets = messages.keys().copied().collect();
        self.tell(LendingFact::Borrowed { loan, partition, offsets, waited });
        Ok(Some((loan, messages)))
    }

    /// Where the readable part of the partition ends, when it ends elsewhere, or after a while.
    async fn wait_for_more(&self, partition: Partition, end: Offset) -> Offset {
        match self.client.fetch(partition, end, self.terms, Footing::default()).await {
            Ok(Ok(fetched)) => fetched.end,
            Ok(Err(Refusal::OutOfRange { end: found, .. })) => found,
            Ok(Err(_)) | Err(NotAnswered) => {
                self.pause().await;
                end
            }
        }
    }

    /// 2. What is over for sure is not begun: the loan began before this consumer was told of it.
    async fn use_all(
        self: &Rc<Self>,
        partition: Partition,
        loan: LoanNumber,
        mut left: BTreeMap<Offset, u32>,
    ) {
        let held = |offset| Held { partition, offset, loan };
        let over = self.env.now() + self.lasts;
        while let Some((first, _)) = left.first_key_value().filter(|_| self.env.now() < over) {
            let (first, found) = (*first, self.read(partition, *first).await);
            let behind = match &found {
                Some(Found::Records(shown)) => left.split_off(&shown.next),
                Some(Found::StartsAt(start)) => left.split_off(start),
                Some(Found::EndsBefore) => BTreeMap::new(),
                None => continue,
            };
            let reached = std::mem::replace(&mut left, behind);
            match found {
                Some(Found::Records(Shown { records, .. })) => {
                    let mut records: BTreeMap<Offset, ShownRecord> =
                        records.into_iter().map(|shown| (shown.offset, shown)).collect();
                    for (offset, tries) in reached {
                        if self.env.now() >= over {
                            return;
                        }
                        let loan = Loan { held: held(offset), tries };
                        self.use_one(loan, records.remove(&offset)).await;
                    }
                }
                Some(Found::StartsAt(start)) => {
                    let (group, reset) = (self.group, Some(start));
                    self.env.observe(Fact::OffsetOutOfRange { group, partition, offset: first, reset });
                    reached.into_keys().for_each(|offset| self.acknowledge(held(offset)));
                }
                Some(Found::EndsBefore) | None => {
                    for offset in reached.into_keys() {
                        self.give_back(held(offset)).await;
                    }
                    self.pause().await;
                }
            }
        }
    }

    /// 3. Where nothing stands for this consumer, there is nothing to be done.
    async fn use_one(self: &Rc<Self>, loan: Loan, shown: Option<ShownRecord>) {
        let done = match shown {
            Some(ShownRecord { record, .. }) => self.user.make(loan, &record).await,
            None => true,
        };
        if done {
            self.acknowledge(loan.held);
        } else {
            self.give_back(loan.held).await;
        }
    }

    /// None when it is to be read again. Waits for some time for something.
    async fn read(&self, partition: Partition, offset: Offset) -> Option<Found> {
        match self.client.fetch(partition, offset, self.terms, Footing::default()).await {
            Ok(Ok(fetched)) => {
                let defects = self.plan.defects;
                let shown = self.client.look_at(partition, offset, fetched, self.terms, defects);
                shown.map(Found::Records)
            }
            Ok(Err(Refusal::OutOfRange { start, .. })) if offset < start => Some(Found::StartsAt(start)),
            Ok(Err(Refusal::OutOfRange { .. })) => Some(Found::EndsBefore),
            Ok(Err(_)) | Err(NotAnswered) => {
                self.pause().await;
                None
            }
        }
    }

    /// Acknowledges until an answer comes. Unanswered it may have been taken, so it may be acknowledged twice.
    fn acknowledge(self: &Rc<Self>, held: Held) {
        let borrower = self.clone();
        self.env.spawn(async move {
            loop {
                borrower.tell(LendingFact::Acknowledges(held));
                let counts = match borrower.ask(LendingRequest::Acknowledge(held)).await {
                    Ok(Ok(_)) => true,
                    Ok(Err(lending::Refusal::LoanOver)) => false,
                    Ok(Err(lending::Refusal::AcknowledgedBefore)) => return,
                    Ok(Err(lending::Refusal::NotPersisted)) | Err(NotAnswered) => {
                        borrower.pause().await;
                        continue;
                    }
                };
                return borrower.tell(LendingFact::Told { held, counts });
            }
        });
    }

    /// Asks once: if it is not heard, the loan runs out.
    async fn give_back(&self, held: Held) {
        self.tell(LendingFact::GivesBack(held));
        let _ = self.ask(LendingRequest::GiveBack(held)).await;
    }

    async fn ask(
        &self,
        request: LendingRequest,
    ) -> Result<Result<lending::Answer, lending::Refusal>, NotAnswered> {
        let partition = Plan::loans_partition(self.group);
        let request = Request::Lending { group: self.group, request };
        match self.client.ask_leader(partition, request).await? {
            Answer::Lending(Ok(answer)) => Ok(Ok(answer)),
            Answer::Lending(Err(LendingRefusal::Refused(refusal))) => Ok(Err(refusal)),
            _ => Err(NotAnswered),
        }
    }

    fn tell(&self, what: LendingFact) {
        self.env.observe(Fact::Lending { group: self.group, what });
    }

    /// Waits a little before it asks again.
    async fn pause(&self) {
        self.env.sleep(self.plan.knobs.backoff.duration()).await;
    }
}
