//! The vocabulary that the histories are written in: a chain of one room type that does what it is told, right or
//! wrong, and says so in facts.

use rehearsal_env::{Incarnation, NodeId, Stamp, Time, Violation};
use rehearsal_invariants::reservation::{Rules, monitors};
use rehearsal_model::database::LogPosition;
use rehearsal_model::reservation::facts::{Answer, Attempt, Fact, Operation};
use rehearsal_model::reservation::stay::{
    Intent, Night, Order, OrderState, ReservationId, RoomType, Status, Stay, StepKind,
};
use std::collections::BTreeMap;
use std::time::Duration;

pub const RULES: Rules =
    Rules { overbooking_percent: 10, hold: Duration::from_secs(600), round: Duration::from_secs(60) };

/// What a night costs while nobody says otherwise.
pub const RATE: i64 = 100;

const ROOM_TYPE: RoomType = RoomType { hotel: 1, kind: 1 };

#[derive(Clone, Copy)]
pub enum Who {
    Guest,
    Server,
    Database,
    Payment,
    Provider,
}

pub fn id(number: i64) -> ReservationId {
    ReservationId(number)
}

pub fn night(date: i64) -> Night {
    Night { room_type: ROOM_TYPE, date }
}

/// One room for the nights from `start` to the one before `end`.
pub fn stay(start: i64, end: i64) -> Stay {
    Stay { room_type: ROOM_TYPE, start, end, rooms: 1 }
}

/// Everything that happened. Methods that say something return the number of the fact, and those of a commit the
/// number of its first.
#[derive(Clone, Default)]
pub struct History {
    pub facts: Vec<(Stamp, Fact)>,
    time: Time,
    lives: [u32; 5],
    newest: u64,
    commits: BTreeMap<u64, Vec<Fact>>,
    nights: BTreeMap<Night, [i64; 2]>,
    orders: BTreeMap<i64, Order>,
    requests: u64,
}

impl History {
    /// The nights 1, 2 and 3 with so many rooms.
    pub fn with_rooms(rooms: i64) -> History {
        let mut history = History::default();
        history.commit(|position| {
            let inventory = |date| Fact::InventorySet {
                position,
                night: night(date),
                total_inventory: rooms,
                reserved_before: 0,
                total_reserved: 0,
            };
            let rate = |date| Fact::RateSet { position, night: night(date), price: RATE };
            (1..=3).map(inventory).chain((1..=3).map(rate)).collect()
        });
        history.nights = (1..=3).map(|date| (night(date), [rooms, 0])).collect();
        history
    }

    pub fn say(&mut self, who: Who, fact: Fact) -> u64 {
        self.time = self.time + Duration::from_millis(1);
        let stamp = Stamp {
            number: self.facts.len() as u64,
            time: self.time,
            node: NodeId(who as u32),
            incarnation: Incarnation(self.lives[who as usize]),
            ..Stamp::default()
        };
        self.facts.push((stamp, fact));
        stamp.number
    }

    pub fn pause(&mut self, span: Duration) {
        self.time = self.time + span;
    }

    pub fn restart(&mut self, who: Who) {
        self.lives[who as usize] += 1;
    }

    /// A commit that is reported at once.
    pub fn commit(&mut self, facts: impl FnOnce(LogPosition) -> Vec<Fact>) -> u64 {
        let first = self.facts.len() as u64;
        let position = self.commit_unreported(facts);
        self.report(position);
        first
    }

    /// A commit that the database could not report before it crashed.
    pub fn commit_unreported(&mut self, facts: impl FnOnce(LogPosition) -> Vec<Fact>) -> u64 {
        self.newest += 1;
        let position = LogPosition(self.newest);
        let mut facts = facts(position);
        facts.push(Fact::Committed { position });
        self.commits.insert(self.newest, facts);
        self.newest
    }

    pub fn report(&mut self, position: u64) {
        for fact in self.commits[&position].clone() {
            self.say(Who::Database, fact);
        }
    }

    /// The database crashes, comes up, and reports its commits from this one on again.
    pub fn recover_from(&mut self, position: u64) -> u64 {
        self.restart(Who::Database);
        (position..=self.newest).for_each(|position| self.report(position));
        self.say(Who::Database, Fact::Recovered { through: LogPosition(self.newest) })
    }

