//! The promises of [`Random`](crate::Random).

use super::{AT_MOST, Check, PeerCheck, check, peer_check};
use crate::{Env, NodeId, Port};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::time::Duration;

/// Asks for draws, or tells them.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
struct Draws(Vec<u64>);

pub(super) fn checks<E: Env>() -> Vec<Check<E>> {
    vec![
        check("random::draws_stay_below_their_bound", draws_stay_below_their_bound),
        check("random::draws_do_not_repeat", draws_do_not_repeat),
    ]
}

pub(super) fn peer_checks<E: Env>() -> Vec<PeerCheck<E>> {
    vec![peer_check("random::two_nodes_draw_differently", teller, two_nodes_draw_differently)]
}

/// `below` keeps to its bound and reaches every number of a small range.
pub async fn draws_stay_below_their_bound<E: Env>(env: E) {
    for bound in [1, 2, 3, 10, 1_000, u64::MAX] {
        for _ in 0..100 {
            let drawn = env.below(bound);
            assert!(drawn < bound, "{drawn} is not below {bound}");
        }
    }
    let reached: BTreeSet<u64> = (0..200).map(|_| env.below(4)).collect();
    assert_eq!(reached, BTreeSet::from([0, 1, 2, 3]));
}

/// Draws go on from one generator to the next: nothing is drawn twice.
pub async fn draws_do_not_repeat<E: Env>(env: E) {
    let mut drawn: BTreeSet<u64> = (0..100).map(|_| env.bits()).collect();
    drawn.extend((0..100).map(|_| rand_core::Rng::next_u64(&mut env.clone().random())));
    let mut bytes = [0; 16];
    rand_core::Rng::fill_bytes(&mut env.random(), &mut bytes);
    for half in bytes.chunks_exact(8) {
        drawn.insert(u64::from_le_bytes(half.try_into().expect("chunks of eight")));
    }
    assert_eq!(drawn.len(), 202);
}

/// A peer that tells four of its draws to whoever asks.
pub async fn teller<E: Env>(env: E) {
    let port = env.bind::<Draws>();
    loop {
        let asked = port.recv().await;
        port.send(asked.from, Draws((0..4).map(|_| env.bits()).collect()));
    }
}

/// Beside [`teller`]: two nodes draw different numbers.
pub async fn two_nodes_draw_differently<E: Env>(env: E, peer: NodeId) {
    let port = env.bind::<Draws>();
    let deadline = env.now() + AT_MOST;
    let Draws(theirs) = loop {
        assert!(env.now() < deadline, "the peer does not answer");
        port.send(peer, Draws(Vec::new()));
        if let Ok(answer) = env.timeout(Duration::from_millis(40), port.recv()).await {
            break answer.message;
        }
    };
    let own: BTreeSet<u64> = (0..100).map(|_| env.bits()).collect();
    assert!(theirs.iter().all(|drawn| !own.contains(drawn)), "{theirs:?} were drawn by both");
}
