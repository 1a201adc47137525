//! Watches that wait until there is something to tell.

use super::command::Revision;
use super::messages::Response;
use super::registry::Registry;
use super::service::ConnectionId;
use rehearsal_env::Time;
use std::collections::BTreeMap;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Watch {
    prefix: String,
    since: Revision,
    until: Time,
}

/// All that wait, by connection.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Watches(BTreeMap<ConnectionId, Watch>);

impl Watches {
    /// One more waits for what changes after `since`, no longer than `until`.
    pub fn add(&mut self, connection: ConnectionId, prefix: String, since: Revision, until: Time) {
        self.0.insert(connection, Watch { prefix, since, until });
    }

    /// Its connection is gone.
    pub fn remove(&mut self, connection: ConnectionId) {
        self.0.remove(&connection);
    }

    /// Nobody is told anything any more; who waited.
    pub fn give_up(&mut self) -> impl Iterator<Item = ConnectionId> + use<> {
        std::mem::take(&mut self.0).into_keys()
    }

    /// Answers the watches that there is something to tell, up to `shown`. The others need not hear again of what
    /// was looked at.
    pub fn tell(
        &mut self,
        registry: &Registry,
        shown: Revision,
        mut answer: impl FnMut(ConnectionId, Response),
    ) {
        self.0.retain(|connection, watch| {
            let response = match registry.changes_since(&watch.prefix, watch.since) {
                Err(compacted) => Response::Compacted { horizon: compacted.horizon },
                Ok(mut changes) => {
                    changes.retain(|change| change.revision <= shown);
                    if changes.is_empty() {
                        watch.since = watch.since.max(shown);
                        return true;
                    }
                    Response::Changes { changes, through: shown }
                }
            };
            answer(*connection, response);
            false
        });
    }

    /// Tells those who have waited long enough that nothing has happened.
    pub fn tell_nothing(&mut self, now: Time, mut answer: impl FnMut(ConnectionId, Response)) {
        self.0.retain(|connection, watch| {
            if watch.until > now {
                return true;
            }
            answer(*connection, Response::Changes { changes: Vec::new(), through: watch.since });
            false
        });
    }
}
