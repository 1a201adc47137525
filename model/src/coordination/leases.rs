//! For how long each session has been silent.

use super::command::SessionId;
use rehearsal_env::Time;
use std::collections::BTreeMap;
use std::time::Duration;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Lease {
    timeout: Duration,
    renewed: Time,
}

/// All open sessions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Leases(BTreeMap<SessionId, Lease>);

impl Leases {
    /// Nobody knows who was heard when: all were, now.
    pub fn all_anew(sessions: &BTreeMap<SessionId, Duration>, now: Time) -> Leases {
        let lease = |(session, timeout): (&SessionId, &Duration)| {
            (*session, Lease { timeout: *timeout, renewed: now })
        };
        Leases(sessions.iter().map(lease).collect())
    }

    /// A session has begun.
    pub fn begin(&mut self, session: SessionId, timeout: Duration, now: Time) {
        self.0.insert(session, Lease { timeout, renewed: now });
    }

    /// A session has ended.
    pub fn end(&mut self, session: SessionId) {
        self.0.remove(&session);
    }

    /// Whether it is open.
    pub fn has(&self, session: SessionId) -> bool {
        self.0.contains_key(&session)
    }

    /// A session was heard of.
    pub fn renew(&mut self, session: SessionId, now: Time) {
        if let Some(lease) = self.0.get_mut(&session) {
            lease.renewed = now;
        }
    }

    /// Those that were silent for longer than their timeout, and for how long.
    pub fn silent(&self, now: Time) -> Vec<(SessionId, Duration)> {
        let silence = self.0.iter().map(|(session, lease)| (*session, now.since(lease.renewed), lease));
        let too_long = silence.filter(|(_, silent, lease)| *silent > lease.timeout);
        too_long.map(|(session, silent, _)| (session, silent)).collect()
    }
}
