//! The counter's ledger beside a map: a request counts once, when its entry is persisted and not before, and
//! whatever crash comes, recovery knows what was counted.

use proptest::prelude::*;
use rehearsal_model::counter::defects::Defects;
use rehearsal_model::counter::entry::{Entry, LENGTH, read_entries};
use rehearsal_model::counter::ledger::{Ledger, Step};
use rehearsal_model::counter::messages::{Add, Added, Request};
use std::collections::BTreeMap;

/// What counted: how many-th it was, and what it added. Totals are summed up anew every time.
#[derive(Default)]
struct Reference(BTreeMap<Request, (usize, u32)>);

impl Reference {
    fn count(&mut self, entry: &Entry) {
        let counted = self.0.insert(entry.request, (self.0.len(), entry.amount));
        assert_eq!(counted, None, "{:?} counts a second time", entry.request);
    }

    fn total_of_first(&self, count: usize) -> u64 {
        self.0.values().filter(|(place, _)| *place < count).map(|(_, amount)| u64::from(*amount)).sum()
    }

    fn answer(&self, request: Request) -> Option<Added> {
        let (place, _) = self.0.get(&request)?;
        Some(Added { request, total: self.total_of_first(place + 1) })
    }

    fn receive(&self, add: &Add) -> Step {
        let Add { request, amount, .. } = *add;
        let total = self.total_of_first(self.0.len()) + u64::from(amount);
        self.answer(request).map_or(Step::Write(Entry { request, amount, total }), Step::Answer)
    }
}

/// The ledger, and the server around it: it writes one entry at a time, and hears nobody meanwhile.
#[derive(Default)]
struct Server {
    ledger: Ledger,
    reference: Reference,
    persisted: Vec<u8>,
    writing: Option<Entry>,
}

#[derive(Clone, Debug)]
enum Happening {
    Comes(Add),
    Persisted,
    NoSpace,
    /// Of the entry being written so many bytes survive, and so many zeros stand behind them.
    Crash {
        survive: usize,
        zeros: usize,
    },
}

fn request() -> impl Strategy<Value = Request> {
    (0..3_u32, 0..4_u32).prop_map(|(client, number)| Request { client, number })
}

fn happening() -> impl Strategy<Value = Happening> {
    // The amount may differ between attempts: what counts is that of the attempt which was written.
    let add = (request(), 0..3_u32, prop_oneof![0..5_u32, Just(u32::MAX)])
        .prop_map(|(request, attempt, amount)| Add { request, attempt, amount });
    let survive = prop_oneof![Just(0), 0..LENGTH, Just(LENGTH)];
    prop_oneof![
        8 => add.prop_map(Happening::Comes),
        5 => Just(Happening::Persisted),
        1 => Just(Happening::NoSpace),
        2 => (survive, 0..2 * LENGTH).prop_map(|(survive, zeros)| Happening::Crash { survive, zeros }),
    ]
}

impl Server {
    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Comes(_) if self.writing.is_some() => {}
            Happening::Comes(add) => {
                if let Step::Write(entry) = self.ledger.receive(&add) {
                    self.writing = Some(entry);
                }
            }
            Happening::Persisted => {
                if let Some(entry) = self.writing.take() {
                    self.persisted.extend(entry.encode());
                    self.reference.count(&entry);
                    let added = self.ledger.persisted(&entry);
                    assert_eq!(Some(added), self.reference.answer(entry.request));
                }
            }
            Happening::NoSpace => self.writing = None,
            Happening::Crash { survive, zeros } => self.crash(survive, zeros),
        }
    }

    /// An entry that survives whole counts, though nobody was told of it.
    fn crash(&mut self, survive: usize, zeros: usize) {
        let mut found = self.persisted.clone();
        let written = self.writing.take().map(|entry| (entry, entry.encode()));
        if let Some((_, bytes)) = &written {
            found.extend(&bytes[..survive]);
        }
        found.resize(found.len() + zeros, 0);
        if let Some((entry, bytes)) = &written
            && found[self.persisted.len()..].starts_with(bytes)
        {
            self.reference.count(entry);
        }
        let entries = read_entries(&found);
        self.ledger = Ledger::recovered(&entries, Defects::default());
        found.truncate(entries.len() * LENGTH);
        self.persisted = found;
    }

    fn compare(&self) {
        for number in 0..4 {
            for client in 0..3 {
                let add = Add { request: Request { client, number }, attempt: 9, amount: 7 };
                assert_eq!(self.ledger.receive(&add), self.reference.receive(&add));
            }
        }
        let recovered = Ledger::recovered(&read_entries(&self.persisted), Defects::default());
        assert_eq!(recovered, self.ledger, "the disk tells something else");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_request_counts_once_and_is_answered_only_when_it_is_persisted(
        happenings in prop::collection::vec(happening(), 1..80),
    ) {
        let mut server = Server::default();
        for happening in happenings {
            server.happen(happening);
            server.compare();
        }
    }
}
