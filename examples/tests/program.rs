//! The program with systems of one's own: the commands of `rehearsal`, by another name.

use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn type_in(folder: &Path, line: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rehearsal-examples"));
    command.args(line.split(' ')).current_dir(folder).output().expect("the program runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

#[test]
fn a_campaign_on_a_system_of_ones_own_is_kept_and_can_be_run_again() {
    let desk = tempfile::tempdir().expect("a folder");
    let found = type_in(desk.path(), "fuzz lock --defect no-fencing --jobs 2 --shrink 2s");
    let told = text(&found.stdout);
    assert_eq!(found.status.code(), Some(1), "{told}{}", text(&found.stderr));
    let kept = "rehearsal-out/lock-newest-writes-last-";
    assert!(told.contains(&format!("rehearsal-examples run {kept}")), "its own name is told: {told}");
    let mut files = fs::read_dir(desk.path().join("rehearsal-out")).expect("a folder");
    let is_repro = |name: &str| name.ends_with(".toml") && !name.ends_with(".drawn.toml");
    let names =
        files.by_ref().map(|entry| entry.expect("an entry").file_name().into_string().expect("a name"));
    let repro = names.filter(|name| is_repro(name)).last().expect("a repro");
    let again = type_in(desk.path(), &format!("run rehearsal-out/{repro} --format json"));
    assert_eq!(again.status.code(), Some(1), "{}", text(&again.stderr));
    let object: Value = serde_json::from_slice(&again.stdout).expect("JSON");
    assert_eq!(object["violations"][0]["invariant"], "newest-writes-last");
    let traced = type_in(desk.path(), &format!("run rehearsal-out/{repro} --trace trace.jsonl"));
    assert_eq!(traced.status.code(), Some(1), "{}", text(&traced.stderr));
    assert!(fs::read_to_string(desk.path().join("trace.jsonl")).expect("a trace").lines().count() > 10);
    let shrunk = type_in(desk.path(), &format!("shrink rehearsal-out/{repro} --time 1s"));
    assert_eq!(shrunk.status.code(), Some(1), "{}", text(&shrunk.stderr));
}

#[test]
fn the_digest_is_the_same_with_any_number_of_jobs() {
    let desk = tempfile::tempdir().expect("a folder");
    let digest = |jobs: u32| {
        let done = type_in(desk.path(), &format!("fuzz replicas --seeds 60 --jobs {jobs} --format json"));
        let object: Value = serde_json::from_slice(&done.stdout).expect("JSON");
        object["systems"][0]["digest"].as_str().expect("a digest").to_owned()
    };
    assert_eq!(digest(1), digest(3));
}

#[test]
fn the_program_lists_its_own_systems_and_no_others() {
    let desk = tempfile::tempdir().expect("a folder");
    let listed = text(&type_in(desk.path(), "systems").stdout);
    assert!(listed.contains("lock: workers write") && listed.contains("replicas: a counter"), "{listed}");
    let unknown = type_in(desk.path(), "fuzz counter");
    assert_eq!(unknown.status.code(), Some(2));
    assert!(text(&unknown.stderr).contains("there is no system `counter`"), "{}", text(&unknown.stderr));
    assert!(text(&unknown.stderr).contains("lock, replicas"), "{}", text(&unknown.stderr));
    let scenario = text(&type_in(desk.path(), "scenario replicas --seed 3").stdout);
    assert!(scenario.contains("[topology]\nreplica = ") && scenario.contains("\nadd = ["), "{scenario}");
}
