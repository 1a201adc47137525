//! `rehearsal shrink`, and what a campaign keeps of a failure.

use crate::desk::{Desk, type_in};
use serde_json::Value;
use std::fs;
use std::process::Command;

/// A retry of the one request is counted twice.
const FAILING: &str = r#"version = 1
system = "counter"
seed = 3
defects = ["forgets-duplicates"]

[network]
loss = 20000

[topology]
clients = 3

[counter]
requests = 12
"#;

fn failing() -> Desk {
    let desk = Desk::new();
    desk.file("it.toml", FAILING);
    desk
}

#[test]
fn a_campaign_ends_with_a_small_scenario_and_its_story() {
    let desk = Desk::new();
    let object = desk.type_in("fuzz counter --defect forgets-duplicates --format json").json(1);
    let system = &object["systems"][0];
    let repro = system["violations"][0]["repro"].as_str().expect("a path");
    let group = &system["groups"][0];
    assert_eq!(group["invariant"], "count-is-exact");
    assert!(group["place"].as_str().is_some_and(|place| place.contains("count_is_exact.rs:")), "{group}");
    assert_eq!(group["seeds"], serde_json::json!([system["violations"][0]["seed"]]));
    let (before, after) = (&group["shrunk"]["before"], &group["shrunk"]["after"]);
    assert!(after["events"].as_u64() < before["events"].as_u64(), "{group}");
    assert!(after["requests"].as_u64() <= Some(4), "{group}");
    let text = fs::read_to_string(desk.folder.path().join(repro)).expect("the repro");
    assert!(text.contains("breaks = \"count-is-exact\""), "{text}");
    assert!(text.lines().filter(|line| !line.is_empty()).count() <= 20, "{text}");
    let story = desk.folder.path().join(repro).with_extension("md");
    let story = fs::read_to_string(story).expect("the story");
    assert!(story.contains("\n1. `") && story.contains(&format!("rehearsal run {repro}")), "{story}");
    let drawn = repro.replace(".toml", ".drawn.toml");
    for kept in [repro, &drawn] {
        let run = desk.type_in(&format!("run {kept} --format json")).json(1);
        assert_eq!(run["violations"][0]["invariant"], "count-is-exact");
    }
}

#[test]
fn without_shrinking_the_scenario_is_kept_as_it_was_drawn() {
    let desk = Desk::new();
    let object = desk.type_in("fuzz counter --defect forgets-duplicates --shrink 0s --format json").json(1);
    let violation = &object["systems"][0]["violations"][0];
    let text = fs::read_to_string(desk.folder.path().join(violation["repro"].as_str().expect("a path")));
    let seed = violation["seed"].as_u64().expect("a seed");
    let drawn = desk.type_in(&format!("scenario counter --seed {seed} --defect forgets-duplicates"));
    assert_eq!(text.expect("the scenario"), drawn.output);
}

#[test]
fn seeds_that_fail_for_one_reason_are_told_once() {
    let desk = Desk::new();
    let line = "fuzz counter --defect forgets-duplicates --seeds 60 --keep-going --format json";
    let object = desk.type_in(line).json(1);
    let system = &object["systems"][0];
    let groups = system["groups"].as_array().expect("a list");
    let seeds = |group: &Value| group["seeds"].as_array().expect("a list").len() as u64;
    assert_eq!(groups.iter().map(seeds).sum::<u64>(), system["failing_seeds"].as_u64().expect("a count"));
    // About one for each family of faults that a single one of suffices.
    assert!(groups.len() <= 12, "{groups:?}");
    let kept = |violation: &&Value| violation["repro"].is_string();
    let violations = system["violations"].as_array().expect("a list");
    assert_eq!(violations.iter().filter(kept).count(), groups.len(), "one of each group is kept");
}

#[test]
fn a_scenario_is_shrunk_beside_itself_and_its_run_told() {
    let desk = failing();
    let told = desk.type_in("shrink it.toml");
    assert_eq!(told.code, 1, "{}", told.error);
    for part in ["shrunk from", "count-is-exact", "kept as it.shrunk.toml", "rehearsal run it.shrunk.toml"] {
        assert!(told.output.contains(part), "`{part}` is missing in {}", told.output);
    }
    assert_eq!(fs::read_to_string(desk.folder.path().join("it.toml")).expect("it"), FAILING);
    let again = desk.type_in("run it.shrunk.toml");
    assert_eq!(again.code, 1);
    assert!(again.output.contains("count-is-exact is broken again"), "{}", again.output);
}

