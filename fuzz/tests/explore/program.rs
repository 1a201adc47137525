//! The command as people and machines meet it.

use serde_json::Value;
use std::process::{Command, Output};

fn run(folder: &std::path::Path, line: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rehearsal"));
    command.args(line.split(' ')).current_dir(folder).env_remove("RUST_BACKTRACE");
    command.output().expect("the program runs")
}

fn type_in(line: &str) -> (i32, String, String) {
    answer(&run(tempfile::tempdir().expect("a folder").path(), line))
}

fn answer(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("UTF-8");
    (output.status.code().expect("an exit code"), text(&output.stdout), text(&output.stderr))
}

const SMALL: &str = "--bounds slots=1,records=1,epochs=2,changes=1,messages=0,crashes=0";

#[test]
fn what_there_is_not_is_refused_with_what_there_is() {
    for (line, says) in [
        ("explore casino", &["there is no core `casino`", "queue-replica"][..]),
        ("explore queue-replica --bounds rooms=3", &["there is no bound `rooms`", "replicas, slots"]),
        ("explore queue-replica --bounds slots=900", &["slots: `900` cannot be", "from 1 to 7"]),
        ("explore queue-replica --bounds flush=never", &["flush: `never` cannot be", "before-ack or"]),
        ("explore queue-replica --bounds slots", &["write KEY=VALUE"]),
        ("explore queue-replica --defect nothing", &["no rule that `nothing` removes", "never-truncates"]),
        ("explore --replay nothing.toml", &["nothing.toml cannot be read", "explore --out"]),
        ("explore queue-replica --markdown x.md", &["--rules"]),
    ] {
        let (code, output, error) = type_in(line);
        let error = error.split_whitespace().filter(|word| *word != "│").collect::<Vec<_>>().join(" ");
        assert_eq!((code, output.as_str()), (2, ""), "{line}: {error}");
        says.iter().for_each(|part| assert!(error.contains(part), "{line}: {error}"));
    }
}

#[test]
fn without_a_core_the_cores_are_listed() {
    let (code, output, _) = type_in("explore");
    assert_eq!(code, 0);
    for part in [
        "queue-replica",
        "slots",
        "acked-not-lost",
        "never-truncates",
        "queue-group",
        "coordination-consensus",
    ] {
        assert!(output.contains(part), "{output}");
    }
    let (_, output, _) = type_in("explore --format json");
    let object: Value = serde_json::from_str(&output).expect("JSON");
    assert_eq!(object["cores"][0]["core"], "queue-replica");
}

#[test]
fn the_help_names_every_core() {
    let (code, help, _) = type_in("explore --help");
    assert_eq!(code, 0);
    for core in rehearsal::explore::cores() {
        assert!(help.contains(core.name()), "{} is missing in {help}", core.name());
    }
}

#[test]
fn the_exit_code_says_what_the_search_came_to() {
    let explore = |rest: &str| type_in(&format!("explore queue-replica {SMALL} --format json{rest}"));
    for (rest, code, verdict) in [
        ("", 0, "verified"),
        (" --defect acknowledges-before-replication", 1, "refuted"),
        (" --states 10", 4, "inconclusive"),
        (" --states 10 --jobs 2 --depth-first", 4, "inconclusive"),
    ] {
        let (given, output, error) = explore(rest);
        assert_eq!(given, code, "{rest}: {error}");
        let object: Value = serde_json::from_str(&output).expect("one object");
        assert_eq!(object["verdict"], verdict, "{rest}");
        assert_eq!(object["bounds"]["slots"], 1);
        assert_eq!(object["bounds"]["flush"], "before-ack");
        assert!(object["unique_states"].as_u64() > Some(0) && object["states"].as_u64() > Some(0));
        assert_eq!(object["violation"].is_null(), verdict != "refuted");
    }
}

#[test]
fn a_counterexample_is_told_and_kept_and_walked_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let line = format!("explore queue-replica {SMALL} --defect never-truncates --out kept.toml");
    let (code, output, _) = answer(&run(folder.path(), &line));
    assert_eq!(code, 1, "{output}");
    for part in
        ["refuted: followers-follow after", "  1. broker-0 appends a record", "again: rehearsal explore"]
    {
        assert!(output.contains(part), "`{part}` is missing in {output}");
    }
    let (code, again, _) = answer(&run(folder.path(), "explore --replay kept.toml"));
    assert_eq!(code, 1);
    let story = |text: &str| {
        text.lines().filter(|line| line.contains(". broker-")).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(story(&again), story(&output));
    let kept = std::fs::read_to_string(folder.path().join("kept.toml")).expect("it was kept");
    std::fs::write(folder.path().join("kept.toml"), kept.replace("broker-0 appends", "broker-1 appends"))
        .expect("a file");
    let (code, _, error) = answer(&run(folder.path(), "explore --replay kept.toml"));
    assert_eq!(code, 2);
    assert!(error.contains("cannot happen there"), "{error}");
}
