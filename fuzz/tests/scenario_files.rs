//! Scenario files: what is written is read back, and what is wrong is shown where it stands.

use miette::{Diagnostic, SourceSpan};
use rehearsal::scenario::{Overrides, Scenario, Schedule};
use rehearsal::scenario_file::{ScenarioFileError, read, write, write_brief};
use rehearsal::systems;

fn drawn(seed: u64) -> Scenario {
    let counter = systems::named("counter").expect("a system");
    let defects = if seed.is_multiple_of(3) { vec!["answer-before-sync".to_owned()] } else { Vec::new() };
    counter.draw(seed, &Overrides { defects, ..Overrides::default() }).expect("a scenario")
}

#[test]
fn what_is_written_is_read_back() {
    for system in systems::all() {
        for seed in 0..200 {
            let scenario = system.draw(seed, &Overrides::default()).expect("a scenario");
            let text = write(&scenario);
            match read("its.toml", &text) {
                Ok((_, again)) => assert_eq!(again, scenario, "{text}"),
                Err(error) => panic!("{error}\n{text}"),
            }
        }
    }
}

#[test]
fn defects_and_the_greatest_seed_are_read_back() {
    let scenario = Scenario { seed: i64::MAX as u64, ..drawn(3) };
    let (_, again) = read("its.toml", &write(&scenario)).expect("a scenario");
    assert_eq!(again, scenario);
    assert_eq!(again.defects, ["answer-before-sync"]);
}

/// A small scenario that is in order.
const FINE: &str = r#"version = 1
system = "counter"
seed = 7
storm = "5s"
calm = "8s"
defects = ["answer-before-sync"]

[network]
loss = 500

[topology]
clients = 2

[counter]
requests = 20
longest_pause = "100ms"
patience = "200ms"

[[fault]]
at = "2.5s"
crash = "server"

[[fault]]
on = { fact = "Counted", nth = 3 }
partition = { from = ["server"], to = ["client-0"] }
"#;

#[test]
fn what_is_left_out_is_as_usual() {
    let (_, scenario) = read("fine.toml", FINE).expect("a scenario");
    assert_eq!((scenario.network.loss, scenario.network.duplication), (500, 0));
    assert_eq!(scenario.faults.len(), 2);
}

/// Asserts that `FINE` with `old` made `new` is refused at `marked`, for a reason that says `reason`.
fn refused(old: &str, new: &str, marked: &str, reason: &str) {
    assert!(FINE.contains(old), "`{old}` is not there to be replaced");
    let text = FINE.replacen(old, new, 1);
    let error = match read("wrong.toml", &text) {
        Err(error) => error,
        Ok(_) => panic!("taken, with `{new}`"),
    };
    let (place, said) = (place(&error), error.to_string());
    let shown = error.source_code().expect("a text").read_span(&place, 0, 0).expect("a place in it");
    let shown = std::str::from_utf8(shown.data()).expect("text");
    assert!(said.contains(reason), "{new}: `{reason}` is missing in `{said}`");
    assert_eq!(shown, marked, "{new}: {said}");
    let mend = error.help().map(|mend| mend.to_string()).unwrap_or_default();
    assert!(mend.len() > 10, "{new}: how is it to be mended?");
}

fn place(error: &ScenarioFileError) -> SourceSpan {
    match error {
        ScenarioFileError::Refused(refused) => refused.place,
        ScenarioFileError::NotReadable { .. } => panic!("no file was read"),
    }
}

#[test]
fn unknown_keys_are_marked() {
    refused("seed = 7", "seed = 7\nsede = 8", "sede", "there is no key `sede`");
    refused("loss = 500", "lost = 500", "lost", "unknown field `lost`");
    refused("[network]", "[networks]", "networks", "there is no key `networks`");
    refused(
        "clients = 2",
        "clients = 2\nservers = 0",
        "servers = 0",
        "topology.servers: there is no such key",
    );
    refused("requests = 20", "request = 20", "request = 20", "counter.request: there is no such key");
    refused("crash = \"server\"", "crash = \"server\"\nwhen = 1", "when", "unknown field `when`");
    refused("[\"answer-before-sync\"]", "[\"nothing\"]", "\"nothing\"", "counter has no defect `nothing`");
    refused("\"counter\"", "\"casino\"", "system = \"casino\"", "there is no system `casino`");
}

