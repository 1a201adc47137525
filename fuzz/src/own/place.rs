//! Where a program runs.

use super::knobs::Knobs;
use super::values::Values;
use rehearsal_env::NodeId;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Where a program runs: which node of its kind it is, who else there is, and how the knobs stand.
#[derive(Clone, Debug)]
pub struct Place {
    /// Its kind.
    pub kind: &'static str,
    /// Which of its kind it is, from 0.
    pub number: u32,
    /// How the knobs of the run stand.
    pub knobs: Arc<Knobs>,
    /// All nodes by their kind, each kind in the order of the numbers.
    pub(super) everybody: Arc<BTreeMap<&'static str, Vec<NodeId>>>,
}

impl Place {
    /// The first node of a kind: the only one of what was declared by [`node`](super::Declaration::node).
    ///
    /// # Panics
    /// When no such kind was declared, or there are none.
    pub fn node(&self, kind: &str) -> NodeId {
        *self.nodes(kind).first().unwrap_or_else(|| panic!("there is no {kind} in this run"))
    }

    /// The nodes of a kind.
    ///
    /// # Panics
    /// When no such kind was declared.
    pub fn nodes(&self, kind: &str) -> &[NodeId] {
        let known = || self.everybody.keys().copied().collect::<Vec<_>>().join(", ");
        let nodes = self.everybody.get(kind);
        nodes.unwrap_or_else(|| panic!("there is no kind of node `{kind}`: there are {}", known()))
    }

    /// The other nodes of its kind.
    pub fn others(&self) -> impl Iterator<Item = NodeId> {
        let nodes = self.nodes(self.kind).iter().enumerate();
        nodes.filter(|(number, _)| *number != self.number as usize).map(|(_, node)| *node)
    }

    /// The items of a list of work that are this node's: those that name it, where the list says [whose](super::Work::of)
    /// each is, else all.
    ///
    /// # Panics
    /// When no such list was declared.
    pub fn work(&self, list: &str) -> impl Iterator<Item = &Values> {
        let is_mine =
            |item: &&Values| item.names(self.kind).is_none_or(|number| number == u64::from(self.number));
        self.knobs.work(list).iter().filter(is_mine)
    }
}
