//! Shrinking: it ends, it can be stopped, and what comes out fails again for the same reason.

use proptest::prelude::*;
use rehearsal::property::scenarios;
use rehearsal::scenario::{Overrides, Scenario};
use rehearsal::scenario_file::{read, write_brief};
use rehearsal::shrink::{Progress, Search, Shrinker, Shrunk, Tried};
use rehearsal::system::{Run, System, Watch};
use rehearsal::systems::counter::Counter;
use rehearsal::systems::queue::Queue;
use rehearsal::systems::reservation::Reservation;
use rehearsal_sim::{Blow, Fault, Span, Trigger};
use std::sync::atomic::{AtomicBool, Ordering};

static NEVER: AtomicBool = AtomicBool::new(false);

/// More tries than any of these searches makes.
const PLENTY: u64 = 300_000;

fn run(system: &dyn System, scenario: &Scenario) -> Run {
    system.run(scenario, Watch::default()).expect("a scenario that makes sense")
}

fn broken(run: &Run) -> Vec<&str> {
    run.violations.iter().map(|violation| &*violation.invariant).collect()
}

/// The first failing scenario of a system in which these bugs are switched on.
fn failing(system: &dyn System, defects: &[&str]) -> Scenario {
    let defects = defects.iter().map(|name| (*name).to_owned()).collect();
    let overrides = Overrides { defects, ..Overrides::default() };
    let drawn = (0..5_000).map(|seed| system.draw(seed, &overrides).expect("a scenario"));
    drawn.into_iter().find(|scenario| !run(system, scenario).violations.is_empty()).expect("it fails")
}

fn shrink(system: &dyn System, scenario: &Scenario, most_tries: u64) -> Shrunk {
    let search = Search { system, stop: &NEVER, deadline: None, most_tries };
    search.run(scenario.clone(), &mut |_| {}).expect("it fails every time")
}

#[test]
fn what_a_search_found_shrinks_and_fails_again() {
    for search in ["pct:3", "pos", "urw"] {
        let values = vec![("schedule.search".to_owned(), toml::Value::from(search))];
        let defects = vec!["answer-before-sync".to_owned()];
        let overrides = Overrides { values, defects, ..Overrides::default() };
        let drawn = |seed| Counter.draw(seed, &overrides).expect("a scenario");
        let failing = (0..500).map(drawn).find(|scenario| !run(&Counter, scenario).violations.is_empty());
        let shrunk = shrink(&Counter, &failing.expect("it fails"), PLENTY);
        assert!(shrunk.finished && shrunk.after.events < shrunk.before.events, "{search}");
        assert_eq!(read_back(&Counter, &shrunk.scenario), shrunk.scenario, "the file says the same");
        assert_eq!(broken(&run(&Counter, &shrunk.scenario)), ["acknowledged-adds-survive"], "{search}");
    }
}

/// What a file keeps of a scenario.
fn read_back(system: &dyn System, scenario: &Scenario) -> Scenario {
    let text = write_brief(scenario, &system.plain());
    match read("its.toml", &text) {
        Ok((_, again)) => again,
        Err(error) => panic!("{error}\n{text}"),
    }
}

/// Shrinks a little, writes it down, goes on from the file, and so on to the end.
fn shrink_with_stops(system: &dyn System, scenario: &Scenario, tries: u64) -> Scenario {
    let mut scenario = scenario.clone();
    for _ in 0..PLENTY {
        let shrunk = shrink(system, &scenario, tries);
        scenario = read_back(system, &shrunk.scenario);
        assert_eq!(scenario, shrunk.scenario, "the file says the same");
        if shrunk.finished {
            return scenario;
        }
    }
    panic!("it goes on for ever");
}

/// How much there is in a scenario, whatever it is.
fn items(scenario: &Scenario) -> usize {
    scenario.knobs.values().filter_map(|value| value.as_array()).map(Vec::len).sum()
}

fn number(table: &toml::Table, key: &str) -> i64 {
    table[key].as_integer().expect("a whole number")
}

#[test]
fn the_same_failure_shrinks_to_the_same_scenario() {
    for defect in ["forgets-duplicates", "answer-before-sync"] {
        let scenario = failing(&Counter, &[defect]);
        let (one, other) = (shrink(&Counter, &scenario, PLENTY), shrink(&Counter, &scenario, PLENTY));
        assert!(one.finished, "{defect}");
        assert_eq!((one.scenario, one.tries), (other.scenario, other.tries));
    }
}

