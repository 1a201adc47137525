//! Links that are cut, lose, double and hold back.

use crate::stage::{Handle, Number, Seen, Stage, at, millis, note, partition, with_faults};
use rehearsal_env::{Clock, Network, NodeId, Port, Time};
use rehearsal_sim::{FaultClass, Incident, NetworkSettings, Settings, Span};
use std::time::Duration;

/// Two nodes that send each other a number every 10 ms, and note what they hear. Links take 5 ms.
fn chatter(mut settings: Settings) -> Seen {
    (settings.network.latency_min, settings.network.latency_max) = (Span::millis(5), Span::millis(5));
    let mut stage = Stage::new(1, settings);
    let (left, right) = (stage.node("left"), stage.node("right"));
    stage.start("left", move |env| chats(env, right, "left heard"));
    stage.start("right", move |env| chats(env, left, "right heard"));
    stage.run().sound()
}

async fn chats(env: Handle, other: NodeId, heard: &'static str) {
    let port = env.bind::<Number>();
    let mut next = env.now();
    for number in 0.. {
        next = next + Duration::from_millis(10);
        while let Ok(received) = env.timeout(next - env.now(), port.recv()).await {
            note(&env, heard, received.message.0);
        }
        port.send(other, Number(number));
    }
}

/// Whether any of these lies strictly between.
fn any_between(times: &[Time], from: u64, to: u64) -> bool {
    times.iter().any(|time| *time > millis(from) && *time < millis(to))
}

#[test]
fn a_partition_stops_both_ways_until_it_heals() {
    let seen = chatter(with_faults(vec![at(200, partition("left", "right", false, 300))]));
    for heard in ["left heard", "right heard"] {
        let times = seen.times(heard);
        assert!(any_between(&times, 100, 200) && any_between(&times, 500, 600));
        // What was under way when the link was cut is stopped too.
        assert!(!any_between(&times, 200, 500), "{times:?}");
    }
    assert_eq!(seen.when(Incident::Cut(0)), [millis(200)]);
    assert_eq!(seen.when(Incident::Healed(0)), [millis(500)]);
    assert_eq!(seen.outcome.faults.effective(FaultClass::Partition), 1);
}

#[test]
fn a_one_way_partition_stops_one_way() {
    let seen = chatter(with_faults(vec![at(200, partition("left", "right", true, 300))]));
    assert!(!any_between(&seen.times("right heard"), 200, 500));
    assert_eq!(seen.noted("left heard").len(), chatter(with_faults(vec![])).noted("left heard").len());
}

#[test]
fn a_link_that_two_partitions_cut_is_open_when_both_have_healed() {
    let faults =
        vec![at(200, partition("left", "right", false, 100)), at(250, partition("right", "left", true, 200))];
    let seen = chatter(with_faults(faults));
    assert!(
        !any_between(&seen.times("left heard"), 200, 450) && any_between(&seen.times("left heard"), 450, 480)
    );
    assert!(
        !any_between(&seen.times("right heard"), 200, 300)
            && any_between(&seen.times("right heard"), 300, 350)
    );
}

#[test]
fn the_calm_heals_a_partition() {
    let seen = chatter(with_faults(vec![at(200, partition("left", "right", false, 100_000))]));
    assert!(
        !any_between(&seen.times("left heard"), 200, 1_000)
            && any_between(&seen.times("left heard"), 1_000, 1_030)
    );
}

fn chatter_with(network: NetworkSettings) -> Seen {
    chatter(Settings { network, ..with_faults(vec![]) })
}

#[test]
fn loss_takes_its_share_in_the_storm_and_nothing_in_the_calm() {
    let seen = chatter_with(NetworkSettings { loss: 30_000, ..NetworkSettings::default() });
    let heard = seen.noted("left heard");
    let missing = |range: std::ops::Range<u64>| range.filter(|number| !heard.contains(number)).count();
    assert!((15..45).contains(&missing(0..98)), "{} of 98 were lost", missing(0..98));
    assert_eq!(missing(101..190), 0);
    let lost = seen.outcome.faults.struck(FaultClass::Loss);
    assert_eq!(seen.outcome.faults.effective(FaultClass::Loss), lost, "both ports were open all the time");
    assert!((30..90).contains(&lost));
}

#[test]
fn doubled_messages_arrive_twice_and_only_in_the_storm() {
    let seen = chatter_with(NetworkSettings { duplication: 50_000, ..NetworkSettings::default() });
    let heard = seen.noted("left heard");
    let twice = |number: &u64| heard.iter().filter(|other| *other == number).count() == 2;
    assert!((30..70).contains(&(0..98).filter(twice).count()));
    assert_eq!((101..190).filter(twice).count(), 0);
    let tally = seen.outcome.faults;
    assert_eq!(tally.struck(FaultClass::Duplication), tally.effective(FaultClass::Duplication));
}

#[test]
fn what_is_held_back_comes_late_and_is_overtaken() {
    let network =
        NetworkSettings { delay: 20_000, delay_max: Span::millis(100), ..NetworkSettings::default() };
    let seen = chatter_with(network);
    let heard = seen.noted("left heard");
    assert!(!heard.is_sorted(), "nothing was overtaken");
    let mut all = heard.clone();
    all.sort_unstable();
    assert!((0..150).eq(all.into_iter().take(150)), "held back is not lost");
    let tally = seen.outcome.faults;
    assert!(tally.effective(FaultClass::Delay) > 0);
    assert!(tally.effective(FaultClass::Delay) < tally.struck(FaultClass::Delay));
}

#[test]
fn links_that_differ_have_latencies_of_their_own_within_the_range() {
    let mut spreads = Vec::new();
    for links_differ in [false, true] {
        let network = NetworkSettings { links_differ, ..NetworkSettings::default() };
        let mut stage = Stage::new(3, Settings { network, ..with_faults(vec![]) });
        let server = stage.start("server", |env: Handle| async move {
            let port = env.bind::<Number>();
            loop {
                let sent = port.recv().await.message.0;
                note(&env, "took", env.now().nanos() - sent);
            }
        });
        stage.start("client", move |env: Handle| async move {
            let port = env.bind::<Number>();
            loop {
                port.send(server, Number(env.now().nanos()));
                env.sleep(Duration::from_millis(1)).await;
            }
        });
        let took = stage.run().sound().noted("took");
        let (least, most) = (took.iter().min().expect("some"), took.iter().max().expect("some"));
        assert!((1_000_000..=10_000_000).contains(least) && *most <= 10_000_000);
        spreads.push(most - least);
    }
    assert!(spreads[0] > 8_500_000 && spreads[1] < spreads[0], "{spreads:?}");
}

#[test]
fn a_message_to_nobody_is_lost_in_silence() {
    let mut stage = Stage::new(1, with_faults(vec![]));
    stage.client("lost", |env| async move {
        let port = env.bind::<Number>();
        port.send(NodeId(77), Number(1));
        env.sleep(Duration::from_millis(50)).await;
    });
    let seen = stage.run().sound();
    assert_eq!(seen.outcome.messages, 0);
}
