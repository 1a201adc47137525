//! The markers that the coordination service reaches when it refuses what is done in the name of a key that is gone.

use super::{ORDER_REFUSED_BY_CHAIR, REFUSED_WITH_SESSION};
use rehearsal_env::{Marker, NodeId, Stamp};
use rehearsal_model::coordination::{Happening, OperationId, Outcome, Reply, Request, Response};
use rehearsal_model::queue::facts::Fact;
use rehearsal_model::queue::keys;
use std::collections::BTreeMap;

/// What was asked in the name of an ephemeral key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    /// A controller's order, for as long as it has the chair.
    Order,
    /// Anything else that is to be done as long as a session stands.
    InSession,
}

/// What is open.
#[derive(Debug, Default)]
pub(super) struct TokenMarkers(BTreeMap<(NodeId, OperationId), Asked>);

impl TokenMarkers {
    pub(super) fn witness(&mut self, stamp: &Stamp, fact: &Fact, reached: &mut dyn FnMut(Marker)) {
        let Fact::Coordination(happening) = fact else { return };
        match &**happening {
            Happening::Invoked { operation, request: Request::Transact { session, checks, writes } } => {
                let stands = |key: &str| checks.iter().any(|check| check.key == key);
                let stands_for_it = writes.iter().any(|write| write.key() == keys::CONTROLLER);
                let asked = match session {
                    _ if stands(keys::CONTROLLER) && !stands_for_it => Asked::Order,
                    Some(_) => Asked::InSession,
                    None => return,
                };
                self.0.insert((stamp.node, *operation), asked);
            }
            Happening::Returned { operation, outcome } => {
                let asked = self.0.remove(&(stamp.node, *operation));
                match (asked, outcome) {
                    (Some(Asked::Order), Outcome::Answered(Response::Reply(Reply::Conflict { key, .. })))
                        if key == keys::CONTROLLER =>
                    {
                        reached(ORDER_REFUSED_BY_CHAIR);
                    }
                    (Some(_), Outcome::Answered(Response::Reply(Reply::SessionGone))) => {
                        reached(REFUSED_WITH_SESSION);
                    }
                    _ => {}
                }
            }
            _ => {}
        }
    }
}
