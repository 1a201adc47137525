//! The marker that the coordination service reaches when it refuses what was to be done in a session that has ended.

use super::REFUSED_WITH_SESSION;
use rehearsal_env::{Marker, NodeId, Stamp};
use rehearsal_model::coordination::{Happening, OperationId, Outcome, Reply, Request, Response};
use rehearsal_model::queue::facts::Fact;
use std::collections::BTreeSet;

/// The changes that are asked for in sessions.
#[derive(Debug, Default)]
pub(super) struct TokenMarkers(BTreeSet<(NodeId, OperationId)>);

impl TokenMarkers {
    pub(super) fn witness(&mut self, stamp: &Stamp, fact: &Fact, reached: &mut dyn FnMut(Marker)) {
        let Fact::Coordination(happening) = fact else { return };
        match &**happening {
            Happening::Invoked { operation, request: Request::Transact { session: Some(_), .. } } => {
                self.0.insert((stamp.node, *operation));
            }
            Happening::Returned { operation, outcome } => {
                let was_open = self.0.remove(&(stamp.node, *operation));
                if was_open && *outcome == Outcome::Answered(Response::Reply(Reply::SessionGone)) {
                    reached(REFUSED_WITH_SESSION);
                }
            }
            _ => {}
        }
    }
}
