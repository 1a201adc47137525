//! A new coordinator reads its partition of the offsets topic from the start.

use super::{Group, Phase, Stage};
use crate::queue::defects::Defects;
use crate::queue::group::attendant::Attendant;
use crate::queue::group::entry::GroupEntry;
use crate::queue::group::step::{Knobs, Output};

impl Group {
    /// The group as these entries tell it: all that is in the group's partition of the offsets topic, from its start to
    /// its end. No request waits, and the members' silence begins anew: their session timers are added to `out`. A generation
    /// without a plan is given up, and the next one is formed.
    ///
    /// Nothing may be asked of it before the partition was read to its end. Timers and writes of earlier coordinators
    /// are not to be reported to it: the numbers begin anew.
    pub fn recover(
        entries: impl IntoIterator<Item = GroupEntry>,
        knobs: Knobs,
        defects: Defects,
        out: &mut Vec<Output>,
    ) -> Group {
        let mut group = Group::new(knobs, defects);
        for entry in entries {
            group.read(entry);
        }
        for id in group.those(|_| true) {
            group.hear_of(id, out);
        }
        // Its leader may have planned already, and know nothing of a plan that is lost.
        if group.phase == Phase::Completing(Stage::Planning) {
            group.prepare_rebalance(out);
        }
        group
    }

    fn read(&mut self, entry: GroupEntry) {
        match entry {
            GroupEntry::Offsets { offsets } => self.offsets.recover(offsets),
            GroupEntry::OffsetsWithin { producer, offsets } => self.offsets.open(producer, offsets),
            GroupEntry::TransactionEnded { producer, verdict } => self.offsets.ended(producer, verdict),
            GroupEntry::Asked => {}
            GroupEntry::Generation { generation, lead, members, planned } => {
                self.phase = match (members.is_empty(), planned) {
                    (true, _) => Phase::Empty,
                    (false, true) => Phase::Stable,
                    (false, false) => Phase::Completing(Stage::Planning),
                };
                (self.generation, self.lead) = (generation, lead);
                self.members = members
                    .into_iter()
                    .map(|(id, entry)| (id, Attendant::recovered(entry, generation)))
                    .collect();
            }
        }
    }
}