#[test]
fn a_search_that_is_stopped_and_taken_up_again_ends_where_it_would_have() {
    let scenario = failing(&Counter, &["forgets-duplicates"]);
    let whole = shrink(&Counter, &scenario, PLENTY);
    for tries in [1, 2, 3, 7, 50, 333] {
        assert_eq!(
            shrink_with_stops(&Counter, &scenario, tries),
            whole.scenario,
            "stopped after every {tries}"
        );
    }
}

#[test]
fn a_search_that_is_stopped_among_its_decisions_ends_where_it_would_have() {
    let overrides = Overrides { defects: vec!["answer-before-sync".to_owned()], ..Overrides::default() };
    let drawn = |seed| Counter.draw(seed, &overrides).expect("a scenario");
    let failing = (0..500).map(drawn).filter(|scenario| !run(&Counter, scenario).violations.is_empty());
    let mut shrunk = failing.map(|scenario| (shrink(&Counter, &scenario, PLENTY), scenario));
    let decided = shrunk.find(|(whole, _)| !whole.scenario.schedule.deviations.is_empty());
    let (whole, scenario) = decided.expect("one takes decisions of its own");
    assert!(whole.scenario.schedule.plain);
    for tries in [97, 1_001] {
        assert_eq!(
            shrink_with_stops(&Counter, &scenario, tries),
            whole.scenario,
            "stopped after every {tries}"
        );
    }
}

#[test]
fn a_stopped_search_of_many_wishes_ends_where_it_would_have() {
    let scenario = failing(&Reservation, &["limit-rounds-up"]);
    let whole = shrink(&Reservation, &scenario, PLENTY);
    assert_eq!(shrink_with_stops(&Reservation, &scenario, 60), whole.scenario);
}

#[test]
fn a_place_that_no_search_comes_to_is_begun_anew() {
    let scenario = failing(&Counter, &["forgets-duplicates"]);
    let mut stopped = shrink(&Counter, &scenario, 5).scenario;
    let position = stopped.repro.as_mut().and_then(|repro| repro.shrinking.as_mut()).expect("it was stopped");
    (position.pass, position.round, position.cursor) = (usize::MAX, usize::MAX, u64::MAX);
    let shrunk = shrink(&Counter, &stopped, PLENTY);
    assert_eq!((shrunk.finished, broken(&shrunk.run)), (true, vec!["count-is-exact"]));
}

/// Every step of a search that is driven by hand, from a failing scenario on.
fn steps(
    system: &dyn System,
    scenario: Scenario,
    most_tries: usize,
    see: &mut dyn FnMut(&Scenario, &Scenario),
) {
    let first = run(system, &scenario);
    let wanted = first.violations[0].invariant.clone();
    let mut before = scenario.clone();
    let mut shrinker = Shrinker::new(system, scenario, first.events, first.time);
    for _ in 0..most_tries {
        let Some(proposal) = shrinker.propose() else { return };
        let Run { violations, events, time, .. } = run(system, proposal);
        let fails = violations.iter().any(|violation| violation.invariant == wanted);
        let tried = if fails { Tried::Failed { events, at: time } } else { Tried::Held };
        if shrinker.answer(tried) {
            see(&before, shrinker.smallest());
            before = shrinker.smallest().clone();
        }
    }
}

#[test]
fn every_step_of_the_counter_is_a_file_and_no_larger() {
    for defect in ["forgets-duplicates", "answer-before-sync"] {
        let mut seen = 0;
        steps(&Counter, failing(&Counter, &[defect]), 2_000, &mut |before, after| {
            seen += 1;
            assert_eq!(read_back(&Counter, after), *after);
            assert!(after.faults.len() <= before.faults.len(), "{after:?}");
            assert!(number(&after.topology, "clients") <= number(&before.topology, "clients"));
            assert!(number(&after.knobs, "requests") <= number(&before.knobs, "requests"));
            assert!((after.storm, after.calm) <= (before.storm, before.calm));
        });
        assert!(seen > 5, "{seen} steps with {defect}");
    }
}

#[test]
fn every_step_of_the_reservation_is_a_file_and_no_larger() {
    for defect in ["limit-rounds-up", "steps-not-resumed"] {
        let mut seen = 0;
        steps(&Reservation, failing(&Reservation, &[defect]), 150, &mut |before, after| {
            seen += 1;
            assert_eq!(read_back(&Reservation, after), *after);
            assert!(after.faults.len() <= before.faults.len() && items(after) <= items(before), "{after:?}");
        });
        assert!(seen > 5, "{seen} steps with {defect}");
    }
}

