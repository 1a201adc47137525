//! What real hotel bookings look like, as tables of whole numbers.
//!
//! Derived from N. Antonio, A. de Almeida, L. Nunes, *Hotel booking demand datasets*, Data in Brief
//! 22 (2019) 41-49, CC BY 4.0: 79,330 bookings of a city hotel and 40,060 of a resort hotel. Only the
//! figures stand here, none of the bookings.
//!
//! Every table holds shares per 100,000 that sum exactly, and every draw asks its caller for a number
//! below a bound, so that any deterministic source can drive it and no rounding differs between
//! machines. The figures the tables were made from, as `p50 / p90 / greatest`:
//!
//! | | city | resort |
//! |---|---|---|
//! | lead time, all bookings, days | 74 / 277 / 629 | 57 / 238 / 737 |
//! | lead time of those not cancelled, days | 49 / 203 / 518 | 37 / 220 / 737 |
//! | days from booking to cancellation | 26 / 169 / 584 | 21 / 164 / 459 |
//! | days left to arrival at cancellation | 58 / 231 / 526 | 51 / 199 / 411 |
//! | nights | 3 / 5 / 57 | 3 / 8 / 69 |
//! | guests | 2 / 3 / 12 | 2 / 3 / 55 |
//! | price of a night, cents | 9990 / 15,633 / 540,000 | 7500 / 18,900 / 50,800 |
//! | bookings on a day that has any | 72 / 166 / 2509 | 33 / 85 / 380 |
//! | bookings alike in everything | 1 / 2 / 180 | 1 / 1 / 55 |
//! | cancelled, of all bookings | 40.6 % | 27.0 % |
//! | cancelled on the day of booking, of the cancelled | 18.0 % | 11.7 % |
//! | no-show, of all bookings | 1.2 % | 0.7 % |
//! | copies of an earlier booking (groups) | 35.6 % | 18.0 % |
//!
//! Three things were adjusted. One price below zero counts as zero. Twelve bookings of a room type `P`,
//! none of which has a night or a room, are left out of the room types. And lead time is not one table:
//! long leads are cancelled far more often, and nobody cancels after arrival. Days to the cancellation plus
//! days left after it give a cancelled booking's lead time, which keeps both, and the whole's lead time
//! within a few days of the data's.

/// What the shares of every table sum to.
pub const WHOLE: u32 = 100_000;

/// Where draws take their numbers from: given a bound above zero, a number below it, each as likely.
pub type Uniform<'a> = &'a mut dyn FnMut(u64) -> u64;

/// The two hotels of the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HotelKind {
    /// A hotel in a city: short stays, many agencies, two of five bookings cancelled.
    City,
    /// A hotel at the coast: stays of a week, families, fewer cancellations.
    Resort,
}

impl HotelKind {
    /// The figures of this hotel.
    pub fn figures(self) -> &'static Figures {
        match self {
            HotelKind::City => &CITY,
            HotelKind::Resort => &RESORT,
        }
    }
}

/// A distribution over whole numbers, as adjoining segments.
///
/// Segment `i` runs from the number after `ends[i - 1]` (the first: from `least`) to `ends[i]`, both
/// included, and has `weights[i]` of [`WHOLE`]. Within a segment every number is as likely.
#[derive(Debug, PartialEq, Eq)]
pub struct Table {
    /// The smallest number that can be drawn.
    pub least: u32,
    /// The last number of each segment, rising; the last of all is the greatest that can be drawn.
    pub ends: &'static [u32],
    /// The share of each segment, per [`WHOLE`].
    pub weights: &'static [u32],
}

impl Table {
    /// The greatest number that can be drawn.
    pub fn greatest(&self) -> u32 {
        self.ends[self.ends.len() - 1]
    }

    /// Draws a number: first a segment by its share, then a number within it.
    pub fn draw(&self, uniform: Uniform) -> u32 {
        let segment = draw_index(self.weights.iter().copied(), uniform);
        let first = if segment == 0 { self.least } else { self.ends[segment - 1] + 1 };
        let numbers = u64::from(self.ends[segment] - first) + 1;
        first + below(numbers, uniform) as u32
    }
}

/// A room type of a hotel, as guests reserve it.
#[derive(Debug, PartialEq, Eq)]
pub struct RoomTypeFigure {
    /// The letter the data knows it by.
    pub letter: char,
    /// Its share of the bookings, per [`WHOLE`].
    pub weight: u32,
    /// How many rooms there are: the most that were ever occupied at once.
    pub physical_rooms: u32,
}