#[test]
fn a_repro_that_is_mended_says_that_it_holds_now() {
    let desk = failing();
    desk.type_in("shrink it.toml --out small.toml");
    let path = desk.folder.path().join("small.toml");
    let text = fs::read_to_string(&path).expect("it").replace("defects = [\"forgets-duplicates\"]\n", "");
    fs::write(&path, text).expect("it is written");
    let told = desk.type_in("run small.toml");
    assert_eq!(told.code, 0, "{}", told.output);
    assert!(told.output.contains("count-is-exact holds now; this scenario broke it once"), "{}", told.output);
    desk.type_in("shrink small.toml").refuses(2, &["this scenario does not fail", "every invariant holds"]);
}

#[test]
fn a_scenario_that_fails_for_another_reason_is_refused() {
    let desk = Desk::new();
    desk.file("it.toml", format!("{FAILING}\n[repro]\nbreaks = \"every-add-answered\"\n"));
    let says =
        ["does not break every-add-answered, but count-is-exact", "write `breaks = \"count-is-exact\"`"];
    desk.type_in("shrink it.toml").refuses(2, &says);
}

#[test]
fn edited_repros_that_cannot_be_are_refused_where_they_are_wrong() {
    let dangling = format!("{FAILING}\n[[fault]]\nat = \"1s\"\ncrash = \"server-2\"\n");
    let invariant = format!("{FAILING}\n[repro]\nbreaks = \"the-bank\"\n");
    let unknown = format!("{FAILING}\n[repro]\nbreak = \"count-is-exact\"\n");
    let drawn = format!(
        "{FAILING}\n[schedule]\ndeviations = [{{ decision = \"message\", cause = \"ab\", answer = 1 }}]\n"
    );
    let decision =
        drawn.replace("\"message\"", "\"mesage\"").replace("deviations", "plain = true\ndeviations");
    for (text, says) in [
        (dangling, "there is no node `server-2`"),
        (FAILING.replace("version = 1", "version = 7"), "the scenario is version 7"),
        (invariant, "there is no invariant `the-bank`"),
        (unknown, "unknown field `break`"),
        (drawn, "departs from the plain schedule"),
        (decision, "there is no decision `mesage`"),
    ] {
        let desk = Desk::new();
        desk.file("it.toml", text);
        desk.type_in("shrink it.toml").refuses(2, &[says]);
    }
    type_in("shrink nowhere.toml").refuses(2, &["nowhere.toml cannot be read"]);
}

#[test]
fn a_search_that_was_stopped_is_taken_up_where_it_was() {
    let desk = failing();
    let stopped = desk.type_in("shrink it.toml --time 1ms --format json").json(1);
    assert_eq!(stopped["finished"], false, "{stopped}");
    let text = fs::read_to_string(desk.folder.path().join("it.shrunk.toml")).expect("it");
    assert!(text.contains("shrinking = {"), "{text}");
    let whole = desk.type_in("shrink it.toml --out whole.toml --format json").json(1);
    let rest = desk.type_in("shrink it.shrunk.toml --format json").json(1);
    assert_eq!((&rest["finished"], &rest["after"]), (&true.into(), &whole["after"]));
    let read = |name: &str| fs::read_to_string(desk.folder.path().join(name)).expect("it");
    assert_eq!(read("it.shrunk.toml"), read("whole.toml"));
}

#[test]
fn a_full_disk_leaves_the_old_result_as_it_was() {
    let desk = failing();
    desk.file("old.toml", "an older result");
    // No file may grow, and what tries is told so instead of being ended.
    let line = format!(
        "trap '' XFSZ; ulimit -f 0; exec {} shrink it.toml --out old.toml",
        env!("CARGO_BIN_EXE_rehearsal")
    );
    let mut command = Command::new("sh");
    command.args(["-c", &line]).current_dir(desk.folder.path());
    let answer = crate::desk::Answer::of(command.output().expect("a shell"));
    answer.refuses(3, &["old.toml cannot be written", "what was there is as it was"]);
    assert_eq!(fs::read_to_string(desk.folder.path().join("old.toml")).expect("it"), "an older result");
    assert_eq!(
        fs::read_dir(desk.folder.path()).expect("the folder").count(),
        2,
        "nothing half-written stays"
    );
}
