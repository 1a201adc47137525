//! Where a seat begins in a partition, and where it goes back to.

use super::{Membership, Seat, Work};
use crate::queue::client::NotAnswered;
use crate::queue::defects::Defect;
use crate::queue::facts::{Fact, OfGroups};
use crate::queue::knobs::StartAt;
use crate::queue::offset::Offset;
use crate::queue::partition::{Partition, Topic};
use crate::queue::protocol::{Answer, GroupRequest, Request};
use rehearsal_env::Env;
use std::collections::BTreeMap;
use std::rc::Rc;

impl<E: Env<Fact = Fact>> Seat<E> {
    /// Goes back to where the partitions start that it owns, and has them worked through again, by one who is at work anew.
    /// False when that cannot be now.
    pub async fn go_back<W: Work>(&self, work: &Rc<W>) -> bool {
        let Some(membership) = self.at_work.get() else { return false };
        let Some(owned) = self.member.borrow().owned().cloned() else { return false };
        let mut starts = BTreeMap::new();
        for partition in &owned {
            let Ok(start) = self.earliest(*partition).await else { return false };
            starts.insert(*partition, start);
        }
        if !self.is_at_work(membership) {
            return false;
        }
        let Some(places) = self.member.borrow_mut().go_back(&starts) else { return false };
        // Whatever is under way in the former membership comes to nothing.
        let again = match self.plan.defects.has(Defect::SeekKeepsWorkInHand) {
            true => membership,
            false => self.begin_stint(membership.member, membership.generation),
        };
        for (partition, [from, to]) in places {
            let (group, member) = (self.group, membership.member);
            self.env.observe(Fact::OfGroups(OfGroups::Sought { group, member, partition, from, to }));
        }
        self.changed.notify_waiters();
        work.clone().begin(again, owned);
        true
    }

    /// Goes on where something was committed, or where the partition starts, or ends if that is wished for.
    pub(super) async fn go_on(
        &self,
        membership: Membership,
        partition: Partition,
        committed: Option<Offset>,
    ) -> Result<(), NotAnswered> {
        let offset = match committed {
            Some(offset) => offset,
            None if self.plan.defects.has(Defect::StartsAtTheEnd) => {
                self.bound(partition, Request::Latest { partition }).await?
            }
            None if self.begins_at_the_end(partition) => self.begin_at_the_end(membership, partition).await?,
            None => self.earliest(partition).await?,
        };
        if self.is_at_work(membership) {
            self.seek(membership, partition, offset, committed.is_some());
        }
        Ok(())
    }

    fn begins_at_the_end(&self, partition: Partition) -> bool {
        self.plan.knobs.start == StartAt::Latest && matches!(partition.topic, Topic::Named(_))
    }

    /// Where the partition ends, which the group has committed when this is Ok: if this consumer dies before it has processed
    /// anything, the next one begins here too, and not where the partition ends by then.
    async fn begin_at_the_end(
        &self,
        Membership { member, generation, .. }: Membership,
        partition: Partition,
    ) -> Result<Offset, NotAnswered> {
        let end = self.bound(partition, Request::Latest { partition }).await?;
        if self.plan.defects.has(Defect::StartNotCommitted) {
            return Ok(end);
        }
        let offsets = BTreeMap::from([(partition, end)]);
        let request = GroupRequest::Commit { member, generation, offsets: offsets.clone() };
        match self.ask(request).await? {
            Ok(_) => {
                let group = self.group;
                self.env.observe(Fact::CommitConfirmed { group, member, generation, offsets });
                Ok(end)
            }
            // A heartbeat tells what is to be done.
            Err(_) => Err(NotAnswered),
        }
    }

    async fn earliest(&self, partition: Partition) -> Result<Offset, NotAnswered> {
        let start = self.bound(partition, Request::Earliest { partition }).await?;
        // What retention has taken is there still where there is an archive (as with tiered storage, KIP-405).
        let Some(archive) = self.client.archive() else { return Ok(start) };
        let archived = archive.start(partition).await.map_err(|_| NotAnswered)?;
        Ok(archived.map_or(start, |archived| archived.min(start)))
    }

    async fn bound(&self, partition: Partition, request: Request) -> Result<Offset, NotAnswered> {
        match self.client.ask_leader(partition, request).await? {
            Answer::Bound(Ok(bound)) => Ok(bound),
            _ => Err(NotAnswered),
        }
    }
}