/// How bookings end, in shares per [`WHOLE`].
#[derive(Debug, PartialEq, Eq)]
pub struct FateWeights {
    /// The guest came.
    pub stays: u32,
    /// The guest never came and never cancelled.
    pub no_show: u32,
    /// The guest cancelled, on the day of arrival at the latest.
    pub cancels: u32,
}

/// The figures of one hotel.
#[derive(Debug, PartialEq, Eq)]
pub struct Figures {
    /// The room types, by letter.
    pub room_types: &'static [RoomTypeFigure],
    /// How bookings end.
    pub fates: FateWeights,
    /// Days from booking to arrival, of bookings that were not cancelled.
    pub lead_days_when_kept: Table,
    /// Days from booking to cancellation. The share of 0 is the share cancelled on the day of booking.
    pub days_to_cancellation: Table,
    /// Days from cancellation to arrival.
    pub days_left_at_cancellation: Table,
    /// The longest lead time of a cancelled booking, days.
    pub longest_lead_days_when_cancelled: u32,
    /// Nights of a stay. Zero happens: a booking for the day, which takes no room over night.
    pub nights: Table,
    /// Guests of one booking. Zero happens: a room kept free for a group.
    pub guests: Table,
    /// Price of one night, cents. Zero happens: a free night.
    pub price_cents: Table,
    /// Bookings made on one day, over the days that have any. The last segments are group loads.
    pub bookings_per_day: Table,
    /// How many bookings alike in everything come together, over sets of such bookings. 1 is a booking alone.
    pub alike_bookings: Table,
}

/// How a drawn booking will end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fate {
    /// The guest comes.
    Stays,
    /// The guest does not come; the nights stay taken.
    NoShow,
    /// The guest cancels.
    Cancels {
        /// Days after the booking, never more than its lead time; 0 is the same day.
        after_days: u32,
    },
}

/// One drawn booking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stay {
    /// Index into [`Figures::room_types`].
    pub room_type: u8,
    /// Days from booking to arrival.
    pub lead_days: u32,
    /// Nights; 0 takes no room over night.
    pub nights: u32,
    /// Guests.
    pub guests: u32,
    /// Price of one night, cents.
    pub price_cents: u32,
    /// How it ends.
    pub fate: Fate,
}

impl Figures {
    /// Draws a room type, as an index into [`Figures::room_types`].
    pub fn draw_room_type(&self, uniform: Uniform) -> u8 {
        draw_index(self.room_types.iter().map(|room_type| room_type.weight), uniform) as u8
    }

    /// Draws how a booking ends and its lead time in days, which belong together.
    pub fn draw_fate_and_lead_days(&self, uniform: Uniform) -> (Fate, u32) {
        let FateWeights { stays, no_show, cancels } = self.fates;
        match draw_index([stays, no_show, cancels].into_iter(), uniform) {
            0 => (Fate::Stays, self.lead_days_when_kept.draw(uniform)),
            1 => (Fate::NoShow, self.lead_days_when_kept.draw(uniform)),
            _ => {
                let after_days = self.days_to_cancellation.draw(uniform);
                let lead_days = after_days + self.days_left_at_cancellation.draw(uniform);
                (Fate::Cancels { after_days }, lead_days.min(self.longest_lead_days_when_cancelled))
            }
        }
    }
}

/// Draws one booking of a hotel of this kind: room type, fate with lead time, nights, guests, price, in this
/// order, so that the same source always gives the same booking.
pub fn draw_stay(kind: HotelKind, uniform: Uniform) -> Stay {
    let figures = kind.figures();
    let room_type = figures.draw_room_type(uniform);
    let (fate, lead_days) = figures.draw_fate_and_lead_days(uniform);
    let nights = figures.nights.draw(uniform);
    let guests = figures.guests.draw(uniform);
    let price_cents = figures.price_cents.draw(uniform);
    Stay { room_type, lead_days, nights, guests, price_cents, fate }
}

/// Asks for a number and holds the source to its promise: one that broke it would shift every later draw.
fn below(bound: u64, uniform: Uniform) -> u64 {
    let number = uniform(bound);
    assert!(number < bound, "a draw below {bound} gave {number}");
    number
}

/// Draws an index by weights that sum to [`WHOLE`].
fn draw_index(weights: impl Iterator<Item = u32>, uniform: Uniform) -> usize {
    let position = below(u64::from(WHOLE), uniform);
    let mut passed = 0;
    for (index, weight) in weights.enumerate() {
        passed += u64::from(weight);
        if position < passed {
            return index;
        }
    }
    unreachable!("weights sum to {passed}, not to {WHOLE}")
}

