//! `within-credit`: what was pushed to a consumer in one subscription and is not worked through costs no more than its
//! credit, unless it is a single push; and a subscription's pushes are taken once each. *Causal*.
//!
//! Both are told by the consumer, about what has come to it: what is still on its way is not counted, though a broker has
//! to count that too. What a consumer has given back it has said before the broker can act on it.
//!
//! Broken by: a broker that pushes whatever there is.

use crate::{Monitor, Scope};
use rehearsal_env::{NodeId, Stamp, Violation};
use rehearsal_model::queue::facts::{Fact, PushFact};
use rehearsal_model::queue::pushing::SubscriptionId;
use std::collections::BTreeMap;

const NAME: &str = "within-credit";

/// What a consumer holds of one subscription.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Held {
    credit: u64,
    /// The number of the fact by which it began.
    begun: u64,
    /// By number, what each push costs.
    pushes: BTreeMap<u64, u64>,
    /// Up to where it is worked through.
    through: u64,
}

/// Adds up what consumers hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WithinCredit {
    held: BTreeMap<(NodeId, SubscriptionId), Held>,
}

impl WithinCredit {
    /// Nobody holds anything.
    pub fn new() -> WithinCredit {
        WithinCredit::default()
    }

    fn came(
        &mut self,
        stamp: &Stamp,
        subscription: SubscriptionId,
        (number, bytes): (u64, u64),
    ) -> Result<(), Violation> {
        let Some(held) = self.held.get_mut(&(stamp.node, subscription)) else { return Ok(()) };
        let again = held.pushes.insert(number, bytes).is_some() || number <= held.through;
        if again {
            let message = format!("push {number} of {subscription} is taken twice");
            return Err(Violation::new(NAME, message, [held.begun, stamp.number]));
        }
        let costs: u64 = held.pushes.values().sum();
        if costs > held.credit && held.pushes.len() > 1 {
            let message = format!(
                "a consumer holds {} pushes of {subscription}, of {costs} bytes, and had credit for {}",
                held.pushes.len(),
                held.credit
            );
            return Err(Violation::new(NAME, message, [held.begun, stamp.number]));
        }
        Ok(())
    }
}

impl Monitor<Fact> for WithinCredit {
    fn name(&self) -> &'static str {
        NAME
    }

    fn scope(&self) -> Scope {
        Scope::Causal
    }

    fn witness(&mut self, stamp: &Stamp, fact: &Fact) -> Result<(), Violation> {
        let Fact::Pushing(what) = fact else { return Ok(()) };
        match *what {
            PushFact::Subscribed { subscription, credit, .. } => {
                let held = Held { credit: u64::from(credit), begun: stamp.number, ..Held::default() };
                self.held.insert((stamp.node, subscription), held);
                Ok(())
            }
            PushFact::Came { subscription, number, bytes } => self.came(stamp, subscription, (number, bytes)),
            PushFact::CreditGiven { subscription, through } => {
                if let Some(held) = self.held.get_mut(&(stamp.node, subscription)) {
                    held.pushes = held.pushes.split_off(&(through + 1));
                    held.through = through;
                }
                Ok(())
            }
            PushFact::CreditSpent { .. } | PushFact::Over { .. } => Ok(()),
        }
    }
}
