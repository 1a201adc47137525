//! A fault that struck is one thing, a fault that changed something another: each class in both ways.

use crate::stage::{
    Handle, Number, Stage, at, crash, failed_sync, full_disk, millis, partition, pause, with_faults,
};
use rehearsal_env::{Clock, File, Network, Port, Storage};
use rehearsal_sim::{FaultClass, FaultTally, NetworkSettings, Settings, Span};
use std::future::pending;
use std::time::Duration;

/// Struck, and with effect.
fn counts(tally: &FaultTally, class: FaultClass) -> (u64, u64) {
    (tally.struck(class), tally.effective(class))
}

/// The tally of a world whose one node, `node`, writes without syncing (from 50 ms on), or sits still.
fn alone(settings: Settings, busy: bool) -> FaultTally {
    let mut stage = Stage::new(5, settings);
    stage.start("node", move |env: Handle| async move {
        let file = env.open("data").await.expect("room");
        file.append(&[0; 2_048]).await.expect("room");
        file.sync().await.expect("healthy");
        env.sync_dir().await.expect("healthy");
        if busy && env.now() < millis(50) {
            env.sleep_until(millis(50)).await;
            for byte in (1..=u8::MAX).cycle() {
                for sector in 0..4 {
                    let _ = file.write_at(sector * 512 + 256, &[byte; 512]).await;
                }
                env.sleep(Duration::from_millis(1)).await;
            }
        }
        pending::<()>().await;
    });
    stage.node("other");
    stage.run().sound().outcome.faults
}

/// The tally of a world in which a client sends fifty numbers to a server that listens, or is deaf.
fn talking(
    network: NetworkSettings,
    faults: Vec<rehearsal_sim::Fault>,
    listens: bool,
    apart: Duration,
) -> FaultTally {
    let settings = Settings { network, calm: Span::seconds(10), ..with_faults(faults) };
    let mut stage = Stage::new(5, settings);
    let server = stage.start("server", move |env: Handle| async move {
        let port = listens.then(|| env.bind::<Number>());
        loop {
            match &port {
                Some(port) => drop(port.recv().await),
                None => pending().await,
            }
        }
    });
    stage.client("client", move |env: Handle| async move {
        let port = env.bind::<Number>();
        for number in 0..50 {
            env.sleep(apart).await;
            port.send(server, Number(number));
        }
    });
    stage.run().sound().outcome.faults
}

const APART: Duration = Duration::from_millis(5);

#[test]
fn a_crash_has_an_effect_when_something_was_in_hand() {
    let settings = || with_faults(vec![at(100, crash("node", 10))]);
    assert_eq!(counts(&alone(settings(), true), FaultClass::Crash), (1, 1));
    assert_eq!(counts(&alone(settings(), false), FaultClass::Crash), (1, 0));
    let crashes = vec![at(100, crash("server", 10))];
    let with_messages = talking(NetworkSettings::default(), crashes, true, APART);
    assert_eq!(counts(&with_messages, FaultClass::Crash), (1, 1), "messages were on their way to it");
}

#[test]
fn a_pause_has_an_effect_when_a_task_had_to_wait() {
    let settings = || with_faults(vec![at(100, pause("node", 10))]);
    assert_eq!(counts(&alone(settings(), true), FaultClass::Pause), (1, 1));
    assert_eq!(counts(&alone(settings(), false), FaultClass::Pause), (1, 0));
}

#[test]
fn a_partition_has_one_effect_however_many_messages_it_stops() {
    let cut = || vec![at(50, partition("client", "server", false, 100))];
    assert_eq!(
        counts(&talking(NetworkSettings::default(), cut(), true, APART), FaultClass::Partition),
        (1, 1)
    );
    let unused = vec![at(50, partition("server", "client", true, 100))];
    assert_eq!(
        counts(&talking(NetworkSettings::default(), unused, true, APART), FaultClass::Partition),
        (1, 0)
    );
}

#[test]
fn a_loss_has_an_effect_when_somebody_listens() {
    let network = NetworkSettings { loss: 100_000, ..NetworkSettings::default() };
    assert_eq!(counts(&talking(network, vec![], true, APART), FaultClass::Loss), (50, 50));
    assert_eq!(counts(&talking(network, vec![], false, APART), FaultClass::Loss), (50, 0));
}

