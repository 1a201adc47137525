//! The program as people and machines meet it: exit codes, messages, and the shapes of its JSON.

mod desk;
mod shrinking;

use desk::{Answer, Desk, type_in};
use serde_json::Value;
use std::path::Path;
use std::process::Command;

#[test]
fn what_nobody_knows_is_refused_with_what_there_is() {
    type_in("fuzz casino").refuses(2, &["there is no system `casino`", "counter"]);
    type_in("run casino --seed 1").refuses(2, &["there is no system `casino`", "counter"]);
    type_in("run casino").refuses(2, &["`casino` is neither a file nor a system", "counter"]);
    type_in("scenario casino --seed 1").refuses(2, &["there is no system `casino`"]);
    type_in("fuzz counter --defect nothing")
        .refuses(2, &["`nothing`", "answer-before-sync, forgets-duplicates"]);
    type_in("fuzz --defect nothing").refuses(2, &["`nothing`", "answer-before-sync, forgets-duplicates"]);
    type_in("run counter --seed 1 --defect nothing").refuses(2, &["`nothing`"]);
    type_in("dance").refuses(2, &["unrecognized subcommand 'dance'"]);
}

#[test]
fn keys_that_do_not_exist_are_refused_with_those_that_do() {
    let unknown = |key: &str| type_in(&format!("fuzz counter --seeds 2 --set {key}=1"));
    unknown("counter.speed").refuses(2, &["counter.speed: there is no such key", "patience, requests"]);
    unknown("network.speed").refuses(2, &["network.speed: there is no such key", "latency_max"]);
    unknown("casino.speed").refuses(2, &["casino.speed: there is no such key", "storm, calm"]);
    unknown("storms").refuses(2, &["storms: there is no such key", "storm, calm"]);
}

#[test]
fn values_that_cannot_be_are_refused_with_the_mend() {
    let set = |setting: &str| type_in(&format!("fuzz counter --seeds 2 --set {setting}"));
    set("storm=0s").refuses(2, &["storm", "leaves no time", "give it some seconds"]);
    set("calm=0s").refuses(2, &["calm", "no time to come to rest"]);
    set("storm=5").refuses(2, &["storm: it is no span of time", "as \"30s\""]);
    set("storm=soon").refuses(2, &["storm", "`soon` is no span of time"]);
    set("topology.clients=0").refuses(2, &["topology.clients: 0 clients cannot be", "write 1 to"]);
    set("topology.clients=-1").refuses(2, &["topology.clients", "-1"]);
    set("counter.requests=many").refuses(2, &["counter.requests", "\"many\""]);
    set("network.loss=200000").refuses(2, &["network.loss: more than all messages", "at most 100000"]);
    set("network.latency_min=1h").refuses(2, &["network.latency_min", "longer than latency_max"]);
    set("beyond_promise=perhaps").refuses(2, &["beyond_promise: it is neither true nor false"]);
    set("nothing").refuses(2, &["`nothing` is no setting", "KEY=VALUE"]);
}

#[test]
fn options_that_cannot_be_are_refused() {
    type_in("fuzz --seeds 0").refuses(2, &["no seed in `0`"]);
    type_in("fuzz --seeds 7..7").refuses(2, &["no seed in `7..7`"]);
    type_in("fuzz --seeds some").refuses(2, &["`some` is no range of seeds", "500..1000"]);
    type_in("fuzz --jobs 0").refuses(2, &["--jobs"]);
    type_in("fuzz --time 0s").refuses(2, &["no time for a single run"]);
    type_in("fuzz --time soon").refuses(2, &["`soon` is no span of time"]);
    type_in("run counter").refuses(2, &["which scenario of `counter`?", "--seed N"]);
    type_in("run counter --seed 9223372036854775808").refuses(2, &["9223372036854775807"]);
}

