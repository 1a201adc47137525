//! `rehearsal shrink`: a failing scenario made small, and told.

use super::{Format, print_json};
use crate::campaign::write_whole;
use crate::interrupt;
use crate::paint::Paint;
use crate::progress::ShrinkingLine;
use crate::registry::Registry;
use crate::report::campaign::shrinking;
use crate::report::campaign_json::ShrunkJson;
use crate::report::figures::replay_command;
use crate::scenario::Scenario;
use crate::scenario_file;
use crate::shrink::{Search, ShrinkError, Shrunk};
use crate::story::{Story, tell};
use crate::system::System;
use crate::verdict::{Failure, Outcome, Verdict, print};
use clap::Args;
use rehearsal_sim::Span;
use serde::Serialize;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// What `shrink` takes.
#[derive(Clone, Debug, Args)]
pub struct ShrinkOptions {
    /// The failing scenario. One that was stopped on its way is taken up where it was.
    #[arg(value_name = "FILE.toml")]
    pub file: PathBuf,
    /// Try nothing more after this time; what there is by then is kept, and can be taken up again.
    #[arg(long, value_name = "TIME", default_value = "60s")]
    pub time: Span,
    /// Where the result is kept, its story beside it as `.md`. It may be the file itself. [default:
    /// FILE.shrunk.toml]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// For whom to print.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

#[derive(Serialize)]
struct ShrinkJson<'a> {
    command: &'static str,
    system: &'a str,
    invariant: &'a str,
    repro: String,
    replay: String,
    #[serde(flatten)]
    shrunk: ShrunkJson,
    story: Vec<&'a str>,
}

/// Runs the command.
///
/// # Errors
/// A scenario that cannot be read, that does not fail or fails for another reason; a place that takes no result.
pub fn shrink(options: &ShrinkOptions, systems: &Registry) -> Outcome {
    let (system, scenario) = scenario_file::load_among(systems, &options.file).map_err(Failure::usage)?;
    let stop = interrupt::watch();
    let shrunk = search(options, &*system, scenario, stop)?;
    let repro = shrunk.scenario.repro.as_ref().expect("a result says what it breaks");
    let story = tell(&*system, &shrunk.scenario, &shrunk.run, &repro.breaks);
    let out = options.out.clone().unwrap_or_else(|| beside(&options.file));
    let replay = replay_command(&out);
    write_whole(&out, &shrunk.text(&*system)).map_err(Failure::world)?;
    if let Some(story) = &story {
        write_whole(&out.with_extension("md"), &story.markdown(&replay)).map_err(Failure::world)?;
    }
    match options.format {
        Format::Human => print(&words(&shrunk, story.as_ref(), &out, &replay, Paint::of(&io::stdout())))?,
        Format::Json => print_json(&ShrinkJson {
            command: "shrink",
            system: &shrunk.scenario.system,
            invariant: &repro.breaks,
            repro: out.display().to_string(),
            replay,
            shrunk: ShrunkJson::of(&shrunk),
            story: story.iter().flat_map(|story| &story.sentences).map(|one| one.text.as_str()).collect(),
        })?,
    }
    Ok(if stop.load(Ordering::Relaxed) { Verdict::Interrupted } else { Verdict::Violated })
}

fn search(
    options: &ShrinkOptions,
    system: &dyn System,
    scenario: Scenario,
    stop: &AtomicBool,
) -> Result<Shrunk, Failure> {
    let deadline = Some(Instant::now() + options.time.duration());
    let search = Search { system, stop, deadline, most_tries: u64::MAX };
    let seed = scenario.seed;
    let mut line = ShrinkingLine::begin(system.name());
    let shrunk = search.run(scenario, &mut |progress| line.show(seed, progress));
    line.finish();
    shrunk.map_err(|error| {
        let mend = match &error {
            ShrinkError::DoesNotFail => {
                "name a scenario that fails, as `rehearsal fuzz` keeps them; `rehearsal run FILE` shows this one's run"
                    .to_owned()
            }
            ShrinkError::FailsOtherwise { found, .. } => {
                format!("write `breaks = \"{found}\"` in its section [repro], or take that section out")
            }
            ShrinkError::DoesNotRepeat => {
                "`rehearsal fuzz --check-determinism` tells where two runs of a seed part".to_owned()
            }
            ShrinkError::Refused(error) => error.mend.clone(),
        };
        Failure::misuse(format!("{}: {error}", options.file.display()), mend)
    })
}

/// `a.toml` is shrunk to `a.shrunk.toml`, and that to itself.
fn beside(file: &Path) -> PathBuf {
    let name = file.file_stem().unwrap_or_default().to_string_lossy();
    let name = name.strip_suffix(".shrunk").unwrap_or(&name);
    file.with_file_name(format!("{name}.shrunk.toml"))
}

fn words(shrunk: &Shrunk, story: Option<&Story>, out: &Path, replay: &str, paint: Paint) -> String {
    let story = story.map(|story| story.on_the_terminal(paint)).unwrap_or_default();
    let (sizes, replay) = (shrinking(shrunk), paint.bold(replay));
    format!("{sizes}\n\n{story}\n    kept as {}, the story beside it\n    {replay}\n", out.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_result_stands_beside_the_scenario() {
        assert_eq!(beside(Path::new("out/a.toml")), Path::new("out/a.shrunk.toml"));
        assert_eq!(beside(Path::new("out/a.shrunk.toml")), Path::new("out/a.shrunk.toml"));
        assert_eq!(beside(Path::new("a")), Path::new("a.shrunk.toml"));
    }
}