#[test]
fn what_is_left_holds_without_the_bug() {
    for defect in ["forgets-duplicates", "answer-before-sync"] {
        let shrunk = shrink(&Counter, &failing(&Counter, &[defect]), PLENTY);
        assert_eq!(shrunk.scenario.defects, [defect]);
        assert!(!run(&Counter, &shrunk.scenario).violations.is_empty());
        let sound = Scenario { defects: Vec::new(), ..shrunk.scenario };
        assert_eq!(broken(&run(&Counter, &sound)), Vec::<&str>::new(), "{defect}");
    }
}

#[test]
fn a_bug_that_has_nothing_to_do_with_it_is_switched_off() {
    let scenario = failing(&Counter, &["answer-before-sync", "forgets-duplicates"]);
    let shrunk = shrink(&Counter, &scenario, PLENTY);
    assert_eq!(shrunk.scenario.defects.len(), 1, "{:?}", shrunk.scenario);
    let blamed = shrunk.scenario.repro.as_ref().map(|repro| &*repro.breaks);
    let owner = Counter.defects().iter().find(|defect| defect.name == shrunk.scenario.defects[0]);
    assert_eq!(owner.map(|owner| owner.invariant), blamed);
}

#[test]
fn what_fails_without_the_bug_is_not_blamed_on_it() {
    let mut scenario =
        Scenario { seed: 1, storm: Span::seconds(1), calm: Span::millis(1), ..Counter.plain().scenario };
    scenario.knobs.insert("requests".to_owned(), toml::Value::Integer(1_000));
    let sound = run(&Counter, &scenario);
    assert_eq!(broken(&sound), ["clients-finish"]);
    scenario.defects.push("forgets-duplicates".to_owned());
    let shrunk = shrink(&Counter, &scenario, PLENTY);
    assert_eq!(shrunk.scenario.defects, Vec::<String>::new());
    assert!(broken(&shrunk.run).contains(&"clients-finish"));
}

/// Three brokers, two producers that send two messages each, two consumers, and a crash when everything is over.
fn busy_queue(defect: &str) -> Scenario {
    let sections = toml::toml! {
        topic = [{ number = 0, partitions = 2 }]
        send = [
            { producer = 0, at = "100ms", topic = 0, key = 0, bytes = 300, fails = 0 },
            { producer = 1, at = "140ms", topic = 0, key = 1, bytes = 20, fails = 0 },
            { producer = 1, at = "400ms", topic = 0, key = 1, bytes = 30, fails = 0 },
            { producer = 0, at = "15s", topic = 0, key = 3, bytes = 40, fails = 0 },
        ]
        consumer = [
            { number = 0, group = 0, topic = 0 },
            { number = 1, group = 0, topic = 0 },
        ]
    };
    let mut scenario = Queue.plain().scenario;
    scenario.knobs.extend(sections);
    scenario.topology.extend(toml::toml! { producers = 2 consumers = 2 });
    scenario.defects.push(defect.to_owned());
    let blow = Blow::Crash { node: "broker-2".to_owned(), restart_after: Span::seconds(1) };
    scenario.faults.push(Fault { trigger: Trigger::At(Span::seconds(16)), blow });
    scenario
}

#[test]
fn what_one_broker_shows_is_shown_by_one() {
    let scenario = busy_queue("acknowledges-before-sync");
    assert!(broken(&run(&Queue, &scenario)).contains(&"isr-ordering"));
    let shrunk = shrink(&Queue, &scenario, 400);
    let Scenario { topology, knobs, faults, .. } = &shrunk.scenario;
    assert_eq!((number(topology, "brokers"), number(topology, "factor")), (1, 1), "{topology:?}");
    assert_eq!(number(knobs, "min_insync"), 1, "what goes with the copies goes down with them");
    assert_eq!((shrunk.after.requests, faults.len()), (1, 0));
    assert!(shrunk.after.events <= 60, "{:?}", shrunk.after);
    assert!(broken(&shrunk.run).contains(&"isr-ordering"));
    assert_eq!(read_back(&Queue, &shrunk.scenario), shrunk.scenario);
}

#[test]
fn what_comes_after_the_violation_is_left_out_before_anything_else_is() {
    let scenario = busy_queue("acknowledges-before-sync");
    let mut first_without = None;
    steps(&Queue, scenario, 40, &mut |before, after| {
        if before.faults.len() > after.faults.len() {
            first_without.get_or_insert((before.clone(), after.clone()));
        }
    });
    let (before, after) = first_without.expect("the crash goes");
    assert_eq!((items(&before), after.faults.len()), (7, 0));
    let ats: Vec<&str> = after.knobs["send"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|send| send["at"].as_str().expect("a time"))
        .collect();
    assert!(!ats.contains(&"15s"), "{ats:?}");
    assert_eq!(number(&before.topology, "brokers"), 3, "nodes come later");
}

