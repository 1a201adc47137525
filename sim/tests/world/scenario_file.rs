//! Faults as they are written in a scenario file.

use proptest::prelude::*;
use rehearsal_sim::{Ailment, Blow, Fault, Span, Trigger};
use serde::{Deserialize, Serialize};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Scenario {
    fault: Vec<Fault>,
}

fn read(entry: &str) -> Result<Fault, String> {
    let scenario: Result<Scenario, _> = toml::from_str(&format!("[[fault]]\n{entry}\n"));
    scenario.map(|mut scenario| scenario.fault.remove(0)).map_err(|error| error.to_string())
}

#[test]
fn faults_are_written_like_this() {
    let name = || "database-0".to_owned();
    let second = Span::seconds(1);
    let cases = [
        (
            "at = \"12.3s\"\ncrash = \"database-0\"\nrestart_after = \"4s\"",
            Trigger::At(Span::millis(12_300)),
            Blow::Crash { node: name(), restart_after: Span::seconds(4) },
        ),
        (
            "after = 77\ncrash = \"database-0\"",
            Trigger::After(77),
            Blow::Crash { node: name(), restart_after: second },
        ),
        (
            "on = { fact = \"Paid\", nth = 3, delay = \"5ms\" }\npause = \"database-0\"\nlasts = \"2s\"",
            Trigger::On { fact: "Paid".to_owned(), nth: 3, delay: Span::millis(5) },
            Blow::Pause { node: name(), lasts: Span::seconds(2) },
        ),
        (
            "on = { fact = \"Paid\" }\nfailed_sync = \"database-0\"",
            Trigger::On { fact: "Paid".to_owned(), nth: 1, delay: Span(0) },
            Blow::FailedSync { node: name() },
        ),
        (
            "at = \"0s\"\nfull_disk = \"database-0\"",
            Trigger::At(Span(0)),
            Blow::FullDisk { node: name(), lasts: second },
        ),
        (
            "at = \"1s\"\ncrash_loop = \"database-0\"\ntimes = 5",
            Trigger::At(second),
            Blow::CrashLoop { node: name(), times: 5, restart_after: second, up_for: Span::millis(500) },
        ),
        (
            "at = \"1s\"\npartition = { from = [\"a\", \"b\"], to = [\"database-0\"], one_way = true }\nheal_after = \"8s\"",
            Trigger::At(second),
            Blow::Partition {
                from: vec!["a".to_owned(), "b".to_owned()],
                to: vec![name()],
                one_way: true,
                heal_after: Span::seconds(8),
            },
        ),
    ];
    for (text, trigger, blow) in cases {
        assert_eq!(read(text), Ok(Fault { trigger, blow }), "{text}");
    }
}

#[test]
fn what_goes_wrong_with_a_machine_is_written_like_this() {
    let (second, minute) = (Span::seconds(1), Span::seconds(60));
    let cases = [
        ("slow_disk = \"a\"", Ailment::SlowDisk { times: 10, lasts: second }),
        ("slow_disk = \"a\"\ntimes = 25\nlasts = \"1min\"", Ailment::SlowDisk { times: 25, lasts: minute }),
        ("slow_node = \"a\"\ntimes = 2", Ailment::SlowNode { times: 2, lasts: second }),
        ("failed_read = \"a\"", Ailment::FailedRead),
        ("failed_write = \"a\"", Ailment::FailedWrite),
        ("dropped_sync = \"a\"", Ailment::DroppedSync),
        ("bit_rot = \"a\"", Ailment::BitRot { lasting: false }),
        ("bit_rot = \"a\"\nlasting = true", Ailment::BitRot { lasting: true }),
        (
            "clock_drift = \"a\"\nppm = -200\nlasts = \"1min\"",
            Ailment::ClockDrift { ppm: -200, lasts: minute },
        ),
        (
            "clock_step = \"a\"\nforward = \"1min\"",
            Ailment::ClockStep { forward: true, by: minute, lasts: second },
        ),
        (
            "clock_step = \"a\"\nback = \"1s\"\nlasts = \"1min\"",
            Ailment::ClockStep { forward: false, by: second, lasts: minute },
        ),
        ("suspend = \"a\"\nlasts = \"1min\"", Ailment::Suspend { lasts: minute }),
        ("lost_disk = \"a\"", Ailment::LostDisk { restart_after: Some(second) }),
        ("lost_disk = \"a\"\nrestart_after = \"1min\"", Ailment::LostDisk { restart_after: Some(minute) }),
        ("lost_disk = \"a\"\ngone = true", Ailment::LostDisk { restart_after: None }),
    ];
    for (text, ailment) in cases {
        let blow = Blow::Ails { node: "a".to_owned(), ailment };
        let fault = Fault { trigger: Trigger::At(second), blow };
        assert_eq!(read(&format!("at = \"1s\"\n{text}")), Ok(fault), "{text}");
    }
}

