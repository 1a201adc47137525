//! Faults of links and of zones, as they are written.

use super::{Blow, FaultEntry, Sides};
use crate::Span;
use crate::division::{Division, Shape, twice};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Halves {
    one: Vec<String>,
    other: Vec<String>,
    over: String,
}

impl FaultEntry {
    /// Everything that it does to links, and to zones.
    pub(super) fn of_links(&mut self) -> Result<Vec<Blow>, String> {
        let mut blows = Vec::new();
        for shape in self.shapes() {
            blows.push(self.division(shape)?);
        }
        if let Some(ends) = self.slow_link.take() {
            let per_second = self.per_second.take().unwrap_or(20);
            if per_second == 0 {
                return Err(
                    "a link that carries 0 messages is cut: write `partition`, or give at least 1".to_owned()
                );
            }
            let lasts = self.lasts.take().unwrap_or(Span::seconds(1));
            blows.push(Blow::SlowLink { ends: of_a_link(ends)?, per_second, lasts });
        }
        if let Some(ends) = self.reset_link.take() {
            blows.push(Blow::ResetLink { ends: of_a_link(ends)? });
        }
        if let Some(nodes) = self.zone_lost.take() {
            let restart_after = self.restart_after.take().unwrap_or(Span::seconds(1));
            blows.push(Blow::ZoneLost { nodes: a_zone(nodes)?, restart_after });
        }
        Ok(blows)
    }

    fn shapes(&mut self) -> Vec<Shape> {
        let sides =
            self.partition.take().map(|Sides { from, to, one_way }| Shape::Sides { from, to, one_way });
        let halves = self.bridge.take();
        let bridge = halves.map(|Halves { one, other, over }| Shape::Bridge { one, other, over });
        let ring = self.ring.take().map(Shape::Ring);
        let alone = self.isolate.take().map(Shape::Isolate);
        let zones = self.zones_cut.take().map(Shape::Zones);
        [sides, bridge, ring, alone, zones].into_iter().flatten().collect()
    }

    /// A partition of two sides that comes once is one of its own.
    fn division(&mut self, shape: Shape) -> Result<Blow, String> {
        let heal_after = self.heal_after.take().unwrap_or(Span::seconds(5));
        let times = self.times.take().unwrap_or(1);
        let up_for = if times > 1 { self.up_for.take() } else { None };
        let division = Division { shape, heal_after, times, up_for: up_for.unwrap_or(Span::millis(500)) };
        division.check()?;
        Ok(match division.shape {
            Shape::Sides { from, to, one_way } if times == 1 => {
                Blow::Partition { from, to, one_way, heal_after }
            }
            _ => Blow::Divide(division),
        })
    }

    /// The keys of a division.
    pub(super) fn divide(&mut self, division: Division) {
        let flaps = division.flaps();
        let Division { shape, heal_after, times, up_for } = division;
        self.heal_after = Some(heal_after);
        (self.times, self.up_for) = (flaps.then_some(times), flaps.then_some(up_for));
        match shape {
            Shape::Sides { from, to, one_way } => self.partition = Some(Sides { from, to, one_way }),
            Shape::Bridge { one, other, over } => self.bridge = Some(Halves { one, other, over }),
            Shape::Ring(nodes) => self.ring = Some(nodes),
            Shape::Isolate(node) => self.isolate = Some(node),
            Shape::Zones(zones) => self.zones_cut = Some(zones),
        }
    }
}

fn of_a_link(ends: Vec<String>) -> Result<Vec<String>, String> {
    match &ends[..] {
        [_] => Ok(ends),
        [one, other] if one != other => Ok(ends),
        [both, _] => Err(format!("a link from `{both}` to itself; name the node at its other end")),
        _ => Err("a link has two ends: name two nodes, or one to mean all its links".to_owned()),
    }
}

fn a_zone(nodes: Vec<String>) -> Result<Vec<String>, String> {
    let names: Vec<&str> = nodes.iter().map(String::as_str).collect();
    match twice(&names) {
        Some(both) => Err(format!("`{both}` is named twice; name every node once")),
        None if nodes.is_empty() => Err("a zone without nodes; name at least one".to_owned()),
        None => Ok(nodes),
    }
}
