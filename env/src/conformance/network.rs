//! The promises of [`Network`](crate::Network) and [`Port`].

use super::{AT_MOST, Check, PeerCheck, check, peer_check};
use crate::{Elapsed, Env, NodeId, Port, Received};
use serde::{Deserialize, Serialize};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

/// Longer than any link of a conforming world takes.
const SETTLED: Duration = Duration::from_millis(40);

#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
struct Number(u32);

#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
struct Word(String);

/// Asks a peer to open its port for [`Number`], or says that it is open.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
struct Open;

pub(super) fn checks<E: Env>() -> Vec<Check<E>> {
    vec![
        check("network::messages_to_oneself_arrive_once_in_order", messages_to_oneself_arrive_once_in_order),
        check("network::messages_of_two_protocols_do_not_mix", messages_of_two_protocols_do_not_mix),
        check("network::a_dropped_recv_takes_nothing", a_dropped_recv_takes_nothing),
        check("network::what_arrives_while_unbound_is_lost", what_arrives_while_unbound_is_lost),
        check("network::binding_twice_panics", binding_twice_panics),
    ]
}

pub(super) fn peer_checks<E: Env>() -> Vec<PeerCheck<E>> {
    vec![
        peer_check("network::a_peer_answers_what_it_was_asked", echo, a_peer_answers_what_it_was_asked),
        peer_check(
            "network::what_arrives_before_bind_is_lost",
            late_listener,
            what_arrives_before_bind_is_lost,
        ),
    ]
}

/// What a node sends to itself is reliable: each message arrives once, in order, from itself.
pub async fn messages_to_oneself_arrive_once_in_order<E: Env>(env: E) {
    let port = env.bind::<Number>();
    for number in 0..100 {
        port.send(env.id(), Number(number));
        if number % 10 == 0 {
            env.sleep(Duration::from_micros(3)).await;
        }
    }
    for number in 0..100 {
        let received = env.timeout(AT_MOST, port.recv()).await.expect("it is reliable");
        assert_eq!(received, Received { from: env.id(), message: Number(number) });
    }
    assert_eq!(env.timeout(SETTLED, port.recv()).await, Err(Elapsed), "more arrives than was sent");
}

/// A port takes the messages of its own type only.
pub async fn messages_of_two_protocols_do_not_mix<E: Env>(env: E) {
    let (numbers, words) = (env.bind::<Number>(), env.bind::<Word>());
    for number in 0..10 {
        numbers.send(env.id(), Number(number));
        words.send(env.id(), Word(number.to_string()));
    }
    for number in 0..10 {
        let word = env.timeout(AT_MOST, words.recv()).await.expect("it is reliable");
        assert_eq!(word.message, Word(number.to_string()));
    }
    for number in 0..10 {
        let received = env.timeout(AT_MOST, numbers.recv()).await.expect("it is reliable");
        assert_eq!(received.message, Number(number));
    }
}

/// `recv` is cancel-safe: however often it is given up, nothing that arrives is lost or doubled.
pub async fn a_dropped_recv_takes_nothing<E: Env>(env: E) {
    const SENT: u32 = 60;
    let port = std::rc::Rc::new(env.bind::<Number>());
    let (sender, sending) = (env.clone(), port.clone());
    env.spawn(async move {
        for number in 0..SENT {
            sending.send(sender.id(), Number(number));
            sender.sleep(Duration::from_micros(sender.below(300))).await;
        }
    });
    let deadline = env.now() + AT_MOST;
    let mut given_up = 0;
    let mut expected = 0;
    while expected < SENT {
        assert!(env.now() < deadline, "message {expected} never came; {given_up} tries were given up");
        match env.timeout(Duration::from_nanos(env.below(200_000)), port.recv()).await {
            Ok(received) => {
                assert_eq!(received.message, Number(expected));
                expected += 1;
            }
            Err(Elapsed) => given_up += 1,
        }
    }
}

