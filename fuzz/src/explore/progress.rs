//! The line that a search writes while it runs, on standard error; nothing where there is no terminal.

use super::search::Progress;
use crate::paint::Paint;
use crate::report::figures::grouped;
use indicatif::{ProgressBar, ProgressStyle};
use std::io;

/// The line.
pub struct SearchLine(Option<ProgressBar>);

impl SearchLine {
    /// Begins the line.
    pub fn begin() -> SearchLine {
        let bar = Paint::of(&io::stderr()).is_on().then(|| {
            let bar = ProgressBar::no_length();
            let style = ProgressStyle::with_template("{prefix} {spinner} {msg}");
            bar.set_style(style.expect("a valid template"));
            bar
        });
        SearchLine(bar)
    }

    /// Shows how far a search is.
    pub fn show(&self, what: &str, progress: Progress) {
        let Some(bar) = &self.0 else { return };
        let Progress { unique, depth, elapsed } = progress;
        let per_second = (unique as f64 / elapsed.as_secs_f64().max(1e-9)) as u64;
        bar.set_prefix(what.to_owned());
        bar.set_message(format!("{} states, {}/s, {depth} steps deep", grouped(unique), grouped(per_second)));
        bar.tick();
    }

    /// Takes the line away: what came of it is told elsewhere.
    pub fn finish(self) {
        if let Some(bar) = self.0 {
            bar.finish_and_clear();
        }
    }
}
