//! What faults do to links, told in words: for stories and for traces.

use rehearsal_sim::{Blow, Shape};

/// That links are cut, as the rest of a sentence that begins with "the world"; None when the fault cuts none.
pub fn divided(blow: &Blow) -> Option<String> {
    let told = match blow {
        Blow::Partition { from, to, one_way, .. } => sides(from, to, *one_way, "cannot reach", "nor"),
        Blow::Divide(division) => match &division.shape {
            Shape::Sides { from, to, one_way } => sides(from, to, *one_way, "cannot reach", "nor"),
            Shape::Bridge { one, other, over } => {
                format!("{} and {} reach each other only by way of {over}", one.join(", "), other.join(", "))
            }
            Shape::Ring(nodes) => format!("of {} each reaches only the two beside it", nodes.join(", ")),
            Shape::Isolate(node) => format!("{node} cannot reach anybody, nor the other way round"),
            Shape::Zones(zones) => format!("{} do not reach each other", in_zones(zones)),
        },
        _ => return None,
    };
    Some(format!("is divided: {told}"))
}

/// That they are healed, likewise.
pub fn mended(blow: &Blow) -> Option<String> {
    let told = match blow {
        Blow::Partition { from, to, one_way, .. } => sides(from, to, *one_way, "can reach", "and"),
        Blow::Divide(division) => match &division.shape {
            Shape::Sides { from, to, one_way } => sides(from, to, *one_way, "can reach", "and"),
            Shape::Bridge { one, other, .. } => sides(one, other, false, "can reach", "and"),
            Shape::Ring(nodes) => format!("{} reach each other", nodes.join(", ")),
            Shape::Isolate(node) => format!("{node} can reach everybody, and the other way round"),
            Shape::Zones(zones) => format!("{} reach each other", in_zones(zones)),
        },
        _ => return None,
    };
    Some(format!("is mended: {told}"))
}

/// That links are slow now, likewise.
pub fn slowed(blow: &Blow) -> Option<String> {
    let Blow::SlowLink { ends, per_second, .. } = blow else { return None };
    let many = if *per_second == 1 { "1 message".to_owned() } else { format!("{per_second} messages") };
    Some(format!("slows {} down to {many} a second", link(ends)))
}

/// That they are as fast again as they were, likewise.
pub fn fast_again(blow: &Blow) -> Option<String> {
    let Blow::SlowLink { ends, .. } = blow else { return None };
    Some(format!("lets {} be as fast as before", link(ends)))
}

/// That what was under way is lost, likewise.
pub fn reset(blow: &Blow) -> Option<String> {
    let Blow::ResetLink { ends } = blow else { return None };
    Some(format!("resets {}: what is under way there is lost", link(ends)))
}

/// That a data centre goes, likewise.
pub fn zone_lost(blow: &Blow) -> Option<String> {
    let Blow::ZoneLost { nodes, .. } = blow else { return None };
    Some(format!("loses a data centre: {}", nodes.join(", ")))
}

fn sides(from: &[String], to: &[String], one_way: bool, verb: &str, also: &str) -> String {
    let also = if one_way { String::new() } else { format!(", {also} the other way round") };
    format!("{} {verb} {}{also}", from.join(", "), to.join(", "))
}

fn in_zones(zones: &[Vec<String>]) -> String {
    let zones: Vec<String> = zones.iter().map(|zone| format!("({})", zone.join(", "))).collect();
    format!("the data centres {}", zones.join(" and "))
}

fn link(ends: &[String]) -> String {
    match ends {
        [one, other] => format!("the link between {one} and {other}"),
        _ => format!("each link of {}", ends.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rehearsal_sim::{Division, Span};

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn every_shape_is_told_as_it_is_drawn_and_as_it_heals() {
        let told = |shape: Shape| {
            let (heal_after, up_for) = (Span::seconds(1), Span::seconds(1));
            let blow = Blow::Divide(Division { shape, heal_after, times: 1, up_for });
            [divided(&blow), mended(&blow)].map(|words| words.expect("it cuts links"))
        };
        let bridge = Shape::Bridge { one: names(&["a"]), other: names(&["b"]), over: "n".to_owned() };
        assert_eq!(told(bridge)[0], "is divided: a and b reach each other only by way of n");
        let ring = Shape::Ring(names(&["a", "b", "c", "d"]));
        assert_eq!(told(ring)[0], "is divided: of a, b, c, d each reaches only the two beside it");
        let alone = Shape::Isolate("n".to_owned());
        assert_eq!(told(alone)[1], "is mended: n can reach everybody, and the other way round");
        let zones = Shape::Zones(vec![names(&["a", "b"]), names(&["c"])]);
        assert_eq!(told(zones)[0], "is divided: the data centres (a, b) and (c) do not reach each other");
        let sides = Shape::Sides { from: names(&["a"]), to: names(&["b"]), one_way: true };
        assert_eq!(told(sides), ["is divided: a cannot reach b", "is mended: a can reach b"]);
    }

    #[test]
    fn a_link_is_named_by_its_ends_or_by_the_node_that_has_it() {
        let slow = |ends: &[&str], per_second| {
            slowed(&Blow::SlowLink { ends: names(ends), per_second, lasts: Span::seconds(1) })
        };
        let between = "slows the link between a and b down to 1 message a second";
        assert_eq!(slow(&["a", "b"], 1).as_deref(), Some(between));
        assert_eq!(slow(&["a"], 20).as_deref(), Some("slows each link of a down to 20 messages a second"));
    }
}
