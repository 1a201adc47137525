//! Faults as they are written in a scenario file.

use proptest::prelude::*;
use rehearsal_sim::{Blow, Fault, Span, Trigger};
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
