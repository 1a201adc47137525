//! Work as a list in the scenario, so that shrinking can leave out any item.

use super::choices::Choices;
use crate::draws::Draws;
use std::ops::RangeInclusive;
use toml::{Table, Value};

/// A list of work: how many items a seed has, and what each says.
#[derive(Clone, Debug)]
pub struct Work {
    pub(super) count: RangeInclusive<u64>,
    pub(super) fields: Vec<(&'static str, Choices)>,
    pub(super) of: Option<&'static str>,
}

impl Work {
    /// So many items; without fields each says no more than that it is there.
    pub fn items(count: RangeInclusive<u64>) -> Work {
        Work { count, fields: Vec::new(), of: None }
    }

    /// With a field.
    pub fn field(mut self, name: &'static str, choices: impl Into<Choices>) -> Work {
        self.fields.push((name, choices.into()));
        self
    }

    /// Each item belongs to one node of this kind, by its number, in a field of the kind's name: see
    /// [`Place::work`](super::Place::work).
    pub fn of(mut self, kind: &'static str) -> Work {
        self.of = Some(kind);
        self
    }

    /// The list, where there are so many of the kind that the items belong to.
    pub(super) fn draw(&self, draws: &Draws, owners: u64) -> Value {
        let count = if owners == 0 {
            0
        } else {
            draws.part("count", 0).between(*self.count.start(), *self.count.end())
        };
        let item = |number| {
            let mut draws = draws.part("item", number);
            let mut item: Table = self
                .fields
                .iter()
                .map(|(name, choices)| ((*name).to_owned(), choices.draw(&mut draws)))
                .collect();
            if let Some(kind) = self.of {
                item.insert(kind.to_owned(), Value::Integer(draws.below(owners) as i64));
            }
            Value::Table(item)
        };
        Value::Array((0..count).map(item).collect())
    }

    /// The plainest item.
    pub(super) fn plain(&self) -> Table {
        let fields = self.fields.iter().map(|(name, choices)| ((*name).to_owned(), choices.plain()));
        let owner = self.of.map(|kind| (kind.to_owned(), Value::Integer(0)));
        fields.chain(owner).collect()
    }
}
