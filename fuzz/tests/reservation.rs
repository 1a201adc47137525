//! The hotel chain under campaigns: it holds, its known bugs do not, and what a file says is what comes out.

use rehearsal::bookings::capacity::{CapacityScale, peak_occupancy, scaled};
use rehearsal::bookings::reference;
use rehearsal::bookings::replay::{ReplayOptions, replay};
use rehearsal::bookings::row::{BookingRow, Outcome};
use rehearsal::scenario::{Overrides, Scenario};
use rehearsal::scenario_file;
use rehearsal::system::{Defect, Run, System, Watch};
use rehearsal::systems::reservation::Reservation;
use rehearsal_model::reservation::defects::Defect as ModelDefect;
use rehearsal_model::reservation::knobs::StrategyName;
use std::collections::BTreeSet;

const WITHIN: u64 = 2_000;

fn overrides(settings: &[&str]) -> Overrides {
    let value = |setting: &&str| {
        let (key, value) = setting.split_once('=').expect("KEY=VALUE");
        let typed = value.parse().unwrap_or_else(|_| toml::Value::String(value.to_owned()));
        (key.to_owned(), typed)
    };
    Overrides { values: settings.iter().map(value).collect(), ..Overrides::default() }
}

fn run(seed: u64, overrides: &Overrides) -> (Scenario, Run) {
    let scenario = Reservation.draw(seed, overrides).expect("the overrides are right");
    let run = Reservation.run(&scenario, Watch::default()).expect("what was drawn makes sense");
    (scenario, run)
}

/// The invariants that fire in the first failing seed below `seeds`.
fn first_conviction(overrides: &Overrides, seeds: u64) -> Option<(u64, BTreeSet<String>)> {
    (0..seeds).find_map(|seed| {
        let (_, run) = run(seed, overrides);
        let fired: BTreeSet<String> =
            run.violations.iter().map(|found| found.invariant.to_string()).collect();
        (!fired.is_empty()).then_some((seed, fired))
    })
}

fn is_convicted_by_its_owner(defect: &Defect) {
    let defects = vec![defect.name.to_owned()];
    let with = Overrides { defects, ..overrides(defect.needs) };
    let (seed, fired) = first_conviction(&with, WITHIN).unwrap_or_else(|| panic!("{} survives", defect.name));
    assert!(fired.contains(defect.invariant), "{} at seed {seed}: {fired:?} fired", defect.name);
}

#[test]
fn every_defect_is_convicted_by_its_owner() {
    Reservation.defects().iter().for_each(is_convicted_by_its_owner);
}

#[test]
fn every_invariant_has_a_defect_that_it_convicts() {
    let owners: BTreeSet<&str> = Reservation.defects().iter().map(|defect| defect.invariant).collect();
    let names: BTreeSet<&str> = Reservation.invariants().iter().map(|invariant| invariant.name).collect();
    assert_eq!(owners, names);
}

#[test]
fn the_listed_defects_are_those_of_the_model() {
    let listed: Vec<&str> = Reservation.defects().iter().map(|defect| defect.name).collect();
    let modelled: Vec<&str> = ModelDefect::ALL.iter().map(|(_, name)| *name).collect();
    assert_eq!(listed, modelled);
}

#[test]
fn the_unprotected_strategy_is_convicted_soon() {
    let with = overrides(&["reservation.strategy=unprotected"]);
    let (_, fired) = first_conviction(&with, 200).expect("lost updates within 200 seeds");
    assert!(fired.contains("overbooking-limit") || fired.contains("ledger-balances"), "{fired:?}");
}

#[test]
fn the_chain_holds_under_every_protected_strategy() {
    for strategy in ["pessimistic", "optimistic", "constraint", "conditional", "single-writer"] {
        let with = overrides(&[&format!("reservation.strategy={strategy}")]);
        assert_eq!(first_conviction(&with, 100), None, "{strategy}");
    }
}

#[test]
fn a_default_scenario_without_faults_is_small() {
    let off = ["crashes", "pauses", "partitions", "loss", "duplication", "delay", "disks"];
    let off: Vec<String> = off.iter().map(|family| format!("families.{family}=false")).collect();
    let with = overrides(&off.iter().map(String::as_str).collect::<Vec<_>>());
    // Where a queue runs beside the chain there is more of everything.
    let alone = |scenario: &Scenario| scenario.knobs["strategy"].as_str() != Some("single-writer");
    let runs = (0..200).map(|seed| run(seed, &with));
    let mut events: Vec<u64> =
        runs.filter(|(scenario, _)| alone(scenario)).map(|(_, run)| run.events).collect();
    events.sort_unstable();
    let most = events[events.len() * 95 / 100];
    assert!(most <= 2_000, "19 of 20 scenarios have up to {most} events");
}

/// Two guests, one after the other, who want the same night in one of two rooms; the first writer hears nothing of the
/// queue for a while that begins with its first request.
fn two_guests_and_a_writer_that_hears_nothing(fault: &str) -> Run {
    let text = format!(
        "version = 1\nsystem = \"reservation\"\nseed = 1\n[topology]\nguests = 2\nbrokers = 3\n[reservation]\n\
         strategy = \"single-writer\"\nwriter_partitions = 1\nwriter_session = \"600ms\"\n\
         rooms = [{{ hotel = 0, kind = 0, rooms = 2, price = 9_000, first_day = 0, days = 1 }}]\n\
         wish = [{{ guest = 0, at = \"3s\", hotel = 0, kind = 0, start = 0, end = 1, rooms = 1 }},\n\
                 {{ guest = 1, at = \"6s\", hotel = 0, kind = 0, start = 0, end = 1, rooms = 1 }}]\n{fault}"
    );
    let (system, scenario) = scenario_file::read("writers.toml", &text).expect("a scenario");
    system.run(&scenario, Watch { history: true, ..Watch::default() }).expect("it makes sense")
}

