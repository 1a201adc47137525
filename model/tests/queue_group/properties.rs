//! Whatever happens, the promises hold; and enough happens.

use super::stage::{Broken, Happening, Stage, happenings};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use rehearsal_model::queue::defects::Defects;

pub fn run(defects: Defects, happenings: Vec<Happening>) -> Result<Stage, Broken> {
    let mut stage = Stage::new(defects);
    for happening in happenings {
        stage.happen(happening)?;
    }
    stage.calm()?;
    Ok(stage)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_promise_is_broken_and_the_group_settles_in_the_calm(happenings in happenings()) {
        let outcome = run(Defects::NONE, happenings);
        prop_assert!(outcome.is_ok(), "broken: {:?}", outcome.err());
    }
}

#[test]
fn the_generated_groups_share_out_many_generations() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut shared_out = 0;
    for _ in 0..100 {
        let happenings = happenings().new_tree(&mut runner).expect("it can be generated").current();
        shared_out += run(Defects::NONE, happenings).expect("no promise is broken").shared_out;
    }
    assert!(shared_out > 300, "{shared_out} generations in 100 runs");
}
