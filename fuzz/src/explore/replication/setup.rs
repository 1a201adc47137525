//! How far a search goes, and with which rules.

use rehearsal_model::queue::defects::Defect;
use rehearsal_model::queue::replica::Settings;

/// How far a search goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Brokers.
    pub replicas: u8,
    /// Records that a log can hold.
    pub slots: u8,
    /// Records that are appended in all.
    pub records: u8,
    /// Leader epochs.
    pub epochs: u8,
    /// Crashes in all.
    pub crashes: u8,
    /// Changes of the in-sync set that are begun in all.
    pub changes: u8,
    /// Messages on their way at once.
    pub messages: u8,
}

/// What is searched.
#[derive(Clone, Copy, Debug)]
pub struct Setup {
    /// How far.
    pub bounds: Bounds,
    /// With which rules.
    pub settings: Settings,
    /// Whether steps and differences are left out that cannot matter. Without, a search is far longer, and must come to
    /// the same verdict.
    pub reduced: bool,
}

impl Setup {
    /// Whether one of these rules is removed.
    pub fn lacks(&self, rules: &[Defect]) -> bool {
        rules.iter().any(|rule| self.settings.defects.has(*rule))
    }

    /// Whether a follower may take an answer that it does not wait for any more.
    pub fn takes_late_answers(&self) -> bool {
        !self.reduced || self.lacks(&[Defect::TakesStaleAnswer, Defect::TakesMisplacedAnswer])
    }

    /// Whether what comes from a follower of another epoch may do something at a leader.
    pub fn heeds_other_epochs(&self) -> bool {
        let rules = [
            Defect::AnswersStaleTruncation,
            Defect::ServesStaleFetch,
            Defect::CountsStaleFetch,
            Defect::ExpandsOnStaleFetch,
        ];
        !self.reduced || self.lacks(&rules)
    }

    /// Whether a request for another set may do something although the partition's state has changed since.
    pub fn heeds_stale_requests(&self) -> bool {
        let rules = [
            Defect::SetWrittenBlindly,
            Defect::DeposedLeaderAcknowledges,
            Defect::WatermarkIgnoresProposal,
            Defect::WatermarkCountsDeparted,
        ];
        !self.reduced || self.lacks(&rules)
    }

    /// Whether the controller may be taken to decide about a request as soon as it is made.
    pub fn decides_at_once(&self) -> bool {
        !self.heeds_stale_requests() && !self.lacks(&[Defect::BrokerEpochIgnored])
    }

    /// Whether what a leader knows of a follower may do something although it is below the watermark, or the follower
    /// outside of the set and below the start of the epoch.
    pub fn heeds_laggards(&self) -> bool {
        let rules =
            [Defect::ExpandsBelowEpochStart, Defect::ExpandsBelowWatermark, Defect::WatermarkCountsDeparted];
        self.heeds_other_epochs() || self.lacks(&rules)
    }

    /// Whether it may do something to hear of an epoch whose leader does not lead (yet, or any more).
    pub fn heeds_idle_epochs(&self) -> bool {
        self.heeds_other_epochs() || self.takes_late_answers() || self.obeys_for_another_life()
    }

    /// Whether a broker may obey an order that was for an earlier life of it.
    pub fn obeys_for_another_life(&self) -> bool {
        self.lacks(&[Defect::ObeysOrdersForAnotherLife])
    }
}