#[test]
fn values_that_cannot_be_are_marked() {
    refused("version = 1", "version = 2", "version = 2", "reads version 1");
    refused("storm = \"5s\"", "storm = \"0s\"", "storm = \"0s\"", "a storm of 0");
    refused("storm = \"5s\"", "storm = \"soon\"", "\"soon\"", "`soon` is no span of time");
    refused("storm = \"5s\"", "storm = 5", "5", "storm: invalid type");
    refused("seed = 7", "seed = -7", "-7", "seed: invalid value");
    refused("seed = 7", "seed = \"7\"", "\"7\"", "seed: invalid type");
    refused("loss = 500", "loss = 100001", "loss = 100001", "more than all messages");
    refused("loss = 500", "loss = \"much\"", "\"much\"", "network: invalid type");
    refused("clients = 2", "clients = 0", "clients = 0", "0 clients cannot be");
    refused("clients = 2", "clients = \"two\"", "clients = \"two\"", "topology.clients: invalid type");
    refused("patience = \"200ms\"", "patience = \"0s\"", "patience = \"0s\"", "patience of 0");
    refused("[\"answer-before-sync\"]", "true", "true", "defects: invalid type");
    refused("seed = 7", "seed = 7\nbeyond_promise = 1", "1", "beyond_promise: invalid type");
}

#[test]
fn faults_that_cannot_strike_are_marked() {
    let whole = "partition = { from = [\"server\"], to = [\"client-0\"] }";
    let entry = |text: &str, with: &str| (whole.to_owned(), text.to_owned(), with.to_owned());
    let nobody = entry("partition = { from = [], to = [\"client-0\"] }", "a partition of nobody");
    let stranger = entry("crash = \"serve\"", "there is no node `serve`");
    let nothing = entry("", "exactly one thing");
    let two = entry("crash = \"server\"\npause = \"server\"", "exactly one thing");
    let left = entry("failed_sync = \"server\"\nlasts = \"1s\"", "`lasts` does not belong");
    let alone = entry("isolate = \"serve\"", "there is no node `serve`");
    let far = entry("slow_link = [\"server\", \"client-9\"]", "there is no node `client-9`");
    let ring = entry("ring = [\"server\", \"client-0\"]", "a ring of 2 cuts nothing");
    let bridge =
        entry("bridge = { one = [], other = [\"server\"], over = \"client-0\" }", "a bridge to nobody");
    let zone = entry("zone_lost = []", "a zone without nodes");
    let zones = entry("zones_cut = [[\"server\"], [\"server\"]]", "`server` is named twice");
    for (old, new, reason) in [nobody, stranger, nothing, two, left] {
        refused(&old, &new, "[[fault]]", &reason);
    }
    for (old, new, reason) in [alone, far, ring, bridge, zone, zones] {
        refused(&old, &new, "[[fault]]", &reason);
    }
    refused("nth = 3", "nth = 0", "[[fault]]", "`nth` counts from 1");
    refused("at = \"2.5s\"", "", "[[fault]]", "exactly one trigger");
    let marked = "on = { fact = \"Sold\", nth = 3 }";
    refused("fact = \"Counted\"", "fact = \"Sold\"", marked, "there is no fact `Sold`");
}

#[test]
fn what_is_missing_is_named() {
    for key in ["version", "system", "seed"] {
        let line = FINE.lines().find(|line| line.starts_with(key)).expect("a line");
        let text = FINE.replacen(line, "", 1);
        let error = read("wrong.toml", &text).err().unwrap_or_else(|| panic!("taken without {key}"));
        assert!(error.to_string().contains(&format!("there is no key `{key}`")), "{error}");
    }
}

#[test]
fn what_is_left_out_is_plain() {
    for system in systems::all() {
        let plain = system.plain().scenario;
        let text = format!("version = 1\nsystem = \"{}\"\nseed = {}\n", plain.system, plain.seed);
        let (_, read) = read("its.toml", &text).expect("a scenario");
        assert_eq!(read, plain, "{}", plain.system);
    }
}

#[test]
fn what_is_written_without_its_plain_keys_is_read_back() {
    for system in systems::all() {
        let plain = system.plain();
        for seed in 0..200 {
            let mut scenario = system.draw(seed, &Overrides::default()).expect("a scenario");
            if seed % 2 == 0 {
                (scenario.storm, scenario.network) = (plain.scenario.storm, plain.scenario.network);
                scenario.schedule = Schedule::plain();
            }
            let text = write_brief(&scenario, &plain);
            assert!(text.len() < write(&scenario).len());
            match read("its.toml", &text) {
                Ok((_, again)) => assert_eq!(again, scenario, "{text}"),
                Err(error) => panic!("{error}\n{text}"),
            }
        }
    }
}

#[test]
fn a_file_that_ends_anywhere_is_refused_or_whole() {
    let mut refused = 0;
    for end in 0..FINE.len() {
        match read("cut.toml", &FINE[..end]) {
            // Cut between two entries it is still a scenario.
            Ok((_, scenario)) => assert!(scenario.faults.len() <= 2, "{end}"),
            Err(error) => {
                let place = place(&error);
                assert!(place.offset() + place.len() <= end.max(1), "{end}: {place:?} is not in the text");
                refused += 1;
            }
        }
    }
    assert!(refused > FINE.len() * 3 / 4, "only {refused} were refused");
}
