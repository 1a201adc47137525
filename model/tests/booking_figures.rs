//! The tables of real bookings: their sums, and that draws give the data's quantiles again.

use rehearsal_model::reservation::figures::{
    Fate, FateWeights, Figures, HotelKind, Stay, Table, WHOLE, draw_stay,
};

const KINDS: [HotelKind; 2] = [HotelKind::City, HotelKind::Resort];

/// A counter mixed by the steps of splitmix64, scaled to the bound by the high half of a product.
fn counted() -> impl FnMut(u64) -> u64 {
    let mut counter = 0u64;
    move |bound| {
        counter += 1;
        let mut mixed = counter.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((u128::from(mixed ^ (mixed >> 31)) * u128::from(bound)) >> 64) as u64
    }
}

fn tables(figures: &Figures) -> [&Table; 8] {
    [
        &figures.lead_days_when_kept,
        &figures.days_to_cancellation,
        &figures.days_left_at_cancellation,
        &figures.nights,
        &figures.guests,
        &figures.price_cents,
        &figures.bookings_per_day,
        &figures.alike_bookings,
    ]
}

/// p50 and p90 of 100,000 numbers.
fn median_and_p90(mut draw: impl FnMut() -> u32) -> (u32, u32) {
    let mut drawn: Vec<u32> = (0..100_000).map(|_| draw()).collect();
    drawn.sort_unstable();
    (drawn[50_000], drawn[90_000])
}

#[track_caller]
fn assert_near(what: &str, drawn: (u32, u32), data: (u32, u32)) {
    let near = |a: u32, b: u32| a.abs_diff(b) * 100 <= b * 5;
    assert!(near(drawn.0, data.0) && near(drawn.1, data.1), "{what}: drawn {drawn:?}, data {data:?}");
}

#[test]
fn every_table_sums_to_the_whole_and_its_segments_rise() {
    for figures in KINDS.map(HotelKind::figures) {
        for table in tables(figures) {
            assert_eq!(table.weights.iter().sum::<u32>(), WHOLE, "{table:?}");
            assert_eq!(table.weights.len(), table.ends.len(), "{table:?}");
            assert!(table.least <= table.ends[0], "{table:?}");
            assert!(table.ends.is_sorted_by(|one, next| one < next), "{table:?}");
        }
        assert_eq!(figures.room_types.iter().map(|room_type| room_type.weight).sum::<u32>(), WHOLE);
        assert!(figures.room_types.iter().all(|room_type| room_type.physical_rooms > 0));
        let FateWeights { stays, no_show, cancels } = figures.fates;
        assert_eq!(stays + no_show + cancels, WHOLE);
        assert!(
            figures.days_to_cancellation.greatest() <= figures.longest_lead_days_when_cancelled,
            "the cap on a cancelled booking's lead must never put its cancellation after arrival"
        );
    }
}

#[test]
fn drawn_stays_have_the_medians_and_ninetieths_of_the_data() {
    let data = [
        // lead days, nights, guests, price in cents
        (HotelKind::City, [(74, 277), (3, 5), (2, 3), (9990, 15_633)]),
        (HotelKind::Resort, [(57, 238), (3, 8), (2, 3), (7500, 18_900)]),
    ];
    for (kind, [lead_days, nights, guests, price_cents]) in data {
        let mut uniform = counted();
        let stays: Vec<Stay> = (0..100_000).map(|_| draw_stay(kind, &mut uniform)).collect();
        let of = |field: fn(&Stay) -> u32| {
            let mut values = stays.iter().map(field);
            median_and_p90(|| values.next().expect("as many as stays"))
        };
        assert_near("lead days", of(|stay| stay.lead_days), lead_days);
        assert_near("nights", of(|stay| stay.nights), nights);
        assert_near("guests", of(|stay| stay.guests), guests);
        assert_near("price", of(|stay| stay.price_cents), price_cents);
    }
}

