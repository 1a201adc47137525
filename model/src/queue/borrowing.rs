//! A consumer of a group to whose members messages are lent: it takes its time over every message, and now and then more
//! than its loan has.

use super::client::{Borrower, Client, Loan, Use};
use super::facts::Fact;
use super::group::{Generation, MemberId};
use super::lending::Held;
use super::message::MessageId;
use super::partition::{Partition, Topic};
use super::plan::{ConsumerPlan, Plan};
use super::record::Record;
use rehearsal_env::{Env, NodeId, Span};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Over one of so many messages it takes longer than its loan has.
const SELDOM: u64 = 24;

/// Runs such a consumer on this node, for ever.
///
/// # Panics
/// When the plan says nothing about how long a loan lasts.
pub async fn borrow<E: Env<Fact = Fact>>(
    env: E,
    plan: Arc<Plan>,
    brokers: Vec<NodeId>,
    consumer: ConsumerPlan,
) {
    let client = Client::bind(&env, brokers, &plan.knobs);
    let loan = consumer.loan.expect("a loan lasts for some time");
    let using = Using {
        env: env.clone(),
        group: consumer.group,
        member: MemberId(env.bits()),
        loan,
        fails: plan.failing(),
        plan: plan.clone(),
    };
    let lent_to = (consumer.group, loan);
    let borrower = Borrower::new(&env, client, lent_to, using, plan.terms(&consumer), &plan);
    let topic = Topic::Named(consumer.topic);
    for number in 0..plan.partitions_of(topic) {
        env.spawn(borrower.clone().work(Partition { topic, number }));
    }
    std::future::pending().await
}

struct Using<E: Env> {
    env: E,
    plan: Arc<Plan>,
    group: u32,
    /// Who it calls itself: it is a member of no generation.
    member: MemberId,
    loan: Span,
    /// How many of the first tries at a message fail.
    fails: BTreeMap<MessageId, u32>,
}

impl<E: Env<Fact = Fact>> Use for Using<E> {
    async fn make(&self, Loan { held, tries }: Loan, record: &Record) -> bool {
        self.env.sleep(self.plan.knobs.processing.duration()).await;
        if self.env.below(SELDOM) == 0 {
            self.env.sleep(self.loan.duration()).await;
        }
        let Some(message) = MessageId::of_value(&record.value) else { return true };
        let Held { partition, offset, .. } = held;
        let (group, member, generation) = (self.group, self.member, Generation::default());
        let succeeds = self.fails.get(&message).is_none_or(|fails| tries >= *fails);
        self.env.observe(match succeeds {
            true => {
                let record = record.checksum();
                Fact::Processed { group, member, generation, partition, offset, message, record }
            }
            false => Fact::Failed { group, member, partition, offset, message, tries: tries + 1 },
        });
        succeeds
    }
}
