//! Partitions of other shapes than two sides, and partitions that come again: which links each cuts.
//!
//! ```text
//!   bridge            ring           isolate        zones_cut
//!   a ─┐   ┌─ c       a ── b         a   b          a ── b   c ── d
//!      ├ n ┤          │    │             │
//!   b ─┘   └─ d       d ── c         n   c
//! ```

use crate::Span;

/// Who does not see whom. A node that a shape does not name sees everybody as before, but for one that is isolated.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Shape {
    /// No message gets from the ones to the others.
    Sides {
        /// Names of nodes on one side.
        from: Vec<String>,
        /// Names of nodes on the other.
        to: Vec<String>,
        /// Whether the way back stays open.
        one_way: bool,
    },
    /// Two halves that do not see each other, and a node in between that sees both.
    Bridge {
        /// Names of nodes of one half.
        one: Vec<String>,
        /// Names of nodes of the other.
        other: Vec<String>,
        /// The node in between.
        over: String,
    },
    /// Of these, each sees only the two beside it; the last is beside the first.
    Ring(Vec<String>),
    /// This node sees nobody, and nobody sees it.
    Isolate(String),
    /// Of these data centres, each sees only itself.
    Zones(Vec<Vec<String>>),
}

/// A partition of any shape, once or again and again.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Division {
    /// Who does not see whom.
    pub shape: Shape,
    /// After which time it heals, each time.
    pub heal_after: Span,
    /// How often it is drawn; more than once is a link that flaps.
    pub times: u32,
    /// How long it is healed in between.
    pub up_for: Span,
}

impl Shape {
    /// Its name in scenario files, as `ring`.
    pub fn kind(&self) -> &'static str {
        match self {
            Shape::Sides { .. } => "partition",
            Shape::Bridge { .. } => "bridge",
            Shape::Ring(_) => "ring",
            Shape::Isolate(_) => "isolate",
            Shape::Zones(_) => "zones_cut",
        }
    }

    /// The names of all nodes that it names.
    pub fn nodes(&self) -> Vec<&str> {
        let names: Vec<&String> = match self {
            Shape::Sides { from, to, .. } => from.iter().chain(to).collect(),
            Shape::Bridge { one, other, over } => one.iter().chain(other).chain([over]).collect(),
            Shape::Ring(nodes) => nodes.iter().collect(),
            Shape::Isolate(node) => vec![node],
            Shape::Zones(zones) => zones.iter().flatten().collect(),
        };
        names.into_iter().map(String::as_str).collect()
    }

    /// The same names, to be changed.
    pub fn nodes_mut(&mut self) -> Vec<&mut String> {
        match self {
            Shape::Sides { from, to, .. } => from.iter_mut().chain(to).collect(),
            Shape::Bridge { one, other, over } => one.iter_mut().chain(other).chain([over]).collect(),
            Shape::Ring(nodes) => nodes.iter_mut().collect(),
            Shape::Isolate(node) => vec![node],
            Shape::Zones(zones) => zones.iter_mut().flatten().collect(),
        }
    }

    /// The links that it cuts, each from whom to whom, in a world of these nodes.
    pub(crate) fn links<'a>(&'a self, everybody: &'a [String]) -> Vec<(&'a str, &'a str)> {
        match self {
            Shape::Sides { from, to, one_way: true } => between(from, to),
            Shape::Sides { from: one, to: other, .. } | Shape::Bridge { one, other, .. } => {
                [between(one, other), between(other, one)].concat()
            }
            Shape::Ring(nodes) => not_beside_each_other(nodes),
            Shape::Isolate(node) => {
                let others = everybody.iter().filter(|other| *other != node);
                others.flat_map(|other| [(&**node, &**other), (&**other, &**node)]).collect()
            }
            Shape::Zones(zones) => {
                let pairs = zones.iter().enumerate().flat_map(|(at, zone)| {
                    let others = zones.iter().enumerate().filter(move |(other, _)| *other != at);
                    others.map(move |(_, other)| (zone, other))
                });
                pairs.flat_map(|(zone, other)| between(zone, other)).collect()
            }
        }
    }

    /// What is wrong with it, and the mend.
    pub(crate) fn check(&self) -> Result<(), String> {
        match self {
            Shape::Sides { from, to, .. } if from.is_empty() || to.is_empty() => {
                return Err("a partition of nobody: `from` and `to` each name at least one node".to_owned());
            }
            Shape::Bridge { one, other, .. } if one.is_empty() || other.is_empty() => {
                return Err("a bridge to nobody: `one` and `other` each name at least one node".to_owned());
            }
            // Among three everybody is beside everybody.
            Shape::Ring(nodes) if nodes.len() < 4 => {
                return Err(format!("a ring of {} cuts nothing; name at least 4 nodes", nodes.len()));
            }
            Shape::Zones(zones) if zones.len() < 2 || zones.iter().any(Vec::is_empty) => {
                return Err("zones that are cut from nobody: name at least two, each with a node".to_owned());
            }
            _ => {}
        }
        if let Some(both) = twice(&self.nodes()) {
            let is = |name: &String| name == both;
            return Err(match self {
                Shape::Sides { from, to, .. } if from.iter().any(is) && to.iter().any(is) => {
                    format!("`{both}` stands on both sides of the partition; name it in `from` or in `to`")
                }
                _ => format!("`{both}` is named twice; name every node once"),
            });
        }
        Ok(())
    }
}

