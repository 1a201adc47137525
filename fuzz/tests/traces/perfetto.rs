//! Chrome trace events: what the Trace Event Format asks of them, and what viewers need beyond it.

use super::{SEEDS, keys, run, written};
use rehearsal::scenario::Scenario;
use rehearsal::system::Run;
use rehearsal::systems;
use rehearsal::trace::TraceFormat;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Asserts what the Trace Event Format asks of an event of its phase, and what viewers need beyond it.
fn check_chrome_event(event: &Value) {
    let phase = event["ph"].as_str().expect("a phase");
    let more: &[&str] = match phase {
        "X" => &["dur"],
        "i" => &["s"],
        "b" | "e" | "s" => &["id"],
        "f" => &["id", "bp"],
        "M" => &[],
        other => panic!("an unknown phase {other}"),
    };
    let all = ["name", "cat", "ph", "ts", "pid", "tid", "args"];
    assert_eq!(keys(event), all.iter().chain(more).copied().collect(), "{event}");
    for number in ["ts", "dur"].iter().filter(|key| !event[**key].is_null()) {
        assert!(event[number].as_f64().is_some_and(|number| number >= 0.0), "{event}");
    }
    assert!(event["pid"].as_u64() > Some(0) && event["tid"].as_u64() > Some(0), "{event}");
    assert!(event["name"].as_str().is_some_and(|name| !name.is_empty()), "{event}");
    assert!(event["args"].is_object() && event["id"].as_str().is_none_or(|id| id.len() == 16), "{event}");
    match phase {
        "i" => assert!(["t", "p", "g"].contains(&event["s"].as_str().expect("a scope")), "{event}"),
        "f" => assert_eq!(event["bp"], "e"),
        "M" => {
            let value = ["name", "sort_index"].map(|key| &event["args"][key]);
            assert!(value.iter().any(|value| !value.is_null()), "{event}");
        }
        _ => {}
    }
}

fn chrome_events(scenario: &Scenario, run: &Run) -> Vec<Value> {
    let text = written(TraceFormat::Perfetto, scenario, run);
    let whole: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(keys(&whole), ["displayTimeUnit", "otherData", "traceEvents"].into());
    assert_eq!(whole["displayTimeUnit"], "ns");
    whole["traceEvents"].as_array().expect("a list").clone()
}

fn of_phase<'a>(events: &'a [Value], phase: &str) -> Vec<&'a Value> {
    events.iter().filter(|event| event["ph"] == phase).collect()
}

/// What must be alike in two events so that a viewer takes them for the ends of one thing.
fn end_of(event: &Value) -> String {
    format!("{} {} {}", event["cat"], event["id"], event["name"])
}

#[test]
fn perfetto_gets_well_formed_events_with_both_ends_and_names() {
    let mut categories = BTreeSet::new();
    for system in systems::all() {
        for seed in SEEDS.step_by(3) {
            let (scenario, run) = run(&*system, seed);
            let events = chrome_events(&scenario, &run);
            events.iter().for_each(check_chrome_event);
            categories.extend(events.iter().map(|event| event["cat"].to_string()));
            let (starts, ends) = (of_phase(&events, "s"), of_phase(&events, "f"));
            let distinct: BTreeSet<String> = starts.iter().map(|event| end_of(event)).collect();
            assert_eq!(distinct.len(), starts.len(), "every arrow has its own name");
            assert_eq!(distinct, ends.iter().map(|event| end_of(event)).collect());
            assert_eq!(starts.len(), ends.len());
            check_begun_slices_end(&events);
            check_names(&events, &run);
        }
    }
    let all = [
        "__metadata",
        "ailment",
        "clock drift",
        "disk",
        "down",
        "fact",
        "fault",
        "incident",
        "message",
        "partition",
        "pause",
        "sleep",
        "slow disk",
        "slow link",
        "slow node",
        "wall clock",
    ];
    assert_eq!(categories, all.map(|name| format!("\"{name}\"")).into());
}

fn check_begun_slices_end(events: &[Value]) {
    let mut open: BTreeMap<String, f64> = BTreeMap::new();
    for event in events {
        let at = event["ts"].as_f64().expect("a time");
        match event["ph"].as_str() {
            Some("b") => assert!(open.insert(end_of(event), at).is_none(), "begun twice: {event}"),
            Some("e") => assert!(open.remove(&end_of(event)).is_some_and(|begun| begun <= at), "{event}"),
            _ => {}
        }
    }
    assert!(open.is_empty(), "never ended: {open:?}");
}

fn check_names(events: &[Value], run: &Run) {
    let named = |name: &str, key: &str| -> BTreeMap<u64, String> {
        let those = of_phase(events, "M").into_iter().filter(|event| event["name"] == name);
        let number = |event: &Value| event[key].as_u64().expect("a number");
        those
            .map(|event| (number(event), event["args"]["name"].as_str().expect("a name").to_owned()))
            .collect()
    };
    let processes = named("process_name", "pid");
    let names: Vec<&str> = processes.values().map(String::as_str).collect();
    assert_eq!(names[0], "the world");
    assert_eq!(names[1..], run.nodes.iter().map(String::as_str).collect::<Vec<_>>());
    let threads = named("thread_name", "tid");
    let mut homes: BTreeMap<u64, u64> = BTreeMap::new();
    for event in events {
        let (pid, tid) = (event["pid"].as_u64().expect("a number"), event["tid"].as_u64().expect("a number"));
        assert!(processes.contains_key(&pid) && threads.contains_key(&tid), "{event}");
        assert_eq!(*homes.entry(tid).or_insert(pid), pid, "a thread of two processes: {event}");
    }
}

#[test]
fn slices_of_a_thread_lie_in_each_other_or_apart_and_arrows_begin_and_end_in_one() {
    for system in systems::all() {
        let (scenario, run) = run(&*system, 44);
        let events = chrome_events(&scenario, &run);
        let mut last: BTreeMap<u64, (f64, f64)> = BTreeMap::new();
        for event in &events {
            let (tid, at) = (event["tid"].as_u64().expect("a number"), event["ts"].as_f64().expect("a time"));
            match event["ph"].as_str() {
                Some("X") => {
                    let end = at + event["dur"].as_f64().expect("a duration");
                    let (begun, ended) = last.insert(tid, (at, end)).unwrap_or((-1.0, -1.0));
                    assert!(at >= ended || (at == begun && end <= ended), "they overlap: {event}");
                }
                Some("s" | "f") => assert_eq!(last[&tid].0, at, "no slice around {event}"),
                _ => {}
            }
        }
        assert!(last.len() > 3);
    }
}
