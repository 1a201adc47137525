//! What `fuzz` tells people.

use super::campaign_json::MarkersJson;
use super::figures::{class_name, grouped, replay_command, spell_seconds};
use super::run::line;
use super::table::{table, wide_table};
use crate::campaign::{Campaign, Conviction, End, Group, Totals};
use crate::paint::Paint;
use crate::shrink::{Shrunk, Size};
use crate::system::System;
use rehearsal_sim::FaultClass;
use std::fmt::Write;
use std::sync::Arc;

/// Failing seeds that are told at length; of the rest, the first line.
const AT_LENGTH: usize = 5;
/// Signs of a fact that are shown.
const LONGEST_LINE: usize = 240;

/// A table of the campaigns, and below it what was found and what was not reached.
pub fn summary(campaigns: &[(Arc<dyn System>, Campaign)], paint: Paint) -> String {
    let mut text = format!("{}\n{}", campaigns_table(campaigns), faults_table(campaigns));
    for (system, campaign) in campaigns {
        write!(text, "\n{}: {}\n", paint.bold(campaign.system), system.summary())
            .expect("a string takes everything");
        let markers = MarkersJson::of(&**system, &campaign.totals.markers);
        let total = markers.reached.len() + markers.never.len();
        writeln!(text, "  markers  {} of {total} reached", markers.reached.len())
            .expect("a string takes everything");
        // A campaign that was cut short has not had its chance.
        let whole = campaign.end == End::Finished;
        for marker in markers.never.iter().filter(|_| whole) {
            writeln!(text, "           never: {marker}").expect("a string takes everything");
        }
        for (name, runs) in &campaign.totals.not_judged {
            writeln!(text, "  beyond   {name} is not judged in {} runs", grouped(*runs))
                .expect("a string takes everything");
        }
        writeln!(text, "  strategy {}", strategies(&campaign.totals)).expect("a string takes everything");
        writeln!(text, "  digest   {}", campaign.digest).expect("a string takes everything");
        let grouped_seed = |seed| campaign.groups.iter().any(|group: &Group| group.seeds.contains(&seed));
        let alone = campaign.convictions.iter().filter(|conviction| !grouped_seed(conviction.seed));
        for (index, group) in campaign.groups.iter().enumerate() {
            let lowest = campaign.convictions.iter().find(|conviction| conviction.seed == group.seeds[0]);
            let lowest = lowest.expect("a group is made of convictions");
            text.push('\n');
            text.push_str(&group_story(group, lowest, paint, index < AT_LENGTH));
        }
        for (index, conviction) in alone.enumerate() {
            text.push('\n');
            text.push_str(&story(conviction, paint, index < AT_LENGTH));
        }
        let untold = campaign.totals.failing_seeds - campaign.convictions.len() as u64;
        if untold > 0 {
            writeln!(text, "\n  and {} more failing seeds", grouped(untold))
                .expect("a string takes everything");
        }
    }
    text.push('\n');
    text.push_str(&last_line(campaigns, paint));
    text
}

/// How many seeds each strategy had, and how many of them failed.
fn strategies(totals: &Totals) -> String {
    let told = totals.strategies.iter().map(|(strategy, (runs, failing))| match failing {
        0 => format!("{strategy} {}", grouped(*runs)),
        _ => format!("{strategy} {} ({} failing)", grouped(*runs), grouped(*failing)),
    });
    told.collect::<Vec<String>>().join(", ")
}

fn campaigns_table(campaigns: &[(Arc<dyn System>, Campaign)]) -> String {
    let header = ["system", "seeds", "seeds/s", "events", "messages", "simulated", "faults", "failing seeds"];
    let row = |(_, campaign): &(Arc<dyn System>, Campaign)| {
        let totals = &campaign.totals;
        let per_second = totals.runs as f64 / campaign.wall.as_secs_f64().max(1e-9);
        [
            campaign.system.to_owned(),
            grouped(totals.runs),
            grouped(per_second as u64),
            grouped(totals.events),
            grouped(totals.messages),
            spell_seconds(totals.simulated_seconds()),
            grouped(totals.faults.total()),
            grouped(totals.failing_seeds),
        ]
    };
    table(header, campaigns.iter().map(row), 1)
}

/// A row for each class of faults, and for each system how many struck and how many of them mattered.
fn faults_table(campaigns: &[(Arc<dyn System>, Campaign)]) -> String {
    let mut header = vec!["faults".to_owned()];
    for (_, campaign) in campaigns {
        header.extend([campaign.system.to_owned(), "with effect".to_owned()]);
    }
    let row = |class| {
        let mut row = vec![class_name(class).replace('_', " ")];
        for (_, Campaign { totals: Totals { faults, .. }, .. }) in campaigns {
            row.extend([grouped(faults.struck(class)), grouped(faults.effective(class))]);
        }
        row
    };
    wide_table(header, FaultClass::all().map(row), 1)
}

