//! What a seed means.

use crate::stage::{Handle, Stage, note, with_faults};
use rehearsal_env::{Clock, Random};
use rehearsal_sim::{Decider, Question, Seeded, Site};
use std::time::Duration;

/// A seed that somebody wrote down must give the same run next year. What a run draws is decided by two things alone:
/// the answers of [`Seeded`], which are arithmetic of our own, and the stream of `rand_chacha` that every node has. A
/// new version of that library that gives other numbers, or takes its seed otherwise, shows here and nowhere else: then
/// the old version stays, or seeds mean something new and the changelog says so.
#[test]
fn a_seed_means_the_same_for_ever() {
    let mut stage = Stage::new(42, with_faults(vec![]));
    for name in ["node-0", "node-1"] {
        stage.start(name, |env: Handle| async move {
            for _ in 0..4 {
                note(&env, "bits", env.bits());
            }
            let mut random = env.random();
            note(&env, "narrow", rand_core::Rng::next_u32(&mut random).into());
            let mut bytes = [0; 8];
            rand_core::Rng::fill_bytes(&mut random, &mut bytes);
            note(&env, "bytes", u64::from_le_bytes(bytes));
            note(&env, "die", 1 + env.below(6));
            env.sleep(Duration::MAX).await;
        });
    }
    let seen = stage.run().sound();
    let mut told: Vec<_> = seen.facts.iter().map(|(stamp, note)| (stamp.node.0, note.0, note.1)).collect();
    // Which of the nodes begins is decided by the seed too; the next test pins that.
    told.sort_by_key(|(node, _, _)| *node);
    let expected = [
        (0, "bits", 2_530_822_951_080_696_517),
        (0, "bits", 5_136_389_304_724_546_125),
        (0, "bits", 17_943_544_646_731_069_923),
        (0, "bits", 13_089_733_895_748_824_014),
        (0, "narrow", 2_922_434_628),
        (0, "bytes", 9_212_640_659_068_951_549),
        (0, "die", 4),
        (1, "bits", 12_331_914_170_412_075_228),
        (1, "bits", 3_421_059_228_745_214_241),
        (1, "bits", 9_949_382_647_041_422_545),
        (1, "bits", 9_077_430_575_314_906_771),
        (1, "narrow", 362_649_181),
        (1, "bytes", 12_519_785_948_044_421_916),
        (1, "die", 2),
    ];
    assert_eq!(told, expected);
}

/// As above, for what the world decides: a few questions, and their answers under three seeds.
#[test]
fn the_seeded_answers_are_the_same_for_ever() {
    let answers = [0, 42, u64::MAX].map(|seed| {
        let mut seeded = Seeded::new(seed);
        let question = |site, ordinal| Question { cause: 77, entity: 3, site, ordinal };
        let values = [Site::Latency, Site::DiskLatency, Site::NodeSeed]
            .map(|site| seeded.value(question(site, 0), 0, u64::MAX - 1));
        let ordinals =
            [0, 1, 2, 3, 4, 5, 6, 7].map(|ordinal| seeded.value(question(Site::Scenario, ordinal), 1, 6));
        let fates =
            [0, 1, 2, 3, 4, 5, 6, 7].map(|ordinal| seeded.fate(question(Site::Message, ordinal), &[2, 1, 1]));
        (values, ordinals, fates)
    });
    let expected = [
        (
            [8_793_619_866_388_601_092, 6_716_343_586_546_916_165, 7_753_393_745_255_749_199],
            [6, 4, 3, 5, 4, 5, 2, 5],
            [0, 1, 1, 0, 0, 2, 0, 0],
        ),
        (
            [547_727_184_680_850_008, 9_099_719_562_493_789_039, 13_788_561_296_826_816_914],
            [1, 4, 4, 4, 6, 1, 5, 5],
            [2, 1, 0, 0, 0, 0, 0, 0],
        ),
        (
            [1_657_877_179_423_311_067, 12_843_523_480_683_387_927, 7_183_107_573_857_747_293],
            [4, 1, 4, 2, 3, 1, 4, 2],
            [0, 0, 0, 2, 2, 0, 2, 2],
        ),
    ];
    assert_eq!(answers, expected);
}
