//! The engine's waiting statements: who goes on, whose time is up, which versions they still read.

use super::Engine;
use crate::database::commit::LogPosition;
use crate::database::error::DatabaseError;
use crate::database::execute::Execution;
use crate::database::step::{Output, Timer, TimerKind};
use crate::database::transaction::TransactionId;

impl Engine {
    /// Goes on with everyone who got what they waited for, until nobody did.
    pub(super) fn wake(&mut self, out: &mut Vec<Output>) {
        loop {
            // Whoever becomes first in a queue begins a new wait: in PostgreSQL it waited for its turn before,
            // and waits for the holder's transaction now. So its timers start again.
            for id in std::mem::take(&mut self.wakes.promoted) {
                if self.locks.is_waiting(id) {
                    self.stop_timers(id, out);
                    self.start_timers(id, out);
                }
            }
            let Some(id) = self.wakes.granted.pop_front() else { return };
            if let Some(execution) = self.end_wait(id, out) {
                self.advance(id, execution, out);
            }
        }
    }

    pub(super) fn timer_fired(&mut self, timer: Timer, out: &mut Vec<Output>) {
        let Some(&id) = self.waits.get(&timer.wait) else { return };
        let (error, report) = match timer.kind {
            TimerKind::Deadlock if !self.locks.is_deadlocked(id) => return,
            TimerKind::Deadlock => {
                (DatabaseError::DeadlockDetected, Output::DeadlockBroken { victim: timer.session })
            }
            TimerKind::LockTimeout => {
                (DatabaseError::LockNotAvailable, Output::LockTimedOut { session: timer.session })
            }
        };
        out.push(report);
        self.locks.stop_waiting(id, &mut self.wakes);
        if let Some(execution) = self.end_wait(id, out) {
            self.let_go_of_snapshot(&execution);
        }
        self.fail(id, error, out);
    }

    /// Takes the waiting statement out of its transaction.
    fn end_wait(&mut self, id: TransactionId, out: &mut Vec<Output>) -> Option<Execution> {
        self.stop_timers(id, out);
        self.transactions.get_mut(&id)?.running.take()
    }

    pub(super) fn let_go_of_snapshot(&mut self, execution: &Execution) {
        if !execution.holds_snapshot {
            return;
        }
        let readers = self.snapshots.get_mut(&execution.snapshot).expect("a held snapshot is counted");
        *readers -= 1;
        if *readers == 0 {
            self.snapshots.remove(&execution.snapshot);
            self.collect_versions();
        }
    }

    /// The oldest snapshot that is read, now or by a statement yet to begin.
    pub(super) fn horizon(&self) -> LogPosition {
        self.snapshots.keys().next().map_or(self.visible, |&oldest| oldest.min(self.visible))
    }

    fn collect_versions(&mut self) {
        let horizon = self.horizon();
        for (store, table) in self.stores.iter_mut().zip(&self.schema.tables) {
            store.collect(table, horizon);
        }
    }

    pub(super) fn start_timers(&mut self, id: TransactionId, out: &mut Vec<Output>) {
        let transaction = self.transactions.get_mut(&id).expect("who waits is open");
        self.last_wait += 1;
        let (session, wait) = (transaction.session, self.last_wait);
        transaction.wait = Some(wait);
        self.waits.insert(wait, id);
        let mut set =
            |kind, after| out.push(Output::SetTimer { timer: Timer { session, wait, kind }, after });
        set(TimerKind::Deadlock, self.knobs.deadlock_timeout);
        if let Some(lock_timeout) = self.knobs.lock_timeout {
            set(TimerKind::LockTimeout, lock_timeout);
        }
    }

    fn stop_timers(&mut self, id: TransactionId, out: &mut Vec<Output>) {
        let transaction = self.transactions.get_mut(&id).expect("who waits is open");
        let Some(wait) = transaction.wait.take() else { return };
        self.waits.remove(&wait);
        let session = transaction.session;
        let mut cancel = |kind| out.push(Output::CancelTimer(Timer { session, wait, kind }));
        cancel(TimerKind::Deadlock);
        if self.knobs.lock_timeout.is_some() {
            cancel(TimerKind::LockTimeout);
        }
    }
}