static CITY: Figures = Figures {
    room_types: &[
        RoomTypeFigure { letter: 'A', weight: 78_914, physical_rooms: 217 },
        RoomTypeFigure { letter: 'B', weight: 1406, physical_rooms: 14 },
        RoomTypeFigure { letter: 'C', weight: 18, physical_rooms: 2 },
        RoomTypeFigure { letter: 'D', weight: 14_836, physical_rooms: 64 },
        RoomTypeFigure { letter: 'E', weight: 1958, physical_rooms: 13 },
        RoomTypeFigure { letter: 'F', weight: 2258, physical_rooms: 9 },
        RoomTypeFigure { letter: 'G', weight: 610, physical_rooms: 5 },
    ],
    fates: FateWeights { stays: 58_273, no_show: 1155, cancels: 40_572 },
    lead_days_when_kept: Table {
        least: 0,
        ends: &[
            0, 1, 2, 4, 7, 12, 17, 23, 31, 40, 49, 60, 72, 86, 102, 120, 141, 168, 203, 265, 307, 409, 448,
            479, 518,
        ],
        weights: &[
            6173, 3585, 2198, 3960, 4732, 5432, 4758, 4340, 4927, 5411, 4624, 5046, 4974, 5017, 5118, 4777,
            5034, 4906, 5010, 5120, 1865, 2019, 505, 378, 91,
        ],
    },
    days_to_cancellation: Table {
        least: 0,
        ends: &[0, 1, 2, 5, 8, 13, 20, 26, 35, 44, 56, 71, 87, 103, 124, 169, 258, 270, 394, 443, 578, 584],
        weights: &[
            18_002, 4502, 2927, 5941, 3924, 4934, 5182, 4633, 5387, 4626, 4943, 5120, 5027, 5229, 4695, 4943,
            5207, 1783, 2007, 541, 354, 93,
        ],
    },
    days_left_at_cancellation: Table {
        least: 0,
        ends: &[
            0, 1, 3, 6, 10, 15, 20, 26, 34, 40, 49, 58, 68, 81, 97, 116, 137, 159, 193, 231, 279, 316, 405,
            463, 519, 526,
        ],
        weights: &[
            1724, 1420, 2750, 4580, 5049, 5142, 4837, 4716, 5381, 4735, 5102, 4710, 5241, 4741, 4897, 5145,
            4924, 4974, 4962, 5083, 4912, 2004, 2020, 475, 423, 53,
        ],
    },
    longest_lead_days_when_cancelled: 629,
    nights: Table {
        least: 0,
        ends: &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 19, 57],
        weights: &[
            417, 16_730, 27_009, 26_952, 15_829, 6299, 2596, 2595, 485, 269, 251, 103, 82, 53, 126, 53, 54,
            97,
        ],
    },
    guests: Table {
        least: 0,
        ends: &[0, 1, 2, 3, 4, 5, 12],
        weights: &[210, 19_624, 67_988, 9714, 2345, 116, 3],
    },
    price_cents: Table {
        least: 0,
        ends: &[
            0, 6200, 6280, 6850, 7500, 7920, 8400, 8900, 9067, 9500, 9990, 10_400, 10_900, 11_430, 12_000,
            12_600, 13_230, 14_098, 15_630, 17_550, 19_080, 22_800, 24_667, 28_988, 51_000, 539_999, 540_000,
        ],
        weights: &[
            1523, 7928, 789, 4769, 7015, 3366, 4655, 5578, 4387, 5214, 4862, 4916, 5197, 4854, 6494, 4077,
            4489, 4890, 4998, 5099, 1916, 1994, 492, 399, 98, 0, 1,
        ],
    },
    bookings_per_day: Table {
        least: 1,
        ends: &[
            4, 8, 16, 27, 36, 45, 52, 60, 65, 72, 77, 84, 92, 102, 110, 123, 140, 166, 216, 276, 528, 638,
            793, 2508, 2509,
        ],
        weights: &[
            6081, 4167, 5068, 4730, 5067, 5293, 5180, 4617, 4955, 5856, 4842, 4167, 5631, 4617, 4955, 4842,
            5067, 4955, 4955, 2027, 2027, 450, 338, 0, 113,
        ],
    },
    alike_bookings: Table {
        least: 1,
        ends: &[1, 2, 3, 4, 5, 7, 16, 20, 24, 30, 52, 65, 180],
        weights: &[86_912, 8100, 1474, 773, 446, 385, 951, 380, 111, 243, 129, 49, 47],
    },
};