    /// The newest place in the log.
    pub fn newest(&self) -> u64 {
        self.newest
    }

    /// A night's row becomes this, whatever it was. For use within a commit.
    pub fn set(&mut self, position: LogPosition, date: i64, reserved: i64) -> Fact {
        let [total_inventory, before] = self.nights[&night(date)];
        self.nights.insert(night(date), [total_inventory, reserved]);
        Fact::InventorySet {
            position,
            night: night(date),
            total_inventory,
            reserved_before: before,
            total_reserved: reserved,
        }
    }

    /// The nights of a stay, raised by so many rooms. For use within a commit.
    pub fn raise(&mut self, position: LogPosition, stay: Stay, rooms: i64) -> Vec<Fact> {
        let dates = stay.start..stay.end;
        dates.map(|date| self.set(position, date, self.nights[&night(date)][1] + rooms)).collect()
    }

    pub fn rate(&mut self, date: i64, price: i64) -> u64 {
        self.commit(|position| vec![Fact::RateSet { position, night: night(date), price }])
    }

    /// Guest `number` orders under the id `number`.
    pub fn order(&mut self, number: i64, stay: Stay) -> u64 {
        self.order_for(number, stay, RATE * stay.length() * stay.rooms)
    }

    pub fn order_for(&mut self, number: i64, stay: Stay, price: i64) -> u64 {
        let order = Order { id: id(number), guest: number, stay, price };
        self.orders.insert(number, order);
        self.say(Who::Server, Fact::IdTaken { id: id(number) });
        self.commit(|position| vec![Fact::OrderPlaced { position, order }])
    }

    pub fn order_of(&self, number: i64) -> Order {
        self.orders[&number]
    }

    /// The guest of wish `intent` asks something about an id.
    pub fn ask(&mut self, intent: u64, number: i64, operation: Operation) -> u64 {
        self.ask_as(intent, number, operation, Attempt::First)
    }

    pub fn ask_as(&mut self, intent: u64, number: i64, operation: Operation, attempt: Attempt) -> u64 {
        self.requests += 1;
        let (request, stay) = (self.requests, self.orders[&number].stay);
        let (guest, intent, reservation) = (number, Intent(intent), Some(id(number)));
        self.say(Who::Guest, Fact::Asked { guest, intent, reservation, operation, stay, attempt, request })
    }

    /// The guest is answered what it asked last.
    pub fn tell(&mut self, intent: u64, number: i64, answer: Answer) -> u64 {
        self.tell_request(self.requests, intent, number, answer)
    }

    pub fn tell_request(&mut self, request: u64, intent: u64, number: i64, answer: Answer) -> u64 {
        let (guest, intent, reservation) = (number, Intent(intent), Some(id(number)));
        let (operation, stay) = (Operation::Book, self.orders[&number].stay);
        self.say(Who::Guest, Fact::Told { guest, intent, reservation, operation, stay, answer, request })
    }

    /// The guest of this number, whose wish has it too, asks for an order.
    pub fn ask_for_order(&mut self, number: i64, stay: Stay) -> u64 {
        self.requests += 1;
        let (request, intent, attempt) = (self.requests, Intent(number as u64), Attempt::First);
        let (reservation, operation) = (None, Operation::Order);
        let asked = Fact::Asked { guest: number, intent, reservation, operation, stay, attempt, request };
        self.say(Who::Guest, asked)
    }

    /// It is told that a night is not for sale.
    pub fn refuse_order(&mut self, number: i64, stay: Stay) -> u64 {
        let (request, intent, answer) = (self.requests, Intent(number as u64), Answer::SoldOut);
        let (reservation, operation) = (None, Operation::Order);
        let told = Fact::Told { guest: number, intent, reservation, operation, stay, answer, request };
        self.say(Who::Guest, told)
    }

    /// The number of the last request.
    pub fn request(&self) -> u64 {
        self.requests
    }

    pub fn settle(&mut self, intent: u64, number: i64) -> u64 {
        let fact = Fact::Settled { guest: number, intent: Intent(intent), reservation: Some(id(number)) };
        self.say(Who::Guest, fact)
    }

