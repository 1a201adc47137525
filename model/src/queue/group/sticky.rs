//! As even as can be, and among those plans one that moves the fewest partitions (the promises of KIP-54; the way there
//! is not Kafka's).
//!
//! A plan is a flow: partitions to those who read their topics, each member's k-th partition dearer than the one
//! before, and a little dearer if it comes from another owner. The sum over members of the square of their counts is
//! smallest for the most even plan, and weighs more than all moves together. A flow is the cheapest if no circle of
//! changes makes it cheaper (Klein 1967), so circles are looked for until there is none.

use super::ids::MemberId;
use super::registration::Interest;
use super::strategy::{Plan, all, nothing};
use crate::queue::partition::{Partition, Topic};
use std::collections::BTreeMap;

/// The plan for these members and topics. Within one of even over all topics, when all read the same.
pub fn plan(members: &BTreeMap<MemberId, Interest>, topics: &BTreeMap<Topic, u32>) -> Plan {
    let before = owners_before(members);
    let mut search = Search::new(members, topics, &before);
    while let Some(circle) = search.circle() {
        search.turn(&circle);
    }
    let mut plan = nothing(members);
    for (partition, owner) in search.owners {
        plan.get_mut(&search.members[owner].0).expect("every member is in the plan").insert(partition);
    }
    plan
}

/// Who owned what. Of two who claim the same the later generation is right (KIP-341).
pub fn owners_before(members: &BTreeMap<MemberId, Interest>) -> BTreeMap<Partition, MemberId> {
    let mut before: BTreeMap<Partition, MemberId> = BTreeMap::new();
    for (id, interest) in members {
        for partition in &interest.owned {
            let owner = before.entry(*partition).or_insert(*id);
            if members[owner].generation < interest.generation {
                *owner = *id;
            }
        }
    }
    before
}

/// The search for the cheapest plan. Members go by their place in the list; one place more stands for "nobody", from
/// whom a member gets one more, and to whom it gives one less.
struct Search<'a> {
    members: Vec<(MemberId, &'a Interest)>,
    before: &'a BTreeMap<Partition, MemberId>,
    owners: BTreeMap<Partition, usize>,
    counts: Vec<i64>,
    /// What a step in evenness weighs: more than all moves together.
    evenness: i64,
}

/// A change: one partition from one member to another.
#[derive(Clone, Copy)]
struct Change {
    from: usize,
    to: usize,
    cost: i64,
    /// None if it is a change of counts only.
    partition: Option<Partition>,
}

impl<'a> Search<'a> {
    /// Everything where it was; what has no owner any more goes to the one with the least.
    fn new(
        members: &'a BTreeMap<MemberId, Interest>,
        topics: &BTreeMap<Topic, u32>,
        before: &'a BTreeMap<Partition, MemberId>,
    ) -> Self {
        let members: Vec<_> = members.iter().map(|(id, interest)| (*id, interest)).collect();
        let mut search = Search {
            counts: vec![0; members.len()],
            owners: BTreeMap::new(),
            evenness: 2 * all(topics).count() as i64 + 1,
            members,
            before,
        };
        let (kept, homeless): (Vec<_>, Vec<_>) =
            all(topics).partition(|one| search.stays_with(*one).is_some());
        for partition in kept.into_iter().chain(homeless) {
            let least = || search.readers(partition).min_by_key(|reader| search.counts[*reader]);
            if let Some(owner) = search.stays_with(partition).or_else(least) {
                search.owners.insert(partition, owner);
                search.counts[owner] += 1;
            }
        }
        search
    }

    fn readers(&self, partition: Partition) -> impl Iterator<Item = usize> {
        (0..self.members.len()).filter(move |place| self.members[*place].1.topics.contains(&partition.topic))
    }

    fn stays_with(&self, partition: Partition) -> Option<usize> {
        let owner = self.before.get(&partition)?;
        self.readers(partition).find(|reader| self.members[*reader].0 == *owner)
    }

    /// What it costs that this member has this partition, evenness apart.
    fn moved(&self, partition: Partition, place: usize) -> i64 {
        let stays = self.before.get(&partition) == Some(&self.members[place].0);
        i64::from(!stays)
    }

    /// The cheapest change between each two.
    fn changes(&self) -> Vec<Change> {
        let nobody = self.members.len();
        let mut cheapest: BTreeMap<(usize, usize), Change> = BTreeMap::new();
        for (partition, from) in &self.owners {
            for to in self.readers(*partition).filter(|to| to != from) {
                let cost = self.moved(*partition, to) - self.moved(*partition, *from);
                let change = Change { from: *from, to, cost, partition: Some(*partition) };
                let known = cheapest.entry((*from, to)).or_insert(change);
                if cost < known.cost {
                    *known = change;
                }
            }
        }
        let counts = self.counts.iter().enumerate().flat_map(|(place, count)| {
            let more = self.evenness * (2 * count + 1);
            let less = -self.evenness * (2 * count - 1);
            let gets = Change { from: place, to: nobody, cost: more, partition: None };
            let gives = Change { from: nobody, to: place, cost: less, partition: None };
            [gets].into_iter().chain((*count > 0).then_some(gives))
        });
        cheapest.into_values().chain(counts).collect()
    }

    /// A circle of changes that makes the plan cheaper, if there is one (Bellman and Ford).
    fn circle(&self) -> Option<Vec<Change>> {
        let changes = self.changes();
        let places = self.members.len() + 1;
        let mut costs = vec![0; places];
        let mut came: Vec<Option<Change>> = vec![None; places];
        let mut last = None;
        for _ in 0..places {
            last = None;
            for change in &changes {
                if costs[change.from] + change.cost < costs[change.to] {
                    costs[change.to] = costs[change.from] + change.cost;
                    came[change.to] = Some(*change);
                    last = Some(change.to);
                }
            }
        }
        let mut place = last?;
        for _ in 0..places {
            place = came[place].expect("a circle is upstream").from;
        }
        let mut circle = Vec::new();
        let start = place;
        loop {
            let change = came[place].expect("it is in the circle");
            circle.push(change);
            place = change.from;
            if place == start {
                return Some(circle);
            }
        }
    }

    fn turn(&mut self, circle: &[Change]) {
        for change in circle {
            if let Some(partition) = change.partition {
                self.owners.insert(partition, change.to);
                self.counts[change.from] -= 1;
                self.counts[change.to] += 1;
            }
        }
    }
}