#[test]
fn a_run_that_is_cut_off_fails_within_its_events_or_not_at_all() {
    let scenario = failing(&Counter, &["forgets-duplicates"]);
    let whole = run(&Counter, &scenario);
    let cut = |most| {
        let watch = Watch { most_events: Some(most), ..Watch::default() };
        Counter.run(&scenario, watch).expect("a scenario that makes sense")
    };
    let just = cut(whole.events);
    assert_eq!((just.digest, broken(&just)), (whole.digest, broken(&whole)));
    for most in [0, 1, whole.events / 2, whole.events - 1] {
        assert_eq!((broken(&cut(most)), cut(most).events), (Vec::<&str>::new(), most + 1), "after {most}");
    }
}

#[test]
fn giving_up_what_would_not_be_taken_changes_nothing() {
    for defect in ["forgets-duplicates", "answer-before-sync"] {
        let scenario = failing(&Counter, &[defect]);
        let first = run(&Counter, &scenario);
        let drive = |gives_up: bool| {
            let mut shrinker = Shrinker::new(&Counter, scenario.clone(), first.events, first.time);
            for _ in 0..1_500 {
                shrinker.propose();
                let Some(proposal) = shrinker.proposed() else { break };
                let most_events = gives_up.then(|| shrinker.most_events());
                let watch = Watch { most_events, ..Watch::default() };
                let Run { violations, events, time, .. } = Counter.run(proposal, watch).expect("it runs");
                let fails = violations.iter().any(|one| one.invariant == first.violations[0].invariant);
                shrinker.answer(if fails { Tried::Failed { events, at: time } } else { Tried::Held });
            }
            (shrinker.smallest().clone(), shrinker.position().clone())
        };
        assert_eq!(drive(true), drive(false), "{defect}");
    }
}

#[test]
fn a_search_that_was_told_to_stop_gives_what_it_has() {
    let scenario = failing(&Counter, &["forgets-duplicates"]);
    for most in [0, 1, 20, 100] {
        let stop = AtomicBool::new(most == 0);
        let search = Search { system: &Counter, stop: &stop, deadline: None, most_tries: PLENTY };
        let mut told = |progress: Progress<'_>| stop.store(progress.tries >= most, Ordering::Relaxed);
        let shrunk = search.run(scenario.clone(), &mut told).expect("it fails");
        assert_eq!((shrunk.tries, shrunk.finished), (most, false));
        assert_eq!(broken(&run(&Counter, &shrunk.scenario)), ["count-is-exact"]);
    }
}

#[test]
fn what_holds_is_not_shrunk() {
    let search = Search { system: &Counter, stop: &NEVER, deadline: None, most_tries: PLENTY };
    let error = search.run(Counter.plain().scenario, &mut |_| {}).expect_err("it holds");
    assert!(error.to_string().contains("every invariant holds"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(16) })]

    #[test]
    fn whatever_fails_shrinks_to_the_end_and_fails_again(
        scenario in scenarios(&Counter).defect("forgets-duplicates").defect("answer-before-sync")
    ) {
        let first = run(&Counter, &scenario);
        prop_assume!(!first.violations.is_empty());
        let shrunk = shrink(&Counter, &scenario, PLENTY);
        prop_assert!(shrunk.finished);
        prop_assert!(shrunk.after.faults <= shrunk.before.faults);
        prop_assert!(number(&shrunk.scenario.topology, "clients") <= number(&scenario.topology, "clients"));
        prop_assert!(number(&shrunk.scenario.knobs, "requests") <= number(&scenario.knobs, "requests"));
        // One defect is nearly always enough; in some scenarios both have a hand in it.
        prop_assert!(!shrunk.scenario.defects.is_empty());
        let wanted = shrunk.scenario.repro.as_ref().map(|repro| repro.breaks.clone()).unwrap_or_default();
        let again = read_back(&Counter, &shrunk.scenario);
        prop_assert_eq!(&again, &shrunk.scenario);
        let again = run(&Counter, &again);
        prop_assert!(broken(&again).contains(&&*wanted));
        prop_assert_eq!(again.digest, shrunk.run.digest);
    }
}
