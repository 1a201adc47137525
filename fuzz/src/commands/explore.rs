//! `rehearsal explore`: the cores of the systems, searched exhaustively.

use super::{Format, print_json};
use crate::campaign::write_whole;
use crate::explore::counterexample::Counterexample;
use crate::explore::explorable::Replayed;
use crate::explore::progress::SearchLine;
use crate::explore::report::{self, ExplorationJson};
use crate::explore::table::{Row, with_and_without_each_rule};
use crate::explore::{self, Choice, Explorable, Found, Limits, Order, Shortfall, Values};
use crate::interrupt;
use crate::report::table::table;
use crate::verdict::{Failure, Outcome, Verdict, print};
use clap::Args;
use rehearsal_sim::Span;
use serde::Serialize;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

const CORES: &str = "\
Cores:
  queue-replica            in-sync replication of one partition
  queue-group              a consumer group and the coordinators that follow one another
  coordination-consensus   agreement of the coordination service's members on one log

Examples:
  rehearsal explore                                              what can be chosen of each, and what it promises
  rehearsal explore queue-group                                  all rules together: verified, or how it breaks
  rehearsal explore queue-group --bounds generations=3,deaths=0  other bounds
  rehearsal explore queue-group --defect zombie-commits          without a rule: the shortest way to a broken promise
  rehearsal explore coordination-consensus --rules               without each rule by itself";

/// What `explore` takes.
#[derive(Clone, Debug, Args)]
#[command(after_long_help = CORES)]
pub struct ExploreOptions {
    /// Which core. Without, they are listed.
    pub core: Option<String>,
    /// How far, and with which settings; what is not named has its plain value.
    #[arg(long, value_name = "KEY=VALUE,…", value_delimiter = ',', value_parser = pair, conflicts_with = "replay")]
    pub bounds: Vec<(String, String)>,
    /// Remove the rule that this known bug lacks.
    #[arg(long, value_name = "NAME", conflicts_with_all = ["rules", "replay"])]
    pub defect: Vec<String>,
    /// Search with all rules, then without each by itself. Ends with exit code 1 when one of them can be removed and
    /// nothing breaks, or when something breaks with all of them.
    #[arg(long, conflicts_with = "replay")]
    pub rules: bool,
    /// Write the core's page with the tables of rules.
    #[arg(long, value_name = "FILE", requires = "rules")]
    pub markdown: Option<PathBuf>,
    /// Judge at most so many states. A search that would need more says that it knows nothing.
    #[arg(long, value_name = "N")]
    pub states: Option<u64>,
    /// Search for at most this time. A search that would need more says that it knows nothing.
    #[arg(long, value_name = "TIME")]
    pub time: Option<Span>,
    /// How many threads. With one, no path to a broken promise is shorter than the one that is told.
    #[arg(long, value_name = "N", default_value = "1")]
    pub jobs: NonZeroUsize,
    /// Search depth first: with far less memory, but the path to a broken promise is a long one.
    #[arg(long)]
    pub depth_first: bool,
    /// Keep the steps to a broken promise here.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["rules", "replay"])]
    pub out: Option<PathBuf>,
    /// Walk kept steps again.
    #[arg(long, value_name = "FILE", conflicts_with = "core")]
    pub replay: Option<PathBuf>,
    /// For whom to print.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

#[derive(Serialize)]
struct CoresJson {
    command: &'static str,
    cores: Vec<CoreJson>,
}

#[derive(Serialize)]
struct CoreJson {
    core: &'static str,
    summary: &'static str,
    promises: Vec<&'static str>,
    bounds: Vec<&'static str>,
    rules: Vec<&'static str>,
}

#[derive(Serialize)]
struct RulesJson {
    command: &'static str,
    core: &'static str,
    searches: Vec<ExplorationJson>,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) =
        text.split_once('=').ok_or_else(|| format!("`{text}` is no bound: write KEY=VALUE"))?;
    Ok((name.to_owned(), value.to_owned()))
}

/// Runs the command.
///
/// # Errors
/// A core, bound or defect that there is not; a file that is no counterexample; a place that takes no result.
pub fn explore(options: &ExploreOptions) -> Outcome {
    if let Some(file) = &options.replay {
        return replay(options, file);
    }
    let Some(name) = &options.core else { return list(options.format) };
    let core = core_named(name)?;
    if options.rules {
        return rules(options, &*core);
    }
    let mut choice = Choice::plain(core.knobs());
    for (name, value) in &options.bounds {
        choice.set(core.knobs(), name, value).map_err(Failure::usage)?;
    }
    choice.defects.clone_from(&options.defect);
    let line = SearchLine::begin();
    let show = &mut |progress| line.show(core.name(), progress);
    let found = core.search(&choice, &limits(options), interrupt::watch(), show).map_err(Failure::usage)?;
    line.finish();
    let kept = keep(options, &*core, &choice, &found)?;
    tell(options.format, &*core, &choice, &found, kept)
}

fn core_named(name: &str) -> Result<Box<dyn Explorable>, Failure> {
    explore::named(name).ok_or_else(|| {
        let there: Vec<&str> = explore::cores().iter().map(|core| core.name()).collect();
        Failure::misuse(format!("there is no core `{name}`"), format!("there are {}", there.join(", ")))
    })
}

