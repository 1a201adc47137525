//! A fault is known by what it does and to whom: neither its place in the scenario nor its time tells it from another.

use crate::stage::{Handle, Stage, at, crash, failed_sync, note, partition, pause, with_faults};
use rehearsal_env::{Clock, File, Storage};
use rehearsal_sim::{Fault, Span, Trigger};
use std::future::pending;
use std::time::Duration;

/// What is left of twenty writes that were never synced, each of them four sectors long.
fn left(seed: u64, faults: Vec<Fault>, ticks: Duration) -> Vec<u64> {
    let mut stage = Stage::new(seed, with_faults(faults));
    stage.start("node", |env: Handle| async move {
        let file = env.open("log").await.expect("healthy");
        let length = file.len().await.expect("healthy");
        if length > 0 {
            for sector in 0..20 * 4 {
                let bytes = file.read_at(sector * 512, 512).await.expect("healthy");
                note(&env, "left", u64::from(bytes.first().copied().unwrap_or(0)));
            }
        } else {
            // The file is sure, and long: it says after the crash that there was a life before.
            file.write_at(20 * 4 * 512, b"end").await.expect("healthy");
            file.sync().await.expect("healthy");
            env.sync_dir().await.expect("healthy");
            for number in 0..20u8 {
                file.write_at(u64::from(number) * 2_048, &[number + 1; 2_048]).await.expect("healthy");
            }
        }
        pending::<()>().await;
    });
    stage.start("stranger", move |env: Handle| async move {
        loop {
            env.sleep(ticks).await;
        }
    });
    let left = stage.run().sound().noted("left");
    assert_eq!(left.len(), 80, "it crashed once");
    left
}

const TICKS: Duration = Duration::from_millis(7);

#[test]
fn taking_the_first_of_two_different_faults_out_leaves_what_the_second_does_to_unsynced_writes() {
    let firsts = [
        crash("stranger", 10),
        pause("stranger", 10),
        pause("node", 10),
        partition("node", "stranger", false, 10),
        failed_sync("stranger"),
    ];
    for seed in 0..10 {
        let alone = left(seed, vec![at(100, crash("node", 50))], TICKS);
        for first in &firsts {
            let both = left(seed, vec![at(60, first.clone()), at(100, crash("node", 50))], TICKS);
            assert_eq!(both, alone, "seed {seed}, {first:?}");
        }
    }
}

#[test]
fn a_crash_that_comes_earlier_or_lasts_longer_leaves_the_same() {
    let alone = left(1, vec![at(100, crash("node", 50))], TICKS);
    assert_eq!(left(1, vec![at(200, crash("node", 90))], TICKS), alone);
    // Also one that counts events, whatever the event is that it comes after.
    for (events, ticks) in [(60, TICKS), (61, TICKS), (90, Duration::from_millis(3))] {
        let fault = Fault { trigger: Trigger::After(events), blow: crash("node", 50) };
        assert_eq!(left(1, vec![fault], ticks), alone, "after {events} events");
    }
    let fault = Fault {
        trigger: Trigger::On { fact: "left".to_owned(), nth: 1, delay: Span::micros(0) },
        blow: crash("stranger", 50),
    };
    assert_eq!(left(1, vec![at(100, crash("node", 50)), fault], TICKS), alone);
}

#[test]
fn what_a_crash_leaves_depends_on_the_seed_and_on_which_of_several_crashes_it_is() {
    // The tests above would pass if it depended on nothing.
    let alone = left(1, vec![at(100, crash("node", 50))], TICKS);
    assert_ne!(left(2, vec![at(100, crash("node", 50))], TICKS), alone);
    let torn = alone.chunks(4).any(|write| write.contains(&0) && write.iter().any(|byte| *byte != 0));
    let kept = alone.chunks(4).any(|write| !write.contains(&0));
    let lost = alone.chunks(4).any(|write| write == [0; 4]);
    assert!(torn && kept && lost, "{alone:?}");
}
