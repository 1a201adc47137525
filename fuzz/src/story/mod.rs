//! A violation told in numbered sentences, from the causes of the facts that convict alone.

mod decisions;
mod slice;
mod teller;
mod words;

pub use decisions::in_words;

use crate::paint::Paint;
use crate::scenario::Scenario;
use crate::system::{Run, System};
use rehearsal_env::{Time, Violation};
use slice::slice;
use std::fmt::Write;
use teller::Teller;

/// A told violation.
#[derive(Clone, Debug)]
pub struct Story {
    /// What is broken.
    pub violation: Violation,
    /// What the invariant says.
    pub rule: &'static str,
    /// Known bugs that were switched on, with what they stand for.
    pub defects: Vec<(&'static str, &'static str)>,
    /// What happened, in order.
    pub sentences: Vec<Sentence>,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sentence {
    /// When.
    pub time: Time,
    /// What, with the names of those who did it.
    pub text: String,
    /// Whether it is a fact that convicts.
    pub convicts: bool,
}

/// Tells why the run broke this invariant. The run has kept its trace.
pub fn tell(system: &dyn System, scenario: &Scenario, run: &Run, invariant: &str) -> Option<Story> {
    let violation = run.violations.iter().find(|violation| violation.invariant == invariant)?;
    let teller = Teller::of(system, scenario, run);
    let rule = system.invariants().iter().find(|known| known.name == invariant).map_or("", |rule| rule.says);
    let switched_on = system.defects().iter().filter(|defect| scenario.has_defect(defect.name));
    Some(Story {
        violation: violation.clone(),
        rule,
        defects: switched_on.map(|defect| (defect.name, defect.stands_for)).collect(),
        sentences: teller.sentences(&slice(run, violation)),
    })
}

impl Story {
    /// As the terminal shows it.
    pub fn on_the_terminal(&self, paint: Paint) -> String {
        let mut text = String::new();
        for (name, stands_for) in &self.defects {
            writeln!(text, "    The known bug `{name}` is switched on: {stands_for}.").expect("a string");
        }
        for (number, Sentence { time, text: sentence, convicts }) in self.sentences.iter().enumerate() {
            let mark = if *convicts { paint.red(">>") } else { "  ".to_owned() };
            let time = paint.dim(&format!("{:>11}", time.to_string()));
            writeln!(text, " {mark} {:>3}. {time}  {sentence}.", number + 1).expect("a string");
        }
        writeln!(text, "    {}: {}.", paint.red(&self.violation.invariant), self.violation.message)
            .expect("a string");
        if !self.rule.is_empty() {
            writeln!(text, "    It must hold: {}.", self.rule).expect("a string");
        }
        text
    }

    /// As Markdown, with the command that shows the run again.
    pub fn markdown(&self, replay: &str) -> String {
        let mut text = format!("# {} is broken\n\n{}.\n", self.violation.invariant, self.violation.message);
        if !self.rule.is_empty() {
            write!(text, "\nIt must hold: {}.\n", self.rule).expect("a string");
        }
        for (name, stands_for) in &self.defects {
            write!(text, "\nThe known bug `{name}` is switched on: {stands_for}.\n").expect("a string");
        }
        text.push_str("\nWhat happened; facts that convict are in bold:\n\n");
        for (number, Sentence { time, text: sentence, convicts }) in self.sentences.iter().enumerate() {
            let sentence = if *convicts { format!("**{sentence}**") } else { sentence.clone() };
            writeln!(text, "{}. `{time}` {sentence}.", number + 1).expect("a string");
        }
        write!(text, "\nSee it again:\n\n```sh\n{replay}\n```\n").expect("a string");
        text
    }
}
