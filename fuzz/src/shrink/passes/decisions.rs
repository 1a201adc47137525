//! Fewer decisions that are not plain.

use super::{Edit, edit, stretches};
use crate::scenario::Scenario;
use crate::schedule::Schedule;
use rehearsal_sim::Site;
use std::collections::BTreeSet;

/// Nothing but plain decisions.
pub(super) fn plain_schedule() -> Vec<Edit> {
    vec![edit(|scenario| scenario.schedule = Schedule::plain())]
}

/// Without one kind of decision; then without stretches of them, in the order of the run.
pub(super) fn fewer(scenario: &Scenario) -> Vec<Edit> {
    let deviations = &scenario.schedule.deviations;
    let sites: BTreeSet<Site> = deviations.iter().map(|deviation| deviation.question.site).collect();
    let kinds = sites.into_iter().map(|site| {
        edit(move |scenario| {
            scenario.schedule.deviations.retain(|deviation| deviation.question.site != site);
        })
    });
    let parts = stretches(deviations.len()).into_iter().map(|part| {
        edit(move |scenario| {
            scenario.schedule.deviations.drain(part.clone());
        })
    });
    kinds.chain(parts).collect()
}
