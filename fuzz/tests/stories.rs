//! Stories of small scenarios: what happened is told, by whom, and what did not happen is not.

use rehearsal::jury::Jury;
use rehearsal::rehearse::rehearse;
use rehearsal::scenario::{Overrides, Scenario, ScenarioError};
use rehearsal::scenario_file::read;
use rehearsal::story::{Story, tell};
use rehearsal::system::{Defect, Invariant, Run, System, Watch};
use rehearsal::systems::counter::Counter;
use rehearsal_env::{Clock, Cluster, Marker, Observer};
use rehearsal_invariants::counter::CounterMarkers;
use rehearsal_model::counter::facts::CounterFact;
use std::time::Duration;

/// One client and one request, which is counted as often as it comes.
const FORGETFUL: &str = r#"version = 1
system = "counter"
seed = 1
defects = ["forgets-duplicates"]

[schedule]
plain = true
"#;

/// The same, with every latency drawn.
fn drawn(seed: u64) -> String {
    FORGETFUL.replace("seed = 1", &format!("seed = {seed}")).replace("plain = true", "plain = false")
}

fn told(system: &dyn System, scenario: &Scenario) -> Story {
    let watch = Watch { history: true, trace: true, ..Watch::default() };
    let run = system.run(scenario, watch).expect("a scenario that makes sense");
    let broken = run.violations.first().unwrap_or_else(|| panic!("nothing is broken by {scenario:?}"));
    tell(system, scenario, &run, &broken.invariant).expect("it is told")
}