#[test]
fn what_cannot_be_wrong_with_a_machine_is_refused_with_the_mend() {
    for (text, told) in [
        ("slow_disk = \"a\"\ntimes = 0", "let `times` be at least 2"),
        ("slow_node = \"a\"\ntimes = 1", "let `times` be at least 2"),
        ("slow_node = \"a\"\ntimes = 1001", "let `times` be at most 1000"),
        ("slow_node = \"a\"\ntimes = -3", "-3"),
        ("slow_disk = \"a\"\nslow_node = \"a\"", "exactly one thing"),
        ("slow_disk = \"a\"\ncrash = \"a\"", "exactly one thing"),
        ("failed_read = \"a\"\nlasts = \"1s\"", "`lasts` does not belong"),
        ("failed_write = \"a\"\ntimes = 3", "`times` does not belong"),
        ("dropped_sync = \"a\"\nlasting = true", "`lasting` does not belong"),
        ("bit_rot = \"a\"\nlasts = \"1s\"", "`lasts` does not belong"),
        ("clock_drift = \"a\"", "write `ppm`"),
        ("clock_drift = \"a\"\nppm = 0", "0 parts per million is none"),
        ("clock_drift = \"a\"\nppm = 100001", "from -100000 to 100000"),
        ("clock_drift = \"a\"\nppm = -100001", "from -100000 to 100000"),
        ("clock_step = \"a\"", "write `forward` or `back`"),
        ("clock_step = \"a\"\nforward = \"1s\"\nback = \"1s\"", "write `forward` or `back`"),
        ("clock_step = \"a\"\nback = \"0s\"", "set off by 0 is right"),
        ("clock_step = \"a\"\nback = \"99999h\"", "at most 87600h"),
        ("clock_step = \"a\"\nback = \"1s\"\nppm = 3", "`ppm` does not belong"),
        ("suspend = \"a\"\nforward = \"1s\"", "`forward` does not belong"),
        ("pause = \"a\"\nback = \"1s\"", "`back` does not belong"),
        ("lost_disk = \"a\"\ngone = true\nrestart_after = \"1s\"", "take out `gone` or `restart_after`"),
        ("crash = \"a\"\ngone = true", "`gone` does not belong"),
    ] {
        match read(&format!("at = \"1s\"\n{text}")) {
            Ok(fault) => panic!("{text}\nwas read as {fault:?}"),
            Err(error) => assert!(error.contains(told), "{text}\nis refused without `{told}`: {error}"),
        }
    }
}

#[test]
fn what_makes_no_sense_is_refused_with_the_mend() {
    for (text, told) in [
        ("crash = \"a\"", "exactly one trigger"),
        ("at = \"1s\"\nafter = 3\ncrash = \"a\"", "exactly one trigger"),
        ("at = \"1s\"\non = { fact = \"Paid\" }\ncrash = \"a\"", "exactly one trigger"),
        ("at = \"1s\"", "exactly one thing"),
        ("at = \"1s\"\ncrash = \"a\"\npause = \"a\"", "exactly one thing"),
        ("at = \"1s\"\nfailed_sync = \"a\"\nfull_disk = \"a\"", "exactly one thing"),
        ("at = \"1s\"\npartition = { from = [], to = [\"a\"] }", "partition of nobody"),
        ("at = \"1s\"\npartition = { from = [\"a\"], to = [] }", "partition of nobody"),
        ("at = \"1s\"\npartition = { from = [\"a\"], to = [\"b\", \"a\"] }", "both sides"),
        ("at = \"1s\"\npartition = { from = [\"a\"] }", "to"),
        ("at = \"1s\"\ncrash = \"a\"\nheal_after = \"1s\"", "`heal_after` does not belong"),
        ("at = \"1s\"\ncrash = \"a\"\ntimes = 3", "`times` does not belong"),
        ("at = \"1s\"\ncrash = \"a\"\nlasts = \"1s\"", "`lasts` does not belong"),
        ("at = \"1s\"\npause = \"a\"\nrestart_after = \"1s\"", "`restart_after` does not belong"),
        ("at = \"1s\"\nfailed_sync = \"a\"\nlasts = \"1s\"", "`lasts` does not belong"),
        ("at = \"1s\"\ncrash = \"a\"\nup_for = \"1s\"", "`up_for` does not belong"),
        ("at = \"1s\"\ncrash_loop = \"a\"\ntimes = 0", "0 times"),
        ("on = { fact = \"Paid\", nth = 0 }\ncrash = \"a\"", "counts from 1"),
        ("on = { nth = 1 }\ncrash = \"a\"", "fact"),
        ("on = { fact = \"Paid\", color = 1 }\ncrash = \"a\"", "color"),
        ("after = 0\ncrash = \"a\"", "counts events from 1"),
        ("after = -1\ncrash = \"a\"", "-1"),
        ("at = \"soon\"\ncrash = \"a\"", "`soon` is no span"),
        ("at = 3\ncrash = \"a\"", "expected a string"),
        ("at = \"1s\"\ncrash = \"a\"\ncolour = \"red\"", "colour"),
        ("at = \"1s\"\npartition = { from = [\"a\"], to = [\"b\"], oneway = true }", "oneway"),
        ("at = \"1s\"\ncrash = [\"a\"]", "crash"),
    ] {
        match read(text) {
            Ok(fault) => panic!("{text}\nwas read as {fault:?}"),
            Err(error) => assert!(error.contains(told), "{text}\nis refused without `{told}`: {error}"),
        }
    }
}