#[test]
fn scenario_files_that_cannot_be_are_refused() {
    let desk = Desk::new();
    desk.type_in("run missing.toml").refuses(2, &["missing.toml cannot be read", "No such file"]);
    desk.file("binary.toml", [0xff, 0xfe, 0x00]);
    desk.type_in("run binary.toml").refuses(2, &["binary.toml cannot be read", "UTF-8"]);
    desk.file("later.toml", "version = 99\nsystem = \"counter\"\n");
    desk.type_in("run later.toml").refuses(2, &["later.toml:1:1", "version 99", "draw the seed again"]);
    let whole = desk.type_in("scenario counter --seed 1").output;
    desk.file("cut.toml", whole.split_once("sync_max = \"").expect("a disk").0.to_owned() + "sync_max = \"");
    desk.type_in("run cut.toml").refuses(2, &["cut.toml:", "sync_max = \"", "cut off here"]);
}

#[test]
fn bookings_files_that_cannot_be_are_refused() {
    let desk = Desk::new();
    desk.type_in("fuzz --bookings missing.csv").refuses(2, &["missing.csv cannot be read"]);
    desk.file("columns.csv", "book_day,hotel\n1,C\n");
    desk.type_in("fuzz --bookings columns.csv").refuses(2, &["columns.csv has no column", "`nights`"]);
    let header = "book_day,hotel,room,lead,nights,guests,outcome,end_day,adr_cents";
    desk.file("number.csv", format!("{header}\n1,C,A,5,two,2,O,7,100\n"));
    desk.type_in("fuzz --bookings number.csv").refuses(2, &["number.csv, line 2, column `nights`: `two`"]);
    desk.file("cut.csv.gz", [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 75]);
    desk.type_in("fuzz --bookings cut.csv.gz")
        .refuses(2, &["cut.csv.gz ends in the middle of its gzip stream"]);
    desk.file("fine.csv", format!("{header}\n1,C,A,5,2,2,O,7,100\n"));
    desk.type_in("fuzz counter --bookings fine.csv").refuses(2, &["none of these systems has bookings"]);
}

#[test]
fn a_file_of_bookings_is_replayed() {
    let desk = Desk::new();
    let header = "book_day,hotel,room,lead,nights,guests,outcome,end_day,adr_cents";
    let rows = "1,C,A,5,2,2,O,7,100\n1,C,A,5,2,2,X,0,100\n2,C,A,4,2,2,O,6,100\n2,C,A,9,0,2,O,9,100\n";
    desk.file("bookings.csv", format!("{header}\n{rows}"));
    for strategy in ["pessimistic", "optimistic", "constraint", "conditional", "single-writer"] {
        let line = format!("bookings bookings.csv --sequential --strategy {strategy} --format json");
        let object = desk.type_in(&line).json(0);
        assert_eq!(object["command"], "bookings");
        let count = |name: &str| object[name].as_u64().unwrap_or_else(|| panic!("{name}"));
        assert_eq!((count("accepted"), count("refused")), (4, 0), "{strategy}");
        assert_eq!((count("cancelled_same_day"), count("cancelled_later")), (1, 0), "{strategy}");
        assert_eq!((count("accepted_room_nights"), count("final_room_nights")), (6, 4), "{strategy}");
        assert_eq!((count("keys_touched"), count("room_nights_above_physical_capacity_at_end")), (2, 0));
    }
    let told = desk.type_in("bookings bookings.csv");
    assert_eq!(told.code, 0, "{}", told.output);
    assert!(told.output.contains("room nights above physical capacity at end"), "{}", told.output);
    desk.type_in("bookings missing.csv").refuses(2, &["missing.csv cannot be read"]);
    desk.type_in("bookings bookings.csv --strategy hope").refuses(2, &["no such strategy", "optimistic"]);
    desk.type_in("bookings bookings.csv --capacity-scale 0").refuses(2, &["`0` is no capacity scale"]);
}

