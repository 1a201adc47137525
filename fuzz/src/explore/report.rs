//! What a search came to, for people, for programs, and as a page.

use super::table::{Row, difference};
use super::{Choice, Explorable, Found, Shortfall, Verdict, Violation};
use crate::report::figures::{grouped, spell_seconds};
use crate::report::table::table;
use serde::Serialize;
use serde_json::{Map, Value};

/// What `explore --format json` prints of a search. Keys may be added, never renamed.
#[derive(Serialize)]
pub struct ExplorationJson {
    command: &'static str,
    core: &'static str,
    verdict: &'static str,
    states: u64,
    unique_states: u64,
    depth: usize,
    bounds: Map<String, Value>,
    defects: Vec<String>,
    wall_seconds: f64,
    ran_out_of: Option<&'static str>,
    markers: MarkersJson,
    violation: Option<ViolationJson>,
}

#[derive(Serialize)]
struct MarkersJson {
    reached: Vec<&'static str>,
    never: Vec<&'static str>,
}

#[derive(Serialize)]
struct ViolationJson {
    invariant: &'static str,
    message: &'static str,
    broken: Vec<&'static str>,
    depth: usize,
    shortest: bool,
    story: Vec<String>,
    state: Vec<String>,
    kept: Option<String>,
}

impl ExplorationJson {
    /// Of a search; `kept` is where its counterexample lies.
    pub fn of(
        core: &dyn Explorable,
        choice: &Choice,
        found: &Found,
        kept: Option<String>,
    ) -> ExplorationJson {
        let value =
            |text: &String| text.parse::<u64>().map_or_else(|_| Value::from(text.clone()), Value::from);
        let bounds = choice.values().iter().map(|(name, text)| ((*name).to_owned(), value(text)));
        let violation = match &found.verdict {
            Verdict::Refuted(violation) => Some(ViolationJson::of(violation, kept)),
            _ => None,
        };
        ExplorationJson {
            command: "explore",
            core: core.name(),
            verdict: name(&found.verdict),
            states: found.states,
            unique_states: found.unique,
            depth: found.depth,
            bounds: bounds.collect(),
            defects: choice.defects.clone(),
            wall_seconds: found.elapsed.as_secs_f64(),
            ran_out_of: match found.verdict {
                Verdict::Inconclusive(shortfall) => Some(ran_out_of(shortfall)),
                _ => None,
            },
            markers: MarkersJson { reached: found.reached.clone(), never: found.never.clone() },
            violation,
        }
    }
}

impl ViolationJson {
    fn of(violation: &Violation, kept: Option<String>) -> ViolationJson {
        ViolationJson {
            invariant: violation.promise,
            message: violation.says,
            broken: violation.broken.clone(),
            depth: violation.steps.len(),
            shortest: violation.shortest,
            story: violation.story.clone(),
            state: violation.picture.clone(),
            kept,
        }
    }
}

fn name(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Verified => "verified",
        Verdict::Refuted(_) => "refuted",
        Verdict::Inconclusive(_) => "inconclusive",
    }
}

fn ran_out_of(shortfall: Shortfall) -> &'static str {
    match shortfall {
        Shortfall::States => "states",
        Shortfall::Time => "time",
        Shortfall::Interrupted => "patience",
        Shortfall::Marker => "markers",
        Shortfall::OnePath => "paths",
    }
}

/// A search, for a terminal.
pub fn words(core: &dyn Explorable, choice: &Choice, found: &Found) -> String {
    let Found { states, unique, depth, elapsed, .. } = found;
    let mut text = format!("{}  {}\n", core.name(), choice.written(core.knobs()));
    if !choice.defects.is_empty() {
        text.push_str(&format!("without: {}\n", choice.defects.join(", ")));
    }
    text.push_str(&format!(
        "{} states that differ, {} made, {depth} steps deep, in {}\n",
        grouped(*unique),
        grouped(*states),
        spell_seconds(elapsed.as_secs_f64())
    ));
    match &found.verdict {
        Verdict::Verified => text.push_str(
            "\nverified: no state within these bounds breaks a promise. States are told apart by 64 bits of what \
             can matter in them.\n",
        ),
        Verdict::Inconclusive(shortfall) => text.push_str(&format!("\ninconclusive: {}.\n", shortfall_words(*shortfall))),
        Verdict::Refuted(violation) => text.push_str(&story(violation)),
    }
    if !found.never.is_empty() && !matches!(found.verdict, Verdict::Refuted(_)) {
        text.push_str(&format!("never seen: {}\n", found.never.join("; ")));
    }
    text
}

