//! The regressions: every scenario in `fuzz/regressions/` broke an invariant once, because of a bug that was in this
//! project. Each must hold now.

use rehearsal::scenario::Scenario;
use rehearsal::scenario_file;
use rehearsal::system::{System, Watch};
use std::fs;
use std::path::{Path, PathBuf};

/// Behind its system, a name says in at least so many words what the regression is about.
const FEWEST_WORDS: usize = 3;

/// Every regression: its name without `.toml`, and its text.
fn regressions() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("regressions");
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry of a folder").path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "toml"));
    files.sort();
    let name =
        |file: &Path| file.file_stem().expect("what has an extension has a stem").to_string_lossy().into();
    let text =
        |file: &Path| fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    files.iter().map(|file| (name(file), text(file))).collect()
}

/// All that is wrong with a regression, and the command that shows its run; None when it is in order and holds.
fn wrong(name: &str, text: &str) -> Option<String> {
    let file = format!("fuzz/regressions/{name}.toml");
    let found = match scenario_file::read(&file, text) {
        Err(error) => vec![format!("it cannot be read: {error}")],
        Ok((system, scenario)) => [out_of_order(name, &scenario), broken(&*system, &scenario)].concat(),
    };
    let told = format!("{name}: {}\n    rehearsal run {file}", found.join("\n    "));
    (!found.is_empty()).then_some(told)
}

/// What it lacks to be kept for good.
fn out_of_order(name: &str, scenario: &Scenario) -> Vec<String> {
    let Scenario { system, defects, .. } = scenario;
    let repro = scenario.repro.clone().unwrap_or_default();
    let about = name.strip_prefix(&format!("{system}-")).unwrap_or_default();
    let words: Vec<&str> = about.split('-').collect();
    // A campaign calls what it keeps by the invariant and the seed.
    let is_by_seed = words.iter().any(|word| word.parse::<u64>().is_ok());
    let lacks = [
        (repro.breaks.is_empty(), "[repro] does not say what it broke: write `breaks = \"…\"`".to_owned()),
        (
            repro.because.is_empty(),
            "[repro] does not say what the bug was: write `because = \"…\"`".to_owned(),
        ),
        (
            repro.shrinking.is_some(),
            "it is not shrunk to the end: `rehearsal shrink` goes on with it".to_owned(),
        ),
        (
            is_by_seed || words.len() < FEWEST_WORDS,
            format!("call it `{system}-` and some words about the bug, without numbers"),
        ),
        (
            !defects.is_empty(),
            format!("{} is switched on, so it shows no bug of the past", defects.join(", ")),
        ),
    ];
    lacks.into_iter().filter_map(|(is_so, what)| is_so.then_some(what)).collect()
}

/// What is broken in its run.
fn broken(system: &dyn System, scenario: &Scenario) -> Vec<String> {
    let run = system.run(scenario, Watch::default()).expect("what was read can be run");
    run.violations
        .iter()
        .map(|found| format!("{} is broken again: {}", found.invariant, found.message))
        .collect()
}

#[test]
fn what_was_mended_stays_mended() {
    let all = regressions();
    assert!(!all.is_empty(), "there is no scenario in fuzz/regressions");
    let wrong: Vec<String> = all.iter().filter_map(|(name, text)| wrong(name, text)).collect();
    assert!(wrong.is_empty(), "{} of {} regressions:\n\n{}\n", wrong.len(), all.len(), wrong.join("\n\n"));
}

/// Two guests click twice for the only room, and one of them cancels.
const SOLD_OUT: &str = "reservation-late-click-books-a-sold-out-order";

fn sold_out() -> String {
    regressions().into_iter().find(|(name, _)| name == SOLD_OUT).expect("it is kept").1
}

/// What is wrong with it when `old` is made `new`.
fn wrong_when(old: &str, new: &str) -> String {
    let text = sold_out();
    assert!(text.contains(old), "{old} is not in\n{text}");
    wrong(SOLD_OUT, &text.replacen(old, new, 1)).expect("something is wrong")
}

#[test]
fn a_bug_that_is_back_is_told_with_its_invariant_and_the_command() {
    let told = wrong_when("storm = ", "defects = [\"limit-rounds-up\"]\nstorm = ");
    assert!(told.contains("\n    overbooking-limit is broken again: "), "{told}");
    assert!(told.contains("limit-rounds-up is switched on"), "{told}");
    assert!(told.ends_with(&format!("\n    rehearsal run fuzz/regressions/{SOLD_OUT}.toml")), "{told}");
}

#[test]
fn a_regression_that_does_not_say_what_it_was_is_refused() {
    assert!(wrong_when("because = ", "# ").contains("write `because"));
    assert!(wrong_when("breaks = ", "# ").contains("it cannot be read"));
    assert!(wrong_when("version = 1", "version = 99").contains("it cannot be read"));
    assert!(wrong_when("no-double-booking", "no-double-bookings").contains("there is no invariant"));
    for name in ["reservation-no-double-booking-2734", "reservation-late-click", "late-click-books-an-order"]
    {
        assert!(wrong(name, &sold_out()).is_some_and(|told| told.contains("words about the bug")), "{name}");
    }
}
