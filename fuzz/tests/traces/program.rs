//! `rehearsal run --trace` as people meet it: the file, what is said when it cannot be written, and what is left then.

use serde_json::Value;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};
use tempfile::TempDir;

/// A folder in which the program is run.
struct Desk {
    folder: TempDir,
}

impl Desk {
    fn new() -> Desk {
        Desk { folder: tempfile::tempdir().expect("a folder") }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    fn names(&self, folder: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(folder)).expect("a folder");
        entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("a name")).collect()
    }

    fn type_in(&self, line: &str) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rehearsal"));
        command.args(line.split(' ')).current_dir(self.folder.path()).output().expect("the program runs")
    }

    /// Types it in, and asserts that it ends with this code.
    fn expect(&self, code: i32, line: &str) -> Output {
        let output = self.type_in(line);
        assert_eq!(output.status.code(), Some(code), "{}", String::from_utf8_lossy(&output.stderr));
        output
    }
}

/// Asserts that the failure is told with the path and the mend, and nothing else was printed.
fn tells(output: &Output, path: &str) {
    assert_eq!(output.status.code(), Some(3));
    assert!(output.stdout.is_empty(), "nothing but results goes to standard output");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(error.contains(&format!("{path} cannot be written")), "{error}");
    assert!(error.contains("--trace FILE") && error.contains("as it was"), "{error}");
}

#[test]
fn a_trace_is_written_of_a_seed_and_of_a_file_alike() {
    let desk = Desk::new();
    let told = desk.expect(0, "run counter --seed 7 --trace seed.jsonl");
    assert_eq!(told.stdout, desk.expect(0, "run counter --seed 7").stdout, "a trace changes nothing");
    fs::write(desk.path("mine.toml"), desk.expect(0, "scenario counter --seed 7").stdout).expect("a file");
    desk.expect(0, "run mine.toml --trace file.jsonl --trace-format jsonl");
    assert_eq!(desk.read("seed.jsonl"), desk.read("file.jsonl"));
    desk.expect(0, "run counter --seed 7 --trace t.json --trace-format perfetto");
    assert!(serde_json::from_str::<Value>(&desk.read("t.json")).expect("JSON")["traceEvents"].is_array());
    desk.expect(0, "run counter --seed 7 --trace t.log --trace-format shiviz");
    assert!(desk.read("t.log").starts_with(r"(?<host>\S*) (?<clock>{.*})\n(?<event>.*)"));
    desk.expect(2, "run counter --seed 7 --trace-format shiviz");
    desk.expect(2, "run counter --seed 7 --trace t.log --trace-format pictures");
}

#[test]
fn a_trace_that_is_cut_off_is_the_beginning_of_the_whole() {
    let desk = Desk::new();
    desk.expect(0, "run counter --seed 3 --trace whole.jsonl");
    desk.expect(0, "run counter --seed 3 --until 1s --trace cut.jsonl");
    let (whole, cut) = (desk.read("whole.jsonl"), desk.read("cut.jsonl"));
    let entries = |text: &str| {
        let lines: Vec<String> = text.lines().skip(1).map(str::to_owned).collect();
        lines[..lines.len() - 1].to_vec()
    };
    let (whole, cut) = (entries(&whole), entries(&cut));
    assert!(cut.len() > 10 && cut.len() < whole.len());
    assert_eq!(whole[..cut.len()], cut);
    let next: Value = serde_json::from_str(&whole[cut.len()]).expect("JSON");
    assert!(next["at"].as_u64() > Some(1_000_000_000), "nothing before the cut is missing");
}

#[test]
fn a_violation_is_told_by_the_exit_code_beside_its_trace() {
    let desk = Desk::new();
    let campaign =
        desk.expect(1, "fuzz counter --defect answer-before-sync --seeds 2000 --out out --format json");
    let object: Value = serde_json::from_slice(&campaign.stdout).expect("JSON");
    let repro = object["systems"][0]["violations"][0]["repro"].as_str().expect("a path").to_owned();
    desk.expect(1, &format!("run {repro} --trace t.jsonl"));
    let text = desk.read("t.jsonl");
    let end: Value = serde_json::from_str(text.lines().last().expect("a line")).expect("JSON");
    assert_eq!(end["violations"][0]["invariant"], "acknowledged-adds-survive");
}

#[test]
fn a_folder_that_cannot_take_the_trace_is_told() {
    let desk = Desk::new();
    fs::write(desk.path("taken"), "mine").expect("a file");
    tells(&desk.type_in("run counter --seed 7 --trace taken/t.jsonl"), "taken/t.jsonl");
    tells(&desk.type_in("run counter --seed 7 --trace missing/t.jsonl"), "missing/t.jsonl");
    assert_eq!(desk.read("taken"), "mine");
    fs::create_dir(desk.path("folder")).expect("a folder");
    tells(&desk.type_in("run counter --seed 7 --trace folder"), "folder");
    assert!(desk.names("folder").is_empty());
}

#[cfg(unix)]
#[test]
fn an_unwritable_folder_keeps_its_old_trace() {
    use std::os::unix::fs::PermissionsExt;
    let desk = Desk::new();
    fs::create_dir(desk.path("folder")).expect("a folder");
    fs::write(desk.path("folder/t.jsonl"), "mine").expect("a file");
    fs::set_permissions(desk.path("folder"), fs::Permissions::from_mode(0o555)).expect("the mode is set");
    let may_write = fs::write(desk.path("folder/trial"), "").is_ok();
    // For the superuser every folder is writable, and there is nothing to see.
    if !may_write {
        tells(&desk.type_in("run counter --seed 7 --trace folder/t.jsonl"), "folder/t.jsonl");
        assert_eq!(desk.read("folder/t.jsonl"), "mine");
    }
    fs::set_permissions(desk.path("folder"), fs::Permissions::from_mode(0o755)).expect("the mode is set");
}

/// A limit on the size of files stands for a full disk: the write fails when the file is half there.
#[cfg(target_os = "linux")]
#[test]
fn a_disk_that_fills_up_keeps_the_old_trace_and_nothing_half_written() {
    let desk = Desk::new();
    fs::create_dir(desk.path("folder")).expect("a folder");
    fs::write(desk.path("folder/t.jsonl"), "mine").expect("a file");
    let line = r#"trap '' XFSZ; ulimit -f 16; exec "$0" run counter --seed 7 --trace folder/t.jsonl"#;
    let mut shell = Command::new("sh");
    shell.args(["-c", line, env!("CARGO_BIN_EXE_rehearsal")]).current_dir(desk.folder.path());
    tells(&shell.output().expect("a shell"), "folder/t.jsonl");
    assert_eq!(desk.read("folder/t.jsonl"), "mine");
    assert_eq!(desk.names("folder"), ["t.jsonl"]);
}