/// The story of a file, once it is seen that nothing that convicts is missing and nothing reads like code.
fn story(text: &str) -> Vec<String> {
    let (system, scenario) = read("its.toml", text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let story = told(&*system, &scenario);
    let convicting = story.sentences.iter().filter(|sentence| sentence.convicts).count();
    assert_eq!(convicting, story.violation.evidence.len(), "{story:?}");
    assert!(story.sentences.is_sorted_by_key(|sentence| sentence.time), "{story:?}");
    let sentences: Vec<String> = story.sentences.into_iter().map(|sentence| sentence.text).collect();
    for code in ["{", "::", "NodeId", "?", "the world goes on"] {
        assert!(sentences.iter().all(|sentence| !sentence.contains(code)), "{code} in {sentences:#?}");
    }
    sentences
}

fn assert_tells(text: &str, wanted: &[&str]) {
    let sentences = story(text);
    let mut rest = sentences.iter();
    for sentence in wanted {
        assert!(rest.any(|told| told == sentence), "no `{sentence}`, or not in its place, in {sentences:#?}");
    }
}

#[test]
fn a_lost_acknowledged_add_is_told_from_the_question_to_the_empty_file() {
    let text = r#"version = 1
system = "counter"
seed = 1
defects = ["answer-before-sync"]

[schedule]
plain = true

[[fault]]
at = "201.1ms"
crash = "server"
restart_after = "100ms"
"#;
    let golden = [
        "client-0 asks to add 9 (request 0)",
        "server does not listen when the message Add of client-0 arrives: it is lost",
        "client-0 asks again to add 9 (request 0), since no answer came: it has asked once before",
        "server sends client-0: Added",
        "server loses or tears what it had written and not synced",
        "server crashes: what it kept in memory is lost",
        "client-0 is told that request 0 is counted and made 9, having asked again once",
        "server starts",
        "server starts and finds nothing in its file",
    ];
    assert_eq!(story(text), golden);
}

#[test]
fn the_page_says_when_and_marks_what_convicts() {
    let (system, scenario) =
        read("its.toml", &format!("{FORGETFUL}\n[network]\nduplication = 100000\n")).expect("a file");
    let page = told(&*system, &scenario).markdown("rehearsal run its.toml");
    let golden = "# count-is-exact is broken

client-0/0 is counted twice.

It must hold: every request is counted at most once, and totals add up.

The known bug `forgets-duplicates` is switched on: retries of a request that is not idempotent.

What happened; facts that convict are in bold:

1. `0.000000s` client-0 asks to add 9 (request 0).
2. `0.001000s` server does not listen when the message Add of client-0 arrives: it is lost.
3. `0.200000s` client-0 asks again to add 9 (request 0), since no answer came: it has asked once before.
4. `0.200000s` client-0 sends the message Add to server: the network delivers it twice.
5. `0.201520s` **server has counted request 0 of client 0: 9 more make 9**.
6. `0.202040s` **server has counted request 0 of client 0: 9 more make 18**.

See it again:

```sh
rehearsal run its.toml
```
";
    assert_eq!(page, golden);
}

#[test]
fn clients_that_have_nothing_to_do_with_it_are_not_told() {
    let rest = "[network]\nduplication = 100000\n[topology]\nclients = 3\n[counter]\nrequests = 4\n";
    let sentences = story(&format!("{FORGETFUL}\n{rest}"));
    assert!(
        sentences.iter().all(|told| !told.contains("client-1") && !told.contains("client-2")),
        "{sentences:#?}"
    );
}

#[test]
fn every_lost_message_is_told() {
    let text = format!("{}\n[network]\nloss = 30000\n[counter]\nrequests = 3\n", drawn(0));
    assert_tells(
        &text,
        &[
            "server has counted request 0 of client 0: 3 more make 3",
            "server sends the message Added to client-0: the network loses it",
            "client-0 asks again to add 3 (request 0), since no answer came: it has asked 2 times before",
            "client-0 sends the message Add to server: the network loses it",
            "client-0 asks again to add 3 (request 0), since no answer came: it has asked 3 times before",
            "server has counted request 0 of client 0: 3 more make 6",
        ],
    );
}

#[test]
fn what_is_held_back_is_told_with_the_time_at_which_it_comes() {
    let text = format!("{}\n[network]\ndelay = 100000\ndelay_max = \"2s\"\n", drawn(1));
    assert_tells(
        &text,
        &[
            "client-0 sends the message Add to server: the network holds it back until 1.247933s",
            "client-0 sends the message Add to server: the network holds it back until 0.916368s",
            "server has counted request 0 of client 0: 9 more make 18",
        ],
    );
}

fn cut_at(time: &str) -> String {
    let partition = "partition = { from = [\"server\"], to = [\"client-0\"], one_way = true }";
    format!("{FORGETFUL}\n[[fault]]\nat = \"{time}\"\n{partition}\nheal_after = \"100ms\"\n")
}

#[test]
fn what_a_partition_stops_is_told_and_that_it_heals() {
    let (sends, arrives) = ("201ms", "202ms");
    assert_tells(
        &cut_at(sends),
        &[
            "the world is divided: server cannot reach client-0",
            "server has counted request 0 of client 0: 9 more make 9",
            "server sends the message Added to client-0: the partition stops it",
            "the world is mended: server can reach client-0",
            "server has counted request 0 of client 0: 9 more make 18",
        ],
    );
    assert_tells(
        &cut_at(arrives),
        &[
            "server has counted request 0 of client 0: 9 more make 9",
            "the world is divided: server cannot reach client-0",
            "client-0 is cut off when the message Added of server would arrive: it is lost",
            "the world is mended: server can reach client-0",
        ],
    );
}

/// With a fault that strikes when the answer is under way.
fn struck_by(fault: &str) -> String {
    format!("{FORGETFUL}\n[[fault]]\nat = \"202ms\"\n{fault}\n")
}

#[test]
fn what_a_reset_loses_is_told_and_that_nobody_is_reached_when_alone() {
    assert_tells(
        &struck_by("reset_link = [\"server\", \"client-0\"]"),
        &[
            "server has counted request 0 of client 0: 9 more make 9",
            "the world resets the link between server and client-0: what is under way there is lost",
            "server has counted request 0 of client 0: 9 more make 18",
        ],
    );
    assert_tells(
        &struck_by("isolate = \"server\"\nheal_after = \"100ms\"\ntimes = 2\nup_for = \"2s\""),
        &[
            "the world is divided: server cannot reach anybody, nor the other way round",
            "the world is mended: server can reach everybody, and the other way round",
            "server has counted request 0 of client 0: 9 more make 18",
        ],
    );
}

#[test]
fn what_waits_on_a_slow_link_is_told_with_the_time_at_which_it_comes() {
    let fault = "slow_link = [\"server\"]\nper_second = 1\nlasts = \"5s\"";
    let sentences = story(&format!("{FORGETFUL}\n[[fault]]\nat = \"100ms\"\n{fault}\n"));
    let told = |words: &str| sentences.iter().any(|sentence| sentence.contains(words));
    assert!(told("the world slows each link of server down to 1 message a second"), "{sentences:#?}");
    assert!(told("sends the message Add to server: on the slow link it takes until"), "{sentences:#?}");
}

#[test]
fn a_node_that_stands_still_is_told() {
    let text = format!("{FORGETFUL}\n[[fault]]\nat = \"100ms\"\npause = \"server\"\nlasts = \"400ms\"\n");
    assert_tells(
        &text,
        &[
            "server stands still",
            "client-0 asks again to add 9 (request 0), since no answer came: it has asked 2 times before",
            "client-0 sends server: Add",
            "server goes on",
            "server has counted request 0 of client 0: 9 more make 18",
        ],
    );
}

/// A server that panics, or only sleeps, and a client that waits for it.
#[derive(Clone, Copy)]
struct Hopeless {
    panics: bool,
}

impl System for Hopeless {
    fn name(&self) -> &'static str {
        "hopeless"
    }

    fn summary(&self) -> &'static str {
        "a counter that never counts"
    }

    fn invariants(&self) -> &'static [Invariant] {
        &[]
    }

    fn markers(&self) -> &'static [Marker] {
        &[]
    }

    fn defects(&self) -> &'static [Defect] {
        &[]
    }

    fn draw(&self, seed: u64, overrides: &Overrides) -> Result<Scenario, ScenarioError> {
        Counter.draw(seed, overrides)
    }

    fn check(&self, scenario: &Scenario) -> Result<(), ScenarioError> {
        Counter.check(scenario)
    }

    fn run(&self, scenario: &Scenario, watch: Watch) -> Result<Run, ScenarioError> {
        let jury = Jury::new(Vec::new(), Box::new(CounterMarkers::default()), Box::new(|_, _| {}));
        let panics = self.panics;
        rehearse(scenario, watch, jury, |world| {
            world.start("server", move |env| async move {
                env.sleep(Duration::from_millis(700)).await;
                assert!(!panics, "it cannot count");
                std::future::pending().await
            });
            world.start_client("client-0", |env| async move {
                env.observe(CounterFact::Recovered { entries: Vec::new(), cut: 0 });
                std::future::pending().await
            });
        })
    }
}

#[test]
fn the_story_of_a_panic_is_that_of_the_node_that_panicked() {
    let story = told(&Hopeless { panics: true }, &Counter.plain().scenario);
    assert_eq!(story.violation.invariant, "no-panic");
    assert!(story.violation.message.contains("it cannot count"), "{story:?}");
    let waits = |text: &str| text == "server goes on after waiting 0.7 s";
    assert!(story.sentences.iter().any(|sentence| waits(&sentence.text)), "{story:?}");
}

#[test]
fn the_story_of_a_world_that_stands_still_is_told() {
    let story = told(&Hopeless { panics: false }, &Counter.plain().scenario);
    assert!(["no-stall", "clients-finish"].contains(&&*story.violation.invariant), "{story:?}");
    assert!(!story.markdown("rehearsal run its.toml").is_empty());
}
