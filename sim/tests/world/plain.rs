//! The plain schedule, what departs from it, and how that is written.

use crate::stage::{Handle, Number, Seen, Stage, at, crash, millis, note, with_faults};
use crate::tumult;
use proptest::prelude::*;
use rehearsal_env::{Clock, File, Network, Port, Spawner, Storage, Time};
use rehearsal_sim::{
    Decider, Deviation, NetworkSettings, Noting, PlainSchedule, Question, Seeded, Settings, Site, Span,
    Traced,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::future::pending;
use std::rc::Rc;
use std::time::Duration;
use tokio::sync::Notify;

/// As deviations stand in a scenario file.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Written {
    deviation: Vec<Deviation>,
}

#[test]
fn the_plain_schedule_with_all_that_a_run_decided_otherwise_is_the_same_run() {
    let mut sites = BTreeSet::new();
    for seed in 0..50 {
        let seeded = tumult::play(Stage::new(seed, tumult::settings()));
        let (noting, deviations) = Noting::new(seed, Seeded::new(seed));
        let noted = tumult::play(Stage::decided_by(noting, tumult::settings()));
        assert_eq!(noted.outcome.digest, seeded.outcome.digest, "noting changed the run of seed {seed}");
        let deviations = deviations.take();
        sites.extend(deviations.iter().map(|deviation| deviation.question.site));
        let (plain, met) = PlainSchedule::new(seed, deviations.iter().copied());
        let again = tumult::play(Stage::decided_by(plain, tumult::settings()));
        assert_eq!(again.facts, seeded.facts, "seed {seed}");
        assert_eq!(again.incidents, seeded.incidents, "seed {seed}");
        assert_eq!(again.outcome.digest, seeded.outcome.digest, "seed {seed}");
        let questions: BTreeSet<Question> = deviations.iter().map(|deviation| deviation.question).collect();
        assert_eq!(*met.borrow(), questions, "every deviation was met");
        assert_eq!(questions.len(), deviations.len(), "every question is noted once");
    }
    // All but the seeds of nodes, which are drawn in the plain schedule too, and who is overtaken, since these runs go by time.
    let others = [Site::NodeSeed, Site::After];
    let all = Site::NAMES.iter().map(|(site, _)| *site).filter(|site| !others.contains(site));
    assert_eq!(sites, all.collect(), "the runs decide everything that can be decided");
}

#[test]
fn what_a_plain_run_decides_is_not_noted() {
    let (plain, _) = PlainSchedule::new(1, []);
    let (noting, deviations) = Noting::new(1, plain);
    tumult::play(Stage::decided_by(noting, tumult::settings()));
    let noted = deviations.take();
    // But for the order of ready tasks, which is noted whole.
    assert!(noted.iter().all(|deviation| deviation.question.site == Site::ReadyTask), "{noted:?}");
}

/// Half of everything is lost, doubled or late, if the decider will have it so.
fn rough(storm: Span) -> Settings {
    let network = NetworkSettings { loss: 30_000, duplication: 30_000, delay: 50_000, ..Default::default() };
    Settings { network, storm, ..with_faults(vec![]) }
}

const APART: Duration = Duration::from_millis(2);

/// A speaker sends twenty numbers, one every 2 ms, to a listener that notes them. Also the questions that were asked
/// about each number.
fn speak(decider: impl Decider + 'static, settings: Settings) -> (Seen, BTreeMap<u64, Vec<Question>>) {
    let mut stage = Stage::decided_by(decider, settings);
    let trace = stage.world.keep_trace();
    let listener = stage.start("listener", |env| async move {
        let port = env.bind::<Number>();
        loop {
            note(&env, "heard", port.recv().await.message.0);
        }
    });
    stage.start("speaker", move |env: Handle| async move {
        let port = env.bind::<Number>();
        for number in 0..20 {
            env.sleep(APART).await;
            port.send(listener, Number(number));
        }
        pending::<()>().await;
    });
    let seen = stage.run().sound();
    let trace = trace.borrow();
    let asked = trace.iter().filter_map(|entry| match &entry.what {
        Traced::Decided { question, .. } => Some(*question),
        _ => None,
    });
    let asked: Vec<Question> = asked.collect();
    let numbers = trace.iter().filter_map(|entry| match &entry.what {
        Traced::Sent { message, body, .. } => {
            let about = asked.iter().filter(|question| question.cause == message.0).copied().collect();
            Some((body.as_u64().expect("a number"), about))
        }
        _ => None,
    });
    (seen, numbers.collect())
}