#[test]
fn an_unwritable_folder_is_told_before_anything_runs() {
    let desk = Desk::new();
    desk.file("taken", "mine");
    let answer = desk.type_in("fuzz counter --seeds 5 --out taken/results");
    answer.refuses(3, &["taken/results cannot be written", "by `--out`"]);
    assert!(!answer.error.contains("seeds"), "no campaign began: {}", answer.error);
    desk.type_in("fuzz counter --seeds 5 --out taken").refuses(3, &["taken cannot be written"]);
    assert_eq!(std::fs::read_to_string(desk.folder.path().join("taken")).expect("the file"), "mine");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_behind_standard_output_is_told() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rehearsal"));
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("Linux has it");
    let output = command.arg("defects").stdout(full).output().expect("the program runs");
    let answer = Answer::of(output);
    answer.refuses(3, &["standard output cannot be written", "No space left"]);
}

#[test]
fn a_campaign_that_holds_prints_one_object() {
    let answer = type_in("fuzz counter --seeds 40 --format json");
    let object = answer.json(0);
    assert_eq!(object["command"], "fuzz");
    let system = &object["systems"][0];
    assert_eq!(system["system"], "counter");
    assert_eq!(system["seeds"], serde_json::json!({"from": 0, "to": 40}));
    assert_eq!(system["runs"], 40);
    assert_eq!(system["violations"], serde_json::json!([]));
    for key in ["events", "messages", "simulated_seconds", "wall_seconds"] {
        assert!(system[key].as_f64().expect(key) > 0.0, "{key}");
    }
    let classes =
        ["crash", "pause", "partition", "loss", "duplication", "delay", "torn_write", "failed_sync"];
    for class in classes.iter().chain(&["duplicate_click", "retry"]) {
        assert!(system["faults"][class].is_u64() && system["faults_with_effect"][class].is_u64(), "{class}");
    }
    assert!(system["faults"]["crash"].as_u64() > Some(0));
    let reached = system["markers"]["reached"].as_array().expect("a list");
    let never = system["markers"]["never"].as_array().expect("a list");
    assert!(reached.contains(&"duplicate-absorbed".into()), "{reached:?}");
    assert_eq!(reached.len() + never.len(), 5);
    let digest = system["digest"].as_str().expect("text");
    assert!(digest.len() == 32 && digest.bytes().all(|digit| digit.is_ascii_hexdigit()), "{digest}");
    assert!(answer.error.contains("counter: 40 seeds"), "words go to standard error: {}", answer.error);
}

#[test]
fn the_digest_does_not_depend_on_the_number_of_jobs() {
    let digest = |jobs: &str| {
        let object = type_in(&format!("fuzz counter --seeds 100..300 --jobs {jobs} --format json")).json(0);
        object["systems"][0]["digest"].clone()
    };
    let one = digest("1");
    assert_eq!(one, digest("2"));
    assert_eq!(one, digest("7"));
}

#[test]
fn a_violation_is_kept_and_replays_with_the_same_digest() {
    let desk = Desk::new();
    let line = "fuzz counter --defect answer-before-sync --seeds 2000 --out out --format json";
    let campaign = desk.type_in(line).json(1);
    let found = &campaign["systems"][0]["violations"][0];
    assert_eq!(found["invariant"], "acknowledged-adds-survive");
    let seed = found["seed"].as_u64().expect("a seed");
    let repro = format!("out/counter-acknowledged-adds-survive-{seed}.toml");
    assert_eq!(found["repro"], *repro);
    assert_eq!(found["replay"], format!("rehearsal run {repro}"));
    assert_eq!(campaign["systems"][0]["runs"], seed + 1, "it stopped there");

    let drawn_file = repro.replace(".toml", ".drawn.toml");
    let replay = desk.type_in(&format!("run {drawn_file} --format json")).json(1);
    let drawn =
        desk.type_in(&format!("run counter --seed {seed} --defect answer-before-sync --format json")).json(1);
    assert_eq!(replay["digest"], drawn["digest"]);
    assert_eq!(replay, drawn);
    for key in ["invariant", "message", "at_seconds", "seed"] {
        assert_eq!(replay["violations"][0][key], found[key], "{key}");
    }
    let told = desk.type_in(&format!("run {drawn_file}"));
    assert_eq!(told.code, 1);
    assert!(
        told.output.lines().any(|line| line.starts_with(">>") && line.contains("Recovered")),
        "{}",
        told.output
    );
    assert!(told.output.contains(replay["digest"].as_str().expect("text")));
    assert!(told.output.contains("acknowledged-adds-survive is broken"));
    let again = || desk.type_in(&format!("run {repro} --format json")).json(1);
    assert_eq!(again(), again(), "the repro is the same run every time");

    let mut names: Vec<String> = std::fs::read_dir(desk.folder.path().join("out"))
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    let kept = format!("counter-acknowledged-adds-survive-{seed}");
    assert_eq!(
        names,
        ["drawn.toml", "md", "toml"].map(|kind| format!("{kept}.{kind}")),
        "nothing half-written is left"
    );
}

