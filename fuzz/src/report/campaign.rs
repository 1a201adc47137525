//! What `fuzz` tells people.

use super::campaign_json::MarkersJson;
use super::figures::{class_name, grouped, replay_command, spell_seconds};
use super::run::line;
use super::table::{table, wide_table};
use crate::campaign::{Campaign, Conviction, End, Totals};
use crate::paint::Paint;
use crate::system::System;
use rehearsal_sim::FaultClass;
use std::fmt::Write;

/// Failing seeds that are told at length; of the rest, the first line.
const AT_LENGTH: usize = 5;
/// Signs of a fact that are shown.
const LONGEST_LINE: usize = 240;

/// A table of the campaigns, and below it what was found and what was not reached.
pub fn summary(campaigns: &[(Box<dyn System>, Campaign)], paint: Paint) -> String {
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
        writeln!(text, "  digest   {}", campaign.digest).expect("a string takes everything");
        for (index, conviction) in campaign.convictions.iter().enumerate() {
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

fn campaigns_table(campaigns: &[(Box<dyn System>, Campaign)]) -> String {
    let header = ["system", "seeds", "seeds/s", "events", "messages", "simulated", "faults", "failing seeds"];
    let row = |(_, campaign): &(Box<dyn System>, Campaign)| {
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
fn faults_table(campaigns: &[(Box<dyn System>, Campaign)]) -> String {
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

fn last_line(campaigns: &[(Box<dyn System>, Campaign)], paint: Paint) -> String {
    let failing: u64 = campaigns.iter().map(|(_, campaign)| campaign.totals.failing_seeds).sum();
    let runs: u64 = campaigns.iter().map(|(_, campaign)| campaign.totals.runs).sum();
    match failing {
        0 => format!("{}\n", paint.green(&format!("Every invariant held in {} runs.", grouped(runs)))),
        1 => format!("{}\n", paint.red("1 seed failed.")),
        _ => format!("{}\n", paint.red(&format!("{} seeds failed.", grouped(failing)))),
    }
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