fn last_line(campaigns: &[(Arc<dyn System>, Campaign)], paint: Paint) -> String {
    let failing: u64 = campaigns.iter().map(|(_, campaign)| campaign.totals.failing_seeds).sum();
    let runs: u64 = campaigns.iter().map(|(_, campaign)| campaign.totals.runs).sum();
    match failing {
        0 => format!("{}\n", paint.green(&format!("Every invariant held in {} runs.", grouped(runs)))),
        1 => format!("{}\n", paint.red("1 seed failed.")),
        _ => format!("{}\n", paint.red(&format!("{} seeds failed.", grouped(failing)))),
    }
}

/// A reason for which seeds fail: the lowest of them, what it shrank to, what happened, how to see it again.
fn group_story(group: &Group, lowest: &Conviction, paint: Paint, at_length: bool) -> String {
    let Some(shrunk) = &group.shrunk else { return story(lowest, paint, at_length) };
    let mut text = String::new();
    let head = format!("seed {} breaks {}", lowest.seed, group.invariant);
    writeln!(text, "  {}{}", paint.red(&head), other_seeds(&group.seeds)).expect("a string takes everything");
    for violation in lowest.violations.iter().filter(|violation| violation.invariant != *group.invariant) {
        writeln!(text, "    its run breaks {} too", violation.invariant).expect("a string takes everything");
    }
    writeln!(text, "    {}\n", shrinking(shrunk)).expect("a string takes everything");
    if let (Some(story), true) = (&group.story, at_length) {
        text.push_str(&story.on_the_terminal(paint));
        text.push('\n');
    }
    if let Some(path) = &lowest.repro {
        let replay = paint.bold(&replay_command(path));
        writeln!(text, "    kept as {}, the story beside it\n    {replay}", path.display())
            .expect("a string takes everything");
    }
    text
}

/// The other seeds of a group, the first few by number.
fn other_seeds(seeds: &[u64]) -> String {
    let others = &seeds[1..];
    let shown: Vec<String> = others.iter().take(8).map(u64::to_string).collect();
    match others.len() {
        0 => String::new(),
        count if count > shown.len() => {
            format!(", as do {} and {} more", shown.join(", "), count - shown.len())
        }
        _ => format!(", as do {}", shown.join(", ")),
    }
}

/// How much smaller it became, and at what cost.
pub fn shrinking(shrunk: &Shrunk) -> String {
    let sizes = |size: &Size| {
        let counted = |count: u64, what: &str| {
            format!("{} {what}{}", grouped(count), if count == 1 { "" } else { "s" })
        };
        let faults = counted(size.faults as u64, "fault");
        let requests = counted(size.requests as u64, "request");
        format!("{faults}, {requests}, {}", counted(size.events, "event"))
    };
    let decisions = match shrunk.after.deviations {
        None => "decisions drawn from the seed".to_owned(),
        Some(0) => "every decision plain".to_owned(),
        Some(1) => "every decision plain but one".to_owned(),
        Some(count) => format!("every decision plain but {count}"),
    };
    let rest = if shrunk.finished { "" } else { ", and not at its end: `rehearsal shrink` goes on" };
    format!(
        "shrunk from {} to {} ({decisions}) in {:.1} s, {} tries{rest}",
        sizes(&shrunk.before),
        sizes(&shrunk.after),
        shrunk.wall.as_secs_f64(),
        grouped(shrunk.tries)
    )
}

/// What convicts a seed, and how to see it again.
pub fn story(conviction: &Conviction, paint: Paint, at_length: bool) -> String {
    let mut text = String::new();
    for violation in &conviction.violations {
        let head = format!("seed {} breaks {}", conviction.seed, violation.invariant);
        let at = paint.dim(&format!("at {}", conviction.at));
        writeln!(text, "  {} {at}\n    {}", paint.red(&head), violation.message)
            .expect("a string takes everything");
    }
    if !at_length {
        return text;
    }
    for fact in &conviction.evidence {
        writeln!(text, "    {}", shortened(&line(fact, paint))).expect("a string takes everything");
    }
    if let Some(path) = &conviction.repro {
        writeln!(text, "    kept as {}\n    {}", path.display(), paint.bold(&replay_command(path)))
            .expect("a string takes everything");
    }
    text
}

/// Facts may be long; here their beginning is enough, since the run tells them whole.
fn shortened(line: &str) -> String {
    match line.char_indices().nth(LONGEST_LINE) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}