#[test]
fn a_duplication_has_an_effect_when_both_copies_arrive() {
    let network = NetworkSettings { duplication: 100_000, ..NetworkSettings::default() };
    assert_eq!(counts(&talking(network, vec![], true, APART), FaultClass::Duplication), (50, 50));
    assert_eq!(counts(&talking(network, vec![], false, APART), FaultClass::Duplication), (50, 0));
    let all_lost = NetworkSettings { loss: 100_000, ..network };
    assert_eq!(counts(&talking(all_lost, vec![], true, APART), FaultClass::Duplication), (0, 0));
}

#[test]
fn a_delay_has_an_effect_when_a_later_message_overtakes() {
    let network =
        NetworkSettings { delay: 50_000, delay_max: Span::millis(100), ..NetworkSettings::default() };
    let (struck, effective) = counts(&talking(network, vec![], true, APART), FaultClass::Delay);
    assert!((10..40).contains(&struck) && effective > 5 && effective <= struck, "{struck} {effective}");
    // Too far apart for any to overtake: after a second the delays are over with the storm.
    let (struck, effective) =
        counts(&talking(network, vec![], true, Duration::from_millis(111)), FaultClass::Delay);
    assert!(struck > 0 && effective == 0, "{struck} {effective}");
    let all_lost = NetworkSettings { loss: 100_000, ..network };
    let (struck, effective) = counts(&talking(all_lost, vec![], true, APART), FaultClass::Delay);
    assert!(struck > 0 && effective == 0, "what is lost is not overtaken: {struck} {effective}");
}

#[test]
fn torn_and_lost_writes_have_an_effect_when_bytes_differ() {
    let tally = alone(with_faults(vec![at(100, crash("node", 10))]), true);
    for class in [FaultClass::TornWrite, FaultClass::LostWrite] {
        let (struck, effective) = counts(&tally, class);
        assert!(struck > 10 && effective > 10 && effective <= struck, "{class:?} {struck} {effective}");
    }
    // Zeros over zeros: whatever is lost, nothing is missed.
    let mut without_effect = FaultTally::default();
    for seed in 0..20 {
        let mut stage = Stage::new(seed, with_faults(vec![at(100, crash("node", 10))]));
        stage.start("node", |env: Handle| async move {
            let file = env.open("zeros").await.expect("room");
            env.sync_dir().await.expect("healthy");
            file.append(&[0; 2_048]).await.expect("room");
            file.sync().await.expect("healthy");
            file.write_at(0, &[0; 2_048]).await.expect("room");
            pending::<()>().await;
        });
        without_effect.add(&stage.run().sound().outcome.faults);
    }
    for class in [FaultClass::TornWrite, FaultClass::LostWrite] {
        let (struck, effective) = counts(&without_effect, class);
        assert!(struck > 0 && effective == 0, "{class:?} {struck} {effective}");
    }
}

#[test]
fn a_failed_sync_has_an_effect_when_a_sync_comes() {
    assert_eq!(
        counts(&alone(with_faults(vec![at(0, failed_sync("other"))]), true), FaultClass::FailedSync),
        (1, 0)
    );
    let mut stage = Stage::new(1, with_faults(vec![at(10, failed_sync("node"))]));
    stage.start("node", |env: Handle| async move {
        let file = env.open("data").await.expect("room");
        env.sleep_until(millis(20)).await;
        let _ = file.sync().await;
        pending::<()>().await;
    });
    assert_eq!(counts(&stage.run().sound().outcome.faults, FaultClass::FailedSync), (1, 1));
}

#[test]
fn a_full_disk_has_one_effect_however_many_writes_it_refuses() {
    let settings = || with_faults(vec![at(100, full_disk("node", 50))]);
    assert_eq!(counts(&alone(settings(), true), FaultClass::FullDisk), (1, 1));
    assert_eq!(counts(&alone(settings(), false), FaultClass::FullDisk), (1, 0));
}

#[test]
fn no_class_has_more_effects_than_strikes() {
    let network =
        NetworkSettings { loss: 10_000, duplication: 10_000, delay: 10_000, ..NetworkSettings::default() };
    let faults = || {
        vec![
            at(60, crash("server", 20)),
            at(90, pause("server", 30)),
            at(130, partition("client", "server", false, 20)),
            at(140, pause("client", 30)),
        ]
    };
    let mut total = talking(network, faults(), true, APART);
    total.add(&alone(with_faults(vec![at(60, full_disk("node", 20)), at(90, crash("node", 20))]), true));
    for class in FaultClass::all() {
        assert!(total.effective(class) <= total.struck(class), "{class:?}");
    }
}
