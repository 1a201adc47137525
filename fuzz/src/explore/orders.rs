//! Orders of those whose names make no difference: for keys that are the same whoever is called what.

/// From "who stands at each place" to "at which place each stands".
pub(super) fn places(sorted: &[usize]) -> Vec<u8> {
    let mut places = vec![0; sorted.len()];
    for (place, one) in sorted.iter().enumerate() {
        places[*one] = place as u8;
    }
    places
}

/// Calls `visit` with every order of those that are alike.
pub(super) fn each_order(
    sorted: &mut Vec<usize>,
    from: usize,
    plain: &[Vec<u8>],
    visit: &mut dyn FnMut(&[usize]),
) {
    if from == sorted.len() {
        return visit(sorted);
    }
    for choice in from..sorted.len() {
        if plain[sorted[choice]] == plain[sorted[from]] {
            sorted.swap(from, choice);
            each_order(sorted, from + 1, plain, visit);
            sorted.swap(from, choice);
        }
    }
}
