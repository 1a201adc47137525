//! What the coordination service says has changed.

use super::super::facts::Fact;
use super::super::keys::{self, News};
use super::Broker;
use crate::coordination::{Entry, Revision};
use rehearsal_env::Env;
use std::rc::Rc;

impl<E: Env<Fact = Fact>> Broker<E> {
    /// Step 3: reads everything, and then hears every change, in order. When it is too late for that, it begins anew.
    pub(super) async fn hear_news(self: Rc<Self>) {
        loop {
            let Ok(view) = self.coordination.read_prefix(keys::ALL).await else { continue };
            // Whoever was told too late that something has gone is told nothing of it any more.
            let gone = self.known.borrow().on_sessions();
            for key in gone.iter().filter(|key| !view.entries.contains_key(*key)) {
                self.hear(key, None, view.revision);
            }
            for (key, entry) in &view.entries {
                self.hear(key, Some(entry), keys::version(entry));
            }
            let mut through = view.revision;
            self.heard(through);
            self.tell_groups_of_topics();
            while let Ok(watched) = self.coordination.watch(keys::ALL, through).await {
                for change in &watched.changes {
                    self.hear(&change.key, change.entry.as_ref(), change.revision);
                }
                through = watched.through;
                self.heard(through);
                self.tell_groups_of_topics();
            }
        }
    }

    fn heard(&self, through: Revision) {
        let mut known = self.known.borrow_mut();
        known.through = known.through.max(through);
        // A wish of the life before this one may have been late, and have hung the registration on a session that nobody
        // renews.
        if known.live.get(&self.me) != Some(&self.life) {
            self.failed.notify_one();
        }
        self.news.notify_waiters();
    }

    /// One key holds this since `revision`, or nothing any more.
    pub(super) fn hear(&self, key: &str, entry: Option<&Entry>, revision: Revision) {
        let Some(news) = keys::news(key, entry) else { return };
        let mut known = self.known.borrow_mut();
        match news {
            News::Broker(broker, lives) => {
                known.live.remove(&broker);
                known.after.remove(&broker);
                if let Some((life, after)) = lives {
                    known.live.insert(broker, life);
                    known.after.extend(after.map(|after| (broker, after)));
                }
            }
            News::Stop(broker, stop) => {
                known.stops.insert(broker, stop);
            }
            News::Controller(broker) => known.controller = broker.map(|broker| (broker, revision)),
            News::Life(broker, life) => {
                known.noted.insert(broker, life);
            }
            News::Members(members) => known.members = Some(members),
            News::Topic(topic, state) => {
                known.topics.insert(topic, (state, revision));
                self.topics_heard.set(true);
            }
            News::Barriers(partition, barriers) => {
                known.barriers.insert(partition, (barriers, revision));
                self.topics_heard.set(true);
            }
            News::Archived(partition, archived) => {
                known.archived.insert(partition, (archived, revision));
            }
            News::Partition(partition, state) => {
                if known.partitions.get(&partition).is_some_and(|(_, known)| *known >= revision) {
                    return;
                }
                known.partitions.insert(partition, (state.clone(), revision));
                drop(known);
                if let Some(host) = self.host(partition) {
                    host.ordered(&self.env, &state);
                }
            }
        }
    }
}
