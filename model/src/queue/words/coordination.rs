//! What the coordination service and its clients report, in words.

use super::listed;
use crate::coordination::{Change, Edit, Happening, Keys, Outcome, Refusal, Reply, Request, Response};

pub(super) fn of(happening: &Happening) -> String {
    match happening {
        Happening::Changed(Change { key, revision, entry }) => match entry {
            Some(_) => format!("has made durable: {key} holds something else, by revision {revision}"),
            None => format!("has made durable: {key} holds nothing, by revision {revision}"),
        },
        Happening::SessionOpened { session, .. } => format!("has made durable: session {session} has begun"),
        Happening::SessionClosed { session } => {
            format!("has made durable: session {session} was ended by its client")
        }
        Happening::SessionExpired { session } => {
            format!("has made durable: session {session} has ended, since it was silent for too long")
        }
        Happening::SnapshotInstalled { revision } => {
            format!("lacked too much, and takes all up to revision {revision} from its leader at once")
        }
        Happening::Led { term } => format!("is elected to lead the coordination service in term {term}"),
        Happening::VoteGiven { term, candidate } => {
            format!("votes for coordination-{candidate} in term {term}, and is about to write that down")
        }
        Happening::VoteRefused { term, why: Refusal::OldTerm } => {
            format!("gives no vote for term {term}, which is over")
        }
        Happening::VoteRefused { term, why: Refusal::ShorterLog } => {
            format!("gives no vote for term {term} to one who lacks what it has")
        }
        Happening::ReadsRefused { reads } => {
            format!("leads no more, and sends away those who wanted to know something ({reads})")
        }
        Happening::Invoked { request, .. } => format!("asks the coordination service {}", wish(request)),
        Happening::Returned { outcome, .. } => told(outcome),
        Happening::WatchRenewed { since } => {
            format!("has lost the connection over which it watched, and goes on behind revision {since}")
        }
        other => format!("reports {other:?}"),
    }
}

fn wish(request: &Request) -> String {
    match request {
        Request::OpenSession { session, .. } => format!("for session {session}"),
        Request::KeepAlive { session } => format!("to keep session {session}"),
        Request::CloseSession { session } => format!("to end session {session}"),
        Request::Transact { checks, writes, .. } => {
            let keys = listed(writes.iter().map(Edit::key).map(str::to_owned).collect());
            match checks.len() {
                0 => format!("to write {keys}"),
                _ => format!("to write {keys}, if nothing has changed meanwhile"),
            }
        }
        Request::Read { keys: Keys::One(key) } => format!("what {key} holds"),
        Request::Read { keys: Keys::Prefix(prefix) } => format!("what all keys hold below {prefix}"),
        Request::Watch { prefix, since } => format!("what changes below {prefix} after revision {since}"),
    }
}

fn told(outcome: &Outcome) -> String {
    let response = match outcome {
        Outcome::Unknown => {
            return "gets no answer from the coordination service, and does not know what came of it"
                .to_owned();
        }
        Outcome::NeverAsked => return "does not reach the coordination service".to_owned(),
        Outcome::Answered(response) => response,
    };
    match response {
        Response::Reply(Reply::Done { revision }) => {
            format!("is told that it is done, at revision {revision}")
        }
        Response::Reply(Reply::Conflict { key, .. }) => {
            format!("is told that it is not done, since {key} has changed")
        }
        Response::Reply(Reply::SessionGone) => "is told that its session has ended".to_owned(),
        Response::Reply(Reply::Entries { revision, entries }) => {
            format!("is told what {} keys hold at revision {revision}", entries.len())
        }
        Response::Renewed { revision } => format!("is told that its session lives, at revision {revision}"),
        Response::Changes { changes, through } => {
            format!("is told of {} changes, up to revision {through}", changes.len())
        }
        Response::Compacted { horizon } => {
            format!("is told that changes up to revision {horizon} are forgotten")
        }
        Response::NotLeader { .. } => "is told to ask another".to_owned(),
    }
}
