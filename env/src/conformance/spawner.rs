//! The promises of [`Spawner`](crate::Spawner) and [`TaskHandle`].

use super::together::Together;
use super::{AT_MOST, Check, check};
use crate::{Env, File, Port, TaskHandle};
use serde::{Deserialize, Serialize};
use std::cell::Cell;
use std::future::{Future, pending};
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

const SOON: Duration = Duration::from_millis(10);

#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
struct Done;

pub(super) fn checks<E: Env>() -> Vec<Check<E>> {
    vec![
        check("spawner::a_task_runs_once_the_caller_waits", a_task_runs_once_the_caller_waits),
        check("spawner::abort_drops_the_task_where_it_waits", abort_drops_the_task_where_it_waits),
        check("spawner::a_task_may_abort_itself", a_task_may_abort_itself),
        check("spawner::a_dropped_handle_detaches", a_dropped_handle_detaches),
        check("spawner::a_task_that_ended_holds_nothing", a_task_that_ended_holds_nothing),
        check("spawner::wrapped_wakers_work", wrapped_wakers_work),
    ]
}

/// A task is first polled after the caller has next waited, and then goes on beside it.
pub async fn a_task_runs_once_the_caller_waits<E: Env>(env: E) {
    let steps = Rc::new(Cell::new(0));
    let (other, counted) = (env.clone(), steps.clone());
    let _task = env.spawn(async move {
        counted.set(1);
        other.sleep(Duration::from_millis(1)).await;
        counted.set(2);
    });
    assert_eq!(steps.get(), 0, "the task ran inside `spawn`");
    env.sleep(2 * SOON).await;
    assert_eq!(steps.get(), 2, "the task did not run");
}

/// An aborted task goes no further than where it waits, and what it held is dropped.
pub async fn abort_drops_the_task_where_it_waits<E: Env>(env: E) {
    let held = Rc::new(Cell::new(0));
    let (other, inside) = (env.clone(), held.clone());
    let waiting = env.spawn(async move {
        inside.set(1);
        other.sleep(SOON).await;
        inside.set(2);
    });
    let unstarted_holds = held.clone();
    let unstarted = env.spawn(async move { unstarted_holds.set(3) });
    unstarted.abort();
    env.sleep(Duration::from_millis(1)).await;
    assert_eq!(held.get(), 1);
    waiting.abort();
    waiting.abort();
    env.sleep(2 * SOON).await;
    assert_eq!(held.get(), 1, "an aborted task went on");
    assert_eq!(Rc::strong_count(&held), 1, "an aborted task was not dropped");
}

/// A task that aborts itself runs on to where it next waits; what it starts before that lives.
pub async fn a_task_may_abort_itself<E: Env>(env: E) {
    let handle: Rc<Cell<Option<E::Task>>> = Rc::default();
    let steps = Rc::new(Cell::new(0));
    let (other, own, counted) = (env.clone(), handle.clone(), steps.clone());
    handle.set(Some(env.spawn(async move {
        if let Some(task) = own.take() {
            task.abort();
        }
        let successor = counted.clone();
        other.spawn(async move { successor.set(successor.get() + 1) });
        other.sleep(Duration::from_millis(1)).await;
        counted.set(100);
    })));
    env.sleep(2 * SOON).await;
    assert_eq!(steps.get(), 1, "1: the successor ran, 100: the aborted task went on");
    assert_eq!(Rc::strong_count(&steps), 1);
}

/// Dropping a handle does not end its task; aborting a task that has ended does nothing.
pub async fn a_dropped_handle_detaches<E: Env>(env: E) {
    let ran = Rc::new(Cell::new(false));
    let (other, seen) = (env.clone(), ran.clone());
    drop(env.spawn(async move {
        other.sleep(Duration::from_millis(1)).await;
        seen.set(true);
    }));
    let ended = env.spawn(async {});
    env.sleep(SOON).await;
    assert!(ran.get(), "a detached task ended");
    let (other, seen) = (env.clone(), ran.clone());
    let _newcomer = env.spawn(async move {
        other.sleep(Duration::from_millis(1)).await;
        seen.set(false);
    });
    ended.abort();
    env.sleep(SOON).await;
    assert!(!ran.get(), "aborting a task that had ended hit another one");
}

/// What a task held is dropped when it ends, not later.
pub async fn a_task_that_ended_holds_nothing<E: Env>(env: E) {
    let held = Rc::new(());
    for _ in 0..50 {
        let inside = held.clone();
        env.spawn(async move { drop(inside.clone()) });
    }
    env.sleep(SOON).await;
    assert_eq!(Rc::strong_count(&held), 1);
}

/// A combinator that hands out wakers of its own is woken through them, by timers, messages and the disk, and
/// by nobody else.
pub async fn wrapped_wakers_work<E: Env>(env: E) {
    let port = Rc::new(env.bind::<Done>());
    let mut parts: Vec<Pin<Box<dyn Future<Output = u32>>>> = Vec::new();
    for number in 0..5 {
        let other = env.clone();
        parts.push(Box::pin(async move {
            other.sleep(Duration::from_millis(5 - u64::from(number))).await;
            number
        }));
    }
    let (other, receiving) = (env.clone(), port.clone());
    parts.push(Box::pin(async move {
        receiving.send(other.id(), Done);
        receiving.recv().await;
        5
    }));
    let other = env.clone();
    parts.push(Box::pin(async move {
        let file = other.open("wrapped").await.expect("healthy");
        file.append(b"bytes").await.expect("healthy");
        file.sync().await.expect("healthy");
        6
    }));
    parts.push(Box::pin(pending()));
    let mut together = Together::new(parts);
    let mut ended = Vec::new();
    for _ in 0..7 {
        ended.push(env.timeout(AT_MOST, together.next()).await.expect("a wrapped waker wakes"));
    }
    ended.sort_unstable();
    assert_eq!(ended, [0, 1, 2, 3, 4, 5, 6]);
    assert!(env.timeout(SOON, together.next()).await.is_err());
    assert_eq!(together.polls_of_the_last(), 1, "who waits for nothing was woken");
}