/// A dropped port is unbound: what arrives then is lost, and the port can be bound again.
pub async fn what_arrives_while_unbound_is_lost<E: Env>(env: E) {
    let port = env.bind::<Number>();
    port.send(env.id(), Number(1));
    drop(port);
    env.sleep(SETTLED).await;
    let port = env.bind::<Number>();
    port.send(env.id(), Number(2));
    let received = env.timeout(AT_MOST, port.recv()).await.expect("a port that was bound again is open");
    assert_eq!(received.message, Number(2));
    // What lay unread when a port was dropped is gone with it.
    port.send(env.id(), Number(3));
    env.sleep(SETTLED).await;
    drop(port);
    let port = env.bind::<Number>();
    assert_eq!(env.timeout(SETTLED, port.recv()).await, Err(Elapsed));
}

/// Two readers of one port are a mistake, which is told at once, and leaves the first as it was.
pub async fn binding_twice_panics<E: Env>(env: E) {
    let port = env.bind::<Number>();
    let second = catch_unwind(AssertUnwindSafe(|| drop(env.bind::<Number>())));
    assert!(second.is_err(), "a second port of one type was bound");
    port.send(env.id(), Number(1));
    let received = env.timeout(AT_MOST, port.recv()).await.expect("the first port is open");
    assert_eq!(received.message, Number(1));
}

/// A peer that sends every word back to where it came from.
pub async fn echo<E: Env>(env: E) {
    let port = env.bind::<Word>();
    loop {
        let Received { from, message } = port.recv().await;
        port.send(from, message);
    }
}

/// Beside [`echo`]: an answer comes from the node that was asked, with the content that was sent.
pub async fn a_peer_answers_what_it_was_asked<E: Env>(env: E, peer: NodeId) {
    assert_ne!(env.id(), peer);
    let port = env.bind::<Word>();
    let deadline = env.now() + AT_MOST;
    for number in 0..10 {
        let asked = Word(format!("question {number}"));
        loop {
            assert!(env.now() < deadline, "no answer to {asked:?}");
            port.send(peer, asked.clone());
            if let Ok(answer) = env.timeout(SETTLED, port.recv()).await {
                assert_eq!(answer.from, peer);
                assert!(answer.message.0.starts_with("question "), "{answer:?}");
                // Another word is the late answer to an earlier question.
                if answer.message == asked {
                    break;
                }
            }
        }
    }
}

/// A peer that opens its port for numbers only when it is told to, and then sends every number back.
pub async fn late_listener<E: Env>(env: E) {
    let control = env.bind::<Open>();
    let asked = control.recv().await;
    let port = env.bind::<Number>();
    control.send(asked.from, Open);
    let (other, answering) = (env.clone(), control);
    // The answer may be lost, and is asked for again.
    other.spawn(async move {
        loop {
            let again = answering.recv().await;
            answering.send(again.from, Open);
        }
    });
    loop {
        let Received { from, message } = port.recv().await;
        port.send(from, message);
    }
}

/// Beside [`late_listener`]: what reached it before it had bound its port it never hears of.
pub async fn what_arrives_before_bind_is_lost<E: Env>(env: E, peer: NodeId) {
    let (control, port) = (env.bind::<Open>(), env.bind::<Number>());
    for _ in 0..10 {
        port.send(peer, Number(1));
    }
    env.sleep(SETTLED).await;
    let deadline = env.now() + AT_MOST;
    loop {
        assert!(env.now() < deadline, "the peer does not open its port");
        control.send(peer, Open);
        if env.timeout(SETTLED, control.recv()).await.is_ok() {
            break;
        }
    }
    loop {
        assert!(env.now() < deadline, "the peer does not answer");
        port.send(peer, Number(2));
        if let Ok(answer) = env.timeout(SETTLED, port.recv()).await {
            assert_eq!(answer.message, Number(2), "it heard what arrived before it had bound");
            break;
        }
    }
    while let Ok(answer) = env.timeout(SETTLED, port.recv()).await {
        assert_eq!(answer.message, Number(2), "it heard what arrived before it had bound");
    }
}