/// The question of this site that was asked about this number.
fn question(asked: &BTreeMap<u64, Vec<Question>>, number: u64, site: Site) -> Question {
    *asked[&number].iter().find(|question| question.site == site).expect("it was asked")
}

fn plain(deviations: impl IntoIterator<Item = Deviation>) -> PlainSchedule {
    PlainSchedule::new(7, deviations).0
}

/// When this number arrives under the plain schedule, with a latency of 1 ms.
fn due(number: u64) -> Time {
    Time::ZERO + APART * (number as u32 + 1) + Duration::from_millis(1)
}

#[test]
fn plain_messages_arrive_once_after_the_shortest_latency_in_the_order_of_sending() {
    let (seen, _) = speak(plain([]), rough(Span::seconds(1)));
    assert_eq!(seen.noted("heard"), (0..20).collect::<Vec<u64>>());
    assert_eq!(seen.times("heard"), (0..20).map(due).collect::<Vec<Time>>());
    assert_eq!(seen.outcome.faults.total(), 0);
    let (rough, _) = speak(Seeded::new(7), rough(Span::seconds(1)));
    assert_ne!(rough.noted("heard"), seen.noted("heard"), "the seed would have it otherwise");
}

#[test]
fn one_deviation_loses_one_message_and_leaves_all_others() {
    let (whole, asked) = speak(plain([]), rough(Span::seconds(1)));
    for lost in [0, 7, 19] {
        let question = question(&asked, lost, Site::Message);
        let (schedule, met) = PlainSchedule::new(7, [Deviation { question, answer: 1 }]);
        let (seen, _) = speak(schedule, rough(Span::seconds(1)));
        let others: Vec<u64> = (0..20).filter(|number| *number != lost).collect();
        assert_eq!(seen.noted("heard"), others);
        assert_eq!(seen.times("heard"), others.iter().map(|number| due(*number)).collect::<Vec<Time>>());
        assert_eq!(met.take(), BTreeSet::from([question]));
        assert_ne!(seen.outcome.digest, whole.outcome.digest);
    }
}

#[test]
fn a_deviation_whose_cause_never_comes_up_is_not_met_and_changes_nothing() {
    let (whole, asked) = speak(plain([]), rough(Span::seconds(1)));
    let real = question(&asked, 3, Site::Message);
    let strangers = [
        Question { cause: real.cause ^ 1, ..real },
        Question { entity: real.entity + 1, ..real },
        Question { ordinal: 1, ..real },
        Question { site: Site::TornSector, ..real },
    ];
    let deviations = strangers.map(|question| Deviation { question, answer: 1 });
    let (schedule, met) = PlainSchedule::new(7, deviations);
    let (seen, _) = speak(schedule, rough(Span::seconds(1)));
    assert_eq!(seen.outcome.digest, whole.outcome.digest);
    assert_eq!(met.take(), BTreeSet::new());
}

#[test]
fn a_deviation_to_a_loss_is_passed_over_in_the_calm() {
    // Nine numbers are sent in the storm, the others after it.
    let storm = Span::millis(19);
    let (_, asked) = speak(plain([]), rough(storm));
    let lost = [8, 9].map(|number| question(&asked, number, Site::Message));
    let deviations = lost.map(|question| Deviation { question, answer: 1 });
    let (schedule, met) = PlainSchedule::new(7, deviations);
    let (seen, _) = speak(schedule, rough(storm));
    assert_eq!(seen.noted("heard"), (0..20).filter(|number| *number != 8).collect::<Vec<u64>>());
    assert_eq!(met.take(), BTreeSet::from(lost), "it was asked for, though not followed");
}

#[test]
fn a_fate_that_there_is_not_is_passed_over() {
    let (whole, asked) = speak(plain([]), rough(Span::seconds(1)));
    let question = question(&asked, 3, Site::Message);
    for answer in [3, 99, u64::MAX] {
        let (seen, _) = speak(plain([Deviation { question, answer }]), rough(Span::seconds(1)));
        assert_eq!(seen.outcome.digest, whole.outcome.digest, "{answer}");
    }
}

