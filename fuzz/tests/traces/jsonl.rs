//! JSON Lines: every entry is there, and docs/trace.md says what it has.

use super::{SEEDS, counter, keys, run, written};
use rehearsal::scenario::Overrides;
use rehearsal::system::Watch;
use rehearsal::trace::{TraceFormat, jsonl};
use rehearsal_sim::Traced;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

#[test]
fn every_entry_is_one_line_between_header_and_verdict() {
    let (scenario, run) = run(&*counter(), 44);
    let text = written(TraceFormat::Jsonl, &scenario, &run);
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(lines.len(), run.trace.len() + 2);
    let (header, end) = (&lines[0], &lines[lines.len() - 1]);
    assert_eq!((&header["trace"], &header["version"]), (&"rehearsal".into(), &jsonl::VERSION.into()));
    assert_eq!((&header["seed"], &end["events"]), (&44.into(), &run.events.into()));
    assert_eq!(header["digest"], run.digest.to_string());
    assert_eq!((&end["verdict"], &end["digest"]), (&"held".into(), &header["digest"]));
    for (position, (line, entry)) in lines[1..].iter().zip(&run.trace).enumerate() {
        assert_eq!(line["entry"], position);
        assert_eq!(line["at"].as_u64(), Some(entry.time.nanos()));
        assert_eq!(line["cause"], entry.cause.to_string());
        assert_eq!(line["node"].as_str(), entry.node.map(|node| &*run.nodes[node.index()]));
        if let Traced::Fact { number } = entry.what {
            let told = &run.history[number as usize];
            assert_eq!((&line["fact"], line["words"].as_str()), (&told.fact, Some(&*told.words)));
        }
    }
}

#[test]
fn a_violation_stands_at_the_end_with_the_numbers_of_its_facts() {
    let system = counter();
    let overrides = Overrides { defects: vec!["answer-before-sync".to_owned()], ..Overrides::default() };
    let violated = (0..500).find_map(|seed| {
        let scenario = system.draw(seed, &overrides).expect("a scenario");
        let run = system.run(&scenario, Watch { trace: true, ..Watch::default() }).expect("it runs");
        (!run.violations.is_empty()).then_some((scenario, run))
    });
    let (scenario, run) = violated.expect("the defect shows");
    let text = written(TraceFormat::Jsonl, &scenario, &run);
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let end = lines.last().expect("a last line");
    assert_eq!(end["verdict"], "violated");
    let evidence = end["violations"][0]["evidence"].as_array().expect("a list");
    assert!(!evidence.is_empty());
    for number in evidence {
        let fact = lines.iter().find(|line| line["what"] == "fact" && line["number"] == *number);
        assert!(fact.is_some_and(|fact| !fact["words"].as_str().expect("text").is_empty()), "{number}");
    }
}

/// The words for what an entry is, and whether it is one of a node: what decides its keys.
fn shape(line: &Value) -> String {
    let Some(what) = line["what"].as_str() else { return format!("{:?}", keys(line)) };
    format!("{what}{}", if line["node"].is_null() { " in the world" } else { "" })
}

#[test]
fn the_documentation_has_an_example_of_every_line_with_exactly_its_keys() {
    let page = include_str!("../../../docs/trace.md");
    let examples: Vec<Value> = page
        .split("```json\n")
        .skip(1)
        .flat_map(|rest| rest.split("```").next().expect("a block ends").lines())
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}")))
        .collect();
    let mut documented: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for example in &examples {
        assert!(documented.insert(shape(example), keys(example)).is_none(), "twice: {example}");
    }
    assert_eq!(examples[0]["version"], jsonl::VERSION);
    let mut seen = BTreeSet::new();
    for seed in SEEDS {
        let (scenario, run) = run(&*counter(), seed);
        for line in written(TraceFormat::Jsonl, &scenario, &run).lines() {
            let line: Value = serde_json::from_str(line).expect("JSON");
            let shape = shape(&line);
            let told = documented.get(&shape).unwrap_or_else(|| panic!("no example of {shape}: {line}"));
            assert_eq!(*told, keys(&line), "{line}");
            seen.insert(shape);
        }
    }
    assert!(seen.iter().eq(documented.keys()), "never written: {documented:?}");
}