#[test]
fn drawn_tables_have_the_medians_and_ninetieths_of_the_data() {
    let data = [
        // kept lead days, days to cancellation, days left at it, bookings per day, alike bookings
        (HotelKind::City, [(49, 203), (26, 169), (58, 231), (72, 166), (1, 2)]),
        (HotelKind::Resort, [(37, 220), (21, 164), (51, 199), (33, 85), (1, 1)]),
    ];
    for (kind, [kept, to_cancellation, left, per_day, alike]) in data {
        let figures = kind.figures();
        let mut uniform = counted();
        let mut of = |table: &Table| median_and_p90(|| table.draw(&mut uniform));
        assert_near("kept lead days", of(&figures.lead_days_when_kept), kept);
        assert_near("days to cancellation", of(&figures.days_to_cancellation), to_cancellation);
        assert_near("days left", of(&figures.days_left_at_cancellation), left);
        assert_near("bookings per day", of(&figures.bookings_per_day), per_day);
        assert_near("alike bookings", of(&figures.alike_bookings), alike);
    }
}

#[test]
fn fates_and_copies_have_the_shares_of_the_data() {
    // Per 1000: cancelled of all, same day of the cancelled, no-show of all, copies of all.
    let data = [(HotelKind::City, [406, 180, 12, 356]), (HotelKind::Resort, [270, 117, 7, 180])];
    for (kind, expected) in data {
        let mut uniform = counted();
        let stays: Vec<Stay> = (0..100_000).map(|_| draw_stay(kind, &mut uniform)).collect();
        let count = |which: fn(&Fate) -> bool| stays.iter().filter(|stay| which(&stay.fate)).count();
        let cancelled = count(|fate| matches!(fate, Fate::Cancels { .. }));
        let same_day = count(|fate| matches!(fate, Fate::Cancels { after_days: 0 }));
        let no_show = count(|fate| matches!(fate, Fate::NoShow));
        let sets = 100_000;
        let alike = &kind.figures().alike_bookings;
        let rows: u32 = (0..sets).map(|_| alike.draw(&mut uniform)).sum();
        let copies = (rows - sets) as usize * 1000 / rows as usize;
        let shares = [cancelled / 100, same_day * 1000 / cancelled, no_show / 100, copies];
        for (share, expected) in shares.into_iter().zip(expected) {
            assert!(share.abs_diff(expected) <= 10, "{kind:?}: drawn {shares:?}, data {expected}");
        }
    }
}

#[test]
fn nobody_cancels_after_arrival_and_every_value_stays_in_range() {
    for kind in KINDS {
        let figures = kind.figures();
        let longest = figures.longest_lead_days_when_cancelled.max(figures.lead_days_when_kept.greatest());
        let mut uniform = counted();
        for _ in 0..100_000 {
            let stay = draw_stay(kind, &mut uniform);
            assert!(usize::from(stay.room_type) < figures.room_types.len(), "{stay:?}");
            assert!(stay.lead_days <= longest, "{stay:?}");
            assert!(stay.nights <= figures.nights.greatest(), "{stay:?}");
            assert!(stay.guests <= figures.guests.greatest(), "{stay:?}");
            assert!(stay.price_cents <= figures.price_cents.greatest(), "{stay:?}");
            if let Fate::Cancels { after_days } = stay.fate {
                assert!(after_days <= stay.lead_days, "{stay:?}");
            }
        }
    }
}

#[test]
fn border_draws_give_the_least_and_the_greatest() {
    for kind in KINDS {
        let figures = kind.figures();
        for table in tables(figures) {
            assert_eq!(table.draw(&mut |_| 0), table.least);
            assert_eq!(table.draw(&mut |bound| bound - 1), table.greatest());
        }
        assert_eq!(draw_stay(kind, &mut |_| 0).fate, Fate::Stays);
        let last = draw_stay(kind, &mut |bound| bound - 1);
        assert_eq!(last.fate, Fate::Cancels { after_days: figures.days_to_cancellation.greatest() });
        assert_eq!(last.lead_days, figures.longest_lead_days_when_cancelled);
    }
}

#[test]
#[should_panic(expected = "a draw below 100000 gave 100000")]
fn a_source_that_breaks_its_bound_is_stopped() {
    draw_stay(HotelKind::City, &mut |bound| bound);
}
