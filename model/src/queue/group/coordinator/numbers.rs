//! A group without the history of its numbers.

use super::{Group, Phase, Stage};
use crate::queue::group::ids::{RequestId, WriteId};
use crate::queue::group::step::Timer;

impl Group {
    /// The same group, but for numbers that only tell earlier from later: every timer that runs has the number 0, writes
    /// are numbered by their places among those that are still to be reported, and commits do not say whose they are. Two
    /// groups that are the same then go on in the same way, whatever they have behind them.
    pub fn renumbered(&self, to_report: &[WriteId]) -> Group {
        let rank = |write: WriteId| {
            WriteId(to_report.iter().position(|other| *other == write).map_or(0, |place| place as u64 + 1))
        };
        let plain = |timer: Timer| Timer { number: 0, ..timer };
        let mut group = self.clone();
        group.phase = match self.phase {
            Phase::Preparing(timer) => Phase::Preparing(plain(timer)),
            Phase::Completing(Stage::Starting(write)) => Phase::Completing(Stage::Starting(rank(write))),
            Phase::Completing(Stage::Planned(write)) => Phase::Completing(Stage::Planned(rank(write))),
            other => other,
        };
        for attendant in group.members.values_mut() {
            attendant.session = attendant.session.map(plain);
        }
        group.offsets = self.offsets.renumbered(rank, RequestId(0));
        (group.last_write, group.last_timer) = (WriteId(to_report.len() as u64), 0);
        group
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue::defects::Defects;
    use crate::queue::group::ids::{Generation, MemberId};
    use crate::queue::group::registration::Registration;
    use crate::queue::group::step::{Input, Knobs};
    use crate::queue::group::strategy::StrategyName;

    #[test]
    fn one_who_says_often_that_it_lives_is_as_if_it_had_said_so_once() {
        let mut group = Group::new(Knobs::default(), Defects::NONE);
        let (fresh, mut out) = (MemberId(1), Vec::new());
        let strategies = vec![StrategyName::Range];
        let registration = Registration {
            interest: Default::default(),
            strategies,
            session: Default::default(),
            rebalance: Default::default(),
        };
        group.step(Input::Join { request: RequestId(1), member: None, fresh, registration }, &mut out);
        let Some(crate::queue::group::Output::SetTimer { timer, .. }) = out.pop() else { panic!("{out:?}") };
        group.step(Input::TimerFired(timer), &mut out);
        let write = WriteId(1);
        group.step(Input::Persisted { write }, &mut out);
        let beat = Input::Heartbeat { request: RequestId(2), member: fresh, generation: Generation(1) };
        let once = group.clone();
        group.step(beat, &mut out);
        assert_ne!(group, once);
        assert_eq!(group.renumbered(&[]), once.renumbered(&[]));
    }
}