fn shortfall_words(shortfall: Shortfall) -> &'static str {
    match shortfall {
        Shortfall::States => "as many states were judged as --states allows, and there are more",
        Shortfall::Time => "the time that --time allows is over, and there are more states",
        Shortfall::Interrupted => "stopped by Ctrl-C",
        Shortfall::Marker => "all states were judged and no promise is broken, but something was never seen",
        Shortfall::OnePath => "these steps break no promise; what other steps do, this does not say",
    }
}

fn story(violation: &Violation) -> String {
    let length = if violation.shortest { "no path is shorter" } else { "there may be a shorter path" };
    let mut text = format!(
        "\nrefuted: {} after {} steps ({length})\n  {}\n\n",
        violation.promise,
        violation.steps.len(),
        violation.says
    );
    for (number, sentence) in violation.story.iter().enumerate() {
        text.push_str(&format!("{:>3}. {sentence}\n", number + 1));
    }
    text.push('\n');
    violation.picture.iter().for_each(|line| text.push_str(&format!("     {line}\n")));
    if violation.broken.len() > 1 {
        text.push_str(&format!("\nbroken there: {}\n", violation.broken.join(", ")));
    }
    text
}

const SOUND: [&str; 6] = ["bounds", "verdict", "states", "made", "steps", "took"];
const RULES: [&str; 7] = ["without", "the rule", "from", "bounds", "breaks", "steps", "states"];

fn sound_cells(core: &dyn Explorable, row: &Row) -> [String; 6] {
    let Row { choice, found, .. } = row;
    [
        choice.written(core.knobs()).replace(',', " "),
        verdict_words(found),
        grouped(found.unique),
        grouped(found.states),
        found.depth.to_string(),
        spell_seconds(found.elapsed.as_secs_f64()),
    ]
}

fn verdict_words(found: &Found) -> String {
    match &found.verdict {
        Verdict::Refuted(violation) => format!("refuted: {}", violation.promise),
        Verdict::Verified => "verified".to_owned(),
        Verdict::Inconclusive(shortfall) => format!("inconclusive ({})", ran_out_of(*shortfall)),
    }
}

fn rule_cells(core: &dyn Explorable, row: &Row) -> [String; 7] {
    let Row { rule: Some(rule), choice, found } = row else { return Default::default() };
    let (breaks, steps) = match &found.verdict {
        Verdict::Refuted(violation) => (violation.promise.to_owned(), violation.steps.len().to_string()),
        Verdict::Verified => ("nothing within these bounds".to_owned(), String::new()),
        Verdict::Inconclusive(_) => (verdict_words(found), String::new()),
    };
    let bounds = difference(core.knobs(), choice, &Choice::plain(core.knobs())).replace(',', " ");
    let texts = [&choice.defects.join(" and "), rule.says, rule.source, &bounds, &breaks, &steps];
    let [without, says, source, bounds, breaks, steps] = texts.map(str::to_owned);
    [without, says, source, bounds, breaks, steps, grouped(found.unique)]
}

/// The core as it is, and without each rule, for a terminal.
pub fn rules_words(core: &dyn Explorable, rows: &[Row]) -> String {
    let (removed, sound): (Vec<&Row>, Vec<&Row>) = rows.iter().partition(|row| row.rule.is_some());
    let sound = table(SOUND, sound.iter().map(|row| sound_cells(core, row)), 2);
    format!("{sound}\n{}", table(RULES, removed.iter().map(|row| rule_cells(core, row)), 5))
}

/// The core's page: its own words, with the tables in their places.
pub fn rules_page(core: &dyn Explorable, rows: &[Row]) -> String {
    let (removed, sound): (Vec<&Row>, Vec<&Row>) = rows.iter().partition(|row| row.rule.is_some());
    let sound = markdown(&SOUND, sound.iter().map(|row| sound_cells(core, row).to_vec()));
    let removed = markdown(&RULES, removed.iter().map(|row| rule_cells(core, row).to_vec()));
    core.page().replace("{sound}\n", &sound).replace("{rules}\n", &removed)
}

fn markdown(header: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let head: Vec<String> = header.iter().map(|cell| (*cell).to_owned()).collect();
    let rule: Vec<String> = header.iter().map(|_| "---".to_owned()).collect();
    let rows: String = rows.map(|cells| line(&cells)).collect();
    format!("{}{}{rows}", line(&head), line(&rule))
}

/// The rows as JSON.
pub fn rules_json(core: &dyn Explorable, rows: &[Row]) -> Vec<ExplorationJson> {
    rows.iter().map(|row| ExplorationJson::of(core, &row.choice, &row.found, None)).collect()
}