fn limits(options: &ExploreOptions) -> Limits {
    Limits {
        states: options.states,
        time: options.time.map(|time| time.duration()),
        jobs: options.jobs.get(),
        order: if options.depth_first { Order::Depth } else { Order::Breadth },
    }
}

fn keep(
    options: &ExploreOptions,
    core: &dyn Explorable,
    choice: &Choice,
    found: &Found,
) -> Result<Option<String>, Failure> {
    let (Some(path), explore::Verdict::Refuted(violation)) = (&options.out, &found.verdict) else {
        return Ok(None);
    };
    let text = Counterexample::of(core.name(), choice, violation).text();
    write_whole(path, &text).map_err(Failure::world)?;
    Ok(Some(path.display().to_string()))
}

fn tell(
    format: Format,
    core: &dyn Explorable,
    choice: &Choice,
    found: &Found,
    kept: Option<String>,
) -> Outcome {
    match format {
        Format::Json => print_json(&ExplorationJson::of(core, choice, found, kept))?,
        Format::Human => {
            let mut words = report::words(core, choice, found);
            if let Some(kept) = kept {
                words.push_str(&format!("\nkept: {kept}\nagain: rehearsal explore --replay {kept}\n"));
            }
            print(&words)?;
        }
    }
    Ok(verdict(found))
}

fn verdict(found: &Found) -> Verdict {
    match found.verdict {
        explore::Verdict::Verified => Verdict::Held,
        explore::Verdict::Refuted(_) => Verdict::Violated,
        explore::Verdict::Inconclusive(Shortfall::Interrupted) => Verdict::Interrupted,
        explore::Verdict::Inconclusive(_) => Verdict::Inconclusive,
    }
}

fn rules(options: &ExploreOptions, core: &dyn Explorable) -> Outcome {
    let line = SearchLine::begin();
    let show = &mut |what: &str, progress| line.show(what, progress);
    let rows = with_and_without_each_rule(core, &options.bounds, &limits(options), interrupt::watch(), show)
        .map_err(Failure::usage)?;
    line.finish();
    if let Some(path) = &options.markdown {
        write_whole(path, &report::rules_page(core, &rows)).map_err(Failure::world)?;
    }
    match options.format {
        Format::Human => print(&report::rules_words(core, &rows))?,
        Format::Json => print_json(&RulesJson {
            command: "explore",
            core: core.name(),
            searches: report::rules_json(core, &rows),
        })?,
    }
    let wrong = rows.iter().filter(|row| !row.is_as_expected());
    let inconclusive = |row: &&Row| matches!(row.found.verdict, explore::Verdict::Inconclusive(_));
    let (cut, wrong): (Vec<&Row>, Vec<&Row>) = wrong.partition(inconclusive);
    Ok(match (wrong.first(), cut.first()) {
        (Some(_), _) => Verdict::Violated,
        (None, Some(cut)) => verdict(&cut.found),
        (None, None) => Verdict::Held,
    })
}

fn replay(options: &ExploreOptions, file: &Path) -> Outcome {
    let kept = Counterexample::read(file).map_err(Failure::usage)?;
    let core = core_named(&kept.core)?;
    let choice = kept.choice(core.knobs()).map_err(Failure::usage)?;
    match core.replay(&choice, &kept.steps).map_err(Failure::usage)? {
        Replayed::Walked(found) => tell(options.format, &*core, &choice, &found, None),
        Replayed::Impossible(step) => Err(Failure::misuse(
            format!("step {} of {} cannot happen there: {}", step + 1, file.display(), kept.steps[step]),
            "search anew: the steps are those of another core, or of other bounds",
        )),
    }
}

fn list(format: Format) -> Outcome {
    let cores = explore::cores();
    match format {
        Format::Json => print_json(&CoresJson {
            command: "explore",
            cores: cores.iter().map(|core| listed(&**core)).collect(),
        })?,
        Format::Human => print(&cores.iter().map(|core| described(&**core)).collect::<String>())?,
    }
    Ok(Verdict::Held)
}

fn listed(core: &dyn Explorable) -> CoreJson {
    CoreJson {
        core: core.name(),
        summary: core.summary(),
        promises: core.promises().iter().map(|(name, _)| *name).collect(),
        bounds: core.knobs().iter().map(|knob| knob.name).collect(),
        rules: core.rules().iter().map(|rule| rule.defect).collect(),
    }
}

fn described(core: &dyn Explorable) -> String {
    let knobs = core.knobs().iter().map(|knob| {
        let values = match knob.values {
            Values::Number { default, least, most } => format!("{default} ({least} to {most})"),
            Values::Word(words) => words.join(" or "),
        };
        [knob.name.to_owned(), values, knob.says.to_owned()]
    });
    let promises = core.promises().into_iter().map(|(name, says)| [name.to_owned(), says.to_owned()]);
    let rules = core.rules().iter().map(|rule| [rule.defect, rule.says].map(str::to_owned));
    format!(
        "{}: {}\n\n{}\n{}\n{}",
        core.name(),
        core.summary(),
        table(["bound", "plain", "is"], knobs, 3),
        table(["promise", "says"], promises, 2),
        table(["defect", "the rule that it lacks"], rules, 2)
    )
}
