//! The line that a campaign writes while it runs, on standard error: a bar on a terminal, else one line at the end.

use crate::campaign::{Campaign, End, SeedRange, Totals};
use crate::paint::Paint;
use crate::report::figures::{grouped, spell_seconds};
use crate::shrink::Progress;
use indicatif::{ProgressBar, ProgressStyle};
use std::io;
use std::time::{Duration, Instant};

/// How often the line changes.
const EVERY: Duration = Duration::from_millis(100);

/// One system's line.
pub struct ProgressLine {
    bar: Option<ProgressBar>,
    began: Instant,
    shown: Instant,
}

impl ProgressLine {
    /// Begins the line of a system.
    pub fn begin(system: &str, seeds: SeedRange) -> ProgressLine {
        let now = Instant::now();
        let bar = Paint::of(&io::stderr()).is_on().then(|| {
            let bar =
                if seeds.is_endless() { ProgressBar::no_length() } else { ProgressBar::new(seeds.count()) };
            let rest = if seeds.is_endless() { "" } else { ", {eta} to go" };
            let template =
                format!("{{prefix:12}} {{bar:24}} {{human_pos}}/{{human_len}} seeds, {{msg}}{rest}");
            bar.set_style(ProgressStyle::with_template(&template).expect("a valid template"));
            bar.set_prefix(system.to_owned());
            bar
        });
        ProgressLine { bar, began: now, shown: now }
    }

    /// Shows how far it is.
    pub fn show(&mut self, totals: &Totals) {
        let Some(bar) = &self.bar else { return };
        let now = Instant::now();
        if now - self.shown >= EVERY {
            self.shown = now;
            bar.set_position(totals.runs);
            bar.set_message(words(totals, now - self.began));
        }
    }

    /// Ends the line.
    pub fn finish(self, campaign: &Campaign) {
        let mut words = words(&campaign.totals, campaign.wall);
        match campaign.end {
            End::Time => words.push_str("; stopped, the time allowed is over"),
            End::Interrupted => words.push_str("; stopped by Ctrl-C"),
            End::Finished | End::Violation => {}
        }
        match self.bar {
            Some(bar) => {
                bar.set_position(campaign.totals.runs);
                bar.abandon_with_message(words);
            }
            None => eprintln!("{}: {} seeds, {words}", campaign.system, grouped(campaign.totals.runs)),
        }
    }
}

/// The line of a search for a smaller scenario; nothing where there is no terminal.
pub struct ShrinkingLine {
    bar: Option<ProgressBar>,
    shown: Instant,
}

impl ShrinkingLine {
    /// Begins the line of a system.
    pub fn begin(system: &str) -> ShrinkingLine {
        let bar = Paint::of(&io::stderr()).is_on().then(|| {
            let bar = ProgressBar::no_length();
            bar.set_style(
                ProgressStyle::with_template("{prefix:12} {spinner} {msg}").expect("a valid template"),
            );
            bar.set_prefix(system.to_owned());
            bar
        });
        ShrinkingLine { bar, shown: Instant::now() }
    }

    /// Shows how far it is.
    pub fn show(&mut self, seed: u64, progress: Progress<'_>) {
        let Some(bar) = &self.bar else { return };
        let now = Instant::now();
        if now - self.shown < EVERY {
            return;
        }
        self.shown = now;
        let Progress { tries, smallest, events, elapsed, .. } = progress;
        let per_second = (tries as f64 / elapsed.as_secs_f64().max(1e-9)) as u64;
        bar.set_message(format!(
            "shrinking seed {seed}: {} faults, {} events; {} tries, {}/s",
            smallest.faults.len(),
            grouped(events),
            grouped(tries),
            grouped(per_second)
        ));
        bar.tick();
    }

    /// Takes the line away: what came of it is told elsewhere.
    pub fn finish(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }
}

fn words(totals: &Totals, wall: Duration) -> String {
    let per_second = (totals.runs as f64 / wall.as_secs_f64().max(1e-9)) as u64;
    format!(
        "{}/s, {} simulated, {} faults, failing seeds: {}",
        grouped(per_second),
        spell_seconds(totals.simulated_seconds()),
        grouped(totals.faults.total()),
        grouped(totals.failing_seeds)
    )
}
