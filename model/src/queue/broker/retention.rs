//! What is out of retention goes, on every replica by its own clock and its own segments.
//!
//! The logs of a partition may so start at different offsets. Consumers read from the leader; a follower that wants to go
//! on before the leader's start begins anew there ([`Replica::out_of_range`](super::super::replica::Replica)).

use super::super::facts::Fact;
use super::super::offset::Offset;
use super::{Broker, Host};
use rehearsal_env::Env;
use std::rc::Rc;

impl<E: Env<Fact = Fact>> Broker<E> {
    /// Step 8: looks from time to time.
    pub(super) async fn keep_retention(self: Rc<Self>) {
        loop {
            self.env.sleep(self.plan.knobs.retention_check.duration()).await;
            for host in self.hosts.values() {
                if host.retention.is_some() && self.is_retired(host.partition) {
                    host.close_active(&self.env);
                }
                host.expire(&self.env, self.archived_up_to(host));
            }
        }
    }

    /// Up to where this replica's log is archived; none where nothing is.
    fn archived_up_to(&self, host: &Host) -> Option<Offset> {
        self.neighbours.blobs?;
        let known = self.known.borrow();
        let cores = host.cores.borrow();
        let archived = known.archived.get(&host.partition);
        let up_to = |(archived, _): &(super::Archived, _)| {
            archived.of_log(cores.replica.lineage(), cores.replica.end())
        };
        Some(archived.map_or(Offset::ZERO, up_to))
    }
}