static RESORT: Figures = Figures {
    room_types: &[
        RoomTypeFigure { letter: 'A', weight: 58_413, physical_rooms: 142 },
        RoomTypeFigure { letter: 'B', weight: 7, physical_rooms: 1 },
        RoomTypeFigure { letter: 'C', weight: 2292, physical_rooms: 14 },
        RoomTypeFigure { letter: 'D', weight: 18_556, physical_rooms: 64 },
        RoomTypeFigure { letter: 'E', weight: 12_437, physical_rooms: 37 },
        RoomTypeFigure { letter: 'F', weight: 2761, physical_rooms: 12 },
        RoomTypeFigure { letter: 'G', weight: 4019, physical_rooms: 10 },
        RoomTypeFigure { letter: 'H', weight: 1500, physical_rooms: 5 },
        RoomTypeFigure { letter: 'L', weight: 15, physical_rooms: 1 },
    ],
    fates: FateWeights { stays: 72_237, no_show: 726, cancels: 27_037 },
    lead_days_when_kept: Table {
        least: 0,
        ends: &[
            0, 1, 2, 3, 5, 8, 13, 20, 28, 37, 49, 66, 83, 106, 130, 158, 185, 220, 273, 308, 364, 386, 468,
            737,
        ],
        weights: &[
            10_668, 5214, 2983, 2532, 4020, 4677, 5108, 5036, 4889, 5005, 5046, 5057, 4834, 4975, 4964, 5053,
            5224, 4800, 4930, 1998, 2135, 496, 267, 89,
        ],
    },
    days_to_cancellation: Table {
        least: 0,
        ends: &[0, 1, 2, 3, 5, 8, 11, 16, 21, 28, 35, 46, 62, 79, 97, 124, 164, 196, 231, 288, 336, 399, 459],
        weights: &[
            11_661, 6454, 3859, 3130, 5198, 6029, 4312, 4930, 4524, 5844, 4062, 5106, 4967, 5060, 5059, 4866,
            5004, 4967, 2013, 1967, 499, 415, 74,
        ],
    },
    days_left_at_cancellation: Table {
        least: 0,
        ends: &[
            0, 1, 2, 6, 11, 13, 17, 23, 29, 35, 42, 51, 60, 72, 83, 96, 112, 130, 160, 199, 246, 276, 329,
            352, 411,
        ],
        weights: &[
            3010, 1597, 1422, 4727, 6084, 3213, 5106, 5604, 4653, 4764, 5355, 4616, 5023, 4875, 5263, 4690,
            5069, 4976, 4986, 5050, 4995, 1939, 1985, 656, 342,
        ],
    },
    longest_lead_days_when_cancelled: 471,
    nights: Table {
        least: 0,
        ends: &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 18, 28, 69],
        weights: &[
            959, 19_341, 15_519, 14_216, 12_047, 6957, 4488, 16_465, 1937, 1568, 2347, 784, 394, 250, 2037,
            82, 160, 387, 62,
        ],
    },
    guests: Table {
        least: 0,
        ends: &[0, 1, 2, 3, 4, 5, 6, 55],
        weights: &[32, 17_506, 70_185, 6962, 5165, 112, 3, 35],
    },
    price_cents: Table {
        least: 0,
        ends: &[
            0, 3000, 3780, 4200, 4700, 5000, 5506, 6000, 6512, 7000, 7500, 8160, 8840, 9800, 11_070, 12_500,
            14_200, 16_305, 18_900, 22_100, 24_100, 28_100, 30_500, 35_200, 50_800,
        ],
        weights: &[
            1877, 3308, 5292, 4730, 5192, 4728, 4873, 5689, 4311, 5494, 4558, 4963, 4997, 5022, 5045, 4992,
            4983, 4945, 5022, 4978, 2027, 1985, 507, 382, 100,
        ],
    },
    bookings_per_day: Table {
        least: 1,
        ends: &[
            1, 6, 10, 14, 18, 21, 24, 27, 30, 33, 36, 40, 44, 49, 54, 61, 71, 85, 108, 126, 160, 239, 380,
        ],
        weights: &[
            5171, 5998, 4136, 5067, 4860, 4964, 5894, 4240, 5274, 5377, 4447, 5171, 4964, 5170, 4964, 4343,
            5274, 5481, 4240, 1965, 2172, 414, 414,
        ],
    },
    alike_bookings: Table {
        least: 1,
        ends: &[1, 2, 3, 4, 5, 7, 9, 13, 24, 27, 55],
        weights: &[91_147, 5889, 1199, 545, 247, 310, 173, 207, 186, 67, 30],
    },
};
