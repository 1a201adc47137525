//! What somebody asks of a test from outside: by an environment variable.

use crate::campaign::{GREATEST_SEED, SeedRange};
use std::ffi::OsString;
use std::path::PathBuf;

/// How many seeds, or which, in place of what the test says: `REHEARSAL_SEEDS=10000` or `REHEARSAL_SEEDS=500..1000`.
pub const SEEDS: &str = "REHEARSAL_SEEDS";
/// This seed and no other: `REHEARSAL_SEED=7`.
pub const SEED: &str = "REHEARSAL_SEED";
/// The scenario of this file and no other: `REHEARSAL_SCENARIO=path/to/file.toml`.
pub const SCENARIO: &str = "REHEARSAL_SCENARIO";

/// What is to be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// A campaign; of other seeds than the test says, if any are given.
    Campaign(Option<SeedRange>),
    /// One seed.
    Seed(u64),
    /// One file.
    Scenario(PathBuf),
}

/// An environment variable that says nothing that can be done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct Unclear(String);

impl Asked {
    /// What the environment says, which `variable` reads. One that is empty is as good as none.
    pub(super) fn of(variable: impl Fn(&str) -> Option<OsString>) -> Result<Asked, Unclear> {
        let given = |name| variable(name).filter(|value| !value.is_empty());
        let text = |name, value: OsString| {
            value.into_string().map_err(|value| Unclear(format!("{name}={} is no text", value.display())))
        };
        match (given(SEED), given(SCENARIO), given(SEEDS)) {
            (Some(_), Some(_), _) => Err(Unclear(format!(
                "{SEED} and {SCENARIO} are both set: each asks for one run, unset one of them"
            ))),
            (Some(seed), None, _) => {
                let seed = text(SEED, seed)?;
                let read = seed.parse().ok().filter(|seed| *seed <= GREATEST_SEED);
                let unclear = || {
                    Unclear(format!(
                        "{SEED}={seed} is no seed: write a whole number from 0 to {GREATEST_SEED}"
                    ))
                };
                read.map(Asked::Seed).ok_or_else(unclear)
            }
            (None, Some(path), _) => Ok(Asked::Scenario(path.into())),
            (None, None, Some(seeds)) => {
                let seeds = text(SEEDS, seeds)?;
                let read = seeds.parse().map_err(|error| Unclear(format!("{SEEDS}={seeds}: {error}")))?;
                Ok(Asked::Campaign(Some(read)))
            }
            (None, None, None) => Ok(Asked::Campaign(None)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(set: &[(&str, &str)]) -> Result<Asked, String> {
        let variable =
            |name: &str| set.iter().find(|(set, _)| *set == name).map(|(_, value)| (*value).into());
        Asked::of(variable).map_err(|unclear| unclear.to_string())
    }

    #[test]
    fn nothing_or_an_empty_variable_asks_for_the_campaign_of_the_test() {
        assert_eq!(asked(&[]), Ok(Asked::Campaign(None)));
        assert_eq!(asked(&[(SEED, ""), (SCENARIO, ""), (SEEDS, "")]), Ok(Asked::Campaign(None)));
    }

    #[test]
    fn one_run_goes_before_a_number_of_seeds() {
        assert_eq!(asked(&[(SEEDS, "20")]), Ok(Asked::Campaign(Some(SeedRange { from: 0, to: 20 }))));
        assert_eq!(asked(&[(SEEDS, "20"), (SEED, "7")]), Ok(Asked::Seed(7)));
        assert_eq!(asked(&[(SCENARIO, "a.toml"), (SEEDS, "x")]), Ok(Asked::Scenario("a.toml".into())));
    }

    #[test]
    fn what_cannot_be_done_is_told_with_the_mend() {
        for (set, told) in [
            (
                vec![(SEED, "x")],
                "REHEARSAL_SEED=x is no seed: write a whole number from 0 to 9223372036854775807",
            ),
            (vec![(SEED, "-1")], "REHEARSAL_SEED=-1 is no seed"),
            (vec![(SEED, "9223372036854775808")], "is no seed"),
            (vec![(SEEDS, "many")], "REHEARSAL_SEEDS=many: `many` is no range of seeds"),
            (vec![(SEEDS, "0")], "there is no seed in `0`"),
            (vec![(SEED, "1"), (SCENARIO, "a.toml")], "are both set"),
        ] {
            let error = asked(&set).expect_err("it cannot be done");
            assert!(error.contains(told), "{error}");
        }
    }
}