#[test]
fn people_are_told_seed_invariant_facts_and_command() {
    let desk = Desk::new();
    let told = desk.type_in("fuzz counter --defect forgets-duplicates");
    assert_eq!(told.code, 1);
    for part in [
        "breaks count-is-exact",
        "is counted twice",
        "shrunk from",
        " 1. ",
        "rehearsal run rehearsal-out/counter-",
    ] {
        assert!(told.output.contains(part), "`{part}` is missing in: {}", told.output);
    }
    assert!(!told.output.contains('\x1b') && !told.error.contains('\x1b'));
}

#[test]
fn a_scenario_is_printed_changed_and_run() {
    let desk = Desk::new();
    let printed = desk.type_in("scenario counter --seed 7 --set counter.requests=3 --set storm=4s");
    assert_eq!(printed.code, 0);
    assert!(printed.output.starts_with("version = 1\nsystem = \"counter\"\nseed = 7\nstorm = \"4s\"\n"));
    assert!(printed.output.contains("requests = 3\n"));
    desk.file("mine.toml", &printed.output);
    let drawn =
        desk.type_in("run counter --seed 7 --set counter.requests=3 --set storm=4s --format json").json(0);
    assert_eq!(desk.type_in("run mine.toml --format json").json(0), drawn);
    let changed = desk.type_in("run mine.toml --set counter.requests=4 --format json").json(0);
    assert_ne!(changed["digest"], drawn["digest"]);
    desk.type_in("run mine.toml --set counter.speed=4").refuses(2, &["counter.speed: there is no such key"]);
}

#[test]
fn a_run_can_be_cut_off() {
    let whole = type_in("run counter --seed 3 --format json").json(0);
    let cut = type_in("run counter --seed 3 --until 1s --format json").json(0);
    let lines = |run: &Value| run["history"].as_array().expect("a list").clone();
    let (whole, cut) = (lines(&whole), lines(&cut));
    assert!(!cut.is_empty() && cut.len() < whole.len());
    assert_eq!(whole[..cut.len()], cut, "it is the beginning of the same run");
    assert!(cut.iter().all(|line| line["stamp"]["time"].as_u64() <= Some(1_000_000_000)));
}

#[test]
fn an_unknown_strategy_is_refused_with_those_there_are() {
    let names = "there are time, uniform, pct:DEPTH (as pct:3), urw, pos, portfolio";
    type_in("fuzz counter --seeds 5 --strategy luck").refuses(2, &["there is no strategy `luck`", names]);
    type_in("fuzz counter --seeds 5 --strategy pct:0").refuses(2, &["there is no strategy `pct:0`", names]);
    type_in("run counter --seed 1 --set schedule.search=luck").refuses(2, &["there is no strategy `luck`"]);
}