fn name() -> impl Strategy<Value = String> {
    "[a-z]{1,8}(-[0-9])?"
}

fn span() -> impl Strategy<Value = Span> {
    (0..u64::MAX / 2).prop_map(Span)
}

fn trigger() -> impl Strategy<Value = Trigger> {
    prop_oneof![
        span().prop_map(Trigger::At),
        (1..i64::MAX as u64).prop_map(Trigger::After),
        ("[A-Z][a-z]{1,9}", 1..i64::MAX as u64, span()).prop_map(|(fact, nth, delay)| Trigger::On {
            fact,
            nth,
            delay
        }),
    ]
}

fn ailment() -> impl Strategy<Value = Ailment> {
    let drift = prop_oneof![-100_000..0, 1..=100_000];
    let ten_years = 10 * 365 * 24 * 3_600 * 1_000_000_000u64;
    prop_oneof![
        (2..=1_000u32, span()).prop_map(|(times, lasts)| Ailment::SlowDisk { times, lasts }),
        (2..=1_000u32, span()).prop_map(|(times, lasts)| Ailment::SlowNode { times, lasts }),
        Just(Ailment::FailedRead),
        Just(Ailment::FailedWrite),
        Just(Ailment::DroppedSync),
        any::<bool>().prop_map(|lasting| Ailment::BitRot { lasting }),
        (drift, span()).prop_map(|(ppm, lasts)| Ailment::ClockDrift { ppm, lasts }),
        (any::<bool>(), 1..=ten_years, span())
            .prop_map(|(forward, by, lasts)| { Ailment::ClockStep { forward, by: Span(by), lasts } }),
        span().prop_map(|lasts| Ailment::Suspend { lasts }),
        prop::option::of(span()).prop_map(|restart_after| Ailment::LostDisk { restart_after }),
    ]
}

fn blow() -> impl Strategy<Value = Blow> {
    let sides = (prop::collection::vec("[a-m]{1,5}", 1..4), prop::collection::vec("[n-z]{1,5}", 1..4));
    prop_oneof![
        (name(), span()).prop_map(|(node, restart_after)| Blow::Crash { node, restart_after }),
        (name(), 1..u32::MAX, span(), span()).prop_map(|(node, times, restart_after, up_for)| {
            Blow::CrashLoop { node, times, restart_after, up_for }
        }),
        (name(), span()).prop_map(|(node, lasts)| Blow::Pause { node, lasts }),
        (sides, any::<bool>(), span()).prop_map(|((from, to), one_way, heal_after)| Blow::Partition {
            from,
            to,
            one_way,
            heal_after
        }),
        name().prop_map(|node| Blow::FailedSync { node }),
        (name(), ailment()).prop_map(|(node, ailment)| Blow::Ails { node, ailment }),
        (name(), span()).prop_map(|(node, lasts)| Blow::FullDisk { node, lasts }),
    ]
}

proptest! {
    #[test]
    fn a_fault_is_read_back_as_it_was_written(entries in prop::collection::vec((trigger(), blow()), 1..5)) {
        let fault = entries.into_iter().map(|(trigger, blow)| Fault { trigger, blow }).collect();
        let scenario = Scenario { fault };
        let text = toml::to_string(&scenario).expect("every fault can be written");
        prop_assert_eq!(toml::from_str::<Scenario>(&text).expect("and read"), scenario);
    }
}
