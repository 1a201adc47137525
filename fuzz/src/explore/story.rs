//! A path of a search, told step by step.

use super::core::Core;
use super::search::Violation;

/// Walks the steps from the beginning. None when no promise is broken at their end.
pub(super) fn tell<C: Core>(core: &C, actions: &[C::Action], shortest: bool) -> Option<Violation> {
    let mut state = core.first();
    let (mut steps, mut story) = (Vec::new(), Vec::new());
    for action in actions {
        let next = core.next(&state, action);
        let label = C::label(action);
        let consequences = core.consequences(&state, &next);
        let mut sentence = label.clone();
        for consequence in consequences {
            sentence.push_str("; ");
            sentence.push_str(&consequence);
        }
        steps.push(label);
        story.push(sentence);
        state = next;
    }
    let broken = C::PROMISES.iter().filter(|promise| !(promise.holds)(core, &state));
    let broken: Vec<_> = broken.collect();
    let first = broken.first()?;
    Some(Violation {
        promise: first.name,
        says: first.says,
        broken: broken.iter().map(|promise| promise.name).collect(),
        steps,
        story,
        picture: core.picture(&state),
        shortest,
    })
}

/// The steps of these words, as far as they are possible one after the other; which one is not, if any.
pub(super) fn walk<C: Core>(core: &C, labels: &[String]) -> Result<Vec<C::Action>, usize> {
    let mut state = core.first();
    let mut walked = Vec::new();
    for (number, label) in labels.iter().enumerate() {
        let mut actions = Vec::new();
        core.actions(&state, &mut actions);
        let action = actions.into_iter().find(|action| C::label(action) == *label).ok_or(number)?;
        state = core.next(&state, &action);
        walked.push(action);
    }
    Ok(walked)
}
