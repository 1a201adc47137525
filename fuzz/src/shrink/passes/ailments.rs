//! Milder ailments in place of one.

use super::super::simpler::integers;
use rehearsal_sim::{Ailment, Blow, Span};

/// The factor of a slowness that is hardly one.
const HARDLY_SLOW: i64 = 2;

/// What is less than this ailment of the node, or known better.
pub(super) fn milder(node: &str, ailment: &Ailment) -> Vec<Blow> {
    let node = || node.to_owned();
    let ails = |ailment| Blow::Ails { node: node(), ailment };
    match *ailment {
        Ailment::SlowDisk { times, lasts } => integers(i64::from(times), HARDLY_SLOW)
            .into_iter()
            .map(|times| ails(Ailment::SlowDisk { times: times as u32, lasts }))
            .collect(),
        Ailment::SlowNode { times, lasts } => integers(i64::from(times), HARDLY_SLOW)
            .into_iter()
            .map(|times| ails(Ailment::SlowNode { times: times as u32, lasts }))
            .collect(),
        Ailment::ClockDrift { ppm, lasts } => integers(i64::from(ppm), i64::from(ppm.signum()))
            .into_iter()
            .map(|ppm| ails(Ailment::ClockDrift { ppm: ppm as i32, lasts }))
            .collect(),
        Ailment::DroppedSync => vec![Blow::FailedSync { node: node() }],
        Ailment::BitRot { lasting: true } => vec![ails(Ailment::BitRot { lasting: false })],
        Ailment::Suspend { lasts } => vec![Blow::Pause { node: node(), lasts }],
        Ailment::LostDisk { restart_after: Some(restart_after) } => {
            vec![Blow::Crash { node: node(), restart_after }]
        }
        Ailment::LostDisk { restart_after: None } => {
            vec![ails(Ailment::LostDisk { restart_after: Some(Span::seconds(1)) })]
        }
        Ailment::ClockStep { .. }
        | Ailment::FailedRead
        | Ailment::FailedWrite
        | Ailment::BitRot { lasting: false } => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn milder_and_milder_comes_to_an_end() {
        let lasts = Span::seconds(1);
        let ailments = [
            Ailment::SlowDisk { times: 1_000, lasts },
            Ailment::SlowNode { times: 17, lasts },
            Ailment::ClockDrift { ppm: -100_000, lasts },
            Ailment::ClockStep { forward: true, by: lasts, lasts },
            Ailment::DroppedSync,
            Ailment::BitRot { lasting: true },
            Ailment::Suspend { lasts },
            Ailment::LostDisk { restart_after: None },
        ];
        for ailment in ailments {
            let mut blow = Blow::Ails { node: "node".to_owned(), ailment };
            let mut steps = 0;
            while let Blow::Ails { node, ailment } = &blow
                && let Some(next) = milder(node, ailment).pop()
            {
                (blow, steps) = (next, steps + 1);
                assert!(steps < 200, "{blow:?}");
            }
        }
    }
}
