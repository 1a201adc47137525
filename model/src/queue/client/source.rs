//! One partition as it is read in one membership: piece by piece as it is asked for, or as it is pushed.

use super::super::knobs::FetchMode;
use super::super::offset::Offset;
use super::super::partition::Partition;
use super::super::protocol::Refusal;
use super::super::pushing::Ending;
use super::super::reading::ReadFrom;
use super::reader::{Read, Reader};
use super::seat::Membership;
use super::subscription::{Pushed, Subscription};
use super::trail::Trail;
use super::{Fact, NotAnswered};
use rehearsal_env::Env;

/// What a consumer reads from. Dropping it ends what it has subscribed to.
pub(super) struct Source<'a, E: Env> {
    reader: &'a Reader<E>,
    membership: Membership,
    partition: Partition,
    /// The last one, over or not.
    subscription: Option<Subscription<E>>,
    /// Who is nearby did not serve it: the leader is asked next.
    wants_leader: bool,
    trail: Trail,
}

impl<'a, E: Env<Fact = Fact>> Source<'a, E> {
    pub(super) fn new(reader: &'a Reader<E>, membership: Membership, partition: Partition) -> Self {
        let (subscription, wants_leader, trail) = (None, false, Trail::default());
        Source { reader, membership, partition, subscription, wants_leader, trail }
    }

    /// What stands at `offset` and behind it, for one who is done with everything before. Waits for some time for
    /// something.
    pub(super) async fn read(&mut self, offset: Offset) -> Read {
        match self.reader.plan.knobs.fetch {
            FetchMode::Pull => {
                self.reader.read(self.membership, self.partition, offset, &mut self.trail).await
            }
            FetchMode::Push => self.read_what_is_pushed(offset).await,
        }
    }

    async fn read_what_is_pushed(&mut self, offset: Offset) -> Read {
        let before = self.subscription.take();
        let subscription = match before {
            Some(standing) if standing.goes_on_at(offset) => standing,
            before => match self.subscribe(offset, before).await {
                Ok(begun) => begun,
                Err(NotAnswered) => return self.reader.nothing_yet().await,
            },
        };
        let pushed = subscription.next(offset, self.reader.plan.knobs.fetch_wait.duration()).await;
        let wrong_broker = pushed.is_from_the_wrong_broker();
        match pushed {
            Pushed::Fetched(fetched) => {
                self.trail.at(offset);
                let read = self.reader.look_at(self.partition, offset, fetched, &mut self.trail);
                // What is damaged is to be sent again: by another subscription.
                self.subscription = Some(subscription).filter(|_| read != Read::Nothing);
                return read;
            }
            Pushed::Over(Ending::Refused(Refusal::OutOfRange { start, end }), Some(at))
                if at == offset && self.reader.is_at_work(self.membership) =>
            {
                return self.reader.find(self.membership, self.partition, offset, (start, end)).await;
            }
            Pushed::Over(Ending::Refused(Refusal::Diverged { end }), Some(at))
                if at == offset && self.reader.is_at_work(self.membership) =>
            {
                self.trail.at(offset);
                return self.reader.go_back(self.partition, offset, self.trail.parts_at(end));
            }
            Pushed::Nothing | Pushed::Over(..) => self.subscription = Some(subscription),
        }
        if wrong_broker {
            self.look_elsewhere();
            return self.reader.nothing_yet().await;
        }
        Read::Nothing
    }

    /// Another subscription, for one who is at `offset`.
    async fn subscribe(
        &mut self,
        offset: Offset,
        before: Option<Subscription<E>>,
    ) -> Result<Subscription<E>, NotAnswered> {
        let from = before.map_or(offset, |before| before.begins_anew_at(offset));
        let footing = self.trail.at(offset);
        self.reader.subscribe(self.partition, self.asks_nearby(), (offset, from), footing).await
    }

    fn asks_nearby(&self) -> bool {
        self.reader.terms.of == ReadFrom::InSync && !self.wants_leader
    }

    fn look_elsewhere(&mut self) {
        let nearby = self.asks_nearby();
        self.reader.client.look_elsewhere(self.partition, nearby);
        self.wants_leader = nearby;
    }
}