#[test]
fn a_value_out_of_its_range_is_taken_as_the_nearest_within() {
    let (_, asked) = speak(plain([]), rough(Span::seconds(1)));
    let question = question(&asked, 3, Site::Latency);
    let sent = due(3).0 - 1_000_000;
    for (answer, latency) in [(0, 1_000_000), (1_234_567, 1_234_567), (u64::MAX, 10_000_000)] {
        let (seen, _) = speak(plain([Deviation { question, answer }]), rough(Span::seconds(1)));
        let at = seen.noted("heard").iter().position(|number| *number == 3).expect("it arrives");
        assert_eq!(seen.times("heard")[at], Time(sent + latency));
    }
}

#[test]
fn a_plain_crash_leaves_what_was_synced_and_nothing_else() {
    let (schedule, _) = PlainSchedule::new(3, []);
    let mut stage = Stage::decided_by(schedule, with_faults(vec![at(100, crash("node", 10))]));
    stage.start("node", |env: Handle| async move {
        note(&env, "files", env.list().await.expect("healthy").len() as u64);
        let file = env.open("log").await.expect("healthy");
        note(&env, "length", file.len().await.expect("healthy"));
        file.append(&[1; 1_000]).await.expect("healthy");
        file.sync().await.expect("healthy");
        env.sync_dir().await.expect("healthy");
        file.append(&[2; 3_000]).await.expect("healthy");
        env.open("unsure").await.expect("healthy");
        // Under way when it crashes.
        env.sleep_until(millis(100)).await;
        let _ = file.append(&[3; 10]).await;
        pending::<()>().await;
    });
    let seen = stage.run().sound();
    assert_eq!(seen.noted("length"), [0, 1_000]);
    assert_eq!(seen.noted("files"), [0, 1]);
}

/// Six tasks begin together, and are called together three times. Also the questions which of them goes next, in the
/// order in which they went.
fn call(decider: impl Decider + 'static) -> (Seen, Vec<Question>) {
    let mut stage = Stage::decided_by(decider, with_faults(vec![]));
    let trace = stage.world.keep_trace();
    stage.start("node", |env: Handle| async move {
        let bells = [0, 1, 2, 3, 4, 5].map(|_| Rc::new(Notify::new()));
        for (member, bell) in (0..).zip(bells.clone()) {
            let own = env.clone();
            env.spawn(async move {
                note(&own, "begins", member);
                loop {
                    bell.notified().await;
                    note(&own, "comes", member);
                }
            });
        }
        for _ in 0..3 {
            env.sleep(APART).await;
            bells.iter().for_each(|bell| bell.notify_one());
        }
        pending::<()>().await;
    });
    let seen = stage.run().sound();
    let trace = trace.take();
    let asked = trace.iter().filter_map(|entry| match &entry.what {
        Traced::Decided { question, .. } if question.site == Site::ReadyTask => Some(*question),
        _ => None,
    });
    let asked = asked.collect();
    (seen, asked)
}

#[test]
fn plain_tasks_run_in_the_order_in_which_they_woke() {
    let (seen, _) = call(plain([]));
    assert_eq!(seen.noted("begins"), [0, 1, 2, 3, 4, 5]);
    assert_eq!(seen.noted("comes"), [0, 1, 2, 3, 4, 5].repeat(3));
    let (seeded, _) = call(Seeded::new(1));
    assert_ne!(seeded.noted("comes"), seen.noted("comes"), "the seed would have it otherwise");
}

#[test]
fn tasks_with_deviations_go_first_by_rank_and_the_others_stay_in_order() {
    let (_, asked) = call(plain([]));
    let ranked = [(4, 10), (2, 20)].map(|(member, answer)| Deviation { question: asked[member], answer });
    let (seen, _) = call(plain(ranked));
    assert_eq!(seen.noted("begins"), [4, 2, 0, 1, 3, 5]);
}

#[test]
fn a_task_that_is_woken_again_without_having_moved_on_is_told_from_before() {
    let (_, asked) = call(plain([]));
    // A task in this loop never moves on in the web of causes: each of its wakes has the same identity.
    let different: BTreeSet<Question> = asked.iter().copied().collect();
    let causes: BTreeSet<u64> = asked.iter().map(|question| question.cause).collect();
    assert!(causes.len() < asked.len());
    assert_eq!(different.len(), asked.len());
    // So one can go first the second time, and that time only.
    let third_call = asked.iter().find(|question| question.cause == asked[3].cause && question.ordinal == 2);
    let (seen, _) = call(plain([Deviation { question: *third_call.expect("four choices"), answer: 0 }]));
    assert_eq!(seen.noted("comes"), [0, 1, 2, 3, 4, 5, 3, 0, 1, 2, 4, 5, 0, 1, 2, 3, 4, 5]);
}

