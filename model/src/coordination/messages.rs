//! What clients ask of the service, and what they are told.

use super::command::{Change, Check, Command, Edit, Keys, Reply, Revision, SessionId};
use crate::session::Frame;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A client's wish. Whatever names a session renews it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Request {
    /// Let a session begin.
    OpenSession {
        /// Drawn by the client.
        session: SessionId,
        /// How long it may be silent.
        timeout: Duration,
    },
    /// The session is not silent.
    KeepAlive {
        /// Which.
        session: SessionId,
    },
    /// Let a session end, and all it owns go.
    CloseSession {
        /// Which.
        session: SessionId,
    },
    /// See [`Command::Transact`].
    Transact {
        /// Who must be there still, and will own what is ephemeral.
        session: Option<SessionId>,
        /// What must hold.
        checks: Vec<Check>,
        /// What to write.
        writes: Vec<Edit>,
    },
    /// What do these keys hold?
    Read {
        /// Which.
        keys: Keys,
    },
    /// What has changed, as soon as something has, or that nothing has for a long time.
    Watch {
        /// Among the keys that begin like this.
        prefix: String,
        /// After this revision.
        since: Revision,
    },
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Response {
    /// What came of a command.
    Reply(Reply),
    /// The session is there and was renewed.
    Renewed {
        /// The registry's revision then.
        revision: Revision,
    },
    /// Nothing was done: this node does not lead those who agree.
    NotLeader {
        /// The place of the node that might, in the order in which all know them.
        leader: Option<u8>,
    },
    /// What changed, or nothing.
    Changes {
        /// In the order in which it did.
        changes: Vec<Change>,
        /// It is all that changed up to here.
        through: Revision,
    },
    /// What changed so long ago is no longer known.
    Compacted {
        /// Up to here it is forgotten.
        horizon: Revision,
    },
}

/// The frames between the service and its clients.
pub type CoordinationFrame = Frame<Request, Response>;

impl Request {
    /// The session it renews.
    pub(super) fn session(&self) -> Option<SessionId> {
        match self {
            Request::OpenSession { session, .. }
            | Request::KeepAlive { session }
            | Request::CloseSession { session } => Some(*session),
            Request::Transact { session, .. } => *session,
            Request::Read { .. } | Request::Watch { .. } => None,
        }
    }
}

/// What is left of a request when the renewing is done.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Task {
    /// For the registry.
    Command(Command),
    /// To say whether the session is there.
    KeepAlive(SessionId),
    /// To say what changes.
    Watch(String, Revision),
}

impl From<Request> for Task {
    fn from(request: Request) -> Task {
        Task::Command(match request {
            Request::OpenSession { session, timeout } => Command::OpenSession { session, timeout },
            Request::CloseSession { session } => Command::CloseSession { session },
            Request::Transact { session, checks, writes } => Command::Transact { session, checks, writes },
            Request::Read { keys } => Command::Read { keys },
            Request::KeepAlive { session } => return Task::KeepAlive(session),
            Request::Watch { prefix, since } => return Task::Watch(prefix, since),
        })
    }
}