#[test]
fn when_a_writer_falls_silent_another_takes_over() {
    let stands_still = |node: &str| {
        format!("[[fault]]\non = {{ fact = \"WriteBegun\", nth = 1 }}\npause = \"{node}\"\nlasts = \"8s\"\n")
    };
    for fault in [String::new(), stands_still("writer-0"), stands_still("writer-1")] {
        let run = two_guests_and_a_writer_that_hears_nothing(&fault);
        assert_eq!(run.violations, []);
        let said = |kind: &str, word: &str| {
            run.history.iter().filter(|line| line.kind == kind && line.text.contains(word)).count()
        };
        assert_eq!((said("Booked", ""), said("Settled", "")), (2, 2), "both guests got their room");
        // Whichever stood still: the partition is given out anew, and is the other's or is kept in a later generation.
        let given_out_anew = said("WriterSeated", "") > 2;
        assert_eq!(given_out_anew, !fault.is_empty(), "{fault}");
    }
}

#[test]
fn one_scenario_has_one_digest() {
    for seed in 0..20 {
        let (scenario, once) = run(seed, &Overrides::default());
        let again =
            Reservation.run(&scenario, Watch { history: true, ..Watch::default() }).expect("it makes sense");
        assert_eq!(once.digest, again.digest, "seed {seed}: keeping the history changes nothing");
    }
}

/// One guest, who wishes for the nights up to `end` where only night 0 is on the calendar.
fn one_night_on_the_calendar(end: i64) -> Run {
    let text = format!(
        "version = 1\nsystem = \"reservation\"\nseed = 1\n[reservation]\n\
         rooms = [{{ hotel = 0, kind = 0, rooms = 1, price = 9_000, first_day = 0, days = 1 }}]\n\
         wish = [{{ guest = 0, at = \"100ms\", hotel = 0, kind = 0, start = 0, end = {end}, rooms = 1 }}]\n"
    );
    let (system, scenario) = scenario_file::read("calendar.toml", &text).expect("a scenario");
    system.run(&scenario, Watch { history: true, ..Watch::default() }).expect("it makes sense")
}

#[test]
fn an_order_for_a_night_that_is_not_on_the_calendar_is_refused() {
    for (end, for_sale) in [(1, 1), (2, 0)] {
        let run = one_night_on_the_calendar(end);
        assert_eq!(run.violations, [], "nights up to {end}");
        let said = |kind: &str, word: &str| {
            run.history.iter().filter(|line| line.kind == kind && line.text.contains(word)).count()
        };
        assert_eq!((said("OrderPlaced", ""), said("Told", "Ordered")), (for_sale, for_sale));
        assert_eq!(said("Told", "SoldOut"), 1 - for_sale, "a final answer, given once");
        assert_eq!((said("Asked", "Order"), said("Settled", "")), (1, 1), "the wish ends with it");
    }
}

/// Bookings as a small hotel has them: few rooms, many who want them, a third cancels.
fn rows() -> Vec<BookingRow> {
    let row = |number: i32| {
        let nights = (number % 5) as u32;
        let lead_days = (number * 7 % 11) as u32;
        let cancels = number % 3 == 0;
        let end_day = if cancels { (number % 4).min(lead_days as i32) } else { (lead_days + nights) as i32 };
        BookingRow {
            booking_day: number / 12,
            hotel: b'C',
            room_type: b'A' + (number % 3 == 1) as u8,
            lead_days,
            nights,
            guests: 2,
            outcome: if cancels { Outcome::Cancelled } else { Outcome::CheckedOut },
            end_day,
            price_cents: 9_000,
        }
    };
    (0..300).map(row).collect()
}

fn options(scale: &str, strategy: StrategyName, sequential: bool) -> ReplayOptions {
    ReplayOptions { scale: scale.parse::<CapacityScale>().expect("a scale"), strategy, sequential }
}

#[test]
fn a_sequential_replay_equals_the_reference_under_every_strategy() {
    let rows = rows();
    for scale in ["1.0", "0.4"] {
        for strategy in StrategyName::ALL {
            let options = options(scale, strategy, true);
            let replayed = replay(&rows, options);
            let expected = reference::replay(&rows, &scaled(&peak_occupancy(&rows), options.scale));
            assert_eq!(replayed.counts, expected, "{} at {scale}", strategy.text());
            assert_eq!(replayed.violations, []);
        }
    }
    let tight = scaled(&peak_occupancy(&rows), "0.4".parse().expect("a scale"));
    assert!(reference::replay(&rows, &tight).refused > 0, "some are refused, or the test says little");
}

#[test]
fn when_the_bookings_of_a_day_race_every_invariant_holds() {
    for strategy in StrategyName::ALL.into_iter().filter(|name| *name != StrategyName::Unprotected) {
        let replayed = replay(&rows(), options("0.4", strategy, false));
        assert_eq!(replayed.violations, [], "{}", strategy.text());
        assert!(replayed.counts.refused > 0, "{}", strategy.text());
    }
}
