//! The promises of [`Clock`](crate::Clock).

use super::{AT_MOST, Check, check};
use crate::{Elapsed, Env, Time};
use std::cell::Cell;
use std::future::{pending, ready};
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

pub(super) fn checks<E: Env>() -> Vec<Check<E>> {
    vec![
        check("clock::time_never_goes_back", time_never_goes_back),
        check("clock::no_sleep_ends_early", no_sleep_ends_early),
        check("clock::sleeping_until_the_past_returns", sleeping_until_the_past_returns),
        check("clock::sleeps_end_in_the_order_of_their_times", sleeps_end_in_the_order_of_their_times),
        check("clock::a_timeout_prefers_the_future", a_timeout_prefers_the_future),
        check("clock::a_timeout_elapses_and_drops_the_future", a_timeout_elapses_and_drops_the_future),
        check("clock::a_dropped_sleep_wakes_nobody", a_dropped_sleep_wakes_nobody),
    ]
}

/// `now` does not go back, neither in a task nor between tasks of one node.
pub async fn time_never_goes_back<E: Env>(env: E) {
    let latest = Rc::new(Cell::new(env.now()));
    let look = |env: &E, latest: &Cell<Time>| {
        let now = env.now();
        assert!(now >= latest.get(), "it was {} and is {now}", latest.get());
        latest.set(now);
    };
    for step in 0..5 {
        let (other, seen) = (env.clone(), latest.clone());
        env.spawn(async move {
            for _ in 0..5 {
                other.sleep(Duration::from_micros(700 + 300 * step)).await;
                look(&other, &seen);
            }
        });
    }
    for _ in 0..10 {
        look(&env, &latest);
        env.sleep(Duration::from_millis(1)).await;
        look(&env, &latest);
    }
}

/// A sleep takes at least its span by the node's own clock.
pub async fn no_sleep_ends_early<E: Env>(env: E) {
    for nanos in [0, 1, 999, 1_000, 123_456, 1_000_000, 1_234_567, 20_000_000] {
        let span = Duration::from_nanos(nanos);
        let begun = env.now();
        env.sleep(span).await;
        let took = env.now() - begun;
        assert!(took >= span, "a sleep of {span:?} took {took:?}");

        let until = env.now() + span;
        env.sleep_until(until).await;
        assert!(env.now() >= until, "a sleep until {until} ended at {}", env.now());
    }
}

/// A sleep is counted from the call, not from the first poll; one that has passed ends at once.
pub async fn sleeping_until_the_past_returns<E: Env>(env: E) {
    env.sleep(Duration::from_millis(5)).await;
    for until in [Time::ZERO, env.now()] {
        assert_eq!(env.timeout(AT_MOST, env.sleep_until(until)).await, Ok(()));
    }
    let begun = env.now();
    let early = env.sleep(Duration::from_millis(1));
    env.sleep(Duration::from_millis(20)).await;
    early.await;
    assert!(env.now() - begun >= Duration::from_millis(20));
}

/// A later time does not end first, unless the two are too near for the clock to part.
pub async fn sleeps_end_in_the_order_of_their_times<E: Env>(env: E) {
    let ended = Rc::new(std::cell::RefCell::new(Vec::new()));
    for millis in [30, 5, 18] {
        let (other, ended) = (env.clone(), ended.clone());
        env.spawn(async move {
            other.sleep(Duration::from_millis(millis)).await;
            ended.borrow_mut().push(millis);
        });
    }
    env.sleep(Duration::from_millis(50)).await;
    assert_eq!(*ended.borrow(), [5, 18, 30]);
}

/// What is ready wins over a time that has run out.
pub async fn a_timeout_prefers_the_future<E: Env>(env: E) {
    assert_eq!(env.timeout(Duration::ZERO, ready(7)).await, Ok(7));
    let slept = env.timeout(AT_MOST, env.sleep(Duration::from_millis(2))).await;
    assert_eq!(slept, Ok(()));
    // A timeout that was not needed leaves nothing behind.
    env.sleep(Duration::from_millis(2)).await;
}

/// When the time runs out the future is dropped before the caller goes on.
pub async fn a_timeout_elapses_and_drops_the_future<E: Env>(env: E) {
    let held = Rc::new(());
    let inside = held.clone();
    let begun = env.now();
    let within = Duration::from_millis(10);
    let outcome = env
        .timeout(within, async move {
            let _inside = inside;
            pending::<()>().await;
        })
        .await;
    assert_eq!(outcome, Err(Elapsed));
    assert_eq!(Rc::strong_count(&held), 1, "the future lives on");
    assert!(env.now() - begun >= within);
    assert_eq!(env.timeout(Duration::from_millis(1), env.sleep(within)).await, Err(Elapsed));
}

/// Counts how often it is woken.
#[derive(Default)]
struct Counting(AtomicU32);

impl Wake for Counting {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// Dropping a sleep cancels its timer; one that is kept wakes whoever polled it last.
pub async fn a_dropped_sleep_wakes_nobody<E: Env>(env: E) {
    let (dropped, first, last) =
        (Arc::new(Counting::default()), Arc::new(Counting::default()), Arc::new(Counting::default()));
    let poll = |sleep: std::pin::Pin<&mut dyn Future<Output = ()>>, by: &Arc<Counting>| {
        sleep.poll(&mut Context::from_waker(&Waker::from(by.clone())))
    };
    {
        let mut sleep = pin!(env.sleep(Duration::from_millis(5)));
        assert_eq!(poll(sleep.as_mut(), &dropped), Poll::Pending);
    }
    let mut kept = pin!(env.sleep(Duration::from_millis(5)));
    assert_eq!(poll(kept.as_mut(), &first), Poll::Pending);
    assert_eq!(poll(kept.as_mut(), &last), Poll::Pending);
    env.sleep(Duration::from_millis(30)).await;
    assert_eq!(dropped.0.load(Ordering::Relaxed), 0, "a dropped sleep woke somebody");
    assert_eq!(first.0.load(Ordering::Relaxed), 0, "who polled first no longer waits");
    assert!(last.0.load(Ordering::Relaxed) > 0, "a sleep that is kept wakes whoever polled it last");
    assert_eq!(poll(kept.as_mut(), &last), Poll::Ready(()));
}
