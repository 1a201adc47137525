//! What each night cost, now and a little before.

use rehearsal_model::database::LogPosition;
use rehearsal_model::reservation::stay::{Night, Stay};
use std::collections::{BTreeMap, VecDeque};

/// How many changes of its nights' rates back a quote may have been made.
pub const CHANGES_BACK: usize = 64;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Rate {
    position: LogPosition,
    price: i64,
    number: u64,
}

/// The rates of every night, the newest last, no more of them than a quote can have been made from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct RateHistory {
    nights: BTreeMap<Night, VecDeque<Rate>>,
}

impl RateHistory {
    /// From this position on the night costs `price`; `number` is the fact's.
    pub fn set(&mut self, position: LogPosition, night: Night, price: i64, number: u64) {
        let rates = self.nights.entry(night).or_default();
        // One more than the changes that may be undone: the rate before the oldest of them.
        if rates.len() > CHANGES_BACK {
            rates.pop_front();
        }
        rates.push_back(Rate { position, price, number });
    }

    /// What the stay costs now; `None` while a night has no rate.
    pub fn price_now(&self, stay: &Stay) -> Option<i64> {
        let mut price = 0;
        for night in stay.nights() {
            price += self.nights.get(&night)?.back()?.price;
        }
        Some(price * stay.rooms)
    }

    /// Whether the stay cost `price` at some one position from now back over the last [`CHANGES_BACK`] commits
    /// that changed the rate of one of its nights.
    pub fn was_price(&self, stay: &Stay, price: i64) -> bool {
        self.price_now(stay) == Some(price) || self.was_price_before(stay, price)
    }

    /// The numbers of the facts that say what the nights cost now.
    pub fn facts(&self, stay: &Stay) -> Vec<u64> {
        stay.nights().filter_map(|night| Some(self.nights.get(&night)?.back()?.number)).collect()
    }

    /// Undoes one commit after the other, the newest first.
    fn was_price_before(&self, stay: &Stay, price: i64) -> bool {
        let mut prices: Vec<Option<i64>> = Vec::new();
        let mut undone: Vec<(LogPosition, usize, Option<i64>)> = Vec::new();
        for (place, night) in stay.nights().enumerate() {
            let rates = self.nights.get(&night);
            prices.push(rates.and_then(VecDeque::back).map(|rate| rate.price));
            let mut before = None;
            for rate in rates.into_iter().flatten() {
                undone.push((rate.position, place, before));
                before = Some(rate.price);
            }
        }
        undone.sort_unstable_by(|one, other| other.cmp(one));
        undone.chunk_by(|one, other| one.0 == other.0).take(CHANGES_BACK).any(|commit| {
            for (_, place, before) in commit {
                prices[*place] = *before;
            }
            let nights: Option<i64> = prices.iter().copied().sum();
            nights.map(|nights| nights * stay.rooms) == Some(price)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rehearsal_model::reservation::stay::RoomType;

    const ROOM_TYPE: RoomType = RoomType { hotel: 1, kind: 1 };
    const STAY: Stay = Stay { room_type: ROOM_TYPE, start: 1, end: 3, rooms: 2 };

    fn history(changes: &[(u64, i64, i64)]) -> RateHistory {
        let mut rates = RateHistory::default();
        for (number, (position, date, price)) in changes.iter().enumerate() {
            let night = Night { room_type: ROOM_TYPE, date: *date };
            rates.set(LogPosition(*position), night, *price, number as u64);
        }
        rates
    }

    #[test]
    fn a_stay_costs_the_sum_of_its_nights_for_every_room() {
        let rates = history(&[(1, 1, 100), (1, 2, 30)]);
        assert_eq!(rates.price_now(&STAY), Some(260));
        assert!(rates.was_price(&STAY, 260) && !rates.was_price(&STAY, 130));
        assert_eq!(rates.facts(&STAY), [0, 1]);
    }

    #[test]
    fn only_prices_that_stood_together_make_a_quote() {
        let rates = history(&[(1, 1, 100), (1, 2, 30), (2, 1, 200), (3, 2, 60)]);
        assert!([520, 460, 260].into_iter().all(|price| rates.was_price(&STAY, price)));
        assert!(!rates.was_price(&STAY, 320), "the old price of one night and the new one of the other");
    }

    #[test]
    fn nights_without_a_rate_have_no_price() {
        let rates = history(&[(1, 1, 100)]);
        assert_eq!(rates.price_now(&STAY), None);
        assert!(!rates.was_price(&STAY, 200));
    }

    #[test]
    fn what_is_too_long_ago_is_no_price_any_more() {
        let changes: Vec<_> = (1..=CHANGES_BACK as u64 + 2).map(|at| (at, 1, at as i64)).collect();
        let mut rates = history(&changes);
        let one = Stay { end: 2, rooms: 1, ..STAY };
        assert!(!rates.was_price(&one, 1));
        assert!(rates.was_price(&one, 2));
        rates.set(LogPosition(100), Night { room_type: ROOM_TYPE, date: 1 }, 1000, 0);
        assert!(!rates.was_price(&one, 2));
    }
}
