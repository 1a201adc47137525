//! Tasks of a node.

use std::future::Future;

/// Starts tasks on this node.
///
/// A task lives no longer than its node's incarnation: at a crash it is dropped where it waits.
pub trait Spawner {
    /// The handle of a started task.
    type Task: TaskHandle;

    /// Starts `future` beside the caller. It is first polled after the caller has next waited.
    fn spawn(&self, future: impl Future<Output = ()> + 'static) -> Self::Task;
}

/// A started task. Dropping the handle detaches the task; it goes on.
pub trait TaskHandle: 'static {
    /// Drops the task where it waits; nothing happens when it has ended. What it had begun (a
    /// write, a request) may or may not happen.
    fn abort(&self);
}