#[test]
fn a_strategy_is_that_of_every_seed_and_is_told_in_the_summary() {
    let told = type_in("fuzz counter --seeds 5 --strategy pct:3 --format json").json(0);
    assert_eq!(told["systems"][0]["strategies"]["pct:3"]["runs"], 5);
    let drawn = type_in("fuzz counter --seeds 100 --format json").json(0);
    let same = type_in("fuzz counter --seeds 100 --strategy portfolio --format json").json(0);
    let strategies = drawn["systems"][0]["strategies"].as_object().expect("a table");
    assert!(strategies.len() > 3 && strategies.contains_key("time"), "{strategies:?}");
    assert_eq!(same["systems"][0]["digest"], drawn["systems"][0]["digest"]);
    let run = type_in("run counter --seed 1 --set schedule.search=pos");
    assert!(run.output.contains("\n  schedule drawn, by pos, up to "), "{}", run.output);
}

#[test]
fn markers_are_asked_for_by_an_option() {
    let calm = "--set families.crashes=false --set families.disks=false";
    assert_eq!(type_in(&format!("fuzz counter --seeds 20 {calm}")).code, 0);
    let asked = type_in(&format!("fuzz counter --seeds 20 {calm} --require-markers"));
    assert_eq!(asked.code, 4);
    assert!(asked.output.contains("never: torn-tail-cut"), "{}", asked.output);
}

#[test]
fn time_ends_a_campaign_without_an_error() {
    let answer = type_in("fuzz counter --time 300ms --format json");
    let object = answer.json(0);
    let system = &object["systems"][0];
    assert_eq!(system["ended"], "time");
    assert!(system["runs"].as_u64() > Some(0));
    assert_eq!(system["seeds"]["to"], system["runs"]);
    assert!(answer.error.contains("the time allowed is over"), "{}", answer.error);
}

#[test]
fn the_lists_are_objects_too() {
    let systems = type_in("systems --format json").json(0);
    assert_eq!(systems["command"], "systems");
    let counter = &systems["systems"][0];
    assert_eq!(counter["system"], "counter");
    assert_eq!(counter["invariants"].as_array().map(Vec::len), Some(3));
    let survives = counter["survives"].as_array().expect("a list");
    assert!(survives.contains(&"slow_links".into()) && counter["beyond"].is_array());
    let defects = type_in("defects --format json").json(0);
    assert_eq!(defects["command"], "defects");
    let first = &defects["defects"][0];
    assert_eq!((&first["system"], &first["name"]), (&"counter".into(), &"answer-before-sync".into()));
    assert_eq!(first["invariant"], "acknowledged-adds-survive");
    assert!(first["stands_for"].is_string());
    for line in ["systems", "defects"] {
        let told = type_in(line);
        assert_eq!(told.code, 0);
        assert!(told.output.contains("answer-before-sync"), "{}", told.output);
    }
}

#[test]
fn help_tells_the_commands_and_the_exit_codes() {
    let help = type_in("--help");
    assert_eq!(help.code, 0);
    for part in
        ["fuzz", "run", "scenario", "systems", "defects", "Exit codes:", "130", "Examples:", "NO_COLOR"]
    {
        assert!(help.output.contains(part), "`{part}` is missing in: {}", help.output);
    }
    for command in ["fuzz", "run", "scenario", "systems", "bookings", "compare locking", "defects"] {
        assert_eq!(type_in(&format!("{command} --help")).code, 0, "{command}");
    }
}

#[cfg(unix)]
#[test]
fn ctrl_c_finishes_the_runs_at_hand_and_reports_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let program = Command::new(env!("CARGO_BIN_EXE_rehearsal"))
        .args(["fuzz", "counter", "--time", "60s", "--format", "json"])
        .current_dir(folder.path())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("the program runs");
    // It listens for Ctrl-C once the folder for results has been tried out.
    while !Path::new(&folder.path().join("rehearsal-out")).exists() {
        std::thread::yield_now();
    }
    std::thread::sleep(std::time::Duration::from_millis(300));
    let interrupted =
        Command::new("kill").args(["-INT", &program.id().to_string()]).status().expect("kill runs");
    assert!(interrupted.success());
    let answer = Answer::of(program.wait_with_output().expect("it ends"));
    let object = answer.json(130);
    assert_eq!(object["systems"][0]["ended"], "interrupted");
    assert!(object["systems"][0]["runs"].as_u64() > Some(0));
}
