//! Whether a history is that of one key-value store which takes one operation at a time and loses none.
//!
//! The service reports what each revision changed, so the order of all changes is known, and every answer
//! names a revision: there is nothing to search for. An operation stands at a revision that was not over when
//! it was asked (at least as late as every revision that anybody had been told of by then); and it must say
//! what was so at that revision.

use crate::stage::Seen;
use rehearsal_model::coordination::{
    Change, Edit, Entry, Happening, Keys, OperationId, Outcome, Reply, Request, Response, Revision,
};
use std::collections::BTreeMap;

type State = BTreeMap<String, Entry>;

/// All that was ever changed, as it was reported.
struct Changes(BTreeMap<(Revision, String), Option<Entry>>);

impl Changes {
    fn of(seen: &Seen) -> Changes {
        let mut changes: BTreeMap<(Revision, String), Option<Entry>> = BTreeMap::new();
        for (_, Change { key, revision, entry }) in seen.changes() {
            let before = changes.insert((*revision, key.clone()), entry.clone());
            assert!(
                before.is_none_or(|before| before == *entry),
                "revision {revision} was another one before"
            );
        }
        let revisions: Vec<u64> = changes.keys().map(|(revision, _)| revision.0).collect();
        assert!(revisions.windows(2).all(|pair| pair[1] <= pair[0] + 1), "a revision was never reported");
        Changes(changes)
    }

    fn at(&self, revision: Revision) -> State {
        let mut state = State::new();
        for ((_, key), entry) in self.0.iter().take_while(|((changed, _), _)| *changed <= revision) {
            match entry {
                Some(entry) => state.insert(key.clone(), entry.clone()),
                None => state.remove(key),
            };
        }
        state
    }

    fn newest(&self) -> Revision {
        self.0.last_key_value().map_or(Revision(0), |((revision, _), _)| *revision)
    }

    fn between(&self, prefix: &str, since: Revision, through: Revision) -> Vec<Change> {
        let within = |revision: Revision| revision > since && revision <= through;
        let told = self.0.iter().filter(|((revision, key), _)| within(*revision) && key.starts_with(prefix));
        told.map(|((revision, key), entry)| Change {
            key: key.clone(),
            revision: *revision,
            entry: entry.clone(),
        })
        .collect()
    }

    /// Whether what a transaction put is there at all; every test puts every value once.
    fn contain(&self, writes: &[Edit]) -> bool {
        writes.iter().any(|edit| match edit {
            Edit::Put { value, .. } => self.0.values().flatten().any(|entry| entry.value == *value),
            Edit::Delete { .. } => false,
        })
    }
}

fn matches_write(state: &State, edit: &Edit, revision: Revision) -> bool {
    match edit {
        Edit::Put { key, value, .. } => {
            state.get(key).is_some_and(|entry| entry.value == *value && entry.modified == revision)
        }
        Edit::Delete { key } => !state.contains_key(key),
    }
}

/// Every answer is true, in the order in which they were given.
#[track_caller]
pub fn assert_honest(seen: &Seen) {
    let changes = Changes::of(seen);
    let mut told = Revision(0);
    let mut asked: BTreeMap<OperationId, (Request, Revision)> = BTreeMap::new();
    for (_, happening) in seen.happenings() {
        match happening {
            Happening::Invoked { operation, request } => {
                assert!(asked.insert(*operation, (request.clone(), told)).is_none());
            }
            Happening::Returned { operation, outcome } => {
                let (request, earliest) = &asked[operation];
                if let Some(revision) = judge(&changes, request, outcome, *earliest) {
                    assert!(revision >= *earliest, "{request:?} went back to revision {revision}");
                    told = told.max(revision);
                }
            }
            _ => {}
        }
    }
    for (_, change) in seen.changes() {
        assert!(change.entry.as_ref().is_none_or(|entry| entry.modified == change.revision));
    }
}

/// The revision that an operation which was answered stands at.
#[track_caller]
fn judge(changes: &Changes, request: &Request, outcome: &Outcome, earliest: Revision) -> Option<Revision> {
    match (request, outcome) {
        (Request::Transact { writes, .. }, Outcome::NeverAsked) => {
            assert!(!changes.contain(writes), "{request:?} was never asked and still carried out");
            None
        }
        (_, Outcome::Unknown | Outcome::NeverAsked) => None,
        (_, Outcome::Answered(Response::Reply(reply))) => judge_reply(changes, request, reply, earliest),
        (
            Request::Watch { prefix, since },
            Outcome::Answered(Response::Changes { changes: told, through }),
        ) => {
            assert_eq!(*told, changes.between(prefix, *since, *through), "watching {prefix} since {since}");
            Some(*through)
        }
        (Request::KeepAlive { .. }, Outcome::Answered(Response::Renewed { revision })) => Some(*revision),
        (_, Outcome::Answered(other)) => panic!("{request:?} was answered with {other:?}"),
    }
}

#[track_caller]
fn judge_reply(changes: &Changes, request: &Request, reply: &Reply, earliest: Revision) -> Option<Revision> {
    match (request, reply) {
        (Request::Transact { checks, writes, .. }, Reply::Done { revision }) => {
            let (before, after) = (changes.at(Revision(revision.0 - 1)), changes.at(*revision));
            for check in checks {
                let found = before.get(&check.key).map(|entry| entry.modified);
                assert!(check.expected.admits(found), "{check:?} did not hold at {revision}");
            }
            assert!(
                writes.iter().all(|edit| matches_write(&after, edit, *revision)),
                "not done at {revision}: {writes:?}"
            );
            assert!(*revision > earliest, "{request:?} went back");
            Some(*revision)
        }
        (Request::Transact { checks, writes, .. }, Reply::Conflict { key, found }) => {
            assert!(!changes.contain(writes), "{request:?} was refused and still carried out");
            assert!(checks.iter().any(|check| check.key == *key && !check.expected.admits(*found)));
            let mut candidates = (earliest.0..=changes.newest().0).map(Revision);
            let was_so = |at| changes.at(at).get(key).map(|entry| entry.modified) == *found;
            Some(candidates.find(|at| was_so(*at)).expect("the key never held that"))
        }
        (Request::Transact { writes, .. }, Reply::SessionGone) => {
            assert!(!changes.contain(writes), "{request:?} was refused and still carried out");
            None
        }
        (Request::Read { keys }, Reply::Entries { revision, entries }) => {
            let mut state = changes.at(*revision);
            state.retain(|key, _| match keys {
                Keys::One(one) => key == one,
                Keys::Prefix(prefix) => key.starts_with(prefix),
            });
            assert_eq!(*entries, state, "read at {revision}");
            Some(*revision)
        }
        (
            Request::OpenSession { .. } | Request::CloseSession { .. } | Request::KeepAlive { .. },
            Reply::Done { .. } | Reply::SessionGone,
        ) => None,
        (request, reply) => panic!("{request:?} was answered with {reply:?}"),
    }
}