    /// What a booking commits: the reservation first, then its nights, the order and the step.
    pub fn booking(&mut self, position: LogPosition, number: i64) -> Vec<Fact> {
        let order = self.orders[&number];
        let mut facts = vec![Fact::Booked { position, order }];
        facts.extend(self.raise(position, order.stay, order.stay.rooms));
        facts.push(Fact::OrderDecided { position, reservation: id(number), state: OrderState::Booked });
        facts.push(Fact::StepSet { position, reservation: id(number), step: Some(StepKind::Charge) });
        facts
    }

    pub fn book(&mut self, number: i64) -> u64 {
        let facts = self.booking(LogPosition(self.newest + 1), number);
        self.commit(|_| facts)
    }

    /// A refusal or cancellation of a reservation, with its nights and the step that follows.
    pub fn end(&mut self, number: i64, to: Status, from: Status, step: Option<StepKind>) -> u64 {
        let (position, reservation) = (LogPosition(self.newest + 1), id(number));
        let mut facts = vec![match to {
            Status::Canceled => Fact::Canceled { position, reservation, from },
            _ => Fact::Rejected { position, reservation, from },
        }];
        let stay = self.orders[&number].stay;
        facts.extend(self.raise(position, stay, -stay.rooms));
        facts.push(Fact::StepSet { position, reservation, step });
        self.commit(|_| facts)
    }

    pub fn charge(&mut self, number: i64) -> u64 {
        let amount = self.orders[&number].price;
        self.say(Who::Provider, Fact::Charged { reservation: id(number), amount })
    }

    pub fn give_back(&mut self, number: i64) -> u64 {
        let amount = self.orders[&number].price;
        self.say(Who::Provider, Fact::MoneyReturned { reservation: id(number), amount })
    }

    pub fn confirm(&mut self, number: i64) -> u64 {
        self.say(Who::Payment, Fact::ChargeConfirmed { reservation: id(number) })
    }

    pub fn paid(&mut self, number: i64) -> u64 {
        let reservation = id(number);
        self.commit(|position| {
            vec![
                Fact::Paid { position, reservation, from: Status::Pending },
                Fact::StepSet { position, reservation, step: None },
            ]
        })
    }

    /// Charged, confirmed, paid.
    pub fn pay(&mut self, number: i64) -> u64 {
        self.charge(number);
        self.confirm(number);
        self.paid(number)
    }

    pub fn refunded(&mut self, number: i64) -> u64 {
        let reservation = id(number);
        self.commit(|position| {
            vec![
                Fact::Refunded { position, reservation, from: Status::Canceled },
                Fact::StepSet { position, reservation, step: None },
            ]
        })
    }

    pub fn step_done(&mut self, number: i64) -> u64 {
        self.commit(|position| vec![Fact::StepSet { position, reservation: id(number), step: None }])
    }

    /// Guest `number`, of the wish of the same number, orders and books a stay, pays, and is told so.
    pub fn booked_stay(&mut self, number: i64, stay: Stay) -> u64 {
        self.order(number, stay);
        self.ask(number as u64, number, Operation::Book);
        let booked = self.book(number);
        self.pay(number);
        self.tell(number as u64, number, Answer::Booked);
        booked
    }

    /// As a jury does it: until something fires, or to the end.
    pub fn verdicts(&self) -> Vec<Violation> {
        let mut monitors = monitors(RULES);
        for (stamp, fact) in &self.facts {
            let fired: Vec<_> =
                monitors.iter_mut().filter_map(|monitor| monitor.witness(stamp, fact).err()).collect();
            if !fired.is_empty() {
                return fired;
            }
        }
        monitors.iter_mut().filter_map(|monitor| monitor.conclude(self.time).err()).collect()
    }

    /// The numbers of the facts by which this invariant convicts.
    #[track_caller]
    pub fn evidence(&self, invariant: &str) -> Vec<u64> {
        let verdicts = self.verdicts();
        let violation = verdicts.iter().find(|violation| violation.invariant == invariant);
        violation.unwrap_or_else(|| panic!("{invariant} is silent: {verdicts:#?}")).evidence.clone()
    }

    /// That nothing fires.
    #[track_caller]
    pub fn passes(&self) {
        assert_eq!(self.verdicts(), [], "nothing is wrong with this history");
    }
}
