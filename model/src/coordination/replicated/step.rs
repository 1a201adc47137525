//! What goes into the service of a member and what comes out.

use super::super::command::Command;
use super::super::consensus::{MemberId, Message, Ticket, Timer};
use super::super::happening::Happening;
use super::super::messages::{Request, Response};
use super::super::service::{ConnectionId, Knobs};
use super::disk::Write;
use crate::queue::defects::Defects;

/// What a member goes by; the same for all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rules {
    /// As with one node.
    pub knobs: Knobs,
    /// When so many commands were carried out since the last snapshot, a new one takes their place. At least 1.
    pub longest_log: u32,
    /// Known bugs.
    pub defects: Defects,
}

/// What may happen to a member.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Input {
    /// A client asks.
    Asked {
        /// Over which connection.
        connection: ConnectionId,
        /// What.
        request: Request,
    },
    /// A client's connection is gone; its sessions are not.
    ConnectionEnded {
        /// Which.
        connection: ConnectionId,
    },
    /// Another member says something.
    Heard {
        /// Who.
        from: MemberId,
        /// What.
        message: Message<Command>,
    },
    /// A timer has run out.
    TimerFired(Timer),
    /// Everything up to this ticket is on the disk and synced.
    Persisted {
        /// The last of them.
        through: Ticket,
    },
    /// Time has passed.
    Tick,
}

/// What a member wants done, and what it wants known.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Output {
    /// Tell the client.
    Answer {
        /// Over which connection.
        connection: ConnectionId,
        /// What.
        response: Response,
    },
    /// End the connection: whether what was asked in it will be done is unknown.
    End {
        /// Which.
        connection: ConnectionId,
    },
    /// Tell another member.
    Send {
        /// Whom.
        to: MemberId,
        /// What.
        message: Message<Command>,
    },
    /// Write this and sync, then come back with [`Input::Persisted`].
    Persist {
        /// Its number.
        ticket: Ticket,
        /// What.
        write: Write,
    },
    /// Come back with [`Input::TimerFired`]; a timer that is set starts anew.
    SetTimer(Timer),
    /// For observers.
    Happened(Happening),
}
