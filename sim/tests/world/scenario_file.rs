//! Faults as they are written in a scenario file.

use proptest::prelude::*;
use rehearsal_sim::{Ailment, Blow, Division, Fault, Shape, Span, Trigger};
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

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn faults_of_links_and_zones_are_written_like_this() {
    let (second, half) = (Span::seconds(1), Span::millis(500));
    let once = |shape| Blow::Divide(Division { shape, heal_after: Span::seconds(5), times: 1, up_for: half });
    let sides = || Shape::Sides { from: names(&["a"]), to: names(&["b"]), one_way: true };
    let cases = [
        (
            "bridge = { one = [\"a\"], other = [\"b\", \"c\"], over = \"n\" }",
            once(Shape::Bridge { one: names(&["a"]), other: names(&["b", "c"]), over: "n".to_owned() }),
        ),
        ("ring = [\"a\", \"b\", \"c\", \"d\"]", once(Shape::Ring(names(&["a", "b", "c", "d"])))),
        ("isolate = \"n\"", once(Shape::Isolate("n".to_owned()))),
        (
            "zones_cut = [[\"a\", \"b\"], [\"c\"]]\nheal_after = \"5s\"",
            once(Shape::Zones(vec![names(&["a", "b"]), names(&["c"])])),
        ),
        (
            "partition = { from = [\"a\"], to = [\"b\"], one_way = true }\ntimes = 4\nheal_after = \"1s\"\nup_for = \"500ms\"",
            Blow::Divide(Division { shape: sides(), heal_after: second, times: 4, up_for: half }),
        ),
        (
            "isolate = \"n\"\ntimes = 2",
            Blow::Divide(Division {
                shape: Shape::Isolate("n".to_owned()),
                heal_after: Span::seconds(5),
                times: 2,
                up_for: half,
            }),
        ),
        (
            "slow_link = [\"a\", \"b\"]\nper_second = 50\nlasts = \"3s\"",
            Blow::SlowLink { ends: names(&["a", "b"]), per_second: 50, lasts: Span::seconds(3) },
        ),
        ("slow_link = [\"a\"]", Blow::SlowLink { ends: names(&["a"]), per_second: 20, lasts: second }),
        ("reset_link = [\"a\", \"b\"]", Blow::ResetLink { ends: names(&["a", "b"]) }),
        (
            "zone_lost = [\"a\", \"b\"]\nrestart_after = \"500ms\"",
            Blow::ZoneLost { nodes: names(&["a", "b"]), restart_after: half },
        ),
    ];
    for (text, blow) in cases {
        let trigger = Trigger::At(second);
        assert_eq!(read(&format!("at = \"1s\"\n{text}")), Ok(Fault { trigger, blow }), "{text}");
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
        ("at = \"1s\"\npartition = { from = [\"a\", \"a\"], to = [\"b\"] }", "`a` is named twice"),
        ("at = \"1s\"\npartition = { from = [\"a\"], to = [\"b\"] }\ntimes = 0", "0 times"),
        (
            "at = \"1s\"\npartition = { from = [\"a\"], to = [\"b\"] }\nup_for = \"1s\"",
            "`up_for` does not belong",
        ),
        ("at = \"1s\"\nisolate = \"a\"\ntimes = 2\nup_for = \"0s\"", "more than 0s"),
        ("at = \"1s\"\nisolate = \"a\"\nring = [\"a\", \"b\", \"c\", \"d\"]", "exactly one thing"),
        ("at = \"1s\"\nbridge = { one = [], other = [\"b\"], over = \"n\" }", "bridge to nobody"),
        ("at = \"1s\"\nbridge = { one = [\"n\"], other = [\"b\"], over = \"n\" }", "`n` is named twice"),
        ("at = \"1s\"\nbridge = { one = [\"a\"], other = [\"b\"] }", "over"),
        ("at = \"1s\"\nring = [\"a\", \"b\", \"c\"]", "at least 4"),
        ("at = \"1s\"\nring = [\"a\", \"b\", \"c\", \"a\"]", "`a` is named twice"),
        ("at = \"1s\"\nzones_cut = [[\"a\"]]", "at least two"),
        ("at = \"1s\"\nzones_cut = [[\"a\"], []]", "each with a node"),
        ("at = \"1s\"\nzones_cut = [[\"a\"], [\"b\", \"a\"]]", "`a` is named twice"),
        ("at = \"1s\"\nslow_link = []", "two ends"),
        ("at = \"1s\"\nslow_link = [\"a\", \"b\", \"c\"]", "two ends"),
        ("at = \"1s\"\nslow_link = [\"a\", \"a\"]", "to itself"),
        ("at = \"1s\"\nslow_link = [\"a\"]\nper_second = 0", "at least 1"),
        ("at = \"1s\"\nslow_link = [\"a\"]\nheal_after = \"1s\"", "`heal_after` does not belong"),
        ("at = \"1s\"\ncrash = \"a\"\nper_second = 3", "`per_second` does not belong"),
        ("at = \"1s\"\nreset_link = [\"a\"]\nlasts = \"1s\"", "`lasts` does not belong"),
        ("at = \"1s\"\nreset_link = []", "two ends"),
        ("at = \"1s\"\nzone_lost = []", "without nodes"),
        ("at = \"1s\"\nzone_lost = [\"a\", \"a\"]", "`a` is named twice"),
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
    let sides = (some("a"), some("b"));
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

/// One to three names of nodes that begin with this letter.
fn some(first: &'static str) -> impl Strategy<Value = Vec<String>> {
    (1..4usize).prop_map(move |count| (0..count).map(|number| format!("{first}{number}")).collect())
}

fn shape() -> impl Strategy<Value = Shape> {
    prop_oneof![
        (some("a"), some("b"), name()).prop_map(|(one, other, over)| Shape::Bridge {
            one,
            other,
            over: format!("n-{over}")
        }),
        (some("a"), some("b"), some("c")).prop_map(|(one, other, more)| {
            Shape::Ring([vec!["first".to_owned()], one, other, more].concat())
        }),
        name().prop_map(Shape::Isolate),
        prop::collection::vec(some("z"), 2..4).prop_map(|zones| {
            let own = |(at, zone): (usize, Vec<String>)| {
                zone.into_iter().map(|node| format!("{node}-{at}")).collect()
            };
            Shape::Zones(zones.into_iter().enumerate().map(own).collect())
        }),
    ]
}

fn on_links() -> impl Strategy<Value = Blow> {
    let up_for = Span::millis(500);
    let sides = || {
        (some("a"), some("b"), any::<bool>()).prop_map(|(from, to, one_way)| Shape::Sides {
            from,
            to,
            one_way,
        })
    };
    let flapping = (prop_oneof![shape(), sides()], span(), 2..u32::MAX, 1..u64::MAX / 2);
    let ends = || prop_oneof![Just(names(&["a"])), Just(names(&["a", "b"]))];
    prop_oneof![
        (shape(), span()).prop_map(move |(shape, heal_after)| {
            Blow::Divide(Division { shape, heal_after, times: 1, up_for })
        }),
        flapping.prop_map(|(shape, heal_after, times, up_for)| {
            Blow::Divide(Division { shape, heal_after, times, up_for: Span(up_for) })
        }),
        (ends(), 1..u32::MAX, span()).prop_map(|(ends, per_second, lasts)| Blow::SlowLink {
            ends,
            per_second,
            lasts
        }),
        ends().prop_map(|ends| Blow::ResetLink { ends }),
        (some("a"), span()).prop_map(|(nodes, restart_after)| Blow::ZoneLost { nodes, restart_after }),
    ]
}

proptest! {
    #[test]
    fn a_fault_is_read_back_as_it_was_written(entries in prop::collection::vec((trigger(), prop_oneof![blow(), on_links()]), 1..5)) {
        let fault = entries.into_iter().map(|(trigger, blow)| Fault { trigger, blow }).collect();
        let scenario = Scenario { fault };
        let text = toml::to_string(&scenario).expect("every fault can be written");
        prop_assert_eq!(toml::from_str::<Scenario>(&text).expect("and read"), scenario);
    }
}
