//! ShiViz logs: they can be read, and their clocks say what happened before what.

use super::{run, written};
use rehearsal::systems;
use rehearsal::trace::{TraceFormat, shiviz};
use rehearsal_sim::{TraceEntry, Traced};
use std::collections::BTreeMap;

/// One event of a ShiViz log.
struct Logged {
    host: String,
    clock: BTreeMap<String, u64>,
    words: String,
}

/// Reads a log as ShiViz does, by hand: `(?<host>\S*) (?<clock>{.*})\n(?<event>.*)` over and over.
fn read_log(text: &str) -> Vec<Logged> {
    let rest = text
        .strip_prefix(shiviz::PARSER)
        .expect("the expression")
        .strip_prefix("\n\n")
        .expect("no delimiter");
    let lines: Vec<&str> = rest.lines().collect();
    assert_eq!(lines.len() % 2, 0, "two lines for every event");
    let read = |pair: &[&str]| {
        let (host, clock) = pair[0].split_once(' ').expect("a host and a clock");
        assert!(!host.is_empty() && clock.starts_with('{') && clock.ends_with('}'), "{}", pair[0]);
        let clock = serde_json::from_str(clock).expect("a clock is an object of numbers");
        Logged { host: host.to_owned(), clock, words: pair[1].to_owned() }
    };
    lines.chunks(2).map(read).collect()
}

fn is_logged(entry: &TraceEntry) -> bool {
    let kinds = matches!(
        entry.what,
        Traced::Sent { .. }
            | Traced::Taken { .. }
            | Traced::Missed { .. }
            | Traced::DiskEnded { .. }
            | Traced::Fact { .. }
            | Traced::Incident { .. }
    );
    kinds && entry.node.is_some()
}

#[test]
fn shiviz_gets_clocks_that_say_what_happened_before_what() {
    for system in systems::all() {
        let (scenario, run) = run(&*system, 44);
        let log = read_log(&written(TraceFormat::Shiviz, &scenario, &run));
        let entries: Vec<&TraceEntry> = run.trace.iter().filter(|entry| is_logged(entry)).collect();
        assert_eq!(log.len(), entries.len());
        let mut hosts: BTreeMap<&str, BTreeMap<String, u64>> = BTreeMap::new();
        let mut sent = BTreeMap::new();
        let mut received = 0;
        for (logged, entry) in log.iter().zip(entries) {
            assert_eq!(logged.host, run.nodes[entry.node.expect("a node").index()]);
            assert!(
                logged.words.split_once(' ').is_some_and(|(_, words)| !words.is_empty()),
                "{}",
                logged.words
            );
            let mut expected = hosts.get(&*logged.host).cloned().unwrap_or_default();
            if let Traced::Taken { message } = &entry.what {
                let carried: &BTreeMap<String, u64> = &sent[message];
                for (host, count) in carried {
                    let known = expected.entry(host.clone()).or_default();
                    *known = (*known).max(*count);
                    assert!(logged.clock[host] >= *count, "a receipt is after its sending: {}", logged.words);
                }
                assert!(logged.words.contains(" receives "), "{}", logged.words);
                received += 1;
            }
            *expected.entry(logged.host.clone()).or_default() += 1;
            assert_eq!(logged.clock, expected, "{} {}", logged.host, logged.words);
            hosts.insert(&logged.host, expected);
            if let Traced::Sent { message, copy, .. } = &entry.what {
                sent.insert(*message, logged.clock.clone());
                copy.map(|(copy, _)| sent.insert(copy, logged.clock.clone()));
            }
        }
        assert!(received > 50 && sent.len() > received, "{received} of {} were received", sent.len());
    }
}