impl Division {
    /// Whether it is drawn more than once.
    pub fn flaps(&self) -> bool {
        self.times > 1
    }

    /// What is wrong with it, and the mend.
    pub(crate) fn check(&self) -> Result<(), String> {
        self.shape.check()?;
        if self.times == 0 {
            return Err("a partition of 0 times; give at least 1".to_owned());
        }
        // Else it would heal and be drawn at one moment, in either order.
        if self.flaps() && self.up_for == Span(0) {
            return Err("a partition that never heals does not flap; let `up_for` be more than 0s".to_owned());
        }
        Ok(())
    }
}

/// A name that is there more than once.
pub(crate) fn twice<'a>(names: &[&'a str]) -> Option<&'a str> {
    let is_there = |(at, name): &(usize, &&str)| names[..*at].contains(*name);
    names.iter().enumerate().find(is_there).map(|(_, name)| *name)
}

fn between<'a>(from: &'a [String], to: &'a [String]) -> Vec<(&'a str, &'a str)> {
    from.iter().flat_map(|near| to.iter().map(move |far| (&**near, &**far))).collect()
}

fn not_beside_each_other(ring: &[String]) -> Vec<(&str, &str)> {
    let mut links = Vec::new();
    for (at, near) in ring.iter().enumerate() {
        for (other, far) in ring.iter().enumerate() {
            let apart = at.abs_diff(other);
            if apart > 1 && apart < ring.len() - 1 {
                links.push((&**near, &**far));
            }
        }
    }
    links
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn a_ring_cuts_all_but_neighbours() {
        let ring = Shape::Ring(names(&["a", "b", "c", "d"]));
        assert_eq!(ring.links(&[]), [("a", "c"), ("b", "d"), ("c", "a"), ("d", "b")]);
        let five = Shape::Ring(names(&["a", "b", "c", "d", "e"]));
        assert_eq!(five.links(&[]).len(), 5 * 2, "each has two that it does not see");
    }

    #[test]
    fn a_bridge_cuts_one_half_from_the_other_and_nobody_from_the_bridge() {
        let (one, other) = (names(&["a", "b"]), names(&["c"]));
        let bridge = Shape::Bridge { one, other, over: "n".to_owned() };
        assert_eq!(bridge.links(&[]), [("a", "c"), ("b", "c"), ("c", "a"), ("c", "b")]);
    }

    #[test]
    fn a_node_that_is_isolated_is_cut_from_everybody_there_is() {
        let everybody = names(&["a", "n", "b"]);
        let alone = Shape::Isolate("n".to_owned());
        assert_eq!(alone.links(&everybody), [("n", "a"), ("a", "n"), ("n", "b"), ("b", "n")]);
    }

    #[test]
    fn zones_see_only_themselves() {
        let zones = Shape::Zones(vec![names(&["a", "b"]), names(&["c"]), names(&["d"])]);
        let links = zones.links(&[]);
        assert_eq!(links.len(), 2 * (2 + 2 + 1));
        assert!(!links.contains(&("a", "b")) && links.contains(&("d", "a")));
    }
}
