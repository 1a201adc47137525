//! Transactions of one producer after the other under one transactional id (KIP-98).

use super::super::defects::Defects;
use super::super::facts::Fact;
use super::super::identity::ProducerIdentity;
use super::super::partition::Partition;
use super::super::plan::Plan;
use super::super::production::{Fate, Settings};
use super::super::protocol::{Answer, Request, TransactionRefusal, TransactionRequest};
use super::super::record::{Record, Verdict};
use super::super::transactions::{self, TransactionalId};
use super::{Client, Sender};
use rehearsal_env::Env;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Duration;
use tokio::sync::oneshot;

/// The transaction cannot be committed by whoever has it: it is to be aborted, or has ended already, and how is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Lost;

/// A producer that does one transaction after the other.
pub struct Transactional<E: Env> {
    env: E,
    client: Rc<Client<E>>,
    id: TransactionalId,
    timeout: Duration,
    backoff: Duration,
    sender: Rc<Sender<E>>,
    /// As whom the next transaction, or the one that is open, is done. None before it is initialised, and when it was
    /// replaced.
    identity: Option<ProducerIdentity>,
}

impl<E: Env<Fact = Fact>> Transactional<E> {
    /// One that has done nothing. `timeout` is how old a transaction may become before its coordinator aborts it.
    pub fn new(
        env: &E,
        client: Rc<Client<E>>,
        id: TransactionalId,
        timeout: Duration,
        settings: Settings,
        defects: Defects,
    ) -> Self {
        let backoff = settings.backoff;
        let settings = Settings { transactional: true, ..settings };
        let sender = Sender::transactional(env, client.clone(), settings, defects, id);
        Transactional { env: env.clone(), client, id, timeout, backoff, sender, identity: None }
    }

    /// The transactional id.
    pub fn id(&self) -> TransactionalId {
        self.id
    }

    /// How old a transaction may become.
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Begins a transaction that may write to these partitions: as whom. Whoever did transactions under the id before is
    /// fenced, and what it had open is aborted.
    ///
    /// # Errors
    /// [`Lost`]: none was begun.
    pub async fn begin(&mut self, partitions: BTreeSet<Partition>) -> Result<ProducerIdentity, Lost> {
        let producer = match self.identity {
            Some(identity) => identity,
            None => self.initialise().await?,
        };
        self.sender.identify(producer);
        let request = TransactionRequest::AddPartitions { producer, partitions };
        match self.ask(request).await? {
            transactions::Answer::Added => Ok(producer),
            _ => Err(Lost),
        }
    }

    /// Sends a record within the transaction. Ok promises that it is in the log, to be seen when the transaction is
    /// committed.
    pub fn send(
        &self,
        partition: Partition,
        record: Record,
    ) -> impl Future<Output = Result<(), Lost>> + use<E> {
        let (sender, receiver) = oneshot::channel();
        self.sender.send(partition, record, move |fate| {
            // Whoever waits may have been aborted.
            let _ = sender.send(fate);
        });
        async move {
            match receiver.await {
                Ok(Fate::Acknowledged { .. }) => Ok(()),
                Ok(Fate::DefinitelyNot | Fate::Misrouted | Fate::Unknown) | Err(_) => Err(Lost),
            }
        }
    }

    /// Commits the transaction. Ok promises that all of it is to be seen, for good.
    ///
    /// # Errors
    /// [`Lost`]: whether it was committed is unknown. No part of it will be seen without the others.
    pub async fn commit(&mut self) -> Result<(), Lost> {
        self.end(Verdict::Commit).await
    }

    /// Aborts the transaction, now or when the next is begun.
    pub async fn abort(&mut self) {
        self.sender.abandon();
        if self.end(Verdict::Abort).await.is_err() {
            self.identity = None;
        }
    }

    async fn end(&mut self, verdict: Verdict) -> Result<(), Lost> {
        let producer = self.identity.ok_or(Lost)?;
        match self.ask(TransactionRequest::End { producer, verdict }).await? {
            transactions::Answer::Ended(next) => {
                self.identity = Some(next);
                Ok(())
            }
            _ => Err(Lost),
        }
    }

    async fn initialise(&mut self) -> Result<ProducerIdentity, Lost> {
        match self.ask(TransactionRequest::Initialise { timeout: self.timeout }).await? {
            transactions::Answer::Initialised(identity) => {
                self.identity = Some(identity);
                Ok(identity)
            }
            _ => Err(Lost),
        }
    }

    /// Asks until there is an answer: what is asked twice is done once.
    async fn ask(&mut self, request: TransactionRequest) -> Result<transactions::Answer, Lost> {
        loop {
            let partition = Plan::transactions_partition(self.id);
            let question = Request::Transaction { id: self.id, request: request.clone() };
            match self.client.ask_leader(partition, question).await {
                Ok(Answer::Transaction(Ok(answer))) => return Ok(answer),
                Ok(Answer::Transaction(Err(TransactionRefusal::Refused(refusal))))
                    if !refusal.is_retriable() =>
                {
                    self.identity = None;
                    return Err(Lost);
                }
                _ => self.env.sleep(self.backoff).await,
            }
        }
    }
}
