//! The messages of one partition, as far as a lender has heard of them.
//!
//! ```text
//!   acknowledged, forgotten │ lent │ acknowledged │ available │ lent │ available │ nobody knows
//!                         start                                                 end
//! ```

use super::entry::LoanNumber;
use super::step::Refusal;
use crate::queue::defects::{Defect, Defects};
use crate::queue::offset::Offset;
use std::collections::{BTreeMap, BTreeSet};

/// How it is with one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// Whoever asks may have it.
    Available,
    /// The loan is on its way to the log, and nobody has heard of it.
    Lending(LoanNumber),
    /// It is lent.
    Lent(LoanNumber),
    /// It is lent, and the acknowledgement is on its way to the log.
    Acknowledging(LoanNumber),
    /// Nobody gets it any more.
    Acknowledged,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Message {
    state: State,
    /// How often it was lent.
    tries: u32,
}

/// The messages of one partition, from the first that is not acknowledged on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Shelf {
    start: Offset,
    /// Without a gap, from `start`.
    messages: BTreeMap<Offset, Message>,
}

impl Shelf {
    /// Below it everything is acknowledged.
    pub fn start(&self) -> Offset {
        self.start
    }

    /// How it is with a message; None beyond what was heard of.
    pub fn state(&self, offset: Offset) -> Option<State> {
        if offset < self.start {
            return Some(State::Acknowledged);
        }
        Some(self.messages.get(&offset)?.state)
    }

    /// What is acknowledged from the start on.
    pub fn acknowledged(&self) -> BTreeSet<Offset> {
        self.those(State::Acknowledged).collect()
    }

    /// There are messages up to here.
    pub(super) fn extend(&mut self, end: Offset) {
        let known = self.messages.last_key_value().map_or(self.start, |(last, _)| last.plus(1));
        let fresh = Message { state: State::Available, tries: 0 };
        self.messages.extend((known.0..end.0).map(|offset| (Offset(offset), fresh)));
    }

    /// The first of those that may be lent.
    pub(super) fn choose(&self, most: u32, defects: Defects) -> BTreeSet<Offset> {
        let may = |message: &Message| match message.state {
            State::Available => true,
            State::Lending(_) => defects.has(Defect::LendsTwice),
            State::Lent(_) | State::Acknowledging(_) | State::Acknowledged => false,
        };
        let chosen = self.messages.iter().filter(|(_, message)| may(message));
        chosen.map(|(offset, _)| *offset).take(most as usize).collect()
    }

    pub(super) fn lend(&mut self, offsets: &BTreeSet<Offset>, loan: LoanNumber) {
        for offset in offsets {
            self.set(*offset, State::Lending(loan));
        }
    }

    /// The loan is on the log: which messages, and how often each was lent before.
    pub(super) fn lent(&mut self, offsets: &BTreeSet<Offset>, loan: LoanNumber) -> BTreeMap<Offset, u32> {
        let mut before = BTreeMap::new();
        for offset in offsets {
            if let Some(message) = self.messages.get_mut(offset) {
                message.state = State::Lent(loan);
                before.insert(*offset, message.tries);
                message.tries += 1;
            }
        }
        before
    }

    /// The loan is not on the log.
    pub(super) fn not_lent(&mut self, offsets: &BTreeSet<Offset>, loan: LoanNumber) {
        for offset in offsets {
            if self.state(*offset) == Some(State::Lending(loan)) {
                self.set(*offset, State::Available);
            }
        }
    }

    /// Takes an acknowledgement, if the loan stands.
    pub(super) fn acknowledge(
        &mut self,
        offset: Offset,
        loan: LoanNumber,
        defects: Defects,
    ) -> Result<(), Refusal> {
        match self.state(offset) {
            Some(State::Lent(standing)) if standing == loan => {}
            Some(State::Acknowledging(_) | State::Acknowledged) => return Err(Refusal::AcknowledgedBefore),
            Some(_) if defects.has(Defect::LateAcknowledgementTaken) => {}
            _ => return Err(Refusal::LoanOver),
        }
        self.set(offset, State::Acknowledging(loan));
        Ok(())
    }

    /// The acknowledgement is on the log.
    pub(super) fn remove(&mut self, offset: Offset) {
        self.set(offset, State::Acknowledged);
        while let Some(first) = self.messages.first_entry()
            && first.get().state == State::Acknowledged
        {
            self.start = first.remove_entry().0.plus(1);
        }
    }

    /// The acknowledgement is not on the log.
    pub(super) fn not_removed(&mut self, offset: Offset, loan: LoanNumber, stands: bool) {
        if self.state(offset) == Some(State::Acknowledging(loan)) {
            self.set(offset, if stands { State::Lent(loan) } else { State::Available });
        }
    }

    /// The borrower wants it no longer.
    pub(super) fn give_back(&mut self, offset: Offset, loan: LoanNumber) -> Result<(), Refusal> {
        if self.state(offset) != Some(State::Lent(loan)) {
            return Err(Refusal::LoanOver);
        }
        self.set(offset, State::Available);
        Ok(())
    }

    /// Ends a loan: what of it may be lent again. Of what is being acknowledged the log decides.
    pub(super) fn end(&mut self, loan: LoanNumber) -> BTreeSet<Offset> {
        let returned: BTreeSet<Offset> = self.those(State::Lent(loan)).collect();
        for offset in &returned {
            self.set(*offset, State::Available);
        }
        returned
    }

    /// Whether anything is out under this loan.
    pub(super) fn has_out(&self, loan: LoanNumber) -> bool {
        let out = [State::Lent(loan), State::Acknowledging(loan)];
        self.messages.values().any(|message| out.contains(&message.state))
    }

    /// The loans under which anything is out.
    pub(super) fn loans(&self) -> BTreeSet<LoanNumber> {
        let lent = self.messages.values().filter_map(|message| match message.state {
            State::Lent(loan) | State::Acknowledging(loan) => Some(loan),
            State::Available | State::Lending(_) | State::Acknowledged => None,
        });
        lent.collect()
    }

    fn those(&self, state: State) -> impl Iterator<Item = Offset> + '_ {
        self.messages.iter().filter(move |(_, message)| message.state == state).map(|(offset, _)| *offset)
    }

    fn set(&mut self, offset: Offset, state: State) {
        if let Some(message) = self.messages.get_mut(&offset) {
            message.state = state;
        }
    }
}