fn deviation() -> impl Strategy<Value = Deviation> {
    let site = (0..Site::NAMES.len()).prop_map(|index| Site::NAMES[index].0);
    let word = prop_oneof![Just(0), 0..1_000u64, any::<u64>(), Just(u64::MAX)];
    let answer = prop_oneof![0..10u64, any::<u64>(), Just(i64::MAX as u64), Just(i64::MAX as u64 + 1)];
    let ordinal = prop_oneof![Just(0), any::<u32>()];
    (site, word.clone(), word, ordinal, answer).prop_map(|(site, cause, entity, ordinal, answer)| Deviation {
        question: Question { cause, entity, site, ordinal },
        answer,
    })
}

proptest! {
    #[test]
    fn deviations_are_written_and_read_back_equal(deviation in prop::collection::vec(deviation(), 1..5)) {
        let written = Written { deviation };
        let text = toml::to_string(&written).expect("it can be written");
        prop_assert_eq!(&toml::from_str::<Written>(&text).expect(&text), &written);
        // Also as a table in memory, whose numbers have no more than 63 bits.
        let table = toml::Table::try_from(&written).expect("it fits a table");
        prop_assert_eq!(table.try_into::<Written>().expect(&text), written);
    }
}

#[test]
fn a_deviation_is_short_and_an_answer_that_toml_has_no_number_for_is_a_word() {
    let question = Question { cause: 0xff, entity: 0, site: Site::ReadyTask, ordinal: 0 };
    let short = Written { deviation: vec![Deviation { question, answer: 3 }] };
    let text = "[[deviation]]\ndecision = \"ready-task\"\ncause = \"00000000000000ff\"\nanswer = 3\n";
    assert_eq!(toml::to_string(&short).expect("it can be written"), text);
    let question = Question { cause: 1, entity: 0x2_0000_0001, site: Site::NodeSeed, ordinal: 4 };
    let long = Written { deviation: vec![Deviation { question, answer: u64::MAX }] };
    let text = "[[deviation]]\ndecision = \"node-seed\"\ncause = \"0000000000000001\"\nabout = \"200000001\"\nordinal = 4\nanswer = \"ffffffffffffffff\"\n";
    assert_eq!(toml::to_string(&long).expect("it can be written"), text);
}

#[test]
fn a_wrong_deviation_is_refused_with_what_is_wrong() {
    let refused = |decision: &str, cause: &str, rest: &str| {
        let text = format!("[[deviation]]\ndecision = \"{decision}\"\ncause = \"{cause}\"\n{rest}");
        toml::from_str::<Written>(&text).expect_err("it is wrong").to_string()
    };
    let unknown = refused("mesage", "1f", "answer = 1");
    assert!(unknown.contains("there is no decision `mesage`; there are latency, message, "), "{unknown}");
    assert!(unknown.contains("ready-task"), "{unknown}");
    let scenario = refused("scenario", "1f", "answer = 1");
    assert!(scenario.contains("there is no decision `scenario`"), "nothing asks it in a run: {scenario}");
    for cause in ["", "xyz", "0x1f", "1f0000000000000000"] {
        let bad = refused("message", cause, "answer = 1");
        assert!(bad.contains(&format!("cause `{cause}` is no hexadecimal number")), "{bad}");
    }
    let about = refused("message", "1f", "about = \"b-0\"\nanswer = 1");
    assert!(about.contains("about `b-0` is no hexadecimal number"), "{about}");
    let word = refused("message", "1f", "answer = \"lost\"");
    assert!(word.contains("answer `lost` is no hexadecimal number"), "{word}");
    let negative = refused("message", "1f", "answer = -1");
    assert!(negative.contains("the answer is a number from 0"), "{negative}");
    assert!(refused("message", "1f", "").contains("missing field `answer`"));
    assert!(refused("message", "1f", "answer = 1\nwhy = 2").contains("unknown field `why`"));
}
